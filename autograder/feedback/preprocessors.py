"""Turn an autograded notebook into one to show: nothing runs, and learners see no hidden tests, but checks in words."""

import base64
import html
import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor

from autograder.course import find_course
from autograder.errors import CourseError
from autograder.feedback.bounds import cut_cells, cut_outputs, is_preparation
from autograder.feedback.items import items, read_marks
from autograder.feedback.safe_html import clean_html
from autograder.feedback.safe_markdown import markdown_as_html
from autograder.grading.results import read_report

SET_UP = {"setup": "set-up", "tools": "tools"}
TITLE = "#@title "
TAG = re.compile(r"<(?!img)[^>]*>")


class CutOutputs(NbGraderPreprocessor):
    """When grading, keep only as much of the outputs as a page can show, so that no autograded notebook is enormous."""

    def preprocess(self, nb, resources):
        cut_outputs(nb)
        return nb, resources


class ShowSafely(NbGraderPreprocessor):
    """Remove whatever could run or be loaded in a viewer's browser, and whatever is too long.

    The formgrader shows the rest.
    """

    def preprocess(self, nb, resources):
        cut_outputs(nb)
        cut_cells(nb)
        nb.metadata = NotebookNode(language_info={"name": "python"})
        for number, cell in enumerate(nb.cells, start=1):
            _show_cell(cell, number)
        return nb, resources


class TellInWords(ShowSafely):
    """Put what the page lists into ``resources["course"]``, and take out what must not be shown.

    Runs after nbgrader's ``GetGrades``, which finds the total.
    """

    def preprocess(self, nb, resources):
        about = resources["nbgrader"]
        report = read_report(Path(resources["metadata"]["path"]) / f"{resources['metadata']['name']}.ipynb")
        marks = read_marks(about["db_url"], about["notebook"], about["assignment"], about["student"])
        original = self._original(about["assignment"], about["notebook"]) or nb
        resources["course"] = {"results": items(original, report, marks), "problems": report.problems}
        for cell in nb.cells:
            if "nbgrader" in cell.metadata:
                mark = marks.get(cell.metadata.nbgrader.get("grade_id"))
                cell.metadata.nbgrader["comment"] = mark.comment if mark else ""
            if cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell):
                ClearHiddenTests(parent=self)._remove_hidden_test_region(cell)
                cell.source = cell.source.rstrip()
                cell.outputs = [output for output in cell.outputs if output.output_type == "stream"]
        written = {(cell.cell_type, cell.source) for cell in original.cells} if original is not nb else set()
        theirs = {id(cell) for cell in nb.cells if written and (cell.cell_type, cell.source) not in written}
        nb, resources = super().preprocess(nb, resources)
        for cell in nb.cells:
            changed = id(cell) in theirs
            is_check = utils.is_grade(cell) and not utils.is_solution(cell)
            cell.metadata["theirs"] = changed
            cell.metadata["title"] = _title(cell.source) if is_check or not changed else ""
        return nb, resources

    def _original(self, assignment: str, notebook: str) -> NotebookNode | None:
        """The course's own copy of the notebook; None if it is not here."""
        directory = CourseDirectory(parent=self)
        here = Path(directory.format_path(directory.source_directory, ".", assignment)) / f"{notebook}.ipynb"
        paths = [here]
        with suppress(CourseError):  # a notebook that is tried is graded in a folder of its own
            paths.append(find_course().solution(notebook))
        path = next((path for path in paths if path.is_file()), None)
        return _read(path, path.stat().st_mtime_ns) if path else None


@lru_cache(maxsize=4)
def _read(path: Path, modified: int) -> NotebookNode:
    """A notebook, read once for a whole class unless it is modified."""
    return nbformat.read(path, as_version=4)


def _title(source: str) -> str:
    """The title of a cell that is folded in the notebook; empty for a cell that is open."""
    first = source.partition("\n")[0]
    return first.removeprefix(TITLE).partition("{")[0].strip() if first.startswith(TITLE) else ""


def _show_cell(cell: NotebookNode, number: int) -> None:
    """Prepare a cell for a page. Templates write its id and tags into the page, so only the page's own remain."""
    about = cell.metadata.get("nbgrader")
    folded = f"The course's {SET_UP.get(about.get('grade_id'), 'own code')}" if is_preparation(cell) else ""
    cell.metadata = NotebookNode(folded=folded) if about is None else NotebookNode(folded=folded, nbgrader=about)
    if "id" in cell:
        cell.id = f"cell-{number}"
    if cell.cell_type == "code":
        for output in cell.outputs:
            if "data" in output:
                output.metadata, output.data = NotebookNode(), _shown(output.data)
        cell.outputs = [output for output in cell.outputs if output.get("data", True)]


def _shown(data: NotebookNode) -> NotebookNode:
    """The best of an output's forms that can be shown safely."""
    texts = {kind: text for kind, text in data.items() if isinstance(text, str)}
    for kind, clean in CLEANED.items():
        if kind in texts and _says_something(cleaned := clean(texts[kind])):
            return NotebookNode({"text/html": cleaned})
    kept = next((kind for kind in ("image/png", "image/jpeg", "text/plain") if kind in texts), None)
    return NotebookNode({kept: texts[kept]} if kept else {})


def _drawing(svg: str) -> str:
    """An SVG as a picture: inside ``<img>`` it runs no script and loads nothing."""
    return f'<img alt="" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode(errors="replace")).decode()}">'


CLEANED = {
    "text/html": clean_html,
    "text/markdown": markdown_as_html,
    "image/svg+xml": _drawing,
    "text/latex": markdown_as_html,
}


def _says_something(cleaned: str) -> bool:
    return bool(html.unescape(TAG.sub("", cleaned)).strip())
