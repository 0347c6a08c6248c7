"""The warm process: imports everything once, then for each run forks an examiner, which forks a learner's process.

Runs inside the walls, stays single-threaded, and never runs a cell itself: any learner could find what it knows.
"""

import contextlib
import gc
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path

from autograder.execute.crossing import frames, wire
from autograder.execute.warm import desk, pages, walls
from autograder.execute.warm.messages import CELLS, LENGTH

READY = b"ready"
#: Seconds that runs have to end once the grader is gone.
FAREWELL = 2
#: Bytes that an examiner may use for a notebook: whatever a learner's process sends must not fill the machine's memory.
EXAMINERS_MEMORY = 4_000_000_000


def main() -> None:
    """Serve on the socket that is file descriptor 0: each message carries the socket of one run."""
    isolated, gpu = "--isolated" in sys.argv, "--gpu" in sys.argv
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if isolated:
        walls.become_ordinary()
    shell = _warm_up()
    control.sendall(READY)
    while True:
        if not select.select([control], [], [], 1.0)[0]:
            _reap()
            continue
        message, descriptors, _, _ = socket.recv_fds(control, LENGTH, 1)
        _reap()
        if not message:
            break
        job = socket.socket(fileno=descriptors[0])
        if message == CELLS:
            _parse(job, shell)
        elif os.fork() == 0:
            control.close()
            _run(job, shell, isolated, gpu)
        job.close()
    deadline = time.monotonic() + FAREWELL
    while _reap() and time.monotonic() < deadline:
        time.sleep(0.01)  # the kernel kills those that are left when their parent ends


def _reap() -> bool:
    """Reap children that have ended; returns whether there are others."""
    with contextlib.suppress(ChildProcessError):
        while True:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return True
    return False


def _warm_up():
    """Import what every notebook uses; returns the shell."""
    import torchvision  # noqa: F401

    from autograder.execute.examiner import examiner  # noqa: F401
    from autograder.execute.learner import student

    shell = student.make_shell()
    use_once()
    gc.collect()
    gc.freeze()
    pages.gather()
    return shell


def _parse(connection: socket.socket, shell) -> None:
    """Parse the course's cells for both sides of all runs to come; a run with one that is no Python says so itself."""
    from autograder.execute.examiner import examiner

    for code in examiner.hear(connection):
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            examiner.compiled(code, examiner.SETUP)
            shell.parse_early(code)
    gc.freeze()


def use_once() -> None:
    """Use what is slow on first use. No backward: it would start autograd's threads, which do not survive a fork."""
    import io

    import matplotlib.pyplot as plt
    import torch
    from matplotlib.mathtext import MathTextParser

    figure, axes = plt.subplots()
    axes.plot([1, 2])
    axes.set_title("$x$")
    for kind in ("svg", "png"):
        figure.savefig(io.BytesIO(), format=kind)
    plt.close("all")
    # The formula is kept with its open font files, which a fork closes: dropped there, it would close others' files.
    MathTextParser._parse_cached.cache_clear()
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten())
    torch.manual_seed(0)
    net(torch.randn(2, 1, 5, 5))


def _run(job: socket.socket, shell, isolated: bool, gpu: bool) -> None:
    """Be the examiner of one run. The learner's process is forked first, before this process has seen any check."""
    from autograder.execute.examiner import examiner

    learner, folder = 0, ""
    try:
        walls.die_with_parent()
        os.setsid()
        limits, files = examiner.receive_terms(job)
        here, there = socket.socketpair()
        if isolated:
            walls.new_rooms()
            walls.die_with_parent()  # changing credentials may clear this
        else:
            folder = tempfile.mkdtemp(prefix="learner-")
        learner = os.fork()
        if learner == 0:
            job.close()
            here.close()
            _be_learner(there, shell, limits, files, folder, gpu)
        there.close()
        if isolated and not gpu:
            walls.limit_memory(EXAMINERS_MEMORY)
        examiner.Examiner(job, here, learner, limits).run()
    except frames.Closed:
        pass
    except BaseException:
        with contextlib.suppress(Exception):
            examiner.tell(job, "failed", traceback.format_exc())
    finally:
        if learner:
            os.kill(learner, signal.SIGKILL)  # the first of its PID namespace: all others end with it
            os.waitpid(learner, 0)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)


def _be_learner(connection: socket.socket, shell, limits, files, folder: str, gpu: bool) -> None:
    """Be a learner's process, with ``files`` in its folder: behind walls, or in ``folder`` if one is given."""
    from autograder.execute.learner import student

    try:
        walls.die_with_parent()
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        quiet = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(quiet, descriptor)
        os.dup2(connection.fileno(), 3)
        os.closerange(4, 65536)
        connection.detach()
        connection = socket.socket(fileno=3)
        if folder:
            os.chdir(folder)
        else:
            walls.set_limits(limits, gpu)
            walls.lock_in(limits, gpu)
            Path("/tmp/work").mkdir()
            os.chdir("/tmp/work")
        desk.lay_out(files)
        frames.send(connection, wire.pack(["here"]))
        student.Student(connection, shell).serve()
    except BaseException as error:
        with contextlib.suppress(Exception):
            frames.send(connection, wire.pack(["failed", f"{type(error).__name__}: {error}"]))
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
