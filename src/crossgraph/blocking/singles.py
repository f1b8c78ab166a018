"""Which entities have one partner at most, and so who looks for partners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from crossgraph._types import Bool, Float64
from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.blocking.ranking import partner_shares
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.schema.seeds import type_codes

Alone: TypeAlias = tuple[bool, bool]
"""Whether a left entity has one partner at most, and whether a right one has."""

Sides: TypeAlias = tuple[Bool, Bool]
"""(E), (E') the members of a left and of a right type."""


@dataclass(frozen=True)
class Singles:
    """Who has one partner at most, by the type of the left entity.

    of_types   by name
    usual      of all other types
    """

    of_types: Mapping[str, Alone] = field(default_factory=dict)
    usual: Alone = (True, True)

    def of(self, name: str) -> Alone:
        """Of pairs whose left entity is of that type."""
        return self.of_types.get(name, self.usual)

    def of_entities(self, left: KnowledgeGraph) -> tuple[Bool, Bool]:
        """(E) of left entities: whether they have one partner at most, and whether theirs have."""
        return self.of_pairs(PairTypes(*type_codes(left)))

    def of_pairs(self, types: PairTypes) -> tuple[Bool, Bool]:
        """(P) whether the left entity of each pair has one partner at most, and whether the right one has."""
        left, right = (
            types.told({name: alone[side] for name, alone in self.of_types.items()}, self.usual[side])
            for side in (0, 1)
        )
        return left, right


ONE_EACH = Singles()


def shares_among(pool: Candidates, alone: Alone) -> Float64:
    """(P) ``partner_shares`` of pairs whose entities have one partner at most on the ``alone`` sides."""
    every = np.ones(len(pool), dtype=bool)
    return partner_shares(pool.left, pool.right, pool.prior, alone=(every & alone[0], every & alone[1]))


def askers(sides: Sides, alone: Alone) -> tuple[int, ...]:
    """The side (0 is left) that looks for partners and has room for some: both of two that are as many.

    The one of fewer entities, so that a large catalogue does not flood a small one; but where many of one
    side may have one partner on the other, they do, or most of them would find no room.
    """
    if alone[0] != alone[1]:
        return (1 - int(alone[0]),)
    left, right = (int(side.sum()) for side in sides)
    return fewer(left, right)


def fewer(left: int, right: int) -> tuple[int, ...]:
    """The side (0 is left) that has fewer, or both where they have as many."""
    return (0, 1) if left == right else (int(right < left),)


def left_has_room(
    graphs: tuple[KnowledgeGraph, KnowledgeGraph], sides: Sides, alone: Alone = (True, True)
) -> bool:
    """Whether the budget of two types is for left entities: for the side that asks, see ``askers``.

    Where both do, the graph that tells less decides, so that graphs exchanged keep the same pairs.
    """
    if alone[0] != alone[1]:
        return alone[0]
    left, right = (
        (int(side.sum()), len(graph.heads), len(graph.fact_values))
        for graph, side in zip(graphs, sides, strict=True)
    )
    return left <= right


def asking_sides(asking: Sides, sides: Sides, alone: Alone = (True, True)) -> Sides:
    """Of entities of two types that would ask, those of the types that ask, see ``askers``."""
    asks = askers(sides, alone)
    left, right = (one if side in asks else np.zeros_like(one) for side, one in enumerate(asking))
    return left, right
