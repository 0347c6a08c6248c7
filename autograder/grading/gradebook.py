"""Checks whether the gradebook can be used, before anything is written, and says in one line what is wrong with it."""

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.script import ScriptDirectory
from nbgrader.api import Base, InvalidEntry
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from tornado.log import app_log

from autograder.errors import CourseError

#: Seconds to wait for a gradebook that somebody else is writing to, or for a server that does not answer.
PATIENCE = 5
#: What drivers call that time limit.
TIMEOUT = {"sqlite": "timeout", "postgresql": "connect_timeout", "mysql": "connect_timeout"}
#: How SQLAlchemy's message begins when it quotes a driver.
DRIVER = re.compile(r"\((?:\w+\.)+\w*Error\) ")
#: The packages that install a driver without a compiler.
DRIVERS = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary"}
#: The names of SQLite databases that are kept in memory, not in a file.
IN_MEMORY = (None, "", ":memory:")
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
        if kind == "sqlite" and parsed.database in IN_MEMORY:
            raise trouble(url, "it names no file, so nothing would be kept; write sqlite:////FOLDER/gradebook.db")
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


def trouble(url: str, reason: str) -> CourseError:
    """The error that says why a gradebook cannot be used."""
    return CourseError(f"The gradebook {_without_password(url)} cannot be used: {reason}.")


def make_gradebook(url: str) -> None:
    """Make an empty gradebook, unless there is one: the same as nbgrader's own, which takes four seconds to make.

    nbgrader starts ``alembic`` as a program, to ask for the number of its newest version. It leaves existing tables
    as they are.
    """
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            if not inspect(connection).get_table_names():
                Base.metadata.create_all(connection)
                newest = ScriptDirectory(ALEMBIC_DIR).get_current_head()
                connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
                connection.execute(
                    text("INSERT INTO alembic_version (version_num) VALUES (:newest)"), {"newest": newest}
                )
    finally:
        engine.dispose()


def require_gradebook(url: str) -> None:
    """Check that a gradebook exists, for commands that only read: opening a missing one would create it.

    Raises:
        CourseError: there is none.
    """
    with gradebook_errors(url):
        file = _sqlite_file(_parse(url))
        if file is not None and not file.exists():
            raise CourseError(f"There is no gradebook {file} yet: run `autograder grade NAME` first.")


@contextmanager
def gradebook_errors(url: str) -> Iterator[None]:
    """Turn any database error during the block into one line, and keep nbgrader from logging its traceback.

    Raises:
        CourseError: instead of the database's own error.
    """
    app_log.addFilter(_is_not_of_the_database)
    try:
        yield
    except NoSuchModuleError:
        raise trouble(url, "that kind of database is unknown; use SQLite or PostgreSQL") from None
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in OURS:
            raise
        raise trouble(url, _missing(error.name.split(".")[0])) from None
    except (SQLAlchemyError, InvalidEntry) as error:
        raise trouble(url, database_reason(error)) from None
    finally:
        app_log.removeFilter(_is_not_of_the_database)


def database_reason(error: Exception) -> str:
    """What a database error says, in one line, without SQL, parameters and links."""
    said = DRIVER.sub("", str(getattr(error, "orig", None) or error).strip()).splitlines()
    reason = said[0].strip().rstrip(".") if said else type(error).__name__
    if "database is locked" in reason:
        return "another program is writing to it; try again when that has finished"
    if "readonly database" in reason:
        return "it is read-only; change the permissions of the file and its folder"
    if "not a database" in reason or "malformed" in reason:
        return f"the file is damaged or not a database ({reason}); restore a backup, or move the file away"
    return reason


def logged_reason(log: str) -> str | None:
    """The reason for a database error in nbgrader's log; None if there is no such error."""
    found = DRIVER.search(log)
    return database_reason(Exception(log[found.start() :])) if found else None


def _missing(package: str) -> str:
    """How to get the package that connects to a database."""
    python, wanted = Path(sys.executable).parent / "python", DRIVERS.get(package, package)
    return (
        f"the Python package {package}, which connects to it, is not installed; "
        f"run `{python} -m pip install '{wanted}'`"
    )


def _is_not_of_the_database(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Rolling back session due to database error")


def _check_version(url: str, connection: Connection) -> None:
    """Check that the tables, if there are any, match the installed nbgrader."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return
    if "alembic_version" not in tables:
        raise trouble(url, "its tables are not nbgrader's; name another database")
    versions = set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    scripts = ScriptDirectory(ALEMBIC_DIR)
    if versions == {scripts.get_current_head()}:
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if versions <= known:
        raise trouble(url, "it was made by an older nbgrader version; run `nbgrader db upgrade` in the course's folder")
    raise trouble(url, "it was made by a newer nbgrader version; update this course (`git pull`, then `make lab`)")


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
        raise trouble(
            url,
            "this is not a database URL; write sqlite:////FOLDER/gradebook.db or "
            "postgresql+psycopg://USER@HOST/DATABASE",
        ) from None


def _sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite gradebook; None for other databases, for one in memory, and for SQLite's own URIs."""
    in_a_file = url.get_backend_name() == "sqlite" and url.database not in IN_MEMORY
    return Path(url.database) if in_a_file and "uri" not in url.query else None


def _check_folder(url: str, folder: Path) -> None:
    if not folder.is_dir():
        raise trouble(url, f"the folder {folder} does not exist")
    if not os.access(folder, os.W_OK):
        raise trouble(url, f"the folder {folder} is not writable")


def absolute(url: str, folder: Path) -> str:
    """An SQLite gradebook's URL with a relative path made absolute, from ``folder``; other URLs unchanged.

    nbgrader changes the working directory, so a relative path would lead to different places.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return url
    file = _sqlite_file(parsed)
    if file is None or file.is_absolute():
        return url
    return parsed.set(database=str(folder / file)).render_as_string(hide_password=False)


def _without_password(url: str) -> str:
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", url)
