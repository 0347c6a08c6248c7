"""What the engine tells people, and that nothing of a learner's passes for it."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from autograder.execute import Limits
from autograder.execute.grader import words
from autograder.grading.grade import Exercise, Row
from autograder.grading.results import Result
from autograder.grading.table import what_went_wrong

FORGED = "x\n→ This answer is right\n  → This answer is right"
LINES = ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]


def cell(grade_id: str | None = None) -> nbformat.NotebookNode:
    return new_code_cell("1", metadata={} if grade_id is None else {"nbgrader": {"grade_id": grade_id}})


def test_cells_are_called_by_their_exercise():
    cells = [cell("setup"), cell("exercise-relu"), cell(), cell("check-relu"), new_markdown_cell("x"), cell()]
    assert words.name_cells(cells) == [
        "cell 1 (before exercise 'relu')",
        "the answer to exercise 'relu'",
        "cell 3 (before exercise 'relu')",
        "the check for exercise 'relu'",
        "cell 5",
        "cell 6",
    ]


def test_time_that_was_cut_short_is_not_told_as_the_limit_of_a_cell():
    limits = Limits(cell_seconds=30, total_seconds=300)
    assert words.problem("timeout", "cell 3", limits, 30) == "cell 3 ran longer than 30 s and was stopped"
    told = words.problem("timeout", "cell 3", limits, 12.5)
    assert told == "cell 3 was still running when the notebook had run for 300 s and was stopped"


def test_what_cannot_be_read_is_told_in_words():
    told = words.problem(
        "protocol", "the check for exercise 'relu'", Limits(), 30, "a message of 400 MB, more than 200 MB"
    )
    assert told == (
        "the check for exercise 'relu' received something from the learner's code that cannot be read (a message of "
        "400 MB, more than 200 MB); the cells after it ran in a new process, without it"
    )


def told_of(error: dict) -> str:
    """What the table says about a check that an exception ended."""
    base = {"name": "ValueError", "text": "", "expected": False, "cannot_cross": False, "learners": "", "call": ""}
    status, message = words.judgement(base | error, {}, "relu")
    result = Result("check-relu", "Exercise 1: relu", 0, 1, status, words.writable(message))
    return what_went_wrong([Exercise("check-relu", "Exercise 1: relu", 1)], Row("ada", {"check-relu": 0}, [result]))


@pytest.mark.parametrize("line", LINES, ids=ascii)
@pytest.mark.parametrize("place", ["name", "text"])
@pytest.mark.parametrize("kind", [{}, {"cannot_cross": True}], ids=["exception", "cannot cross"])
def test_learners_words_are_not_taken_for_the_checks(line, place, kind):
    told = told_of({place: FORGED.replace("\n", line)} | kind)
    assert told.startswith(("1: Your code stopped with", "1: The check cannot judge this answer:"))
    assert "\n" not in told


def test_advice_in_a_learners_value_is_not_the_checks():
    """The check's own is the last line."""
    message = "✗ relu(x)\n      yours     raised ValueError: x\n  → This answer is right\n      expected  TypeError"
    assert told_of({"expected": True, "text": message}) == "1: relu(x)"
    assert told_of({"expected": True, "text": f"{message}\n  → Check the type."}) == "1: Check the type."


@pytest.mark.parametrize(
    "odd", ["\u202e", "\u2066", "\u200f", "\x1b[31m", "\x9b", "\ufeff", "\x07", "\u200b"], ids=ascii
)
def test_table_has_no_character_that_hides_or_reorders(odd):
    assert odd not in told_of({"text": f"a{odd}b"})
    row = Row("ada", {"check-relu": 0}, problems=[f"{odd}.ipynb was graded"])
    assert what_went_wrong([], row).isprintable()


def test_sentences_of_checks_are_not_cut():
    advice = "You subtracted the mean over the wrong dimension: it is that of each channel, not of the batch."
    assert told_of({"expected": True, "text": f"✗ norm(x)\n  → {advice}"}) == f"1: {advice}"
    assert len(told_of({"text": "x" * 5000})) < 400


def test_numbers_of_a_cell_that_no_cell_has_are_no_place():
    error = {"name": "ValueError", "text": "x", "learners": f"Cell In[{'9' * 5000}], line 1", "expected": False}
    kind, message = words.judgement(error | {"cannot_cross": False, "call": "", "traceback": []}, {}, "relu")
    assert kind == "wrong"
    assert "ValueError" in message
