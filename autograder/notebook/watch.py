"""What a check may ask about a call of the learner's code besides its result: changes in place, and what torch did.

Imports nothing from this package, because the build copies it into each notebook. When grading, the learner's code runs
in a process of its own, and the engine replaces ``inplace`` and ``Watch`` with its own versions, which mean the same.
"""

import threading
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from autograder.notebook.expect import Unexpected

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
            operators that were called directly, such as ``torch.ops.aten.relu``. A thread that was started appears as
            ``THREAD``: what is called in another thread cannot be seen.
    """

    def __init__(self, operations=True):
        self.operations, self.functions = [], []
        # Watching operations makes torch load its compiler first, which takes a second.
        self._modes = [_Functions(self.functions), *([_Operations(self.operations)] if operations else [])]
        self._modes.append(_Threads(self.functions))

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
    def __init__(self, names):
        super().__init__()
        self.names = names

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.names.append(getattr(function, "__name__", str(function)).partition(".")[0])  # relu.default is relu
        return function(*args, **(kwargs or {}))


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
    def __init__(self, operations):
        super().__init__()
        self.operations = operations

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        results = result if isinstance(result, (tuple, list)) else [result]
        largest = max((one.numel() for one in results if isinstance(one, torch.Tensor)), default=0)
        arguments = tuple(_plain(value) for value in args)
        self.operations.append(Operation(function.overloadpacket.__name__, arguments, largest))
        return result


def _plain(value):
    """A tensor's shape in place of the tensor; anything else unchanged or as text."""
    if isinstance(value, torch.Tensor):
        return tuple(value.shape)
    if isinstance(value, (tuple, list)):
        return tuple(_plain(one) for one in value)
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


@contextmanager
def forbidden(*names):
    """Reject an answer that calls a torch function with one of these names: ``with forbidden("relu", "threshold"): …``.

    A name covers ``F.relu``, ``torch.relu``, the method ``x.relu()`` and modules such as ``nn.ReLU`` that call it.

    Raises:
        Unexpected: naming the function that was called.
    """
    with Watch(operations=False) as seen:
        yield
    if THREAD in seen.functions:
        raise Unexpected("✗ no threads\n  → Your code starts a thread, and the check cannot see what a thread calls.")
    used = [name for name in seen.functions if name.strip("_") in names or name in names]
    if used:
        without = ", ".join(names)
        raise Unexpected(
            f"✗ without {without}\n  → Your code calls `{used[0]}`, which this exercise asks you to do without."
        )
