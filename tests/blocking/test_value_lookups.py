from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.blocking.combine import block
from crossgraph.blocking.values import ValueLookups
from crossgraph.features.description import describe
from crossgraph.schema.estimate import estimate_schema
from crossgraph.schema.mapping import AttributeMapping, SchemaMapping
from crossgraph.schema.seeds import EntityPairs
from features.plain import graph_of

NAMELESS = pl.DataFrame(schema={"entity": pl.Int32, "text": pl.Int32})
cells = st.lists(st.tuples(*(st.none() | st.integers(0, 30),) * 2), min_size=1, max_size=7)


def lookups(left: list, right: list) -> ValueLookups:
    return ValueLookups(
        tuple(
            np.array([[np.nan if cell is None else cell for cell in row] for row in side], dtype=np.float64)
            for side in (left, right)
        )
    )


def places(left: list, right: list) -> list[list[list[float | None]]]:
    """The slow obvious version: how many of all values are below, ties by half."""
    every = [[row[at] for row in [*left, *right] if row[at] is not None] for at in range(2)]
    return [
        [
            [
                None
                if row[at] is None
                else (sum(v < row[at] for v in every[at]) + sum(v <= row[at] for v in every[at]))
                / (2 * len(every[at]))
                for at in range(2)
            ]
            for row in side
        ]
        for side in (left, right)
    ]


@given(cells, cells, st.integers(1, 3))
def test_the_nearest_by_all_that_an_entity_has_agree_with_loops(left, right, top):
    sides = np.ones(len(left), dtype=bool), np.ones(len(right), dtype=bool)
    nobody = np.zeros(len(right), dtype=bool)
    found = lookups(left, right).candidates((NAMELESS, NAMELESS), sides, top=top, asking=(sides[0], nobody))
    mine, theirs = places(left, right)
    for entity, own in enumerate(mine):
        held = [at for at in range(2) if own[at] is not None]
        whom = [other for other, row in enumerate(theirs) if all(row[at] is not None for at in held)]
        told = {tuple(theirs[other][at] for at in held) for other in whom}
        distance = {other: sum((own[at] - theirs[other][at]) ** 2 for at in held) ** 0.5 for other in whom}
        got = sorted(distance[other] for other in found.right[found.left == entity].tolist())
        asked = held and len(told) >= 0.3 * len(whom)
        assert got == pytest.approx(sorted(distance.values())[:top] if asked else [])


def test_sides_exchanged_give_the_same_pairs():
    rng = np.random.default_rng(0)
    left, right = rng.random((20, 2)).tolist(), rng.random((30, 2)).tolist()
    sides = np.ones(20, dtype=bool), np.ones(30, dtype=bool)
    found = lookups(left, right).candidates((NAMELESS, NAMELESS), sides, top=3)
    turned = lookups(right, left).candidates((NAMELESS, NAMELESS), sides[::-1], top=3)
    assert set(zip(found.left, found.right, strict=True)) == set(zip(turned.right, turned.left, strict=True))


def test_who_has_a_name_asks_only_where_nobody_else_has_one():
    values = [[float(n), 0.5] for n in range(4)]
    sides = np.ones(4, dtype=bool), np.ones(4, dtype=bool)
    some = pl.DataFrame({"entity": [0, 1], "text": [1, 2]}, schema=NAMELESS.schema)
    lookup = lookups(values, values)
    assert set(lookup.candidates((some, some), sides, top=1).left.tolist()) == {2, 3}
    assert set(lookup.candidates((some, NAMELESS), sides, top=1).left.tolist()) == {0, 1, 2, 3}
    everyone = pl.DataFrame({"entity": range(4), "text": range(1, 5)}, schema=NAMELESS.schema)
    assert not len(lookup.candidates((everyone, everyone), sides, top=1))


def test_values_that_many_share_find_nobody():
    years = [[float(n % 2), None] for n in range(20)]
    sides = np.ones(20, dtype=bool), np.ones(20, dtype=bool)
    assert not len(lookups(years, years).candidates((NAMELESS, NAMELESS), sides, top=5))


def test_places_alone_propose_the_true_pairs():
    """Two hundred places, told by other words and a little elsewhere; sixty of them are linked."""
    rng, size = np.random.default_rng(1), 200
    here = rng.uniform(-50, 50, size=(size, 2))
    there = here + rng.normal(scale=0.01, size=here.shape)
    graphs = [
        graph_of(
            [(f"{side}{n:03}", "place") for n in range(size)],
            facts=[
                (f"{side}{n:03}", name, f"{value:.4f}")
                for n in range(size)
                for name, value in zip(names, points[n], strict=True)
            ],
        )
        for side, names, points in (("l", ("lat", "lng"), here), ("r", ("y", "x"), there))
    ]
    description, known = describe(*graphs), EntityPairs.of(np.arange(60), np.arange(60))
    schema = estimate_schema(*graphs, description, known)
    assert {(m.left, m.right) for m in schema.attributes} == {("lat", "y"), ("lng", "x")}
    proposed = block(graphs, description, schema, known).candidates
    assert proposed.recall(np.arange(60, size), np.arange(60, size)) == 1.0


def test_attributes_that_are_mapped_twice_count_once():
    graphs = [graph_of(facts=[("a", "x", "1.5"), ("b", "x", "2.5"), ("a", "y", "3.5")]) for _ in range(2)]
    rows = (AttributeMapping("x", "x", 0.9), AttributeMapping("x", "y", 0.8), AttributeMapping("y", "y", 0.7))
    found = ValueLookups.of(describe(*graphs), SchemaMapping((), (), rows), (2, 2))
    np.testing.assert_array_equal(found.values[0], [[1.5, 3.5], [2.5, np.nan]])
