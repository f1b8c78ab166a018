"""Keep freed memory for the next batch instead of giving it back to the system each time."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
# What glibc takes for _MMAP_MAX if nobody says otherwise.
_USUAL_MAPPINGS = 65_536
# Of _TRIM_THRESHOLD: so many bytes at the end of the heap stay, or all.
_SOME, _ALL = 512 * 2**20, -1


def keep_freed_memory() -> bool:
    """Raise glibc's thresholds for returning memory; True where that was possible.

    Batches allocate and free the same megabytes thousands of times. By default glibc returns each to the
    system and faults it in again, which took a third of the CPU time of training and scoring. Elsewhere
    than on glibc nothing is done.
    """
    libc = _glibc()
    return (
        libc is not None
        and bool(libc.mallopt(_MMAP_THRESHOLD, 32 * 2**20))
        and bool(libc.mallopt(_TRIM_THRESHOLD, _SOME))
    )


@contextmanager
def one_heap() -> Iterator[None]:
    """Within it glibc keeps all that is freed, and gives it back at its end; from then on it keeps ``_SOME``.

    Columns of ten million numbers come and go in the reading of a large graph, and the system would clear
    each page by page: a seventh of its CPU time. What is freed leaves holes: blocking a million entities so
    takes a fifth more memory.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, _ALL)
    try:
        yield
    finally:
        libc.mallopt(_MMAP_MAX, _USUAL_MAPPINGS)
        libc.mallopt(_TRIM_THRESHOLD, _SOME)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt, libc.malloc_trim  # noqa: B018 - looked up, as another libc has neither
    except (OSError, AttributeError):
        return None
    return libc
