"""Candidates that share values, for entities whose names find nobody of nearly their name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from crossgraph._types import AnyArray, Bool, Float64, Int64
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.names import name_attributes
from crossgraph.blocking.products import Nearest, nearest_rows, turned_rows, within_reach
from crossgraph.features.description import AttributeColumn, Description, column_of
from crossgraph.schema.mapping import SchemaMapping

# Who finds nobody whose name has this cosine or more may have another name on the other side.
POOR = 0.5

_Sides = tuple[Bool, Bool]


def poorly_named(by_name: Candidates, sides: _Sides) -> _Sides:
    """(E), (E') entities of two types whose names find nobody of nearly their name."""
    poor = []
    for side, members in enumerate(sides):
        best = np.zeros(len(members), dtype=np.float32)
        np.maximum.at(best, by_name.end(side), by_name.name)
        poor.append(members & (best < POOR))
    return poor[0], poor[1]


@dataclass(frozen=True, eq=False)
class KeyLookups:
    """Who shares values with whom, but for names.

    rows (E, K), (E', K)   a column for each value of each mapped pair of attributes that both graphs hold
    weight (K)             the weight of the mapping
    """

    rows: tuple[sparse.csr_matrix, sparse.csr_matrix]
    weight: Float64

    @staticmethod
    def of(description: Description, schema: SchemaMapping, sizes: tuple[int, int]) -> KeyLookups:
        """By the mapped attributes that are not both names."""
        names = name_attributes(description, schema)
        weights = [np.zeros(0)]
        # Entity and column of what each side holds.
        held: list[list[tuple[AnyArray, Int64]]] = [[], []]
        keys = 0
        for mapping in schema.attributes:
            a, b = column_of(description.left, mapping.left), column_of(description.right, mapping.right)
            if a is None or b is None or (a.name in names[0] and b.name in names[1]):
                continue
            (entities, values), (others, other_values) = _comparable(a, b)
            common = np.intersect1d(values, other_values)
            for parts, who, what in ((held[0], entities, values), (held[1], others, other_values)):
                kept = np.isin(what, common)
                parts.append((who[kept], np.searchsorted(common, what[kept]) + keys))
            weights.append(np.full(len(common), mapping.weight))
            keys += len(common)
        left, right = (_matrix(parts, (size, keys)) for parts, size in zip(held, sizes, strict=True))
        return KeyLookups((left, right), np.concatenate(weights))

    def candidates(
        self, sides: _Sides, asking: _Sides, *, top: int, nearest: Nearest = nearest_rows
    ) -> Candidates:
        """The pairs that share most, a value weighing the more the rarer it is on the side that is asked.

        sides    (E), (E') who is to be compared
        asking   (E), (E') who asks
        top      partners for each that asks
        """
        parts = []
        for mine in (0, 1):
            asks, known = np.flatnonzero(asking[mine]), np.flatnonzero(sides[1 - mine])
            ours, theirs = self.rows[mine][asks], self.rows[1 - mine][known]
            if not ours.nnz or not theirs.nnz:
                continue
            holders = np.bincount(theirs.indices, minlength=theirs.shape[1])
            rarity = self.weight * np.log1p(len(known) / np.maximum(holders, 1))
            ours.data = rarity[ours.indices].astype(np.float32)
            turned = turned_rows(theirs)
            rows, columns, _ = nearest(within_reach(ours, turned), turned, top)
            ends = asks[rows], known[columns]
            parts.append(Candidates.of_pairs(ends[mine], ends[1 - mine]))
        return Candidates.united(*parts)


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
