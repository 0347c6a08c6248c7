"""Attributes of modules that say all about themselves, such as ``in_features``: both sides have them.

So reading one needs no request.
"""

from typing import Any

from torch import nn

#: How many such attributes of a module cross, how many elements a tuple may have, and how many characters a text.
MOST, FEW, SHORT = 50, 8, 200


def simple_attributes(module: nn.Module) -> dict[str, Any]:
    """The simple attributes of a module itself; none if its class has a say in what an attribute is."""
    kind = type(module)
    if kind.__getattribute__ is not object.__getattribute__:
        return {}
    own = [(n, one) for n, one in vars(module).items() if is_name(n) and is_simple(one) and not hasattr(kind, n)]
    return dict(own[:MOST])


def is_name(name: str) -> bool:
    """Whether a simple attribute may have this name."""
    return type(name) is str and name[:1] != "_" and name != "training"


def is_simple(value: Any) -> bool:
    """Whether a value is a number, a truth value, a short text or None, or a tuple of a few of these."""
    if type(value) is tuple:
        return len(value) <= FEW and all(type(one) is not tuple and is_simple(one) for one in value)
    if type(value) is int:
        return abs(value) < 2**63
    return value is None or type(value) in (bool, float) or (type(value) is str and len(value) <= SHORT)
