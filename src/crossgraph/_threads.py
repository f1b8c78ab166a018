"""How many threads the compiled kernels may use."""

from __future__ import annotations

import os


def threads() -> int:
    """The cores that this process may run on: those of its affinity mask, where the system has one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
