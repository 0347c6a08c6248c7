"""Grade one attempt, with the same steps as ``autograder grade``; only one thread may do so."""

import copy
import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import nbformat
from traitlets.config import Config

from autograder.course import Course
from autograder.errors import CourseError
from autograder.execute import drawn_pictures
from autograder.files import write_whole
from autograder.grading.basis import find_basis
from autograder.grading.grade import (
    exercises,
    failure_sentence,
    known_cells,
    read_row,
    record_run,
    register,
)
from autograder.grading.nbgrader_apps import course_directory, generate_feedback
from autograder.grading.prepare import Prepared, prepare
from autograder.grading.preprocessors import ExecuteSubmission
from autograder.grading.record import read_standings
from autograder.grading.restore import KnownCell
from autograder.grading.results import Result, results
from autograder.grading.submissions import Submission
from autograder.serve.attempts import DONE, FAILED, Attempt, counting, put_in_place, read_attempt, read_attempts
from autograder.serve.settings import Which
from autograder.serve.tables import Database, due_date

log = logging.getLogger("autograder.serve")


@dataclass(frozen=True)
class _Notebook:
    """What grading a notebook needs, in the form that the solution had at ``version``."""

    version: tuple[int, int]
    known: dict[str, KnownCell]
    step: ExecuteSubmission
    most: float


class Marker:
    """Grades attempts for one course."""

    def __init__(self, course: Course, config: Config, database: Database, which: Which) -> None:
        self.course, self.config, self.database, self.which = course, config, database, which
        self._notebooks: dict[str, _Notebook] = {}

    def work(self, attempt: Attempt) -> Callable[[], Prepared]:
        """What runs an attempt, in any thread.

        Raises:
            CourseError: the notebook has not been built, or the gradebook cannot take it.
        """
        notebook = self._notebook(attempt.assignment)
        return partial(prepare, self._submission(attempt), notebook.known, notebook.step)

    def finish(self, attempt: Attempt, future: Future[Prepared]) -> Attempt:
        """Record what was run, if the attempt is the one that counts; returns it with what was found."""
        try:
            return self._finish(attempt, future)
        except Exception as error:
            return failed(attempt, error)

    def write_page(self, attempt: Attempt) -> None:
        """Write nbgrader's feedback page, and keep a copy with the attempt, unless that is done or it does not count.

        Raises:
            CourseError: nbgrader cannot write it.
        """
        with self.database.reading() as connection:
            current = read_attempt(connection, attempt.id)
        if current is None or not current.counts or attempt.page(self.course.root).exists():
            return
        generate_feedback(self.config, attempt.assignment, attempt.student)
        directory = course_directory(self.config)
        folder = directory.format_path(directory.feedback_directory, attempt.student, attempt.assignment)
        content = (Path(folder) / f"{attempt.assignment}.html").read_bytes()
        write_whole(attempt.page(self.course.root), content)

    def counting(self, attempt: Attempt) -> Attempt | None:
        """Which of a learner's graded attempts counts; this one is taken as it is given."""
        with self.database.reading() as connection:
            due = due_date(connection, attempt.assignment, attempt.student)
            entered = read_attempts(connection, attempt.student, attempt.assignment)
        graded = [attempt, *(one for one in entered if one.id != attempt.id)]
        return counting([one for one in graded if one.state == DONE], due, self.which)

    def _finish(self, attempt: Attempt, future: Future[Prepared]) -> Attempt:
        notebook, name, student = self._notebook(attempt.assignment), attempt.assignment, attempt.student
        attempt.page(self.course.root).unlink(missing_ok=True)  # it is about an earlier run
        error = future.exception()
        found = [] if error else _found(future.result())
        ran = replace(
            attempt,
            state=DONE,
            score=sum(result.score for result in found),
            most=notebook.most,
            penalty=0,
            results=_kept(found),
            problem=None if error else "; ".join(future.result().run.report.problems) or None,
            counts=False,
        )
        if self.counting(ran) is ran:
            with self.database.reading() as connection:
                ours = {one.sha256 for one in read_attempts(connection, student, name)}
            self._put_in_place(attempt, ours)
            if error is None:
                return self._record(ran, future)
        if error is not None:
            raise error
        return ran

    def _record(self, attempt: Attempt, future: Future[Prepared]) -> Attempt:
        name, student, notebook = attempt.assignment, attempt.student, self._notebook(attempt.assignment)
        standing = read_standings(self.config, name, student)[student]
        basis = find_basis(self._submission(attempt), notebook.known, notebook.step, self.config, standing)
        error = record_run(self.config, name, future, basis)
        if error is not None:
            raise error
        row = read_row(self.config, name, student, read_standings(self.config, name, student)[student])
        if row is None:
            raise CourseError("nbgrader has recorded it, but the record cannot be read")
        return replace(
            attempt,
            score=row.score,
            penalty=row.penalty,
            results=_kept(row.results),
            problem="; ".join(row.problems) or None,
            counts=True,
        )

    def _put_in_place(self, attempt: Attempt, ours: set[str]) -> None:
        submitted = course_directory(self.config).submitted_directory
        put_in_place(Path(course_directory(self.config).root), submitted, attempt, ours)

    def _submission(self, attempt: Attempt) -> Submission:
        path = attempt.file(self.course.root)
        return Submission(attempt.student, path.parent, path)

    def _notebook(self, name: str) -> _Notebook:
        solution = self.course.solution(name)
        if not solution.is_file():
            raise CourseError(f"{solution} does not exist: run `autograder build {name}`.")
        about = solution.stat()
        version = about.st_mtime_ns, about.st_size
        ready = self._notebooks.get(name)
        if ready is None or ready.version != version:
            register(self.course, self.config, name)
            step = ExecuteSubmission(config=copy.deepcopy(self.config))
            step.pictures = drawn_pictures(nbformat.read(solution, as_version=4))
            most = sum(exercise.points for exercise in exercises(solution))
            ready = self._notebooks[name] = _Notebook(version, known_cells(self.config, name), step, most)
        return ready


def failed(attempt: Attempt, error: Exception) -> Attempt:
    """An attempt that could not be graded, now; if it has marks from before, the gradebook keeps them."""
    problem = failure_sentence(error)
    log.warning("attempt %s could not be graded: %s", attempt.id, problem)
    return replace(attempt, state=FAILED, problem=problem)


def _found(prepared: Prepared) -> list[Result]:
    """What each check found, before any teacher has looked at it."""
    report = prepared.run.report
    return results(prepared.run.notebook, report, {check.grade_id: check.score for check in report.checks})


def _kept(found: list[Result]) -> tuple[dict, ...]:
    return tuple(
        {
            "title": result.title,
            "score": result.score,
            "points": result.points,
            "status": result.status,
            "right": result.right,
            "message": result.message,
        }
        for result in found
    )
