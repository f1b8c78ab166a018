from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.features.closeness import (
    best_of_pairs,
    chance_of,
    number_distance,
    random_distances,
    text_closeness,
)
from crossgraph.features.description import AttributeColumn, describe
from features import plain

values = st.lists(
    st.lists(st.sampled_from([-2.0, 0.0, 0.5, 3.0, np.nan]), max_size=3), min_size=1, max_size=4
)


def column(rows: list[list[float]]) -> AttributeColumn:
    sizes = [len(row) for row in rows]
    flat = np.array([value for row in rows for value in row], dtype=np.float64)
    entities = np.repeat(np.arange(len(rows)), sizes).astype(np.int32)
    indptr = np.r_[0, np.cumsum(sizes)].astype(np.int64)
    return AttributeColumn("size", "number", indptr, entities, np.zeros(len(flat), dtype=np.int32), flat)


def every_pair(n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(np.arange(n, dtype=np.int32), m), np.tile(np.arange(m, dtype=np.int32), n)


@given(values, values)
def test_number_distance_agrees_with_loops(left, right):
    expected = []
    for row in left:
        for other in right:
            gaps = [abs(a - b) for a in row for b in other if not np.isnan(a - b)]
            expected.append(min(gaps, default=np.nan))
    found = number_distance(column(left), column(right), every_pair(len(left), len(right)))
    np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))


def test_rounding_is_no_distance_and_the_largest_floats_are_no_warning():
    a, b = column([[1e9], [1.7e308], [5.0]]), column([[1e9 + 0.1], [-1.7e308], [5.1]])
    assert number_distance(a, b, (plain.ints(0, 1), plain.ints(0, 1))).tolist() == [0.0, np.inf]
    assert np.isinf(random_distances(a, b)).any()


def test_of_numbers_of_many_sizes_ratios_tell():
    people = [[round(10 * 1.4**at)] for at in range(40)]
    near = [[one * 1.01] for (one,) in people]
    a, b = (replace(column(rows), skewed=True) for rows in (people, near))
    same = np.arange(40, dtype=np.int32)
    chance = chance_of(number_distance(a, b, (same, same)), random_distances(a, b))
    assert chance.max() < 0.05
    plainly = replace(a, skewed=False)
    chance = chance_of(number_distance(plainly, b, (same, same)), random_distances(plainly, b))
    assert chance[-1] > 0.4


def test_text_closeness_is_the_best_of_all_combinations():
    left = [("a", "name", "red fox"), ("a", "name", "blue hen"), ("b", "name", "cat")]
    right = [("x", "label", "red hen"), ("x", "label", "dog"), ("y", "label", "blue fox")]
    description = describe(plain.graph_of([("c", "t")], facts=left), plain.graph_of(facts=right))
    strings = description.texts.strings.to_list()
    vector = dict(zip(strings, plain.vectors(strings), strict=True))

    def best(one, other):
        names = [
            [value for entity, _, value in side if entity == at] for side, at in ((left, one), (right, other))
        ]
        return max((plain.cosine(vector[a], vector[b]) for a in names[0] for b in names[1]), default=np.nan)

    found = text_closeness(description.left[0], description.right[0], every_pair(3, 2), description.texts)
    expected = [best(one, other) for one in "abc" for other in "xy"]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5)), max_size=10).map(sorted))
def test_best_of_pairs_agrees_with_loops(rows):
    number = np.array([row[0] for row in rows], dtype=np.int64)
    found = best_of_pairs(4, number, np.array([row[1] for row in rows], dtype=np.float32))
    expected = [max((value for pair, value in rows if pair == i), default=np.nan) for i in range(4)]
    np.testing.assert_array_equal(found, expected)


def test_chance_is_the_share_of_random_pairs_at_least_as_close():
    background = np.array([1, 2, 2, 8], dtype=np.float32)
    distances = np.array([0, 1, 2, 8, 99, np.nan], dtype=np.float32)
    expected = [1 / 5, 2 / 5, 4 / 5, 1, 1, np.nan]
    np.testing.assert_allclose(chance_of(distances, background), expected)
    np.testing.assert_array_equal(chance_of(distances, background[:0]), [1] * 5 + [np.nan])


def test_random_distances_are_those_of_independent_draws():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, 400), rng.normal(3, 2, 300)
    found = random_distances(column([list(a)]), column([list(b)]))
    expected = np.abs(a[:, None] - b[None, :]).ravel()
    for share in (0.1, 0.5, 0.9):
        assert np.quantile(found, share) == pytest.approx(np.quantile(expected, share), rel=0.05)
    assert len(random_distances(column([[np.nan]]), column([[1.0]]))) == 0
