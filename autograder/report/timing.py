"""How long the cells of a notebook ran when a class was graded."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.report.records import Record


@dataclass(frozen=True)
class CellTime:
    """A cell's label, how many notebooks have the cell, and how many seconds it took."""

    label: str
    notebooks: int
    median: float
    longest: float


def cell_times(cells: Sequence[str], records: Sequence[Record]) -> list[CellTime]:
    """The times of the cells that were run, longest first."""
    times = []
    for label in cells:
        seconds = [record.seconds[label] for record in records if label in record.seconds]
        if seconds:
            times.append(CellTime(label, len(seconds), statistics.median(seconds), max(seconds)))
    return sorted(times, key=lambda time: (-time.longest, -time.median))
