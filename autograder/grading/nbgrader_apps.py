"""nbgrader's own steps, called one submission at a time; its log is kept for messages instead of printed."""

import copy
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path

import nbgrader.api
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets.config import Config, PyFileConfigLoader

from autograder.errors import CourseError
from autograder.grading.preprocessors import ExecuteSubmission
from autograder.grading.runs import Run

warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's mappers overlap on purpose


class StepError(CourseError):
    """An nbgrader step failed; the message is nbgrader's last error line."""


def course_config(
    root: Path, workdir: Path | None = None, database: str | None = None, execution: dict[str, bool] | None = None
) -> Config:
    """The course's ``nbgrader_config.py``.

    Args:
        root: the course.
        workdir: another folder to work in, with its own gradebook there, whatever the configuration says.
        database: the gradebook's URL, instead of the configured one.
        execution: settings of ``ExecuteSubmission``, instead of the configured ones.
    """
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.CourseDirectory.root = str(workdir or root)
    if workdir is not None:
        config.CourseDirectory.db_url = f"sqlite:///{workdir / 'gradebook.db'}"
    if database is not None:
        config.CourseDirectory.db_url = database
    config.ExecuteSubmission.update(execution or {})
    return config


def course_directory(config: Config) -> CourseDirectory:
    """nbgrader's view of the course."""
    return CourseDirectory(config=config)


def generate_assignment(config: Config, name: str, database: bool = True) -> None:
    """Make the released notebook, and enter the assignment's cells in the gradebook unless ``database`` is False.

    Raises:
        StepError: nbgrader rejects it.
    """
    if not database:
        config = copy.deepcopy(config)
        config.SaveCells.enabled = False
        config.GenerateAssignment.no_database = True
    _start(*_app(GenerateAssignment, config, name, "."))


def autograde(config: Config, name: str, student: str, *runs: Run) -> None:
    """Record one submission and its marks, replacing what was recorded before.

    Args:
        config: its ``submitted_directory`` contains the submission.
        name: the notebook.
        student: whose submission it is.
        runs: the results of running its notebooks, which nbgrader's steps take over.

    Raises:
        StepError: it cannot be recorded.
    """
    app, log = _app(Autograde, config, name, student)
    # Set here rather than in the configuration, which every part of nbgrader copies.
    app.autograde_preprocessors = [
        step(config=config, finished=list(runs)) if step is ExecuteSubmission else step
        for step in app.autograde_preprocessors
    ]
    with one_transaction(config):
        _start(app, log)


def generate_feedback(config: Config, name: str, student: str) -> None:
    """Write one learner's feedback page.

    Raises:
        StepError: nothing has been graded.
    """
    _start(*_app(GenerateFeedback, config, name, student))


@contextmanager
def one_engine() -> Iterator[None]:
    """Let nbgrader keep its database engine for a gradebook during the block.

    For one submission nbgrader opens the gradebook a dozen times; doing so with a new engine each time, which has no
    cached queries, takes half of the recording time.
    """
    create = nbgrader.api.create_engine
    nbgrader.api.create_engine = cache(create)
    try:
        yield
    finally:
        nbgrader.api.create_engine = create


@contextmanager
def one_transaction(config: Config) -> Iterator[None]:
    """Let nbgrader write to the gradebook in one transaction during the block: all of it, or nothing if it fails.

    For one submission nbgrader opens the gradebook a dozen times and commits thirty times, and each commit waits for
    the disk.
    """
    directory = course_directory(config)
    whole = Gradebook(directory.db_url, directory.course_id)
    session = whole.db()
    commit, session.commit = session.commit, session.flush
    begin, end = Gradebook.__init__, Gradebook.close
    Gradebook.__init__ = lambda self, *about, **more: vars(self).update(vars(whole))
    Gradebook.close = lambda self: whole.db.expire_all()  # the next to open it sees what was written, as usual
    try:
        yield
        commit()
    finally:
        Gradebook.__init__, Gradebook.close = begin, end
        whole.close()


def _app(step: type[BaseConverter], config: Config, name: str, student: str) -> tuple[BaseConverter, io.StringIO]:
    """An nbgrader step for one learner, and the buffer that its log goes to."""
    directory = course_directory(config)
    directory.assignment_id, directory.student_id = name, student
    log, text = logging.Logger(step.__name__), io.StringIO()
    log.addHandler(logging.StreamHandler(text))
    app = step(coursedir=directory, config=config, log=log)
    app.force = True
    return app, text


def _start(app: BaseConverter, log: io.StringIO) -> None:
    try:
        app.start()
    except (NbGraderException, SystemExit):
        raise StepError(_reason(log.getvalue())) from None


def _reason(log: str) -> str:
    """The line of nbgrader's log that says why a step failed: the exception below a traceback, else the last line."""
    lines = [line for line in log.splitlines() if line.strip()]
    after_traceback = [
        line for before, line in pairwise(lines) if before.startswith("  ") and line[:1].isalpha() and ":" in line
    ]
    reason = (after_traceback or lines or ["nbgrader gave no reason"])[-1]
    return reason.removeprefix(f"{CourseError.__module__}.{CourseError.__name__}: ")
