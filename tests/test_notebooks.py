"""Every released notebook, as a learner meets it: alone in an empty folder, unsolved, with nothing given away."""

import re
import sys

import nbformat
import pytest
from conftest import COURSE
from nbclient import NotebookClient

from autograder.build.run import offline_environment
from autograder.source.cells import UNRELEASED, read_source
from autograder.source.faults import BEGIN_HIDDEN, BEGIN_SOLUTION, END_HIDDEN, END_SOLUTION

#: Put before the set-up cell: the package is not there, and neither is a network.
ALONE = """
import socket, sys
class NoPackage:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "autograder":
            raise ModuleNotFoundError("autograder is not on a learner's machine")
sys.meta_path.insert(0, NoPackage())
def refuse(*arguments, **options):
    raise OSError("there is no network here")
socket.create_connection = socket.getaddrinfo = refuse
"""


@pytest.fixture(params=COURSE.names)
def name(request) -> str:
    return request.param


def test_unsolved_notebook_runs_to_its_end_and_says_what_is_not_solved(name, tmp_path):
    """As *Run All* does: errors are not allowed but in checks, where one line tells of them."""
    notebook = nbformat.read(COURSE.release(name), as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(ALONE))
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}})
    client.execute(env=offline_environment(str(tmp_path)))
    failed = set()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                number = re.match(r"#@title Check of exercise (\d+)", cell.source)[1]
                assert output.traceback == [f"Exercise {number} is not solved yet."], cell.id
                failed.add(cell.id)
            assert output.get("name") != "stderr", f"{cell.id}: {output.text}"
    checks = {cell.id for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")}
    assert failed == checks, "an unsolved exercise fails in its check, and nowhere else"
    assert list(tmp_path.iterdir()) == [], "the notebook left files behind"


def test_nothing_is_given_away(name):
    release = nbformat.read(COURSE.release(name), as_version=4)
    text = "\n".join(cell.source for cell in release.cells)
    for marker in (BEGIN_SOLUTION, END_SOLUTION, BEGIN_HIDDEN, END_HIDDEN):
        assert marker not in text
    by_id = {cell.id: cell.source for cell in release.cells}
    for cell in read_source(COURSE.source(name)).cells:
        if cell.role == "exercise":
            solution = between(cell.text, BEGIN_SOLUTION, END_SOLUTION)
            assert solution.strip()
            assert solution not in text, cell.exercise
            assert "# Your code here\n" in by_id[f"exercise-{cell.exercise}"]
            assert re.search("^ +raise NotImplementedError$", by_id[f"exercise-{cell.exercise}"], re.MULTILINE)
        if cell.role == "check":
            hidden = between(cell.text, BEGIN_HIDDEN, END_HIDDEN)
            assert hidden.strip(), f"{cell.exercise} has no hidden test"
            assert hidden not in text


def between(text: str, begin: str, end: str) -> str:
    return re.search(f"{re.escape(begin)}\n(.*?)\n *{re.escape(end)}", text, re.DOTALL)[1]


def test_what_learners_run_first_has_no_stored_output(name):
    for cell in nbformat.read(COURSE.release(name), as_version=4).cells:
        graded = cell.metadata.get("nbgrader", {}).get("grade") or cell.metadata.get("nbgrader", {}).get("solution")
        if graded or set(UNRELEASED) & set(cell.metadata.get("tags", [])):
            assert cell.outputs == [], cell.id


def test_what_learners_need_not_read_is_folded(name):
    cells = {cell.id: cell for cell in nbformat.read(COURSE.release(name), as_version=4).cells}
    assert len(cells["setup"].source.splitlines()) < 30
    assert "source_hidden" not in cells["setup"].metadata.get("jupyter", {})
    for identity, cell in cells.items():
        if identity == "tools" or identity.startswith("check-"):
            assert cell.metadata.jupyter.source_hidden, identity
            assert cell.metadata.cellView == "form"
            assert cell.source.startswith("#@title "), "what a folded cell shows"


def test_same_python_as_the_kernel():
    """The notebooks run in the environment of the tests, not in another kernel that happens to be installed."""
    from jupyter_client.kernelspec import KernelSpecManager

    python = KernelSpecManager().get_kernel_spec("python3").argv[0]
    assert python in ("python", "python3") or python == sys.executable
