"""When a submission was handed in: nbgrader's ``timestamp.txt``, with its time zone honoured or refused."""

import datetime
import re
import stat
from pathlib import Path

from dateutil import parser, tz

from autograder.errors import CourseError

TIMESTAMP = "timestamp.txt"
#: A time is one short line; anything longer is something else.
LONGEST = 200
#: A zone such as UTC+3 is refused: to most people it is east of Greenwich, but to dateutil and POSIX west of it.
EITHER_WAY = re.compile(r":\d\S*\s*([A-Za-z]+\s*[+-]\s*\d+)")
#: A zone such as Asia/Seoul, which dateutil knows but does not parse.
PLACE = re.compile(r"[A-Za-z]+(?:/[\w+-]+)+")
#: Two default dates: if a text leaves out the date, the results differ, which shows that it did.
SOME_DAY, ANOTHER_DAY = datetime.datetime(2000, 1, 1), datetime.datetime(2001, 2, 2)


def read_timestamp(folder: Path) -> datetime.datetime | None:
    """When a submission was handed in, in UTC without a zone, as the gradebook has it; None if that is not recorded.

    Raises:
        CourseError: what is recorded is not a time, or its zone is unknown.
    """
    path = folder / TIMESTAMP
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise CourseError(f"its {TIMESTAMP}, which should say when it was handed in, is not a plain file")
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST + 1)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise CourseError(f"its {TIMESTAMP}, which should say when it was handed in, cannot be read") from None
    return parse_time(text if len(text) > LONGEST else text.strip()) if text.strip() else None


def parse_time(text: str) -> datetime.datetime:
    """Parse a time as nbgrader writes it, or in ISO 8601, and convert it to UTC; without a zone it is UTC already.

    nbgrader's own ``parse_utc`` drops zones that it does not know, and takes ``+0900`` for 900 seconds.

    Raises:
        CourseError: it is not a time, or its zone is unknown.
    """
    words, place = text.split(), None
    if len(text) > LONGEST:
        raise _no_time()
    if unclear := EITHER_WAY.search(text):
        raise _unclear(unclear[1])
    if words and PLACE.fullmatch(words[-1]):
        place = _zone(words.pop(), None)
    try:
        time, other = (parser.parse(" ".join(words), default=day, tzinfos=_zone) for day in (SOME_DAY, ANOTHER_DAY))
        if time != other:
            raise _no_time()
        time = time.replace(tzinfo=time.tzinfo or place or datetime.UTC)
        return time.astimezone(datetime.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise _no_time() from None


def _zone(name: str | None, offset: int | None) -> datetime.tzinfo | None:
    """The zone with a name, or with an offset in seconds; None if the text has neither."""
    if offset is not None:
        return tz.tzoffset(name, offset)
    zone = tz.gettz(name) if name else None
    if name and (zone is None or isinstance(zone, tz.tzlocal)):  # gettz also accepts this machine's own zone names
        raise _unclear(name)
    return zone


def _unclear(zone: str) -> CourseError:
    return CourseError(
        f"its {TIMESTAMP} names the time zone {zone}, which is unknown or ambiguous: write an offset, such as +0900"
    )


def _no_time() -> CourseError:
    return CourseError(f"its {TIMESTAMP}, which should say when it was handed in, contains no date and time")
