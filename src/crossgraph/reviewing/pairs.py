"""The scored pairs of a result as columns of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from crossgraph._types import Bool, Float64, Int32, Int64, Side
from crossgraph.blocking.candidates import PairTypes
from crossgraph.cardinality import ONE_TO_ONE, Cardinality, single
from crossgraph.errors import ResultError
from crossgraph.graphs.graph import KnowledgeGraph


@dataclass(frozen=True, eq=False)
class PairTable:
    """Every scored pair once.

    left, right (P)   entity numbers        probability (P)   of the model
    matched (P)       whether the model calls the pair the same
    types (P)         numbers of type_names
    alone             (P) whether its left entity has at most one partner, and whether its right one has
    """

    left: Int32
    right: Int32
    probability: Float64
    matched: Bool
    types: Int32
    type_names: tuple[str, ...]
    alone: tuple[Bool, Bool]

    @staticmethod
    def of(
        scores: pl.DataFrame,
        matches: pl.DataFrame,
        graphs: tuple[KnowledgeGraph, KnowledgeGraph],
        cardinalities: Mapping[str, Cardinality] = ONE_TO_ONE,
    ) -> PairTable:
        """The pairs of a RESULT's tables. Raises ResultError if the graphs lack an entity of them."""
        both = scores.select("left", "right", "type", "probability").join(
            matches.select("left", "right", matched=pl.lit(value=True)),
            on=["left", "right"],
            how="left",
            maintain_order="left",
        )
        left, right = (
            graph.positions(both[side]) for graph, side in zip(graphs, ("left", "right"), strict=True)
        )
        unknown = np.flatnonzero((left < 0) | (right < 0))
        if len(unknown):
            pair = both.row(int(unknown[0]), named=True)
            raise ResultError(
                f"the graphs do not have {pair['left']!r} or {pair['right']!r}, a pair of the result",
                hint="name the graphs that the result was made of with --graphs LEFT RIGHT",
            )
        types = PairTypes.named(both["type"])
        return PairTable(
            left=left,
            right=right,
            probability=both["probability"].to_numpy(),
            matched=both["matched"].fill_null(value=False).to_numpy(),
            types=types.codes,
            type_names=types.names,
            alone=single(cardinalities, types),
        )

    def __len__(self) -> int:
        return len(self.left)

    def find(self, left: int, right: int) -> int:
        """The row of a pair, -1 if it was not scored."""
        rows = self.candidates("left", left)
        found = rows[self.right[rows] == right]
        return int(found[0]) if len(found) else -1

    def candidates(self, side: Side, entity: int) -> Int64:
        """The rows of the candidates of an entity, the likeliest first."""
        order, starts = self._by_left if side == "left" else self._by_right
        if entity < 0 or entity + 1 >= len(starts):
            return np.zeros(0, dtype=np.int64)
        return order[starts[entity] : starts[entity + 1]]

    def between(self, lefts: Int32, rights: Int32) -> Int64:
        """The rows of all pairs of one of these left and one of these right entities."""
        order, starts = self._by_left
        lefts = lefts[lefts < len(starts) - 1]
        sizes = starts[lefts + 1] - starts[lefts]
        within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows: Int64 = order[np.repeat(starts[lefts], sizes) + within]
        return rows[np.isin(self.right[rows], rights)]

    @cached_property
    def rivals(self) -> Float64:
        """(P) the probability of the likeliest other candidate of either entity; 0 where there is none."""
        best = np.zeros(len(self))
        for ends, (order, starts) in ((self.left, self._by_left), (self.right, self._by_right)):
            first = np.full(len(starts), 0.0)
            second = np.full(len(starts), 0.0)
            sizes = np.diff(starts)
            there = np.flatnonzero(sizes > 0)
            first[there] = self.probability[order[starts[there]]]
            several = np.flatnonzero(sizes > 1)
            second[several] = self.probability[order[starts[several] + 1]]
            leads = np.zeros(len(self), dtype=np.bool_)
            leads[order[starts[there]]] = True
            best = np.maximum(best, np.where(leads, second[ends], first[ends]))
        return best

    @cached_property
    def _by_left(self) -> tuple[Int64, Int64]:
        return _grouped(self.left, self.probability)

    @cached_property
    def _by_right(self) -> tuple[Int64, Int64]:
        return _grouped(self.right, self.probability)


def _grouped(ends: Int32, probability: Float64) -> tuple[Int64, Int64]:
    """Rows by entity and falling probability, and where each entity begins."""
    order = np.lexsort((np.arange(len(ends)), -probability, ends)).astype(np.int64)
    size = int(ends.max(initial=-1)) + 1
    return order, np.searchsorted(ends[order], np.arange(size + 1)).astype(np.int64)
