"""What was handed in: stored first, then entered, then queued; and which attempt counts."""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Connection, Row

from autograder.collect.collect import READABLE, keep, read_stamp
from autograder.errors import CourseError
from autograder.files import write_whole
from autograder.grading.timestamps import TIMESTAMP
from autograder.serve.settings import Which
from autograder.serve.tables import Database, attempts

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
#: In the course's folder; nobody else on the machine may read it.
FOLDER, PRIVATE = "attempts", 0o700


class TooMany(CourseError):
    """The learner has handed in too often."""


@dataclass(frozen=True)
class Attempt:
    """One file that was handed in.

    Attributes:
        id: what it is called in addresses; random.
        student, assignment: whose it is, and for what.
        received: when it came, in UTC.
        size, sha256: its length and hash.
        path: the folder that holds it, from the course's folder.
        state: ``"queued"``, ``"running"``, ``"done"`` or ``"failed"``.
        counts: whether its marks are in the gradebook.
        score, most, penalty: its points, the points possible, and the points taken off because it was late.
        results: for each exercise its title, score, points, status and message.
        problem: for the teacher, why it could not be graded, or what else went wrong.
    """

    id: str
    student: str
    assignment: str
    received: datetime
    size: int
    sha256: str
    path: str
    state: str = QUEUED
    counts: bool = False
    score: float | None = None
    most: float | None = None
    penalty: float | None = None
    results: tuple[dict, ...] = ()
    problem: str | None = None

    @property
    def waiting(self) -> bool:
        """Whether its marks are still to come."""
        return self.state in (QUEUED, RUNNING)

    @property
    def final(self) -> float:
        """The points less the penalty."""
        return max(0.0, (self.score or 0) - (self.penalty or 0))

    def file(self, root: Path) -> Path:
        """The notebook."""
        return root / self.path / f"{self.assignment}.ipynb"

    def page(self, root: Path) -> Path:
        """The feedback page; missing if it was not graded, or does not count."""
        return (root / self.path).with_suffix(".html")


def store(
    database: Database, root: Path, student: str, name: str, data: bytes, received: datetime, most: int
) -> Attempt:
    """Store what a learner has handed in, and enter it as queued.

    The same file sent twice in a row, from two tabs or by two clicks, is one attempt.

    Args:
        database: where it is entered.
        root: the course's folder.
        student: the learner.
        name: the assignment.
        data: the file.
        received: when it came.
        most: how many the learner may hand in within an hour.

    Raises:
        TooMany: the learner has handed in that many already.
        OSError, SQLAlchemyError: it cannot be stored; nothing is left of it.
    """
    number, digest = secrets.token_hex(16), hashlib.sha256(data).hexdigest()
    folder = Path(FOLDER) / student / name / number
    attempt = Attempt(number, student, name, received, len(data), digest, str(folder))
    with database.reading() as connection:
        twin = _twin(connection, attempt)
        if twin is not None:
            return twin
        _check_number(connection, attempt, most)
    (root / FOLDER).mkdir(mode=PRIVATE, exist_ok=True)
    entered = False
    try:
        _write_durably(root / folder / TIMESTAMP, _stamp(received))
        _write_durably(attempt.file(root), data)
        with database.writing() as connection:
            twin = _twin(connection, attempt)
            if twin is None:
                _check_number(connection, attempt, most)
                _enter(connection, attempt)
        entered = twin is None
    finally:
        if not entered:
            shutil.rmtree(root / folder, ignore_errors=True)
    return twin or attempt


def left(connection: Connection, student: str, name: str, when: datetime, most: int) -> int:
    """How many attempts a learner has left now."""
    return max(0, most - _in_the_last_hour(connection, student, name, when))


def _check_number(connection: Connection, attempt: Attempt, most: int) -> None:
    if not left(connection, attempt.student, attempt.assignment, attempt.received, most):
        raise TooMany(f"you have handed it in {most} times within an hour: wait a while, then try again")


def _in_the_last_hour(connection: Connection, student: str, name: str, when: datetime) -> int:
    return connection.execute(
        select(func.count()).where(
            attempts.c.student == student,
            attempts.c.assignment == name,
            attempts.c.received > when - timedelta(hours=1),
        )
    ).scalar_one()


def _twin(connection: Connection, attempt: Attempt) -> Attempt | None:
    """The learner's newest attempt, if it is the same file and did not fail."""
    newest = next(iter(read_attempts(connection, attempt.student, attempt.assignment)), None)
    return newest if newest and newest.sha256 == attempt.sha256 and newest.state != FAILED else None


def _enter(connection: Connection, attempt: Attempt) -> None:
    connection.execute(
        insert(attempts).values(
            id=attempt.id,
            student=attempt.student,
            assignment=attempt.assignment,
            received=attempt.received,
            size=attempt.size,
            sha256=attempt.sha256,
            path=attempt.path,
            state=attempt.state,
            counts=False,
        )
    )


def read_attempt(connection: Connection, number: str) -> Attempt | None:
    """One attempt by its id."""
    row = connection.execute(select(attempts).where(attempts.c.id == number)).first()
    return _attempt(row) if row else None


def read_attempts(connection: Connection, student: str | None = None, name: str | None = None) -> list[Attempt]:
    """The attempts of a learner, for an assignment, or all; the newest first."""
    conditions = [attempts.c.student == student] if student is not None else []
    conditions += [attempts.c.assignment == name] if name is not None else []
    rows = connection.execute(select(attempts).where(*conditions).order_by(attempts.c.received.desc(), attempts.c.id))
    return [_attempt(row) for row in rows]


def requeue(connection: Connection) -> list[Attempt]:
    """Queue again what was running when the server ended; returns everything that is queued, the oldest first."""
    connection.execute(update(attempts).where(attempts.c.state == RUNNING).values(state=QUEUED))
    rows = connection.execute(select(attempts).where(attempts.c.state == QUEUED).order_by(attempts.c.received))
    return [_attempt(row) for row in rows]


def begin(connection: Connection, number: str) -> Attempt | None:
    """An attempt as it is entered now, then noted as running; None if there is none."""
    set_state(connection, number, RUNNING)
    return read_attempt(connection, number)


def set_state(connection: Connection, number: str, state: str, problem: str | None = None) -> None:
    """Change an attempt's state."""
    connection.execute(update(attempts).where(attempts.c.id == number).values(state=state, problem=problem))


def set_result(connection: Connection, attempt: Attempt) -> None:
    """Enter what grading has found. If the attempt counts, no other of the learner's does any longer."""
    if attempt.counts:
        theirs = attempts.c.student == attempt.student, attempts.c.assignment == attempt.assignment
        connection.execute(update(attempts).where(*theirs).values(counts=False))
    connection.execute(
        update(attempts)
        .where(attempts.c.id == attempt.id)
        .values(
            state=attempt.state,
            counts=attempt.counts,
            score=attempt.score,
            most=attempt.most,
            penalty=attempt.penalty,
            results=json.dumps(attempt.results),
            problem=attempt.problem,
        )
    )


def _attempt(row: Row) -> Attempt:
    return Attempt(**dict(row._mapping) | {"results": tuple(json.loads(row.results or "[]"))})


def counting(graded: Iterable[Attempt], due: datetime | None, which: Which) -> Attempt | None:
    """Which of a learner's graded attempts counts.

    One that was handed in on time is preferred to any that was late; among them the last one counts, or the best.
    """

    def rank(attempt: Attempt) -> tuple:
        on_time = due is None or attempt.received <= due
        return on_time, (attempt.score or 0) if which == "best" else 0, attempt.received

    return max(graded, key=rank, default=None)


def affected(mine: Iterable[Attempt], before: datetime | None, after: datetime | None, which: Which) -> Attempt | None:
    """Which of a learner's attempts must be graded again because the due date has changed; None if none must.

    It is the one that counts now, if that was another one before, or if it was or is late, so that its penalty changes.
    """
    graded = [attempt for attempt in mine if attempt.state == DONE]
    chosen = counting(graded, after, which)
    if chosen is None or before == after:
        return None
    late = any(due is not None and chosen.received > due for due in (before, after))
    return chosen if late or not chosen.counts else None


def put_in_place(root: Path, submitted: str, attempt: Attempt, ours: Collection[str]) -> None:
    """Put an attempt into ``submitted/STUDENT/NAME`` with its time, exactly as nbgrader's collect leaves it.

    Args:
        root: the course's folder.
        submitted: nbgrader's name for the folder of submissions.
        attempt: the attempt that counts.
        ours: hashes of what the learner has handed in here. What came otherwise is kept with what ``autograder
            collect`` keeps.

    Raises:
        CourseError: it cannot be written.
        OSError: what is there cannot be read.
    """
    place = root / submitted / attempt.student / attempt.assignment
    if not place.resolve().is_relative_to((root / submitted).resolve()):
        raise CourseError(f"{place} is a link to another folder: remove it")
    target, stamp = place / f"{attempt.assignment}.ipynb", place / TIMESTAMP
    before = target.read_bytes() if target.is_file() else None
    if before is not None and hashlib.sha256(before).hexdigest() not in ours:
        kept = root / "downloaded" / attempt.assignment / "attempts" / attempt.student
        keep(kept, before, read_stamp(stamp), target.name)
    stamp.unlink(missing_ok=True)  # it says when the earlier attempt was handed in
    write_whole(target, attempt.file(root).read_bytes(), READABLE)
    write_whole(stamp, _stamp(attempt.received), READABLE)


def _stamp(received: datetime) -> bytes:
    return f"{received:%Y-%m-%d %H:%M:%S.%f} UTC\n".encode()


def _write_durably(path: Path, data: bytes) -> None:
    """Write a file so that it is complete and on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
