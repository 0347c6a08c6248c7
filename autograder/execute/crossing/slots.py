"""Parameters and buffers of modules that both sides know, and whether they have changed since the last sync.

Values are compared, not versions: writing through ``.data`` changes the values but not the version.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class State:
    """A snapshot of a tensor: its values, its gradient, and whether it requires one."""

    values: torch.Tensor
    grad: torch.Tensor | None
    needs_grad: bool


def slots(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Name and tensor of each parameter and buffer of a module itself, not of its submodules."""
    for kind in ("_parameters", "_buffers"):
        for name, tensor in (vars(module).get(kind) or {}).items():
            if type(tensor) in (nn.Parameter, torch.Tensor) or (
                isinstance(tensor, torch.Tensor) and not isinstance(tensor, nn.parameter.UninitializedTensorMixin)
            ):
                yield name, tensor


def state_of(tensor: torch.Tensor) -> State:
    """A snapshot of a tensor as it is now."""
    grad = grad_of(tensor)
    return State(tensor.detach().clone(), None if grad is None else grad.detach().clone(), tensor.requires_grad)


def grad_of(tensor: torch.Tensor) -> torch.Tensor | None:
    """The gradient of a leaf tensor, else None."""
    return tensor.grad if tensor.is_leaf else None


def same_values(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    """Whether two tensors have the same shape, dtype, device and values; NaN equals NaN here."""
    if one is None or other is None:
        return one is other
    if one.shape != other.shape or one.dtype != other.dtype or one.device != other.device:
        return False
    if torch.equal(one, other):
        return True
    one, other = one.detach(), other.detach()
    return bool(((one == other) | ((one != one) & (other != other))).all())


def same_state(tensor: torch.Tensor, before: State) -> bool:
    """Whether a tensor still matches a snapshot."""
    return (
        same_values(tensor, before.values)
        and same_values(grad_of(tensor), before.grad)
        and tensor.requires_grad == before.needs_grad
    )
