"""Grade a class: each submission on its own through nbgrader, one row for each learner, whatever a submission does."""

import copy
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from traitlets.config import Config

from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading.nbgrader_apps import StepError, autograde, course_directory, generate_assignment
from autograder.grading.results import HEADING, Result, results
from autograder.grading.submissions import Submission, find_submissions


@dataclass(frozen=True)
class Exercise:
    """A graded exercise: its check's ``grade_id``, its heading and its points."""

    grade_id: str
    title: str
    points: float


@dataclass
class Row:
    """One learner's line in the table.

    Attributes:
        student: the learner.
        marks: points by ``grade_id``; empty if the submission could not be graded.
        results: what each check found.
        problems: sentences on what went wrong beyond a wrong answer.
        graded: whether there are marks.
    """

    student: str
    marks: dict[str, float] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def graded(self) -> bool:
        return bool(self.marks)

    @property
    def score(self) -> float:
        return sum(self.marks.values())


def exercises(solution: Path) -> list[Exercise]:
    """The graded exercises of a notebook, in order."""
    found, title = [], ""
    for cell in nbformat.read(solution, as_version=4).cells:
        heading = HEADING.search(cell.source) if cell.cell_type == "markdown" else None
        title = heading[1] if heading else title
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade"):
            found.append(Exercise(about.grade_id, title, about.points))
    return found


def register(course: Course, config: Config, name: str) -> None:
    """Note a notebook's cells and points in the gradebook, as ``nbgrader generate_assignment`` does.

    Works in a temporary folder, so that an interruption leaves no half-written release.

    Raises:
        CourseError: the solution is not built, or nbgrader refuses it.
    """
    if not course.solution(name).is_file():
        raise CourseError(f"{course.solution(name)} does not exist: run `autograder build {name}`.")
    database = course_directory(config).db_url
    with tempfile.TemporaryDirectory() as folder:
        solution = Path(folder) / "solutions" / name / f"{name}.ipynb"
        solution.parent.mkdir(parents=True)
        shutil.copy(course.solution(name), solution)
        there = copy.deepcopy(config)
        there.CourseDirectory.root, there.CourseDirectory.db_url = folder, database
        generate_assignment(there, name)


def grade_class(
    course: Course,
    config: Config,
    name: str,
    students: list[str] | None = None,
    again: bool = False,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """Grade what lies in ``submitted/`` for one notebook.

    A submission that is graded already is left alone unless it is newer or ``again`` is set. One that cannot be graded
    gets a row that says why, and nothing of it is recorded.

    Args:
        course: the course.
        config: its nbgrader configuration.
        name: the notebook.
        students: only these.
        again: grade everything again.
        report: told how many of how many are done.

    Raises:
        CourseError: there is nothing to grade.
    """
    directory = course_directory(config)
    checks = {exercise.grade_id for exercise in exercises(course.solution(name))}
    submissions = find_submissions(Path(directory.root) / directory.submitted_directory, name, checks, students)
    register(course, config, name)
    rows = []
    for done, submission in enumerate(submissions):
        report(done, len(submissions))
        rows.append(_grade_one(config, name, submission, again))
    report(len(submissions), len(submissions))
    return rows


def _grade_one(config: Config, name: str, submission: Submission, again: bool) -> Row:
    if submission.problem is not None:
        return Row(submission.student, problems=[submission.problem])
    try:
        autograde(config, name, submission.student, force=again or _changed(config, name, submission))
    except StepError as error:
        return Row(submission.student, problems=[f"nbgrader could not grade it: {error}"])
    return read_row(config, name, submission.student)


def _changed(config: Config, name: str, submission: Submission) -> bool:
    """Whether the submission was saved after it was graded; nbgrader itself looks at ``timestamp.txt`` alone."""
    graded = _autograded(config, name, submission.student)
    return graded.exists() and (submission.folder / f"{name}.ipynb").stat().st_mtime > graded.stat().st_mtime


def _autograded(config: Config, name: str, student: str) -> Path:
    directory = course_directory(config)
    return Path(directory.root) / directory.autograded_directory / student / name / f"{name}.ipynb"


def read_row(config: Config, name: str, student: str) -> Row:
    """One learner's row, from the gradebook and from what lies in ``autograded/``."""
    directory, path = course_directory(config), _autograded(config, name, student)
    try:
        with Gradebook(directory.db_url, directory.course_id) as gradebook:
            grades = gradebook.find_submission_notebook(name, name, student).grades
            marks = {grade.name: grade.score for grade in grades}
        notebook = nbformat.read(path, as_version=4)
    except (MissingEntry, FileNotFoundError):
        return Row(student, problems=["it is not graded yet"])
    report = path.with_name(f"{name}.report.json")
    problems = json.loads(report.read_text(encoding="utf-8"))["problems"] if report.exists() else []
    return Row(student, marks, results(notebook), problems)
