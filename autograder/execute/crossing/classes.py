"""Classes that cross by their names: torch's own and Python's."""

import builtins

import torch
from torch import nn


def stock_class(path: str) -> type:
    """A class of torch's or Python's own, by its full name.

    Raises:
        ValueError: no such class crosses by its name.
    """
    place, _, name = path.rpartition(".")
    if place == "builtins":
        found = getattr(builtins, name, None)
    elif place == "torch":
        found = getattr(torch, name, None)
    elif place.startswith("torch.nn.modules.") or place == "torch.nn.parameter":
        found = getattr(nn, name, None)
    elif place.startswith("torch.optim."):
        found = getattr(torch.optim, name, None)
    else:
        found = None
    if not isinstance(found, type):
        raise ValueError(path)
    return found


def crosses_by_name(kind: type) -> bool:
    """Whether ``stock_class`` finds this class by its full name."""
    try:
        return stock_class(full_name(kind)) is kind
    except ValueError:
        return False


def full_name(kind: type) -> str:
    """A class's name with its module."""
    return f"{kind.__module__}.{kind.__qualname__}"
