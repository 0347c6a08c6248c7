"""A JupyterLab server on a copy of the course, as `make lab` and `make teach` start it, in a home of its own."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from autograder.course import Course

#: Seconds that anything may take on a slow and busy machine.
PATIENCE = 120


def copy_course(course: Course, names: list[str], folder: Path) -> Course:
    """A course in ``folder`` that has these notebooks."""
    for file in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copy(course.root / file, folder / file)
    ignore = shutil.ignore_patterns(".ipynb_checkpoints")
    for part in (course.solutions, course.notebooks):
        for name in names:
            shutil.copytree(part / name, folder / part.name / name, ignore=ignore)
    shutil.copytree(course.data, folder / "data", ignore=shutil.ignore_patterns("*MNIST"))
    return Course(folder)


def own_home(home: Path) -> dict[str, str]:
    """The environment of somebody who has just logged in for the first time, without a display."""
    others = ("JUPYTER", "NBGRADER", "COURSE", "DISPLAY", "WAYLAND", "BROWSER")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(others)}
    return kept | {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "COURSE_OFFLINE": "1",
    }


class LabServer:
    """``autograder lab`` or ``autograder teach`` in a course's folder; a context manager, leaves no process behind."""

    def __init__(self, command: str, course: Course, environment: dict[str, str], log: Path) -> None:
        self.command, self.course, self.environment, self.log = command, course, environment, log
        self.token = secrets.token_hex(16)

    def __enter__(self) -> "LabServer":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        autograder = Path(sys.executable).with_name("autograder")
        command = [autograder, self.command, "--", "--ip=127.0.0.1", f"--port={port}", "--log-level=INFO"]
        command += [f"--IdentityProvider.token={self.token}"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=self.course.root, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self.url = self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self) -> str:
        """The server's address, as soon as it answers; it writes it down, as the port may have been taken meanwhile."""
        note = Path(self.environment["JUPYTER_RUNTIME_DIR"]) / f"jpserver-{self.process.pid}.json"
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                url = json.loads(note.read_text())["url"]
                urllib.request.urlopen(f"{url}api?token={self.token}", timeout=PATIENCE).close()
                return url
            except (FileNotFoundError, json.JSONDecodeError, urllib.error.URLError):
                time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()}")

    def address(self, path: str) -> str:
        """The address of a page of this server, with the token in it."""
        return f"{self.url}{path}?token={self.token}"

    def __exit__(self, *_) -> None:
        server = psutil.Process(self.process.pid) if self.process.poll() is None else None
        family = [*server.children(recursive=True), server] if server else []
        self.process.terminate()  # the server then ends its kernels
        for survivor in psutil.wait_procs(family, timeout=30)[1]:
            survivor.kill()
        self.process.wait()
