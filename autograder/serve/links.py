"""``autograder invite``: a roster in, a table of personal links out."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from traitlets.config import Config

from autograder.collect.roster import read_learners
from autograder.errors import CourseError
from autograder.grading.nbgrader_apps import course_directory
from autograder.report.spreadsheet import Row
from autograder.serve.invitations import invite, revoke
from autograder.serve.tables import Database


def make_links(config: Config, roster: Path, url: str, expires: datetime | None, again: bool) -> tuple[list[Row], int]:
    """Make a link for each learner of a roster who has none that works, or with ``again`` for everybody.

    Returns:
        The table: the roster's own columns, and the link; and how many learners had a link already.

    Raises:
        CourseError: the roster cannot be used.
    """
    rows, column = read_learners(roster)
    by_id = {row[column]: row for row in rows if row[column]}
    if not by_id:
        raise CourseError(f"The roster {roster} has no ids in the column {column!r}.")
    database = Database(course_directory(config).db_url)
    try:
        with database.writing() as connection:
            tokens = invite(connection, by_id, expires, again)
    finally:
        database.close()
    heading = [name for name in rows[0] if isinstance(name, str)]
    return _table(heading, by_id, tokens, url), len(by_id) - len(tokens)


def _table(heading: list[str], by_id: Mapping[str, dict], tokens: Mapping[str, str], url: str) -> list[Row]:
    lines = [
        [*(by_id[student].get(name) or "" for name in heading), f"{url}/in/{token}"]
        for student, token in tokens.items()
    ]
    return [[*heading, "link"], *lines]


def revoke_links(config: Config, student: str) -> None:
    """End a learner's links and sessions.

    Raises:
        CourseError: the learner has none.
    """
    database = Database(course_directory(config).db_url)
    try:
        with database.writing() as connection:
            if not revoke(connection, student):
                raise CourseError(f"{student} has no link: see the ids in the roster.")
    finally:
        database.close()
