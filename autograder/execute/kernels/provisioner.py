"""A kernel that starts warm: forked from a process that has already imported torch, instead of a new Python.

``warm-torch`` is a kernel spec with a ``jupyter_client`` provisioner of that name, so nbgrader, nbval and nbclient can
use it like any kernel. Each kernel is its own process: what one notebook does, the next does not see. Linux only.
"""

import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from functools import cache, partialmethod
from pathlib import Path
from typing import Any

from jupyter_client import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from autograder.execute.grader.jobs import ENVIRONMENT


class WarmProvisioner(LocalProvisioner):
    """Starts a kernel by asking the warm process of this Python for a fork."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel that does what ``cmd``, an ``ipykernel_launcher`` command, would do."""
        request = {"argv": cmd[3:], "cwd": kwargs.get("cwd") or str(Path.cwd()), "env": dict(kwargs["env"])}
        warm = _warm_process()
        warm.sendall(json.dumps(request).encode() + b"\n")
        answer = warm.recv(32)
        if not answer:
            raise RuntimeError("the warm process has ended; start again")
        self.process = _Forked(int(answer))
        self.pid = self.pgid = self.process.pid
        return self.connection_info


class _Forked:
    """A process that is not our child, with those methods of ``subprocess.Popen`` that provisioners use."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid, self._handle = pid, os.pidfd_open(pid)

    def poll(self, seconds: float | None = 0) -> int | None:
        return 1 if select.select([self._handle], [], [], seconds)[0] else None

    def wait(self) -> int:
        self.poll(None)
        os.close(self._handle)
        return 1

    def send_signal(self, number: int) -> None:
        signal.pidfd_send_signal(self._handle, number)

    kill = terminate = partialmethod(send_signal, signal.SIGKILL)


@cache
def _warm_process() -> socket.socket:
    """Start the process that kernels are forked from; it ends when this Python does."""
    here, there = socket.socketpair()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | ENVIRONMENT
    command, quiet = [sys.executable, "-c", f"import {__name__} as warm; warm._serve()"], subprocess.DEVNULL
    subprocess.Popen(command, stdin=there, stdout=quiet, stderr=quiet, env=environment)
    there.close()
    return here


def _serve() -> None:
    """Be the warm process: import once, then fork a kernel for each line received."""
    connection = socket.socket(fileno=os.dup(0))
    for module in ("torch", "matplotlib.pyplot", "ipykernel.kernelapp"):
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps them
    for line in connection.makefile("rb"):
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            connection.close()
            _become_kernel(**json.loads(line))
        connection.sendall(b"%d" % pid)


def _become_kernel(argv: list[str], cwd: str, env: dict[str, str]) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[0] = ""
    importlib.import_module("ipykernel.kernelapp").IPKernelApp.launch_instance(argv=argv)
    os._exit(0)
