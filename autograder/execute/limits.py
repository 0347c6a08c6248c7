"""How much a run may use."""

from dataclasses import dataclass

#: How many times its limit a cell, or a notebook, may take in wall time on a machine that is busy with others.
BUSIEST = 4


@dataclass(frozen=True)
class Limits:
    """How much one notebook may use.

    Attributes:
        cell_seconds: time of one cell; after that it is interrupted. Time that its process spends waiting for a
            processor does not count, so it may take up to ``BUSIEST`` times as much wall time, unless the cell itself
            has used more processor time than this.
        total_seconds: time of all cells, counted in the same way; cells after that are not run.
        output_bytes: output of one cell; after that it is interrupted and its output is cut off.
        total_output_bytes: output of all cells; what cells write after that is left out.
        memory_bytes: memory of the learner's processes in total, beyond an empty notebook's.
        processes: how many processes and threads the learner's code may have at a time.
        disk_bytes: what it may write to files in total; they are kept in memory and disappear at the end.
    """

    cell_seconds: int = 30
    total_seconds: int = 300
    output_bytes: int = 2_000_000
    total_output_bytes: int = 10_000_000
    memory_bytes: int = 2_000_000_000
    processes: int = 64
    disk_bytes: int = 200_000_000
