"""What came of a crowd that handed in: figures, and whether anything was lost or marked otherwise than it should be."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, inf
from pathlib import Path
from statistics import median

from crowd import Visit
from nbgrader.api import Gradebook
from rich.table import Table
from ways import Marks

#: To be reached on two cores: the median seconds to the marks while two learners per second arrive; bytes when idle.
MOST_SECONDS, MOST_IDLE = 2, 2**30
#: The table says how many had their marks within these seconds.
STEPS = (1, 2, 5)
#: How many faults are listed.
LISTED = 10


@dataclass(frozen=True)
class Taken:
    """What the server took.

    Attributes:
        started: seconds until it answered.
        idle, highest, after: bytes of memory before anybody came, at most, and after the last marks were shown.
        cpu: CPU seconds between the first learner and the last marks, of all its processes.
        crowd: CPU seconds of the learners' browsers, which ran on the same machine.
    """

    started: float
    idle: int
    highest: int
    after: int
    cpu: float
    crowd: float


def figures(title: str, visits: list[Visit], taken: Taken) -> Table:
    """How it went, as a table."""
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    shown = [visit for visit in visits if visit.shown is not None]
    table.add_row("handed in, and got their marks", f"{len(shown)} of {len(visits)}")
    table.add_row("longest queue", str(max((visit.queue for visit in visits), default=0)))
    table.add_section()
    if shown:
        begun = [visit.began for visit in shown]
        waited = [visit.shown - visit.began for visit in shown]
        span = max(visit.shown for visit in shown) - min(begun)
        table.add_row("arrived, per second", rate(len(begun) - 1, max(begun) - min(begun)))
        table.add_row("graded, per second", rate(len(shown), span))
        table.add_row("from upload to marks, median", f"{median(waited):.2f} s")
        table.add_row("from upload to marks, 99th percentile", f"{percentile(waited, 99):.2f} s")
        for step in STEPS:
            table.add_row(f"marks within {step} s", f"{sum(one <= step for one in waited) / len(waited):.0%}")
        table.add_section()
        table.add_row("CPU of the server, one submission", f"{taken.cpu / len(shown):.2f} s")
    table.add_row("CPU of the learners' browsers, in all", f"{taken.crowd:.1f} s")
    table.add_row("start of the server", f"{taken.started:.1f} s")
    for what, size in (("idle", taken.idle), ("highest", taken.highest), ("afterwards", taken.after)):
        table.add_row(f"memory of all processes, {what}", f"{size / 2**30:.2f} GiB")
    return table


def rate(number: int, seconds: float) -> str:
    """How many per second."""
    return f"{number / seconds:.2f}" if seconds > 0 else "all at once"


def percentile(values: list[float], percent: float) -> float:
    """The smallest of ``values`` that ``percent`` of them do not exceed."""
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]


def lost(folder: Path, name: str, files: Mapping[str, bytes], visits: list[Visit]) -> list[str]:
    """What is missing of what was sent, as sentences: an attempt, the submission, the record, the marks on the page."""
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        recorded = {submission.student.id for submission in gradebook.assignment_submissions(name)}
    found = [f"{visit.student}: {visit.fault}" for visit in visits if visit.shown is None]
    for student, file in files.items():
        attempts = sorted((folder / "attempts" / student / name).glob(f"*/{name}.ipynb"))
        if [digest(path) for path in attempts] != [hashlib.sha256(file).digest()]:
            found.append(f"{student}: there are {len(attempts)} attempts instead of the one that was sent")
        if digest(folder / "submitted" / student / name / f"{name}.ipynb") != hashlib.sha256(file).digest():
            found.append(f"{student}: what is in submitted/ is not what was sent")
        if student not in recorded:
            found.append(f"{student}: there is no record in the gradebook")
    return found


def digest(path: Path) -> bytes | None:
    """The hash of a file; None if there is none."""
    return hashlib.sha256(path.read_bytes()).digest() if path.is_file() else None


def different(served: Marks, graded: Marks, visits: list[Visit]) -> list[str]:
    """Which marks are not those of ``autograder grade``, on the page or in the gradebook, as sentences."""
    found = []
    for visit in visits:
        right = graded[visit.student]
        found += [
            f"{visit.student}, {check}: {served.get(visit.student, {}).get(check)}, and {marks:g} by `autograder grade`"
            for check, marks in right.items()
            if served.get(visit.student, {}).get(check) != marks
        ]
        if visit.points is not None and visit.points != round(sum(right.values()), 2):
            found.append(f"{visit.student}: {visit.points:g} on the page, and {sum(right.values()):g} points")
    return found


def verdict(visits: list[Visit], taken: Taken, missing: list[str], unlike: list[str], marks: int) -> list[str]:
    """A line for each aim, with ✓ or ✗, and below those about losses and marks what is wrong."""
    waited = [visit.shown - visit.began for visit in visits if visit.shown is not None]
    middle = median(waited) if waited else inf
    same = marks > 0 and not unlike
    told = f"{middle:.2f} s" if waited else "nobody has any"
    return [
        f"{_sign(not missing)} nothing is lost: {len(visits)} learners, {len(missing)} faults",
        *_listed(missing),
        f"{_sign(same)} the marks are those of `autograder grade`: {marks} compared, {len(unlike)} different",
        *_listed(unlike),
        f"{_sign(middle < MOST_SECONDS)} half of the learners have their marks within {MOST_SECONDS} s: {told}",
        f"{_sign(taken.idle < MOST_IDLE)} an idle server takes less than 1 GiB: {taken.idle / 2**30:.2f} GiB",
    ]


def _sign(reached: bool) -> str:
    return "✓" if reached else "✗"


def _listed(faults: list[str]) -> list[str]:
    more = [f"  … and {len(faults) - LISTED} more"] if len(faults) > LISTED else []
    return [f"  {fault}" for fault in faults[:LISTED]] + more
