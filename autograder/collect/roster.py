"""A roster: whose submission is whose, by any name or number that a system knows a learner by."""

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import CourseError

#: Headings, in letters and figures only, of the column that holds the gradebook's ids; else the first column does.
IDS = ("id", "studentid", "student")
FIRST, LAST = ("firstname", "givenname", "forename"), ("lastname", "surname", "familyname")


@dataclass(frozen=True)
class Roster:
    """The learners by what they are known by.

    Attributes:
        ids: the gradebook's ids by key (see ``key_of``); several if the key fits several learners.
    """

    ids: Mapping[str, frozenset[str]]

    def find(self, keys: Iterable[str]) -> str:
        """The id of the learner who is known by the first of ``keys`` that fits anybody.

        Raises:
            CourseError: nobody is, or several are.
        """
        tried = list(dict.fromkeys(keys))
        for key in tried:
            found = self.ids.get(key_of(key), frozenset())
            if len(found) == 1:
                return next(iter(found))
            if found:
                raise CourseError(f"“{key}” fits several learners in the roster: {', '.join(sorted(found))}")
        raise CourseError(f"nobody in the roster is known as {' or '.join(f'“{key}”' for key in tried[:3])}")


def key_of(text: str) -> str:
    """``text`` as it is compared: letters and figures only, as Canvas writes names, whatever their case."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum() or unicodedata.combining(c))


def read_roster(path: Path) -> Roster:
    """Read a CSV file with a heading: a column ``id`` (else the first one) with the gradebook's ids, and any others.

    Every cell is something that its learner may be known by: a user name, a number, an e-mail address, a name, with the
    first and the last name in either order.

    Raises:
        CourseError: the file cannot be read, it has no learners, or an id in it cannot be a folder's name.
    """
    rows, column = read_learners(path)
    ids: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        student = row[column]
        for known in _known_by({name: cell for name, cell in row.items() if isinstance(name, str)}):
            if student and key_of(known):
                ids[key_of(known)].add(student)
    return Roster({key: frozenset(found) for key, found in ids.items()})


def read_learners(path: Path) -> tuple[list[dict[str, str]], str]:
    """The lines of a roster, and the heading of the column that has the gradebook's ids.

    Raises:
        CourseError: the file cannot be read, it has no learners, or an id in it cannot be a folder's name.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text; save it as “CSV UTF-8”"
        raise CourseError(f"The roster {path} cannot be read: {reason}.") from None
    heading = text.partition("\n")[0]
    rows = list(csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=heading.count), restval=""))
    if not rows:
        raise CourseError(f"The roster {path} has no learners: it needs a heading and a line for each of them.")
    columns = list(rows[0])
    column = next((name for name in columns if key_of(name) in IDS), columns[0])
    for row in rows:
        student = row[column] = row[column].strip()
        if student.startswith(".") or {"/", "\\"} & {*student}:
            raise CourseError(f"The roster {path} has the id {student!r}, which cannot be a folder's name: change it.")
    return rows, column


def _known_by(row: Mapping[str, str]) -> list[str]:
    """All that a learner may be known by."""
    cells = {key_of(name): cell.strip() for name, cell in row.items()}
    first, last = (next((cells[name] for name in names if cells.get(name)), "") for names in (FIRST, LAST))
    known = [*cells.values(), first + last, last + first] if first and last else [*cells.values()]
    known += ["".join(reversed(cell.split(","))) for cell in cells.values() if cell.count(",") == 1]  # Lovelace, Ada
    return known + [cell.partition("@")[0] for cell in cells.values() if "@" in cell]
