"""Delete everything that is kept about a learner."""

import shutil
from contextlib import suppress
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy import delete, func, select
from traitlets.config import Config

from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading.nbgrader_apps import course_directory
from autograder.grading.one_gradebook import one_transaction
from autograder.serve.attempts import FOLDER
from autograder.serve.invitations import check_id
from autograder.serve.lock import only_one
from autograder.serve.tables import Database, attempts, invitations, sessions


def find_kept(course: Course, config: Config, student: str) -> list[str]:
    """What is kept about a learner: folders, and what the gradebook has, in words; empty if there is nothing.

    Raises:
        CourseError: this can be nobody's id.
    """
    kept = [str(folder) for folder in _folders(course, config, student)]
    directory = course_directory(config)
    with Gradebook(directory.db_url, directory.course_id) as gradebook, suppress(MissingEntry):
        marked = len(gradebook.find_student(student).submissions)
        kept.append(f"the learner and {_count(marked, 'submission')} in the gradebook")
    database = Database(directory.db_url)
    try:
        with database.reading() as connection:
            for table, what in ((attempts, "attempt"), (invitations, "link")):
                number = connection.execute(select(func.count()).where(table.c.student == student)).scalar_one()
                kept += [f"{_count(number, what)} in the gradebook"] if number else []
    finally:
        database.close()
    return kept


def forget(course: Course, config: Config, student: str) -> None:
    """Delete it, while no server is running: one that is grading the learner's work would bring some of it back.

    Raises:
        CourseError: this can be nobody's id, a server is running, or a folder cannot be deleted.
    """
    with only_one(course):
        _forget(course, config, student)


def _forget(course: Course, config: Config, student: str) -> None:
    folders, directory = _folders(course, config, student), course_directory(config)
    database = Database(directory.db_url)
    try:
        with database.writing() as connection:
            theirs = select(invitations.c.id).where(invitations.c.student == student)
            connection.execute(delete(sessions).where(sessions.c.invitation.in_(theirs)))
            connection.execute(delete(invitations).where(invitations.c.student == student))
            connection.execute(delete(attempts).where(attempts.c.student == student))
    finally:
        database.close()
    with (
        one_transaction(directory),
        Gradebook(directory.db_url, directory.course_id) as gradebook,
        suppress(MissingEntry),
    ):
        gradebook.remove_student(student)
    for folder in folders:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise CourseError(f"{folder} cannot be deleted: {error.strerror}. Delete it, then try again.") from None


def _folders(course: Course, config: Config, student: str) -> list[Path]:
    """The learner's folders that exist; a link to a folder elsewhere is not one."""
    check_id(student)
    directory = course_directory(config)
    names = [FOLDER, directory.submitted_directory, directory.autograded_directory, directory.feedback_directory]
    folders = [course.root / name / student for name in names]
    folders += [kept / student for kept in sorted(course.root.glob("downloaded/*/attempts"))]
    return [folder for folder in folders if folder.is_dir() and not folder.is_symlink()]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
