"""How many threads the compiled kernels may use."""

from __future__ import annotations

import os


def threads() -> int:
    """The cores that this process may run on (its affinity mask), fewer where ``OMP_NUM_THREADS`` says so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(cores, int(said)) if said.isdecimal() and int(said) else cores
