"""Other answers to a notebook's exercises, right and wrong ones, that its checks must tell apart."""

from dataclasses import dataclass
from pathlib import Path

from autograder.errors import CourseError
from autograder.source.cells import read_cells


@dataclass(frozen=True)
class Variant:
    """One answer to one exercise.

    Attributes:
        exercise: the exercise's name.
        right: whether the check must accept it.
        text: the code of the exercise's cell.
        says: for a wrong one: what the check's message must contain, so that it leads to the mistake; may be empty.
        line: where it stands in its file.
    """

    exercise: str
    right: bool
    text: str
    says: str
    line: int


def read_variants(path: Path) -> list[Variant]:
    """Read ``variants.py``: cells ``# %% right="relu"`` and ``# %% wrong="relu" says="part of the message"``.

    Raises:
        CourseError: a cell is neither.
    """
    variants = []
    for cell in read_cells(path):
        if cell.kind == "markdown":
            continue
        keys = cell.keys
        if len(keys.keys() & {"right", "wrong"}) != 1 or keys.keys() - {"right", "wrong", "says"} or cell.flags:
            raise CourseError(
                f'{path}:{cell.line}: write `# %% right="exercise"` or `# %% wrong="exercise" says="message"`.'
            )
        right = "right" in keys
        variants.append(Variant(keys["right" if right else "wrong"], right, cell.text, keys.get("says", ""), cell.line))
    return variants
