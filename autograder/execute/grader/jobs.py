"""Starts the warm process and opens jobs with it: a job is a connection to one examiner."""

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import msgpack

from autograder.errors import CourseError
from autograder.execute.crossing import frames
from autograder.execute.warm import walls
from autograder.execute.warm.messages import CELLS, RUN
from autograder.execute.warm.visible import courses

#: Seconds within which the warm process must have imported everything.
STARTUP = 180
#: How many warm processes are kept; each has half a gigabyte.
KEPT = 2
#: Seconds within which an examiner must end when told to.
FAREWELL = 5
SERVER = "autograder.execute.warm.server"
#: One thread before the fork: OpenMP's threads do not survive it, and torch would wait for them for ever.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "COURSE_OFFLINE": "1",
    "NBGRADER_EXECUTION": "autograde",  # as nbgrader sets it
    "LANG": "C.UTF-8",
}
#: Further variables for the warm process behind walls, where nothing of the grader's environment goes.
WALLED = {
    "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    "HOME": "/tmp",
    "MPLCONFIGDIR": "/tmp/matplotlib",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class Job:
    """A connection to the examiner of one run.

    Args:
        connection: to the examiner.
        leave: called when the run has ended.
    """

    def __init__(self, connection: socket.socket, leave: Callable[[], None]) -> None:
        self.connection, self.examiner, self._leave = connection, 0, leave

    def send(self, message: Any) -> None:
        """Send the terms of the run, or a cell.

        Raises:
            frames.Closed: the examiner is gone, or does not read.
        """
        try:
            frames.send(self.connection, msgpack.packb(message, unicode_errors="replace"), frames.within(STARTUP))
        except frames.OutOfTime:
            raise frames.Closed from None

    def hear(self, seconds: float) -> dict[str, Any]:
        """The next message: a cell's outcome.

        Raises:
            frames.Closed: the examiner is gone, silent for so many seconds, or sends more than is accepted.
            CourseError: the examiner itself failed to start the learner's process or to run the set-up cell.
        """
        try:
            message = frames.receive(self.connection, frames.within(seconds))
            kind, content = msgpack.unpackb(message, strict_map_key=False)
        except (frames.OutOfTime, frames.WireError):
            raise frames.Closed from None
        if kind == "failed":
            raise CourseError(f"The engine that runs notebooks failed: {content.strip().splitlines()[-1]}")
        return content

    def close(self) -> None:
        """Let the examiner end, and wait until it and the learner's processes are gone."""
        with contextlib.suppress(OSError, frames.Closed, frames.OutOfTime, frames.WireError):
            self.connection.shutdown(socket.SHUT_WR)
            left = frames.within(FAREWELL)
            while True:
                frames.receive(self.connection, left)
        self.kill()
        self.connection.close()
        self._leave()

    def kill(self) -> None:
        """End the examiner, and with it the learner's process and everything that it has started."""
        if self.examiner:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.examiner, signal.SIGKILL)
            self.examiner = 0
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


class _Server:
    """The warm process, as seen from this side."""

    def __init__(self, isolation: bool, gpu: bool) -> None:
        if not hasattr(os, "fork"):
            raise CourseError("Notebooks cannot be graded directly on Windows: use the Windows Subsystem for Linux.")
        options = ["--isolated"] * isolation + ["--gpu"] * gpu
        command = [sys.executable, "-m", SERVER, *options]
        environment = ENVIRONMENT | ({} if gpu else {"CUDA_VISIBLE_DEVICES": ""})
        if isolation:
            command = walls.command(command, environment | WALLED, gpu)
        else:
            environment = os.environ | environment
        self.control, there = socket.socketpair()
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process that writes to it
        self.process = subprocess.Popen(
            command,
            stdin=there,
            stdout=subprocess.DEVNULL,
            stderr=self.errors,
            env=environment,
            start_new_session=True,
        )
        there.close()
        self.control.settimeout(STARTUP)
        try:
            ready = self.control.recv(16)
        except TimeoutError:
            ready = b""
        if not ready:
            self.close()
            self.errors.seek(0)
            lines = self.errors.read().decode(errors="replace").strip().splitlines() or ["it gave no reason"]
            raise CourseError(f"The process that runs learners' code did not start: {lines[-1]}")
        self.lock = threading.Lock()
        #: the course's cells that it has parsed
        self.known: set[str] = set()
        #: how many runs it has at the moment
        self.runs = 0

    def open(self, limits: dict[str, Any], files: Mapping[str, bytes], ours: Collection[str]) -> Job:
        here, there = socket.socketpair()
        with self.lock, there:
            new = [code for code in ours if code not in self.known]
            if new:
                self._announce(new)
            self._tell(RUN, there)
        job = Job(here, self.leave)
        job.send({"limits": limits, "files": files})
        job.examiner = job.hear(STARTUP)
        return job

    def _announce(self, new: list[str]) -> None:
        """Have cells parsed before runs are forked, instead of in each run."""
        here, there = socket.socketpair()
        with here:
            with there:
                self._tell(CELLS, there)
            Job(here, lambda: None).send(new)
        self.known.update(new)

    def _tell(self, what: bytes, connection: socket.socket) -> None:
        try:
            socket.send_fds(self.control, [what], [connection.fileno()])
        except OSError:
            raise frames.Closed from None

    def enter(self) -> None:
        """Count one run more."""
        with self.lock:
            self.runs += 1

    def leave(self) -> None:
        """Count one run less."""
        with self.lock:
            self.runs -= 1

    def close(self) -> None:
        """Let the process end, and wait for it."""
        self.control.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


_servers: dict[tuple, _Server] = {}
_starting = threading.Lock()


def warm_up(isolation: bool, gpu: bool) -> None:
    """Start the warm process in the background; if that fails, ``open_job`` reports it."""

    def start() -> None:
        with contextlib.suppress(CourseError), _starting:
            _server(isolation, gpu)

    threading.Thread(target=start, daemon=True).start()


def open_job(
    limits: dict[str, Any], isolation: bool, gpu: bool, files: Mapping[str, bytes], ours: Collection[str] = ()
) -> Job:
    """Start a run: the warm process forks its examiner and its learner's process.

    Args:
        limits: the fields of ``Limits``.
        isolation: whether learners' code runs behind walls.
        gpu: whether it may use the GPU.
        files: the files in the notebook's folder, by path.
        ours: the course's set-up and tools, which the warm process parses once for all runs. It must not know more: a
            learner can find out what it knows.

    Raises:
        CourseError: the warm process cannot start, or cannot be put behind walls.
        frames.Closed: it has just died; the next call starts a new one.
    """
    with _starting:
        server = _server(isolation, gpu)
        server.enter()
    try:
        return server.open(limits, files, ours)
    except BaseException:
        server.leave()
        raise


def _server(isolation: bool, gpu: bool) -> _Server:
    """The warm process for such runs. When there are too many, those end that have waited longest without a run."""
    kind = isolation, gpu, *courses()  # which its walls hide
    server = _servers.pop(kind, None)
    if server is not None and server.process.poll() is not None:
        server.close()
        server = None
    if server is None:
        idle = [one for one, other in _servers.items() if not other.runs]
        for one in idle[: max(0, len(_servers) + 1 - KEPT)]:
            _servers.pop(one).close()
        server = _Server(isolation, gpu)
    _servers[kind] = server  # the last one used comes last
    return server


@atexit.register
def close_servers() -> None:
    """Let all warm processes end."""
    with _starting:
        while _servers:
            _servers.popitem()[1].close()
