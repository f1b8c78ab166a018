from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.blocking.ranking import lead, partner_shares, ranks

rows = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([-1.5, 0.0, 0.25, 7.0])), max_size=15)


def columns(rows):
    return np.array([r[0] for r in rows], dtype=np.int32), np.array([r[1] for r in rows], dtype=np.float32)


@given(rows)
def test_lead_agrees_with_loops(rows):
    expected = [
        score - max((other for j, (g, other) in enumerate(rows) if g == group and j != i), default=-np.inf)
        for i, (group, score) in enumerate(rows)
    ]
    np.testing.assert_array_equal(lead(*columns(rows)), expected)


@given(rows)
def test_ranks_agree_with_loops_and_ties_go_by_place(rows):
    expected = [
        sum(g == group and (other > score or (other == score and j < i)) for j, (g, other) in enumerate(rows))
        for i, (group, score) in enumerate(rows)
    ]
    assert ranks(*columns(rows)).tolist() == expected


pairs = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.floats(-9, 9)), max_size=12, unique_by=lambda r: r[:2]
)


def sides(rows):
    return tuple(np.array([row[side] for row in rows], dtype=np.int32) for side in (0, 1))


@given(pairs)
def test_shares_favour_no_side_and_an_entity_has_about_one_partner_at_most(rows):
    (left, right), log_odds = sides(rows), np.array([row[2] for row in rows])
    shares = partner_shares(left, right, log_odds)
    np.testing.assert_allclose(partner_shares(right, left, log_odds), shares, rtol=1e-9)
    assert (shares > 0).all()
    # In a cycle of pairs that are as good as each other, messages still swing when they end.
    assert (np.bincount(left, shares) < 1.5).all()
    assert (np.bincount(right, shares) < 1.5).all()


@given(pairs)
def test_without_cycles_shares_are_those_of_all_ways_to_choose_partners(rows):
    kept, parts = [], {}
    for row in rows:
        one, two = ({row[0]}, set()), (set(), {row[1]})
        one, two = parts.get(("left", row[0]), one), parts.get(("right", row[1]), two)
        if one is two:
            continue
        kept.append(row)
        joined = one[0] | two[0], one[1] | two[1]
        parts |= {("left", at): joined for at in joined[0]} | {("right", at): joined for at in joined[1]}
    (left, right), log_odds = sides(kept), np.array([row[2] for row in kept])
    total, exact = 0.0, np.zeros(len(kept))
    for chosen in itertools.product([False, True], repeat=len(kept)):
        pairs = np.flatnonzero(chosen)
        if len(set(left[pairs])) == len(set(right[pairs])) == len(pairs):
            weight = np.exp(log_odds[pairs].sum())
            total += weight
            exact[pairs] += weight
    np.testing.assert_allclose(partner_shares(left, right, log_odds), exact / total, atol=0.1)


def test_shares_by_hand():
    # Alone, with odds of 2.
    alone = np.zeros(1, dtype=np.int32)
    assert partner_shares(alone, alone, np.log([2.0])) == pytest.approx([2 / 3])
    # The second is nearer to the hub, but another one has more claim to that.
    left, right = sides([(0, 0), (1, 0), (1, 1)])
    shares = partner_shares(left, right, np.array([8.0, 4.0, 3.5]))
    assert shares[2] > shares[1]
