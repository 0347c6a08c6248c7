"""What check cells say: compare a learner's value with the expected one, and report what differs.

Imports nothing from this package, because the build copies it into each notebook.
"""

from dataclasses import dataclass

import torch

#: Relative and absolute tolerance by dtype: those of ``torch.testing.assert_close``, whose first call spends half a
#: second on imports. Other dtypes must agree exactly.
TOLERANCES = {
    torch.float16: (1e-3, 1e-5),
    torch.bfloat16: (1.6e-2, 1e-5),
    torch.float32: (1.3e-6, 1e-5),
    torch.float64: (1e-7, 1e-7),
    torch.complex64: (1.3e-6, 1e-5),
    torch.complex128: (1e-7, 1e-7),
}


class Unexpected(AssertionError):
    """A check that failed. Only its message is shown: the traceback would only point into the check cell."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


def expect(actual, expected, what="your answer", *, mistakes=None, rtol=None, atol=None, any_type=False) -> None:
    """Compare ``actual`` with ``expected``; print one line if they agree, raise ``Unexpected`` if not.

    Types count: a list is not a tuple, ``5.0`` is not ``5``. Tensors must agree in shape, dtype, device,
    layout and values (within the tolerances of ``torch.testing.assert_close``); lists, tuples and dicts are compared
    element by element; Python floats within the tolerances of ``float32``; everything else with ``==``.

    Args:
        actual: what the learner's code returned.
        expected: what it should have returned.
        what: what was asked, as the learner would say it: ``"relu(x) for x of shape (2, 5)"``.
        mistakes: ``{"You forgot to …": value, …}``: values that known mistakes lead to. If ``actual`` equals one,
            the message names that mistake.
        rtol, atol: tolerances for values that may be computed in another way; torch's defaults for the dtype if None.
        any_type: treat lists and tuples as equal in type, and ints and floats, too.

    Raises:
        Unexpected: with what was asked, both values, the first place where they differ, and the mistake if known.
    """
    rules = Rules(rtol, atol, any_type)
    reason = _difference(actual, expected, rules)
    if reason is None:
        print(f"✓ {what}")
        return
    lines = [f"✗ {what}", *(f"  {line}" for line in reason)]
    for mistake, value in (mistakes or {}).items():
        if _difference(actual, value, rules) is None:
            lines.append(f"  → {mistake}")
            break
    raise Unexpected("\n".join(lines))


def require(condition, what, otherwise) -> None:
    """Print ``what`` if ``condition`` holds, raise ``Unexpected`` if not: for demands that do not compare values.

    Args:
        condition: a bool.
        what: the demand: ``"the layer has a bias"``.
        otherwise: what to say if it is not met: ``"Your layer was made with bias=False."``

    Raises:
        Unexpected: with both texts.
        TypeError: ``condition`` is not a bool, which might make a check that cannot fail.
    """
    if not isinstance(condition, bool):
        raise TypeError(f"require needs True or False, not {_describe(condition)}")
    if not condition:
        raise Unexpected(f"✗ {what}\n  → {otherwise}")
    print(f"✓ {what}")


def expect_error(kind, call, what, otherwise="") -> None:
    """Print ``what`` if ``call()`` raises an exception of ``kind`` (a subclass will do), raise ``Unexpected`` if not.

    Args:
        kind: a built-in exception, such as ``ValueError``.
        call: a function without arguments.
        what: what was asked: ``"parameter_count([]) raises ValueError"``.
        otherwise: advice if nothing, or something else, is raised.

    Raises:
        Unexpected: with what was raised or returned instead.
        NotImplementedError: the exercise is not solved yet.
    """
    advice = [f"  → {otherwise}"] if otherwise else []
    try:
        value = call()
    except kind:
        print(f"✓ {what}")
        return
    except Exception as error:
        if type(error) is NotImplementedError and not error.args:
            raise
        yours = f"{type(error).__name__}: {error}"
        lines = [f"✗ {what}", f"      yours     raised {yours}", f"      expected  {kind.__name__}", *advice]
        raise Unexpected("\n".join(lines)) from None
    lines = [
        f"✗ {what}",
        f"      yours     raised nothing and returned {_value(value)}",
        f"      expected  {kind.__name__}",
    ]
    raise Unexpected("\n".join(lines + advice))


@dataclass(frozen=True)
class Rules:
    """How two values are compared; see ``expect``."""

    rtol: float | None
    atol: float | None
    any_type: bool


def _difference(actual, expected, rules):
    """What differs, as lines for the learner, or None if the two agree."""
    if isinstance(expected, torch.Tensor):
        return _tensor_difference(actual, expected, rules)
    if isinstance(expected, (list, tuple)):
        return _sequence_difference(actual, expected, rules)
    if isinstance(expected, dict):
        return _dict_difference(actual, expected, rules)
    if isinstance(expected, (int, float)) and not isinstance(expected, bool):
        return _number_difference(actual, expected, rules)
    if not isinstance(actual, type(expected)):
        return _both(actual, expected)
    return None if actual == expected else _both(actual, expected)


def _tensor_difference(actual, expected, rules):
    if not isinstance(actual, torch.Tensor):
        return [
            f"A tensor was expected, yours is {_describe(actual)}",
            f"    expected  a tensor of shape {_shape(expected)}",
        ]
    if actual.shape != expected.shape:
        return _sides("The shapes differ:", _shape(actual), _shape(expected))
    if actual.dtype != expected.dtype:
        return _sides("The dtypes differ:", actual.dtype, expected.dtype)
    if actual.device != expected.device:
        return _sides("The devices differ:", actual.device, expected.device)
    if actual.layout != expected.layout:
        return _sides("The layouts differ:", actual.layout, expected.layout)
    if _close(actual, expected, rules):
        return None
    mine, wanted = actual.detach(), expected.detach()
    same = torch.isclose(mine, wanted, rtol=1e-5, atol=1e-8, equal_nan=True)
    if bool(same.all()):  # within torch.isclose's defaults, but not as close as this check requires
        same = mine == wanted
    if mine.dim() == 0:
        return _both(mine.item(), wanted.item())
    where = tuple((~same).nonzero()[0].tolist())
    return [
        f"The shape {_shape(expected)} is right; {int((~same).sum())} of {same.numel()} values differ,"
        f" the first at [{', '.join(map(str, where))}]:",
        *_both(mine[where].item(), wanted[where].item()),
    ]


def _sequence_difference(actual, expected, rules):
    kind = list if isinstance(expected, list) else tuple
    if not isinstance(actual, (list, tuple) if rules.any_type else kind):
        return [f"A {kind.__name__} was expected, yours is {_describe(actual)}"]
    if len(actual) != len(expected):
        wanted = "1 element was" if len(expected) == 1 else f"{len(expected)} elements were"
        return [f"{wanted} expected, yours has {len(actual)}.", *_both(actual, expected)]
    for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
        reason = _difference(a, e, rules)
        if reason is not None:
            return [f"Element {i} differs:", *(f"  {line}" for line in reason)]
    return None


def _dict_difference(actual, expected, rules):
    if not isinstance(actual, dict):
        return [f"A dict was expected, yours is {_describe(actual)}"]
    if actual.keys() != expected.keys():
        return _sides("The keys differ:", list(actual), list(expected))
    for key in expected:
        reason = _difference(actual[key], expected[key], rules)
        if reason is not None:
            return [f"The value of {key!r} differs:", *(f"  {line}" for line in reason)]
    return None


def _number_difference(actual, expected, rules):
    if isinstance(actual, bool) or not isinstance(actual, (int, float)):
        return _both(actual, expected)
    if isinstance(actual, int) and isinstance(expected, int):
        return None if actual == expected else _both(actual, expected)
    if isinstance(actual, float) != isinstance(expected, float) and not rules.any_type:
        kind = "a float" if isinstance(expected, float) else "an int"
        return [f"The types differ: {kind} was expected.", *_both(actual, expected)]
    mine, wanted = (torch.tensor(float(value), dtype=torch.float64) for value in (actual, expected))
    loose = Rules(1.3e-6, 1e-5, False) if rules.rtol is None and rules.atol is None else rules  # as for float32
    return None if _close(mine, wanted, loose) else _both(actual, expected)


def _close(actual, expected, rules) -> bool:
    """Whether two tensors of one shape and dtype have the same values, within the tolerances; NaN equals NaN."""
    rtol, atol = TOLERANCES.get(expected.dtype, (0.0, 0.0))
    if rules.rtol is not None or rules.atol is not None:
        rtol, atol = rules.rtol or 0.0, rules.atol or 0.0
    mine, wanted = actual.detach(), expected.detach()
    if not (wanted.is_floating_point() or wanted.is_complex() or rtol or atol):
        return torch.equal(mine, wanted)
    return bool(torch.isclose(mine, wanted, rtol=rtol, atol=atol, equal_nan=True).all())


def _describe(value) -> str:
    if value is None:
        return "None (is a `return` missing?)"
    if isinstance(value, torch.nn.Module):
        return f"a module, {type(value).__name__}"
    if isinstance(value, torch.Tensor):
        return _value(value)
    if callable(value):
        return f"a {type(value).__name__} (is a call, `(…)`, missing?)"
    return f"a Python {type(value).__name__}: {_value(value)}"


def _sides(headline, yours, expected) -> list[str]:
    return [headline, f"    yours     {yours}", f"    expected  {expected}"]


def _both(actual, expected) -> list[str]:
    """The two values, with enough digits to tell them apart."""
    for digits in (6, 9, 17):
        yours, wanted = _value(actual, digits), _value(expected, digits)
        if yours != wanted:
            break
    if actual is None or callable(actual):
        yours = _describe(actual)
    elif yours == wanted:  # 1 and True, or a string and something that looks like it
        yours, wanted = f"{yours} ({type(actual).__name__})", f"{wanted} ({type(expected).__name__})"
    return [f"    yours     {yours}", f"    expected  {wanted}"]


def _shape(tensor) -> str:
    return str(tuple(tensor.shape))


def _value(value, digits=6) -> str:
    if isinstance(value, float):
        text = f"{value:.{digits}g}"
        return text if any(sign in text for sign in ".en") else f"{text}.0"
    if isinstance(value, torch.Tensor):
        kind = "" if value.dtype == torch.float32 else f" and dtype {value.dtype}"
        few = value.numel() <= 12
        return repr(value.detach()).replace("\n", " ") if few else f"a tensor of shape {_shape(value)}{kind}"
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + " …"
