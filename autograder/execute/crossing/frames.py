"""Messages between processes: a length, then that many bytes. An announced length reserves no memory."""

import select
import socket
import struct
import time
from collections.abc import Callable

#: The largest message that is accepted from a learner's process.
LARGEST = 200_000_000
_LENGTH = struct.Struct(">Q")
#: Seconds that a frame may take once it has begun, so that running out of time does not cut it in two.
REST = 2.0
#: How many seconds are left; called again and again, because the answer may change.
Left = Callable[[], float]


class WireError(Exception):
    """An invalid message: too large, malformed, or of an unknown kind."""


class Closed(Exception):
    """The other side is gone."""


class OutOfTime(Exception):
    """The other side did not send, or did not read, in time."""


def within(seconds: float) -> Left:
    """The time that is left until ``seconds`` from now."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def for_ever() -> float:
    """No limit: for a trusted side, whose end closes the connection."""
    return float("inf")


def send(connection: socket.socket, payload: bytes, left: Left = for_ever) -> None:
    """Send one frame.

    Args:
        connection: where to send it.
        payload: the frame's content.
        left: how long the other side may take to read it; it always has at least ``REST``.

    Raises:
        Closed, OutOfTime: after either, the connection cannot be used again.
    """
    rest, at_least = memoryview(_LENGTH.pack(len(payload)) + payload), within(REST)
    while rest:
        try:
            rest = rest[connection.send(rest, socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            _wait(connection, select.POLLOUT, max(left(), at_least()))
        except OSError as error:
            raise Closed from error


def receive(connection: socket.socket, left: Left = for_ever, largest: int = LARGEST) -> bytes:
    """Receive one frame.

    Args:
        connection: where to receive it from.
        left: how long it may take to begin; once begun, it has at least ``REST`` to arrive.
        largest: a longer frame is refused.

    Raises:
        Closed, OutOfTime, WireError.
    """
    header = _take(connection, _LENGTH.size, left)
    (length,) = _LENGTH.unpack(header)
    if length > largest:
        raise WireError(f"a message of {length / 1e6:.0f} MB, more than {largest / 1e6:.0f} MB")
    at_least = within(REST)
    return _take(connection, length, lambda: max(left(), at_least()))


def _take(connection: socket.socket, count: int, left: Left) -> bytes:
    """``count`` bytes; the buffer grows with what arrives, not with what was announced."""
    parts: list[bytes] = []
    missing = count
    while missing:
        if (time_left := left()) <= 0:
            raise OutOfTime
        try:
            part = connection.recv(min(missing, 1 << 20), socket.MSG_DONTWAIT)
        except BlockingIOError:
            _wait(connection, select.POLLIN, time_left)
            continue
        except OSError as error:
            raise Closed from error
        if not part:
            raise Closed
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _wait(connection: socket.socket, event: int, left: float) -> None:
    """Wait until the socket is ready, but only a little.

    Raises:
        OutOfTime: no time is left.
    """
    if left <= 0:
        raise OutOfTime
    poll = select.poll()
    poll.register(connection, event)
    poll.poll(1000 * min(left, 0.25))
