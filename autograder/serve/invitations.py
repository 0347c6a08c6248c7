"""Personal links: made, found, revoked. Whoever has the gradebook cannot use them, because it has only their hashes."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from autograder.errors import CourseError
from autograder.serve.tables import invitations
from autograder.serve.times import now

#: 256 bits: nobody guesses one.
TOKEN_BYTES = 32
#: An id is a folder's name, and stands in nbgrader's tables.
LONGEST_ID = 100


@dataclass(frozen=True)
class Invitation:
    """A link that works.

    Attributes:
        id: its number.
        student: the learner's id; empty for a teacher.
    """

    id: int
    student: str


def hash_of(token: str) -> str:
    """What is kept of a token. It is long and random, so a fast hash is as safe as a slow one."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """A token for a link or a session."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def check_id(student: str) -> str:
    """``student``, if it can be a learner's id.

    Raises:
        CourseError: it cannot; the message says why.
    """
    if not student or not student.isprintable() or student.startswith(".") or {"/", "\\"} & {*student}:
        raise CourseError(f"The id {student!r} cannot be a folder's name: change it.")
    if len(student.encode()) > LONGEST_ID:
        raise CourseError(f"The id {student[:20]}… is longer than {LONGEST_ID} bytes: use a shorter one.")
    return student


def invite(
    connection: Connection, students: Iterable[str], expires: datetime | None, again: bool = False
) -> dict[str, str]:
    """Make a link for each learner who has none that works.

    Args:
        connection: a transaction that writes.
        students: their ids.
        expires: until when the links work; None for no end.
        again: replace links that work, too; those stop working.

    Returns:
        The tokens by learner. They are shown now or never.
    """
    made = {}
    for student in dict.fromkeys(map(check_id, students)):
        if _works(connection, student) and not again:
            continue
        revoke(connection, student)
        made[student] = _make(connection, "learner", student, expires)
    return made


def invite_teacher(connection: Connection) -> str:
    """A link for the teacher, instead of all earlier ones."""
    connection.execute(
        update(invitations)
        .where(invitations.c.role == "teacher", invitations.c.revoked.is_(None))
        .values(revoked=now())
    )
    return _make(connection, "teacher", None, None)


def revoke(connection: Connection, student: str) -> int:
    """End a learner's links, and with them their sessions; returns how many worked until now."""
    mine = (invitations.c.student == student, invitations.c.revoked.is_(None))
    return connection.execute(update(invitations).where(*mine).values(revoked=now())).rowcount


def find(connection: Connection, token: str) -> Invitation | None:
    """The invitation that a token belongs to, if it works.

    The search is for a hash, whose letters tell nothing about the token; the comparison takes the same time whatever
    it finds.
    """
    wanted = hash_of(token)
    row = connection.execute(select(invitations).where(invitations.c.hash == wanted)).first()
    found = compare_digest(row.hash if row else "0" * len(wanted), wanted)
    if not found or not is_valid(row.revoked, row.expires):
        return None
    return Invitation(row.id, row.student or "")


def invited(connection: Connection) -> set[str]:
    """The learners who have a link that works."""
    rows = connection.execute(select(invitations).where(invitations.c.role == "learner"))
    return {row.student for row in rows if is_valid(row.revoked, row.expires)}


def is_valid(revoked: datetime | None, expires: datetime | None) -> bool:
    """Whether a link works now."""
    return revoked is None and (expires is None or now() < expires)


def _works(connection: Connection, student: str) -> bool:
    columns = invitations.c.revoked, invitations.c.expires
    rows = connection.execute(select(*columns).where(invitations.c.student == student))
    return any(is_valid(*row) for row in rows)


def _make(connection: Connection, role: str, student: str | None, expires: datetime | None) -> str:
    token = new_token()
    connection.execute(
        insert(invitations).values(role=role, student=student, hash=hash_of(token), created=now(), expires=expires)
    )
    return token
