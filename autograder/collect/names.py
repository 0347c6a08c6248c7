"""What the paths in an LMS's download say: who handed in which file, and when.

The forms are those of the systems' own downloads:

- Canvas: a file ``lovelaceada_LATE_123_456_04_linear-2.ipynb`` (numbers of learner, submission and attempt)
- Moodle: a folder, or the start of a file, ``Ada Lovelace_123_assignsubmission_file_``
- Blackboard: a file ``title_user_attempt_2026-11-01-09-15-42_04_linear.ipynb``
- Brightspace: a folder ``123-456 - Ada Lovelace - Nov 1, 2026 915 AM`` (numbers of learner and assignment)
- Google Classroom: a file ``Ada Lovelace - 04_linear.ipynb``
"""

import os.path
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

MOODLE = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_file_?(?P<file>.*)")
BLACKBOARD = re.compile(r"(?P<who>.+)_attempt_(?P<when>\d{4}(?:-\d\d){5})_?(?P<file>.*)")
BRIGHTSPACE = re.compile(
    r"(?P<number>\d+)-\d+ - (?:(?P<user>\w*\d\w*) - )?(?P<name>.+?) ?- (?P<when>[^-]*\d{4}[^-]*)(?P<file>.*)"
)
CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<number>\d+)_\d+_(?P<file>.+)")
CLASSROOM = re.compile(r"(?P<name>.+?) - (?P<file>.+)")
#: What browsers and Canvas put after a file's own name when it comes again.
COPY, RESUBMITTED = re.compile(r" ?\(\d+\)$"), re.compile(r"-(\d+)$")
BRIGHTSPACE_DATES = ("%b %d, %Y", "%B %d, %Y", "%d %B, %Y", "%d %b, %Y", "%d %B %Y", "%d %b %Y")


@dataclass(frozen=True)
class Handed:
    """What a path says about a file that was handed in.

    Attributes:
        system: whose form the path has; "a folder" if no system's.
        keys: what the learner may be known by, the surest first: a user name or number, then the name.
        label: what to call the learner without a roster.
        file: the file's name, as the learner gave it.
        when: when it was handed in, by the system's clock, without a zone; None if the path does not say.
        attempt: which attempt it is, where the system counts.
        late: whether the system says that it was late; that is all that Canvas says of the time.
    """

    system: str
    keys: tuple[str, ...]
    label: str
    file: str
    when: datetime | None = None
    attempt: int = 0
    late: bool = False


def read_paths(paths: Iterable[PurePosixPath], names: Collection[str]) -> dict[PurePosixPath, Handed | None]:
    """Who handed in each of the files of one download; None where the path does not say.

    Args:
        paths: all files of the download, since what their paths share says nothing about a learner.
        names: what the files may be called: the assignment's name and those of its notebooks.
    """
    said = {path: _of_a_system(path, names) for path in paths}
    plain = [path for path, handed in said.items() if handed is None]
    shared = _shared_folders(plain)
    said |= {path: _plain(path, shared, names) for path in plain}
    titled = {handed.label for handed in said.values() if handed is not None and handed.system == "Blackboard"}
    title = _shared_title(titled)
    return {path: _without_title(handed, title, names) for path, handed in said.items()}


def _of_a_system(path: PurePosixPath, names: Collection[str]) -> Handed | None:
    """Read the first part of a path that has a system's form."""
    for part in path.parts:
        own = path.name if part != path.name else ""
        if found := MOODLE.fullmatch(part):
            return Handed("Moodle", (found["number"], found["name"]), found["name"], own or found["file"])
        if found := BLACKBOARD.fullmatch(part):
            when = _date(found["when"], "%Y-%m-%d-%H-%M-%S")
            return Handed("Blackboard", (found["who"],), found["who"], own or found["file"], when) if when else None
        if found := BRIGHTSPACE.fullmatch(part):
            when = _brightspace_date(found["when"])
            if when is not None:
                keys = [key for key in (found["user"], found["number"], found["name"]) if key]
                file = own or found["file"].removeprefix("- ")
                return Handed("Brightspace", tuple(keys), found["user"] or found["name"], file, when)
        if found := CANVAS.fullmatch(part):
            again = RESUBMITTED.search(PurePosixPath(found["file"]).stem)
            keys, file = (found["number"], found["name"]), own or found["file"]
            attempt = int(again[1]) if again else 0
            return Handed("Canvas", keys, found["name"], file, attempt=attempt, late=bool(found["late"]))
    if (found := CLASSROOM.fullmatch(path.name)) and _beside(found["name"], names):
        return Handed("Google Classroom", (found["name"],), found["name"], found["file"])
    return None


def _plain(path: PurePosixPath, shared: int, names: Collection[str]) -> Handed | None:
    """A path of no system: in a folder or zip file for each learner, or a file with the learner's name in its own."""
    places = [part.removesuffix(".zip") for part in path.parts[shared:-1]]
    label = next((place for place in places if _beside(place, names)), "") or _beside(COPY.sub("", path.stem), names)
    return Handed("a folder", (label,), label, path.name) if label else None


def _shared_folders(paths: list[PurePosixPath]) -> int:
    """How many folders all of several paths begin with."""
    if len(paths) < 2:
        return 0
    return len(PurePosixPath(os.path.commonpath([path.parent for path in paths])).parts)


def _beside(text: str, names: Collection[str]) -> str:
    """What a name says beside the notebook's: ``ada`` for ``04_linear_ada``, nothing for ``Copy of 04_linear``."""
    longest_first = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(longest_first, " ", text.removeprefix("Copy of "), flags=re.IGNORECASE).strip(" _-.")


def _shared_title(labels: set[str]) -> str:
    """The title of the assignment: what all of Blackboard's files begin with, up to an underscore."""
    if len(labels) < 2:
        return ""
    shared = os.path.commonprefix(sorted(labels))  # noqa: RUF071 - character by character is what is wanted
    return shared[: shared.rfind("_") + 1]


def _without_title(handed: Handed | None, title: str, names: Collection[str]) -> Handed | None:
    """Blackboard puts the assignment's title before the user name; both may contain underscores."""
    if handed is None or handed.system != "Blackboard":
        return handed
    text = handed.label.removeprefix(title) if title else handed.label
    if not title:
        named = next((f"{name}_" for name in names if text.startswith(f"{name}_")), None)
        text = text.removeprefix(named) if named else text.rpartition("_")[2]
    parts = handed.label.split("_")
    endings = ["_".join(parts[i:]) for i in range(len(parts))]  # a roster knows which of them is a user
    return Handed(handed.system, (text, *endings), text, handed.file, handed.when)


def _brightspace_date(text: str) -> datetime | None:
    """A date such as ``Nov 1, 2026 915 AM`` or ``1 November, 2026 1715``: hours and minutes without a colon."""
    found = re.fullmatch(r"(?P<day>.*?\d{4})(?:,? (?P<clock>\d{3,4}) ?(?P<half>[AP]M)?)?", text.strip(), re.IGNORECASE)
    if not found:
        return None
    days = (_date(found["day"], form) for form in BRIGHTSPACE_DATES)
    day = next((day for day in days if day is not None), None)
    if day is None or found["clock"] is None:
        return day
    clock, half = found["clock"].zfill(4), found["half"]
    time = _date(f"{clock} {half}", "%I%M %p") if half else _date(clock, "%H%M")
    return datetime.combine(day, time.time()) if time else None


def _date(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None
