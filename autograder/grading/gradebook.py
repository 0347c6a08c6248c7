"""Whether the gradebook can be used, found out before anything is written; what is wrong with it, in one line."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.script import ScriptDirectory
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from autograder.errors import CourseError

#: Seconds to wait for a gradebook that somebody else is writing to, or for a server that does not answer.
PATIENCE = 5
#: How drivers call that limit.
TIMEOUT = {"sqlite": "timeout", "postgresql": "connect_timeout", "mysql": "connect_timeout"}
#: Packages whose absence is no matter of a database.
OURS = {"autograder", "nbgrader"}


def check_gradebook(url: str) -> None:
    """See that a gradebook can be opened and written to. One that does not exist yet is not made.

    Raises:
        CourseError: it cannot be; the message says why and what to do.
    """
    with gradebook_errors(url):
        parsed = _parse(url)
        kind, file = parsed.get_backend_name(), _sqlite_file(parsed)
        if file is not None and not file.exists():
            _check_folder(url, file.parent)
            return
        engine = create_engine(parsed, connect_args={TIMEOUT[kind]: PATIENCE} if kind in TIMEOUT else {})
        try:
            with engine.connect() as connection:
                _check_version(url, connection)
                connection.rollback()
                if kind == "sqlite":
                    _try_to_write(connection)
        finally:
            engine.dispose()


@contextmanager
def gradebook_errors(url: str) -> Iterator[None]:
    """Turn any database error during the block into one line.

    Raises:
        CourseError: instead of the database's own error.
    """
    try:
        yield
    except NoSuchModuleError:
        raise _trouble(url, "there is no such kind of database; SQLite and PostgreSQL are known") from None
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in OURS:
            raise
        raise _trouble(url, f"the Python package {error.name}, which connects to it, is not installed") from None
    except SQLAlchemyError as error:
        raise _trouble(url, database_reason(error)) from None


def database_reason(error: Exception) -> str:
    """What a database error says, without SQL, parameters and links, in one line."""
    said = str(getattr(error, "orig", None) or error).strip().splitlines()
    reason = said[0].strip().rstrip(".") if said else type(error).__name__
    if "database is locked" in reason:
        return "another program is writing to it; try again when that has finished"
    if "readonly database" in reason:
        return "it may not be written to; change the permissions of the file and its folder"
    if "not a database" in reason or "malformed" in reason:
        return f"the file is damaged or is something else ({reason}); put a backup in its place, or move it away"
    return reason


def _check_version(url: str, connection: Connection) -> None:
    """See that the tables, if there are any, are those of the nbgrader that is installed."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return
    if "alembic_version" not in tables:
        raise _trouble(url, "it holds other tables than nbgrader's; name another database")
    versions = set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    scripts = ScriptDirectory(ALEMBIC_DIR)
    if versions == {scripts.get_current_head()}:
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if versions <= known:
        raise _trouble(url, "it was made by an older nbgrader; run `nbgrader db upgrade` in the course's folder")
    raise _trouble(url, "it was made by a newer nbgrader; update this course's (`git pull`, then `make lab`)")


def _try_to_write(connection: Connection) -> None:
    """Begin to write and take it back, which fails with SQLite's reason if the file is locked or read-only."""
    version = connection.execute(text("PRAGMA user_version")).scalar_one()
    connection.rollback()
    connection.execute(text("BEGIN IMMEDIATE"))
    connection.execute(text(f"PRAGMA user_version = {version:d}"))
    connection.rollback()


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # the second is about the port
        raise _trouble(
            url, "this is not a database URL; write sqlite:////FOLDER/gradebook.db or postgresql://USER@HOST/DATABASE"
        ) from None


def _sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite gradebook; None for other databases, for one in memory, and for SQLite's own addresses."""
    in_a_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(url.database) if in_a_file and "uri" not in url.query else None


def _check_folder(url: str, folder: Path) -> None:
    if not folder.is_dir():
        raise _trouble(url, f"the folder {folder} does not exist")
    if not os.access(folder, os.W_OK):
        raise _trouble(url, f"the folder {folder} may not be written to")


def _trouble(url: str, reason: str) -> CourseError:
    return CourseError(f"The gradebook {_without_password(url)} cannot be used: {reason}.")


def _without_password(url: str) -> str:
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", url)
