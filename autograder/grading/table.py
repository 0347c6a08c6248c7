"""The table that grading ends with."""

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from autograder.grading.grade import Exercise, Row
from autograder.grading.results import FAILED, Result, named_mistake
from autograder.grading.submissions import printable

#: Characters of a message that are shown: enough for any of ours, but a learner's exception may be cut.
LONGEST = 300

#: Columns for a learner's id; a longer one is broken into several lines.
LONGEST_NAME = 24
#: The fewest columns in which what went wrong is shown beside the marks.
ROOM_FOR_WORDS = 30


def print_table(console: Console, name: str, exercises: list[Exercise], rows: list[Row]) -> None:
    """Print a line for each learner: points, marks by exercise, what went wrong; then the exercises' titles.

    What went wrong is printed below the table if the window is too narrow to show it beside the marks.
    """
    marks = _table(name, exercises, rows, with_words=False)
    room = console.width - Measurement.get(console, console.options.update(max_width=1000), marks).maximum
    if room >= ROOM_FOR_WORDS:
        console.print(_table(name, exercises, rows, with_words=True))
    else:
        if room < 0:
            marks.box, marks.collapse_padding = box.SIMPLE_HEAD, True
        console.print(marks)
        for row in rows:
            if words := _words(exercises, row):
                _print_indented(console, Text(f"{row.student}: ", style="bold") + words)
    for number, exercise in enumerate(exercises, start=1):
        console.print(
            f"  [bold]{number}[/] {escape(exercise.title.partition(': ')[2] or exercise.title)}", highlight=False
        )
    for line in what_changed(rows):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _print_indented(console: Console, words: Text) -> None:
    """Print lines so that only the first, and no rest of a line that is too long, looks like a new entry."""
    for indent, line in zip(("  ", *["    "] * words.plain.count("\n")), words.split("\n"), strict=True):
        first, *rest = line.wrap(console, console.width - 6)
        console.print(Text(indent) + first)
        for more in rest:
            console.print(Text("      ") + more)


def _table(name: str, exercises: list[Exercise], rows: list[Row], with_words: bool) -> Table:
    most, late = sum(exercise.points for exercise in exercises), any(row.penalty for row in rows)
    table = Table(title=name, title_justify="left", header_style="bold", pad_edge=False)
    # Long names are folded: otherwise they would leave no room for the marks.
    table.add_column("student", overflow="fold", max_width=LONGEST_NAME)
    table.add_column(f"of {most:g}", justify="right", no_wrap=True)
    if late:
        table.add_column("late", justify="right", no_wrap=True)
    for number, exercise in enumerate(exercises, start=1):
        table.add_column(f"{number}\n[dim]{exercise.points:g}[/]", justify="right", no_wrap=True)
    if with_words:
        table.add_column("what went wrong", overflow="fold", ratio=1)
    for row in rows:
        cells = ["–"] * (1 + late + len(exercises))
        if row.graded:
            taken = [f"{row.score:g} −{row.penalty:g}" if row.penalty else ""] if late else []
            marks = [_mark(row.marks.get(exercise.grade_id, 0), exercise.points) for exercise in exercises]
            cells = [f"{row.final:g}", *taken, *marks]
        table.add_row(escape(row.student), *cells, *([_words(exercises, row)] if with_words else []))
    return table


def _words(exercises: list[Exercise], row: Row) -> Text:
    return Text(what_went_wrong(exercises, row)) if row.graded else Text("\n".join(row.problems), style="red")


def what_changed(rows: list[Row]) -> list[str]:
    """Lines that say what was graded again, why, and whose points have changed."""
    again: dict[str, list[str]] = {}
    for row in rows:
        if row.again:
            again.setdefault(row.again, []).append(row.student)
    lines = [f"Graded again ({why}): {_some(students)}." for why, students in again.items()]
    changed = [f"{row.student} {row.before:g} → {row.final:g}" for row in rows if row.again and row.final != row.before]
    return lines + ([f"Points that changed: {'; '.join(changed) or 'none'}."] if lines else [])


def _some(students: list[str], most: int = 8) -> str:
    return ", ".join(students) if len(students) <= most else f"{len(students)} learners"


def what_went_wrong(exercises: list[Exercise], row: Row) -> str:
    """In short: problems of the run, which exercises are unsolved, and what the check said about each wrong one.

    Safe to print: one line each, without characters that hide, reorder or colour others.
    """
    numbers = {exercise.grade_id: number for number, exercise in enumerate(exercises, start=1)}
    lost = [result for result in row.results if not result.right and result.grade_id in numbers]
    unsolved = [str(numbers[result.grade_id]) for result in lost if result.status == "unsolved"]
    parts = list(row.problems)
    if unsolved:
        parts.append("not solved: " + ", ".join(unsolved))
    parts += [f"{numbers[result.grade_id]}: {_first_words(result)}" for result in lost if result.status == "wrong"]
    return "\n".join(map(printable, parts))


def _first_words(result: Result) -> str:
    """The mistake that the check named, if any; else the message's first line."""
    first = next(iter(result.message.splitlines()), "").strip()
    line = named_mistake(result.message) or first.removeprefix(FAILED)
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def _mark(score: float, points: float) -> str:
    colour = "green" if score >= points else "red" if score == 0 else "yellow"
    return f"[{colour}]{score:g}[/]"
