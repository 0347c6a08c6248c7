"""Memory in large pages, so that a fork of the warm process copies few page-table entries and a child frees few."""

import contextlib
import ctypes
import sys
from pathlib import Path

#: From ``linux/mman.h``, since Linux 6.1.
MADV_COLLAPSE = 25
LARGE = 2 * 1024 * 1024


def gather() -> None:
    """Have the kernel move this process's own memory into large pages where it can. Only Linux does this.

    Measured on the warm process, which has 440 MB of its own: a fork and its end cost 21 to 28 ms of CPU before, 8 ms
    after. Memory that a child writes to is still copied in small pages.
    """
    if sys.platform != "linux":
        return
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            place, rights, _, _, _, *file = line.split(maxsplit=5)
            first, end = (int(address, 16) for address in place.split("-"))
            start, stop = -(-first // LARGE) * LARGE, end // LARGE * LARGE
            if "w" in rights and file in ([], ["[heap]"]) and stop > start:
                madvise(start, stop - start, MADV_COLLAPSE)
