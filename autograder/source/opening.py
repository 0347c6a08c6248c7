"""The opening of a notebook, which has one form: what learners can do afterwards; points, time, what they need."""

import re
from collections.abc import Iterator

from autograder.source.cells import Cell, Source

GOALS = re.compile(r"(?:^|\n\n)After this notebook you can\n\n- ")
FACTS = re.compile(
    r"^\*\*Points\*\*: (?P<points>\d+|none)\. \*\*Time\*\*: about (?P<time>[^.]+)\. \*\*You need\*\*: \S", re.MULTILINE
)
TIME = re.compile(r"\d+ minutes of reading and (?P<minutes>\d+) minutes for the (?P<exercises>\d+ exercises|exercise)")
#: How far the minutes of the opening, which are rounded, may be from those of the exercises.
ROUNDED = 5


def opening_faults(source: Source) -> Iterator[tuple[int, str]]:
    """What the opening lacks, or says otherwise than the exercises do: lines and messages."""
    opening = source.cells[0]
    line, text = opening.line, opening.text if opening.kind == "markdown" else ""
    if not GOALS.search(text):
        yield line, "the opening must say `After this notebook you can`, then a list (`- …`)."
    # A line of the text may be broken anywhere; paragraphs are apart.
    paragraphs = "\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    facts = FACTS.search(paragraphs)
    if facts is None:
        yield line, "the opening needs a paragraph `**Points**: …. **Time**: about …. **You need**: ….`"
        return
    checks = [cell for cell in source.cells if cell.role == "check"]
    points = sum(_whole(check, "points") for check in checks)
    if facts["points"] != (str(points) if points else "none"):
        yield line, f"the opening says **Points**: {facts['points']}, the checks say {points or 'none'}."
    if points:
        yield from ((line, message) for message in _time_faults(facts["time"], source))


def _time_faults(time: str, source: Source) -> Iterator[str]:
    exercises = [cell for cell in source.cells if cell.role == "exercise"]
    count = "exercise" if len(exercises) == 1 else f"{len(exercises)} exercises"
    minutes = sum(_whole(exercise, "minutes") for exercise in exercises)
    said = TIME.fullmatch(time)
    if said is None:
        yield f"write the time as `about 20 minutes of reading and {minutes} minutes for the {count}`."
        return
    if said["exercises"] != count:
        yield f"the opening says {said['exercises']!r}: it should be {count!r}."
    if abs(int(said["minutes"]) - minutes) > ROUNDED:
        yield f"the opening says {said['minutes']} minutes for the {count}, which add up to {minutes}."


def _whole(cell: Cell, key: str) -> int:
    """The number at a key; what is none has been reported as a fault of its own."""
    value = cell.keys.get(key)
    return value if isinstance(value, int) else 0
