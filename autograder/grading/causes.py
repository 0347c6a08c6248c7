"""A name is not defined because the cell that should define it failed: that cell's own error comes first."""

import re

from nbformat import NotebookNode
from nbgrader import utils

from autograder.execute import Report
from autograder.grading.restore import bound_names

UNDEFINED = re.compile(r"NameError: name '(\w+)' is not defined")
IMPORT = re.compile(r"^(?:from +\S+ +)?import +([^#\n]+)", re.MULTILINE)
#: Quantifiers are possessive, because backtracking could take for ever.
IMPORTED = re.compile(r"(?<![\w.])(\w++)[\w.]*+(?: ++as ++(\w++))?+(?:,|$)")
#: Cell magics discard what a cell defines, or do not run it as Python at all; these two are exceptions.
MAGIC = re.compile(r"\s*(%%(?!(?:time|capture)\b)\w+)")
#: IPython's file names are numbers that mean nothing to a reader.
FILE = re.compile(r"\((?:\S+, )?line (\d+)\)")
LONGEST, DEEPEST = 300, 20


def name_causes(notebook: NotebookNode, report: Report) -> None:
    """If a check says that a name is not defined, put the error of the cell that should have defined it first.

    Args:
        notebook: the executed notebook.
        report: the report on its run; the checks' messages in it are changed.
    """
    places = {
        cell.metadata.nbgrader.grade_id: index for index, cell in enumerate(notebook.cells) if utils.is_grade(cell)
    }
    for check in report.checks:
        undefined = UNDEFINED.search(check.message)
        if undefined and check.grade_id in places:
            cause = _cause(undefined[1], notebook.cells[: places[check.grade_id]])
            if cause:
                check.message = f"{cause}\n{check.message.replace('Your code', 'Then it', 1)}"


def _cause(name: str, cells: list[NotebookNode], depth: int = DEEPEST) -> str:
    """What kept the learner's cells from defining a name, as lines; empty if nothing did.

    A cell may have failed because an earlier one did, and so on: ``depth`` such steps are taken.
    """
    for index in range(len(cells) - 1, -1, -1):
        cell = cells[index]
        if cell.cell_type != "code" or utils.is_locked(cell) or name not in _names(cell.source):
            continue
        if magic := MAGIC.match(cell.source):
            return f"Your cell begins with {magic[1]}, which discards what the cell defines: {name}. Remove that line."
        error = next((output for output in cell.outputs if output.output_type == "error"), None)
        if error is None:
            return ""
        said = FILE.sub(r"(line \1)", f"{error.ename}: {error.evalue}"[:LONGEST])
        undefined = UNDEFINED.search(said) if depth else None
        first = undefined and _cause(undefined[1], cells[:index], depth - 1)
        return first or f"Your code stopped with {said}\n  in the cell that should define {name}{_advice(said)}"
    return ""


def _names(source: str) -> set[str]:
    """The names that a cell defines, assigns or imports at its top level, even if it is not valid Python."""
    imported = {name for what in IMPORT.findall(source) for pair in IMPORTED.findall(what.strip()) for name in pair}
    return bound_names(source) | imported


def _advice(said: str) -> str:
    if "U+00A0" in said:
        return "\n  A no-break space, pasted from a web page, only looks like a space: replace it with an ordinary one."
    if said.startswith("ModuleNotFoundError"):
        return "\n  The grader has only the packages that are listed in the course's requirements.txt."
    return ""
