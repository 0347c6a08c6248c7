"""Turn an autograded notebook into one to show its learner: what each check found in words, no hidden test."""

import json
from pathlib import Path

from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor

from autograder.feedback.safe_html import clean_html
from autograder.grading.results import results

SHOWN_OUTPUT = ("text/html", "text/plain", "text/latex", "text/markdown", "image/png", "image/jpeg")


class TellInWords(NbGraderPreprocessor):
    """Collect a ``Result`` for each check into ``resources["course"]``, and take out what must not be shown.

    Runs after nbgrader's ``GetGrades``, which writes the marks into the cells.
    """

    def preprocess(self, nb, resources):
        resources["course"] = {"results": results(nb), "problems": _problems(resources)}
        for cell in nb.cells:
            if cell.cell_type == "code":
                _clean_code_cell(cell)
        return nb, resources


def _problems(resources) -> list[str]:
    """What the report beside the autograded notebook says went wrong."""
    path = Path(resources["metadata"]["path"]) / f"{resources['metadata']['name']}.report.json"
    return json.loads(path.read_text(encoding="utf-8"))["problems"] if path.exists() else []


def _clean_code_cell(cell) -> None:
    if utils.is_grade(cell):
        ClearHiddenTests()._remove_hidden_test_region(cell)
        cell.source = cell.source.rstrip()
        cell.outputs = [output for output in cell.outputs if output.output_type == "stream"]
    for output in cell.outputs:
        if "data" in output:
            output.data = {kind: text for kind, text in output.data.items() if kind in SHOWN_OUTPUT}
            if "text/html" in output.data:
                output.data["text/html"] = clean_html(output.data["text/html"])
