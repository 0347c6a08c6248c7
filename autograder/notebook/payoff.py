"""What a notebook does at its end with the learner's own functions. Imports nothing from this package."""

import copy

import torch


def yours_or_ours(yours, ours, *example, call=None, random=False):
    """Your function if it runs and returns what it should, else the course's own version, with a line that says so.

    Args:
        yours: the learner's function or class.
        ours: what to use if not.
        example: arguments to try both on; they get copies.
        call: for a class, the arguments to call the object with.
        random: whether right results may differ from each other.
    """
    name = getattr(yours, "__name__", "answer")
    with torch.random.fork_rng(devices=[]):
        wanted, after = _try(ours, example, call)
        try:
            found, mine = _try(yours, example, call)
        except NotImplementedError:
            problem = f"`{name}` is not solved yet"
        except Exception as error:
            problem = f"Your `{name}` stopped with {type(error).__name__}"
        else:
            problem = ""
            if _kind(found) != _kind(wanted):
                problem = f"Your `{name}` returns {_kind(found)} instead of {_kind(wanted)}"
            elif not _alike(mine, after):
                problem = f"Your `{name}` changes its arguments"
            elif not random and not _alike(found, wanted):
                print(f"Your `{name}` and the course's own version return different values: run its check.")
    if problem:
        print(f"{problem}: the course's own version is used instead.")
    return ours if problem else yours


def _try(function, example, call):
    """What calling a function, or the object that a class creates, returns; and its arguments afterwards."""
    example, call = copy.deepcopy(example), copy.deepcopy(call)
    result = function(*example)
    return (result, example) if call is None else (result(*call), (example, call))


def _kind(value):
    """A value's type in words; a tensor's with shape and dtype."""
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)} and dtype {value.dtype}"
    if isinstance(value, torch.nn.Module):
        return "a module"
    if isinstance(value, (list, tuple)) and any(isinstance(one, torch.Tensor) for one in value):
        return f"a {type(value).__name__} ({', '.join(map(_kind, value))})"
    return "None" if value is None else f"a {type(value).__name__}"


def _alike(one, other):
    """Whether two values of one kind are the same, up to rounding; the values of modules are not compared."""
    if isinstance(one, torch.Tensor):
        return torch.allclose(one.detach().double(), other.detach().double(), 1e-3, 1e-5, equal_nan=True)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float):
        return abs(one - other) <= 1e-5 + 1e-3 * abs(other) or one != one
    return isinstance(one, torch.nn.Module) or callable(one) or one == other
