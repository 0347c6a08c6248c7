"""*Validate*: what nbgrader's own handler and command say of a notebook of this course."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.server_extensions.validate_assignment.handlers import ValidateAssignmentHandler
from nbgrader.utils import compute_checksum

from autograder.lab.validation import message_of, name_of

TOOLS = """\
#@title Tools: run this cell. There is nothing to do in it. { display-mode: "form" }
class Unexpected(AssertionError):
    def _render_traceback_(self):
        return str(self).splitlines()
"""
CHECK = '#@title Check of exercise {}: {} {{ display-mode: "form" }}\n' + "# a line of its source\n" * 100


def locked(cell_id: str, source: str, points: int | None = None) -> nbformat.NotebookNode:
    about = {"grade": points is not None, "grade_id": cell_id, "locked": True, "solution": False, "task": False}
    cell = new_code_cell(source, metadata={"nbgrader": about | {"schema_version": 3, "cell_type": "code"}})
    if points is not None:
        cell.metadata.nbgrader.points = points
    cell.metadata.nbgrader.checksum = compute_checksum(cell)
    return cell


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook with checks that fail in three ways, and one that passes."""
    wrong = 'raise Unexpected("✗ twice(x)\\n  yours 3\\n  → You squared it.")'
    cells = [
        locked("setup", "import math"),
        locked("tools", TOOLS),
        locked("check-one", CHECK.format(1, "The forward pass") + wrong, 1),
        locked("check-two", CHECK.format(2, "Right") + "pass", 1),
        locked("check-three", CHECK.format(3, "A crash") + "[][1]", 1),
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = tmp_path / "one.ipynb"
    path.write_text(nbformat.writes(new_notebook(cells=cells, metadata=metadata)), encoding="utf-8")
    return path


def validate(path: Path, monkeypatch) -> dict:
    """What the handler of the *Validate* button answers, with this course's configuration."""
    monkeypatch.chdir(ROOT)

    class Handler(ValidateAssignmentHandler):
        root_dir, log = str(path.parent), __import__("logging").getLogger("validate")

        def __init__(self):
            pass

    return json.loads(json.dumps(Handler().validate_notebook(path.name)))


def test_the_dialog_shows_names_and_messages_only(notebook, monkeypatch):
    answer = validate(notebook, monkeypatch)
    assert answer["success"], answer
    failed = [(cell["source"], cell["raw_error"]) for cell in answer["value"]["failed"]]
    assert failed == [
        ("Exercise 1: The forward pass", "✗ twice(x)\n  yours 3\n  → You squared it."),
        ("Exercise 3: A crash", "IndexError: list index out of range"),
    ]
    assert "a line of its source" not in json.dumps(answer)


def test_changed_cells_are_named(notebook, monkeypatch):
    changed = nbformat.read(notebook, as_version=4)
    for cell in changed.cells:
        cell.source += "\n# changed"
    notebook.write_text(nbformat.writes(changed), encoding="utf-8")
    answer = validate(notebook, monkeypatch)
    names = [cell["source"] for cell in answer["value"]["changed"]]
    assert names == ["Set-up", "Tools", "Exercise 1: The forward pass", "Exercise 2: Right", "Exercise 3: A crash"]


def test_the_command_says_the_same(notebook):
    command = [sys.executable, "-m", "nbgrader", "validate", str(notebook)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    assert "Exercise 1: The forward pass" in done.stdout
    assert "You squared it." in done.stdout
    assert "a line of its source" not in done.stdout


def test_a_cell_without_a_title_goes_by_its_first_line():
    assert name_of(new_code_cell("x = 1\ny = 2")) == "x = 1"
    assert name_of(new_code_cell(CHECK.format(4, "Sets {and} dicts"))) == "Exercise 4: Sets {and} dicts"


def test_a_message_of_ours_is_kept_whole_and_a_traceback_is_not():
    ours = new_output("error", ename="Unexpected", evalue="✗ f(x)\n  yours 1", traceback=["✗ f(x)", "  yours 1"])
    assert message_of(ours) == "✗ f(x)\n  yours 1"
    theirs = new_output("error", ename="ValueError", evalue="no", traceback=["\x1b[31m----------\x1b[0m", "ValueError"])
    assert message_of(theirs) == "ValueError: no"
