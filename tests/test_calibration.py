from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.calibration import (
    LONGEST_LEAD,
    Calibration,
    ReliabilityBin,
    calibrate,
    error_by_chance,
    expected_calibration_error,
    probabilities,
    reliability,
    rival_leads,
)
from features.plain import ints


def logistic(logits):
    return 1 / (1 + np.exp(-logits))


@given(st.lists(st.floats(-1000, 1000), min_size=2, max_size=20))
def test_probabilities_rise_with_scores(scores):
    scores = np.unique(np.round(scores, 2))
    found = probabilities(scores)
    assert found.dtype == np.float64
    assert (np.diff(found) > 0).all()
    assert ((found > 0) & (found < 1)).all()


def test_probabilities_are_distinct_for_every_float32_score_step():
    scores = np.linspace(-1000, 1000, 400_001)
    assert (np.diff(probabilities(scores)) > 0).all()


def test_probabilities_are_the_logistic_function_in_the_middle():
    scores = np.linspace(-15, 15, 101)
    np.testing.assert_allclose(probabilities(scores), logistic(scores))
    np.testing.assert_allclose(probabilities(scores) + probabilities(-scores), 1.0)
    assert probabilities(np.zeros(0)).tolist() == []


def test_a_known_logistic_is_recovered():
    rng = np.random.default_rng(0)
    raw, leads = rng.normal(0, 2, (2, 40_000))
    same = rng.random(40_000) < logistic(1.5 * raw + 0.5 * leads - 2.0)
    found = calibrate(raw.astype(np.float32), leads, same, np.ones(40_000, dtype=np.float32))
    assert found.slope == pytest.approx(1.5, abs=0.1)
    assert found.rivals == pytest.approx(0.5, abs=0.1)
    assert found.offset == pytest.approx(-2.0, abs=0.1)
    fitted = probabilities(found.slope * raw + found.rivals * leads + found.offset)
    assert expected_calibration_error(reliability(fitted, same)) < 0.01


def test_weights_count_as_repetitions():
    rng = np.random.default_rng(1)
    raw, leads = rng.normal(0, 1, 200).astype(np.float32), np.zeros(200)
    same = rng.random(200) < logistic(2 * raw)
    weight = np.where(raw > 0, 1.0, 0.0).astype(np.float32)
    kept = raw > 0
    one = calibrate(raw, leads, same, weight)
    # Platt's targets know the counts of all, so only nearly the same.
    other = calibrate(raw[kept], leads[kept], same[kept], weight[kept])
    assert one.slope == pytest.approx(other.slope, rel=0.1)


def test_separable_classes_and_single_ones_stay_finite():
    raw = np.array([-3, -2, 2, 3], dtype=np.float32)
    ones = np.ones(4, dtype=np.float32)
    found = calibrate(raw, np.zeros(4), raw > 0, ones)
    assert np.isfinite([found.slope, found.rivals, found.offset]).all()
    for same in (np.ones(4, dtype=bool), np.zeros(4, dtype=bool)):
        assert calibrate(raw, np.zeros(4), same, ones) == Calibration()


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.floats(-20, 20, width=32)),
        max_size=10,
        unique_by=lambda row: row[:2],
    ),
    st.integers(0, 9),
    st.floats(0, 5),
)
def test_a_higher_raw_score_never_lowers_its_log_odds(rows, at, more):
    if not rows:
        return
    pairs = ints(*(row[0] for row in rows)), ints(*(row[1] for row in rows))
    raw = np.array([row[2] for row in rows], dtype=np.float32)
    calibration = Calibration(slope=0.7, rivals=0.4, offset=-1.0)
    raised = raw.copy()
    raised[at % len(raw)] += np.float32(more)
    before, after = (calibration.scores(one, rival_leads(one, pairs)) for one in (raw, raised))
    assert after[at % len(raw)] >= before[at % len(raw)]
    # Nor does it raise those of a rival.
    others = np.arange(len(raw)) != at % len(raw)
    assert (after[others] <= before[others]).all()


def test_leads_by_hand():
    raw = np.array([5, 1, 30, 2], dtype=np.float32)
    found = rival_leads(raw, (ints(0, 0, 1, 1), ints(0, 1, 0, 2)))
    one = LONGEST_LEAD
    assert found.tolist() == [4.0 - one, -4.0 + one, one + one, -one + one]


def test_ece_by_hand():
    probability = np.array([0.1, 0.2, 0.8, 0.9])
    same = np.array([False, True, True, True])
    # Two bins of two: |0.15 - 0.5| and |0.85 - 1|.
    two = reliability(probability, same, bins=2)
    assert two == [ReliabilityBin(2, pytest.approx(0.15), 0.5), ReliabilityBin(2, pytest.approx(0.85), 1.0)]
    assert expected_calibration_error(two) == pytest.approx((0.35 + 0.15) / 2)
    each = reliability(probability[::-1], same[::-1], bins=99)
    assert [(one.pairs, one.probability) for one in each] == [(1, p) for p in probability]
    assert expected_calibration_error(each) == pytest.approx((0.1 + 0.8 + 0.2 + 0.1) / 4)
    assert reliability(probability[:0], same[:0]) == []
    assert np.isnan(expected_calibration_error([]))


def test_the_error_of_true_probabilities_is_what_chance_leaves():
    rng = np.random.default_rng(7)
    told = rng.uniform(0.05, 0.95, 150)
    found = np.mean(
        [expected_calibration_error(reliability(told, rng.random(150) < told)) for _ in range(300)]
    )
    assert error_by_chance(told) == pytest.approx(found, rel=0.1)
    assert error_by_chance(np.repeat(told, 100)) < error_by_chance(told) / 5
    # One pair in each bin, of one half: each is off by a half.
    assert error_by_chance(np.full(15, 0.5)) == 0.5
