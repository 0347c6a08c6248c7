"""nbgrader's own steps, called one submission at a time, with its log kept for messages instead of printed."""

import copy
import io
import logging
import warnings
from itertools import pairwise
from pathlib import Path

from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets.config import Config, PyFileConfigLoader

from autograder.errors import CourseError

warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's mappers overlap on purpose


class StepError(CourseError):
    """An nbgrader step failed; the message is nbgrader's last error line."""


def course_config(root: Path, workdir: Path | None = None, database: str | None = None) -> Config:
    """The course's ``nbgrader_config.py``.

    Args:
        root: the course.
        workdir: another folder to work in, with a gradebook of its own there, whatever the configuration names.
        database: the gradebook's URL, instead of the configured one.
    """
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.CourseDirectory.root = str(workdir or root)
    if workdir is not None:
        config.CourseDirectory.db_url = f"sqlite:///{workdir / 'gradebook.db'}"
    if database is not None:
        config.CourseDirectory.db_url = database
    return config


def course_directory(config: Config) -> CourseDirectory:
    """nbgrader's view of the course."""
    return CourseDirectory(config=config)


def generate_assignment(config: Config, name: str, database: bool = True) -> None:
    """Make the released notebook, and note the assignment's cells in the gradebook unless ``database`` is False.

    Raises:
        StepError: nbgrader refuses it.
    """
    if not database:
        config = copy.deepcopy(config)
        config.SaveCells.enabled = False
        config.GenerateAssignment.no_database = True
    _run(GenerateAssignment, config, name, ".", force=True)


def autograde(config: Config, name: str, student: str, force: bool) -> None:
    """Grade one submission and record its marks; a graded one is left alone unless it is newer, or ``force``.

    Raises:
        StepError: it cannot be graded.
    """
    _run(Autograde, config, name, student, force)


def generate_feedback(config: Config, name: str, student: str) -> None:
    """Write one learner's feedback page.

    Raises:
        StepError: there is nothing graded to write about.
    """
    _run(GenerateFeedback, config, name, student, force=True)


def _run(step: type[BaseConverter], config: Config, name: str, student: str, force: bool) -> None:
    directory = course_directory(config)
    directory.assignment_id, directory.student_id = name, student
    log, text = logging.Logger(step.__name__), io.StringIO()
    log.addHandler(logging.StreamHandler(text))
    app = step(coursedir=directory, config=config, log=log)
    app.force = force
    try:
        app.start()
    except (NbGraderException, SystemExit):
        raise StepError(_reason(text.getvalue())) from None


def _reason(log: str) -> str:
    """The line of nbgrader's log that says why a step failed: the exception under a traceback, else the last line."""
    lines = [line for line in log.splitlines() if line.strip()]
    after_traceback = [
        line for before, line in pairwise(lines) if before.startswith("  ") and line[:1].isalpha() and ":" in line
    ]
    return (after_traceback or lines or ["nbgrader gave no reason"])[-1]
