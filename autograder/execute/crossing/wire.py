"""Values on their way from the learner's process to the examiner, as msgpack.

Nothing from there is trusted: a value is data of a known kind or it is rejected, and nothing that
arrives is ever executed, or looked up by name outside fixed tables.
"""

from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import torch

from autograder.execute.crossing.frames import WireError

#: How deep containers may be nested, and how many elements a message may have.
DEEPEST, MOST = 40, 200_000
#: How many elements an expanded tensor may have.
LARGEST = 2**28
#: A whole number beyond 64 bits crosses as hexadecimal digits, at most this many.
DIGITS = 20_000
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128,
        torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool,
    )
}  # fmt: skip
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
ARRAY_KINDS = "biufcU"


class TooLarge(Exception):
    """A value is so large that the other side would refuse it; the text says how large."""


class Encoder:
    """Turns Python values into what msgpack can carry.

    Args:
        other: called for whatever is not plain data; returns its encoding, a tagged list.
        tensor: called for each tensor before it is encoded; returns an encoding, or None for the plain one.
    """

    def __init__(self, other: Callable[[Any], list], tensor: Callable[[torch.Tensor], list | None]) -> None:
        self.other, self.tensor = other, tensor
        self.left = MOST

    def encode(self, value: Any, depth: int = 0) -> Any:
        """The value's encoding.

        Raises:
            TooLarge: a ``Decoder`` would refuse it.
        """
        self.left -= 1
        if self.left < 0:
            raise TooLarge(f"it has more than {MOST:,} elements")
        kind = type(value)
        if value is None or kind in (bool, float, str, bytes):
            return value
        if kind is int:
            return value if -(2**63) <= value < 2**64 else ["int", _digits(value)]
        if kind in _CONTAINERS and depth < DEEPEST:
            if kind is dict:
                return ["dict", [[self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in value.items()]]
            return [_CONTAINERS[kind], [self.encode(one, depth + 1) for one in value]]
        if isinstance(value, torch.Tensor):
            return self.tensor(value) or encode_tensor(value) or self.other(value)
        if isinstance(value, (bool, int, float, str, tuple, list, dict)) and kind not in _CONTAINERS:
            return self._subclass(value, depth)
        if kind is complex:
            return ["complex", value.real, value.imag]
        if kind is range:
            return ["range", *(self.encode(part) for part in (value.start, value.stop, value.step))]
        if kind is torch.dtype:
            return ["dtype", DTYPE_NAMES[value]] if value in DTYPE_NAMES else self.other(value)
        if kind is torch.device:
            return ["device", value.type]
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in ARRAY_KINDS:
            return ["array", value.dtype.str, list(value.shape), value.tobytes(), isinstance(value, np.generic)]
        return self.other(value)

    def _subclass(self, value: Any, depth: int) -> Any:
        """An instance of a subclass, such as a named tuple, crosses as the plain value that it extends."""
        for base in (bool, int, float, str, tuple, list, dict):
            if isinstance(value, base) and depth < DEEPEST:
                if isinstance(value, np.generic):
                    return ["array", value.dtype.str, [], value.tobytes(), True]
                plain = {int: int.__int__, float: float.__float__, str: str.__str__}.get(base, base)(value)
                return self.encode(plain, depth + 1)
        return self.other(value)


_CONTAINERS = {list: "list", tuple: "tuple", set: "set", frozenset: "frozenset", dict: "dict", torch.Size: "size"}


def encode_tensor(tensor: torch.Tensor) -> list | None:
    """A dense tensor of a known dtype as ``["tensor", dtype, shape, bytes, device, is a parameter]``, else None."""
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.dtype not in DTYPE_NAMES or tensor.is_meta:
        return None
    plain = tensor.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg().cpu().contiguous()
    flat = plain.view(-1)
    if flat.stride(0) != 1:  # a single element counts as contiguous, whatever its stride
        flat = flat.clone(memory_format=torch.contiguous_format)
    data = flat.view(torch.uint8).numpy().tobytes() if plain.numel() else b""
    return [
        "tensor",
        DTYPE_NAMES[tensor.dtype],
        list(plain.shape),
        data,
        tensor.device.type,
        isinstance(tensor, torch.nn.Parameter),
    ]


def encode_expanded(tensor: torch.Tensor) -> list | None:
    """Like ``encode_tensor``, but what ``expand`` has repeated crosses once and shares memory there, too."""
    if tensor.layout != torch.strided or not _is_expanded(tensor):
        return encode_tensor(tensor)
    encoded = encode_tensor(once(tensor))
    return None if encoded is None else ["expanded", encoded, list(tensor.shape)]


def once(tensor: torch.Tensor) -> torch.Tensor:
    """A view of a tensor without the repetitions of ``expand``."""
    parts = [slice(0, 1) if step == 0 else slice(None) for step in tensor.stride()]
    return tensor[tuple(parts)] if parts else tensor


def overwrite(mine: torch.Tensor, new: torch.Tensor) -> None:
    """Write the values of ``new``, which has the same shape, into ``mine``, even if that is an expanded tensor."""
    parts = tuple(slice(0, 1) if step == 0 else slice(None) for step in mine.stride())
    mine[parts].copy_(new[parts]) if parts else mine.copy_(new)


def _is_expanded(tensor: torch.Tensor) -> bool:
    return any(step == 0 and size > 1 for size, step in zip(tensor.shape, tensor.stride()))


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """The entire storage that a tensor is a view of, as a 1-d tensor."""
    with torch.no_grad():
        return torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(tensor.detach().untyped_storage())


def pack(value: Any) -> bytes:
    """An ``Encoder``'s result as bytes."""
    return msgpack.packb(value, use_bin_type=True, unicode_errors="replace")


def unpack(payload: bytes) -> Any:
    """What ``pack`` packed: numbers, strings, bytes, None, and lists of these.

    Raises:
        WireError: it is something else.
    """
    try:
        return msgpack.unpackb(
            payload, raw=False, strict_map_key=True, max_map_len=0, max_ext_len=0, max_array_len=MOST
        )
    except Exception as error:
        raise WireError(f"not a message ({type(error).__name__})") from None


class Decoder:
    """Turns what ``unpack`` returned back into values; the inverse of ``Encoder``.

    Args:
        special: decoders for further tags, which get the list after the tag.
    """

    def __init__(self, special: dict[str, Callable[[list], Any]]) -> None:
        self.special = special
        self.left = MOST

    def decode(self, value: Any, depth: int = 0) -> Any:
        """The value.

        Raises:
            WireError: it is of no known kind.
        """
        self.left -= 1
        if depth > DEEPEST + 2 or self.left < 0:
            raise WireError("a value nested too deeply or with too many elements")
        if value is None or type(value) in (bool, int, float, str, bytes):
            return value
        if type(value) is not list or not value or type(value[0]) is not str:
            raise WireError("a value without a kind")
        tag, rest = value[0], value[1:]
        try:
            if tag in self.special:
                return self.special[tag](rest)
            return self._plain(tag, rest, depth)
        except WireError:
            raise
        except Exception as error:  # whatever shape the rest has: it was not made by an Encoder
            raise WireError(f"a malformed value of kind {tag[:20]!r} ({type(error).__name__})") from None

    def _plain(self, tag: str, rest: list, depth: int) -> Any:
        match tag, rest:
            case ("list" | "tuple" | "set" | "frozenset" | "size") as kind, [list(items)]:
                return _BUILD[kind](self.decode(item, depth + 1) for item in items)
            case "dict", [list(pairs)]:
                return {self.decode(k, depth + 1): self.decode(v, depth + 1) for k, v in pairs}
            case "int", [str(digits)] if len(digits) <= DIGITS:
                return int(digits, 16)
            case "complex", [float(real), float(imaginary)]:
                return complex(real, imaginary)
            case "range", [int(start), int(stop), int(step)]:
                return range(start, stop, step)
            case "dtype", [str(name)]:
                return DTYPES[name]
            case "device", [str(name)] if name in ("cpu", "cuda", "meta"):
                return torch.device(name)
            case "array", [str(kind), list(shape), bytes(data), bool(scalar)]:
                return _array(kind, shape, data, scalar)
            case "tensor", [str(kind), list(shape), bytes(data), str(device), bool(parameter)]:
                return decode_tensor(kind, shape, data, device, parameter)
        raise WireError(f"a value of unknown kind {tag[:20]!r}")


_BUILD: dict[str, Callable] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "size": lambda items: torch.Size(list(items)),
}


def decode_tensor(kind: str, shape: list, data: bytes, device: str, parameter: bool) -> torch.Tensor:
    """A tensor from its parts; its sizes are checked against its bytes before torch sees them."""
    dtype = DTYPES[kind]
    count = _count(shape)
    if count * dtype.itemsize != len(data):
        raise WireError("a tensor whose bytes do not fit its shape")
    if dtype is torch.bool and data.strip(b"\0\1"):
        raise WireError("a bool that is neither True nor False")
    tensor = torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape) if count else torch.empty(shape, dtype=dtype)
    if device == "cuda" and torch.cuda.is_available():
        tensor = tensor.cuda()
    return torch.nn.Parameter(tensor, tensor.is_floating_point()) if parameter else tensor


def decode_expanded(encoded: list, shape: list) -> torch.Tensor:
    """The inverse of ``encode_expanded``."""
    if _count(shape) > LARGEST:
        raise WireError("a tensor that is too large")
    return decode_tensor(*encoded[1:5], False).expand(shape)


def _array(kind: str, shape: list, data: bytes, scalar: bool) -> Any:
    dtype = np.dtype(kind)
    if dtype.kind not in ARRAY_KINDS or dtype.hasobject or _count(shape) * dtype.itemsize != len(data):
        raise WireError("an array whose bytes do not fit its shape")
    array = np.frombuffer(bytearray(data), dtype=dtype).reshape(shape)
    return array[()] if scalar else array


def _count(shape: list) -> int:
    """The number of elements of an untrusted shape."""
    count = 1
    if len(shape) > 25:
        raise WireError("a tensor of too many dimensions")
    for size in shape:
        if type(size) is not int or not 0 <= size <= 2**31:
            raise WireError("an invalid size")
        count *= size
    return count


def _digits(number: int) -> str:
    if number.bit_length() > 4 * (DIGITS - 1):  # one place is for the sign
        raise TooLarge(f"it has an integer of more than {int(1.2 * DIGITS):,} digits")
    return f"{number:x}"
