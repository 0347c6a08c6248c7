"""``expect`` accepts what is right, and says what differs otherwise."""

import re
import subprocess
import sys
from collections import namedtuple

import numpy as np
import pytest
import torch

from autograder.notebook.expect import Unexpected, expect, expect_error, require

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
        ("relu", "relu"),
        (None, None),
        (True, True),
        (torch.Size([2, 3]), (2, 3)),
        ([X, 1], [X, 1]),
        (namedtuple("Pair", "a b")(1, X), (1, X)),
        (torch.nn.Parameter(X), X),
        (np.float64(0.3), 0.3),
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
        (X.to_sparse(), X, ["The layouts differ", "torch.sparse_coo", "torch.strided"]),
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
        ([], [1], ["1 element was expected, yours has 0"]),
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


@pytest.mark.parametrize(
    ("actual", "expected", "said"),
    [
        ([1, 2], (1, 2), "A tuple was expected, yours is a Python list: [1, 2]"),
        ((1, 2), [1, 2], "A list was expected, yours is a Python tuple: (1, 2)"),
        (torch.Size([2, 3]), [2, 3], "A list was expected"),
        (5.0, 5, "The types differ: an int was expected."),
        (5, 5.0, "The types differ: a float was expected."),
        (torch.tensor(5), 5, "yours     tensor(5)"),
        (True, 1, "yours     True"),
        ("5", 5, "yours     '5'"),
        ({1: 5.0}, {1: 5}, "an int was expected"),
        ([1, [2.0]], [1, [2]], "an int was expected"),
    ],
)
def test_types_count(actual, expected, said):
    assert said in message(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected"), [([1, 2], (1, 2)), ((1, 2), [1, 2]), (5.0, 5), (5, 5.0), ([5.0], (5,))]
)
def test_either_type_will_do_where_the_check_says_so(actual, expected):
    expect(actual, expected, any_type=True)


def test_either_type_still_needs_the_value():
    for actual, expected in [([1, 3], (1, 2)), (5.5, 5), (True, 1)]:
        with pytest.raises(Unexpected):
            expect(actual, expected, any_type=True)


@pytest.mark.parametrize(
    ("actual", "expected", "yours", "wanted"),
    [
        (torch.tensor(0.178551), torch.tensor(0.1785513), "0.178551003", "0.178551301"),
        (0.1 + 0.2 + 1e-4, 0.3001000001, "0.3001", "0.3001"),
        (2.0**60, 2.0**60 * (1 + 1e-12), "", ""),
    ],
)
def test_numbers_have_enough_digits_to_differ(actual, expected, yours, wanted):
    lines = message(actual, expected, rtol=0, atol=0).splitlines()
    shown = {line.split()[0]: line.split()[1] for line in lines if line.split()[0] in ("yours", "expected")}
    assert shown["yours"] != shown["expected"]
    assert shown["yours"].startswith(yours)
    assert shown["expected"].startswith(wanted)


def test_whole_numbers_are_compared_exactly():
    """3^40 + 1 is the same as 3^40 in float32 and in float64."""
    assert "yours" in message(3**40 + 1, 3**40)
    assert "yours" in message(float(2**24 + 40), float(2**24))


def test_requirement(capsys):
    require(True, "the layer has a bias", "Yours was made with bias=False.")
    assert capsys.readouterr().out == "✓ the layer has a bias\n"
    with pytest.raises(Unexpected) as caught:
        require(False, "the layer has a bias", "Yours was made with bias=False.")
    assert str(caught.value) == "✗ the layer has a bias\n  → Yours was made with bias=False."
    with pytest.raises(TypeError):
        require([0], "a list is no condition", "It would always hold.")


def test_expected_error(capsys):
    class Mine(ValueError):
        pass

    def stop(error):
        raise error

    expect_error(ValueError, lambda: stop(Mine("no")), "f(-1) raises ValueError")
    assert capsys.readouterr().out == "✓ f(-1) raises ValueError\n"
    with pytest.raises(Unexpected) as caught:
        expect_error(ValueError, lambda: stop(TypeError("a bad thing")), "f(-1) raises ValueError", "Look at the sign.")
    assert "yours     raised TypeError: a bad thing" in str(caught.value)
    assert str(caught.value).endswith("→ Look at the sign.")
    with pytest.raises(Unexpected, match="raised nothing and returned 3"):
        expect_error(ValueError, lambda: 3, "f(-1) raises ValueError")
    with pytest.raises(NotImplementedError):
        expect_error(ValueError, lambda: stop(NotImplementedError()), "f(-1) raises ValueError")


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128]
)
def test_tolerances_are_those_of_torch_testing(dtype):
    """Steps of growing size away from 1 and from 0: both judge each the same."""
    for start in (1.0, 0.0):
        expected = torch.full((3,), start, dtype=dtype)
        seen = set()
        for power in range(-40, 1):
            actual = expected + 2.0**power
            try:
                torch.testing.assert_close(actual, expected)
                close = True
            except AssertionError:
                close = False
            seen.add(close)
            if close:
                expect(actual, expected)
            else:
                message(actual, expected)
        assert seen == {True, False}


def test_first_check_is_quick():
    """It imports nothing that torch has not imported itself."""
    code = "import sys, torch\nfrom autograder.notebook.expect import expect\nbefore = set(sys.modules)\n"
    code += "expect(torch.ones(3), torch.ones(3))\nprint(sorted(set(sys.modules) - before))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"
