"""The one helper of every check cell: compare a learner's value with the expected one and say what differs.

Imports nothing of this package, because the build copies it into each notebook.
"""

import torch


class Unexpected(AssertionError):
    """A check that failed. Shown as its message alone: the traceback would only point into the check cell."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


def expect(actual, expected, what="your answer", *, mistakes=None, rtol=None, atol=None) -> None:
    """Compare ``actual`` with ``expected``; print one line if they agree, raise ``Unexpected`` if not.

    Tensors must agree in shape, dtype and values (``torch.testing.assert_close`` decides which values are close);
    lists, tuples and dicts are compared element by element; Python numbers within the tolerances of ``float64``;
    everything else with ``==``.

    Args:
        actual: what the learner's code gave.
        expected: what it should have given.
        what: what was asked, as the learner would say it: ``"relu(x) for x of shape (2, 5)"``.
        mistakes: ``{"You forgot to …": value, …}``: values that known mistakes lead to. When ``actual`` equals one,
            the message names that mistake.
        rtol, atol: tolerances for values that are computed by another road; torch's defaults for the dtype if None.

    Raises:
        Unexpected: with what was asked, both values, the first place where they differ and the mistake if known.
    """
    reason = _difference(actual, expected, rtol, atol)
    if reason is None:
        print(f"✓ {what}")
        return
    lines = [f"✗ {what}", *(f"  {line}" for line in reason)]
    for mistake, value in (mistakes or {}).items():
        if _difference(actual, value, rtol, atol) is None:
            lines.append(f"  → {mistake}")
            break
    raise Unexpected("\n".join(lines))


def _difference(actual, expected, rtol, atol):
    """What differs, as lines for the learner, or None if the two agree."""
    if isinstance(expected, torch.Tensor):
        return _tensor_difference(actual, expected, rtol, atol)
    if isinstance(expected, (list, tuple)):
        return _sequence_difference(actual, expected, rtol, atol)
    if isinstance(expected, dict):
        return _dict_difference(actual, expected, rtol, atol)
    if isinstance(expected, bool) or not isinstance(expected, (int, float)):
        same = type(actual) is type(expected) and actual == expected
    elif isinstance(actual, bool) or not isinstance(actual, (int, float)):
        same = False
    else:
        return _number_difference(actual, expected, rtol, atol)
    return None if same else _both(actual, expected)


def _tensor_difference(actual, expected, rtol, atol):
    if not isinstance(actual, torch.Tensor):
        return [f"A tensor was expected, yours is {_describe(actual)}.", *_shapes(actual, expected)]
    if actual.shape != expected.shape:
        return [
            "The shapes differ:",
            f"    yours     {_shape(actual)}",
            f"    expected  {_shape(expected)}",
        ]
    if actual.dtype != expected.dtype:
        return ["The dtypes differ:", f"    yours     {actual.dtype}", f"    expected  {expected.dtype}"]
    if actual.device != expected.device:
        return ["The devices differ:", f"    yours     {actual.device}", f"    expected  {expected.device}"]
    if _close(actual, expected, rtol, atol):
        return None
    mine, wanted = actual.detach(), expected.detach()
    same = torch.isclose(mine, wanted, rtol=1e-5, atol=1e-8, equal_nan=True)
    if bool(same.all()):  # closer than torch.isclose's defaults, yet not as close as this check asks
        same = mine == wanted
    if mine.dim() == 0:
        return _both(mine.item(), wanted.item())
    where = tuple((~same).nonzero()[0].tolist())
    index = ", ".join(map(str, where))
    return [
        f"The shape {_shape(expected)} is right; {int((~same).sum())} of {same.numel()} values differ,"
        f" the first at [{index}]:",
        f"    yours     {_value(mine[where].item())}",
        f"    expected  {_value(wanted[where].item())}",
    ]


def _sequence_difference(actual, expected, rtol, atol):
    if not isinstance(actual, (list, tuple)):
        return _both(actual, expected)
    if len(actual) != len(expected):
        return [f"{len(expected)} elements were expected, yours has {len(actual)}.", *_both(actual, expected)]
    for i, (a, e) in enumerate(zip(actual, expected)):
        reason = _difference(a, e, rtol, atol)
        if reason is not None:
            return [f"Element {i} differs:", *reason]
    return None


def _dict_difference(actual, expected, rtol, atol):
    if not isinstance(actual, dict):
        return _both(actual, expected)
    if actual.keys() != expected.keys():
        return ["The keys differ:", f"    yours     {list(actual)}", f"    expected  {list(expected)}"]
    for key in expected:
        reason = _difference(actual[key], expected[key], rtol, atol)
        if reason is not None:
            return [f"The value of {key!r} differs:", *reason]
    return None


def _number_difference(actual, expected, rtol, atol):
    if isinstance(expected, int) and isinstance(actual, int):
        return None if actual == expected else _both(actual, expected)
    close = _close(torch.tensor(float(actual)), torch.tensor(float(expected)), rtol, atol)
    return None if close else _both(actual, expected)


def _close(actual, expected, rtol, atol) -> bool:
    if rtol is not None or atol is not None:
        rtol, atol = rtol or 0.0, atol or 0.0
    try:
        torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=True)
    except AssertionError:
        return False
    return True


def _describe(value) -> str:
    if value is None:
        return "None (is a `return` missing?)"
    if callable(value):
        return f"a {type(value).__name__} (is a call, `(…)`, missing?)"
    return f"a Python {type(value).__name__}: {_value(value)}"


def _shapes(actual, expected) -> list[str]:
    return [f"    expected  a tensor of shape {_shape(expected)}"]


def _both(actual, expected) -> list[str]:
    yours = _describe(actual) if actual is None or callable(actual) else _value(actual)
    return [f"    yours     {yours}", f"    expected  {_value(expected)}"]


def _shape(tensor) -> str:
    return (
        "()"
        if tensor.dim() == 0
        else "(" + ", ".join(map(str, tensor.shape)) + ("," if tensor.dim() == 1 else "") + ")"
    )


def _value(value) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {_shape(value)}" if value.numel() > 12 else repr(value.detach()).replace("\n", " ")
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + " …"
