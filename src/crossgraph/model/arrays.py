"""Both graphs as networks read them, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import sparse

from crossgraph._types import AnyArray, Bool, Float32, Int32, Int64
from crossgraph.features.tokens import EntityTokens
from crossgraph.graphs.sorting import marked
from crossgraph.sampling import Neighbourhoods


@dataclass(frozen=True, eq=False)
class SideArrays:
    """What networks read of one graph.

    facts                         see ``EntityTokens``
    types (E, T)                  slots of its types; -1 where padded
    neighbours, relations, mask (E, N)   sampled neighbourhoods; relations in network directions
    rarity (E)                    how telling it is to be beside it: falls with its edges
    """

    facts: EntityTokens
    types: Int32
    neighbours: Int32
    relations: Int32
    mask: Bool
    rarity: Float32

    @staticmethod
    def of(
        facts: EntityTokens, types: Int32, around: Neighbourhoods, *, edges: Int64, directions: Int32
    ) -> SideArrays:
        """One side.

        edges (E)         how many edges each entity has in the whole graph
        directions (2R)   translates directed relations to the network's
        """
        relations = directions[around.relations] if len(directions) else around.relations
        rarity = (1.0 / (0.5 + np.log1p(edges))).astype(np.float32)
        return SideArrays(facts, types, around.neighbours, relations.astype(np.int32), around.mask, rarity)

    def __len__(self) -> int:
        return len(self.mask)

    def with_neighbours(self, entities: AnyArray) -> Int64:
        """Some entities and all their sampled neighbours, distinct, ascending."""
        reached = marked(entities, len(self))
        reached[self.neighbours[entities][self.mask[entities]]] = True
        return np.flatnonzero(reached)


@dataclass(frozen=True, eq=False)
class HeldLikeness:
    """How alike two entities of different sides are known to be beforehand; 0 for pairs that are not held.

    keys (S)     left * 2**32 + right, ascending
    values (S)   in [0, 1]
    """

    keys: Int64
    values: Float32

    @staticmethod
    def of(alike: sparse.csr_matrix) -> HeldLikeness:
        """From a matrix (left entities, right entities)."""
        held = alike.tocoo()
        keys = held.row.astype(np.int64) << 32 | held.col.astype(np.int64)
        order = np.argsort(keys)
        return HeldLikeness(keys[order], np.clip(held.data[order], 0.0, 1.0).astype(np.float32))

    def between(self, left: Int32, right: Int32) -> Float32:
        """(P, N, M) of every left entity (P, N) with every right one (P, M)."""
        found: Float32 = _between(self.keys, self.values, left, right)
        return found


@njit(cache=True, nogil=True)
def _between(keys: Int64, values: Float32, left: Int32, right: Int32) -> Float32:
    out = np.zeros((*left.shape, right.shape[1]), dtype=np.float32)
    for pair in range(len(left)):
        for n in range(left.shape[1]):
            one = np.int64(left[pair, n])
            # What is known of a left entity is little: to look through it is faster than to search for each.
            at = np.searchsorted(keys, one << 32)
            while at < len(keys) and keys[at] >> 32 == one:
                for m in range(right.shape[1]):
                    if right[pair, m] == keys[at] & 0xFFFFFFFF:
                        out[pair, n, m] = values[at]
                at += 1
    return out


@dataclass(frozen=True, eq=False)
class PairArrays:
    """Both graphs, the sketch (S, T) of the strings that they share, and whose names are alike."""

    left: SideArrays
    right: SideArrays
    sketch: Float32
    likeness: HeldLikeness

    @property
    def sides(self) -> tuple[SideArrays, SideArrays]:
        """Left and right."""
        return self.left, self.right
