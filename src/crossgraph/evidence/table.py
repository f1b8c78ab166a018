"""The evidence of candidate pairs as one matrix with named columns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from crossgraph._space import IN_MEMORY, Space, let_go
from crossgraph._threads import in_parts
from crossgraph._types import Bool, Float32, Int64
from crossgraph.progress import Advance

# Pairs whose evidence is found at once: what is needed meanwhile takes several times as much as the evidence.
AT_ONCE = 500_000
# Pairs here and there that are looked up at once: each may bring a page of a file into memory.
SCATTERED = 5_000


@dataclass(frozen=True, eq=False)
class EvidenceTable:
    """What is known of each candidate pair before any learning.

    names (F)   column names; the part before the last colon says whose evidence it is
    blocks      the columns, float32 (P, F1), (P, F2), ... side by side: tables of millions of pairs are put
                together without a copy. NaN where a pair has no such evidence (a missing attribute, no
                neighbours)
    """

    names: tuple[str, ...]
    blocks: tuple[Float32, ...]

    def __post_init__(self) -> None:
        shapes = [block.shape for block in self.blocks]
        if (
            any(len(shape) != 2 or shape[0] != shapes[0][0] for shape in shapes)
            or sum(shape[1] for shape in shapes) != len(self.names)
            or not shapes
        ):
            raise ValueError(f"{shapes} values for {len(self.names)} columns")

    def __len__(self) -> int:
        return len(self.blocks[0])

    @staticmethod
    def none(pairs: int) -> EvidenceTable:
        """A table without columns."""
        return EvidenceTable((), (np.zeros((pairs, 0), dtype=np.float32),))

    @staticmethod
    def beside(tables: list[EvidenceTable]) -> EvidenceTable:
        """Several tables of the same pairs as one, over the same memory."""
        names = tuple(name for table in tables for name in table.names)
        return EvidenceTable(names, tuple(block for table in tables for block in table.blocks))

    @staticmethod
    def of(columns: dict[str, Float32], *, space: Space = IN_MEMORY) -> EvidenceTable:
        """A table of named columns, each (P)."""
        values = space.table(len(next(iter(columns.values()))), len(columns))
        for place, column in enumerate(columns.values()):
            values[:, place] = column
        let_go(values)
        return EvidenceTable(tuple(columns), (values,))

    def held(self, space: Space) -> EvidenceTable:
        """The same, where it is to lie."""
        return EvidenceTable(self.names, tuple(space.held(block) for block in self.blocks))

    @property
    def values(self) -> Float32:
        """(P, F) all of it; a copy where there are several blocks."""
        return self.blocks[0] if len(self.blocks) == 1 else self.rows(slice(None))

    def rows(self, places: slice | Bool | Int64) -> Float32:
        """(K, F) the evidence of some pairs."""
        if isinstance(places, slice):
            return self._rows(places)
        chosen = np.arange(len(self))[places]
        found = np.empty((len(chosen), len(self.names)), dtype=np.float32)
        for start in range(0, len(chosen), SCATTERED):
            part = slice(start, start + SCATTERED)
            found[part] = self._rows(chosen[part])
        return found

    def _rows(self, places: slice | Int64) -> Float32:
        found: Float32 = np.concatenate([block[places] for block in self.blocks], axis=1)
        for block in self.blocks:
            let_go(block)
        return found

    @staticmethod
    def by_parts(make: Callable[[slice], dict[str, Float32]], pairs: int, *, space: Space) -> EvidenceTable:
        """The table whose columns are made for ``AT_ONCE`` pairs at a time, each time the same ones."""
        names: tuple[str, ...] = ()
        values: Float32 | None = None
        for place in _parts(pairs):
            columns = make(place)
            if values is None:
                names, values = tuple(columns), space.table(pairs, len(columns))
            for at, column in enumerate(columns.values()):
                values[place, at] = column
            let_go(values)
        assert values is not None  # there is one part at least
        return EvidenceTable(names, (values,))

    @staticmethod
    def filled(
        names: tuple[str, ...],
        fill: Callable[[slice, Float32], None],
        pairs: int,
        *,
        least: int,
        advance: Advance,
        space: Space,
    ) -> EvidenceTable:
        """The table whose rows are filled for ``AT_ONCE`` pairs at a time, by several threads.

        fill    writes the rows (K, F) of some pairs, and lets go of the interpreter
        least   pairs of a thread: with fewer it is not worth its start
        """
        values = space.table(pairs, len(names))

        def fill_one(part: slice, start: int) -> None:
            rows = slice(start + part.start, start + part.stop)
            fill(rows, values[rows])

        for place in _parts(pairs):
            in_parts(partial(fill_one, start=place.start), place.stop - place.start, least=least)
            advance(place.stop - place.start)
            let_go(values)
        return EvidenceTable(names, (values,))

    def fingerprint(self) -> str:
        """The same for the same names and values, however they lie in blocks."""
        total = hashlib.sha256(repr((self.names, len(self))).encode())
        for place in _parts(len(self)):
            total.update(self.rows(place).data)
        return total.hexdigest()

    def named(self, how: str) -> EvidenceTable:
        """The same with a word before each name."""
        return EvidenceTable(tuple(f"{how} {name}" for name in self.names), self.blocks)

    def arranged(self, names: tuple[str, ...]) -> EvidenceTable:
        """The columns of another table's names, in that order; NaN where this table has none."""
        if names == self.names:
            return self
        columns = [column for block in self.blocks for column in block.T]
        at = {name: place for place, name in enumerate(self.names)}
        values = np.full((len(self), len(names)), np.nan, dtype=np.float32)
        for place, name in enumerate(names):
            if name in at:
                values[:, place] = columns[at[name]]
        return EvidenceTable(names, (values,))


def _parts(pairs: int) -> list[slice]:
    """``AT_ONCE`` pairs each; one part at least."""
    return [slice(start, min(start + AT_ONCE, pairs)) for start in range(0, max(pairs, 1), AT_ONCE)]
