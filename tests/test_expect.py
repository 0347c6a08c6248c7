"""``expect`` accepts what is right, and says what differs otherwise."""

import re

import pytest
import torch

from autograder.notebook.expect import Unexpected, expect

X = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])


def message(actual, expected, what="f(x)", **options) -> str:
    with pytest.raises(Unexpected) as caught:
        expect(actual, expected, what, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (X.clone(), X),
        (X + 1e-7, X),
        (torch.tensor([1, 2]), torch.tensor([1, 2])),
        (torch.tensor([True, False]), torch.tensor([True, False])),
        (torch.tensor(float("nan")), torch.tensor(float("nan"))),
        (torch.empty(0, 3), torch.empty(0, 3)),
        (X.clone().requires_grad_(), X),
        (3, 3),
        (0.1 + 0.2, 0.3),
        (2, 2.0),
        ("relu", "relu"),
        (None, None),
        (True, True),
        (torch.Size([2, 3]), (2, 3)),
        ([X, 1], (X, 1)),
        ({"weight": X}, {"weight": X.clone()}),
    ],
)
def test_equal_values_pass_with_one_quiet_line(capsys, actual, expected):
    expect(actual, expected, "f(x)")
    assert capsys.readouterr().out == "✓ f(x)\n"


@pytest.mark.parametrize(
    ("actual", "expected", "said"),
    [
        (X.T, X, ["The shapes differ", "yours     (3, 2)", "expected  (2, 3)"]),
        (X[:1], X, ["yours     (1, 3)"]),
        (X.double(), X, ["The dtypes differ", "torch.float64", "torch.float32"]),
        (X.abs(), X, ["2 of 6 values differ", "the first at [0, 1]", "yours     2", "expected  -2"]),
        (torch.tensor(2.0), torch.tensor(1.0), ["yours     2", "expected  1"]),
        (torch.full((2, 3), float("nan")), X, ["6 of 6 values differ", "yours     nan"]),
        (None, X, ["yours is None (is a `return` missing?)", "expected  a tensor of shape (2, 3)"]),
        (X.relu, X, ["is a call, `(…)`, missing?"]),
        (1.5, X, ["yours is a Python float: 1.5"]),
        (X, 1.5, ["yours", "expected  1.5"]),
        (2, 3, ["yours     2", "expected  3"]),
        (True, 1, ["yours     True"]),
        (1, True, ["expected  True"]),
        (float("nan"), 1.0, ["yours     nan"]),
        ("relu", "tanh", ["yours     'relu'"]),
        ((1, 2), (1, 2, 3), ["3 elements were expected, yours has 2"]),
        ((1, X.abs()), (1, X), ["Element 1 differs", "the first at [0, 1]"]),
        ({"w": X}, {"w": X, "b": X}, ["The keys differ", "['w']", "['w', 'b']"]),
        ({"w": X.T}, {"w": X}, ["The value of 'w' differs", "The shapes differ"]),
        (X, [X], ["yours"]),
    ],
)
def test_difference_is_told(actual, expected, said):
    text = message(actual, expected, "relu(x)")
    assert text.startswith("✗ relu(x)\n")
    for part in said:
        assert part in text


def test_known_mistake_is_named():
    mistakes = {"You took the mean.": X.mean(), "You forgot the square.": X.abs()}
    assert message(X.abs(), X**2, mistakes=mistakes).endswith("\n  → You forgot the square.")
    assert "→" not in message(X, X**2, mistakes=mistakes)


def test_tolerance_can_be_given():
    expect(X + 0.01, X, "f(x)", atol=0.1)
    assert "differ" in message(X + 0.2, X, atol=0.1)
    assert "differ" in message(X * (1 + 1e-6), X, rtol=0, atol=0)


def test_values_closer_than_the_usual_tolerance_are_still_located():
    assert re.search(
        r"1 of 2 values differ,\s+the first at \[1\]", message(torch.tensor([1.0, 1 + 1e-6]), torch.ones(2), atol=1e-9)
    )


def test_notebook_shows_the_message_alone():
    with pytest.raises(Unexpected) as caught:
        expect(1, 2, "f(x)")
    assert caught.value._render_traceback_() == str(caught.value).splitlines()
