from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from crossgraph.assignment import LEAST, one_to_one
from features.plain import ints

rows = st.dictionaries(
    st.tuples(st.integers(0, 6), st.integers(0, 6)),
    st.sampled_from([0.0, LEAST / 2, LEAST, 0.3, 0.5, 0.9, 1.0]),
    max_size=25,
)


def columns(rows):
    left, right = (np.array([pair[i] for pair in rows], dtype=np.int32) for i in (0, 1))
    return left, right, np.array(list(rows.values()), dtype=np.float64)


@given(rows)
def test_the_sum_is_that_of_dense_assignment(rows):
    left, right, probability = columns(rows)
    chosen = one_to_one(left, right, probability)
    dense = np.zeros((7, 7))
    worth = probability >= LEAST
    dense[left[worth], right[worth]] = probability[worth]
    best = dense[linear_sum_assignment(dense, maximize=True)].sum()
    np.testing.assert_allclose(probability[chosen].sum(), best, atol=1e-9)
    assert (probability[chosen] >= LEAST).all()
    assert len(set(left[chosen])) == len(set(right[chosen])) == chosen.sum()


@given(rows, st.integers(1, 5))
def test_what_is_not_connected_is_solved_apart(rows, together):
    left, right, probability = columns(rows)
    whole = one_to_one(left, right, probability)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crossgraph.assignment.TOGETHER", together)
        apart = one_to_one(left, right, probability)
    np.testing.assert_allclose(probability[apart].sum(), probability[whole].sum(), atol=1e-9)
    assert len(set(left[apart])) == len(set(right[apart])) == apart.sum()


@given(rows)
def test_sides_swap(rows):
    left, right, probability = columns(rows)
    sums = [probability[one_to_one(*sides, probability)].sum() for sides in ((left, right), (right, left))]
    np.testing.assert_allclose(*sums)


def test_a_second_best_pair_gives_way_to_two_better_ones():
    left, right = ints(0, 0, 1), ints(0, 1, 0)
    assert one_to_one(left, right, np.array([0.9, 0.6, 0.6])).tolist() == [False, True, True]
    assert one_to_one(left, right, np.array([0.9, 0.6, 0.2])).tolist() == [True, False, False]


def test_more_pairs_are_not_worth_more_where_none_is_sure():
    # A chain: none is worth both its neighbours, and the two in between are worth more than the other three.
    left, right = ints(0, 1, 1, 2, 2), ints(0, 0, 1, 1, 2)
    chosen = one_to_one(left, right, np.array([0.3, 0.5, 0.35, 0.5, 0.3]))
    assert chosen.tolist() == [False, True, False, True, False]
    chosen = one_to_one(left, right, np.array([0.4, 0.5, 0.35, 0.5, 0.4]))
    assert chosen.tolist() == [True, False, True, False, True]


def test_close_probabilities_are_told_apart():
    left, right = ints(0, 0), ints(0, 1)
    assert one_to_one(left, right, np.array([0.9, 0.9 + 1e-12])).tolist() == [False, True]


def test_nobody_worth_it_stays_alone():
    assert one_to_one(ints(), ints(), np.zeros(0)).tolist() == []
    assert one_to_one(ints(0), ints(0), np.array([LEAST / 2])).tolist() == [False]
    assert one_to_one(ints(0, 1), ints(0, 1), np.array([0.0, 0.009])).tolist() == [False, False]
    assert one_to_one(ints(0), ints(0), np.array([1.1 * LEAST])).tolist() == [True]
    assert one_to_one(ints(0), ints(0), np.array([np.nan])).tolist() == [False]
