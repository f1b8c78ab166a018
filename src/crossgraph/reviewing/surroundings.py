"""The neighbourhoods of two entities: which neighbours of one are which of the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crossgraph.reviewing.material import Material
from crossgraph.reviewing.views import Neighbour

# Neighbours that are less likely the same are not shown as an echo.
LEAST_ECHO = 0.5


@dataclass(frozen=True, slots=True)
class Echo:
    """A left and a right neighbour that are likely the same, by the model or by what reviewers settled."""

    left: Neighbour
    right: Neighbour
    probability: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Both neighbourhoods: what they share, and what only one has, the rarest relations first.

    hidden   how many neighbours of each side are left out
    """

    echoes: tuple[Echo, ...]
    left: tuple[Neighbour, ...]
    right: tuple[Neighbour, ...]
    hidden: tuple[int, int]


def surroundings(
    material: Material, left: int, right: int, *, settled: Mapping[int, bool], most: int = 12
) -> Surroundings:
    """What lies around two entities, at most so many neighbours a side.

    settled   rows of pairs that reviewers settled, which counts more than what the model says of them
    """
    ours, theirs = material.left.neighbours(left), material.right.neighbours(right)
    echoes = _echoes(material, ours, theirs, settled)
    echoed = {echo.left.entity for echo in echoes}, {echo.right.entity for echo in echoes}
    shown = echoes[:most]
    room = most - len(shown)
    alone = [
        _rarest([one for one in found if one.entity not in taken])[:room]
        for found, taken in zip((ours, theirs), echoed, strict=True)
    ]
    degrees = material.left.degree(left), material.right.degree(right)
    hidden = tuple(max(d - len(shown) - len(a), 0) for d, a in zip(degrees, alone, strict=True))
    return Surroundings(tuple(shown), tuple(alone[0]), tuple(alone[1]), (hidden[0], hidden[1]))


def _echoes(
    material: Material, ours: Sequence[Neighbour], theirs: Sequence[Neighbour], settled: Mapping[int, bool]
) -> list[Echo]:
    """The likeliest partners among the neighbours, each neighbour once, the surest first."""
    # An entity may be a neighbour by several relations: the first stands for it.
    mine = {one.entity: one for one in reversed(ours)}
    beside = {one.entity: one for one in reversed(theirs)}
    pairs = material.pairs
    rows = pairs.between(np.array(list(mine), dtype=np.int32), np.array(list(beside), dtype=np.int32))
    found: list[Echo] = []
    for row in rows.tolist():
        probability = float(settled.get(row, pairs.probability[row]))
        if probability >= LEAST_ECHO:
            found.append(Echo(mine[int(pairs.left[row])], beside[int(pairs.right[row])], probability))
    found.sort(key=lambda echo: (-echo.probability, echo.left.entity, echo.right.entity))
    used: tuple[set[int], set[int]] = set(), set()
    kept = []
    for echo in found:
        if echo.left.entity not in used[0] and echo.right.entity not in used[1]:
            used[0].add(echo.left.entity)
            used[1].add(echo.right.entity)
            kept.append(echo)
    return kept


def _rarest(neighbours: Sequence[Neighbour]) -> list[Neighbour]:
    counts = Counter(one.relation for one in neighbours)
    once = {one.entity: one for one in reversed(neighbours)}.values()
    return sorted(once, key=lambda one: (counts[one.relation], one.relation, one.entity))
