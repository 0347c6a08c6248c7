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
    """Do ``work`` on each item in threads; yields each item with its future as soon as that is done.

    A slow consumer is not flooded: at most ``2 * workers`` items have been begun and not yet consumed.
    If the consumer ends early (close the iterator: ``contextlib.closing``), nothing more is begun, and running work is
    stopped.

    Args:
        work: what to do; if it raises, the exception is in the future.
        items: what to do it to.
        workers: how many at a time.
        stop: makes running calls of ``work`` end soon; called until they have ended.
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
            # A thread may be just about to begin its work, so the order to stop is repeated until all have ended.
            while running := [future for future in begun if not future.done()]:
                stop()
                wait(running, timeout=0.1)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let the block end before Ctrl-C takes effect.

    Does nothing outside the main thread, because only that receives Ctrl-C, or where Ctrl-C is ignored.
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
