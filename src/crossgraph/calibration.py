"""Scores to probabilities: rivals weighed in, then Platt scaling on held-out pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossgraph._types import AnyArray, Bool, Float32, Float64, Int32
from crossgraph.blocking.ranking import lead, ranks

# Leads beyond this say no more; an entity with a single candidate leads by as much.
LONGEST_LEAD = 8.0
# Of pairs that are less or more probable nobody is in doubt.
DOUBT = (0.05, 0.95)
# What is told anew is worse than before if it loses by more than so many standard errors.
DRIFT = 2.0
# Keeps probabilities apart from 0 and 1 and distinct in float64, however sure the scorer is.
SUREST = 30.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Log-odds of a pair: ``slope * s + rivals * r + offset``.

    Platt (1999) with one more regressor: how a pair of score s stands against the other candidates of its
    entities. Both weights are non-negative, so a higher score never lowers a probability.
    """

    slope: float = 1.0
    rivals: float = 0.0
    offset: float = 0.0

    def scores(self, scores: AnyArray, standings: Float64) -> Float64:
        """(P) log-odds of pairs."""
        odds: Float64 = scores.astype(np.float64)
        odds *= self.slope
        odds += self.rivals * standings
        odds += self.offset
        return odds

    def then(self, other: Calibration) -> Calibration:
        """This and after it another one that is told of no standing."""
        slope = other.slope
        return Calibration(slope * self.slope, slope * self.rivals, slope * self.offset + other.offset)


def rival_leads(raw: Float32, pairs: tuple[Int32, Int32]) -> Float64:
    """(P) lead among the left entity's candidates plus lead among the right's, each within +-8."""
    left, right = bounded_leads(raw, pairs)
    left += right
    return left


def bounded_leads(values: AnyArray, pairs: tuple[Int32, Int32]) -> tuple[Float64, Float64]:
    """(P), (P) leads among the candidates of either side's entity, each within +-8."""
    left, right = (bounded(lead(side, values)) for side in pairs)
    return left, right


def bounded(leads: Float64) -> Float64:
    """(P) leads, each within +-8."""
    return np.clip(leads, -LONGEST_LEAD, LONGEST_LEAD)


def calibrate(scores: AnyArray, standings: Float64, same: Bool, weight: Float32) -> Calibration:
    """Fit a calibration to held-out pairs by penalised maximum likelihood.

    scores, standings, same, weight (K); both classes should occur. Returns the identity where one is missing.
    """
    if not same.any() or same.all():
        return Calibration()
    # Slow to load, and only who learns needs it.
    from scipy.optimize import minimize

    # Platt's targets keep the fit finite where classes are separable.
    positives, negatives = same.sum(), (~same).sum()
    target = np.where(same, (positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0))
    features = np.stack([scores.astype(np.float64), standings], axis=1)

    def loss(theta: Float64) -> tuple[float, Float64]:
        logits = features @ theta[:2] + theta[2]
        softplus = np.logaddexp(0.0, logits)
        gradient = weight * (1.0 / (1.0 + np.exp(-np.clip(logits, -500, 500))) - target)
        value = float((weight * (softplus - target * logits)).sum())
        return value, np.r_[gradient @ features, gradient.sum()]

    fitted = minimize(
        loss,
        np.array([1.0, 0.1, 0.0]),
        jac=True,
        bounds=[(0.05, 20.0), (0.0, 5.0), (None, None)],
        method="L-BFGS-B",
    )
    return Calibration(*(float(value) for value in fitted.x))


def probabilities(scores: AnyArray) -> Float64:
    """(P) float64 in (0, 1), strictly increasing in the score: the logistic of a softly bounded score."""
    odds = np.array(scores, dtype=np.float64)
    # Identity in the middle, logarithmic beyond: still strictly increasing where the logistic saturates.
    far = np.abs(odds) > SUREST / 2
    beyond = odds[far]
    odds[far] = np.sign(beyond) * (SUREST / 2 + np.log1p(np.abs(beyond) - SUREST / 2))
    np.negative(odds, out=odds)
    np.exp(odds, out=odds)
    odds += 1.0
    return np.reciprocal(odds, out=odds)


def log_losses(scores: AnyArray, same: Bool) -> Float64:
    """(K) the log-loss of each pair of a log-odds and a label."""
    losses: Float64 = np.logaddexp(0.0, np.where(same, -1.0, 1.0) * scores)
    return losses


def drifted(now: Float64, before: Float64) -> bool:
    """Whether losses (K) of the same pairs are worse than before, by more than chance."""
    worse = now - before
    return len(worse) > 0 and bool(worse.mean() > DRIFT * worse.std() / math.sqrt(len(worse)))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Pairs of about one probability: how many, their mean probability, and the share that is the same."""

    pairs: int
    probability: float
    share: float


def reliability(probability: Float64, same: Bool, *, bins: int = 15) -> list[ReliabilityBin]:
    """Bins of equal mass, the least probable pairs first; none for no pairs."""
    order = np.argsort(probability, kind="stable")
    return [
        ReliabilityBin(len(part), float(probability[part].mean()), float(same[part].mean()))
        for part in np.array_split(order, bins)
        if len(part)
    ]


def told_apart(
    probability: Float64, same: Bool, entities: AnyArray
) -> tuple[tuple[Float64, Bool], tuple[Float64, Bool]]:
    """Probability and label of each entity's top candidate, and of the pairs in doubt."""
    top = ranks(entities.astype(np.int32), probability) == 0
    doubt = (probability >= DOUBT[0]) & (probability <= DOUBT[1])
    return (probability[top], same[top]), (probability[doubt], same[doubt])


def expected_calibration_error(told: Sequence[ReliabilityBin]) -> float:
    """Mean gap between probability and share of matches (Naeini et al., AAAI 2015); NaN for no pairs."""
    if not told:
        return float("nan")
    return sum(one.pairs * abs(one.probability - one.share) for one in told) / sum(one.pairs for one in told)


def error_by_chance(probability: Float64, *, draws: int = 100) -> float:
    """The expected calibration error where every probability is true: few pairs in a bin are never quite so.

    The mean over labels drawn with these probabilities. A model's own error can be read only beside it.
    """
    drawn = np.random.default_rng(0)
    errors = [
        expected_calibration_error(reliability(probability, drawn.random(len(probability)) < probability))
        for _ in range(draws)
    ]
    return float(np.mean(errors))
