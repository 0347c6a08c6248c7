"""Faster `autograder try`: a process that has imported everything stays for ten minutes and takes the next request.

It belongs to the user who started it. Its socket is in a folder that only this user may enter, and both sides check who
the other is. The socket is named after the code, Python and settings that started it, so only the same ones use it.
If anything goes wrong, ``ask`` returns None, and the caller does the work itself.
"""

import contextlib
import hashlib
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

#: Seconds that the process stays after a request.
STAYS = 600
#: Seconds within which a process must take a request: one that has just been started, and one that was there before.
STARTS, TAKES = 30, 2
#: ``AUTOGRADER_STAY=0`` turns this off; the process itself has it in its environment.
SWITCH = "AUTOGRADER_STAY"
TAKEN = b"t"
#: The most bytes in a request, and in a socket's path.
LARGEST, LONGEST_PATH = 10_000_000, 100
#: Prefixes of the environment variables that affect how notebooks are run.
SETTINGS = ("COURSE_", "NBGRADER_", "JUPYTER_", "PYTHON", "CUDA_", "LC_", "LANG", "PATH", "HOME", "TMP")


def ask(arguments: list[str]) -> int | None:
    """Let the waiting process run ``autograder`` with ``arguments``, in our folder, terminal and environment.

    Returns:
        The exit code; None if it did not run.
    """
    place = None if os.environ.get(SWITCH) == "0" else _place()
    if place is None:
        return None
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
        if not (_connect(connection, place) or _start(connection, place)) or not _is_mine(connection):
            return None
        request = {"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}
        content = json.dumps(request).encode()
        try:
            socket.send_fds(connection, [struct.pack("!I", len(content))], [1, 2])
            connection.sendall(content)
            if connection.recv(1) != TAKEN:
                return None
            connection.settimeout(None)
            code = connection.recv(1)
        except OSError:
            return None
    return code[0] if code else None


def serve(place: Path, run: Callable[[list[str]], int]) -> None:
    """Take requests, one at a time, until none has come for ten minutes."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        place.unlink(missing_ok=True)
        listener.bind(str(place))
        listener.listen()
        mine = place.lstat().st_ino
        while True:
            listener.settimeout(STAYS)
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                break
            with contextlib.closing(connection):
                if _is_mine(connection):
                    with contextlib.suppress(OSError, ValueError, struct.error):
                        _answer(connection, run)
        with contextlib.suppress(OSError):
            if place.lstat().st_ino == mine:
                place.unlink()


def _answer(connection: socket.socket, run: Callable[[list[str]], int]) -> None:
    connection.settimeout(TAKES)
    head, descriptors, _, _ = socket.recv_fds(connection, 4, 2)
    try:
        (size,) = struct.unpack("!I", head)
        if len(descriptors) != 2 or size > LARGEST:
            return
        with connection.makefile("rb") as file:
            request = json.loads(file.read(size))
        if request["arguments"][:1] != ["try"]:
            return
        connection.sendall(TAKEN)
        connection.settimeout(None)
        os.environ.clear()
        os.environ.update(request["environment"] | {SWITCH: "0"})
        os.chdir(request["folder"])
        for number, descriptor in zip((1, 2), descriptors):
            os.dup2(descriptor, number)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    done = threading.Event()
    watcher = threading.Thread(target=_interrupt_if_left, args=(connection, done), daemon=True)
    watcher.start()
    try:
        code = run(request["arguments"])
    except BaseException:
        traceback.print_exc()
        code = 1
    done.set()
    sys.stdout.flush()
    sys.stderr.flush()
    _hide_output()
    os.chdir("/")
    connection.sendall(bytes([code]))
    connection.shutdown(socket.SHUT_WR)
    watcher.join(TAKES)


def _interrupt_if_left(connection: socket.socket, done: threading.Event) -> None:
    """Interrupt the work, as Ctrl-C would, if the client disconnects before it has its answer."""
    with contextlib.suppress(OSError):
        connection.recv(1)
    if not done.is_set():
        _hide_output()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


def _hide_output() -> None:
    nothing = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nothing, number)
    os.close(nothing)


def _place() -> Path | None:
    """Where the socket is, in a folder that nobody else may enter; None if there is no such folder."""
    if not hasattr(socket, "SO_PEERCRED"):  # Linux has it
        return None
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"autograder-{os.getuid()}"
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        about = folder.lstat()
    except OSError:
        return None
    private = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o077
    place = folder / _fingerprint()
    return place if private and len(os.fsencode(place)) <= LONGEST_PATH else None


def _fingerprint() -> str:
    """A hash of the code, the Python interpreter, its packages and the settings in the environment."""
    package = Path(__file__).parent
    files = {str(path): path.stat().st_mtime_ns for path in sorted(package.rglob("*.py"))}
    packages = Path(sysconfig.get_path("purelib")).stat().st_mtime_ns
    settings = sorted(setting for setting in os.environ.items() if setting[0].startswith(SETTINGS))
    return hashlib.sha256(repr((files, packages, sys.executable, settings)).encode()).hexdigest()[:16]


def _connect(connection: socket.socket, place: Path) -> bool:
    connection.settimeout(TAKES)
    try:
        connection.connect(str(place))
    except OSError:
        return False
    return True


def _start(connection: socket.socket, place: Path) -> bool:
    """Start a process that waits for requests, and connect to it."""
    nothing = subprocess.DEVNULL
    started = subprocess.Popen(
        [sys.executable, "-m", __name__, str(place)],
        stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True, cwd="/",
    )  # fmt: skip
    deadline = time.monotonic() + STARTS
    while time.monotonic() < deadline and started.poll() is None:
        if _connect(connection, place):
            connection.settimeout(STARTS)
            return True
        time.sleep(0.02)
    return False


def _is_mine(connection: socket.socket) -> bool:
    """Whether the process on the other side belongs to the same user."""
    about = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", about)
    return user == os.getuid()


def main() -> None:
    """Be the process that waits for requests."""
    from autograder import cli

    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell start with it ignored

    def run(arguments: list[str]) -> int:
        cli.console = cli.Console()  # for the client's terminal
        return cli.main(arguments)

    serve(Path(sys.argv[1]), run)


if __name__ == "__main__":
    main()
