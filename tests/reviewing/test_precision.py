"""The precision that a review tells: simulated reviews of models that are as sure as they should, or more."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from crossgraph.reviewing.estimate import PARTS, Parts, estimate_precision

Numbers = NDArray[np.float64]
MODELS: dict[str, Callable[[Numbers], Numbers]] = {
    "calibrated": lambda p: p,
    "too sure": lambda p: expit(0.5 * logit(p)),
    "wrong only where sure": lambda p: np.where(p > 0.95, 0.9, p),
}
RUNS, MATCHES, JUDGED = 25, 900, 60


def test_without_judgements_there_is_none_and_with_all_of_them_it_is_exact() -> None:
    parts = Parts.by(np.linspace(0.5, 1, 40))
    assert estimate_precision(parts, np.full(40, np.nan)) is None
    found = estimate_precision(parts, np.r_[np.zeros(10), np.ones(30)])
    assert found is not None
    assert (found.value, found.low, found.high) == (0.75, 0.75, 0.75)


def test_parts_are_of_one_size_and_in_order() -> None:
    probability = np.random.default_rng(0).permutation(np.linspace(0.3, 1, 950))
    parts = Parts.by(probability)
    assert len(parts.sizes) == PARTS
    assert set(parts.sizes.tolist()) == {23.0, 24.0}
    assert (np.diff(parts.logits) > 0).all()
    assert (np.diff(parts.of[np.argsort(probability)]) >= 0).all()


@pytest.mark.parametrize("order", ["doubtful first", "at random"])
@pytest.mark.parametrize("model", MODELS)
def test_the_interval_covers_the_truth_whichever_matches_are_judged(model: str, order: str) -> None:
    rng = np.random.default_rng(3)
    covered, shares = 0, []
    for _ in range(RUNS):
        probability = np.clip(expit(rng.normal(4, 2.5, MATCHES)), 0.3, 1 - 1e-7)
        truth = (rng.random(MATCHES) < MODELS[model](probability)).astype(float)
        first = np.argsort(probability) if order == "doubtful first" else rng.permutation(MATCHES)
        verdicts = np.full(MATCHES, np.nan)
        verdicts[first[:JUDGED]] = truth[first[:JUDGED]]
        found = estimate_precision(Parts.by(probability), verdicts)
        assert found is not None
        covered += found.low <= truth.mean() <= found.high
        shares.append(truth[first[:JUDGED]].mean() - truth.mean())
        assert found.high - found.low < 0.4
    assert covered / RUNS >= 0.9
    if order == "doubtful first":
        assert np.mean(shares) < -0.2, "else a plain share would do"


def test_more_judgements_make_it_surer() -> None:
    rng = np.random.default_rng(4)
    probability = expit(rng.normal(4, 2.5, 5_000))
    truth = (rng.random(5_000) < probability).astype(float)
    widths = []
    for judged in (10, 100, 1_000, 4_900):
        verdicts = np.where(np.arange(5_000) < judged, truth, np.nan)
        found = estimate_precision(Parts.by(probability), verdicts)
        assert found is not None
        widths.append(found.high - found.low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.01
