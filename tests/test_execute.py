"""What a run says of each cell, whatever the cells do."""

import nbformat

from autograder.execute import Limits, execute


def run(*cells: str):
    """The executed notebook and its report."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    return notebook, execute(notebook, Limits())


def errors(notebook) -> list[list[str]]:
    return [[output.ename for output in cell.outputs if output.output_type == "error"] for cell in notebook.cells]


def test_empty_cells_are_nothing_to_speak_of():
    """Nearly every notebook ends with one, and there is nothing in it that could run or fail."""
    notebook, report = run("", "x = 1", "  \n", "print(x)", "")
    assert errors(notebook) == [[], [], [], [], []]
    assert [(cell.number, cell.status) for cell in report.cells] == [(2, "ok"), (4, "ok")]
    assert report.problems == []


def test_death_is_told_of_the_cell_that_died():
    notebook, report = run("", "1 / 0", "import os; os._exit(1)", "", "x = 2")
    assert report.problems == ["the kernel died in cell 3: the cells after it were not run"]
    assert [(cell.number, cell.status) for cell in report.cells] == [(2, "error"), (3, "died"), (5, "not run")]
    assert errors(notebook) == [[], ["ZeroDivisionError"], ["NotRun"], [], ["NotRun"]]


def test_cell_that_asks_to_be_skipped_did_not_run():
    """A cell without an error output counts as run to its end, so one that nbclient skips must have one."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("x = 1", metadata={"tags": ["skip-execution"]})]
    )
    report = execute(notebook, Limits())
    assert report.cells[0].status == "not run"
    assert errors(notebook) == [["NotRun"]]
