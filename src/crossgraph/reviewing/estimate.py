"""How good the matches are, from those that people have judged so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, expit, logit

from crossgraph._types import Float64, Int64

PARTS = 40
# Half of the prior says less than 2.5% wrong, a twentieth more than 19%.
_WRONG = (0.5, 9.5)
_SCALE = 0.5
_LOW, _HIGH = np.array([-4.0, -1.6, -12.0]), np.array([4.0, 1.6, 0.5])
_POINTS = (13, 11, 15)
_NARROWINGS = 2
_DRAWS = 4000


@dataclass(frozen=True, slots=True)
class Precision:
    """The share of right matches: the estimate, its 95% interval, and how many of them were judged."""

    value: float
    low: float
    high: float
    judged: int
    total: int


@dataclass(frozen=True, eq=False)
class Parts:
    """Matches cut into parts of equal size by their probability.

    of (M)        the part of each match
    logits (K)    the mean log-odds of a part
    sizes (K)     how many matches are in it
    """

    of: Int64
    logits: Float64
    sizes: Float64

    @staticmethod
    def by(probability: Float64) -> Parts:
        """(M) probabilities, at most ``PARTS`` parts of them."""
        order = np.argsort(probability, kind="stable")
        count = min(PARTS, len(order))
        of = np.empty(len(order), dtype=np.int64)
        of[order] = np.arange(len(order)) * count // max(1, len(order))
        sizes = np.bincount(of, minlength=count).astype(np.float64)
        log_odds = logit(np.clip(probability, 1e-9, 1.0 - 1e-9))
        return Parts(of, np.bincount(of, weights=log_odds, minlength=count) / sizes, sizes)


def estimate_precision(parts: Parts, verdicts: Float64) -> Precision | None:
    """Precision of all matches from the judged ones; None as long as none is judged.

    Reviewers see doubtful pairs first, so a plain share would be too low, and shares of strata say nothing of
    those that nobody has looked into. The judged ones tell instead how far the model may be trusted: a match
    of probability p is right with the chance (1 - wrong) sigmoid(shift + scale logit(p)). That is Platt's
    scaling (1999) of the model's own probability, and a share of matches that are wrong however sure the
    model is. Their posterior on a grid gives the chance of all that are not judged; what is judged counts as
    it is. Which pairs were judged may depend on their probability, for that is what is conditioned on.

    verdicts (M)   1 same, 0 different, NaN not judged
    """
    judged = ~np.isnan(verdicts)
    if not judged.any():
        return None
    count = len(parts.sizes)
    seen, right = (
        np.bincount(parts.of[judged], weights=weights, minlength=count).astype(np.float64)
        for weights in (np.ones(int(judged.sum())), verdicts[judged])
    )
    chance, weight = _posterior(parts.logits, seen, right)
    rest = parts.sizes - seen
    mean, spread = chance @ rest, np.sqrt((chance * (1.0 - chance)) @ rest)
    generator = np.random.default_rng(0)
    drawn = generator.choice(len(weight), _DRAWS, p=weight)
    unseen = mean[drawn] + spread[drawn] * generator.standard_normal(_DRAWS)
    share = (right.sum() + np.clip(unseen, 0.0, rest.sum())) / len(verdicts)
    low, high = np.quantile(share, [0.025, 0.975])
    return Precision(float(share.mean()), float(low), float(high), int(judged.sum()), len(verdicts))


def _posterior(logits: Float64, seen: Float64, right: Float64) -> tuple[Float64, Float64]:
    """(G, K) the chance of each part at each point of a grid, and (G) the points' posterior weights.

    The grid is laid again around the points that matter, so that it is fine enough for many judged matches.
    """
    low, high = _LOW, _HIGH
    for narrowing in range(_NARROWINGS + 1):
        axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, _POINTS, strict=True)]
        points = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")])
        chance = _chance(points, logits)
        likely = _prior(points) + np.log(chance) @ right + np.log1p(-chance) @ (seen - right)
        weight = np.exp(likely - likely.max())
        if narrowing < _NARROWINGS:
            matters = points[:, weight > 1e-4]
            step = (high - low) / (np.array(_POINTS) - 1)
            low = np.maximum(low, matters.min(axis=1) - step)
            high = np.minimum(high, matters.max(axis=1) + step)
    return chance, weight / weight.sum()


def _chance(points: Float64, logits: Float64) -> Float64:
    shift, scale, wrong = points[0], np.exp(points[1]), expit(points[2])
    chance = (1.0 - wrong)[:, None] * expit(shift[:, None] + scale[:, None] * logits)
    value: Float64 = np.clip(chance, 1e-12, 1.0 - 1e-12)
    return value


def _prior(points: Float64) -> Float64:
    """(G) log density of the shift, of the scale's logarithm, and of the log-odds of a wrong match."""
    shift, scale, wrong = points
    a, b = _WRONG
    value: Float64 = -0.5 * shift**2 - 0.5 * (scale / _SCALE) ** 2 - betaln(a, b)
    value += a * np.log(expit(wrong)) + b * np.log(expit(-wrong))
    return value
