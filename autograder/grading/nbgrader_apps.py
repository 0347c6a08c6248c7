"""nbgrader's own steps, called one submission at a time; its log is kept for messages instead of printed."""

import copy
import io
import logging
import shutil
import warnings
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets import Unicode
from traitlets.config import Config, PyFileConfigLoader

from autograder.errors import CourseError
from autograder.grading.gradebook import absolute, logged_reason, trouble
from autograder.grading.one_gradebook import one_transaction
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
        database: the gradebook's URL, instead of the configured one; relative paths start at the working directory.
        execution: settings of ``ExecuteSubmission``, instead of the configured ones.
    """
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.CourseDirectory.root = str(workdir or root)
    if workdir is not None:
        config.CourseDirectory.db_url = f"sqlite:///{workdir / 'gradebook.db'}"
    elif "db_url" in config.CourseDirectory:
        config.CourseDirectory.db_url = absolute(config.CourseDirectory.db_url, root)
    if database is not None:
        config.CourseDirectory.db_url = absolute(database, Path.cwd())
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
        config.FollowSource.enabled = config.SaveCells.enabled = False
        config.GenerateAssignment.no_database = True
    _start(*_app(_Assignment, config, name, "."))


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
    app, log = _app(_Grading, config, name, student)
    # Set here rather than in the configuration, which every part of nbgrader copies.
    app.autograde_preprocessors = [
        step(config=config, finished=list(runs)) if step is ExecuteSubmission else step
        for step in app.autograde_preprocessors
    ]
    with one_transaction(app.coursedir):
        _start(app, log)


def generate_feedback(config: Config, name: str, student: str) -> None:
    """Write one learner's feedback page.

    Raises:
        StepError: nothing has been graded.
    """
    _start(*_app(_Feedback, config, name, student))


class _ForOne(BaseConverter):
    """An nbgrader step for one learner, whose id and folder are taken literally.

    nbgrader would read the whole path as a pattern, in which ``[``, ``?`` and ``*`` are special, and would strip ids.
    """

    learner = Unicode()

    def init_notebooks(self) -> None:
        folder = self._format_source(self.coursedir.assignment_id, self.learner)
        found = [f"{folder}/{path.name}" for path in sorted(Path(folder).glob("*.ipynb"))]
        self.notebooks, self.assignments = [], {folder: found}
        if not found:
            self.log.error("there is no notebook in %s", folder)
            raise NbGraderException


class _Assignment(_ForOne, GenerateAssignment):
    pass


class _Grading(_ForOne, Autograde):
    pass


class _Feedback(_ForOne, GenerateFeedback):
    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Copy what is beside the notebook, without ignored files; nbgrader would ignore nothing in such a folder."""
        source, target = (Path(place(assignment_id, student_id)) for place in (self._format_source, self._format_dest))
        for path in source.rglob("*"):
            parts = path.relative_to(source).parts
            ignored = any(fnmatch(part, pattern) for part in parts for pattern in [*self.coursedir.ignore, "*.ipynb"])
            if path.is_file() and not ignored:
                copied = target.joinpath(*parts)
                copied.parent.mkdir(parents=True, exist_ok=True)
                copied.unlink(missing_ok=True)
                shutil.copyfile(path, copied)


def _app(step: type[_ForOne], config: Config, name: str, student: str) -> tuple[_ForOne, io.StringIO]:
    """An nbgrader step for one learner, and the buffer that its log goes to."""
    directory = course_directory(config)
    directory.assignment_id = name
    log, text = logging.Logger(step.__name__), io.StringIO()
    log.addHandler(logging.StreamHandler(text))
    app = step(coursedir=directory, config=config, log=log, learner=student)
    app.force = True
    return app, text


def _start(app: BaseConverter, log: io.StringIO) -> None:
    try:
        app.start()
    except (NbGraderException, SystemExit):
        if reason := logged_reason(log.getvalue()):
            raise trouble(app.coursedir.db_url, reason) from None
        raise StepError(_reason(log.getvalue())) from None


def _reason(log: str) -> str:
    """The line of nbgrader's log that says why a step failed: the exception below a traceback, else the last line."""
    lines = [line for line in log.splitlines() if line.strip()]
    after_traceback = [
        line for before, line in pairwise(lines) if before.startswith("  ") and line[:1].isalpha() and ":" in line
    ]
    reason = (after_traceback or lines or ["nbgrader gave no reason"])[-1]
    return reason.removeprefix(f"{CourseError.__module__}.{CourseError.__name__}: ")
