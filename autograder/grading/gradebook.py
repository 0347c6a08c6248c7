"""Checks before anything is written whether the gradebook can be used; says in one line what is wrong with it."""

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
#: What drivers call that limit.
TIMEOUT = {"sqlite": "timeout", "postgresql": "connect_timeout", "mysql": "connect_timeout"}
#: Packages whose absence has nothing to do with the database.
OURS = {"autograder", "nbgrader"}


def check_gradebook(url: str) -> None:
    """Check that a gradebook can be opened and written to. One that does not exist yet is not created.

    Raises:
        CourseError: it cannot; the message says why and what to do.
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


def require_gradebook(url: str) -> None:
    """Check that a gradebook exists, for commands that only read it: opening one that does not would create it.

    Raises:
        CourseError: there is none.
    """
    with gradebook_errors(url):
        file = _sqlite_file(_parse(url))
        if file is not None and not file.exists():
            raise CourseError(f"There is no gradebook {file} yet: run `autograder grade NAME` first.")


@contextmanager
def gradebook_errors(url: str) -> Iterator[None]:
    """Turn any database error during the block into one line.

    Raises:
        CourseError: instead of the database's own error.
    """
    try:
        yield
    except NoSuchModuleError:
        raise _trouble(url, "that kind of database is unknown; use SQLite or PostgreSQL") from None
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in OURS:
            raise
        raise _trouble(url, f"the Python package {error.name}, which connects to it, is not installed") from None
    except SQLAlchemyError as error:
        raise _trouble(url, database_reason(error)) from None


def database_reason(error: Exception) -> str:
    """What a database error says, in one line, without SQL, parameters and links."""
    said = str(getattr(error, "orig", None) or error).strip().splitlines()
    reason = said[0].strip().rstrip(".") if said else type(error).__name__
    if "database is locked" in reason:
        return "another program is writing to it; try again when that has finished"
    if "readonly database" in reason:
        return "it is read-only; change the permissions of the file and its folder"
    if "not a database" in reason or "malformed" in reason:
        return f"the file is damaged or not a database ({reason}); restore a backup, or move the file away"
    return reason


def _check_version(url: str, connection: Connection) -> None:
    """Check that the tables, if there are any, match the installed nbgrader."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return
    if "alembic_version" not in tables:
        raise _trouble(url, "its tables are not nbgrader's; name another database")
    versions = set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    scripts = ScriptDirectory(ALEMBIC_DIR)
    if versions == {scripts.get_current_head()}:
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if versions <= known:
        raise _trouble(url, "it was made by an older nbgrader; run `nbgrader db upgrade` in the course's folder")
    raise _trouble(url, "it was made by a newer nbgrader; update this course (`git pull`, then `make lab`)")


def _try_to_write(connection: Connection) -> None:
    """Begin to write and roll back, which fails with SQLite's reason if the file is locked or read-only."""
    version = connection.execute(text("PRAGMA user_version")).scalar_one()
    connection.rollback()
    connection.execute(text("BEGIN IMMEDIATE"))
    connection.execute(text(f"PRAGMA user_version = {version:d}"))
    connection.rollback()


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # a ValueError is about the port
        raise _trouble(
            url, "this is not a database URL; write sqlite:////FOLDER/gradebook.db or postgresql://USER@HOST/DATABASE"
        ) from None


def _sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite gradebook; None for other databases, for one in memory, and for SQLite's own URIs."""
    in_a_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(url.database) if in_a_file and "uri" not in url.query else None


def _check_folder(url: str, folder: Path) -> None:
    if not folder.is_dir():
        raise _trouble(url, f"the folder {folder} does not exist")
    if not os.access(folder, os.W_OK):
        raise _trouble(url, f"the folder {folder} is not writable")


def _trouble(url: str, reason: str) -> CourseError:
    return CourseError(f"The gradebook {_without_password(url)} cannot be used: {reason}.")


def _without_password(url: str) -> str:
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", url)
