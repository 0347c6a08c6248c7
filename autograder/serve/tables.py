"""What the server keeps beside nbgrader's tables, in the gradebook's database."""

from collections.abc import Iterator
from contextlib import contextmanager

from nbgrader.api import Assignment, SubmittedAssignment
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    select,
    update,
)
from sqlalchemy.engine import Connection, Engine

from autograder.grading.gradebook import make_gradebook

#: Seconds to wait for whoever is writing.
PATIENCE = 30
metadata = MetaData()

#: Personal links; of each only a hash is kept. A teacher's link has no student.
invitations = Table(
    "serve_invitations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("student", String(128), index=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created", DateTime, nullable=False),
    Column("expires", DateTime),
    Column("revoked", DateTime),
)

#: Browsers that are signed in; of each only a hash of its cookie is kept. A session ends with its invitation.
sessions = Table(
    "serve_sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("invitation", Integer, ForeignKey("serve_invitations.id"), nullable=False, index=True),
    Column("created", DateTime, nullable=False),
    Column("expires", DateTime, nullable=False),
)

#: Everything that was handed in. ``counts`` marks the attempt whose marks are in the gradebook.
attempts = Table(
    "serve_attempts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("student", String(128), nullable=False, index=True),
    Column("assignment", String(128), nullable=False, index=True),
    Column("received", DateTime, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("path", String(512), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("counts", Boolean, nullable=False, default=False),
    Column("score", Float),
    Column("most", Float),
    Column("penalty", Float),
    Column("results", Text),
    Column("problem", Text),
)

#: When assignments are open; without a line here they always are. Due dates are nbgrader's.
openings = Table(
    "serve_openings",
    metadata,
    Column("assignment", String(128), primary_key=True),
    Column("hidden", Boolean, nullable=False, default=False),
    Column("opens", DateTime),
    Column("closes", DateTime),
)


class Database:
    """The gradebook's database, for short transactions from any thread.

    nbgrader's own ``Gradebook`` is left to the thread that grades, which patches it (see ``one_gradebook``).
    """

    def __init__(self, url: str) -> None:
        make_gradebook(url)
        sqlite = url.startswith("sqlite")
        self.engine: Engine = create_engine(url, connect_args={"timeout": PATIENCE} if sqlite else {})
        if sqlite:
            event.listen(self.engine, "connect", _leave_transactions_to_us)
            event.listen(self.engine, "begin", _begin)
        metadata.create_all(self.engine)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; in SQLite it waits for its turn before it reads anything."""
        with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _leave_transactions_to_us(connection, record) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def due_date(connection: Connection, name: str, student: str | None = None):
    """When an assignment is due, in UTC, with the learner's extension if one is named; None if it has no due date."""
    due = connection.execute(select(Assignment.duedate).where(Assignment.name == name)).scalar()
    if due is None or student is None:
        return due
    extension = connection.execute(
        select(SubmittedAssignment.extension)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .where(Assignment.name == name, SubmittedAssignment.student_id == student)
    ).scalar()
    return due + extension if extension else due


def set_due_date(connection: Connection, name: str, due) -> None:
    """Change nbgrader's due date of an assignment; None for none."""
    connection.execute(update(Assignment.__table__).where(Assignment.__table__.c.name == name).values(duedate=due))
