"""Shares of a score: hand-computed games, and the laws that single the Shapley value out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.explaining.shapley import MOST_EXACT, ShareOptions, shares


def all_moving(count: int) -> np.ndarray:
    return np.ones(count, dtype=bool)


def game(seed: int, count: int):
    """Any score of subsets: a sum, and products of some pairs and triples."""
    rng = np.random.default_rng(seed)
    single, pairs = rng.normal(size=count), rng.normal(size=(count, count))
    triple = rng.normal(size=3)

    def value(kept: np.ndarray) -> np.ndarray:
        x = kept.astype(float)
        return 0.7 + x @ single + np.einsum("ki,ij,kj->k", x, pairs, x) + x[:, :3].prod(axis=1) * triple.sum()

    return value


def test_a_toy_by_hand():
    """Either of two witnesses is worth 6, both together 8; the third is worth 1 only beside the first."""

    def value(kept: np.ndarray) -> np.ndarray:
        a, b, c = kept.T
        return 2.0 + np.where(a & b, 8.0, np.where(a | b, 6.0, 0.0)) + (a & c)

    found = shares(value, all_moving(3))
    # Alone 6, after the other 2: (6 + 2) / 2 = 4; the third's 1 is shared by the two that make it.
    np.testing.assert_allclose(found.share, [4.5, 4.0, 0.5])
    np.testing.assert_allclose(found.alone, [3.0, 2.0, 1.0])
    assert found.base == 2.0
    np.testing.assert_array_equal(found.error, 0.0)


def test_what_does_not_move_is_worth_what_removing_it_takes_away():
    def value(kept: np.ndarray) -> np.ndarray:
        a, b, c = kept.T.astype(float)
        return 10 * a * b - 3 * c + 2 * a * c

    found = shares(value, np.array([True, True, False]))
    # With c always there: value(a, b) = 10ab + 2a - 3.
    np.testing.assert_allclose(found.share, [7.0, 5.0, -1.0])
    assert found.base == -3.0


@given(st.integers(0, 10_000), st.integers(3, MOST_EXACT + 4))
def test_shares_sum_to_the_score(seed, count):
    value = game(seed, count)
    found = shares(value, all_moving(count), options=ShareOptions(orders=8))
    whole = value(np.ones((1, count), dtype=bool))[0]
    assert found.base == pytest.approx(value(np.zeros((1, count), dtype=bool))[0])
    assert found.base + found.share.sum() == pytest.approx(whole)


@given(st.integers(0, 10_000), st.randoms())
def test_the_order_of_clues_carries_no_information(seed, rnd):
    count = 6
    order = np.array(rnd.sample(range(count), count))
    value = game(seed, count)
    back = np.argsort(order)
    turned = shares(lambda kept: value(kept[:, back]), all_moving(count))
    plain = shares(value, all_moving(count))
    np.testing.assert_allclose(turned.share, plain.share[order])
    np.testing.assert_allclose(turned.alone, plain.alone[order])


@pytest.mark.parametrize("count", [5, MOST_EXACT + 3])
def test_two_sides_that_mean_the_same_get_the_same_and_a_bystander_nothing(count):
    def value(kept: np.ndarray) -> np.ndarray:
        a, b, rest = kept[:, 0], kept[:, 1], kept[:, 3:].sum(axis=1)
        return np.where(a & b, 5.0, np.where(a | b, 4.0, 0.0)) + rest

    found = shares(value, all_moving(count), options=ShareOptions(orders=16))
    assert found.share[0] == pytest.approx(found.share[1])
    assert found.share[2] == 0.0


def test_drawn_orders_come_near_the_exact_shares():
    count = MOST_EXACT
    value = game(3, count)
    exact = shares(value, all_moving(count))

    def more(kept: np.ndarray) -> np.ndarray:
        return value(kept[:, :count])

    drawn = shares(more, all_moving(count + 2), options=ShareOptions(orders=400))
    assert drawn.error[:count].max() > 0
    np.testing.assert_array_less(np.abs(drawn.share[:count] - exact.share), 5 * drawn.error[:count] + 1e-9)


def test_no_clue_at_all_leaves_the_base():
    found = shares(lambda kept: np.full(len(kept), 1.5), all_moving(0))
    assert (found.base, len(found.share)) == (1.5, 0)
