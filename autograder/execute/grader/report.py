"""The results of a run."""

import json
from dataclasses import asdict, dataclass, field


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
class CheckReport:
    """What one check found.

    Attributes:
        grade_id: the check cell's.
        points, score: what it is worth, and what was earned.
        status: ``"right"``, ``"wrong"``, ``"unsolved"``, or ``"stopped"`` if a limit or the process's death ended it.
        message: for the learner, in words; empty when it is right.
    """

    grade_id: str
    points: float
    score: float
    status: str
    message: str


@dataclass
class Report:
    """A run: its cells, its checks, a sentence for everything beyond ordinary exceptions, and the versions used.

    ``crowded``: a cell was stopped after waiting for a processor for as long as it was allowed to run. Alone on the
    machine, it might have finished.
    """

    cells: list[CellReport] = field(default_factory=list)
    checks: list[CheckReport] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    crowded: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """The report that ``to_json`` wrote."""
        content = json.loads(text)
        return cls(
            [CellReport(**cell) for cell in content["cells"]],
            [CheckReport(**check) for check in content["checks"]],
            content["problems"],
            content["versions"],
        )
