"""What a feedback page lists at the top: each check, and each answer or task that a teacher marks."""

from dataclasses import dataclass, field

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook

from autograder.execute import Report
from autograder.feedback.bounds import shorten
from autograder.grading.results import results

#: Characters of a message that are shown: a learner's exception may say anything.
LONGEST_MESSAGE = 5_000


@dataclass(frozen=True)
class Mark:
    """What the gradebook has for one cell.

    Attributes:
        score: points earned, extra credit included; None if nobody has marked it yet.
        extra: the extra credit in it.
        blank: whether nbgrader found the answer unchanged since the release, and gave it 0 points.
        comment: what the teacher wrote.
    """

    score: float | None = None
    extra: float = 0
    blank: bool = False
    comment: str = ""


@dataclass
class Item:
    """One line of the list.

    Attributes:
        grade_id: the cell's id.
        title: its heading in the notebook, or its id if there is none.
        status: for a check, ``"right"``, ``"wrong"``, ``"unsolved"`` or ``"stopped"``; for what a teacher marks,
            ``"right"``, ``"partly"``, ``"wrong"``, ``"unsolved"`` or ``"waiting"``.
        score, points, extra: marks earned, marks possible, and the extra credit among those earned.
        message: what the check said.
        hints: the exercise's folded hints, Markdown.
        comments: what the teacher wrote, Markdown.
    """

    grade_id: str
    title: str
    status: str
    score: float
    points: float
    extra: float = 0
    message: str = ""
    hints: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def read_marks(db_url: str, notebook: str, assignment: str, student: str) -> dict[str, Mark]:
    """What the gradebook has for each cell of a submission, by ``grade_id``."""
    with Gradebook(db_url) as gradebook:
        submission = gradebook.find_submission_notebook(notebook, assignment, student)
        comments = {comment.name: comment.manual_comment or "" for comment in submission.comments}
        blanks = {comment.name for comment in submission.comments if comment.auto_comment}
        marks = {name: Mark(comment=comment) for name, comment in comments.items()}
        for grade in submission.grades:
            marked = grade.manual_score is not None or grade.auto_score is not None
            score = grade.score if marked or grade.extra_credit else None
            blank = grade.manual_score is None and grade.name in blanks
            marks[grade.name] = Mark(score, grade.extra_credit or 0, blank, comments.get(grade.name, ""))
    return marks


def items(course: NotebookNode, report: Report, marks: dict[str, Mark]) -> list[Item]:
    """The list, in the notebook's order.

    Args:
        course: the course's own copy of the notebook, because a learner can write anything above and below an exercise.
        report: what each check found.
        marks: what the gradebook has, by ``grade_id``.
    """
    scores = {grade_id: mark.score or 0 for grade_id, mark in marks.items()}
    checks = {result.grade_id: result for result in results(course, report, scores)}
    found, above, comments = [], "", []
    for cell in course.cells:
        about = cell.metadata.get("nbgrader", {})
        mark = marks.get(about.get("grade_id"), Mark())
        comments += [mark.comment] if mark.comment else []
        if cell.cell_type == "markdown" and (heading := _heading(cell.source)):
            above = heading
        if utils.is_task(cell) or (utils.is_grade(cell) and utils.is_solution(cell)):
            title, points = above or about.grade_id, about.points
            item = Item(about.grade_id, title, _status(mark, points), mark.score or 0, points, mark.extra)
            item.message = "Not answered." if item.status == "unsolved" else ""
        elif about.get("grade_id") in checks:
            result = checks[about.grade_id]
            status = "right" if result.right else "wrong" if result.status == "right" else result.status
            item = Item(result.grade_id, result.title, status, result.score, result.points, mark.extra)
            if not result.right:
                item.message, item.hints = shorten(result.message, LONGEST_MESSAGE), result.hints
        else:
            continue
        found.append(item)
        item.comments, comments = comments, []
    return found


def _heading(text: str) -> str:
    """The last heading in a Markdown text."""
    lines = [line for line in text.splitlines() if line.startswith("#")]
    return lines[-1].lstrip("#").strip() if lines else ""


def _status(mark: Mark, points: float) -> str:
    if mark.score is None:
        return "waiting"
    if mark.blank and not mark.score:
        return "unsolved"
    return "right" if mark.score >= points else "partly" if mark.score else "wrong"
