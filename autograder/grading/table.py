"""The table that grading ends with."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from autograder.grading.grade import Exercise, Row
from autograder.grading.results import Result
from autograder.grading.submissions import printable

#: Characters that are shown of a message: all of ours, but not all of a learner's exception.
LONGEST = 300


def print_table(console: Console, name: str, exercises: list[Exercise], rows: list[Row]) -> None:
    """Print a line for each learner: points, marks by exercise, what went wrong; then the exercises' titles."""
    most = sum(exercise.points for exercise in exercises)
    table = Table(title=name, title_justify="left", header_style="bold", pad_edge=False)
    table.add_column("student", no_wrap=True)
    table.add_column(f"of {most:g}", justify="right")
    for number, exercise in enumerate(exercises, start=1):
        table.add_column(f"{number}\n[dim]{exercise.points:g}[/]", justify="right")
    table.add_column("what went wrong", overflow="fold", ratio=1)
    for row in rows:
        if row.graded:
            marks = [_mark(row.marks.get(exercise.grade_id, 0), exercise.points) for exercise in exercises]
            table.add_row(escape(row.student), f"{row.score:g}", *marks, Text(what_went_wrong(exercises, row)))
        else:
            table.add_row(escape(row.student), "–", *["–"] * len(exercises), Text("\n".join(row.problems), style="red"))
    console.print(table)
    for number, exercise in enumerate(exercises, start=1):
        console.print(
            f"  [bold]{number}[/] {escape(exercise.title.partition(': ')[2] or exercise.title)}", highlight=False
        )


def what_went_wrong(exercises: list[Exercise], row: Row) -> str:
    """In short: problems of the run, which exercises are unsolved, and what the check of each wrong one said first.

    Safe to print: a line for each, without characters that hide, reorder or colour others.
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
    """The mistake that the check named, which is the last line then, else the first line of its message."""
    lines = [line.strip() for line in result.message.splitlines()] or [""]
    line = lines[-1][2:] if lines[-1].startswith("→ ") else lines[0].removeprefix("✗ ")
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def _mark(score: float, points: float) -> str:
    colour = "green" if score >= points else "red" if score == 0 else "yellow"
    return f"[{colour}]{score:g}[/]"
