"""A notebook's source: py:percent text read into cells, each with its role and line."""

from dataclasses import dataclass, field
from pathlib import Path

import jupytext

from autograder.errors import CourseError

#: Words that stand behind ``# %%`` without a value.
FLAGS = {"setup", "predict", "varies", "folded", "yours"}
#: Those of them whose cells are released without their outputs.
UNRELEASED = ("predict", "yours")
#: Keys with a value, by the role they belong to.
EXERCISE_KEYS = {"exercise", "difficulty", "minutes"}
CHECK_KEYS = {"check", "points"}
KEYS = EXERCISE_KEYS | CHECK_KEYS | {"id", "label"}


@dataclass
class Cell:
    """One cell of a source.

    Attributes:
        kind: ``"markdown"`` or ``"code"``.
        text: its content, without comment signs for Markdown.
        line: the line of its ``# %%`` marker in the file, from 1.
        flags: words after the marker: ``setup``, ``predict`` (learners run it first: its output is not released),
            ``yours`` (shows what the learner wrote: its output is not released), ``varies`` (its output is not
            compared), ``folded`` (learners see its label, not its code).
        keys: ``key=value`` pairs after the marker.
    """

    kind: str
    text: str
    line: int
    flags: set[str] = field(default_factory=set)
    keys: dict[str, object] = field(default_factory=dict)

    @property
    def role(self) -> str:
        """``setup``, ``exercise``, ``check``, ``markdown`` or ``code``."""
        if "setup" in self.flags:
            return "setup"
        return next((role for role in ("exercise", "check") if role in self.keys), self.kind)

    @property
    def exercise(self) -> str | None:
        """The name of the exercise that this cell belongs to."""
        return self.keys.get("exercise") or self.keys.get("check")


@dataclass
class Source:
    """A notebook's source file, read."""

    path: Path
    cells: list[Cell]

    @property
    def name(self) -> str:
        """The notebook's name, such as ``04_linear``."""
        return self.path.stem


def read_cells(path: Path) -> list[Cell]:
    """Read a py:percent file.

    Raises:
        CourseError: the file is missing, not UTF-8, or has no cell.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CourseError(f"{path} does not exist.") from None
    except UnicodeDecodeError:
        raise CourseError(f"{path} is not UTF-8 text: save it as UTF-8.") from None
    lines = [i for i, line in enumerate(text.splitlines(), start=1) if line.startswith("# %%")]
    notebook = jupytext.reads(text, fmt="py:percent")
    if not lines or len(lines) != len(notebook.cells):
        raise CourseError(f"{path}:1: every cell must begin with a line `# %%`, the first one too.")
    return [_cell(cell, line) for cell, line in zip(notebook.cells, lines)]


def read_source(path: Path) -> Source:
    """Read the source of a notebook; see ``read_cells`` for the errors."""
    return Source(path, read_cells(path))


def _cell(cell, line: int) -> Cell:
    keys = dict(cell.metadata)
    keys.pop("lines_to_next_cell", None)  # jupytext's own note on blank lines
    flags = set(str(keys.pop("title", "")).split())
    return Cell(cell.cell_type, cell.source, line, flags, keys)
