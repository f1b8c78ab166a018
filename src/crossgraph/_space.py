"""Where large tables lie: in memory, or in files where a run may not take as much."""

from __future__ import annotations

import mmap
import os
import re
import tempfile
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from crossgraph._types import AnyArray, Float32

# A table that takes more than this share of the memory that a run may use lies in a file.
LARGE = 0.03
# Bytes that are brought to disk together.
PIECE = 64 * 2**20
_UNITS = {"": 1, **{f"{letter}B": 1000**power for power, letter in enumerate("KMGT", start=1)}}
_UNITS |= {f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", start=1)}


def size_of(text: str) -> int | None:
    """Bytes of a size such as 8GB (10**9 bytes each) or 512MiB (2**20 each); None where it is none."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]i?B)?", text.strip(), re.IGNORECASE)
    if found is None:
        return None
    units = {name.lower(): size for name, size in _UNITS.items()}
    return int(float(found[1]) * units[(found[2] or "").lower()])


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

    def held(self, table: Float32) -> Float32:
        """A table that is there already, where it is to lie."""
        placed = self.table(*table.shape)
        if not isinstance(placed, np.memmap):
            return table
        placed[:] = table
        let_go(placed)
        return placed


IN_MEMORY = Space()


def let_go(table: AnyArray) -> None:
    """Of a table in a file, nothing needs to stay in memory for now; of another one, nothing happens."""
    held = getattr(table, "_mmap", None)
    if held is not None and hasattr(mmap, "MADV_DONTNEED"):
        held.madvise(mmap.MADV_DONTNEED)


class PassingFile(FileIO):
    """A file to be written that takes hardly any memory of the system, however large it becomes.

    The system keeps what is written in all the memory that is free. To clear and fill that costs more than to
    bring the same 64 MiB to disk again and again, and whoever reads the file will do so after this run.
    """

    _written = 0

    def write(self, data: Any, /) -> int:
        """As of any file; what is on disk is let go of."""
        count = super().write(data)
        self._written += count
        if self._written >= PIECE and hasattr(os, "posix_fadvise"):
            os.fdatasync(self.fileno())
            os.posix_fadvise(self.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            self._written = 0
        return count
