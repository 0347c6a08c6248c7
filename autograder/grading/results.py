"""What each check of a graded submission found, in words: for the table and for the feedback pages."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode
from nbgrader import utils

from autograder.errors import CourseError
from autograder.execute import Report

#: How the first line of a failed check's message begins, and the line that names the mistake.
FAILED, NAMED = "✗ ", "→ "
HEADING = re.compile(r"^### (Exercise \d+: .+)$", re.MULTILINE)


@dataclass
class Result:
    """One exercise on a feedback page.

    Attributes:
        grade_id: its check's id.
        title: its heading in the notebook, or the check's id if there is none.
        score, points: marks earned and possible, from the gradebook: a teacher may have changed them by hand.
        status: ``"right"``, ``"wrong"``, ``"unsolved"``, or ``"stopped"`` if a limit or the process's death ended it.
        message: what the check said, without its code; empty when it is right.
        hints: the exercise's folded hints, Markdown.
    """

    grade_id: str
    title: str
    score: float
    points: float
    status: str
    message: str
    hints: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether it earned all of its points; for an exercise without points, whether its check passed."""
        return self.score >= self.points if self.points else self.status == "right"


def report_path(path: Path) -> Path:
    """Where the report of an autograded notebook is: beside it."""
    return path.with_name(f"{path.stem}.report.json")


def read_report(path: Path) -> Report:
    """The report beside an autograded notebook.

    Args:
        path: the notebook.

    Raises:
        CourseError: there is none, or it is of another version.
    """
    try:
        return Report.from_json(report_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        raise CourseError(f"{path} has no readable report: grade it again with --again") from None


def results(notebook: NotebookNode, report: Report, marks: dict[str, float]) -> list[Result]:
    """What each check of an autograded notebook found, in the notebook's order.

    Args:
        notebook: titles and hints are taken from its text.
        report: statuses and messages are taken from it.
        marks: the gradebook's, by ``grade_id``.
    """
    checks = {check.grade_id: check for check in report.checks}
    found, text_above = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (heading := HEADING.search(cell.source)):
            text_above = cell.source[heading.start() :]  # what is folded above it belongs to something else
        elif utils.is_grade(cell) and cell.metadata.nbgrader.grade_id in checks:
            check, heading = checks[cell.metadata.nbgrader.grade_id], HEADING.search(text_above)
            found.append(
                Result(
                    grade_id=check.grade_id,
                    title=heading[1] if heading else check.grade_id,
                    score=marks.get(check.grade_id, 0),
                    points=check.points,
                    status=check.status,
                    message=check.message,
                    hints=_hints(text_above),
                )
            )
            text_above = ""
    return found


def named_mistake(message: str) -> str:
    """The sentence in which a check names the mistake: its message's last line; empty if it names none.

    Only that line counts: every other may quote the learner, whose values and exceptions may say anything.
    """
    lines = [line.strip() for line in message.splitlines()] or [""]
    return lines[-1].removeprefix(NAMED).strip() if lines[0].startswith(FAILED) and lines[-1].startswith(NAMED) else ""


def _hints(text: str) -> list[str]:
    """The folded parts of a text; searched for, because a regex could take for ever on a malicious text."""
    hints, place = [], text.find("<details>")
    while place >= 0 and (end := text.find("</details>", place)) >= 0:
        hints.append(text[place : end + len("</details>")])
        place = text.find("<details>", end)
    return hints
