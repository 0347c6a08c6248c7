"""The learner's objects as the examiner sees them: handles that ask the learner's process, and twins of modules.

Comparing, hashing and ``bool`` are never forwarded to that process: learners could write their own marks.
"""

import builtins
import re
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from autograder.execute.crossing.slots import same_values

#: Type names that a stand-in must not have: a check may ask ``type(answer).__name__``.
TAKEN = set(dir(builtins)) | {"Tensor", "Parameter", "ndarray", "Size", "dtype", "device"}


class Line(Protocol):
    """Where stand-ins ask: the examiner's end of the line."""

    def ask(self, what: str, *about: Any) -> Any:
        """The learner's process's answer."""

    def look(self, what: str, target: Any, *about: Any) -> Any:
        """As ``ask``, for what must not change by being looked at: a second look finds the same answer."""

    def hook(self, module: Any, kind: str, hook: Any) -> Any:
        """Register a hook of the check's with a learner's module."""


class Standin:
    """A handle for one of the learner's objects, identified by its number."""

    def __init__(self, link: Line, number: int, text: str) -> None:
        vars(self).update(_link=link, _number=number, _text=text)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__name__":
            raise AttributeError(name)
        return self._link.look("attribute", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _set(self._link, self, name, value)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._link.ask("set_item", self, key, value)
        if hasattr(type(self), "__getitem__") and not _agree(self[key], value):
            raise CannotCross(f"item {key!r} of the {type(self).__name__} was set, but has a different value.")

    def __bool__(self) -> bool:
        return True  # else Python would ask for the length, in the learner's process

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, (Standin, Twin)) and self._link.ask("is_instance", value, self) is True

    def __deepcopy__(self, memo: dict) -> Any:
        return self._link.ask("copy", self)

    def __repr__(self) -> str:
        return self._text or f"<{type(self).__name__}>"

    def __str__(self) -> str:
        text = self._link.ask("text", self)
        return text if isinstance(text, str) else ""


def _set(link: Line, target: Any, name: str, value: Any) -> None:
    link.ask("set", target, name, value)
    if not _agree(link.ask("attribute", target, name), value):
        raise CannotCross(f"`{name}` of the {type(target).__name__} was set, but has a different value.")


#: Other types whose values cross unchanged and can be compared.
_DATA = (bool, int, float, complex, str, bytes, set, frozenset, range, type(None), torch.dtype, torch.device)


def _agree(found: Any, value: Any) -> bool:
    """Whether a learner's object gives back what a check has put there."""
    if found is value:
        return True
    if isinstance(value, torch.Tensor):
        return isinstance(found, torch.Tensor) and same_values(found, value)
    if isinstance(value, (list, tuple)):
        return type(found) is type(value) and len(found) == len(value) and all(map(_agree, found, value))
    if isinstance(value, dict):
        return type(found) is dict and found.keys() == value.keys() and all(_agree(found[k], value[k]) for k in value)
    if isinstance(value, np.ndarray):
        return isinstance(found, np.ndarray) and np.array_equal(found, value)
    if isinstance(value, _DATA):
        return type(found) is type(value) and (found == value or value != value)
    return isinstance(found, Standin)  # one of Python's own functions comes back as the learner's


def _call(self, *arguments, **options):
    return self._link.ask("call", self, arguments, options)


def _iterate(self):
    return self._link.ask("iterate", self)


def _iterate_sized(self):
    """Iterate, and insist on the length: a loop over what claims three elements but yields none would check nothing."""
    length, given = len(self), 0
    for one in self._link.ask("iterate", self):
        given += 1
        if given > length:
            break
        yield one
    if given != length:
        name, given = type(self).__name__, given if given <= length else "more"
        raise CannotCross(f"the {name} has length {length}, but a loop over it yields {given} elements.")


def _next(self):
    found = self._link.ask("next", self)
    if isinstance(found, list) and found:
        return found[0]
    raise StopIteration


def _length(self) -> int:
    return self._link.look("length", self)


def _item(self, key):
    return self._link.ask("item", self, key)


_ABILITIES = {"__call__": _call, "__iter__": _iterate, "__next__": _next, "__len__": _length, "__getitem__": _item}


class Twin(nn.Module):
    """A learner's module: its tensors and submodules are here, kept in sync; calls run in the learner's process."""

    _link: Line
    _is_replica = False  # which torch looks for in each module, whenever it sets gradients to zero

    def forward(self, *arguments, **options):
        return self._link.ask("call", self, arguments, options)

    def __call__(self, *arguments, **options):
        return self.forward(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        fields = vars(self)
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind in fields and name in fields[kind]:
                return fields[kind][name]
        if name in fields.get("_simple", {}):
            return fields["_simple"][name]
        if name.startswith("__") or name in _OWN:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return fields["_link"].look("attribute", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        fields = vars(self)
        if name == "training":
            fields[name] = value
        elif isinstance(value, (nn.Module, nn.Parameter)) or name in fields.get("_modules", {}):
            raise CannotCross(
                f"a check cannot put a submodule `{name}` into a learner's module: build a new module around it."
            )
        elif name in fields.get("_parameters", {}) or name in fields.get("_buffers", {}):
            super().__setattr__(name, value)
        else:
            _set(fields["_link"], self, name, value)

    def __deepcopy__(self, memo: dict) -> Any:
        return self._link.ask("copy", self)

    def __bool__(self) -> bool:
        return True  # else Python would ask for the length, in the learner's process

    def __repr__(self) -> str:
        return self._text or f"<{type(self).__name__}>"

    def register_forward_hook(self, hook, **options):
        return self._link.hook(self, "forward", hook)

    def register_forward_pre_hook(self, hook, **options):
        return self._link.hook(self, "forward_pre", hook)

    def register_full_backward_hook(self, hook, **options):
        raise CannotCross("a backward hook on a learner's module cannot cross: put a hook on a tensor or a parameter.")

    register_full_backward_pre_hook = register_backward_hook = register_full_backward_hook


#: Fields that ``nn.Module.__init__`` creates; a module without them must raise AttributeError as any module does.
_OWN = frozenset(vars(nn.Module()))


def holds_standin(value: Any) -> bool:
    """Whether a value is, or contains, one of the learner's objects."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(holds_standin, value))
    if isinstance(value, dict):
        return any(map(holds_standin, value)) or any(map(holds_standin, value.values()))
    return isinstance(value, (Standin, Twin))


class CannotCross(TypeError):
    """A check does something that cannot cross between examiner and learner; the build reports it to the author."""


def make_standin(link: Line, number: int, name: str, stock: str, has: list, module: bool, kind: bool, text: str) -> Any:
    """The stand-in for one of the learner's objects.

    Args:
        link: where to ask.
        number: the object's number.
        name: its type's name.
        stock: the torch class closest to its type, with its module.
        has: which of the special methods it has.
        module: whether it is an ``nn.Module``.
        kind: whether it is a class.
        text: its ``repr``.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,80}", name):
        name = "object"
    abilities = {ability: function for ability, function in _ABILITIES.items() if ability in has}
    if "__len__" in abilities and abilities.keys() & {"__iter__", "__getitem__"} and "__next__" not in abilities:
        abilities["__iter__"] = _iterate_sized
    if not module:
        name = f"learners_{name}" if name in TAKEN else name
        return type(name, (Standin,), abilities)(link, number, text)
    abilities.pop("__call__", None)
    resembled = module_class(stock)
    if resembled is not nn.Module:
        abilities["__class__"] = property(lambda self: resembled)
    twin = object.__new__(type(name if name not in TAKEN else f"learners_{name}", (Twin,), abilities))
    vars(twin).update(_link=link, _number=number, _text=text)
    return twin


def module_class(stock: str) -> type:
    """The class of that name in ``torch.nn``, else ``nn.Module``. Only pure Python classes can be named."""
    place, _, name = stock.rpartition(".")
    found = getattr(nn, name, None) if place.startswith("torch.nn.modules.") else None
    return found if isinstance(found, type) and issubclass(found, nn.Module) else nn.Module


def fill_twin(
    twin: Twin,
    sound: bool,
    training: bool,
    parameters: list,
    missing: list,
    buffers: list,
    children: dict,
    simple: dict,
) -> None:
    """Give a twin the structure and the simple attributes of the learner's module; tensors that it has stay."""
    fields = vars(twin)
    if not sound:  # its __init__ never called nn.Module's
        return
    if "_parameters" not in fields:
        nn.Module.__init__(twin)
    old = fields["_parameters"] | fields["_buffers"]
    fields["training"], fields["_simple"] = training, simple
    for slots in ("_parameters", "_buffers", "_modules"):
        fields[slots].clear()
    fields["_parameters"].update({name: old.get(name) for name in parameters})
    fields["_buffers"].update({name: old.get(name) for name, _ in buffers})
    fields["_parameters"].update(dict.fromkeys(missing))
    fields["_non_persistent_buffers_set"] = {name for name, persistent in buffers if not persistent}
    fields["_modules"].update(children)
