"""The evidence of candidate pairs as one matrix with named columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossgraph._types import Float32


@dataclass(frozen=True, eq=False)
class EvidenceTable:
    """What is known of each candidate pair before any learning.

    names (F)       column names; the part before the last colon says whose evidence it is
    values (P, F)   float32; NaN where a pair has no such evidence (a missing attribute, no neighbours)
    """

    names: tuple[str, ...]
    values: Float32

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError(f"{self.values.shape} values for {len(self.names)} columns")

    @staticmethod
    def none(pairs: int) -> EvidenceTable:
        """A table without columns."""
        return EvidenceTable((), np.zeros((pairs, 0), dtype=np.float32))

    @staticmethod
    def beside(tables: list[EvidenceTable]) -> EvidenceTable:
        """Several tables of the same pairs as one."""
        names = tuple(name for table in tables for name in table.names)
        return EvidenceTable(names, np.concatenate([table.values for table in tables], axis=1))

    @staticmethod
    def of(columns: dict[str, Float32]) -> EvidenceTable:
        """A table of named columns, each (P)."""
        return EvidenceTable(tuple(columns), np.stack(list(columns.values()), axis=1).astype(np.float32))

    def arranged(self, names: tuple[str, ...]) -> EvidenceTable:
        """The columns of another table's names, in that order; NaN where this table has none."""
        at = {name: place for place, name in enumerate(self.names)}
        empty = np.full(len(self.values), np.nan, dtype=np.float32)
        columns = [self.values[:, at[name]] if name in at else empty for name in names]
        return EvidenceTable(names, np.stack(columns, axis=1))
