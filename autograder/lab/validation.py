"""What *Validate* shows: the names of exercises and their checks' messages, not hundreds of lines of check source.

nbgrader's dialog and its command show the source and the traceback of each failed cell. Neither can be configured, so
a subclass of its ``Validator`` replaces both texts and leaves everything else, the verdict included, to nbgrader.
``nbgrader_config.py`` installs it, because every server and command that validates reads that file first.
"""

import copy
import re
import sys

from nbformat import NotebookNode
from nbgrader import validator

#: The first line of a check, and of other folded cells.
CHECK = re.compile(r"#@title Check of e(xercise \d+: .*) \{")
TITLE = re.compile(r"#@title (.*?)(?:: run this cell.*)? \{")
#: nbgrader's modules that create a ``Validator``.
USERS = ("nbgrader.apps.validateapp", "nbgrader.server_extensions.validate_assignment.handlers")


class ShortValidator(validator.Validator):
    """nbgrader's validator with a short text for each cell."""

    def _get_type_changed_cells(self, nb: NotebookNode) -> list[NotebookNode]:
        return [named(cell) for cell in super()._get_type_changed_cells(nb)]

    def _get_changed_cells(self, nb: NotebookNode) -> list[NotebookNode]:
        return [named(cell) for cell in super()._get_changed_cells(nb)]

    def _get_passed_cells(self, nb: NotebookNode) -> list[NotebookNode]:
        return [named(cell) for cell in super()._get_passed_cells(nb)]

    def _get_failed_cells(self, nb: NotebookNode) -> list[NotebookNode]:
        return [named(cell) for cell in super()._get_failed_cells(nb)]

    def _extract_error(self, cell: NotebookNode) -> str:
        errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        return "\n".join(map(message_of, errors)) if errors else super()._extract_error(cell)


def named(cell: NotebookNode) -> NotebookNode:
    """A copy of a cell with its name in place of its source."""
    copied = copy.copy(cell)
    copied.source = name_of(cell)
    return copied


def name_of(cell: NotebookNode) -> str:
    """What to call a cell: its exercise if it is a check, the title of another folded cell, else its first line."""
    first = cell.source.strip().partition("\n")[0]
    if check := CHECK.match(first):
        return f"E{check[1]}"
    title = TITLE.match(first)
    if title:
        return title[1]
    return "Set-up" if cell.metadata.get("nbgrader", {}).get("grade_id") == "setup" else first


def message_of(error: NotebookNode) -> str:
    """An error's message: its traceback if that is one of ours, which has no frames; else the traceback's last line."""
    lines = "\n".join(error.traceback).splitlines()
    framed = any(line.lstrip("\x1b[0123456789;m").startswith(("---", "Traceback", "File ")) for line in lines)
    return f"{error.ename}: {error.evalue}".removesuffix(": ") if framed or not lines else "\n".join(lines)


def install() -> None:
    """Let nbgrader's *Validate* button and its ``nbgrader validate`` command use it.

    Whichever of the two reads the configuration is already imported; importing the other would slow down every command.
    """
    for name in USERS:
        if name in sys.modules:
            sys.modules[name].Validator = ShortValidator
