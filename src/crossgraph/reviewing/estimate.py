"""How good the matches are, from those that people have judged so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossgraph._types import Float64, Int64

STRATA = 5
_DRAWS = 4000


@dataclass(frozen=True, slots=True)
class Precision:
    """The share of right matches: the estimate, its 95% interval, and how many of them were judged."""

    value: float
    low: float
    high: float
    judged: int
    total: int


def strata_of(probability: Float64) -> list[Int64]:
    """(M) matches cut into ``STRATA`` parts of equal size by their probability."""
    parts = np.array_split(np.argsort(probability, kind="stable"), STRATA)
    return [part for part in parts if len(part)]


def estimate_precision(strata: Sequence[Int64], verdicts: Float64) -> Precision | None:
    """Precision of all matches from the judged ones; None as long as none is judged.

    Reviewers see doubtful pairs first, so a plain share would be too low. Each stratum of equal probability
    has its own share, and what is not judged of it is taken to be as the judged, with the uncertainty of so
    few (a beta distribution from Jeffreys' prior). A stratum that nobody has looked into makes the interval
    as wide as it should be; what is judged counts as it is.

    strata         rows of the matches, see ``strata_of``
    verdicts (M)   1 same, 0 different, NaN not judged
    """
    judged = ~np.isnan(verdicts)
    if not judged.any():
        return None
    generator = np.random.default_rng(0)
    right = np.zeros(_DRAWS)
    for stratum in strata:
        known = verdicts[stratum][judged[stratum]]
        yes, no = float(known.sum()), float(len(known) - known.sum())
        right += yes + (len(stratum) - len(known)) * generator.beta(yes + 0.5, no + 0.5, _DRAWS)
    share = right / len(verdicts)
    low, high = np.quantile(share, [0.025, 0.975])
    return Precision(float(share.mean()), float(low), float(high), int(judged.sum()), len(verdicts))
