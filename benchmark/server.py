"""`autograder serve` in a copy of a course, and what it takes of the machine."""

import csv
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from meter import MEMORY_PAUSE, PATIENCE, Repeat, memory_of, new_account
from ways import BIN, ENVIRONMENT

#: Seconds that the start may take, and the end.
START, END = 180, 60
#: Seconds after which the server is idle, once it answers.
REST = 3


def invite(folder: Path, learners: list[str], url: str) -> dict[str, str]:
    """The learners' personal links, by `autograder invite`."""
    roster, links = folder / "class.csv", folder / "links.csv"
    roster.write_text("\n".join(["id", *learners]) + "\n", encoding="utf-8")
    command = [str(BIN / "autograder"), "invite", str(roster), "--url", url, "--to", str(links)]
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True, stderr=subprocess.DEVNULL)
    with links.open(encoding="utf-8-sig", newline="") as file:
        return {row["id"]: row["link"] for row in csv.DictReader(file)}


class Server:
    """A server that runs as long as the block does.

    Attributes:
        url: its address.
        started: seconds until it answered.
        idle, highest: bytes of memory of all its processes (proportional set size), before anybody came and at most.
    """

    def __init__(self, folder: Path, workers: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._folder, self._warnings = folder, folder / "warnings.txt"
        # The crowd says who it is as a proxy would, because limits go by addresses.
        options = ["--port", str(port), "--workers", str(workers), "--proxy", "127.0.0.1"]
        self._command = [str(BIN / "autograder"), "serve", *options]
        self._account = new_account()

    def __enter__(self) -> "Server":
        began = time.monotonic()
        try:
            with self._warnings.open("wb") as warnings:
                self._process = subprocess.Popen(
                    self._command, cwd=self._folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=warnings,
                    preexec_fn=self._account.enter,
                )  # fmt: skip
            self._account.follow(self._process.pid)
            self._wait(began + START)
            self.started = time.monotonic() - began
            time.sleep(REST)
        except BaseException:
            self._account.close()
            raise
        self.idle = self.memory()
        self._most = Repeat(MEMORY_PAUSE, self.memory).__enter__()
        return self

    def __exit__(self, *about) -> None:
        self._most.__exit__()
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END)
        self._account.close()

    @property
    def highest(self) -> int:
        return max(self.idle, self._most.most)

    def memory(self) -> int:
        """Bytes of memory of all its processes now."""
        return memory_of(self._account.processes())

    def used(self) -> float:
        """CPU seconds of all its processes so far."""
        return self._account.used()

    def said(self) -> list[str]:
        """Its warnings."""
        return self._warnings.read_text(encoding="utf-8", errors="replace").splitlines()

    def _wait(self, end: float) -> None:
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise SystemExit("\n".join(["`autograder serve` has ended:", *self.said()[-20:]]))
            try:
                urllib.request.urlopen(self.url, timeout=PATIENCE).close()
            except urllib.error.HTTPError:  # nobody is signed in, and it says so
                return
            except OSError:
                time.sleep(0.2)
        raise SystemExit(f"`autograder serve` did not answer within {START} s.")
