"""Record submissions through nbgrader, one at a time, in the gradebook and ``autograded/``; read the marks."""

import copy
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from nbgrader.api import Assignment, BaseCell, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from traitlets.config import Config

from autograder.grading.folder import LARGEST_FILE
from autograder.grading.nbgrader_apps import autograde, course_directory
from autograder.grading.prepare import Prepared

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
    record_all(config, name, {name: prepared})


def record_all(config: Config, name: str, prepared: Mapping[str, Prepared]) -> None:
    """The same for all notebooks of one learner's submission, by their names in the gradebook; there is at least one.

    Raises:
        StepError: nbgrader cannot record it.
    """
    submission = next(iter(prepared.values())).submission
    # In the course's folder, because nbgrader treats the rest of the path after that as a pattern.
    with tempfile.TemporaryDirectory(prefix=".grading-", dir=course_directory(config).root) as stage:
        staged = copy.deepcopy(config)
        staged.CourseDirectory.submitted_directory = Path(stage).name
        copied = Path(course_directory(staged).format_path(Path(stage).name, submission.student, name))
        copied.mkdir(parents=True)
        copy_files(submission.folder, copied)
        for notebook, one in prepared.items():
            (copied / f"{notebook}.ipynb").write_text(one.notebook, encoding="utf-8")
        autograde(staged, name, submission.student, *(one.run for one in prepared.values()))


def copy_files(source: Path, target: Path) -> None:
    """Copy what was handed in beside the notebook, except links, which may lead anywhere, and large files."""
    for path in source.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.suffix != ".ipynb" and path.stat().st_size <= LARGEST_FILE:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
