"""What a learner's processes use: their memory is watched, their time is counted fairly, and they get one share.

All figures are the kernel's, from ``/proc``; nothing that the learner's processes say is asked for.
"""

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from autograder.execute.limits import BUSIEST

#: Seconds between two looks at the learner's processes.
PERIOD = 0.25
#: Seconds that one look may spend on asking for shares of the memory, which takes up to 0.1 s for one process.
ASKING = 0.02
#: The lowest priority: what a learner's code starts besides its main thread runs beside it, not instead of others.
LOWEST = 19
_TICK = os.sysconf("SC_CLK_TCK")


class Usage:
    """The processes of one learner.

    Args:
        learner: the first of them.
        most: bytes of memory that they may have together, beyond an empty notebook's.
        kill: ends them all.
    """

    def __init__(self, learner: int, most: int, kill: Callable[[], None]) -> None:
        self.learner, self.most, self.kill = learner, most, kill
        self.over_memory = False
        #: of each process when its share of the memory was asked for, what that was, and the process's size then
        self._shares: dict[int, tuple[float, int, int]] = {}
        self._own, self._lowered, self._next = _resident(os.getpid()), set(), 0.0

    def look(self) -> None:
        """Look at them: this is to happen every ``PERIOD``, whatever this process does or waits for.

        On a machine so busy that it takes long, it happens less often, so that it does not keep this process from work.
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
        # What they share counts for each of them in that.
        if sum(sizes.values()) > self.most + self._own and self._is_over(sizes):
            self.over_memory = True
            self.kill()
        self._lower(list(sizes))

    def _is_over(self, sizes: dict[int, int]) -> bool:
        """Whether the processes have too much together, if what they share is divided among them.

        The kernel takes its time to tell that, so it is asked about a few processes each time, those first that it was
        asked about longest ago. Until then, what they have grown by since counts in full.
        """
        self._shares = {process: self._shares.get(process, (0.0, 0, size)) for process, size in sizes.items()}
        end = time.monotonic() + ASKING
        for process in sorted(sizes, key=lambda process: self._shares[process][0]):
            self._ask(process, sizes[process])
            if time.monotonic() > end:
                break
        if self._estimate(sizes) > self.most:
            for process, size in sizes.items():
                if size != self._shares[process][2]:
                    self._ask(process, size)
        return self._estimate(sizes) > self.most

    def _ask(self, process: int, size: int) -> None:
        self._shares[process] = (time.monotonic(), _proportional(process), size)

    def _estimate(self, sizes: dict[int, int]) -> int:
        return sum(share + sizes[process] - before for process, (_, share, before) in self._shares.items())

    def _lower(self, processes: list[int]) -> None:
        """Leave the processor to others: the kernel shares it out among threads, not among notebooks."""
        for process in processes:
            for task in _tasks(process):
                if task != self.learner and task not in self._lowered:
                    with contextlib.suppress(OSError):
                        os.setpriority(os.PRIO_PROCESS, task, LOWEST)
                        self._lowered.add(task)

    def clock(self, seconds: float) -> "Clock":
        """The time of a cell that begins now."""
        return Clock(seconds, lambda: worked(self.learner), lambda: waited(self.learner) + waited(os.getpid()))


class Clock:
    """The time of one cell: what passes, without what its processes have spent waiting for a processor.

    On a busy machine a cell gets more time, then, up to ``BUSIEST`` times as much; but not if its processes keep the
    machine busy themselves, and have worked for all of the time that they may take.

    Args:
        seconds: how much it may take.
        worked: seconds that its processes have worked so far.
        waited: seconds that they have waited for a processor so far.
    """

    def __init__(self, seconds: float, worked: Callable[[], float], waited: Callable[[], float]) -> None:
        self.seconds, self._worked, self._waited = seconds, worked, waited
        self._began, self._worked_before, self._waited_before = time.monotonic(), worked(), waited()

    def passed(self) -> float:
        """Seconds on the wall."""
        return time.monotonic() - self._began

    def excused(self) -> float:
        """Seconds that do not count."""
        if self._worked() - self._worked_before > self.seconds:
            return 0.0
        return max(0.0, min(self._waited() - self._waited_before, (BUSIEST - 1) * self.seconds, self.passed()))

    def left(self) -> float:
        """Seconds that are left, at least."""
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
    """Seconds of processor time of a process, its descendants, and those of them that have ended."""
    total = 0
    for process in tree(root):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(field) for field in fields[11:15])
    return total / _TICK


def _resident(process: int) -> int:
    """Bytes of memory, swapped out or not: quick to tell, but what processes share counts for each of them."""
    return _kilobytes(f"/proc/{process}/status", "VmRSS:", "VmSwap:")


def _proportional(process: int) -> int:
    """Bytes of memory, swapped out or not; what processes share is divided among them."""
    return _kilobytes(f"/proc/{process}/smaps_rollup", "Pss:", "SwapPss:")


def _kilobytes(path: str, *names: str) -> int:
    """The sum of what a file of the kernel's says about ``names``, in bytes; 0 if the process is gone."""
    try:
        lines = [line.split() for line in Path(path).read_text().splitlines()]
        return sum(1024 * int(words[1]) for words in lines if words and words[0] in names)
    except (OSError, ValueError, IndexError):
        return 0
