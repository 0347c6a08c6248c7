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
        lambda: torch._C._VariableFunctions.relu(X),
        lambda: torch._C._get_operation_overload("aten::relu", "")[0](X),
        lambda: torch.rnn_relu_cell(X[:1, None], X[:1, None], torch.ones(1, 1), torch.ones(1, 1)),
        lambda: nn.RNN(1, 1, nonlinearity="relu")(X[:, None]),
        lambda: torch.func.vmap(torch.relu)(X),
        lambda: ThreadPoolExecutor(1).submit(F.relu, X).result(),
        lambda: compiled(X),
        lambda: TRACED(X),
        lambda: unseen_by_functions(X),
    ],
)
def test_forbidden_function_is_found(answer):
    with pytest.raises(Unexpected), forbidden("relu"):
        answer()


LEAF = torch.ones(2, requires_grad=True)


def forward_mode():
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(X, X)
        return torch.autograd.forward_ad.unpack_dual(dual * dual)


def engine():
    y = (LEAF * LEAF).sum()
    run = torch.autograd.Variable._execution_engine.run_backward
    return run((y,), (torch.tensor(1.0),), False, False, (LEAF,), allow_unreachable=True, accumulate_grad=False)


def square(x):
    return (x * x).sum()


@pytest.mark.parametrize(
    "answer",
    [
        lambda: square(LEAF).backward(),
        lambda: torch.autograd.backward(square(LEAF)),
        lambda: torch.autograd.grad(square(LEAF), LEAF),
        lambda: torch.autograd.functional.jacobian(square, X),
        lambda: torch.autograd.functional.vjp(square, X),
        lambda: torch.func.grad(square)(X),
        lambda: torch.func.vjp(square, X)[1](torch.tensor(1.0)),
        lambda: torch.func.jvp(square, (X,), (X,)),
        lambda: torch.func.jacrev(square)(X),
        lambda: torch.func.jacfwd(square)(X),
        lambda: torch.func.linearize(square, X)[1](X),
        lambda: LEAF.sum().grad_fn(torch.tensor(1.0)),
        lambda: torch.ops.aten.threshold_backward.default(X, X, 0),
        forward_mode,
        engine,
    ],
)
def test_derivative_is_found_whatever_computes_it(answer):
    with pytest.raises(Unexpected), forbidden("backward", "grad"):
        answer()


def test_code_that_only_switches_autograd_is_not_refused():
    with forbidden("backward", "grad"), torch.no_grad():
        X.clone().requires_grad_().mul_(2)
        nn.Linear(1, 1).zero_grad()


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
