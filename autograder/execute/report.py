"""What a run may cost, and what came of it."""

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Limits:
    """How much one notebook may use.

    Attributes:
        cell_seconds: wall time of one cell; then it is interrupted.
        total_seconds: wall time of all cells; cells after that are not run.
        output_bytes: output of one cell; then it is interrupted and its output cut.
    """

    cell_seconds: int = 30
    total_seconds: int = 300
    output_bytes: int = 2_000_000


@dataclass
class CellReport:
    """One code cell: its number among all cells (from 1), its ``grade_id`` if it has one, and how it ended.

    ``status`` is ``"ok"``, ``"error"``, ``"timeout"``, ``"flood"``, ``"died"`` or ``"not run"``.
    """

    number: int
    grade_id: str | None
    status: str = "not run"
    seconds: float = 0.0


@dataclass
class Report:
    """A run: its cells, and a sentence for everything that went wrong beyond ordinary exceptions."""

    cells: list[CellReport] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)
