"""Keep freed memory for the next batch instead of giving it back to the system each time."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_freed_memory() -> bool:
    """Raise glibc's thresholds for returning memory; True where that was possible.

    Batches allocate and free the same megabytes thousands of times. By default glibc returns each to the
    system and faults it in again, which took a third of the CPU time of training and scoring. Elsewhere
    than on glibc nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, 32 * 2**20)) and bool(mallopt(_TRIM_THRESHOLD, 512 * 2**20))
