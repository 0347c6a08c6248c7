"""A grader as graders usually are: set-up, answers and checks share an interpreter, and marks are read from outputs.

Run by ``test_hostile.py`` in a process of its own, because attacks bend torch and Python. Reads from standard input a
list of ``{"folder": where to run, "cells": [[is the check, source], …]}`` and writes for each whether its check showed
no error, and what was printed.
"""

import json
import os
import signal
import sys
import tempfile

import matplotlib.pyplot as plt  # noqa: F401
import torch  # noqa: F401
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

SECONDS = 60


class Shell(InteractiveShell):
    """Notes the errors that it shows."""

    shown = 0

    def _showtraceback(self, *values) -> None:
        Shell.shown += 1
        super()._showtraceback(*values)

    def enable_gui(self, gui=None) -> None:
        pass


def run(shell: Shell, folder: str, cells: list) -> bool:
    """Whether the check showed no error."""
    os.chdir(folder)
    os.environ["HOME"] = folder
    passed = False
    for is_check, source in cells:
        before = Shell.shown
        shell.run_cell(source, store_history=True)
        if is_check:
            passed = Shell.shown == before
    return passed


def main() -> None:
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = Shell.instance(config=config)
    results = []
    for job in json.load(sys.stdin):
        with tempfile.TemporaryFile() as printed:
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    os.setsid()
                    signal.alarm(SECONDS)
                    os.dup2(printed.fileno(), 1)
                    os.dup2(printed.fileno(), 2)
                    status = 42 if run(shell, job["folder"], job["cells"]) else 1
                    sys.stdout.flush()
                finally:
                    os._exit(status)
            _, status = os.waitpid(child, 0)
            printed.seek(0)
            text = printed.read(1_000_000).decode(errors="replace")
        results.append([os.waitstatus_to_exitcode(status) == 42, text])
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
