"""Which assignments learners see, and until when they can hand in."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection

from autograder.serve.tables import openings


@dataclass(frozen=True)
class Opening:
    """When an assignment is open.

    Attributes:
        hidden: learners see neither it nor anything that belongs to it, feedback included.
        opens: until then, it is hidden; None if it has always been open.
        closes: from then on nothing can be handed in, but feedback can be read; None for never.
    """

    hidden: bool = False
    opens: datetime | None = None
    closes: datetime | None = None

    def state(self, when: datetime) -> str:
        """``"hidden"``, ``"open"`` or ``"closed"``."""
        if self.hidden or (self.opens is not None and when < self.opens):
            return "hidden"
        return "closed" if self.closes is not None and when >= self.closes else "open"


def read_opening(connection: Connection, name: str) -> Opening:
    """When an assignment is open; always, unless something else was written."""
    row = connection.execute(select(openings).where(openings.c.assignment == name)).first()
    return Opening(row.hidden, row.opens, row.closes) if row else Opening()


def write_opening(connection: Connection, name: str, opening: Opening) -> None:
    """Set when an assignment is open."""
    connection.execute(delete(openings).where(openings.c.assignment == name))
    connection.execute(
        insert(openings).values(assignment=name, hidden=opening.hidden, opens=opening.opens, closes=opening.closes)
    )
