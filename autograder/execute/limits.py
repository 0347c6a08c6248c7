"""What a run may cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much one notebook may use.

    Attributes:
        cell_seconds: wall time of one cell; after that it is interrupted.
        total_seconds: wall time of all cells; cells after that are not run.
        output_bytes: output of one cell; after that it is interrupted and its output is cut off.
        memory_bytes: memory of the learner's processes in total, beyond an empty notebook's.
        processes: how many processes and threads the learner's code may have at a time.
        disk_bytes: what it may write to files, which are kept in memory and are gone at the end.
    """

    cell_seconds: int = 30
    total_seconds: int = 300
    output_bytes: int = 2_000_000
    memory_bytes: int = 2_000_000_000
    processes: int = 64
    disk_bytes: int = 200_000_000
