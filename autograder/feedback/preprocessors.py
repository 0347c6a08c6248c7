"""Turn an autograded notebook into one to show: nothing that runs, for learners no hidden test, checks in words."""

from pathlib import Path

from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor

from autograder.feedback.safe_html import clean_html
from autograder.grading.results import read_report, results

SHOWN_OUTPUT = ("text/html", "text/plain", "text/latex", "text/markdown", "image/png", "image/jpeg")


class TellInWords(NbGraderPreprocessor):
    """Collect a ``Result`` for each check into ``resources["course"]``, and take out what must not be shown.

    Runs after nbgrader's ``GetGrades``, which writes the marks into the cells.
    """

    def preprocess(self, nb, resources):
        report = read_report(Path(resources["metadata"]["path"]) / f"{resources['metadata']['name']}.ipynb")
        checks = [cell.metadata.nbgrader for cell in nb.cells if utils.is_grade(cell)]
        marks = {check.grade_id: check.score for check in checks}
        resources["course"] = {"results": results(nb, report, marks), "problems": report.problems}
        for cell in nb.cells:
            if cell.cell_type == "code":
                _clean_code_cell(cell)
        return nb, resources


class ShowSafely(NbGraderPreprocessor):
    """Take out of a notebook's outputs what could run in the browser of whoever looks at it, as in the formgrader."""

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type == "code":
            _clean_outputs(cell)
        return cell, resources


def _clean_code_cell(cell) -> None:
    if utils.is_grade(cell):
        ClearHiddenTests()._remove_hidden_test_region(cell)
        cell.source = cell.source.rstrip()
        cell.outputs = [output for output in cell.outputs if output.output_type == "stream"]
    _clean_outputs(cell)


def _clean_outputs(cell) -> None:
    for output in cell.outputs:
        if "data" in output:
            output.metadata = {}  # templates write parts of it into attributes
            output.data = {kind: text for kind, text in output.data.items() if kind in SHOWN_OUTPUT}
            if "text/html" in output.data:
                output.data["text/html"] = clean_html(output.data["text/html"])
