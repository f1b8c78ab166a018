from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.schema.seeds import EntityPairs
from features.plain import graph_of, ints

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=10)


def sides(rows):
    return tuple(np.array([row[i] for row in rows], dtype=np.int32) for i in (0, 1))


def told(candidates):
    return list(zip(candidates.left.tolist(), candidates.right.tolist(), strict=True))


@given(pairs)
def test_pairs_are_sorted_and_each_stands_once_with_its_largest_cosine(rows):
    names = np.arange(len(rows), dtype=np.float32)
    found = Candidates.of_pairs(*sides(rows), names)
    assert told(found) == sorted(set(rows))
    assert found.name.tolist() == [
        max(i for i, row in enumerate(rows) if row == pair) for pair in told(found)
    ]
    assert found.proposed.all()


def test_of_a_pair_that_stands_twice_what_is_known_stays():
    one = Candidates.of_pairs(ints(0, 0), ints(1, 2), structure=np.array([0.5, np.nan]))
    united = Candidates.united(
        one, Candidates.of_pairs(ints(0, 0, 0), ints(1, 2, 3), np.array([0.1, 0.2, 0]))
    )
    assert united.name.tolist() == pytest.approx([0.1, 0.2, 0])
    assert united.structure.tolist() == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)


@given(pairs, pairs)
def test_find_agrees_with_a_list(rows, asked):
    candidates = Candidates.of_pairs(*sides(rows))
    expected = [told(candidates).index(pair) if pair in rows else -1 for pair in asked]
    assert candidates.find(*sides(asked)).tolist() == expected


@given(pairs, pairs)
def test_united_and_without_are_set_operations(rows, others):
    one, other = Candidates.of_pairs(*sides(rows)), Candidates.of_pairs(*sides(others))
    assert told(Candidates.united(one, other)) == sorted({*rows, *others})
    absent = one.without(EntityPairs.of(*sides(others)))
    assert told(absent) == sorted({*others} - {*rows})
    assert not absent.proposed.any()
    both = Candidates.stacked([one, absent])
    assert told(both) == sorted({*rows, *others})
    assert both.proposed.tolist() == [pair in rows for pair in told(both)]


def test_only_what_blocking_proposed_counts_as_recall():
    proposed = Candidates.of_pairs(ints(0, 1), ints(0, 1))
    both = Candidates.stacked([proposed, proposed.without(EntityPairs.of([2], [2]))])
    assert both.recall(ints(0, 2, 3), ints(0, 2, 3)) == 1 / 3
    assert np.isnan(both.recall(ints(), ints()))


def test_no_candidates_are_candidates_too():
    for nothing in (Candidates.united(), Candidates.stacked([])):
        assert len(nothing) == 0
        assert nothing.find(ints(0), ints(0)).tolist() == [-1]
        assert len(nothing.take(nothing.proposed)) == 0


@given(st.lists(st.lists(st.sampled_from(["film", "person", "Größe"]), max_size=5), min_size=1, max_size=3))
def test_types_are_told_by_number_as_by_name(parts):
    each = [PairTypes.named(pl.Series(part, dtype=pl.String)) for part in parts]
    together, names = PairTypes.stacked(each), [name for part in parts for name in part]
    assert together.series().to_list() == names
    places = np.arange(len(names))[::-2]
    assert together.at(places).tolist() == names[::-2]
    least = {"film": 0.25, "nothing": 9.0}
    assert together.told(least, 0.5).tolist() == [least.get(name, 0.5) for name in names]
    assert together.told({"film": False}, True).dtype == bool


def test_types_are_those_of_left_entities():
    graph = graph_of(types=[("a", "film"), ("b", "person")], edges=[("a", "r", "c")])
    kinds = {graph.position("a"): "film", graph.position("b"): "person", graph.position("c"): "entity"}
    candidates = Candidates.of_pairs([0, 0, 1, 2], [1, 2, 0, 0])
    found = PairTypes.of(candidates, graph)
    assert found.series().to_list() == [kinds[0], kinds[0], kinds[1], kinds[2]]
