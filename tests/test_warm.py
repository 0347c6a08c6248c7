"""Kernels that are forked from a warm process: quick to start, each on its own, gone when they are shut down."""

import os
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or "warm-torch" not in KernelSpecManager().find_kernel_specs(),
    reason="the kernel spec warm-torch is not installed: make lab installs it on Linux",
)


def run(*cells: str, env: dict[str, str] | None = None) -> list[str]:
    """The printed output of each cell."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="warm-torch", timeout=120).execute(env=env or dict(os.environ))
    return ["".join(output.get("text", "") for output in cell.outputs).strip() for cell in notebook.cells]


def test_torch_is_there_before_the_first_cell():
    [modules] = run("import sys; print('torch' in sys.modules, 'matplotlib.pyplot' in sys.modules)")
    assert modules == "True True"


def test_kernels_share_nothing_that_they_change(tmp_path):
    change = f"import os, torch; torch.equal = None; os.environ['LEFT'] = '1'; os.chdir({str(tmp_path)!r}); x = 1"
    run(change)
    look = "import os, torch; print(torch.equal is None, 'LEFT' in os.environ, os.getcwd(), 'x' in globals())"
    assert run(look) == [f"False False {Path.cwd()} False"]


def test_environment_is_the_callers():
    assert run("import os; print(os.environ.get('COURSE_TEST'))", env=dict(os.environ) | {"COURSE_TEST": "yes"}) == [
        "yes"
    ]


def test_backward_threads_and_workers_run_after_the_fork():
    cell = """
import torch
from torch.utils.data import DataLoader, TensorDataset
torch.set_num_threads(2)
x = torch.randn(300, 300, requires_grad=True)
(x @ x).sum().backward()
batches = list(DataLoader(TensorDataset(torch.arange(8)), batch_size=4, num_workers=1))
print(x.grad.shape, len(batches))
"""
    assert run(cell) == ["torch.Size([300, 300]) 2"]


def test_figures_of_a_learner_appear():
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import matplotlib.pyplot as plt\nplt.plot([1, 2]);")]
    )
    NotebookClient(notebook, kernel_name="warm-torch", timeout=120).execute()
    assert any("image/png" in output.get("data", {}) for output in notebook.cells[0].outputs)


def test_nothing_runs_on_after_the_end():
    [pid] = run("import os; print(os.getpid())")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
