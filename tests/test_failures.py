"""What a learner sees when a check fails in a notebook: a few lines, of which none is the course's own code."""

import linecache

import nbformat
import pytest
import torch
from conftest import COURSE
from nbclient import NotebookClient

from autograder.build.expand import expand
from autograder.build.run import offline_environment
from autograder.notebook.failures import failing_call
from autograder.source.cells import read_source

SOURCE = """# %% [markdown]
# # A title

# %% setup

# %% [markdown]
# ### Exercise: First
#
# Without `relu`. <details><summary>Hint 1</summary>None.</details>

# %% exercise="first" difficulty=1 minutes=2
def first(x, scale=1):
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION

# %% check="first" points=1
x = torch.ones(5, 3)
with forbidden("relu"):
    expect(first(inplace(x), scale=2), x, "first(x)")
### BEGIN HIDDEN TESTS
weights = torch.ones(7, 3, dtype=torch.float64)
expect(first(weights), weights, "first(weights)")
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: Second
#
# <details><summary>Hint 1</summary>None.</details>

# %% exercise="second" difficulty=1 minutes=2
def second(x):
    ### BEGIN SOLUTION
    return first(x)
    ### END SOLUTION

# %% check="second" points=1
expect(second(torch.ones(2)), torch.ones(2), "second(x)")
### BEGIN HIDDEN TESTS
expect(second(torch.ones(3)), torch.ones(3), "second(x)")
### END HIDDEN TESTS
"""
STUB = "raise NotImplementedError"
CRASH = "def first(x, scale=1):\n    y = x + 1\n    raise ValueError('too tall')"
HIDDEN_CRASH = "def first(x, scale=1):\n    return x if len(x) == 5 else {}[len(x)]"
#: What the cells of the exercises hold, and what is said under each check.
CASES = {
    "unsolved": (
        [f"def first(x, scale=1):\n    {STUB}", f"def second(x):\n    {STUB}"],
        [["Exercise 1 is not solved yet."], ["Exercise 2 is not solved yet."]],
    ),
    "unsolved, and called by another": (
        [f"def first(x, scale=1):\n    {STUB}", "def second(x):\n    return first(x)"],
        [["Exercise 1 is not solved yet."], ["Exercise 2 is not solved yet: it calls `first`, which is not."]],
    ),
    "not run": (
        ["", "def second(x):\n    return x"],
        [["✗ `first` is not defined: run the cell of exercise 1 above first."], None],
    ),
    "stops": (
        [CRASH, "def second(x):\n    return x[0]"],
        [
            [
                "✗ Your code stopped with ValueError: too tall",
                "  in the call first(x, scale=2) with x of shape (5, 3)",
                "  in first, line 3:  raise ValueError('too tall')",
            ],
            [
                "✗ second(x)",
                "  The shapes differ:",
                "      yours     ()",
                "      expected  (2,)",
            ],
        ],
    ),
    "calls itself": (
        [
            "def first(x, scale=1, deep=0):\n    if deep == 99:\n        raise ValueError('too deep')\n    "
            "return first(x, scale, deep + 1)",
            "def second(x):\n    return x",
        ],
        [
            [
                "✗ Your code stopped with ValueError: too deep",
                "  in the call first(x, scale=2) with x of shape (5, 3)",
                "  in first, line 4:  return first(x, scale, deep + 1)  (99 times)",
                "  in first, line 3:  raise ValueError('too deep')",
            ],
            None,
        ],
    ),
    "stops in a hidden test": (
        [HIDDEN_CRASH, "def second(x):\n    return x"],
        [
            [
                "✗ Your code stopped with KeyError: 7",
                "  in the call first(weights) with weights of shape (7, 3) and dtype float64",
                "  in first, line 2:  return x if len(x) == 5 else {}[len(x)]",
            ],
            None,
        ],
    ),
}


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The cases in one kernel, one after another; the last cell is no check and fails, too."""
    folder = tmp_path_factory.mktemp("failures")
    path = folder / "99_failures.py"
    path.write_text(SOURCE)
    whole = expand(read_source(path), COURSE.data)
    cells = {cell.id: cell for cell in whole.cells}
    run = [cells["setup"], cells["tools"]]
    for answers, _ in CASES.values():
        for name, answer in zip(("first", "second"), answers):
            run += [nbformat.v4.new_code_cell(answer or f"del {name}"), cells[f"check-{name}"].copy()]
    run.append(nbformat.v4.new_code_cell("def helper():\n    return 1 / 0\n\nhelper()"))
    for number, cell in enumerate(run):
        cell["id"] = f"cell-{number}"
    notebook = nbformat.v4.new_notebook(cells=run)
    NotebookClient(notebook, kernel_name="python3", allow_errors=True).execute(env=offline_environment(str(folder)))
    return notebook


def lines_of(cell) -> list[str] | None:
    return next((output.traceback for output in cell.outputs if output.output_type == "error"), None)


@pytest.mark.parametrize("case", CASES)
def test_failure_is_told_in_a_few_lines(executed, case):
    begin = 2 + 4 * list(CASES).index(case)
    checks = executed.cells[begin + 1 : begin + 4 : 2]
    assert [lines_of(check) for check in checks] == CASES[case][1]


def test_another_cell_keeps_its_traceback(executed):
    text = "\n".join(lines_of(executed.cells[-1]))
    assert "ZeroDivisionError" in text
    assert "helper" in text
    assert len(text.splitlines()) > 5


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("f(inplace(x), 3, scale=k)", "f(x, 3, scale=k) with x of shape (2, 3), k = 7"),
        ("f(*pair)", "f(*pair) with pair of shapes (2, 3), (4,)"),
        ("f(*map(inplace, pair), scale=k)", "f(*pair, scale=k) with pair of shapes (2, 3), (4,), k = 7"),
        (
            "f(layer, names)",
            "f(layer, names) with layer = Linear(in_features=2, out_features=3, bias=True), names = ['a']",
        ),
        ("f(x.t(), x)", "f(x.t(), x) with x of shape (2, 3)"),
        ("[f(double) for double in [x.double()]]", "f(double) with double of shape (2, 3) and dtype float64"),
        ("(f(\n    x,\n    k,\n))", "f(x, k) with x of shape (2, 3), k = 7"),
        ("'ä' + f(x)", "f(x) with x of shape (2, 3)"),
    ],
)
def test_failing_call_is_told_with_its_arguments(code, told):
    def f(*values, **options):
        raise ValueError("stop")

    x, k, names, layer = torch.ones(2, 3), 7, ["a"], torch.nn.Linear(2, 3)
    space = {
        "f": f,
        "inplace": lambda one: one,
        "x": x,
        "k": k,
        "names": names,
        "layer": layer,
        "pair": [x, torch.ones(4)],
    }
    linecache.cache["<check>"] = (len(code), None, code.splitlines(keepends=True), "<check>")
    with pytest.raises(ValueError, match="stop") as caught:
        exec(compile(code, "<check>", "exec"), space)
    assert failing_call(caught.tb, "<check>") == told
