"""What each stage of a run costs."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

StageCost: TypeAlias = dict[str, Any]
"""A row of the report: stage, seconds, cpu_seconds, peak_memory_mib; ``reused`` if it was had from disk."""


@dataclass
class StageClock:
    """Seconds, CPU seconds (user + system, with children) and peak memory of named stages, in order."""

    stages: list[StageCost] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[StageCost]:
        """Measure one stage; yields its row, to which the block may add what else is to be told of it."""
        wall, cpu = time.perf_counter(), cpu_seconds()
        row: StageCost = {"stage": name}
        try:
            yield row
        finally:
            row["seconds"] = round(time.perf_counter() - wall, 3)
            row["cpu_seconds"] = round(cpu_seconds() - cpu, 3)
            row["peak_memory_mib"] = round(peak_memory_mib(), 1)
            self.stages.append(row)


def cpu_seconds() -> float:
    """CPU seconds of this process and its finished children since its start."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_memory_mib() -> float:
    """Largest resident size of this process so far, without what it has from the one that started it."""
    status = Path("/proc/self/status")
    # Linux hands the peak of the parent on to a child; the status file tells that of the program alone.
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024.0 if sys.platform != "darwin" else peak / 1024.0**2
