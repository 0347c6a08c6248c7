"""The notebooks on Google Colab's versions, in an empty folder without a network: `make test-colab`."""

import json
import os
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import COURSE, ROOT
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from test_notebooks import ALONE

from autograder.build.run import offline_environment

PYTHON = ROOT / ".venv-colab" / "bin" / "python"
PINS = dict(
    line.strip().split("==")
    for line in Path(__file__).with_name("requirements.txt").read_text().splitlines()
    if "==" in line
)

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(),
    reason="there is no .venv-colab: it needs Python 3.13; name one with COLAB_PYTHON=… make test-colab",
)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """A kernel that runs in Colab's environment."""
    folder = tmp_path_factory.mktemp("jupyter") / "kernels" / "colab"
    folder.mkdir(parents=True)
    spec = {
        "argv": [str(PYTHON), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Colab",
        "language": "python",
    }
    (folder / "kernel.json").write_text(json.dumps(spec))
    before = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = str(folder.parents[1])
    yield "colab"
    if before is None:
        del os.environ["JUPYTER_PATH"]
    else:
        os.environ["JUPYTER_PATH"] = before


def run(path: Path, kernel: str, folder: Path, first: str) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
    client = NotebookClient(
        notebook,
        timeout=120,
        startup_timeout=180,
        kernel_name=kernel,
        allow_errors=True,
        resources={"metadata": {"path": folder}},
    )
    client.execute(env=offline_environment(str(folder)))
    return notebook


def errors(notebook) -> list[str]:
    return [
        f"{cell.id}: {output.ename}: {output.evalue}"
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]


def test_versions_are_colabs(kernel, tmp_path):
    assert KernelSpecManager().get_kernel_spec(kernel).argv[0] == str(PYTHON)
    versions = f"{{name: metadata.version(name) for name in {sorted(PINS)}}}"
    code = f"import json, sys\nfrom importlib import metadata\nprint(json.dumps([sys.version_info[:2], {versions}]))"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, kernel_name=kernel, startup_timeout=180).execute()
    python, versions = json.loads(notebook.cells[0].outputs[0].text)
    assert python == [3, 13]
    assert versions == PINS


@pytest.mark.parametrize("name", COURSE.names)
def test_solution_runs_without_an_error(name, kernel, tmp_path):
    """Every cell, and with them every check on the right answers, hidden tests too."""
    assert errors(run(COURSE.solution(name), kernel, tmp_path, ALONE)) == []


@pytest.mark.parametrize("name", COURSE.names)
def test_release_runs_with_not_implemented_errors_only(name, kernel, tmp_path):
    notebook = run(COURSE.release(name), kernel, tmp_path, ALONE)
    found = errors(notebook)
    checks = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert len(found) == len(checks)
    assert all(": NotImplementedError: " in error for error in found), found
    assert list(tmp_path.iterdir()) == []


def test_slider_appears_where_somebody_is_at_the_keyboard(kernel, tmp_path):
    """Builds and tests leave it out."""
    cells = {cell.id: cell for cell in nbformat.read(COURSE.release("08_padding_stride_pooling"), as_version=4).cells}
    steps = nbformat.v4.new_code_cell("kernel_steps(torch.ones(3, 4), torch.ones(2, 2), alt='positions of a kernel')")
    notebook = nbformat.v4.new_notebook(cells=[cells["setup"], cells["tools"], steps])
    environment = {key: value for key, value in offline_environment(str(tmp_path)).items() if key != "COURSE_OFFLINE"}
    NotebookClient(notebook, kernel_name=kernel, startup_timeout=180).execute(env=environment)
    slider, stills = (output.data["text/html"] for output in notebook.cells[2].outputs)
    assert '<input type="range" min="1" max="6"' in slider
    assert stills.count("<img ") == 4


def test_this_python_is_another_one():
    assert Path(sys.prefix) != PYTHON.parents[1]
