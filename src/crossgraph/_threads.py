"""How many threads the compiled kernels may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def threads() -> int:
    """The cores that this process may run on (its affinity mask), fewer where ``OMP_NUM_THREADS`` says so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(cores, int(said)) if said.isdecimal() and int(said) else cores


def in_parts(work: Callable[[slice], T], rows: int, *, least: int) -> list[T]:
    """The results of a kernel that lets go of the interpreter, for consecutive parts of some rows, in order.

    least   rows of a part: with fewer, a thread is not worth its start
    """
    size = max(least, -(-rows // threads()))
    parts = [slice(start, min(start + size, rows)) for start in range(0, rows, size)] or [slice(0, 0)]
    if len(parts) == 1:
        return [work(parts[0])]
    with ThreadPoolExecutor(len(parts)) as pool:
        return list(pool.map(work, parts))


def side_by_side(work: Callable[[int], T], numbers: range) -> list[T]:
    """The results of independent pieces of work that let go of the interpreter, each on one thread."""
    if len(numbers) == 1:
        return [work(numbers[0])]
    with ThreadPoolExecutor(threads()) as pool:
        return list(pool.map(work, numbers))
