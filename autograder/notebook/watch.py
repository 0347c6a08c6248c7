"""What a check may ask about a call of the learner's code besides its result: changes in place, and what torch did.

Imports nothing from this package, because the build copies it into each notebook. When grading, the learner's code runs
in a process of its own, and the engine replaces ``inplace`` and ``Watch`` with its own versions, which mean the same.
"""

import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from autograder.notebook.expect import Unexpected

#: The node of autograd's graph that is being computed; kept here, because an answer might replace it.
_current_node = torch._C._current_autograd_node

#: The entry among the names of functions for a thread that was started.
THREAD = "Thread.start"


def inplace(value):
    """Mark an argument whose changes the check wants to see: ``relu(inplace(x))``, then ``expect(x, before)``.

    Without the mark, what the learner's code does to an argument is not seen by the check in grading.
    """
    return value


@dataclass
class Operation:
    """One operation that torch computed.

    Attributes:
        name: torch's name for it: ``"mm"``, ``"convolution"``.
        arguments: the positional arguments; for a tensor, its shape as a tuple.
        largest: the number of elements of the largest tensor in the result.
    """

    name: str
    arguments: tuple
    largest: int


class Watch:
    """Inside ``with Watch() as seen:``, records what the learner's code has torch do.

    Attributes:
        operations: what torch computed, in order, including the operations inside its functions.
        functions: the names of the torch functions and methods that were called, in order, such as ``"relu"``; also of
            operators that were called directly, such as ``torch.ops.aten.relu``. An operation that no function has
            called, as in a script that torch has compiled, appears under its own name; if autograd's engine has called
            it, as ``"backward"``. A thread that was started appears as ``THREAD``: what is called in another thread
            cannot be seen. Reading a ``grad_fn`` that is not None appears under that name.
    """

    def __init__(self, operations=True):
        self.operations, self.functions = [], []
        functions = _Functions(self.functions)
        self._modes = [functions, _Threads(self.functions)]
        # To look below functions, torch must have its compiler, which takes a second to load.
        if operations or "torch._dynamo" in sys.modules:
            self._modes.append(_Operations(functions, self.operations if operations else None))

    def __enter__(self):
        for mode in self._modes:
            mode.__enter__()
        return self

    def __exit__(self, *error):
        for mode in reversed(self._modes):
            mode.__exit__(*error)

    @property
    def names(self):
        """The names of the operations."""
        return [operation.name for operation in self.operations]

    @property
    def largest(self):
        """The number of elements of the largest tensor that was created."""
        return max((operation.largest for operation in self.operations), default=0)


class _Functions(TorchFunctionMode):
    """Records functions; ``depth`` says how many are being computed."""

    def __init__(self, names):
        super().__init__()
        self.names, self.depth = names, 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        place = len(self.names)
        self.names.append(getattr(function, "__name__", str(function)).partition(".")[0])  # relu.default is relu
        self.depth += 1
        try:
            result = function(*args, **(kwargs or {}))
        finally:
            self.depth -= 1
        if result is not None and _is_grad_fn(function):
            self.names[place] = "grad_fn"
        return result


class _Threads:
    """Records each thread that is started."""

    def __init__(self, names):
        self.names = names

    def __enter__(self):
        self.start = threading.Thread.start

        def start(thread):
            self.names.append(THREAD)
            self.start(thread)

        threading.Thread.start = start

    def __exit__(self, *error):
        threading.Thread.start = self.start


class _Operations(TorchDispatchMode):
    """Records operations, if there is a list for them; and with the functions those that no function has called."""

    def __init__(self, functions, operations):
        super().__init__()
        self.functions, self.operations = functions, operations

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if self.functions.depth == 0:
            by_autograd = _current_node() is not None
            self.functions.names.append("backward" if by_autograd else function.overloadpacket.__name__)
        if self.operations is None:
            return result
        results = result if isinstance(result, (tuple, list)) else [result]
        largest = max((one.numel() for one in results if isinstance(one, torch.Tensor)), default=0)
        arguments = tuple(_plain(value) for value in args)
        self.operations.append(Operation(function.overloadpacket.__name__, arguments, largest))
        return result


def _is_grad_fn(function):
    """Whether a function reads the attribute that leads into autograd's graph; for others, ``__get__`` will do."""
    return getattr(getattr(function, "__self__", None), "__name__", "") == "grad_fn"


def _plain(value):
    """A tensor's shape in place of the tensor; anything else unchanged or as text."""
    if isinstance(value, torch.Tensor):
        return tuple(value.shape)
    if isinstance(value, (tuple, list)):
        return tuple(_plain(one) for one in value)
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


#: Functions that have to do with gradients, but compute none.
HARMLESS = {"_set_grad_enabled", "set_grad_enabled", "is_grad_enabled", "requires_grad_", "zero_grad"}


def _covered(function, names):
    """Whether one of the forbidden names is a function's, or a word in it."""
    if function in HARMLESS:
        return function in names
    words = f"_{function}_"
    return any(f"_{name}_" in words for name in names) or ("grad" in names and function == "_make_dual")


@contextmanager
def forbidden(*names):
    """Reject an answer that calls a torch function with one of these names: ``with forbidden("relu", "threshold"): …``.

    A name covers ``F.relu``, ``torch.relu``, the method ``x.relu()``, modules such as ``nn.ReLU`` that call it, and
    functions in whose names it is a word, such as ``rnn_relu_cell``. ``"grad"`` covers whatever differentiates.

    Raises:
        Unexpected: naming the function that was called.
    """
    with Watch(operations=False) as seen:
        yield
    if THREAD in seen.functions:
        raise Unexpected("✗ no threads\n  → Your code starts a thread, and the check cannot see what a thread calls.")
    used = [name for name in seen.functions if _covered(name, names)]
    if used:
        without = ", ".join(names)
        raise Unexpected(
            f"✗ without {without}\n  → Your code calls `{used[0]}`, which this exercise asks you to do without."
        )
