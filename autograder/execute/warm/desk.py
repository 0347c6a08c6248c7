"""The folder that learners' code works in: it holds the files beside the notebook, and modules are found there."""

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path


def lay_out(files: Mapping[str, bytes]) -> None:
    """Write ``files`` into the working directory, and look for modules there first, as Jupyter does.

    What cannot be written is left out. If a file has the name of another file's folder, only the first of the two is
    written.
    """
    for name, content in files.items():
        path = Path(name)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    sys.path.insert(0, "")
