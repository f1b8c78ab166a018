"""Where many entities of one side may have one partner, they look for it, and have room for it."""

from __future__ import annotations

import numpy as np
import pytest

from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.blocking.combine import BlockingOptions, best_of_each, block
from crossgraph.blocking.ranking import partner_shares
from crossgraph.blocking.singles import ONE_EACH, Singles, askers, left_has_room
from crossgraph.cardinality import CARDINALITIES, single, singles_of
from crossgraph.features.description import describe
from crossgraph.schema.mapping import AttributeMapping, SchemaMapping, TypeMapping
from crossgraph.schema.seeds import NO_PAIRS
from features.plain import graph_of

PRODUCTS = ("Silver lamp", "Walnut table", "Copper kettle")
OFFERS = 40


def members(left: int, right: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(5) < left, np.arange(5) < right


@pytest.mark.parametrize(
    ("sizes", "alone", "expected"),
    [
        ((2, 4), (True, True), (0,)),
        ((4, 2), (True, True), (1,)),
        ((3, 3), (False, False), (0, 1)),
        ((4, 2), (True, False), (0,)),
        ((2, 4), (True, False), (0,)),
        ((2, 4), (False, True), (1,)),
    ],
)
def test_who_has_one_partner_asks_and_else_the_smaller_side(sizes, alone, expected):
    sides = members(*sizes)
    assert askers(sides, alone) == expected
    if len(expected) == 1:
        assert left_has_room((graph_of(), graph_of()), sides, alone) == (expected == (0,))


@pytest.mark.parametrize("usual", CARDINALITIES)
def test_it_is_what_cardinalities_say(usual):
    types = PairTypes(("film", "offer"), np.array([0, 1, 1], dtype=np.int32))
    cardinalities = {"*": usual, "offer": "many-to-one"}
    film = {
        "one-to-one": (True, True),
        "many-to-one": (True, False),
        "one-to-many": (False, True),
        "free": (False, False),
    }[usual]
    left, right = single(cardinalities, types)
    assert (left.tolist(), right.tolist()) == ([film[0], True, True], [film[1], False, False])
    assert singles_of(cardinalities).of("film") == film
    assert ONE_EACH.of("film") == (True, True)


def test_pairs_of_who_may_have_several_are_no_rivals():
    left, right = np.arange(4, dtype=np.int32), np.zeros(4, dtype=np.int32)
    every, none = np.ones(4, dtype=bool), np.zeros(4, dtype=bool)
    prior = np.full(4, 3.0, dtype=np.float32)
    assert partner_shares(left, right, prior, alone=(every, none)).tolist() == pytest.approx(
        [0.9526] * 4, abs=1e-4
    )
    assert partner_shares(left, right, prior).max() < 0.3
    pool = Candidates.of_pairs(left, right, structure=0.0)
    options = BlockingOptions(per_entity=2)
    assert len(best_of_each(pool, options, by_left=True, alone=(True, False))) == 4
    assert len(best_of_each(pool, options, by_left=False)) == 2


@pytest.mark.parametrize("turned", [False, True])
def test_many_offers_of_few_products_all_find_theirs(turned):
    offers = graph_of(
        [(f"o{at}", "offer") for at in range(OFFERS * len(PRODUCTS))],
        [],
        [
            (f"o{at}", "title", f"{PRODUCTS[at % len(PRODUCTS)]} no {7919 * at % 1009}")
            for at in range(OFFERS * len(PRODUCTS))
        ],
    )
    products = graph_of(
        [(f"p{at}", "product") for at in range(len(PRODUCTS))],
        [],
        [(f"p{at}", "name", name) for at, name in enumerate(PRODUCTS)],
    )
    graphs, names = (offers, products), (("offer", "product"), ("title", "name"))
    if turned:
        graphs, names = graphs[::-1], (names[0][::-1], names[1][::-1])
    schema = SchemaMapping((TypeMapping(*names[0], 1.0),), (), (AttributeMapping(*names[1], 1.0),))
    several = {names[0][0]: "one-to-many" if turned else "many-to-one"}

    def found(singles: Singles) -> int:
        candidates = block(graphs, describe(*graphs), schema, NO_PAIRS, singles=singles).candidates
        ends = [
            [int(graph.ids[int(at)][1:]) for at in end]
            for graph, end in zip(graphs, (candidates.left, candidates.right), strict=True)
        ]
        offer, product = ends[::-1] if turned else ends
        return sum(a % len(PRODUCTS) == b for a, b in zip(offer, product, strict=True))

    assert found(singles_of(several)) == OFFERS * len(PRODUCTS)
    assert found(ONE_EACH) <= 25 * len(PRODUCTS)
