"""What a command costs: wall time, CPU seconds and peak memory of all processes that come of it. Linux only.

CPU seconds are counted by a cgroup where one can be made: it misses nothing, whoever kills and reaps a process. Waiting
for children does not do: a process that a namespace's end kills, or whose parent ignores SIGCHLD, leaves no account.
Elsewhere processes are looked at twenty times a second, and what the last moment of each cost is lost.
"""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autograder.doctor import mounted

TICKS = os.sysconf("SC_CLK_TCK")
#: Seconds between two looks: at memory (never more than a tenth of a core is spent on that), at CPU times.
MEMORY_PAUSE, CPU_PAUSE = 0.2, 0.05
#: Seconds that processes may outlive the command.
PATIENCE = 10

#: Burns CPU seconds in six ways, each ``SHARE`` long, and prints how many that were with its own. A pipe tells when
#: each is done, so those that are killed have burned their share and wait.
BURN = """
import ctypes, os, signal, sys, time
SHARE = 0.4

def burn():
    while time.process_time() < SHARE:
        pass

def burner(then):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        burn()
        os.write(write, b".")
        then()
        os._exit(0)
    os.read(read, 1)
    return pid

def under_a_parent(act):
    pid = os.fork()
    if pid == 0:
        act()
        os._exit(0)
    os.waitpid(pid, 0)

def killed_and_reaped():
    pid = burner(signal.pause)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

def killed_and_never_reaped():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.kill(burner(signal.pause), signal.SIGKILL)

def orphaned():
    burner(lambda: time.sleep(0.2))

def with_its_namespace():
    libc = ctypes.CDLL(None)
    if libc.unshare(0x10000000 | 0x20000000):  # CLONE_NEWUSER, CLONE_NEWPID
        print("no namespaces here", file=sys.stderr)
        burn()
        return
    read, write = os.pipe()
    first = os.fork()
    if first == 0:
        burner(signal.pause)
        os.write(write, b".")
        signal.pause()
    os.read(read, 1)
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)

os.waitpid(burner(lambda: None), 0)
for act in (killed_and_reaped, killed_and_never_reaped, orphaned, with_its_namespace):
    under_a_parent(act)
time.sleep(0.5)
before = time.process_time()
while time.process_time() < before + SHARE:
    pass
print(time.process_time() + 5 * SHARE)
"""


@dataclass(frozen=True)
class Cost:
    """What a command cost.

    Attributes:
        wall: seconds from its start to its end.
        cpu: CPU seconds of all its processes.
        peak: bytes of memory of all its processes together (proportional set size).
        output: what it printed.
        marked: seconds to the first line that was asked for; ``None`` if there was none.
    """

    wall: float
    cpu: float
    peak: int
    output: str
    marked: float | None = None


def measure(command: list[str], folder: Path, environment: Mapping[str, str], mark: str | None = None) -> Cost:
    """Run ``command`` in ``folder`` to its end.

    Args:
        command: the program and its arguments.
        folder: its working directory.
        environment: its environment.
        mark: a line of its output to take the time of.

    Raises:
        SystemExit: the command failed; the message ends with its last lines.
    """
    account = new_account()
    marked, lines = None, []
    try:
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=account.enter,
        )  # fmt: skip
        account.follow(process.pid)
        with Repeat(MEMORY_PAUSE, lambda: memory_of(account.processes())) as memory:
            for line in process.stdout:
                lines.append(line)
                if marked is None and line.strip() == mark:
                    marked = time.monotonic() - began
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        account.wait()
    finally:
        counted = account.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed in {folder}:\n{''.join(lines[-20:])}")
    return Cost(wall, max(counted, usage.ru_utime + usage.ru_stime), memory.most, "".join(lines), marked)


def new_account() -> "Group | Sampled":
    """What counts the processes of one command."""
    return Group() if Group.parent() else Sampled()


def calibrate() -> tuple[str, float, float]:
    """How CPU seconds are counted here, and how many were of how many that a program burned in ways that hide them."""
    cost = measure([sys.executable, "-c", BURN], Path.cwd(), os.environ)
    return (Group if Group.parent() else Sampled).name, cost.cpu, float(cost.output.split()[-1])


class Repeat:
    """Looks at something again and again in a thread, and keeps the most that it saw."""

    def __init__(self, pause: float, look) -> None:
        self.most, self._pause, self._look = 0, pause, look
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Repeat":
        self._thread.start()
        return self

    def __exit__(self, *about) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        pause = 0.0
        while not self._end.wait(pause):
            began = time.monotonic()
            self.most = max(self.most, self._look())
            pause = max(self._pause, 9 * (time.monotonic() - began))


class Group:
    """Processes in a cgroup (version 2) of their own, which counts their CPU time."""

    name = "by a cgroup"
    _numbers = itertools.count()

    def __init__(self) -> None:
        self.folder = self.parent() / f"benchmark-{os.getpid()}-{next(self._numbers)}"
        self.folder.mkdir()

    @staticmethod
    def parent() -> Path | None:
        """This process's own cgroup, if it may make others in it."""
        own = next((line[3:] for line in _lines("/proc/self/cgroup") if line.startswith("0::")), "")
        folders = mounted("\n".join(_lines("/proc/self/mountinfo")), "v2", own) if own else []
        return next((f for f in folders if os.access(f, os.W_OK) and os.access(f / "cgroup.procs", os.W_OK)), None)

    def enter(self) -> None:
        """Move the present process into the group."""
        (self.folder / "cgroup.procs").write_text("0")

    def follow(self, pid: int) -> None:
        """Nothing to do: children are born into the group."""

    def processes(self) -> list[int]:
        return [int(line) for path in self.folder.rglob("cgroup.procs") for line in _lines(path)]

    def wait(self) -> None:
        """Give those who outlive the command some time to end by themselves."""
        end = time.monotonic() + PATIENCE
        while self.processes() and time.monotonic() < end:
            time.sleep(0.05)

    def used(self) -> float:
        """The CPU seconds so far."""
        return int(dict(line.split() for line in _lines(self.folder / "cpu.stat"))["usage_usec"]) / 1e6

    def close(self) -> float:
        """Kill those who are still there; the CPU seconds of all."""
        (self.folder / "cgroup.kill").write_text("1")
        self.wait()
        seconds = self.used()
        for folder in [*sorted(self.folder.rglob("*/"), reverse=True), self.folder]:
            with suppress(OSError):  # a process that cannot be killed
                folder.rmdir()
        return seconds


class Sampled:
    """The descendants of a process, looked at often, for want of a cgroup."""

    name = "by looks at the processes (exact in a cgroup of one's own: systemd-run --user --scope -p Delegate=yes)"

    def __init__(self) -> None:
        self._ticks: dict[tuple[int, str], int] = {}

    def enter(self) -> None:
        """Nothing to do."""

    def follow(self, pid: int) -> None:
        self._known = {pid}
        self._look()
        self._repeat = Repeat(CPU_PAUSE, self._look).__enter__()

    def processes(self) -> list[int]:
        return list(self._known)

    def wait(self) -> None:
        """Nothing to do: who has outlived the command may have lost its parent."""

    def used(self) -> float:
        """The CPU seconds so far of all that were seen."""
        return sum(self._ticks.values()) / TICKS

    def close(self) -> float:
        """The CPU seconds of all that were seen."""
        self._repeat.__exit__()
        return self.used()

    def _look(self) -> int:
        """Note the CPU time of all descendants, those that have lost their parent since they were first seen too."""
        table = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            for line in _lines(path):
                words = line.rpartition(")")[2].split()
                table[int(path.parent.name)] = int(words[1]), words[19], int(words[11]) + int(words[12])
        known = self._known & table.keys()
        while more := {pid for pid, (parent, _, _) in table.items() if parent in known} - known:
            known |= more
        self._known = known
        self._ticks |= {(pid, table[pid][1]): table[pid][2] for pid in known}
        return len(known)


def memory_of(processes: list[int]) -> int:
    """Bytes of memory, each page that several share counted once among them."""
    return 1024 * sum(
        int(line.split()[1])
        for pid in processes
        for line in _lines(f"/proc/{pid}/smaps_rollup")
        if line.startswith("Pss:")
    )


def _lines(path: str | Path) -> list[str]:
    """A file's lines; none if its process has gone."""
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
