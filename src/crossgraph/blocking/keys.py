"""Candidates that share values: rare ones, and any for entities whose names find nobody near."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from crossgraph._types import AnyArray, Bool, Float32, Float64, Int64
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.products import Nearest, nearest_rows, turned_rows, within_reach
from crossgraph.blocking.ranking import largest
from crossgraph.blocking.singles import Alone, Sides
from crossgraph.features.description import AttributeColumn, Description, column_of
from crossgraph.graphs.sorting import firsts
from crossgraph.schema.mapping import SchemaMapping

# Who finds nobody whose name has this cosine or more may have another name on the other side.
POOR = 0.5
# Partners that are looked up for each who asks; as many may share no more than a town.
MOST = 50
# Who shares a value that no more entities of either side have is a candidate whatever its name.
FEW = 2


def poorly_named(by_name: Candidates, sides: Sides) -> Sides:
    """(E), (E') entities of two types whose names find nobody of nearly their name."""
    left, right = (
        members & (largest(by_name.end(side), by_name.name, len(members)) < POOR)
        for side, members in enumerate(sides)
    )
    return left, right


@dataclass(frozen=True, eq=False)
class KeyLookups:
    """Who shares values with whom, but for names.

    names   the attributes of each side that are names
    sizes   how many entities there are
    """

    description: Description
    schema: SchemaMapping
    names: tuple[set[str], set[str]]
    sizes: tuple[int, int]

    def candidates(
        self, sides: Sides, asking: Sides, *, top: int = MOST, nearest: Nearest = nearest_rows
    ) -> Candidates:
        """The pairs that share most, a value weighing the more the rarer it is on the side that is asked.

        Of those that share as much as many others, so that there is no room for all, there is none.

        sides    (E), (E') who is to be compared
        asking   (E), (E') who asks
        top      partners for each that asks
        """
        parts = []
        for mine in (0, 1):
            asks, known = np.flatnonzero(asking[mine]), np.flatnonzero(sides[1 - mine])
            if not len(asks):
                continue
            rows, weight = self._rows
            ours, theirs = rows[mine][asks], rows[1 - mine][known]
            holders = np.bincount(theirs.indices, minlength=theirs.shape[1])
            rarity = weight * np.log1p(len(known) / np.maximum(holders, 1))
            ours.data = rarity[ours.indices].astype(np.float32)
            turned = turned_rows(theirs)
            found = nearest(within_reach(ours, turned), turned, top + 1)
            row, column, _ = (one[_without_cut_ties(found[0], found[2], top)] for one in found)
            ends = asks[row], known[column]
            parts.append(Candidates.of_pairs(ends[mine], ends[1 - mine]))
        return Candidates.united(*parts)

    def by_rare_values(self, sides: Sides, alone: Alone = (True, True)) -> Candidates:
        """The pairs that share a value which at most ``FEW`` entities of either side have, such as a key.

        sides   (E), (E') who is to be compared
        alone   where a right entity may have several partners, many left ones may have its value; and so on
        """
        members = [np.flatnonzero(side) for side in sides]
        held = [rows[who] for rows, who in zip(self._rows[0], members, strict=True)]
        counts = [np.bincount(rows.indices, minlength=rows.shape[1]) for rows in held]
        few = [one <= FEW for one in counts]
        kept = (few[0] | few[1]) & (few[0] | (not alone[1])) & (few[1] | (not alone[0]))
        rare = np.flatnonzero(kept & (np.minimum(*counts) > 0))
        left, right = (rows[:, rare] for rows in held)
        found = (left @ right.T).tocoo()
        return Candidates.of_pairs(members[0][found.row], members[1][found.col])

    @cached_property
    def _rows(self) -> tuple[tuple[sparse.csr_matrix, sparse.csr_matrix], Float64]:
        """(E, K), (E', K) a column for each value of mapped attributes that both graphs hold; (K) weights."""
        weights = [np.zeros(0)]
        # Entity and column of what each side holds.
        held: list[list[tuple[AnyArray, Int64]]] = [[], []]
        keys = 0
        for mapping in self.schema.attributes:
            a = column_of(self.description.left, mapping.left)
            b = column_of(self.description.right, mapping.right)
            if a is None or b is None or (a.name in self.names[0] and b.name in self.names[1]):
                continue
            (entities, values), (others, other_values) = _comparable(a, b)
            common = np.intersect1d(values, other_values)
            for parts, who, what in ((held[0], entities, values), (held[1], others, other_values)):
                kept = np.isin(what, common)
                parts.append((who[kept], np.searchsorted(common, what[kept]) + keys))
            weights.append(np.full(len(common), mapping.weight))
            keys += len(common)
        left, right = (_matrix(parts, (size, keys)) for parts, size in zip(held, self.sizes, strict=True))
        return (left, right), np.concatenate(weights)


def _without_cut_ties(rows: Int64, weight: Float32, top: int) -> Bool:
    """(S) pairs of each row that weigh more than the first one for which there is no room.

    rows (S)   ascending; of each at most ``top + 1`` pairs
    """
    if not len(rows):
        return np.zeros(0, dtype=bool)
    first = firsts(rows)
    counts = np.diff(np.r_[first, len(rows)])
    least = np.where(counts > top, np.minimum.reduceat(weight, first), -np.inf)
    return weight > np.repeat(least, counts)


def _comparable(
    a: AttributeColumn, b: AttributeColumn
) -> tuple[tuple[AnyArray, AnyArray], tuple[AnyArray, AnyArray]]:
    """Entities and values of both that are there: numbers where both are, else texts."""
    sides: list[tuple[AnyArray, AnyArray]] = []
    for one in (a, b):
        values: AnyArray = one.values if a.kind == b.kind != "text" else one.texts
        there = np.isfinite(values) if values is one.values else values > 0
        sides.append((one.entities[there], values[there]))
    return sides[0], sides[1]


def _matrix(parts: list[tuple[AnyArray, Int64]], shape: tuple[int, int]) -> sparse.csr_matrix:
    """(E, K) ones where an entity holds a value, however often."""
    if not parts:
        return sparse.csr_matrix(shape, dtype=np.float32)
    rows, columns = (np.concatenate(ends) for ends in zip(*parts, strict=True))
    found = sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    found.data[:] = 1.0
    return found
