"""Record submissions through nbgrader, one at a time, in the gradebook and ``autograded/``; read the marks."""

import copy
import datetime
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.api import Assignment, BaseCell, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from traitlets.config import Config

from autograder.grading.folder import copy_files
from autograder.grading.nbgrader_apps import autograde, course_directory
from autograder.grading.prepare import Prepared

#: Points by student and ``grade_id``.
Marks = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Standing:
    """What the gradebook has about a learner and a notebook.

    Attributes:
        due: when the notebook is due, in UTC; None if it has no due date.
        extension: how much longer this learner has.
        penalty: points taken off because it was late.
        marks: points by ``grade_id``; a manual score overrides the automatic one, as everywhere in nbgrader.
        found: automatic points by ``grade_id``; None for a check that has not graded anything yet.
    """

    due: datetime.datetime | None
    extension: datetime.timedelta | None = None
    penalty: float = 0
    marks: dict[str, float] = field(default_factory=dict)
    found: dict[str, float | None] = field(default_factory=dict)


def read_marks(config: Config, name: str) -> Marks:
    """The gradebook's marks for a notebook, see ``Standing``."""
    return {student: standing.marks for student, standing in read_standings(config, name).items() if standing.marks}


def read_standings(config: Config, name: str, student: str | None = None) -> Mapping[str, Standing]:
    """What the gradebook has about a notebook, by student; for others, a ``Standing`` with only the due date.

    Args:
        config: the course's nbgrader configuration.
        name: the notebook.
        student: read only what concerns this learner, which is faster in a large class.
    """
    directory = course_directory(config)
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        due = gradebook.find_assignment(name).duedate
        standings: dict[str, Standing] = defaultdict(lambda: Standing(due))
        submissions = (
            gradebook.db.query(
                SubmittedAssignment.student_id, SubmittedAssignment.extension, SubmittedNotebook.late_submission_penalty
            )
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        )
        only = [Assignment.name == name] + ([SubmittedAssignment.student_id == student] if student is not None else [])
        for who, extension, penalty in submissions.filter(*only):
            standings[who] = Standing(due, extension, penalty or 0)
        grades = (
            gradebook.db.query(SubmittedAssignment.student_id, BaseCell.name, Grade.score, Grade.auto_score)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
            .join(BaseCell, BaseCell.id == Grade.cell_id)
        )
        for who, grade_id, score, found in grades.filter(*only):
            standings[who].marks[grade_id], standings[who].found[grade_id] = score, found
    return standings


def record(config: Config, name: str, prepared: Prepared) -> None:
    """Record the marks of a submission that has been run, and write its autograded notebook and report.

    nbgrader gets a copy of what was handed in, with the notebook under the name that nbgrader insists on. If recording
    fails, the gradebook is unchanged.

    Args:
        config: the course's nbgrader configuration.
        name: the course's name for the notebook.
        prepared: the submission and its run.

    Raises:
        StepError: nbgrader cannot record it.
    """
    record_all(config, name, {name: prepared})


def record_all(config: Config, name: str, prepared: Mapping[str, Prepared]) -> None:
    """The same for all notebooks of one submission, at least one, by their names in the gradebook.

    Raises:
        StepError: nbgrader cannot record it.
    """
    submission = next(iter(prepared.values())).submission
    # In the course's folder, where nbgrader looks for it.
    with tempfile.TemporaryDirectory(prefix=".grading-", dir=course_directory(config).root) as stage:
        staged = copy.deepcopy(config)
        staged.CourseDirectory.submitted_directory = Path(stage).name
        copied = Path(course_directory(staged).format_path(Path(stage).name, submission.student, name))
        copied.mkdir(parents=True)
        copy_files(submission.folder, copied)
        for notebook, one in prepared.items():
            (copied / f"{notebook}.ipynb").write_text(one.notebook, encoding="utf-8")
        autograde(staged, name, submission.student, *(one.run for one in prepared.values()))
