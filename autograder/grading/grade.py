"""Grade a class: submissions run in parallel, nbgrader records one at a time; each gets a row, whatever it does."""

import copy
import datetime
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.utils import parse_utc
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config

from autograder.course import Course
from autograder.errors import CourseError
from autograder.execute import drawn_pictures, stop, warm_up
from autograder.grading.gradebook import database_reason
from autograder.grading.nbgrader_apps import StepError, course_directory, generate_assignment, one_engine
from autograder.grading.parallel import cores, in_parallel, interrupts_held
from autograder.grading.prepare import Prepared, prepare
from autograder.grading.preprocessors import ExecuteSubmission
from autograder.grading.record import Marks, read_marks, record
from autograder.grading.restore import read_known
from autograder.grading.results import HEADING, Result, read_report, results
from autograder.grading.submissions import Submission, find_submissions, printable, read_plain, read_telltales

#: Bytes of a file with a time.
LONGEST_TIMESTAMP = 1000


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
        problems: sentences about what went wrong, other than wrong answers.
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
    """Enter a notebook's cells and points in the gradebook, as ``nbgrader generate_assignment`` does.

    Works in a temporary folder, so that an interruption leaves no half-written release.

    Raises:
        CourseError: the solution has not been built, or nbgrader rejects it.
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
    workers: int | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """Grade the submissions in ``submitted/`` for one notebook.

    Threads, which wait for the engine's processes, read, restore and run the submissions; only the calling thread
    records the results. A submission that has been graded is skipped unless it is newer or ``again`` is set. One
    that cannot be graded gets a row that says why, and nothing of it is recorded. Ctrl-C takes effect between two
    recordings: what has been recorded stays, and the next call does the rest.

    Args:
        course: the course.
        config: its nbgrader configuration.
        name: the notebook.
        students: grade only these.
        again: grade everything again.
        workers: how many submissions run at a time; by default one per core.
        report: called with how many are done, and how many there are.

    Raises:
        CourseError: there is nothing to grade, or this machine cannot run any of it as configured.
    """
    directory = course_directory(config)
    telltales = read_telltales(course.solution(name))
    step = ExecuteSubmission(config=config)
    step.pictures = drawn_pictures(nbformat.read(course.solution(name), as_version=4))
    submissions = find_submissions(Path(directory.root) / directory.submitted_directory, name, telltales, students)
    if again or any(not _autograded(config, name, submission.student).exists() for submission in submissions):
        warm_up(step.isolation, step.gpu)
    with one_engine():
        with interrupts_held():
            register(course, config, name)
        marks = read_marks(config, name)
        rows = {each: _row_so_far(config, name, each, marks, again) for each in submissions}
        todo = [submission for submission, row in rows.items() if row is None]
        before = len(submissions) - len(todo)
        failures = _grade_all(
            config, name, todo, step, workers or cores(), lambda done: report(before + done, len(submissions))
        )
        marks = read_marks(config, name)
    for submission in todo:
        if submission in failures:
            rows[submission] = Row(submission.student, problems=[_sentence(failures[submission])])
        else:
            unread = Row(submission.student, problems=["nbgrader has recorded it, but the record cannot be read"])
            rows[submission] = read_row(config, name, submission.student, marks) or unread
    refused = [failure for failure in failures.values() if type(failure) is CourseError]
    if refused and len(refused) == len(todo) and not any(row.graded for row in rows.values()):
        raise refused[0]  # what needs fixing is this machine, not a submission
    return list(rows.values())


def _row_so_far(config: Config, name: str, submission: Submission, marks: Marks, again: bool) -> Row | None:
    """The row of a submission that cannot be graded or has been graded; None if it is to be graded now."""
    if submission.problem is not None:
        return Row(submission.student, problems=[submission.problem])
    try:
        newer = _newer(_autograded(config, name, submission.student), submission)
        return None if again or newer else read_row(config, name, submission.student, marks)
    except Exception as error:
        return Row(submission.student, problems=[_sentence(error)])


def _newer(autograded: Path, submission: Submission) -> bool:
    """Whether a submission was saved, or handed in (by nbgrader's ``timestamp.txt``), after it was graded."""
    handed_in, graded = read_timestamp(submission.folder), read_timestamp(autograded.parent)
    if handed_in is not None and graded is not None and handed_in > graded:
        return True
    return autograded.exists() and submission.path.stat().st_mtime > autograded.stat().st_mtime


def read_timestamp(folder: Path) -> datetime.datetime | None:
    """When a submission was handed in, if nbgrader recorded it.

    Raises:
        CourseError: what is recorded there is not a time.
    """
    path = folder / "timestamp.txt"
    if not path.is_symlink() and not path.exists():
        return None
    try:
        if path.is_symlink():
            raise ValueError("a link, which may lead anywhere")
        text = read_plain(path, LONGEST_TIMESTAMP, "write a time into it").decode().strip()
        return parse_utc(text) if text else None
    except (CourseError, ValueError, OverflowError):
        raise CourseError("its timestamp.txt, which should say when it was handed in, contains no time") from None


def _grade_all(
    config: Config,
    name: str,
    todo: list[Submission],
    step: ExecuteSubmission,
    workers: int,
    report: Callable[[int], None],
) -> dict[Submission, Exception]:
    """Run submissions in parallel and record each when it is done; returns what failed, and why.

    One of which a cell was stopped while others kept the machine busy is run again, alone, when all others are done.
    """
    directory, failures, done = course_directory(config), {}, 0
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        known = read_known(gradebook, name, name)
    work = partial(prepare, known=known, step=step)
    report(0)
    crowded: list[Submission] = []
    for several, items in ((workers, todo), (1, crowded)):
        with closing(in_parallel(work, items, several, stop)) as finished:
            for submission, future in finished:
                if several > 1 and _was_crowded(future):
                    crowded.append(submission)
                    continue
                with interrupts_held():
                    failure = _record(config, name, future)
                if failure is not None:
                    failures[submission] = failure
                done += 1
                report(done)
    return failures


def _was_crowded(future: Future[Prepared]) -> bool:
    """Whether a submission should be run again when no other is running."""
    return future.exception() is None and future.result().run.report.crowded


def _record(config: Config, name: str, future: Future[Prepared]) -> Exception | None:
    """Record what a thread has prepared, all of it or nothing; returns what prevented that, if anything."""
    try:
        record(config, name, future.result())
    except Exception as error:
        return error
    return None


def _sentence(error: Exception) -> str:
    if isinstance(error, StepError):
        return f"nbgrader could not grade it: {error}"
    if isinstance(error, CourseError):
        return str(error)
    if isinstance(error, SQLAlchemyError):
        return f"the gradebook could not be written to: {database_reason(error)}"
    return printable(f"the autograder failed on it: {type(error).__name__}: {error}")


def _autograded(config: Config, name: str, student: str) -> Path:
    directory = course_directory(config)
    return Path(directory.format_path(directory.autograded_directory, student, name)) / f"{name}.ipynb"


def read_row(config: Config, name: str, student: str, marks: Marks) -> Row | None:
    """One learner's row, from the gradebook's marks and the files in ``autograded/``; None if anything is missing."""
    path = _autograded(config, name, student)
    try:
        notebook, report = nbformat.read(path, as_version=4), read_report(path)
    except (OSError, ValueError, CourseError):
        return None
    if student not in marks:
        return None
    return Row(student, marks[student], results(notebook, report, marks[student]), report.problems)
