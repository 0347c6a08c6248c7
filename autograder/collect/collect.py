"""Put what an LMS has downloaded where nbgrader expects it: the last attempt counts, every attempt is kept."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from nbgrader.utils import parse_utc

from autograder.collect.archives import Item, read_download
from autograder.collect.names import Handed, read_paths
from autograder.collect.roster import Roster
from autograder.errors import CourseError
from autograder.files import write_whole
from autograder.grading.submissions import not_this, parse_notebook

TIMESTAMP = "timestamp.txt"
#: Everyone on the machine may read what was collected.
READABLE = 0o644
#: How many bytes of its own name an attempt keeps: with its time, a file system must take it.
LONGEST_STEM = 160


@dataclass(frozen=True)
class Line:
    """What became of one file of a download, for the table.

    Attributes:
        file: where it was in the download.
        student: whose it is, if that is known.
        when: when it was handed in, if that is known.
        said: what was done with it, or why nothing was.
        lost: whether nothing was.
    """

    file: str
    student: str | None
    when: datetime | None
    said: str
    lost: bool = False


@dataclass(frozen=True)
class Attempt:
    """A file whose learner is known.

    Attributes:
        item: the file.
        notebook: which of the assignment's notebooks it is.
        handed: what its path says.
        when: when it was handed in, in UTC, if that is known.
    """

    item: Item
    notebook: str
    handed: Handed
    when: datetime | None

    @property
    def order(self) -> tuple:
        """Sorts a learner's attempts: by the system's time, else by its count, else by the file's time."""
        return self.handed.when or datetime.min, self.handed.attempt, self.item.modified


def collect(
    folder: Path,
    name: str,
    notebooks: Mapping[str, Mapping[str, str]],
    sources: Iterable[Path],
    roster: Roster | None,
    zone: tzinfo | None,
) -> list[Line]:
    """Collect the submissions for one assignment from downloads of Canvas, Moodle, Blackboard and others.

    Args:
        folder: the course's folder, with ``submitted`` and ``downloaded`` in it.
        name: the assignment.
        notebooks: its notebooks, each with what it is recognised by, see ``read_telltales``. A notebook of the course
            is an assignment with one notebook of the same name.
        sources: zip files, folders or notebooks.
        roster: who is who; without it learners are called what the system calls them.
        zone: the zone of the system's times; None for this machine's.

    Returns:
        A line for each file, but for those that systems add themselves.

    Raises:
        CourseError: a source cannot be read.
    """
    lines: list[Line] = []
    found: list[tuple[Item, str, Handed]] = []
    for source in sources:
        items = list(read_download(source))
        said = read_paths([item.path for item in items if item.problem is None], [name, *notebooks])
        for item in items:
            handed = said.get(item.path)
            notebook, why = (None, item.problem) if item.problem else _recognise(item, notebooks)
            if why is None and handed is None:
                why = "its name does not say whose it is: put it into a folder named after the learner"
            if why is None:
                found.append((item, notebook, handed))
            else:
                lines.append(Line(str(item.path), None, None, why, lost=True))
    attempts: dict[str, list[Attempt]] = defaultdict(list)
    names = _ids(handed for *_, handed in found) if roster is None else {}
    for item, notebook, handed in found:
        try:
            student = names[handed.system, handed.keys[0]] if roster is None else roster.find(handed.keys)
        except CourseError as error:
            lines.append(Line(str(item.path), None, handed.when, str(error), lost=True))
            continue
        attempts[student].append(Attempt(item, notebook, handed, _in_utc(handed.when, zone)))
    for student in sorted(attempts):
        ordered = sorted(attempts[student], key=lambda attempt: attempt.order)
        try:
            lines += _place(folder, name, student, ordered)
        except (CourseError, OSError) as error:  # one learner's trouble; the others are collected
            said = f"{error.filename} cannot be written: {error.strerror}" if isinstance(error, OSError) else str(error)
            lines += [_line(student, attempt, said, lost=True) for attempt in ordered]
    return lines


def _recognise(item: Item, notebooks: Mapping[str, Mapping[str, str]]) -> tuple[str | None, str | None]:
    """Which of the notebooks a file is; or None, and why it is none of them."""
    try:
        notebook = parse_notebook(item.data)
    except CourseError as error:
        return None, str(error)
    problems = {name: not_this(notebook, name, telltales) for name, telltales in notebooks.items()}
    # Several notebooks of an assignment may use the same ids: then the file's name decides.
    likely = sorted(notebooks, key=lambda name: (name not in item.path.name, -len(name)))
    fits = [name for name in likely if problems[name] is None]
    return (fits[0], None) if fits else (None, problems[likely[0]])


def _in_utc(when: datetime | None, zone: tzinfo | None) -> datetime | None:
    return None if when is None else (when.replace(tzinfo=zone) if zone else when).astimezone(UTC)


def _ids(handed: Iterable[Handed]) -> dict[tuple[str, str], str]:
    """The gradebook's ids, by system and surest key: learners' names; with the system's number if two share one."""
    labels = {(one.system, one.keys[0]): id_of(one.label) for one in handed}
    used = defaultdict(set)
    for who, label in labels.items():
        used[label.casefold()].add(who)
    shared = {who for several in used.values() if len(several) > 1 for who in several}
    return {who: id_of(f"{label}-{who[1]}") if who in shared else label for who, label in labels.items()}


def id_of(label: str) -> str:
    """``label`` as a gradebook's id and a folder's name: letters and figures of any script and ``. _ - @``."""
    return re.sub(r"[^\w.@-]+", "-", unicodedata.normalize("NFC", label)).strip(".-") or "unnamed"


def _place(folder: Path, name: str, student: str, attempts: list[Attempt]) -> list[Line]:
    """Write one learner's attempts, the oldest first in ``attempts``."""
    place, kept = folder / "submitted" / student / name, folder / "downloaded" / name / "attempts" / student
    if not place.resolve().is_relative_to((folder / "submitted").resolve()):
        why = f"{place} is a link to another folder: remove it"
        return [_line(student, attempt, why, lost=True) for attempt in attempts]
    last = {attempt.notebook: attempt for attempt in attempts}
    lines = []
    for attempt in attempts:
        if attempt is not last[attempt.notebook]:
            keep(kept, attempt.item.data, attempt.when, attempt.handed.file)
            lines.append(_line(student, attempt, "an earlier attempt: kept, not graded"))
    stamp = place / TIMESTAMP
    then, placed = read_stamp(stamp), set()
    for attempt in last.values():
        target = place / f"{attempt.notebook}.ipynb"
        before = target.read_bytes() if target.is_file() else None
        if before == attempt.item.data:
            said = "collected before"
        elif before is not None and then is not None and attempt.when is not None and then > attempt.when:
            keep(kept, attempt.item.data, attempt.when, attempt.handed.file)
            said = "kept, not graded: a later attempt was collected before"
        else:
            place.mkdir(parents=True, exist_ok=True)
            if before is not None:
                keep(kept, before, then, target.name)
            stamp.unlink(missing_ok=True)  # it says when the earlier attempt was handed in
            write_whole(target, attempt.item.data, READABLE)
            said = "collected" if before is None else "collected; the attempt before it was kept"
            placed.add(target)
        lines.append(_line(student, attempt, said))
    whens = [attempt.when for attempt in last.values() if attempt.when is not None]
    if then is not None and not placed.issuperset(place.glob("*.ipynb")):
        whens.append(then)
    if placed and whens:
        write_whole(stamp, f"{max(whens):%Y-%m-%d %H:%M:%S.%f} UTC\n".encode(), READABLE)
    return lines


def _line(student: str, attempt: Attempt, said: str, lost: bool = False) -> Line:
    late = f"; late, says {attempt.handed.system}, but not by how much" if attempt.handed.late else ""
    return Line(str(attempt.item.path), student, attempt.handed.when, said + late, lost)


def read_stamp(path: Path) -> datetime | None:
    """When an attempt was handed in that has been collected before."""
    try:
        return parse_utc(path.read_text(encoding="utf-8").strip()).replace(tzinfo=UTC)
    except (OSError, ValueError, AttributeError):
        return None


def keep(kept: Path, data: bytes, when: datetime | None, file: str) -> None:
    """Keep an attempt under its time and its own name; what is there already stays."""
    short = id_of(Path(file).stem).encode()[:LONGEST_STEM].decode(errors="ignore")
    stem = "_".join(part for part in (f"{when:%Y-%m-%d-%H-%M-%S}" if when else "", short) if part)
    paths = (kept / f"{stem}{'' if number == 1 else f'-{number}'}.ipynb" for number in range(1, 10_000))
    for path in paths:
        if not path.exists():
            write_whole(path, data, READABLE)
            return
        if path.read_bytes() == data:
            return
