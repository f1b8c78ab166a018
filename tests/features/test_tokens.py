from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from crossgraph.features.description import describe
from crossgraph.features.text import TextTable
from crossgraph.features.tokens import TEXT_WIDTH, TOKENS, entity_tokens, number_scales, text_sketch
from features.plain import graph_of, ints


def test_sketches_keep_cosines_within_their_error():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abcd "), 12)) for _ in range(60)]
    table = TextTable.of(pl.Series([" ".join(text.split()) for text in texts]))
    sketch = text_sketch(table)
    rows = np.arange(len(sketch), dtype=np.int32)
    first, second = np.repeat(rows, len(rows)), np.tile(rows, len(rows))
    error = (sketch @ sketch.T).ravel() - table.cosines(first, second)
    assert np.sqrt((error**2).mean()) < 1.5 / np.sqrt(TEXT_WIDTH)
    np.testing.assert_allclose(np.linalg.norm(sketch[1:], axis=1), 1.0, rtol=1e-5)
    assert not sketch[0].any()


def test_tokens_hold_every_fact_of_an_entity_and_nothing_else():
    graph = graph_of(
        [("d", "t")],
        facts=[("a", "name", "one"), ("a", "size", "5"), ("b", "name", "two"), ("c", "size", "9")],
    )
    description = describe(graph, graph_of())
    slots = ints(1, 2)
    tokens = entity_tokens(description.left, slots, {2: (5.0, 2.0)}, len(graph))
    assert tokens.mask.sum(axis=1).tolist() == [2, 1, 1, 0]
    told = {
        (int(e), int(tokens.attributes[e, at]), int(tokens.texts[e, at]), float(tokens.numbers[e, at]))
        for e, at in np.argwhere(tokens.mask)
    }
    one, two = description.texts.numbers(pl.Series(["one", "two"])).tolist()
    assert {row for row in told if row[1] == 2} == {(0, 2, 0, 0.0), (2, 2, 0, 2.0)}
    assert {row[:3] for row in told if row[1] == 1} == {(0, 1, one), (1, 1, two)}
    assert all(np.isnan(row[3]) for row in told if row[1] == 1)


def test_an_entity_with_very_many_facts_keeps_those_that_tell_it_apart():
    facts = [("a", "tag", f"t{i % 9}") for i in range(9)] + [("b", "tag", f"t{i}") for i in range(9)]
    graph = graph_of(facts=[*facts, ("a", "name", "unique one"), ("b", "name", "unique two")])
    tokens = entity_tokens(describe(graph, graph_of()).left, ints(1, 2), {}, len(graph))
    assert tokens.mask.all()
    assert tokens.mask.shape == (2, TOKENS)
    assert (tokens.attributes == 1).sum(axis=1).tolist() == [1, 1]


@pytest.mark.parametrize("graph", [graph_of([("a", "t"), ("b", "t")]), graph_of()])
def test_entities_without_facts_have_no_tokens(graph):
    tokens = entity_tokens((), ints(), {}, len(graph))
    assert tokens.mask.shape == (len(graph), TOKENS)
    assert not tokens.mask.any()


def test_scales_are_median_and_interquartile_range_of_both_sides():
    left = describe(graph_of(facts=[(f"e{i}", "size", str(i)) for i in range(3)]), graph_of()).left
    right = describe(graph_of(facts=[(f"e{i}", "width", str(i)) for i in range(3, 5)]), graph_of()).left
    assert number_scales(((left, ints(4)), (right, ints(4)))) == {4: (2.0, 2.0)}
    assert number_scales(((left[:0], ints()),)) == {}


def test_the_largest_floats_stay_finite():
    graph = graph_of(facts=[(f"e{i}", "size", value) for i, value in enumerate(["-1.7e308", "1.7e308"] * 4)])
    columns = describe(graph, graph_of()).left
    scales = number_scales(((columns, ints(1)),))
    tokens = entity_tokens(columns, ints(1), scales, len(graph))
    assert np.isfinite(tokens.numbers[tokens.mask]).all()
