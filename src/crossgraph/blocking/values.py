"""Candidates whose numbers and dates are near, for entities that no name finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from crossgraph._threads import threads
from crossgraph._types import AnyArray, Bool, Float64
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.names import DISTINCT_SHARE
from crossgraph.features.description import AttributeColumn, Description, column_of
from crossgraph.graphs.sorting import marked
from crossgraph.schema.mapping import SchemaMapping

# So many attributes, those that are mapped most surely, place an entity: each set of them that entities have
# is searched by itself.
MOST_ATTRIBUTES = 4

_Sides = tuple[Bool, Bool]


def value_attributes(
    description: Description, schema: SchemaMapping
) -> list[tuple[AttributeColumn, AttributeColumn]]:
    """The mapped attributes that are numbers or dates, each once, with its best partner."""
    found: list[tuple[AttributeColumn, AttributeColumn]] = []
    used: set[tuple[str, str]] = set()
    for mapping in schema.attributes:
        a, b = column_of(description.left, mapping.left), column_of(description.right, mapping.right)
        if a is None or b is None or a.kind == "text" or a.kind != b.kind:
            continue
        if used & {("left", a.name), ("right", b.name)}:
            continue
        used |= {("left", a.name), ("right", b.name)}
        found.append((a, b))
    return found


@dataclass(frozen=True, eq=False)
class ValueLookups:
    """Who is near to whom by numbers and dates.

    values (E, A), (E', A)   of each entity the least value of each attribute; NaN where it has none
    """

    values: tuple[Float64, Float64]

    @staticmethod
    def of(description: Description, schema: SchemaMapping, sizes: tuple[int, int]) -> ValueLookups:
        """By the attributes that are mapped."""
        attributes = value_attributes(description, schema)[:MOST_ATTRIBUTES]
        tables = []
        for side, size in enumerate(sizes):
            table = np.full((size, len(attributes)), np.nan)
            for number, ends in enumerate(attributes):
                np.fmin.at(table[:, number], ends[side].entities, ends[side].values)
            tables.append(table)
        return ValueLookups((tables[0], tables[1]))

    def candidates(
        self,
        names: tuple[pl.DataFrame, pl.DataFrame],
        sides: _Sides,
        *,
        top: int,
        asking: _Sides | None = None,
    ) -> Candidates:
        """The pairs whose values are nearest, of entities without a name, or where nobody else has one.

        names    tables (entity, text) of all that have names
        sides    (E), (E') who is to be compared
        top      partners for each asking entity
        asking   (E), (E') who may ask; all of ``sides`` if not given
        """
        named = [
            marked(rows["entity"].to_numpy(), len(side)) for rows, side in zip(names, sides, strict=True)
        ]
        asks = []
        for mine, theirs in ((0, 1), (1, 0)):
            nameless = ~named[mine] if (named[theirs] & sides[theirs]).any() else True
            asks.append(sides[mine] & (True if asking is None else asking[mine]) & nameless)
        if not (asks[0].any() or asks[1].any()):
            return Candidates.united()
        places = self._places(sides)
        left, right = _nearest(places, asks[0], sides[1], top=top)
        others, mine_of_others = _nearest(places[::-1], asks[1], sides[0], top=top)
        return Candidates.of_pairs(np.r_[left, mine_of_others], np.r_[right, others])

    def _places(self, sides: _Sides) -> tuple[Float64, Float64]:
        """(E, A), (E', A) the place of each value among those of both sides, in [0, 1], whatever the unit."""
        places = [np.full_like(one, np.nan) for one in self.values]
        for number in range(self.values[0].shape[1]):
            known = [one[side, number] for one, side in zip(self.values, sides, strict=True)]
            every = np.sort(np.concatenate(known))
            every = every[~np.isnan(every)]
            for out, one in zip(places, self.values, strict=True):
                told = ~np.isnan(one[:, number])
                value = one[told, number]
                below, upto = (np.searchsorted(every, value, side=side) for side in ("left", "right"))
                out[told, number] = (below + upto) / max(2 * len(every), 1)
        return places[0], places[1]


def _nearest(
    places: tuple[Float64, Float64], asking: Bool, known: Bool, *, top: int
) -> tuple[AnyArray, AnyArray]:
    """Asking entities and those of the other side that are nearest by all that the asking one has."""
    has = ~np.isnan(places[0])
    others = ~np.isnan(places[1])
    found: list[tuple[AnyArray, AnyArray]] = [(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32))]
    for held in np.unique(has[asking], axis=0):
        who = np.flatnonzero(asking & (has == held).all(axis=1))
        whom = np.flatnonzero(known & others[:, held].all(axis=1))
        at = places[1][whom][:, held]
        if not held.any() or not len(whom) or len(np.unique(at, axis=0)) < DISTINCT_SHARE * len(whom):
            continue
        near = _nearest_points(at, places[0][who][:, held], min(top, len(whom)))
        found.append((np.repeat(who, near.shape[1]), whom[near.ravel()]))
    first, second = (np.concatenate(ends) for ends in zip(*found, strict=True))
    return first.astype(np.int32), second.astype(np.int32)


def _nearest_points(points: Float64, asked: Float64, top: int) -> AnyArray:
    """(Q, top) the nearest of some points (P, A) to each of some others (Q, A)."""
    # Slow to load, and few graphs have entities that only numbers and dates place.
    from scipy.spatial import cKDTree

    # Cuts in the middle of the points take for ever where many share a place.
    tree = cKDTree(points, balanced_tree=False)
    return np.asarray(tree.query(asked, k=range(1, top + 1), workers=threads())[1])
