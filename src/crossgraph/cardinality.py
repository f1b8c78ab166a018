"""How many partners an entity may have, for each type of the left entity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

import numpy as np

from crossgraph._types import Bool, Int32
from crossgraph.blocking.candidates import PairTypes
from crossgraph.blocking.singles import Singles
from crossgraph.schema.seeds import EntityPairs

Cardinality: TypeAlias = Literal["one-to-one", "many-to-one", "one-to-many", "free"]
"""many-to-one: a left entity has at most one partner, a right one any number of them."""

CARDINALITIES: tuple[Cardinality, ...] = get_args(Cardinality)
ANY_TYPE = "*"
ONE_TO_ONE: Mapping[str, Cardinality] = {ANY_TYPE: "one-to-one"}
# So many links tell; fewer may all be accidents.
LEAST_LINKS = 20
# A few entities with two partners are errors of the links, or duplicates that nobody wants merged unasked.
FEW = 0.05

_SINGLE: dict[Cardinality, tuple[bool, bool]] = {
    "one-to-one": (True, True),
    "many-to-one": (True, False),
    "one-to-many": (False, True),
    "free": (False, False),
}
_OF_SINGLE = {single: name for name, single in _SINGLE.items()}


def observed_cardinalities(
    links: EntityPairs, types: tuple[tuple[str, ...], Int32]
) -> dict[str, Cardinality]:
    """What known links say: a side has several partners where more than ``FEW`` of its linked entities do.

    types   type names, and the type of each left entity, see ``schema.seeds.type_codes``

    Told for each type with at least ``LEAST_LINKS`` links, and as ``*`` for the others: what all links say,
    or one-to-one where they are too few.
    """
    names, codes = types
    kinds = codes[links.left]
    numbers, counts = np.unique(kinds, return_counts=True)
    found = {
        names[number]: _observed(links.take(kinds == number)) for number in numbers[counts >= LEAST_LINKS]
    }
    return found | {ANY_TYPE: _observed(links) if len(links) >= LEAST_LINKS else "one-to-one"}


def _observed(links: EntityPairs) -> Cardinality:
    return _OF_SINGLE[_mostly_single(links.left), _mostly_single(links.right)]


def _mostly_single(ends: Int32) -> bool:
    return bool((np.unique(ends, return_counts=True)[1] > 1).mean() <= FEW)


def singles_of(cardinalities: Mapping[str, Cardinality]) -> Singles:
    """Who has one partner at most."""
    usual = _SINGLE[cardinalities.get(ANY_TYPE, "one-to-one")]
    return Singles({name: _SINGLE[one] for name, one in cardinalities.items()}, usual)


def single(cardinalities: Mapping[str, Cardinality], types: PairTypes) -> tuple[Bool, Bool]:
    """(P) whether the left entity of each pair has at most one partner, and whether the right one has."""
    return singles_of(cardinalities).of_pairs(types)
