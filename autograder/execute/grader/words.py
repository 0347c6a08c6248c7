"""What the engine tells people: sentences for the report, and what a failed check says to the learner."""

import re
from dataclasses import dataclass

from autograder.execute.grader.pictures import about_cell
from autograder.execute.limits import Limits
from autograder.source.ids import CHECK, EXERCISE

FRAME = re.compile(r"Cell In\[(\d{1,9})\],? line (\d{1,9})")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
#: What upsets files, pages and terminals; colour codes, which notebooks show, are kept.
UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\ud800-\udfff]|\x1b(?!\[[0-9;]*m)")


def writable(text: str) -> str:
    """A learner's ``text`` without control characters."""
    return UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def name_cells(cells: list) -> list[str]:
    """Names of the cells for people: by their exercise, or by their number and the exercise that follows."""
    names, following = [], ""
    for number, cell in zip(range(len(cells), 0, -1), reversed(cells)):
        grade_id = str(about_cell(cell).get("grade_id", ""))
        kind = next((kind for kind in (EXERCISE, CHECK) if grade_id.startswith(kind)), "")
        if kind:
            following = f"exercise {grade_id.removeprefix(kind)!r}"
            names.append(f"{'the answer to' if kind == EXERCISE else 'the check for'} {following}")
        else:
            names.append(f"cell {number}" + (f" (before {following})" if following else ""))
    return names[::-1]


def quoted(text: str) -> str:
    """A learner's ``text``, to be put into one of our sentences: none of its lines begins like one of ours."""
    return "\n  | ".join(text.splitlines())


def problem(status: str, cell: str, limits: Limits, seconds: float, detail: str = "") -> str:
    """How a cell hit a limit or its process died, as a sentence without a full stop; empty if neither happened.

    Args:
        status: the cell's status, as the examiner reports it.
        cell: its name.
        limits: the limits in force.
        seconds: how long it was allowed to take.
        detail: what was wrong with the message that its process sent.
    """
    longer = f"{cell} ran longer than {limits.cell_seconds:g} s"
    if seconds < limits.cell_seconds:
        longer = f"{cell} was still running when the notebook had run for {limits.total_seconds:g} s"
    return {
        "timeout": f"{longer} and was stopped",
        "stubborn": f"{longer}, could not be interrupted and was killed",
        "flood": f"{cell} wrote more than {limits.output_bytes / 1e6:g} MB of output and was stopped",
        "memory": f"{cell} needed more than {limits.memory_bytes / 1e9:g} GB of memory and was stopped",
        "died": f"{cell} ended the process that it ran in; the cells after it ran in a new one, without it",
        "protocol": f"{cell} received something from the learner's code that cannot be read "
        f"({detail or 'an unknown kind of value'}); the cells after it ran in a new process, without it",
    }.get(status, "")


def out_of_time(cell: str, limits: Limits) -> str:
    return f"the notebook ran longer than {limits.total_seconds:g} s and was stopped before {cell}"


def too_much_output(limits: Limits) -> str:
    return f"the notebook wrote more than {limits.total_output_bytes / 1e6:g} MB of output: the rest is left out"


def too_often(cell: str) -> str:
    return f"the learner's process died too often, most recently in {cell}: the cells after it were not run"


def limit_met(outputs: list, cell: str, limits: Limits) -> str:
    """The limit that an exception in the learner's code points to, as a sentence; empty if it points to none."""
    for output in outputs:
        if output.output_type != "error":
            continue
        told = f"{output.ename}: {output.evalue}"
        if output.ename == "MemoryError" or "can't allocate memory" in told or "not enough memory" in told:
            return f"{cell} needed more than {limits.memory_bytes / 1e9:g} GB of memory"
        if "No space left on device" in told or "File too large" in told:
            return f"{cell} tried to write more than {limits.disk_bytes / 1e6:g} MB to files"
        if "Resource temporarily unavailable" in told or "can't start new thread" in told:
            return f"{cell} needed more than {limits.processes} processes and threads"
    return ""


def judgement(error: dict, by_count: dict, exercise: str) -> tuple[str, str]:
    """Status and message of a check that an exception ended.

    From a traceback, only the call and the learner's own line are shown: the rest may quote hidden tests.

    Args:
        error: the exception, as the examiner reports it.
        by_count: the learner's cells by execution count.
        exercise: the name of the check's exercise.
    """
    name, text = error["name"], error["text"]
    if error["expected"]:
        return "wrong", text
    if error["cannot_cross"]:
        return "wrong", f"The check cannot judge this answer: {quoted(text)}"
    if name == "TooLarge":
        return "wrong", f"This answer is too large to be checked: {text}."
    place = _learners_line(error["learners"], by_count)
    elsewhere = place is not None and place.exercise not in ("", exercise)
    if name == "NotImplementedError" and not text:  # torch raises it with a text
        return (
            "unsolved",
            f"It calls exercise {place.exercise!r}, which is not solved yet." if elsewhere else "Not solved yet.",
        )
    if name == "AssertionError" and not text:
        return "wrong", "The check found something that is not what the exercise asks for."
    lines = [quoted(f"Your code stopped with {name}: {text}")]
    lines += [f"  in the call {error['call']}"] * bool(error["call"])
    if place is not None:
        whose = f" of your answer to exercise {place.exercise!r}" if elsewhere else ""
        lines.append(f"  in your line {place.line}{whose}:  {place.text}")
    return "wrong", "\n".join(lines)


@dataclass(frozen=True)
class Place:
    """A line of a learner's code: its exercise (empty for another cell), its number in the cell, and its text."""

    exercise: str
    line: int
    text: str


def _learners_line(traceback: str, by_count: dict) -> Place | None:
    """The innermost line in a traceback that is from the learner's own cells."""
    for count, number in reversed(FRAME.findall(ANSI.sub("", traceback))):
        cell = by_count.get(int(count))
        lines = cell.source.splitlines() if cell is not None else []
        if 0 < int(number) <= len(lines):
            grade_id = str(about_cell(cell).get("grade_id", ""))
            exercise = grade_id.removeprefix(EXERCISE) if grade_id.startswith(EXERCISE) else ""
            return Place(exercise, int(number), lines[int(number) - 1].strip())
    return None
