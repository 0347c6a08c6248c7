"""What a run says of each cell, whatever the cells do, and what crosses between a check and a learner's code."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from autograder.errors import CourseError
from autograder.execute import Limits, Stopped, execute, stop
from autograder.execute.grader.engine import _output
from autograder.execute.warm import walls

ROOT = Path(__file__).resolve().parents[1]
HELPERS = "\n".join(
    (ROOT / "autograder" / "notebook" / f"{name}.py").read_text().replace("from autograder", "# from autograder")
    for name in ("expect", "watch")
)
SETUP = new_code_cell(
    f"import copy, math, torch\nimport torch.nn.functional as F\nfrom torch import nn\n{HELPERS}",
    metadata={"nbgrader": {"grade_id": "setup", "grade": False, "solution": False, "locked": True}},
)


def check(code: str, name: str = "check"):
    """A check cell of two points."""
    about = {"grade_id": name, "grade": True, "solution": False, "locked": True, "points": 2}
    return new_code_cell(code, metadata={"nbgrader": about})


LIMITS = Limits(cell_seconds=10)
#: What lies in a learner's /tmp; this course, too, if it lies there.
TEMPORARY = sorted({"work", *ROOT.parts[2:3]} if ROOT.is_relative_to("/tmp") else {"work"})


def run(*cells, limits: Limits = LIMITS, **options):
    """The executed notebook and its report; text stands for a learner's cell."""
    cells = [new_code_cell(cell) if isinstance(cell, str) else cell.copy() for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=cells)
    return notebook, execute(notebook, limits, **options)


def errors(notebook) -> list[list[str]]:
    return [[output.ename for output in cell.outputs if output.output_type == "error"] for cell in notebook.cells]


def printed(notebook) -> list[str]:
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]


# Cells


def test_formulas_can_be_drawn_in_any_number():
    """matplotlib keeps the last fifty with their open font files; the file of one from before the fork is closed."""
    code = """import io
from matplotlib import pyplot as plt
for formula in ("$x$", *(f"${k}$" for k in range(60))):
    figure, axes = plt.subplots(figsize=(1, 1))
    axes.set_title(formula)
    figure.savefig(io.BytesIO(), format="svg")
    plt.close(figure)
"""
    notebook, _ = run(code, isolation=False)
    assert notebook.cells[0].outputs == []


def test_empty_cells_are_nothing_to_speak_of():
    """Nearly every notebook ends with one, and there is nothing in it that could run or fail."""
    notebook, report = run("", "x = 1", "  \n", "print(x)", "")
    assert errors(notebook) == [[], [], [], [], []]
    assert [(cell.number, cell.status) for cell in report.cells] == [(2, "ok"), (4, "ok")]
    assert report.problems == []


def test_outputs_are_those_of_a_notebook():
    notebook, _ = run(
        "import sys\nprint('out'); print('err', file=sys.stderr)\n1 + 1",
        "from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'))",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "%timeit -n1 -r1 None\n!echo from the shell",
        "1 / 0",
        "x = (",
    )
    kinds = [[(output.output_type, output.get("name")) for output in cell.outputs] for cell in notebook.cells]
    assert kinds[0] == [("stream", "stdout"), ("stream", "stderr"), ("execute_result", None)]
    assert notebook.cells[0].outputs[2].execution_count == notebook.cells[0].execution_count == 1
    assert notebook.cells[1].outputs[0].data["text/html"] == "<b>bold</b>"
    assert "image/png" in notebook.cells[2].outputs[0].data
    assert "from the shell" in printed(notebook)[3]
    assert errors(notebook)[4:] == [["ZeroDivisionError"], ["SyntaxError"]]
    assert "line 1" in "".join(notebook.cells[4].outputs[0].traceback)
    nbformat.validate(notebook)


@pytest.mark.parametrize(
    "raw",
    [
        {"output_type": "stream", "name": "stdout", "text": "a\x00b"},
        {"output_type": "execute_result", "data": {"text/plain": ["1", "2"]}, "execution_count": -1},
        {"output_type": "execute_result", "data": {"text/plain": "1"}, "execution_count": True},
        {"output_type": "execute_result", "data": {"text/plain": "1"}, "metadata": [1]},
        {"output_type": "display_data", "data": {"text/plain": [1, 2], "text/html": {"a": 1}, 3: "x"}},
        {"output_type": "display_data", "data": {"application/json": [1], "application/x+json": 2}, "more": 1},
        {"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["a", 3]},
    ],
)
def test_output_of_any_kind_leaves_a_notebook_that_is_one(raw):
    """A learner's process may send what it likes."""
    cell = new_code_cell("1")
    cell.outputs = [_output(raw)]
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))


def test_what_a_notebook_may_hold_is_kept():
    data = {"text/plain": ["1", "2"], "text/html": "<b>", "application/x+json": {"a": [1]}}
    assert _output({"output_type": "display_data", "data": data | {"image/png": 3}}).data == data


@pytest.mark.parametrize("raw", [None, [], {}, {"output_type": "stream", "name": "x", "text": ""}, {"data": {}}])
def test_output_that_is_none_is_left_out(raw):
    assert _output(raw) is None


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("\n\n%timeit -n1 -r1 None\n", "loop"),
        ("x = !echo hello\nprint(x)", "['hello']"),
        ("1\nmath = 3\n?math", "int"),
        ("pwd", "work"),
        ("\n\n\n  a = 1\n  print(a)", "1"),
        (">>> a = 1\n>>> print(a)", "1"),
        ("ip = get_ipython()\nip.input_transformers_post.append(lambda lines: ['print(7)'])", ""),
    ],
)
def test_ipythons_own_syntax_works(code, says):
    notebook, _ = run(code, "a = 1\nprint(a)")
    assert errors(notebook) == [[], []]
    assert says in "".join(str(output.get("text", output.get("data"))) for output in notebook.cells[0].outputs)
    assert printed(notebook)[1] == ("7\n" if "transformers" in code else "1\n")


@pytest.mark.parametrize("about", ["x", None, [1], {"grade_id": ["a"]}])
@pytest.mark.parametrize("pictures", [None, {"y = 1": {}}])
def test_metadata_of_any_kind_leaves_a_cell_that_runs(about, pictures):
    notebook, _ = run(SETUP, new_code_cell("x = 1", metadata={"nbgrader": about}), "print(x)", pictures=pictures)
    assert printed(notebook)[2] == "1\n"


def test_process_that_dies_costs_its_own_cell_only():
    notebook, report = run(
        SETUP,
        "import os; x = 2",
        "os._exit(1)",
        check("assert x == 2"),
        "def f(): os._exit(1)",
        check("f()", "deadly"),
        "y = x + 1",
        check("assert y == 3", "after"),
    )
    assert [one.status for one in report.checks] == ["right", "stopped", "right"]
    assert [cell.status for cell in report.cells] == ["ok", "ok", "died", "ok", "ok", "died", "ok", "ok"]
    assert (
        report.problems[0] == "cell 3 ended the process that it ran in; the cells after it ran in a new one, without it"
    )
    assert errors(notebook)[2] == ["NotRun"]


def test_process_that_dies_every_time_ends_the_notebook():
    _, report = run(*["import os; os._exit(1)"] * 9)
    assert [cell.status for cell in report.cells] == ["died"] * 6 + ["not run"] * 3
    assert "died too often" in report.problems[-1]


# Limits


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("while True: pass", "timeout", "cell 2 ran longer than 2 s and was stopped"),
        (
            "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    time.sleep(60)",
            "timeout",
            "could not be",
        ),
        ("import signal; signal.signal(2, signal.SIG_IGN)\nwhile True: pass", "timeout", "could not be interrupted"),
        ("while True: print('x' * 1000)", "flood", "cell 2 wrote more than 0.1 MB of output and was stopped"),
        ("print('x' * 60_000_000)", "flood", "cell 2 wrote more than 0.1 MB"),
        ("x = bytearray(900_000_000)", "error", "cell 2 needed more than 0.3 GB of memory"),
        ("torch.zeros(10**9)", "error", "cell 2 needed more than 0.3 GB of memory"),
        ("open('big', 'wb').write(bytes(60_000_000))", "error", "cell 2 tried to write more than 50 MB to files"),
        (
            "import threading, time\nfor _ in range(99): threading.Thread(target=time.sleep, args=[9]).start()",
            "error",
            "cell 2 needed more than 40 processes and threads",
        ),
    ],
)
def test_limit_is_a_sentence_and_costs_its_cell_only(code, status, says):
    limits = Limits(cell_seconds=2, output_bytes=100_000, memory_bytes=300_000_000, processes=40, disk_bytes=50_000_000)
    _, report = run(SETUP, code, "a = 3", check("assert a == 3"), limits=limits)
    assert report.cells[1].status == status
    assert [says in problem for problem in report.problems] == [True], report.problems
    assert report.checks[0].status == "right"


def test_memory_of_many_processes_counts_together():
    """Each of them is below the limit of one process."""
    code = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        hoard = bytearray(os.urandom(1)) * 150_000_000
        time.sleep(8)
        os._exit(0)
time.sleep(8)
"""
    _, report = run(code, "a = 3", check("assert a == 3"), limits=Limits(cell_seconds=20, memory_bytes=400_000_000))
    assert report.problems == ["cell 1 needed more than 0.4 GB of memory and was stopped"]
    assert report.checks[0].status == "right"


def test_what_a_failed_answer_had_in_memory_is_free_again():
    """Its traceback, which the message needs, must not keep it."""
    large = "bytearray(b'x') * 600_000_000"
    answer = f"def f():\n    hoard = {large}\n    raise ValueError(len(hoard))"
    cells = [SETUP, answer, check("f()"), f"print(len({large}))"]
    notebook, report = run(*cells, limits=Limits(cell_seconds=10, memory_bytes=1_000_000_000))
    assert "in your line 3:  raise ValueError" in report.checks[0].message
    assert printed(notebook)[-1] == "600000000\n"
    assert report.problems == []


def test_time_of_the_notebook_is_limited():
    limits = Limits(cell_seconds=5, total_seconds=2)
    _, report = run("import time; time.sleep(3)", "x = 1", check("pass"), limits=limits)
    assert [cell.status for cell in report.cells][1:] == ["not run", "not run"]
    assert report.checks[0].status == "stopped"
    assert any("before cell 2" in problem for problem in report.problems)


def test_stop_ends_what_runs():
    seen = []

    def long_run():
        try:
            run("import time; time.sleep(60)", limits=Limits(cell_seconds=60))
        except Stopped:
            seen.append("stopped")

    run("x = 1")  # the warm process is there
    thread = threading.Thread(target=long_run)
    thread.start()
    time.sleep(1)
    stop()
    thread.join(10)
    assert seen == ["stopped"]
    assert run("x = 1")[1].cells[0].status == "ok", "and the next run runs"


# Walls


def test_learner_sees_little_and_changes_nothing():
    code = """
import os, socket
from pathlib import Path
print(sorted(os.listdir("/tmp")), os.listdir("/proc"), os.getpid(), os.getuid() != 0)
for place in ("/", "/usr", "/etc", "/dev", __import__("torch").__path__[0]):
    try:
        Path(place, "left").write_text("x")
        print("wrote to", place)
    except OSError:
        pass
for place in (ROOT + "/solutions", ROOT + "/tests", "/home"):
    try:
        print("saw", os.listdir(place))
    except OSError:
        pass
try:
    socket.create_connection(("127.0.0.1", 9), 1)
except OSError as error:
    print(error.strerror)
print("SECRET" in os.environ)
""".replace("ROOT", repr(str(ROOT)))
    os.environ["SECRET"] = "1"
    try:
        notebook, _ = run(code)
    finally:
        del os.environ["SECRET"]
    first, second, third = printed(notebook)[0].splitlines()
    assert first == f"{TEMPORARY} [] 1 True"
    assert second in ("Connection refused", "Network is unreachable")
    assert third == "False"


def test_nothing_of_one_run_is_left_for_the_next():
    run("import torch, pathlib; torch.equal = None; pathlib.Path('/tmp/left').touch(); x = 1; torch.manual_seed(5)")
    notebook, _ = run("import torch, os; print(torch.equal is None, sorted(os.listdir('/tmp')), 'x' in globals())")
    assert printed(notebook) == [f"False {TEMPORARY} False\n"]


@pytest.mark.parametrize(
    "call",
    [
        "libc.unshare(0x10000000)",
        "libc.memfd_create(b'x', 0)",
        "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)",
        "libc.umount2(b'/proc', 2)",
        "libc.ptrace(0, 0, 0, 0)",
        "libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)",
        "libc.syscall(435, 0, 0)",
        "libc.chroot(b'/tmp')",
        "libc.setuid(0)",
        "libc.kill(-1, 0) if False else libc.setns(0, 0)",
    ],
)
def test_system_call_is_refused(call):
    notebook, _ = run(f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint({call})")
    assert printed(notebook) == ["-1\n"], "and the process lives on to say so"


def test_without_walls_nothing_runs(monkeypatch):
    monkeypatch.setattr(walls.shutil, "which", lambda name: None)
    walls.find_bwrap.cache_clear()
    with pytest.raises(CourseError, match=r"install it .* or grade with --no-isolation"):
        walls.command(["true"], {}, gpu=False)
    walls.find_bwrap.cache_clear()


def test_no_isolation_runs_without_walls():
    notebook, report = run(SETUP, "def f(x): return x + 1", check("expect(f(1), 2, 'f')"), isolation=False)
    assert report.checks[0].status == "right"
    assert printed(notebook)[2] == "✓ f\n"


# What crosses

CROSSINGS = {
    "values": (
        "def same(x): return x",
        """
for value in (None, True, 3, -2**70, 1.5, "é", b"b", [1, [2]], (1, (2,)), {"a": [1], (1, 2): None}, {1, 2},
              frozenset([1]),
              range(3), 1j, math.inf, torch.Size([2]), torch.float64):
    assert same(value) == value and type(same(value)) is type(value), value
""",
    ),
    "tensors": (
        "def same(x): return x",
        """
for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.uint8, torch.int32,
              torch.int64, torch.bool):
    for size in ((), (0,), (3,), (2, 0, 3), (2, 3)):
        x = (torch.rand(size) * 9).to(dtype)
        y = same(x)
        assert type(y) is torch.Tensor and y.dtype == dtype and torch.equal(x, y)
x = torch.randn(4, 5).t()[1:, ::2]
assert torch.equal(same(x), x)
assert torch.equal(same(torch.tensor([math.nan])), torch.tensor([math.nan])) is False
""",
    ),
    "simple attributes of a module, without a request": (
        """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.n, self.flag, self.size, self.looks, self._own, self.many = 1, True, (2, 3), 0, 5, [1]
    @property
    def next(self):
        self.looks += 1
        return self.looks
    def forward(self, x):
        self.n, self.flag, self.many = self.n + 1, 1, [2]
        return x
""",
        """
net = Net()
asked = vars(net)["_link"].tapes
assert (net.n, net.flag, net.size) == (1, True, (2, 3)) and net.flag is True
assert vars(net)["_link"].tapes == asked
assert (net.next, net._own, net.many) == (1, 5, [1])
net(torch.ones(1))
assert (net.n, net.flag, net.many, net.looks) == (2, 1, [2], 1) and type(net.flag) is int
net.n, net.new = 7, "text"
assert (net.n, net.new, net(torch.ones(1)).item(), net.n) == (7, "text", 1.0, 8)
""",
    ),
    "exceptions that a check expects, without their tracebacks": (
        """
made = []
shell = get_ipython()
format_it = shell.InteractiveTB.structured_traceback
shell.InteractiveTB.structured_traceback = lambda *about: made.append(about) or format_it(*about)
def fail(x): return 1 / x
def count(): return len(made)
""",
        """
for _ in range(3):
    try:
        fail(0)
    except ZeroDivisionError as error:
        assert str(error) == "division by zero"
assert count() == 0
""",
    ),
    "strides reach the learner": (
        "def layout(x): return x.is_contiguous(), x.stride(), x.storage_offset()",
        "x = torch.zeros(4, 6).t()[2:]\nassert layout(x) == (False, (1, 6), 2), layout(x)",
    ),
    "left alone unless marked": (
        "def spoil(x, numbers):\n    x.zero_(); numbers.append(9)",
        """
x, numbers = torch.ones(3), [1]
spoil(x, numbers)
assert x.sum() == 3 and numbers == [1]
spoil(inplace(x), inplace(numbers))
assert x.sum() == 0 and numbers == [1, 9]
""",
    ),
    "in place through a view": (
        "def half(x):\n    x.mul_(0.5)\n    return x",
        """
matrix = torch.ones(4, 5)
y = half(inplace(matrix.t()[1:3]))
assert matrix.sum() == 16 and (matrix[:, 1:3] == 0.5).all()
y.zero_()
assert matrix.sum() == 12
""",
    ),
    "shapes and strides changed in place": (
        "def turn(x): x.t_()\ndef lift(x): x.unsqueeze_(1).mul_(2)\ndef same(x): return x * 2\n"
        "def cut(x): x.data = x[1:, 1:]",
        """
x = torch.arange(6.0).reshape(2, 3)
turn(x); lift(x)
assert x.shape == (2, 3), x.shape
same(inplace(x))
assert x.shape == (2, 3) and x.stride() == (3, 1)
turn(inplace(x))
assert x.shape == (3, 2) and x.stride() == (1, 3) and x[1].tolist() == [1, 4], x
lift(inplace(x))
assert x.shape == (3, 1, 2) and x[2, 0].tolist() == [4, 10], x
weight = nn.Parameter(torch.ones(2, 3))
with torch.no_grad():
    cut(inplace(weight))
assert weight.shape == (1, 2) and weight.requires_grad
""",
    ),
    "a mode that is left on": (
        "def score(net, x):\n    net.eval()\n    return net(x)\n"
        "def half(net, x):\n    net[1].train()\n    return net(x)",
        """
net = nn.Sequential(nn.Linear(2, 3), nn.Dropout())
x = torch.ones(4, 2)
score(net, x)
assert net.training, "not marked"
score(inplace(net), x)
assert [part.training for part in net.modules()] == [False, False, False]
half(inplace(net), x)
assert [part.training for part in net.modules()] == [False, False, True]
net.train()
score(inplace(net), x)
assert not net.training
""",
    ),
    "returns its argument, a view of it, or another tensor": (
        "def same(x): return x\ndef view(x): return x[1:].t()\ndef new(x): return x.clone()\n"
        "def moved(x): x.data = x.data + 1",
        """
x = torch.randn(3, 2)
assert same(inplace(x)) is x
assert view(inplace(x)).data_ptr() == x[1:].data_ptr() and torch.equal(view(inplace(x)), x[1:].t())
assert new(inplace(x)).data_ptr() != x.data_ptr()
memory = x.data_ptr()
moved(inplace(x))
assert x.data_ptr() != memory
""",
    ),
    "an argument that is not marked, and that came back as it was": (
        "def same(x): return x\ndef view(x): return x[1:].t()\ndef spoiled(x): return x.add_(1)\n"
        "def normed(x, mean): return nn.functional.batch_norm(x, mean, torch.ones(2), training=True), mean",
        """
x = torch.randn(3, 2)
assert same(x) is x and view(x).data_ptr() == x[1:].data_ptr()
before = x.clone()
y = spoiled(x)
assert torch.equal(x, before) and torch.equal(y, before + 1)
_, mean = normed(x, torch.zeros(2))  # which writes and leaves no trace in the version
assert mean.abs().sum() > 0
weight = x.clone().requires_grad_()
assert same(weight) is not weight
""",
    ),
    "a result that a later call writes into": (
        "buffer = torch.zeros(3)\ndef f(x):\n    buffer[:2] = x\n    return buffer[:2], buffer.sum()\n"
        "def g(): buffer.data[0] += 1",
        """
first, total = f(torch.tensor([1.0, 2.0]))
second, _ = f(torch.tensor([5.0, 7.0]))
assert first.tolist() == [5, 7] and second.tolist() == [5, 7] and total == 3
del first, second
f(torch.tensor([1.0, 2.0]))
""",
    ),
    "a parameter in the memory of an argument": (
        "def build(kernels):\n    layer = nn.Linear(2, 3)\n    layer.weight.data = kernels[1:]\n    return layer",
        """
kernels = torch.randn(4, 2)
layer = build(kernels)
kernels.zero_()
assert layer.weight.sum() == 0
""",
    ),
    "what expand repeats": (
        "def spread(x): return x.clone().expand(3, 2)\ndef build():\n    layer = nn.Linear(2, 3, bias=False)\n"
        "    layer.weight = nn.Parameter(torch.ones(1, 2).expand(3, 2))\n    return layer",
        """
x, layer = spread(torch.tensor([1.0, 2.0])), build()
assert x.tolist() == [[1, 2]] * 3 and x.stride() == (0, 1)
try:
    with torch.no_grad():
        layer.weight.add_(1)
except RuntimeError:
    pass
else:
    assert False, "its values share one place"
assert layer(x).shape == (3, 3)
""",
    ),
    "a module that gets other parts": (
        "known = set()\ndef names(net):\n    known.add(net)\n    return [name for name, _ in net.named_parameters()]\n"
        "def run(net, x): return net(x)\ndef nets(): return len(known)",
        """
net, x = nn.Sequential(nn.Sequential(nn.Linear(2, 3)), nn.ReLU()), torch.ones(1, 2)
assert names(net) == ["0.0.weight", "0.0.bias"]
net[0].append(nn.Linear(3, 4))
assert names(net) == ["0.0.weight", "0.0.bias", "0.1.weight", "0.1.bias"] and torch.equal(run(net, x), net(x))
net[0][1] = nn.Linear(3, 5)
assert torch.equal(run(net, x), net(x))
run(net, x).sum().backward()
assert net[0][1].weight.grad is not None
del net[0]
assert names(inplace(net)) == [] and torch.equal(run(net, x), x)
assert nets() == 1, "it is still the same one"
""",
    ),
    "a sparse result": (
        "def f(x): return x.to_sparse()",
        "y = f(torch.eye(3))\nassert y.layout == torch.sparse_coo and torch.equal(y.to_dense(), torch.eye(3))",
    ),
    "the same result once more": (
        "kept = torch.zeros(2)\ndef f(x):\n    kept.add_(x)\n    return kept\ndef g(x): return kept + x",
        """
first = f(1)
second = f(1)
assert first is second and first.tolist() == [2, 2]
assert g(1) is not g(1)
""",
    ),
    "a buffer that a module of the check's gets": (
        "def mark(net): net.register_buffer('extra', torch.ones(2))\ndef freeze(x): x.requires_grad_(False)",
        """
net = nn.Linear(1, 1)
mark(inplace(net))
assert list(net.state_dict()) == ["weight", "bias", "extra"] and net.extra.tolist() == [1, 1]
mark(inplace(net))
x = torch.ones(1, requires_grad=True)
freeze(x)
assert x.requires_grad
freeze(inplace(x))
assert not x.requires_grad
""",
    ),
    "the grad that an argument has": (
        "def look(x): return None if x.grad is None else x.grad.clone()\n"
        "def clear(x): x.grad = None\ndef add(x): (x * 2).sum().backward()",
        """
x = torch.ones(2, requires_grad=True)
assert look(x) is None
x.grad = torch.full((2,), 5.0)
assert look(x).tolist() == [5, 5]
add(x)
clear(x)
assert x.grad.tolist() == [5, 5]
add(inplace(x))
assert x.grad.tolist() == [7, 7]
clear(inplace(x))
assert x.grad is None
""",
    ),
    "whether an argument is a leaf": (
        "def about(x): return x.is_leaf, x.requires_grad, x._base is None\n"
        "def double(x): return x * 2 if x.requires_grad else None\ndef spoil(x): return x.mul_(3)",
        """
x = torch.ones(3, requires_grad=True)
assert about(x) == (True, True, True) and about(x.detach()) == (True, False, True)
y = x * 5
assert about(y) == (False, True, True) and about(inplace(y)) == (False, True, True)
double(y).sum().backward()
assert x.grad.tolist() == [10, 10, 10]
y = x * 5
with torch.no_grad():
    spoil(inplace(y))
assert y.tolist() == [15, 15, 15]
assert spoil(x * 5).tolist() == [15, 15, 15]
""",
    ),
    "whether an argument is a view": (
        "def base(x): return x._base is not None",
        "x = torch.ones(4, 3)\nassert [base(one) for one in (x, x[1], x.clone())] == [False, True, False]",
    ),
    "what is not held any longer is forgotten": (
        "import gc, weakref\nmade = []\nclass Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.part = nn.Linear(2, 2)\n"
        "        made.append(weakref.ref(self.part))\n    def forward(self, x): return self.part(x)\n"
        "def alive():\n    gc.collect()\n    return sum(one() is not None for one in made)\n"
        "def takes(net): made.append(weakref.ref(net))",
        """
for _ in range(100):
    Net()(torch.ones(1, 2)).sum().backward()
assert alive() <= 30, alive()
weight = Net().part.weight
for _ in range(30):
    Net()
assert alive() >= 1 and torch.equal(weight, weight.twin.weight)
for _ in range(100):
    takes(nn.Linear(1, 1))
assert alive() <= 60, alive()
""",
    ),
    "gradients of inputs": (
        "def f(x, y, unused): return (x * y).sum(), x.exp(), [y.detach()]",
        """
x, y, unused = (torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(3))
total, e, (cut,) = f(x, y, unused)
assert total.requires_grad and e.requires_grad and not cut.requires_grad
(2 * total + e.sum()).backward()
assert torch.allclose(x.grad, 2 * y.detach() + x.detach().exp()) and torch.allclose(y.grad, 2 * x.detach())
assert unused.grad is None
with torch.no_grad():
    assert not f(x, y, unused)[0].requires_grad
(only,) = torch.autograd.grad(f(x, y, unused)[0], [y])
assert torch.equal(only, x.detach())
z = x * 2
f(z, y, unused)[0].backward()
""",
    ),
    "a module": (
        '''
class Net(nn.Module):
    """A net."""
    kind = "small"
    def __init__(self, width=4):
        super().__init__()
        self.width, self.calls = width, []
        self.first, self.rest = nn.Linear(3, width), nn.Sequential(nn.ReLU(), nn.Dropout(0.5), nn.Linear(width, 2))
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.register_buffer("seen", torch.tensor(0))
    def forward(self, x):
        self.seen += 1
        self.calls.append(len(x))
        return self.scale * self.rest(self.first(x))
    def twice(self, x): return 2 * x
''',
        """
net = Net(width=5)
assert isinstance(net, nn.Module) and isinstance(net, Net) and not isinstance(net, nn.Linear)
assert isinstance(net.first, nn.Linear)
assert (net.width, net.kind, net.first.in_features, net.twice(4), Net.kind) == (5, "small", 3, 8, "small")
names = ["scale", "first.weight", "first.bias", "rest.2.weight", "rest.2.bias"]
assert [name for name, _ in net.named_parameters()] == names
assert list(net.state_dict()) == ["scale", "seen", *names[1:]]
assert [type(part).__name__ for part in net.modules()] == ["Net", "Linear", "Sequential", "ReLU", "Dropout", "Linear"]
assert len(net.rest) == 3 and isinstance(net.rest[2], nn.Linear) and net.rest[2] is list(net.rest)[2]
net.eval()
assert not net.training and not net.rest[1].training
values = {name: torch.rand(t.shape) if t.is_floating_point() else t for name, t in net.state_dict().items()}
net.load_state_dict(values)
x = torch.randn(6, 3, requires_grad=True)
y = net(x)
wanted = values["scale"] * F.linear(F.linear(x, values["first.weight"], values["first.bias"]).relu(),
                                    values["rest.2.weight"], values["rest.2.bias"])
assert torch.allclose(y, wanted) and net.seen == 1 and net.calls == [6]
y.sum().backward()
assert all(p.grad is not None for p in net.parameters()) and x.grad is not None
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
before = y.sum()
optimizer.step()
optimizer.zero_grad()
assert net(x).sum() < before and all(p.grad is None for p in net.parameters())
net.first.weight.requires_grad_(False)
net(x).sum().backward()
assert net.first.weight.grad is None and net.first.bias.grad is not None
other = copy.deepcopy(net)
with torch.no_grad():
    other.scale.zero_()
assert other(x).abs().sum() == 0 and net(x).abs().sum() > 0
net.train()
assert not torch.equal(net(x), net(x)), "dropout"
hold = nn.Sequential(nn.Linear(2, 3), net)
assert hold(torch.randn(4, 2)).shape == (4, 2) and len(list(hold.parameters())) == 7
try:
    net.nothing
except AttributeError as error:
    assert "nothing" in str(error)
else:
    assert False
""",
    ),
    "hooks of a check": (
        "net = nn.Sequential(nn.Linear(3, 4), nn.ReLU())\ndef f(x): return net(x)",
        """
seen = []
handle = net[0].register_forward_hook(lambda module, inputs, output: seen.append((module is net[0], output.shape)))
net.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape))
net(torch.zeros(5, 3))
assert seen == [(5, 3), (True, (5, 4))], seen
handle.remove()
net(torch.zeros(5, 3))
assert len(seen) == 3
gradients = []
net[0].weight.register_hook(gradients.append)
net(torch.ones(2, 3)).sum().backward()
assert gradients[0].shape == (4, 3)
""",
    ),
    "a module without super().__init__()": (
        "class Bare(nn.Module):\n    def __init__(self): self.width = 3\n    def forward(self, x): return x",
        """
bare = Bare()
assert isinstance(bare, nn.Module) and bare.width == 3
try:
    list(bare.parameters())
except AttributeError:
    pass
else:
    assert False
""",
    ),
    "a module of the check's": (
        """
def train(net, x):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(x).sum().backward()
    optimizer.step()
    return net
""",
        """
class Counting(nn.Linear):
    def __init__(self):
        super().__init__(2, 1)
        self.sizes = []
    def forward(self, x):
        self.sizes.append(len(x))
        return super().forward(x)
net = nn.Sequential(Counting())
start = copy.deepcopy(net.state_dict())
x = torch.ones(4, 2)
train(net, x)
assert torch.equal(net[0].weight, start["0.weight"]) and net[0].weight.grad is None and net[0].sizes == []
assert train(inplace(net), x) is net
assert torch.allclose(net[0].weight, start["0.weight"] - 0.4) and net[0].sizes == [4]
assert torch.equal(net[0].weight.grad, torch.full((1, 2), 4.0))
net.zero_grad()
net[0].sizes.clear()
train(inplace(net), x[:1])
assert torch.allclose(net[0].weight, start["0.weight"] - 0.5) and net[0].sizes == [1]
net[0].weight.grad = torch.ones(1, 2)
train(inplace(net), x[:1])
assert torch.equal(net[0].weight.grad, torch.full((1, 2), 2.0))
""",
    ),
    "data sets, iterators, generators": (
        """
from torch.utils.data import Dataset
class Squares(Dataset):
    def __len__(self): return 5
    def __getitem__(self, i):
        if not 0 <= i < 5: raise IndexError(i)
        return torch.tensor(float(i * i)), i
def count(n):
    for i in range(n): yield i, torch.tensor(i)
def endless():
    while True: yield 1
""",
        """
from torch.utils.data import DataLoader
data = Squares()
assert len(data) == 5 and data[2][0] == 4 and [i for _, i in data] == [0, 1, 2, 3, 4]
batches = list(DataLoader(data, batch_size=2))
assert [len(b) for b, _ in batches] == [2, 2, 1] and batches[1][0].tolist() == [4.0, 9.0]
assert [(i, int(t)) for i, t in count(3)] == [(0, 0), (1, 1), (2, 2)]
ones = endless()
assert next(ones) + next(ones) == 2
""",
    ),
    "functions of the check's": (
        "def twice(f, x): return f(f(x))\ndef make(n): return lambda x: x + n",
        "offset = torch.tensor(3)\nassert twice(lambda x: x + offset, 1) == 7\n"
        "assert make(4)(1) == 5 and twice(make(2), 1) == 5",
    ),
    "plain variables": (
        "answer, words, table = torch.arange(3), ['a'], {'k': (1, None)}",
        "assert answer.tolist() == [0, 1, 2] and words == ['a'] and table == {'k': (1, None)}",
    ),
    "exceptions": (
        """
class Mine(ValueError): pass
def fail(kind, text): raise {"mine": Mine, "key": KeyError, "zero": ZeroDivisionError}[kind](text)
""",
        """
for kind, wanted in {"mine": ValueError, "key": KeyError, "zero": ZeroDivisionError}.items():
    try:
        fail(kind, "what")
    except wanted as error:
        assert "what" in str(error)
    else:
        assert False
""",
    ),
    "printed output": (
        "def speak(x): print('said', x)",
        """
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as heard:
    speak(3)
assert heard.getvalue() == "said 3\\n", heard.getvalue()
""",
    ),
    "seeds": (
        "def draw(): return torch.rand(3)",
        """
torch.manual_seed(4)
first = draw()
torch.manual_seed(4)
assert torch.equal(draw(), first) and not torch.equal(draw(), first)
""",
    ),
    "a seed of the learner's": (
        "def draw(seed):\n    if seed:\n        torch.manual_seed(seed)\n    return torch.rand(3)",
        """
torch.manual_seed(4)
assert torch.initial_seed() == 4
draw(None)
assert torch.initial_seed() == 4
draw(5)
assert torch.initial_seed() == 5
torch.manual_seed(6)
assert torch.initial_seed() == 6
""",
    ),
    "deterministic algorithms": (
        "def fill(): return torch.empty(100), torch.are_deterministic_algorithms_enabled()",
        # Switched off again, it is asked by name: empty memory may hold the nan from before.
        """
torch.use_deterministic_algorithms(True)
empty, enabled = fill()
assert enabled and empty.isnan().all()
torch.use_deterministic_algorithms(False)
assert not fill()[1]
""",
    ),
    "what torch does": (
        "def loop(x): return torch.stack([row.relu() for row in x])\ndef at_once(x): return x.clamp(min=0)",
        """
counts = []
for n in (3, 8):
    with Watch() as seen:
        loop(torch.randn(n, 2))
    counts.append(len(seen.operations))
assert counts[1] > counts[0] and "relu" in seen.functions and seen.largest == 16
with Watch() as seen:
    at_once(torch.randn(4, 2))
assert seen.names == ["clamp"] and seen.operations[0].arguments == ((4, 2), 0)
with forbidden("relu"):
    at_once(torch.randn(4, 2))
try:
    with forbidden("relu", "clamp"):
        at_once(torch.randn(4, 2))
except Unexpected as error:
    assert "`clamp`" in str(error)
else:
    assert False
""",
    ),
    "what a check sets and writes in a learner's object": (
        "class Odd: pass\nodd = Odd()\nodd.p, odd.t = nn.Parameter(torch.ones(2)), torch.ones(2)\n"
        "def total(): return odd.p.sum() + odd.t.sum()",
        """
odd.x, odd.y, odd.z, odd.w, odd.f = 3, [1, (2,)], {"a": torch.ones(2)}, math.nan, abs
odd.g, odd.net = lambda x: x, nn.Linear(1, 1)
assert odd.x == 3 and odd.y == [1, (2,)] and math.isnan(odd.w)
with torch.no_grad():
    odd.p.fill_(3)
    odd.t.add_(1)
assert isinstance(odd.p, nn.Parameter) and total() == 10
""",
    ),
    "a property that depends on a parameter": (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.log = nn.Parameter(torch.zeros(1))\n    @property\n    def scale(self): return self.log.exp()",
        """
net = Net()
assert net.scale == 1
with torch.no_grad():
    net.log.fill_(1)
assert net.scale > 2
""",
    ),
    "a parameter that a module of the check's gets": (
        "def add(layer): layer.bias = nn.Parameter(torch.ones(1))\ndef run(layer, x): return layer(x)\n"
        "def both(layer, x):\n    add(layer)\n    return layer(x)\ndef drop(layer): layer.weight = None",
        """
layer, x = nn.Linear(2, 1, bias=False), torch.ones(1, 2)
add(layer)
both(layer, x).sum().backward()
drop(layer)
assert layer.bias is None and torch.equal(run(layer, x), layer(x)), "not marked"
weight = layer.weight
add(inplace(layer))
assert layer.bias.item() == 1 and layer.weight is weight and torch.equal(run(layer, x), layer(x))
""",
    ),
    "what a marked module loses, or gets instead": (
        "def drop(layer): layer.bias = None\ndef remove(layer): del layer.bias\n"
        "def replace(layer): layer.weight = nn.Parameter(layer.weight.detach().clone())\n"
        "def change(layer): layer.weight = nn.Parameter(2 * layer.weight.detach())\n"
        "def swap(net): net[1] = nn.Tanh()\ndef cut(net): del net[1]\ndef run(net, x): return net(x)",
        """
layer, x = nn.Linear(2, 1), torch.ones(1, 2)
weight, values = layer.weight, layer.weight.detach().clone()
for spoil in (drop, remove, replace, change):
    spoil(layer)
assert layer.weight is weight and layer.bias is not None and torch.equal(run(layer, x), layer(x)), "not marked"
replace(inplace(layer))
assert layer.weight is not weight and torch.equal(layer.weight, values)
change(inplace(layer))
assert torch.equal(layer.weight, 2 * values) and torch.equal(weight, values)
run(layer, x).sum().backward()
assert torch.equal(layer.weight.grad, x) and weight.grad is None
drop(inplace(layer))
assert layer.bias is None and torch.equal(run(layer, x), layer(x))
layer.bias = nn.Parameter(torch.ones(1))
assert torch.equal(run(layer, x), layer(x))
remove(inplace(layer))
assert not hasattr(layer, "bias")
net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
swap(net)
assert isinstance(net[1], nn.ReLU)
swap(inplace(net))
assert isinstance(net[1], nn.Tanh) and torch.equal(run(net, x), net[0](x).tanh())
cut(inplace(net))
assert len(net) == 1 and torch.equal(run(net, x), net[0](x))
""",
    ),
    "in inference mode": (
        "buffer = torch.zeros(2)\ndef f(x): return x + 1\ndef g(x):\n    buffer.add_(x)\n    return buffer",
        """
x = torch.ones(2)
with torch.inference_mode():
    y, z = f(x), g(x)
    assert y.tolist() == [2, 2] and g(x) is z and z.tolist() == [2, 2]
assert f(y).tolist() == [3, 3]
""",
    ),
    "a parameter whose values expand repeats is put right": (
        "def spoil(net): net.weight.requires_grad_(False)\ndef run(net, x): return net(x)",
        """
net, x = nn.Linear(2, 3, bias=False), torch.ones(1, 2)
net.weight = nn.Parameter(torch.ones(1, 1).expand(3, 2))
spoil(net)
assert run(net, x).requires_grad and run(net, x).tolist() == [[2, 2, 2]]
""",
    ),
    "a view of a marked leaf": (
        "def last(x): return x[:, -1]",
        """
for size in ((1, 1), (3, 1), (3, 2)):
    x = torch.ones(size, requires_grad=True)
    y = last(inplace(x))
    y.sum().backward()
    assert y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    assert x.grad[:, -1].tolist() == [1] * size[0] and x.grad.sum() == size[0]
""",
    ),
    "one element with an odd stride": (
        "def last(x): return x[:, -1]\ndef spread(): return torch.tensor(1).expand(1)\n"
        "def odd(): return torch.ones(2).as_strided((1,), (7,))",
        """
expect(last(torch.ones(4, 1)[:1]), torch.ones(1), "last")
expect(spread(), torch.tensor([1]), "spread")
expect(odd(), torch.ones(1), "odd")
""",
    ),
    "torch's classes as values": (
        "kinds = [nn.Linear, torch.optim.SGD, int, type(None), torch.Size]\noptimizer = torch.optim.SGD\n"
        "def make(parameters): return torch.optim.SGD(parameters, lr=0.1)",
        """
assert kinds[:3] == [nn.Linear, torch.optim.SGD, int] and kinds[4] is torch.Size
assert optimizer.__name__ == "SGD" and make.__name__ == "make"
net = nn.Linear(1, 1)
assert type(optimizer(net.parameters(), lr=0.1)).__name__ == type(make(net.parameters())).__name__ == "SGD"
""",
    ),
    "named tuples and subclasses of exceptions": (
        "from collections import namedtuple\nPair = namedtuple('Pair', 'a b')\nclass Mine(ValueError): pass\n"
        "def pair(): return Pair(1, [2])\ndef fail(): raise Mine('no')",
        "expect(pair(), (1, [2]), 'pair')\nexpect_error(ValueError, fail, 'fail')",
    ),
    "types of answers": (
        "import numpy as np\ndef number(): return np.float64(2)\ndef array(): return np.arange(3)\n"
        "class Odd: pass\ndef odd(): return Odd()",
        """
assert type(number()).__name__ == "float64" and array().tolist() == [0, 1, 2]
assert type(odd()).__name__ == "Odd" and not callable(odd())
""",
    ),
    "an iterator that starts anew at each iter": (
        "class Once:\n    def __iter__(self):\n        self.left = [1, 2]\n        return self\n"
        "    def __next__(self):\n        if not self.left: raise StopIteration\n        return self.left.pop(0)",
        "one = iter(Once())\nexpect([next(one, None) for _ in range(3)], [1, 2, None])",
    ),
    "a marked list whose tensors require gradients now": (
        "def f(pairs):\n    for x, y in pairs: x.requires_grad_()",
        "pairs = [(torch.ones(2), torch.zeros(1)), (torch.ones(3), torch.zeros(1))]\nf(inplace(pairs))\n"
        "expect([(x.requires_grad, x.sum().item()) for x, _ in pairs], [(True, 2.0), (True, 3.0)])",
    ),
}


HIDDEN_USES = {
    "torch's class under another name": "Net = nn.PReLU",
    "past functions": """class Net(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))
    def forward(self, x):
        with torch._C.DisableTorchFunction():
            return torch.relu(x) * self.weight""",
    "compiled": """@torch.jit.script
def compiled(x):
    return torch.relu(x)
def Net(n):
    return compiled""",
    "in a thread that is waiting already": """from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(1)
pool.submit(int).result()
def Net(n):
    return lambda x: pool.submit(torch.relu, x).result()""",
    "in a raw thread": """import _thread, queue
asked, told = queue.Queue(), queue.Queue()
def work():
    while True:
        told.put(torch.relu(asked.get()))
_thread.start_new_thread(work, ())
def Net(n):
    def net(x):
        asked.put(x)
        return told.get()
    return net""",
}


@pytest.mark.parametrize("name", HIDDEN_USES)
def test_hidden_use_of_what_is_forbidden_is_found(name):
    code = "with forbidden('relu', 'prelu'):\n    Net(2)(torch.ones(3, 2))"
    _, report = run(SETUP, f"import torch\nfrom torch import nn\n{HIDDEN_USES[name]}", check(code))
    assert report.checks[0].status == "wrong"
    assert "✗ without relu, prelu" in report.checks[0].message or "✗ no threads" in report.checks[0].message


@pytest.mark.parametrize("name", CROSSINGS)
def test_crosses(name):
    learner, code = CROSSINGS[name]
    _, report = run(SETUP, learner, check(code))
    told = report.checks[0].message
    assert report.checks[0].status == "right", told
    assert report.problems == []


@pytest.mark.parametrize(
    ("learner", "code", "says"),
    [
        ("class Net(nn.Module):\n    pass", "net = Net()\nnet.part = nn.Linear(1, 1)", "around it"),
        ("net = nn.Linear(1, 1)", "net.register_full_backward_hook(print)", "a backward hook"),
        ("def f(x): return x", "f(torch.eye(3).to_sparse())", "cannot cross"),
        ("class Odd: pass\nodd = Odd()", "expect(odd, odd, 'odd')", "contains one of the learner's objects"),
        ("net = nn.Linear(1, 1)", "expect({'a': [net]}, {'a': [net]})", "contains one of the learner's objects"),
        ("def f(x): return x", "import threading\nf(threading.Lock())", "cannot be handed to the learner's code"),
    ],
)
def test_what_cannot_cross_is_said(learner, code, says):
    _, report = run(SETUP, learner, check(code))
    assert says in report.checks[0].message


LIES = """
class Fixed:
    def __init__(self): object.__setattr__(self, "weight", torch.ones(2))
    def __setattr__(self, name, value): pass
    def __getitem__(self, i): return 0
    def __setitem__(self, i, value): pass
class FixedNet(nn.Module):
    scale = property(lambda self: 1.0, lambda self, value: None)
class Empty:
    def __len__(self): return 3
    def __iter__(self): return iter(())
class EmptySequence:
    def __len__(self): return 3
    def __getitem__(self, i): raise IndexError(i)
class Shrinking(Empty):
    asked = 0
    def __len__(self):
        self.asked += 1
        return 3 if self.asked == 1 else 0
class Endless(Empty):
    def __iter__(self):
        while True: yield 1
class Moody:
    looks = 0
    @property
    def losses(self):
        self.looks += 1
        return [float(self.looks)]
"""


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("Fixed().weight = torch.zeros(2)", "`weight` of the Fixed was set, but has a different value"),
        ("Fixed()[0] = 1", "item 0 of the Fixed was set, but has a different value"),
        ("FixedNet().scale = 2.0", "`scale` of the FixedNet was set, but has a different value"),
        ("for a, b in zip(Empty(), [1, 2, 3]): expect(a, b)", "length 3, but a loop over it yields 0 elements"),
        ("for a, b in zip(EmptySequence(), [1, 2, 3]): expect(a, b)", "length 3, but a loop over it yields 0"),
        ("x = Shrinking()\nassert len(x) == 3\nfor a in x: expect(a, 1)", "length 3, but a loop over it yields 0"),
        ("x = Moody()\nassert x.losses == [1.0]\nexpect(x.losses, [2.0], 'losses')", "✗ losses"),
    ],
)
def test_object_that_answers_as_it_likes_is_noticed(code, says):
    _, report = run(SETUP, LIES, check(code))
    assert report.checks[0].status == "wrong"
    assert says in report.checks[0].message


def test_loop_over_a_learners_object_is_not_endless_where_it_has_a_length():
    _, report = run(SETUP, LIES, check("for a in Endless(): pass"))
    assert "length 3, but a loop over it yields more elements" in report.checks[0].message


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("answer = list(range(300_000))", "it has more than 200,000 elements"),
        ("answer = [[0.0, 1.0]] * 150_000", "it has more than 200,000 elements"),
        ("answer = 10**50_000", "it has an integer of more than 24,000 digits"),
        ("answer = torch.zeros(60_000_000)", "it takes 240 MB, more than 200 MB"),
        ("answer = nn.Linear(60_000, 1000)", "it takes 240 MB, more than 200 MB"),
        ("answer = 'x' * 201_000_000", "it takes 201 MB, more than 200 MB"),
    ],
)
def test_answer_that_is_too_large_costs_its_own_exercise(code, says):
    """With a sentence, and the process lives on: what the cell before has set is there."""
    _, report = run(SETUP, "import os\nfirst = os.times()", code, check("answer"), check("first", "other"))
    assert [one.status for one in report.checks] == ["wrong", "right"]
    assert says in report.checks[0].message
    assert report.problems == []


def test_large_integer_is_shown():
    notebook, report = run("import math\nfrom IPython.display import JSON\nJSON({'n': math.factorial(25)})")
    assert notebook.cells[0].outputs[0].data["application/json"] == {"n": 15511210043330985984000000}
    assert report.problems == []


# What is said


@pytest.mark.parametrize(
    ("learner", "code", "status", "message"),
    [
        ("def f(x): return x + 1", "expect(f(1), 3, 'f(1)')", "wrong", "✗ f(1)"),
        ("def f(x): raise NotImplementedError", "expect(f(1), 3, 'f(1)')", "unsolved", "Not solved yet."),
        ("pass", "f(1)", "wrong", "Your code stopped with NameError: name 'f' is not defined"),
        ("def f(x):\n    y = 1\n    return y / x", "f(0)", "wrong", "in your line 3:  return y / x"),
        ("class Odd(Exception): pass\ndef f(x): raise Odd('hm')", "f(0)", "wrong", "Your code stopped with Odd: hm"),
        ("def f(): return 1", "f(3)", "wrong", "Your code stopped with TypeError"),
        ("import warnings\ndef f(x):\n    warnings.warn('careful')\n    return x", "expect(f(1), 1, 'f')", "right", ""),
        ("import sys\ndef f(x):\n    print('oh', file=sys.stderr)\n    return x", "expect(f(1), 1, 'f')", "right", ""),
    ],
)
def test_check_says_what_it_found(learner, code, status, message):
    _, report = run(SETUP, learner, check(code))
    assert report.checks[0].status == status
    assert message in report.checks[0].message
    assert (report.checks[0].score, report.checks[0].points) == (2 if status == "right" else 0, 2)


def answer(code: str, name: str):
    """The cell of an exercise."""
    about = {"grade_id": f"exercise-{name}", "grade": False, "solution": True, "locked": False}
    return new_code_cell(code, metadata={"nbgrader": about})


def test_crash_names_the_call_and_whose_line_it_was():
    """The shapes of the arguments, in hidden tests too; a line of another exercise is told as one."""
    first = answer("def pad(x):\n    y = x\n    raise ValueError(len(y))", "zero_pad")
    second = answer("def conv(x, bias=None):\n    return pad(x)", "conv2d")
    code = "x = torch.ones(2, 5, dtype=torch.float64)\nexpect(conv(inplace(x), bias=None), x, 'conv(x)')"
    _, report = run(SETUP, first, check("pad(torch.ones(3))", "check-zero_pad"), second, check(code, "check-conv2d"))
    assert [one.message for one in report.checks] == [
        "Your code stopped with ValueError: 3\n"
        "  in the call pad(torch.ones(3))\n"
        "  in your line 3:  raise ValueError(len(y))",
        "Your code stopped with ValueError: 2\n"
        "  in the call conv(x, bias=None) with x of shape (2, 5) and dtype float64\n"
        "  in your line 3 of your answer to exercise 'zero_pad':  raise ValueError(len(y))",
    ]


def test_exercise_that_calls_an_unsolved_one_says_so():
    first = answer("def pad(x):\n    raise NotImplementedError", "zero_pad")
    second = answer("def conv(x):\n    return pad(x)", "conv2d")
    _, report = run(SETUP, first, check("pad(1)", "check-zero_pad"), second, check("conv(1)", "check-conv2d"))
    assert [(one.status, one.message) for one in report.checks] == [
        ("unsolved", "Not solved yet."),
        ("unsolved", "It calls exercise 'zero_pad', which is not solved yet."),
    ]


def test_truth_equality_and_hash_are_not_the_learners():
    lies = "class Yes:\n" + "".join(
        f"    def {name}(self, *a): print('asked'); return {value}\n"
        for name, value in {"__eq__": True, "__ne__": False, "__bool__": True, "__len__": 0, "__hash__": 1}.items()
    )
    code = (
        "answer = f()\nassert answer and not answer == 3 and answer != 3 and answer in {answer}\nexpect(answer, 3, 'f')"
    )
    notebook, report = run(SETUP, f"{lies}def f(): return Yes()", check(code))
    assert report.checks[0].message.startswith("✗ f"), report.checks[0].message
    assert printed(notebook)[2] == ""


def test_random_numbers_of_a_check_are_the_same_whatever_ran_before():
    draws = []
    for before in ("x = 1", "import torch\nfor _ in range(7): torch.rand(3)"):
        notebook, _ = run(
            SETUP, before, "def draw(): return torch.rand(1).item()", check("print(draw(), torch.rand(1).item())")
        )
        draws.append(printed(notebook)[3])
    assert draws[0] == draws[1]


# GPU


@pytest.mark.skipif(sys.platform != "linux", reason="there are no walls")
def test_gpus_devices_are_put_into_the_walls(monkeypatch):
    """With another device in their place, so that this runs without a GPU."""
    usual = {"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "stdin", "stdout", "stderr"}
    others = [path for path in Path("/dev").iterdir() if path.is_char_device() and path.name not in usual]
    if not others:
        pytest.skip("this machine has the usual devices only")
    monkeypatch.setattr(walls, "GPU_DEVICES", others[0].name)
    script = f"ls {others[0]} /sys/class && ! touch /dev/new"
    for gpu in (True, False):
        command = walls.command(["sh", "-c", script], {"PATH": "/usr/bin:/bin"}, gpu)
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode == 0) is gpu, done.stderr
        assert "Read-only" in done.stderr or not gpu


ASKS_FOR_CUDA = """
import torch

asked = []
for place, name in [(torch._C, "_cuda_init"), (torch._C, "_cuda_getDeviceCount"), (torch.cuda, "is_available")]:
    if hasattr(place, name):
        setattr(place, name, lambda *values, name=name: asked.append(name) or 0)
from autograder.execute.warm import server
server._warm_up()
print("asked", asked)
"""


def test_warm_process_does_not_ask_for_cuda():
    """A driver that has been started does not survive a fork, and all learners' processes are forks."""
    done = subprocess.run([sys.executable, "-c", ASKS_FOR_CUDA], capture_output=True, text=True)
    assert "asked []" in done.stdout, done.stdout + done.stderr[-2000:]


@pytest.mark.skipif(not Path("/dev/nvidiactl").exists(), reason="this machine has no NVIDIA GPU")
@pytest.mark.parametrize("isolation", [True, False])
def test_gpu_is_there_for_those_who_may_use_it_only(isolation):
    cells = "import torch", "print(torch.cuda.is_available())", "print(torch.ones(3, device='cuda').sum().item())"
    notebook, report = run(*cells, isolation=isolation, gpu=True)
    assert printed(notebook) == ["", "True\n", "3.0\n"], report.problems
    notebook, _ = run(*cells, isolation=isolation)
    assert printed(notebook)[:2] == ["", "False\n"]
    assert errors(notebook)[2] != []


def test_set_up_and_tools_are_parsed_before_the_fork():
    """One with a magic still fails in its own run, and harms no other."""

    def tools(code: str):
        about = {"grade_id": "tools", "grade": False, "solution": False, "locked": True}
        return new_code_cell(code, metadata={"nbgrader": about})

    sound = "def helper():\n    return 41"
    with pytest.raises(CourseError, match="SyntaxError"):
        run(tools("%who"))
    for _ in range(2):
        notebook, report = run(tools(sound), f"print(helper() + 1, {sound!r} in get_ipython().compile.early)")
        assert printed(notebook) == ["", "42 True\n"], report.problems
    secret = "assert helper() == 42"
    notebook, _ = run(tools(sound), check(secret), f"print({secret!r} in get_ipython().compile.early)")
    assert printed(notebook)[2] == "False\n"
