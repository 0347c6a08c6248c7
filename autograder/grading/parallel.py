"""Work on several submissions at a time, one consumer, and Ctrl-C that leaves nothing half done."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

Item, Done = TypeVar("Item"), TypeVar("Done")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parallel(
    work: Callable[[Item], Done], items: list[Item], workers: int, stop: Callable[[], None]
) -> Iterator[tuple[Item, Future[Done]]]:
    """Do ``work`` on each item in threads; gives each item with its future as soon as that is done.

    A consumer that is slower than the workers is not run over: at most ``2 * workers`` items are begun and not taken.
    If the consumer ends early (close the iterator: ``contextlib.closing``) nothing more is begun, and what runs is
    stopped.

    Args:
        work: what to do; an exception of it is in the future.
        items: what to do it on.
        workers: how many at a time.
        stop: makes running calls of ``work`` end soon; called until they have.
    """
    waiting = iter(items)
    with ThreadPoolExecutor(workers) as pool:
        begun = {pool.submit(work, item): item for item in islice(waiting, 2 * workers)}
        try:
            while begun:
                for future in wait(begun, return_when=FIRST_COMPLETED).done:
                    item = begun.pop(future)
                    begun |= {pool.submit(work, following): following for following in islice(waiting, 1)}
                    yield item, future
        finally:
            for future in begun:
                future.cancel()
            # A thread may be about to begin its work when it is stopped: so it is told again until all have ended.
            while running := [future for future in begun if not future.done()]:
                stop()
                wait(running, timeout=0.1)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let the block end before Ctrl-C takes effect.

    Nothing changes outside the main thread, which alone gets it, or where it has no effect.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    held = []
    signal.signal(signal.SIGINT, lambda number, frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held:
            raise KeyboardInterrupt
