"""What ``Watch`` notes and ``forbidden`` refuses, whichever way it is written."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
import torchvision  # noqa: F401 - loads torch's compiler, as most notebooks do
from conftest import ROOT
from torch import nn

from autograder.notebook.expect import Unexpected
from autograder.notebook.inputs import unkind_inputs
from autograder.notebook.watch import Watch, forbidden

X = torch.tensor([-1.0, 2.0])
TRACED = torch.jit.trace(torch.relu, X)


@torch.jit.script
def compiled(x):
    return torch.relu(x)


def unseen_by_functions(x):
    with torch._C.DisableTorchFunction():
        return torch.relu(x)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: F.relu(X),
        lambda: torch.relu(X),
        lambda: X.relu(),
        lambda: X.clone().relu_(),
        lambda: nn.ReLU()(X),
        lambda: torch.ops.aten.relu(X),
        lambda: torch.ops.aten.relu.default(X),
        lambda: ThreadPoolExecutor(1).submit(F.relu, X).result(),
        lambda: compiled(X),
        lambda: TRACED(X),
        lambda: unseen_by_functions(X),
    ],
)
def test_forbidden_function_is_found(answer):
    with pytest.raises(Unexpected), forbidden("relu"):
        answer()


def test_other_functions_are_not_refused():
    start = threading.Thread.start
    with forbidden("relu"):
        X.clamp(min=0)
        torch.where(X > 0, X, torch.zeros(2))
    assert threading.Thread.start is start, "everything is as it was before"
    torch.ops.aten.relu(X)


def test_what_an_allowed_function_does_inside_is_not_refused():
    x = X.clone().requires_grad_()
    with forbidden("relu", "sum", "mul", "threshold_backward", "leaky_relu"):
        F.gumbel_softmax(X.repeat(3, 1))  # calls others
        F.elu(x).mean().backward()
        torch.autograd.grad(F.celu(x).mean(), x)


def test_looking_below_functions_costs_nothing_where_it_would_cost_a_second():
    """Where torch has not loaded its compiler, `forbidden` does not make it."""
    code = "from autograder.notebook.watch import forbidden; import sys, torch\n"
    code += "with forbidden('relu'): torch.ones(2).exp()\nsys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=120).returncode == 0


def test_operations_and_functions_are_noted_once_each():
    with Watch() as seen:
        F.linear(torch.ones(2, 3), torch.ones(4, 3))
        torch.ops.aten.relu(X)
    assert seen.functions == ["ones", "ones", "linear", "relu"]
    assert seen.names == ["ones", "ones", "t", "mm", "relu"]
    assert seen.largest == 12


def test_unkind_inputs_are_of_many_kinds():
    inputs = unkind_inputs(torch.Generator().manual_seed(1), extremes=True)
    assert {x.dim() for _, x in inputs} == set(range(7))
    assert {x.dtype for _, x in inputs} == {torch.float32, torch.float64}
    assert any(not x.is_contiguous() for _, x in inputs)
    assert any(x.numel() == 0 for _, x in inputs)
    assert max(x.numel() for _, x in inputs) > 60_000
    assert any(x.isinf().any() for _, x in inputs)
    assert any((x == 0).any() for _, x in inputs)
    assert len({what for what, _ in inputs}) == len(inputs), "each has a description of its own"
    again = unkind_inputs(torch.Generator().manual_seed(1), extremes=True)
    assert all(torch.equal(one, other) for (_, one), (_, other) in zip(inputs, again))
