"""Messages between processes: a length, then that many bytes. An announced length reserves no memory."""

import select
import socket
import struct
import time
from collections.abc import Callable

#: The largest message that is accepted from a learner's process.
LARGEST = 200_000_000
_LENGTH = struct.Struct(">Q")
#: Seconds that the rest of a frame may take after its length, so that a deadline does not cut it in two.
REST = 2.0


class WireError(Exception):
    """An invalid message: too large, malformed, or of an unknown kind."""


class Closed(Exception):
    """The other side is gone."""


class OutOfTime(Exception):
    """Nothing came before the deadline."""


def send(connection: socket.socket, payload: bytes) -> None:
    """Send one frame.

    Raises:
        Closed: the other side is gone.
    """
    try:
        connection.sendall(_LENGTH.pack(len(payload)))
        connection.sendall(payload)
    except OSError as error:
        raise Closed from error


def receive(
    connection: socket.socket,
    deadline: float | None = None,
    largest: int = LARGEST,
    tick: Callable[[], None] = lambda: None,
) -> bytes:
    """Receive one frame.

    Args:
        connection: where to receive from.
        deadline: by ``time.monotonic``; None to wait for ever.
        largest: a longer frame is refused.
        tick: called four times a second while nothing comes.

    Raises:
        Closed, OutOfTime, WireError.
    """
    header = _take(connection, _LENGTH.size, deadline, tick)
    (length,) = _LENGTH.unpack(header)
    if length > largest:
        raise WireError(f"a message of {length / 1e6:.0f} MB, more than {largest / 1e6:.0f} MB")
    return _take(connection, length, None if deadline is None else max(deadline, time.monotonic() + REST), tick)


def _take(connection: socket.socket, count: int, deadline: float | None, tick: Callable[[], None]) -> bytes:
    """``count`` bytes; the buffer grows with what arrives, not with what was announced."""
    parts: list[bytes] = []
    missing = count
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    while missing:
        wait = 250.0 if deadline is None else min(250.0, 1000 * (deadline - time.monotonic()))
        if wait <= 0:
            raise OutOfTime
        if not poll.poll(wait):
            tick()
            continue
        try:
            part = connection.recv(min(missing, 1 << 20))
        except OSError as error:
            raise Closed from error
        if not part:
            raise Closed
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
