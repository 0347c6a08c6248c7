"""Assignments in nbgrader's own format: their checks run in the learner's process, as nbgrader itself runs them.

A check that was not written for our examiner may compare objects, read an answer's source, replace a function that the
answer calls, or look at the plot that it drew. None of that can be done from another process. So notebooks that this
course has not built are run in nbgrader's way, with nbgrader's marks.
"""

from collections.abc import Mapping

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests

from autograder.errors import CourseError
from autograder.execute import CheckReport, Report
from autograder.grading.failing_test import failing_test
from autograder.grading.restore import KnownCell
from autograder.source.ids import CHECK

#: What is printed below the table of such an assignment.
NOTE = (
    "This assignment's checks run beside the learner's code, as nbgrader runs them: "
    "the walls protect this machine, but not the marks."
)


def runs_beside(known: Mapping[str, KnownCell]) -> bool:
    """Whether a notebook's checks run beside the learner's code.

    Only the course's own copy of the notebook decides. It is one of ours if it has the set-up that the build writes and
    also either the tools or only checks that are named as the build names them.

    Args:
        known: the source's cells by ``grade_id``.
    """
    if "setup" not in known or not known["setup"].prepares:
        return True
    checks = [grade_id for grade_id, cell in known.items() if cell.metadata["grade"]]
    return "tools" not in known and not all(grade_id.startswith(CHECK) for grade_id in checks)


def settle_beside(notebook: NotebookNode, report: Report, markers: ClearHiddenTests) -> None:
    """Give the report the marks that nbgrader reads from the checks' outputs, and the visible tests that failed.

    Args:
        notebook: it has run.
        report: the report of its run.
        markers: what marks hidden tests in this course.

    Raises:
        CourseError: nbgrader would refuse the notebook: a check shows more points than it is worth.
    """
    known = {check.grade_id: check for check in report.checks}
    for cell in notebook.cells:
        if cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell):
            check = known.get(cell.metadata.nbgrader.grade_id)
            if check is None:
                check = CheckReport(cell.metadata.nbgrader.grade_id, cell.metadata.nbgrader.points, 0, "right", "")
                report.checks.append(check)  # an empty check: nbgrader gives full marks
            try:
                check.score, _ = utils.determine_grade(cell)
            except (ValueError, KeyError, TypeError):
                raise CourseError(
                    f"the check {check.grade_id!r} gives more than its {check.points:g} points: correct the check"
                ) from None
            if check.status == "right" and (utils.has_failed(cell) or check.score < check.points):
                check.status, check.message = "wrong", _why(cell, check)
            elif check.status == "wrong" and (test := failing_test(cell, markers)):
                check.message = f"This test failed: {test}"


def _why(cell: NotebookNode, check: CheckReport) -> str:
    warnings = [output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stderr"]
    if warnings:
        first = "".join(warnings).strip().splitlines()[:1]
        return "\n".join(["Something, such as a warning, was written to stderr: this counts as wrong.", *first])
    return f"The check gives {check.score:g} of {check.points:g} points."
