"""A pair and its rivals: who moves when the pair loses a fact, and how far each then leads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossgraph._types import AnyArray, Float64, Int64
from crossgraph.blocking.candidates import Candidates

# So many rivals of either entity move with the pair; weaker ones stay as they are.
MOST_RIVALS = 8


@dataclass(frozen=True, eq=False)
class Touched:
    """The candidates that share an entity with a pair.

    places (T)       among the candidates; the pair itself first
    ends             left and right entity of each
    others           the left and the right entities that are not the pair's, each once
    outside (T), (T) places of each one's other rivals on the left and on the right, which stay as they are
    """

    pair: tuple[int, int]
    places: Int64
    ends: tuple[tuple[int, int], ...]
    others: tuple[Int64, Int64]
    outside: tuple[tuple[Int64, ...], tuple[Int64, ...]]

    @staticmethod
    def of(candidates: Candidates, pair: tuple[int, int], score: Float64) -> Touched:
        """The pair and its strongest rivals on either side."""
        own = int(candidates.find(np.array(pair[:1]), np.array(pair[1:]))[0])
        rivals = [
            _strongest(np.flatnonzero(column == entity), own, score)
            for column, entity in zip((candidates.left, candidates.right), pair, strict=True)
        ]
        places = np.concatenate([[own], *rivals]).astype(np.int64)
        ends = tuple(zip(candidates.left[places].tolist(), candidates.right[places].tolist(), strict=True))
        left, right = (
            tuple(np.setdiff1d(np.flatnonzero(column == column[place]), places) for place in places)
            for column in (candidates.left, candidates.right)
        )
        others = (
            np.unique([i for i, _ in ends if i != pair[0]]).astype(np.int64),
            np.unique([k for _, k in ends if k != pair[1]]).astype(np.int64),
        )
        return Touched(pair, places, ends, others, (left, right))

    def __len__(self) -> int:
        return len(self.places)

    def rows(self, versions: int) -> tuple[Int64, Int64]:
        """(K, T) row of each version's candidates on either side: first the versions, then the others."""
        return self._numbered(0, versions, versions), self._numbered(1, versions, versions)

    def entities(self, versions: int, kept: tuple[Int64, Int64]) -> tuple[Int64, Int64]:
        """(K, T) place of either side's entity among those kept, where version k stands behind them all."""
        out = []
        for side, known in enumerate(kept):
            ends = np.array([end[side] for end in self.ends], dtype=np.int64)
            rows = np.repeat(np.searchsorted(known, ends)[None, :], versions, axis=0)
            own = ends == self.pair[side]
            rows[:, own] = len(known) + np.arange(versions)[:, None]
            out.append(rows)
        return out[0], out[1]

    def leads(self, values: AnyArray, known: AnyArray) -> tuple[Float64, Float64]:
        """(K, T) of each side: how far a value (K, T) leads the best rival's.

        known (P)   the values of all candidates, for rivals that are not touched
        """
        return self._leads(0, values, known), self._leads(1, values, known)

    def _numbered(self, side: int, versions: int, first: int) -> Int64:
        ends = np.array([end[side] for end in self.ends], dtype=np.int64)
        rows = np.repeat(first + np.searchsorted(self.others[side], ends)[None, :], versions, axis=0)
        rows[:, ends == self.pair[side]] = np.arange(versions)[:, None]
        return rows

    def _leads(self, side: int, values: AnyArray, known: AnyArray) -> Float64:
        ends = np.array([end[side] for end in self.ends])
        out = np.empty(values.shape, dtype=np.float64)
        for at, end in enumerate(ends):
            inside = np.flatnonzero((ends == end) & (np.arange(len(ends)) != at))
            best = known[self.outside[side][at]].max(initial=-np.inf)
            rival = np.maximum(values[:, inside].max(axis=1, initial=-np.inf), best)
            out[:, at] = values[:, at].astype(np.float64) - rival
        return out


def _strongest(places: Int64, own: int, score: Float64) -> Int64:
    rivals = places[places != own]
    strongest: Int64 = rivals[np.argsort(-score[rivals], kind="stable")][:MOST_RIVALS]
    return strongest
