"""The table that grading ends with: everybody's marks are there, however narrow the window and long the names."""

import io
import re

import pytest
from rich.console import Console

from autograder.grading.grade import Exercise, Row
from autograder.grading.results import Result
from autograder.grading.table import print_table, what_changed

EXERCISES = [Exercise(f"check-{number}", f"Exercise {number}: Number {number}", number) for number in range(1, 9)]


def row(student: str, score: float = 0.5, **more) -> Row:
    return Row(student, {exercise.grade_id: score for exercise in EXERCISES}, **more)


def printed(rows: list[Row], width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_table(console, "04_linear", EXERCISES, rows)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [70, 80, 120])
@pytest.mark.parametrize("student", ["x" * 40, "maria-fernanda-aguilar-dos-santos@students.example.edu", "ada"])
@pytest.mark.parametrize("penalty", [0, 1.25])
def test_long_ids_leave_the_marks_of_everybody(width, student, penalty):
    said = printed(
        [row(student, penalty=penalty, problems=["cell 12 ran longer than 30 s and was stopped"]), row("bob")], width
    )
    assert max(map(len, said.splitlines())) <= width
    assert said.count("0.5") >= 16, said
    table = said.partition("  1 Number 1")[0].partition(f"  {student}: ")[0].splitlines()
    assert student in "".join(re.match("[│ ]?([^ │]*)", line)[1] for line in table), "folded, not cut"


def test_changes_of_a_large_class_are_told_in_one_line():
    rows = [row(f"s{number}", again="handed in again", before=4.0) for number in range(30)]
    assert what_changed(rows) == ["Graded again (handed in again): 30 learners.", "Points that changed: none."]


def test_what_went_wrong_below_a_narrow_table_is_indented_under_the_learner():
    wrong = [Result(f"check-{n}", f"Exercise {n}: N", 0, n, "wrong", "many words " * 12) for n in (1, 2)]
    said = printed([row("ada", 0, results=wrong), row("bob", 0, results=wrong)], 60)
    below = said[said.index("  ada: ") : said.index("  1 Number 1")].splitlines()
    begins = [line for line in below if not line.startswith("    ")]
    assert [line[:7] for line in begins] == ["  ada: ", "  bob: "]
    assert [line[:6] for line in below if "2: many" in line] == ["    2:"] * 2
    assert sum(line.startswith("      ") for line in below) >= 4
    assert max(map(len, below)) <= 60
