"""Times: kept in UTC without a zone, as nbgrader keeps them; shown and entered in the class's zone."""

from datetime import UTC, datetime, tzinfo

from autograder.errors import CourseError

#: Dates in other years are slips, such as 0027.
YEARS = range(2000, 3000)


def now() -> datetime:
    """The time, in UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def shown(when: datetime, zone: tzinfo | None) -> str:
    """A time for people, with the zone's name."""
    return f"{when.replace(tzinfo=UTC).astimezone(zone):%Y-%m-%d %H:%M %Z}"


def zone_name(zone: tzinfo | None) -> str:
    """What the zone is called."""
    return str(zone) if zone else f"{datetime.now().astimezone():%Z}"


def field(when: datetime | None, zone: tzinfo | None) -> str:
    """A time as the value of an input of type ``datetime-local``, with its seconds if it has any."""
    if when is None:
        return ""
    local = when.replace(tzinfo=UTC).astimezone(zone)
    return f"{local:%Y-%m-%dT%H:%M:%S}" if local.second else f"{local:%Y-%m-%dT%H:%M}"


def read_field(text: str, zone: tzinfo | None) -> datetime | None:
    """What somebody has entered there; None if it is empty.

    Raises:
        CourseError: it is not a time.
    """
    if not text.strip():
        return None
    try:
        when = datetime.fromisoformat(text.strip())
        if when.year not in YEARS:
            raise ValueError
        return (when.replace(tzinfo=zone) if zone else when).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        raise CourseError("that is not a date and time: write it as 2027-03-01T23:59") from None
