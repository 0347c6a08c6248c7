"""What a learner is told first is what went wrong first."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from autograder.execute import CheckReport, Report
from autograder.grading.causes import name_causes

MESSAGE = "Your code stopped with NameError: name 'linear' is not defined\n  in the call linear(x)"


def told(*cells: tuple[str, tuple[str, str] | None], message: str = MESSAGE) -> str:
    """The message of a check below cells, of which each ended with an error or None."""
    code = [
        new_code_cell(text, outputs=[new_output("error", ename=end[0], evalue=end[1])] if end else [])
        for text, end in cells
    ]
    about = {"grade_id": "check-linear", "grade": True, "solution": False, "locked": True}
    check = new_code_cell("linear(x)", metadata={"nbgrader": about})
    report = Report(checks=[CheckReport("check-linear", 1, 0, "wrong", message)])
    name_causes(new_notebook(cells=[*code, check]), report)
    return report.checks[0].message


def test_a_package_that_is_not_there():
    lines = told(
        ("import polars\ndef linear(x): ...", ("ModuleNotFoundError", "No module named 'polars'"))
    ).splitlines()
    assert lines[:2] == [
        "Your code stopped with ModuleNotFoundError: No module named 'polars'",
        "  in the cell that should define linear",
    ]
    assert "requirements.txt" in lines[2]
    assert lines[3] == "Then it stopped with NameError: name 'linear' is not defined"


def test_a_no_break_space():
    error = ("SyntaxError", "invalid non-printable character U+00A0 (2863103.py, line 2)")
    lines = told(("def linear(x):\n\u00a0\u00a0\u00a0\u00a0return x", error)).splitlines()
    assert lines[0] == "Your code stopped with SyntaxError: invalid non-printable character U+00A0 (line 2)"
    assert "no-break space" in lines[2]


@pytest.mark.parametrize("magic", ["%%timeit", "%%timeit -n 3", "\n%%bash"])
def test_a_cell_magic(magic):
    first = told((f"{magic}\ndef linear(x):\n    return x", None)).splitlines()[0]
    assert (
        first
        == f"Your cell begins with {magic.split()[0]}, which discards what the cell defines: linear. Remove that line."
    )


@pytest.mark.parametrize(
    "line", ["import polars as pl", "from polars import pl", "import torch, polars as pl", "pl = polars.DataFrame"]
)
def test_the_cause_of_a_cause(line):
    first = told(
        (line, ("ModuleNotFoundError", "No module named 'polars'")),
        ("@pl.what\ndef linear(x): ...", ("NameError", "name 'pl' is not defined")),
    ).splitlines()[:2]
    assert first == [
        "Your code stopped with ModuleNotFoundError: No module named 'polars'",
        "  in the cell that should define pl",
    ]


def test_what_is_missing_inside_a_function():
    message = MESSAGE.replace("'linear'", "'pl'")
    said = told(("import polars as pl", ("ModuleNotFoundError", "x")), ("def linear(x): pl", None), message=message)
    assert said.startswith("Your code stopped with ModuleNotFoundError: x\n  in the cell that should define pl\n")


@pytest.mark.parametrize(
    "cells",
    [
        [("def other(x): ...", ("SyntaxError", "bad"))],
        [("def linear(x): ...", None)],
        [("def linear(x): ...", ("SyntaxError", "bad")), ("def linear(x): ...", None)],
        [("%%time\ndef linear(x): ...", None)],
        [],
    ],
)
def test_nothing_is_said_where_nothing_is_known(cells):
    assert told(*cells) == MESSAGE


def test_names_that_need_each_other_end():
    said = told(
        ("linear = b", ("NameError", "name 'b' is not defined")),
        ("b = linear", ("NameError", "name 'linear' is not defined")),
    )
    assert said.splitlines()[0] == "Your code stopped with NameError: name 'b' is not defined"


def test_a_text_that_looks_like_an_import_is_soon_read():
    """With backtracking it takes days."""
    cell = ('linear = 1; s = """\nimport ' + "a" * 50_000 + '!\n"""', ("ValueError", "no"))
    assert "ValueError: no" in told(cell)


def test_a_long_name_of_an_error_is_soon_read():
    cell = ("def linear(x): ...", ("(" * 1_900_000, "no"))
    assert told(cell).startswith("Your code stopped with ((((")


def test_a_long_chain_of_undefined_names_ends():
    cells = [(f"x{n} = x{n - 1}", ("NameError", f"name 'x{n - 1}' is not defined")) for n in range(1, 1500)]
    message = told(*cells, ("linear = x1499", ("NameError", "name 'x1499' is not defined")))
    assert "is not defined" in message
