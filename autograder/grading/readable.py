"""nbgrader's own autograde step, run on copies of the submissions that nbgrader can read.

nbgrader insists on the notebook's exact file name, UTF-8 without a byte order mark, and valid cell ids; otherwise it
stops with a traceback. That cannot be configured, so a subclass stands in for its ``Autograde``.
``nbgrader_config.py`` installs it, because the command and the formgrader both read that file first.
"""

import glob
import logging
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory

from autograder.grading.folder import copy_files
from autograder.grading.restore import read_known
from autograder.grading.submissions import Submission, find_submission, read_notebook, telltales_of

#: nbgrader's modules that create an ``Autograde``.
USERS = ("nbgrader.apps.autogradeapp", "nbgrader.apps.api")


class ReadableAutograde(Autograde):
    """nbgrader's step, made to find each submission as ``autograder grade`` does.

    A submission that cannot be graded gets a line in the log, and is reported when all others have been graded. Each
    notebook of a submission runs in the folder as the previous one left it.
    """

    folder: dict[str, bytes] | None = None

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        self.folder = None
        super().init_assignment(assignment_id, student_id)

    def init_single_notebook_resources(self, notebook_filename: str) -> dict:
        return super().init_single_notebook_resources(notebook_filename) | {"folder": self.folder}

    def write_single_notebook(self, output: str, resources: dict) -> None:
        self.folder = resources.get("folder")
        super().write_single_notebook(output, resources)

    def start(self) -> None:
        unread: list[str] = []
        with _readable(self.coursedir, unread, self.log) as anything:
            if anything:
                super().start()
        if unread:
            raise NbGraderException("; ".join(unread))


def install() -> None:
    """Let ``nbgrader autograde`` and the formgrader use ``ReadableAutograde``."""
    for name in USERS:
        if name in sys.modules:
            sys.modules[name].Autograde = ReadableAutograde


@contextmanager
def _readable(directory: CourseDirectory, unread: list[str], log: logging.Logger) -> Iterator[bool]:
    """Let nbgrader find copies of the submissions during the block, each notebook under its name in the gradebook.

    Yields whether there is anything to grade.

    Args:
        directory: nbgrader's view of the course, with the wanted assignment and learners.
        unread: gets a sentence for each submission in which nothing can be graded.
        log: gets those sentences, and which file was graded if there was a choice.
    """
    notebooks = _telltales(directory)
    folders = _submitted(directory)
    if not notebooks or not folders:
        yield True  # nbgrader itself says what is missing
        return
    # In the course's folder, because nbgrader treats the rest of the path after that as a pattern.
    with tempfile.TemporaryDirectory(prefix=".grading-", dir=directory.root) as stage:
        for student, folder in folders.items():
            found = [
                find_submission(folder, name, telltales, notebooks.keys() - {name})
                for name, telltales in notebooks.items()
            ]
            sound = {name: one for name, one in zip(notebooks, found) if one.problem is None}
            said = [one.problem or one.note for one in found if one.problem or one.note]
            if said:
                log.log(logging.WARNING if sound else logging.ERROR, "%s: %s", student, "; ".join(said))
            if sound:
                copy = Path(directory.format_path(Path(stage).name, student, directory.assignment_id))
                _copy(folder, sound, copy)
            else:
                unread.append(f"{student}: {'; '.join(said)}")
        submitted, directory.submitted_directory = directory.submitted_directory, Path(stage).name
        try:
            yield len(unread) < len(folders)
        finally:
            directory.submitted_directory = submitted


def _telltales(directory: CourseDirectory) -> dict[str, dict[str, str]]:
    """How the notebooks of the assignment are recognised; empty if the gradebook does not know the assignment."""
    assignment = directory.assignment_id
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        try:
            names = [notebook.name for notebook in gradebook.find_assignment(assignment).notebooks]
        except MissingEntry:
            return {}
        return {name: telltales_of(read_known(gradebook, assignment, name)) for name in names}


def _submitted(directory: CourseDirectory) -> dict[str, Path]:
    """The folders of the wanted submissions, by student."""
    step, assignment = directory.submitted_directory, directory.assignment_id
    pattern = re.compile(directory.format_path(step, "(?P<student>.*)", assignment, escape=True))
    path = directory.format_path(step, directory.student_id, assignment)
    found = map(Path, sorted(glob.glob(path)))  # noqa: PTH207 - it is absolute
    return {match["student"]: path for path in found if (match := pattern.fullmatch(str(path)))}


def _copy(folder: Path, notebooks: dict[str, Submission], target: Path) -> None:
    target.mkdir(parents=True)
    copy_files(folder, target)
    for name, submission in notebooks.items():
        nbformat.write(read_notebook(submission.path), target / f"{name}.ipynb")
