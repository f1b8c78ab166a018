"""Shares of a score: how much each clue adds, on average over the orders in which clues may come.

The Shapley value (Shapley, 1953) is the only division that sums to the whole, gives alike clues alike
shares, nothing to a clue that never changes anything, and adds over sums of scores. It is needed because
the score is no sum over clues: two neighbours that say the same are not worth twice, a hidden layer reads
pieces of evidence together, and attention is shared out among neighbours. For many clues it is estimated
from orders drawn at random (Castro, Gomez and Tejada, 2009), each with its reverse, which cancels much of
the noise (Mitchell et al., JMLR 2022). Every order sums to the whole, so the estimate does so too.

Only what both sides have comes and goes in these orders. What one side alone has (a neighbour without an
echo, a value without a counterpart) stays, and its share is what removing it would take away: two entities
of which nothing at all is told are like no pair that a model ever saw, and a walk that starts there would
spread its surprise over every fact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import factorial

import numpy as np

from crossgraph._types import Bool, Float64, Int64

# Up to so many clues all subsets are scored (2^8).
MOST_EXACT = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareOptions:
    """How shares are estimated.

    orders   orders that are drawn where not all subsets can be scored, half of them the others' reverse
    seed     of the draws
    """

    orders: int = 32
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Shares:
    """What a score is made of: ``base`` and the shares of the clues that come and go sum to it.

    share (C)   of each clue
    error (C)   standard error of each share; zero where all subsets were scored
    base        the score without any of the clues that come and go
    alone (C)   by how much the score would fall, were only this clue removed
    whole       the score with all clues
    """

    share: Float64
    error: Float64
    base: float
    alone: Float64
    whole: float


def shares(
    value: Callable[[Bool], Float64], moving: Bool, *, options: ShareOptions = ShareOptions()
) -> Shares:
    """Divide a score among clues.

    value        scores (K) of subsets (K, C), True for a clue that is there
    moving (C)   True for the clues that come and go; the others' shares are what removing them takes away
    """
    places = np.flatnonzero(moving)

    def played(subsets: Bool) -> Float64:
        kept = np.ones((len(subsets), len(moving)), dtype=bool)
        kept[:, places] = subsets
        return value(kept)

    few = len(places) <= MOST_EXACT
    parts = _exact(played, len(places)) if few else _drawn(played, len(places), options)
    count = len(moving)
    ends = value(np.r_[np.ones((1, count), dtype=bool), ~np.eye(count, dtype=bool)])
    share, error = ends[0] - ends[1:], np.zeros(count)
    share[places], error[places] = parts[:2]
    return Shares(share, error, parts[2], ends[0] - ends[1:], float(ends[0]))


def _exact(value: Callable[[Bool], Float64], count: int) -> tuple[Float64, Float64, float]:
    subsets = np.array(list(product((False, True), repeat=count)), dtype=bool).reshape(2**count, count)
    scores = value(subsets)
    bits = 1 << np.arange(count)[::-1]
    size = subsets.sum(axis=1)
    weight = np.array([factorial(int(s)) * factorial(count - 1 - int(s)) for s in range(count)], dtype=float)
    share = np.zeros(count)
    for clue in range(count):
        without = np.flatnonzero(~subsets[:, clue])
        gain = scores[without + bits[clue]] - scores[without]
        share[clue] = (weight[size[without]] * gain).sum() / factorial(count)
    return share, np.zeros(count), float(scores[0])


def _drawn(
    value: Callable[[Bool], Float64], count: int, options: ShareOptions
) -> tuple[Float64, Float64, float]:
    rng = np.random.default_rng(options.seed)
    half = [rng.permutation(count) for _ in range(max(1, options.orders // 2))]
    orders = np.array([order for one in half for order in (one, one[::-1])], dtype=np.int64)
    rows, at = np.unique(_prefixes(orders).reshape(-1, count), axis=0, return_inverse=True)
    scores = value(rows)[at].reshape(len(orders), count + 1)
    gains = np.zeros((len(orders), count))
    np.put_along_axis(gains, orders, np.diff(scores, axis=1), axis=1)
    paired = gains.reshape(-1, 2, count).mean(axis=1)
    error = paired.std(axis=0, ddof=1) / np.sqrt(len(paired)) if len(paired) > 1 else np.zeros(count)
    return paired.mean(axis=0), error, float(scores[0, 0])


def _prefixes(orders: Int64) -> Bool:
    """(O, C + 1, C) which clues are there before the first, second, ... one of each order comes."""
    places = np.argsort(orders, axis=1)
    before: Bool = places[:, None, :] < np.arange(orders.shape[1] + 1)[None, :, None]
    return before
