from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.features.description import (
    MOST_VALUES,
    Moved,
    column_of,
    combinations,
    describe,
    expand,
    redescribe,
)
from features.plain import graph_of, ints

counts = st.lists(st.integers(0, 3), max_size=5)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4)), max_size=8))
def test_expand_is_ranges_one_after_the_other(ranges):
    starts, sizes = (np.array([row[i] for row in ranges], dtype=np.int64) for i in (0, 1))
    assert expand(starts, sizes).tolist() == [s + i for s, n in ranges for i in range(n)]


@given(counts, counts, st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=6))
def test_combinations_agree_with_loops(left, right, pairs):
    indptr = [np.r_[0, np.cumsum(side)].astype(np.int64) for side in (left, right)]
    sides = [np.array([pair[i] for pair in pairs], dtype=np.int32) for i in (0, 1)]

    def rows(side, entity):
        return (
            range(indptr[side][entity], indptr[side][entity + 1]) if entity < len((left, right)[side]) else []
        )

    expected = [(number, a, b) for number, (i, j) in enumerate(pairs) for a in rows(0, i) for b in rows(1, j)]
    found = combinations(*indptr, tuple(sides))
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected


def test_columns_tell_what_the_facts_say():
    left = graph_of([("c", "t")], facts=[("a", "name", "Zoë"), ("a", "name", "Zoe"), ("b", "year", "1999")])
    description = describe(left, graph_of(facts=[("x", "size", "3"), ("x", "size", "many")] * 2))
    name, year = description.left
    assert (name.kind, year.kind, description.right[0].kind) == ("text", "date", "text")
    assert name.indptr.tolist() == [0, 2, 2, 2]
    # Both spellings are one normal text, and both are values.
    assert description.texts.strings.gather(name.texts.astype(np.int64)).to_list() == ["zoe", "zoe"]
    assert np.isnan(name.values).all()
    assert year.values.tolist() == [10773.0]
    assert column_of(description.left, "year") is year
    assert column_of(description.left, "none") is None


def test_a_value_that_does_not_parse_is_nan_among_numbers():
    numbers = [("a", "size", str(i)) for i in range(20)]
    column = describe(graph_of(facts=[*numbers, ("b", "size", "huge")]), graph_of()).left[0]
    assert column.kind == "number"
    assert np.isnan(column.values).tolist() == [False] * 20 + [True]


def test_graphs_without_facts_have_no_columns():
    description = describe(graph_of([("a", "t")]), graph_of(edges=[("x", "r", "y")]))
    assert description.left == description.right == ()


def test_of_very_many_values_two_entities_keep_the_same_ones():
    many = [f"value {i}" for i in range(10_000)]
    left = graph_of(facts=[*(("hub", "alias", text) for text in many), ("small", "alias", "value 7")])
    right = graph_of(facts=[("hub", "alias", text) for text in many])
    description = describe(left, right)
    a, b = description.left[0], description.right[0]
    assert np.diff(a.indptr).tolist() == [MOST_VALUES, 1]
    assert a.texts[:MOST_VALUES].tolist() == b.texts.tolist()
    assert len(combinations(a.indptr, b.indptr, (ints(0), ints(0)))[0]) == MOST_VALUES**2


values = st.sampled_from(["Zoë", "zoe", "1999", "3", "", "a b", "13/07/1976", "04/07/1976", "07/31/1976"])
facts = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["name", "year", "size"]), values), max_size=9
)


@given(facts, facts, st.sets(st.sampled_from("abcd")))
def test_who_is_told_anew_is_described_and_all_others_keep_their_columns(old, new, retold):
    """As if described whole, but for kinds of attributes and weights of n-grams, which stay as they were."""
    new = [one for one in old if one[0] not in retold] + [one for one in new if one[0] in retold]
    before, after, other = graph_of(facts=old), graph_of(facts=new), graph_of(facts=[("x", "name", "zoe")])
    described = describe(before, other)
    numbers = after.positions(before.ids)
    told = np.ones(len(after), dtype=bool)
    kept = [one for one in before.ids if one not in retold and after.position(one) >= 0]
    told[[after.position(one) for one in kept]] = False
    still = Moved(np.arange(len(other), dtype=np.int32), np.zeros(len(other), dtype=bool))
    found = redescribe(described, (after, other), (Moved(numbers, told), still))
    whole = describe(after, other)
    assert [column.name for column in found.left] == [column.name for column in whole.left]
    rows = len(described.texts.strings)
    assert found.texts.strings[:rows].equals(described.texts.strings)
    assert (found.texts.grams[:rows] != described.texts.grams).nnz == 0
    for column, expected in zip(found.left, whole.left, strict=True):
        texts = found.texts.strings.gather(column.texts.astype(np.int64)).to_list()
        wanted = whole.texts.strings.gather(expected.texts.astype(np.int64)).to_list()
        assert sorted(zip(column.entities.tolist(), texts, strict=True)) == sorted(
            zip(expected.entities.tolist(), wanted, strict=True)
        )
        assert column.indptr.tolist() == expected.indptr.tolist()
        known = column_of(described.left, column.name) or expected
        assert (column.kind, column.day_first) == (known.kind, known.day_first)
        if (column.kind, column.day_first) == (expected.kind, expected.day_first):
            assert np.array_equal(np.sort(column.values), np.sort(expected.values), equal_nan=True)
