"""What a check found, for the table and the feedback page."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.execute import CheckReport, Report
from autograder.grading.grade import Exercise, Row
from autograder.grading.results import Result, results
from autograder.grading.table import what_went_wrong

TEXT = """<details><summary>Why?</summary>

It explains a prediction.

</details>

### Exercise 1: Twice

<details><summary>Hint 1</summary>

An idea.

</details>
"""


def test_hints_are_those_below_the_heading():
    about = {"grade": True, "grade_id": "check-twice", "points": 1, "solution": False, "locked": True}
    notebook = new_notebook(cells=[new_markdown_cell(TEXT), new_code_cell("", metadata={"nbgrader": about})])
    report = Report(checks=[CheckReport("check-twice", 1, 0, "unsolved", "")])
    [result] = results(notebook, report, {"check-twice": 0})
    assert result.title == "Exercise 1: Twice"
    assert len(result.hints) == 1
    assert "An idea." in result.hints[0]
    assert "It explains" not in result.hints[0]


@pytest.mark.parametrize(
    ("points", "score", "status", "right"),
    [
        (2, 2, "right", True),
        (2, 0, "wrong", False),
        (2, 2, "wrong", True),  # a teacher has given the points by hand
        (0, 0, "right", True),
        (0, 0, "wrong", False),
    ],
)
def test_an_exercise_without_points_is_right_if_its_check_passed(points, score, status, right):
    result = Result("check-twice", "Exercise 1: Twice", score, points, status, "✗ twice(2)")
    assert result.right is right
    row = Row("ada", {"check-twice": score}, [result])
    told = what_went_wrong([Exercise("check-twice", "Exercise 1: Twice", points)], row)
    assert told == ("" if right else "1: twice(2)")
