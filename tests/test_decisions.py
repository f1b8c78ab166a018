from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.decisions import ANY_TYPE, DecisionOptions, HeldOut, choose_threshold, thresholds_by_type
from crossgraph.errors import ConfigError


def held_out(probability, same, *, matches=None):
    probability, same = np.asarray(probability, dtype=np.float64), np.asarray(same, dtype=bool)
    return HeldOut(probability, same, np.arange(len(same)), int(same.sum()) if matches is None else matches)


def calibrated(count, seed, *, matches=None):
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.6, 0.6, count)
    return held_out(probability, rng.random(count) < probability, matches=matches)


def true_precision(threshold):
    """Of calibrated pairs above a threshold, by a very large sample."""
    probability = np.random.default_rng(99).beta(0.6, 0.6, 200_000)
    return probability[probability >= threshold].mean()


rows = st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.5, 0.7, 0.99]), st.booleans()), max_size=20)


@given(rows, st.integers(0, 5), st.sampled_from([0.0, 0.5, 0.95]))
def test_what_a_threshold_claims_is_what_held_out_pairs_say(rows, missed, floor):
    part = held_out([p for p, _ in rows], [s for _, s in rows], matches=sum(s for _, s in rows) + missed)
    found = choose_threshold(part, precision=floor, seed=0)
    assert found.matches == part.matches
    if not any(same for _, same in rows):
        assert found.probability == 0.5
        assert np.isnan(found.precision)
        return
    chosen = [same for probability, same in rows if probability >= found.probability]
    assert found.precision == pytest.approx(sum(chosen) / len(chosen))
    assert found.recall == pytest.approx(sum(chosen) / part.matches)
    assert found.precision_low <= found.precision_high
    assert found.recall_low <= found.recall_high


def test_few_separable_labels_leave_the_threshold_at_one_half():
    found = choose_threshold(
        held_out([0.97, 0.99, 0.02, 0.1], [True, True, False, False]), precision=0, seed=0
    )
    assert found.probability == 0.5
    assert (found.precision, found.recall) == (1.0, 1.0)


def test_many_labels_move_the_threshold_to_the_best_f1():
    # Everything above 0.2 is right: one half would lose half of the matches.
    probability = np.linspace(0.0, 0.6, 3000)
    found = choose_threshold(held_out(probability, probability > 0.2), precision=0, seed=0)
    assert found.probability == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("floor", [0.8, 0.9, 0.95])
def test_a_floor_of_precision_holds_for_new_pairs(floor):
    """Over simulated worlds the lower bound fails about as seldom as it says, and never by much."""
    kept = [
        true_precision(choose_threshold(calibrated(600, s), precision=floor, seed=s).probability)
        for s in range(20)
    ]
    assert np.mean(np.array(kept) >= floor) >= 0.9
    assert min(kept) > floor - 0.03


def test_a_higher_floor_never_lowers_the_precision():
    part = calibrated(2000, 5)
    found = [choose_threshold(part, precision=floor, seed=0) for floor in (0.0, 0.6, 0.8, 0.9, 0.97)]
    assert (np.diff([threshold.precision for threshold in found]) >= 0).all()
    assert all(t.precision_low >= f for t, f in zip(found[1:4], (0.6, 0.8, 0.9), strict=True))


def test_few_pairs_never_claim_a_high_precision():
    """Eight right ones in eight are compatible with one of two thirds, whatever the bootstrap says."""
    found = choose_threshold(held_out(np.linspace(0.6, 1, 8), np.ones(8)), precision=0.95, seed=0)
    assert found.precision == 1.0
    assert found.precision_low == pytest.approx(8 / (8 + 1.96**2), abs=1e-3)
    for seed in range(10):
        assert choose_threshold(calibrated(40, seed), precision=0.95, seed=seed).precision_low < 0.95


def test_a_floor_out_of_reach_takes_the_most_precise():
    rng = np.random.default_rng(0)
    probability = rng.random(500)
    found = choose_threshold(held_out(probability, rng.random(500) < 0.5), precision=1.0, seed=0)
    assert found.precision_low < 1.0
    assert np.isfinite(found.probability)


def test_intervals_cover_and_seeds_repeat():
    part = calibrated(800, 3, matches=500)
    one = choose_threshold(part, precision=0, seed=1)
    assert one == choose_threshold(part, precision=0, seed=1)
    assert one.precision_low < one.precision < one.precision_high
    assert one.recall_low < one.recall < one.recall_high
    error = np.sqrt(one.precision * (1 - one.precision) / (part.probability >= one.probability).sum())
    assert one.precision_high - one.precision_low == pytest.approx(2 * 1.96 * error, rel=0.3)
    assert one.as_dict()["matches"] == 500


def covered(worlds, *, precision=0.0):
    """Of simulated worlds, in how many the intervals hold the precision and the recall of new pairs."""
    drawn = np.random.default_rng(99).beta(0.6, 0.6, 200_000)
    found = []
    for seed in range(worlds):
        one = choose_threshold(calibrated(400, seed), precision=precision, seed=seed)
        kept = drawn[drawn >= one.probability]
        found.append(
            (
                one.precision_low <= kept.mean() <= one.precision_high,
                one.recall_low <= kept.sum() / drawn.sum() <= one.recall_high,
            )
        )
    return np.mean(found, axis=0)


def test_intervals_of_new_pairs_hold_as_often_as_they_say():
    assert (covered(40) >= 0.9).all()


def test_intervals_hold_what_comes_of_few_other_pairs():
    """As many others as held-out ones stray as far from what is expected as these do."""
    held = []
    for seed in range(60):
        part, others = calibrated(400, seed), calibrated(400, 1_000 + seed)
        for one in (replace(part, others=float(others.same.sum())), part):
            found = choose_threshold(one, precision=0, seed=seed)
            kept = others.probability >= found.probability
            precision, recall = others.same[kept].mean(), others.same[kept].sum() / others.same.sum()
            held.append(
                (
                    found.precision_low <= precision <= found.precision_high,
                    found.recall_low <= recall <= found.recall_high,
                )
            )
    aware, unaware = (np.mean(held[at::2], axis=0) for at in range(2))
    assert (aware >= 0.9).all()
    assert (unaware <= aware - 0.05).all()


def test_intervals_are_those_of_the_expectation_where_others_are_many():
    part = calibrated(400, 5)
    expected = choose_threshold(part, precision=0, seed=0).as_dict()
    assert choose_threshold(replace(part, others=1e12), precision=0, seed=0).as_dict() == pytest.approx(
        expected
    )
    few = choose_threshold(replace(part, others=1.0), precision=0, seed=0)
    assert 0.0 <= few.recall_low < expected["recall_low"] < expected["recall_high"] < few.recall_high <= 1.0


@pytest.mark.long
@pytest.mark.parametrize("precision", [0.0, 0.8])
def test_intervals_of_new_pairs_hold_as_often_as_they_say_in_many_worlds(precision):
    assert (covered(1000, precision=precision) >= 0.93).all()


def test_types_with_enough_links_have_their_own_threshold():
    parts = {"film": calibrated(400, 1), "person": calibrated(20, 2)}
    found = thresholds_by_type(parts, options=DecisionOptions(least_links=50), seed=0)
    assert set(found) == {"film", ANY_TYPE}
    assert found[ANY_TYPE].matches == sum(part.matches for part in parts.values())
    assert thresholds_by_type({}, options=DecisionOptions(), seed=0) == {}


def test_settings_out_of_range_are_refused():
    for precision in (-0.1, 1.1):
        with pytest.raises(ConfigError, match="precision"):
            DecisionOptions(precision=precision)


def test_a_pair_that_stands_for_three_counts_as_three_of_one_entity():
    rng = np.random.default_rng(3)
    probability, same = rng.random(80).round(3), rng.random(80) < 0.5
    times = rng.integers(1, 4, 80)
    weighed = HeldOut(probability, same, np.arange(80), 90, weight=times.astype(np.float64))
    repeated = HeldOut(*(np.repeat(one, times) for one in (probability, same, np.arange(80))), 90)
    matches = int((times * same).sum())
    one, other = (
        choose_threshold(replace(part, matches=matches), precision=0.6, seed=1)
        for part in (weighed, repeated)
    )
    assert (one.probability, one.precision, one.recall) == pytest.approx(
        (other.probability, other.precision, other.recall)
    )
    assert one.precision_low == pytest.approx(other.precision_low)


def test_a_threshold_lies_near_what_is_as_likely_as_not():
    part = held_out([0.97, 0.99, 0.02, 0.1], [True, True, False, False])
    assert choose_threshold(replace(part, half=0.8), precision=0, seed=0).probability == 0.8
