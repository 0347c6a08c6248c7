"""Record submissions through nbgrader, one at a time, in the gradebook and ``autograded/``; read the marks."""

import copy
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from nbgrader.api import Assignment, BaseCell, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from traitlets.config import Config

from autograder.grading.nbgrader_apps import autograde, course_directory
from autograder.grading.prepare import Prepared

#: Of the files handed in beside a notebook so many are kept, up to this size each and in total.
MOST_FILES, LARGEST_FILE, LARGEST_FILES = 100, 10_000_000, 50_000_000
#: How many files and folders are looked at for that.
MOST_LOOKED_AT = 10_000
#: Points by student and ``grade_id``.
Marks = dict[str, dict[str, float]]


def read_marks(config: Config, name: str) -> Marks:
    """The gradebook's marks for a notebook: a manual score overrides ours, as everywhere in nbgrader."""
    directory, marks = course_directory(config), {}
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        found = (
            gradebook.db.query(SubmittedAssignment.student_id, BaseCell.name, Grade.score)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
            .join(BaseCell, BaseCell.id == Grade.cell_id)
        )
        for student, grade_id, score in found.filter(Assignment.name == name):
            marks.setdefault(student, {})[grade_id] = score
    return marks


def record(config: Config, name: str, prepared: Prepared) -> None:
    """Record the marks of a submission that has been run, and write its autograded notebook and report.

    nbgrader gets a copy of what was handed in, with the notebook under the name that nbgrader insists on. If it fails,
    the gradebook is unchanged.

    Args:
        config: the course's nbgrader configuration.
        name: the course's name for the notebook.
        prepared: the submission and its run.

    Raises:
        StepError: nbgrader cannot record it.
    """
    student = prepared.submission.student
    # In the course's folder, because nbgrader treats the rest of the path after that as a pattern.
    with tempfile.TemporaryDirectory(prefix=".grading-", dir=course_directory(config).root) as stage:
        staged = copy.deepcopy(config)
        staged.CourseDirectory.submitted_directory = Path(stage).name
        copied = Path(course_directory(staged).format_path(Path(stage).name, student, name))
        copied.mkdir(parents=True)
        copy_files(prepared.submission.folder, copied)
        (copied / f"{name}.ipynb").write_text(prepared.notebook, encoding="utf-8")
        autograde(staged, name, student, prepared.run)


def copy_files(source: Path, target: Path) -> None:
    """Copy what was handed in beside the notebook: plain files, the first of them, if they are not too large.

    Links are not followed: they may lead anywhere.
    """
    left, room = MOST_FILES, LARGEST_FILES
    for path in _plain_files(source):
        size = path.stat().st_size
        if path.suffix != ".ipynb" and size <= min(LARGEST_FILE, room) and left:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            left, room = left - 1, room - size


def _plain_files(folder: Path) -> Iterator[Path]:
    """The plain files in a folder by name, then those in its folders; of very many, some."""
    folders, left = deque([folder]), MOST_LOOKED_AT
    while folders and left > 0:
        with os.scandir(folders.popleft()) as entries:
            some = sorted(islice(entries, left), key=lambda entry: entry.name)
        left -= len(some)
        yield from (Path(entry.path) for entry in some if entry.is_file(follow_symlinks=False))
        folders += [Path(entry.path) for entry in some if entry.is_dir(follow_symlinks=False)]
