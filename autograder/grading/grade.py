"""Grade a class: submissions run in parallel, nbgrader records one at a time; each gets a row, whatever it does."""

import copy
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, InvalidEntry
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config

from autograder.course import Course
from autograder.errors import CourseError
from autograder.execute import drawn_pictures, stop, warm_up
from autograder.grading.basis import Basis, find_basis, keep_basis, read_basis, what_differs
from autograder.grading.gradebook import database_reason
from autograder.grading.nbgrader_apps import StepError, course_directory, generate_assignment
from autograder.grading.one_gradebook import one_engine, one_transaction
from autograder.grading.parallel import cores, in_parallel, interrupts_held
from autograder.grading.prepare import Prepared, prepare
from autograder.grading.preprocessors import ExecuteSubmission
from autograder.grading.record import Standing, read_standings, record
from autograder.grading.restore import KnownCell, read_known
from autograder.grading.results import HEADING, Result, read_report, report_path, results
from autograder.grading.submissions import Submission, find_submissions, printable, read_telltales


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
        penalty: points taken off because it was late.
        again: why it was graded again just now, in a few words; empty if it was not.
        before: the points that it had before that.
        graded: whether there are marks.
        score: the sum of the marks.
        final: the points that count: the score less the penalty.
    """

    student: str
    marks: dict[str, float] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    penalty: float = 0
    again: str = field(default="", compare=False)
    before: float | None = field(default=None, compare=False)

    @property
    def graded(self) -> bool:
        return bool(self.marks)

    @property
    def score(self) -> float:
        return sum(self.marks.values())

    @property
    def final(self) -> float:
        return max(0.0, self.score - self.penalty)


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

    Works in a temporary folder and in one transaction, so that an interruption leaves nothing half-written.

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
        with one_transaction(course_directory(there)):
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
    records the results. A submission that has been graded is skipped unless something that its marks rest on has
    changed (see ``Basis``) or ``again`` is set. One that cannot be graded gets a row that says why, and nothing of it
    is recorded. Ctrl-C takes effect between two recordings: what has been recorded stays, and the next call does the
    rest.

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
    if again or any(not autograded_path(config, name, submission.student).exists() for submission in submissions):
        warm_up(step.isolation, step.gpu)
    with one_engine():
        with interrupts_held():
            register(course, config, name)
        known, standings = known_cells(config, name), read_standings(config, name)
        judge = partial(_judge, config, name, known=known, step=step, again=again)
        rows = {each: judge(each, standings[each.student]) for each in submissions}
        todo = {each: row for each, row in rows.items() if isinstance(row, _Todo)}
        before = len(submissions) - len(todo)
        failures = _grade_all(
            config, name, todo, known, step, workers or cores(), lambda done: report(before + done, len(submissions))
        )
        after = read_standings(config, name)
    for submission, what in todo.items():
        student, earlier = submission.student, _final(standings[submission.student])
        if submission in failures:
            rows[submission] = _not_graded(student, failure_sentence(failures[submission]), earlier)
            continue
        unread = Row(student, problems=["nbgrader has recorded it, but the record cannot be read"])
        rows[submission] = read_row(config, name, student, after[student]) or unread
        rows[submission].before, rows[submission].again = earlier, what.why if earlier is not None else ""
    refused = [failure for failure in failures.values() if type(failure) is CourseError]
    if refused and len(refused) == len(todo) and not any(row.graded for row in rows.values()):
        raise refused[0]  # what needs fixing is this machine, not a submission
    return list(rows.values())


@dataclass(frozen=True)
class _Todo:
    """Why a submission is to be graded, in a few words, and what its marks will rest on."""

    why: str
    basis: Basis


def _judge(
    config: Config,
    name: str,
    submission: Submission,
    standing: Standing,
    known: Mapping[str, KnownCell],
    step: ExecuteSubmission,
    again: bool,
) -> Row | _Todo:
    """The row of a submission that cannot be graded or whose marks still hold; else why it is to be graded."""
    student = submission.student
    if submission.problem is not None:
        return _not_graded(student, submission.problem, _final(standing))
    try:
        basis = find_basis(submission, known, step, config, standing)
        why = what_differs(read_basis(report_path(autograded_path(config, name, student))), basis)
        row = None if again or why else read_row(config, name, student, standing)
    except Exception as error:
        return _not_graded(student, failure_sentence(error), _final(standing))
    return row or _Todo("as you asked" if again else why or "the gradebook and the report differ", basis)


def _final(standing: Standing) -> float | None:
    """The points that a learner has so far; None if nothing has been graded."""
    graded = any(found is not None for found in standing.found.values())
    return max(0.0, sum(standing.marks.values()) - standing.penalty) if graded else None


def _not_graded(student: str, problem: str, earlier: float | None) -> Row:
    stays = [] if earlier is None else [f"the gradebook keeps the {earlier:g} points of an earlier submission"]
    return Row(student, problems=[problem, *stays])


def known_cells(config: Config, name: str) -> dict[str, KnownCell]:
    """The cells of a notebook, as the gradebook has them."""
    directory = course_directory(config)
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        return read_known(gradebook, name, name)


def _grade_all(
    config: Config,
    name: str,
    todo: Mapping[Submission, _Todo],
    known: Mapping[str, KnownCell],
    step: ExecuteSubmission,
    workers: int,
    report: Callable[[int], None],
) -> dict[Submission, Exception]:
    """Run submissions in parallel and record each when it is done; returns what failed, and why.

    If a cell was stopped because others kept the machine busy, its submission is run again on its own at the end.
    """
    failures, done = {}, 0
    work = partial(prepare, known=known, step=step)
    report(0)
    crowded: list[Submission] = []
    for several, items in ((workers, list(todo)), (1, crowded)):
        with closing(in_parallel(work, items, several, stop)) as finished:
            for submission, future in finished:
                if several > 1 and was_crowded(future):
                    crowded.append(submission)
                    continue
                with interrupts_held():
                    failure = record_run(config, name, future, todo[submission].basis)
                if failure is not None:
                    failures[submission] = failure
                done += 1
                report(done)
    return failures


def was_crowded(future: Future[Prepared]) -> bool:
    """Whether a submission should be run again on its own."""
    return future.exception() is None and future.result().run.report.crowded


def record_run(config: Config, name: str, future: Future[Prepared], basis: Basis) -> Exception | None:
    """Record what a thread has prepared, all of it or nothing; returns the error that prevented it, if any."""
    try:
        prepared = future.result()
        record(config, name, prepared)
        keep_basis(report_path(autograded_path(config, name, prepared.submission.student)), basis)
    except Exception as error:
        return error
    return None


def failure_sentence(error: Exception) -> str:
    """Why a submission could not be graded, for the teacher."""
    if isinstance(error, StepError):
        return f"nbgrader could not grade it: {error}"
    if isinstance(error, CourseError):
        return str(error)
    if isinstance(error, SQLAlchemyError | InvalidEntry):
        return f"the gradebook could not be written to: {database_reason(error)}"
    return printable(f"the autograder failed on it: {type(error).__name__}: {error}")


def autograded_path(config: Config, name: str, student: str) -> Path:
    """Where nbgrader keeps a learner's executed notebook."""
    directory = course_directory(config)
    return Path(directory.format_path(directory.autograded_directory, student, name)) / f"{name}.ipynb"


def read_row(config: Config, name: str, student: str, standing: Standing) -> Row | None:
    """One learner's row, from the gradebook and the files in ``autograded/``.

    None if anything is missing, or if the files and the gradebook's points come from different runs.
    """
    path = autograded_path(config, name, student)
    try:
        notebook, report = nbformat.read(path, as_version=4), read_report(path)
    except (OSError, ValueError, CourseError):
        return None
    if not standing.marks or any(standing.found.get(check.grade_id) != check.score for check in report.checks):
        return None
    return Row(
        student, standing.marks, results(notebook, report, standing.marks), report.problems, penalty=standing.penalty
    )
