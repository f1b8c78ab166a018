"""The carrier of blocking: which pairs are worth scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numba import njit

from crossgraph._types import AnyArray, Bool, Float32, Int32, Int64
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.sorting import firsts
from crossgraph.schema.seeds import EntityPairs, type_codes


@dataclass(frozen=True, eq=False)
class Candidates:
    """Candidate pairs, each once, sorted by (left, right).

    left, right (P)   entity numbers
    name (P)          best cosine of their names in [0, 1]; 0 where no name proposed the pair
    structure (P)     weight of their similar neighbours, >= 0; NaN where it is not known yet
    prior (P)         log-odds of a quick estimate up to a constant, see ``blocking.prior``
    proposed (P)      True where blocking proposed the pair, False where it was only asked for
    """

    left: Int32
    right: Int32
    name: Float32
    structure: Float32
    prior: Float32
    proposed: Bool

    def __len__(self) -> int:
        return len(self.left)

    @staticmethod
    def of_pairs(
        left: AnyArray, right: AnyArray, name: AnyArray | float = 0.0, structure: AnyArray | float = np.nan
    ) -> Candidates:
        """Pairs in any order, perhaps repeated (the largest of what is known stays), with no prior yet."""
        keys = pair_keys(np.asarray(left), np.asarray(right))
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        first = firsts(keys)
        pairs = keys[first]
        return Candidates(
            left=(pairs >> 32).astype(np.int32),
            right=pairs.astype(np.int32),
            name=_largest(name, order, first),
            structure=_largest(structure, order, first),
            prior=np.zeros(len(pairs), dtype=np.float32),
            proposed=np.ones(len(pairs), dtype=bool),
        )

    @staticmethod
    def united_frame(frame: pl.DataFrame) -> Candidates:
        """Each pair of a table (left, right, name) once, with its largest name cosine."""
        return Candidates.of_pairs(*(frame[column].to_numpy() for column in ("left", "right", "name")))

    @staticmethod
    def united(*parts: Candidates) -> Candidates:
        """The pairs of some sets, each once; the prior is to be weighed anew."""
        parts = tuple(part for part in parts if len(part))
        if not parts:
            return Candidates.of_pairs(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32))
        if len(parts) == 1:
            whole = parts[0]
            nothing = np.zeros(len(whole), dtype=np.float32)
            return replace(whole, prior=nothing, proposed=np.ones(len(whole), dtype=bool))
        columns = ("left", "right", "name", "structure")
        return Candidates.of_pairs(
            *(np.concatenate([getattr(part, column) for part in parts]) for column in columns)
        )

    @staticmethod
    def stacked(parts: list[Candidates]) -> Candidates:
        """Sets that share no pair, as one sorted set with all columns kept."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return Candidates.of_pairs(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32))
        if len(parts) == 1:
            return parts[0]
        # The parts are sorted, and to a stable sort of whole numbers they are runs to merge.
        order = np.argsort(np.concatenate([part._keys for part in parts]), kind="stable")
        return Candidates(
            *(
                np.concatenate([getattr(part, column) for part in parts])[order]
                for column in ("left", "right", "name", "structure", "prior", "proposed")
            )
        )

    def end(self, side: int) -> Int32:
        """(P) the left (0) or the right (1) entity of each pair."""
        return self.right if side else self.left

    @property
    def _keys(self) -> Int64:
        """(P) each pair as one number, in the order of the pairs."""
        return pair_keys(self.left, self.right)

    def take(self, kept: Bool | Int64) -> Candidates:
        """The pairs at some places (a mask, or places in the wanted order)."""
        return Candidates(
            self.left[kept],
            self.right[kept],
            self.name[kept],
            self.structure[kept],
            self.prior[kept],
            self.proposed[kept],
        )

    def find(self, left: AnyArray, right: AnyArray) -> Int64:
        """The place of each given pair; -1 where it is no candidate."""
        wanted = pair_keys(np.asarray(left), np.asarray(right))
        return _found(self.left, self.right, wanted)

    def without(self, pairs: EntityPairs) -> Candidates:
        """The given pairs that are not among these, each once, with nothing weighed yet."""
        absent = self.find(pairs.left, pairs.right) < 0
        asked = Candidates.of_pairs(pairs.left[absent], pairs.right[absent])
        return replace(asked, proposed=np.zeros(len(asked), dtype=bool))

    def recall(self, left: AnyArray, right: AnyArray) -> float:
        """Share of the given matching pairs that blocking proposed (pair completeness); NaN for none."""
        if not len(left):
            return float("nan")
        places = self.find(left, right)
        return float(self.proposed[places[places >= 0]].sum()) / len(left)


@dataclass(frozen=True, eq=False)
class PairTypes:
    """The type of each candidate: that of its left entity.

    names       of the types
    codes (P)   the place of each pair's among them
    """

    names: tuple[str, ...]
    codes: Int32

    @staticmethod
    def of(candidates: Candidates, graph: KnowledgeGraph) -> PairTypes:
        """The primary types in the left graph."""
        names, codes = type_codes(graph)
        return PairTypes(names, codes[candidates.left])

    @staticmethod
    def named(types: pl.Series) -> PairTypes:
        """From the (P) name of each pair's type."""
        names = types.unique().sort()
        return PairTypes(tuple(names), names.search_sorted(types).to_numpy().astype(np.int32))

    @staticmethod
    def stacked(parts: Sequence[PairTypes]) -> PairTypes:
        """The types of several sets of pairs, one set after the other."""
        names = tuple(dict.fromkeys(name for part in parts for name in part.names))
        places = [np.array([names.index(name) for name in part.names], dtype=np.int32) for part in parts]
        codes = [place[part.codes] for place, part in zip(places, parts, strict=True)]
        return PairTypes(names, np.concatenate(codes))

    def told(self, of_types: Mapping[str, float], default: float) -> AnyArray:
        """(P) what is told of each pair's type."""
        values = [of_types.get(name, default) for name in self.names]
        # With the default, there is one where there are no types too.
        return np.array([*values, default])[self.codes]

    def at(self, places: Int64) -> AnyArray:
        """(K) the names of some pairs' types."""
        return np.array(self.names, dtype=object)[self.codes[places]]

    def series(self) -> pl.Series:
        """(P) the names of all."""
        return pl.Series("type", self.names, dtype=pl.String).gather(self.codes)


def _largest(values: AnyArray | float, order: Int64, first: Int64) -> Float32:
    """(P) the largest of each pair, NaN where none is known; of one value for all, that.

    order, first   as pairs are sorted, and where each begins
    """
    if np.ndim(values) == 0:
        return np.full(len(first), values, dtype=np.float32)
    sorted_values = np.asarray(values, dtype=np.float32)[order]
    largest: Float32 = sorted_values if len(first) == len(order) else np.fmax.reduceat(sorted_values, first)
    return largest


def pair_keys(left: AnyArray, right: AnyArray) -> Int64:
    """(P) pairs of numbers from 0 on as one number each, in the order of (left, right)."""
    keys: Int64 = left.astype(np.int64) << 32 | right
    return keys


@njit(cache=True, nogil=True)
def _found(left: Int32, right: Int32, wanted: Int64) -> Int64:
    """(K) where each pair, as one number, stands among sorted pairs (P), of which no number is made.

    Each is looked for from where the one before stood, in steps that double: what is sorted is found at once.
    """
    out, low = np.empty(len(wanted), dtype=np.int64), 0
    for at in range(len(wanted)):
        key = wanted[at]
        if low and _key(left, right, low - 1) >= key:
            low = 0
        high, step = low, 1
        while high < len(left) and _key(left, right, high) < key:
            low, high, step = high + 1, high + step, 2 * step
        high = min(high, len(left))
        while low < high:
            middle = (low + high) // 2
            if _key(left, right, middle) < key:
                low = middle + 1
            else:
                high = middle
        out[at] = low if low < len(left) and _key(left, right, low) == key else -1
    return out


@njit(cache=True, nogil=True)
def _key(left: Int32, right: Int32, at: int) -> np.int64:
    return (np.int64(left[at]) << 32) | np.int64(right[at])
