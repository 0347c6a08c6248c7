"""What the cells of notebooks cost by themselves: CPU seconds in a fork of a warm process with an IPython shell.

Nothing else is counted: no start of a process, no import, no kernel, no grading. Arguments: the notebooks. Prints a
JSON list of their CPU seconds.
"""

import gc
import json
import os
import sys
import time

import nbformat
import torchvision  # noqa: F401
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from autograder.execute.warm.server import use_once


def main(paths: list[str]) -> None:
    """Print what each notebook's cells cost."""
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    use_once()
    gc.collect()
    gc.freeze()  # as the engine does: no fork goes through what it has not made
    print(json.dumps([in_a_fork(shell, nbformat.read(path, as_version=4)) for path in paths]))
    gc.unfreeze()


def in_a_fork(shell: InteractiveShell, notebook: nbformat.NotebookNode) -> float:
    """CPU seconds of the code cells of ``notebook`` with all the processes that they start and wait for."""
    read, write = os.pipe()
    if os.fork() == 0:
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        began = time.process_time()
        for cell in notebook.cells:
            if cell.cell_type == "code":
                shell.run_cell(cell.source)
        children = sum(os.times()[2:4])
        os.write(write, str(time.process_time() - began + children).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        return float(answer.read())


if __name__ == "__main__":
    main(sys.argv[1:])
