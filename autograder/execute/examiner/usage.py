"""What a learner's processes use: limits their memory, counts their time fairly, and lowers their priority.

All figures are the kernel's, from ``/proc``; the learner's processes are not asked.
"""

import contextlib
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from autograder.execute.limits import BUSIEST

#: Seconds between two looks at the learner's processes.
PERIOD = 0.25
#: Seconds that one look may spend on asking for shares of memory, which takes up to 0.1 s for a single process.
ASKING = 0.02
#: Bytes that a socket may hold: ``net.core.wmem_default``, which the walls let nobody change, and the last message.
SOCKET = 212_992 + 65_536
#: The lowest priority, for whatever a learner's code starts besides its main thread: it must not slow others down.
LOWEST = 19
_TICK = os.sysconf("SC_CLK_TCK")


class Usage:
    """The processes of one learner.

    Args:
        learner: the first of them.
        most: bytes of memory that they may have together, beyond what an empty notebook needs.
        kill: called to end them all.
    """

    def __init__(self, learner: int, most: int, kill: Callable[[], None]) -> None:
        self.learner, self.most, self.kill = learner, most, kill
        self.over_memory = False
        #: for each process: when its share of memory was last asked for, that share, and the process's size then
        self._shares: dict[int, tuple[float, int, int]] = {}
        self._own, self._lowered, self._next = _resident(os.getpid()), set(), 0.0

    def look(self) -> None:
        """Look at the processes; to be called every ``PERIOD``, whatever the examiner is doing or waiting for.

        If looking takes long, because the machine is busy, it is done less often, so that the examiner can do its work.
        """
        began = time.monotonic()
        if began < self._next:
            return
        self._next = math.inf  # one look at a time, whatever interrupts this one
        try:
            self._look()
        finally:
            now = time.monotonic()
            self._next = now + 3 * (now - began)

    def _look(self) -> None:
        sizes = {process: _resident(process) for process in tree(self.learner)}
        most = self.most - _in_sockets(self.learner)
        # These sizes count shared memory once for each process.
        if sum(sizes.values()) > most + self._own and self._is_over(sizes, most):
            self.over_memory = True
            self.kill()
        self._lower(list(sizes))

    def _is_over(self, sizes: dict[int, int], most: int) -> bool:
        """Whether the processes together have more memory than ``most``, if what they share is divided among them.

        The kernel takes long to compute that, so each time it is asked about only a few processes, first those that it
        was asked about longest ago. What a process has grown by since it was last asked about counts in full.
        """
        # This process was forked like the learner's, and has what an empty notebook has, or more.
        most += min(self._own, _proportional(os.getpid()))
        self._shares = {process: self._shares.get(process, (0.0, 0, size)) for process, size in sizes.items()}
        asked, end = set(), time.monotonic() + ASKING
        for process in sorted(sizes, key=lambda process: self._shares[process][0]):
            self._ask(process, sizes[process])
            asked.add(process)
            if time.monotonic() > end:
                break
        if self._estimate(sizes) <= most:
            return False
        # What the largest have may be enough; to ask about all takes time, in which they grow.
        for process in sorted(sizes.keys() - asked, key=sizes.__getitem__, reverse=True):
            if sum(self._shares[one][1] for one in asked) > most:
                return True
            self._ask(process, sizes[process])
            asked.add(process)
        return self._estimate(sizes) > most

    def _ask(self, process: int, size: int) -> None:
        self._shares[process] = (time.monotonic(), _proportional(process), size)

    def _estimate(self, sizes: dict[int, int]) -> int:
        return sum(share + sizes[process] - before for process, (_, share, before) in self._shares.items())

    def _lower(self, processes: list[int]) -> None:
        """Give everything but the main thread the lowest priority: the kernel is fair to threads, not to notebooks."""
        for process in processes:
            for task in _tasks(process):
                if task != self.learner and task not in self._lowered:
                    with contextlib.suppress(OSError):
                        os.setpriority(os.PRIO_PROCESS, task, LOWEST)
                        self._lowered.add(task)

    def clock(self, seconds: float) -> "Clock":
        """A clock for a cell that begins now."""
        return Clock(seconds, lambda: worked(self.learner), lambda: waited(self.learner) + waited(os.getpid()))


class Clock:
    """The time of one cell, not counting what its processes have spent waiting for a processor.

    So on a busy machine a cell gets more time, up to ``BUSIEST`` times as much. It gets no more if its own processes
    keep the machine busy, that is, if they have used more processor time than it may take.

    Args:
        seconds: how much time it may take.
        worked: tells how many seconds of processor time its processes have used so far.
        waited: tells how many seconds they have waited for a processor so far.
    """

    def __init__(self, seconds: float, worked: Callable[[], float], waited: Callable[[], float]) -> None:
        self.seconds, self._worked, self._waited = seconds, worked, waited
        self._began, self._worked_before, self._waited_before = time.monotonic(), worked(), waited()

    def another(self, seconds: float) -> "Clock":
        """A clock for the same processes, which begins now."""
        return Clock(seconds, self._worked, self._waited)

    def passed(self) -> float:
        """Seconds of wall time."""
        return time.monotonic() - self._began

    def excused(self) -> float:
        """Seconds that do not count."""
        if self._worked() - self._worked_before > self.seconds:
            return 0.0
        return max(0.0, min(self._waited() - self._waited_before, (BUSIEST - 1) * self.seconds, self.passed()))

    def left(self) -> float:
        """Seconds that are left, at least: excused time is added only when the rest is used up."""
        left = self.seconds - self.passed()
        return left if left > 0 else left + self.excused()


def tree(root: int) -> Iterator[int]:
    """A process and its descendants."""
    queue = [root]
    while queue:
        process = queue.pop()
        yield process
        for task in _tasks(process):
            with contextlib.suppress(OSError, ValueError):
                text = Path(f"/proc/{process}/task/{task}/children").read_text()
                queue += [int(child) for child in text.split()]


def _tasks(process: int) -> list[int]:
    try:
        return [int(task.name) for task in Path(f"/proc/{process}/task").iterdir()]
    except OSError:
        return []


def waited(process: int) -> float:
    """Seconds that the main thread of a process could have run, but had no processor."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):  # a kernel that does not count it
        return 0.0


def worked(root: int) -> float:
    """Seconds of processor time of a process and its descendants, including those that have ended."""
    total = 0
    for process in tree(root):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(field) for field in fields[11:15])
    return total / _TICK


def _resident(process: int) -> int:
    """Bytes of memory, swapped out or not: quick to read, but shared memory counts for each process that has it."""
    return _kilobytes(f"/proc/{process}/status", "VmRSS:", "VmSwap:")


def _proportional(process: int) -> int:
    """Bytes of memory, swapped out or not; what processes share is divided among them."""
    return _kilobytes(f"/proc/{process}/smaps_rollup", "Pss:", "SwapPss:")


def _in_sockets(process: int) -> int:
    """Bytes that the kernel may hold for a learner's sockets, all of them together, read or not.

    They belong to no process. Without walls there is no telling them from everybody else's: then this is 0.
    """
    try:
        if Path(f"/proc/{process}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
            return 0
        used = re.match(r"sockets: used (\d+)", Path(f"/proc/{process}/net/sockstat").read_text())
        return int(used[1]) * SOCKET
    except (OSError, TypeError):
        return 0


def _kilobytes(path: str, *names: str) -> int:
    """The sum of what a file of the kernel's says about ``names``, in bytes; 0 if the process is gone."""
    try:
        lines = [line.split() for line in Path(path).read_text().splitlines()]
        return sum(1024 * int(words[1]) for words in lines if words and words[0] in names)
    except (OSError, ValueError, IndexError):
        return 0
