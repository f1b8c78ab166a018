"""Where large tables lie, and what becomes of freed memory."""

from __future__ import annotations

import ctypes
import mmap
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossgraph._types import Float32

# A table that takes more than this share of the memory that a run may use lies in a file.
LARGE = 0.05
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


@dataclass(frozen=True)
class Space:
    """Where large tables lie: in memory, or in files where the budget of a run has no room for them.

    folder   for the files, which vanish with the tables
    budget   bytes that the run may take; None for all that there are
    """

    folder: Path | None = None
    budget: int | None = None

    def table(self, rows: int, columns: int) -> Float32:
        """A float32 table (rows, columns) of anything."""
        size = 4 * rows * columns
        if self.budget is None or size <= LARGE * self.budget:
            return np.empty((rows, columns), dtype=np.float32)
        with tempfile.TemporaryFile(dir=self.folder) as file:
            return np.memmap(file, dtype=np.float32, mode="w+", shape=(rows, columns))


IN_MEMORY = Space()


def let_go(table: Float32) -> None:
    """Of a table in a file, nothing needs to stay in memory for now; of another one, nothing happens."""
    held = getattr(table, "_mmap", None)
    if held is not None and hasattr(mmap, "MADV_DONTNEED"):
        held.madvise(mmap.MADV_DONTNEED)
