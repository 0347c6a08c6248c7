"""A submission's run: which cells it ran, and how its outputs are made to give exactly the marks of its report."""

from dataclasses import dataclass

from nbformat import NotebookNode, from_dict
from nbgrader import utils

from autograder.execute import CheckReport, Report


@dataclass(frozen=True)
class Run:
    """An executed notebook and its report."""

    notebook: NotebookNode
    report: Report


def note_missing(notebook: NotebookNode, sentences: list[str]) -> None:
    """Store sentences about what was handed in, and what it lacks, in the notebook, for the run's report."""
    notebook.metadata["autograder"] = {"missing": sentences}


def take_missing(notebook: NotebookNode) -> list[str]:
    """Take those sentences out of the notebook again."""
    return notebook.metadata.pop("autograder", {}).get("missing", [])


def name_cells(notebook: NotebookNode) -> None:
    """Give the cells ids that are the same every time the submission is graded.

    Cells of older formats have none, nor do restored ones: nbformat makes up random ids, different every time.
    """
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"cell-{number}"


def same_cells(one: NotebookNode, other: NotebookNode) -> bool:
    """Whether running one notebook is the same as running the other: ids and outputs do not matter."""
    return _what_runs(one) == _what_runs(other)


def _what_runs(notebook: NotebookNode) -> list[tuple]:
    return [(cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells]


def take_over(notebook: NotebookNode, finished: Run) -> Report:
    """Give ``notebook`` the outputs of a finished run of the same cells; returns that run's report."""
    take_missing(notebook)
    name_cells(notebook)
    for cell, done in zip(notebook.cells, finished.notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = done.outputs, done.execution_count
    return finished.report


def settle_checks(notebook: NotebookNode, report: Report) -> None:
    """Make the checks' outputs give nbgrader the marks of ``report``, and nothing else.

    nbgrader takes an error for a wrong answer, but also a line on stderr, such as a warning, and a displayed number for
    a partial mark. Here a check has an error output if and only if it is not right. A check that is not in the report
    did not run, and is added to it.

    Raises:
        ValueError: the report gives a check some but not all of its points, or not those that its status deserves.
    """
    known = {check.grade_id: check for check in report.checks}
    for cell in notebook.cells:
        if cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell):
            about = cell.metadata.nbgrader
            check = known.get(about.grade_id)
            if check is None:
                check = CheckReport(about.grade_id, about.points, 0, "stopped", "This check was not run.")
                report.checks.append(check)
            if check.score != (about.points if check.status == "right" else 0):
                raise ValueError(f"{check.grade_id} is {check.status} with {check.score:g} of {about.points:g} points")
            cell.outputs = _outputs(cell.outputs, check)


def _outputs(outputs: list[NotebookNode], check: CheckReport) -> list[NotebookNode]:
    """A check's outputs, in a form from which nbgrader reads the mark that the report gives."""
    if check.status == "right":
        return [_without_a_mark(output) for output in outputs if output.output_type != "error"]
    told = [_without_a_mark(output) for output in outputs]
    if not any(output.output_type == "error" for output in told):
        told.append(
            from_dict(
                {"output_type": "error", "ename": "NotRight", "evalue": check.message, "traceback": [check.message]}
            )
        )
    return told


def _without_a_mark(output: NotebookNode) -> NotebookNode:
    """A stream or a displayed value as plain output; an error as it is."""
    if output.output_type == "stream":
        return from_dict({"output_type": "stream", "name": "stdout", "text": output.text})
    if output.output_type == "execute_result":
        return from_dict({"output_type": "display_data", "data": output.data, "metadata": output.metadata})
    return output
