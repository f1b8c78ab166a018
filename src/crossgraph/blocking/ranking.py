"""Where a pair stands among the candidates of the same entity."""

from __future__ import annotations

import numpy as np

from crossgraph._types import AnyArray, Float64, Int32

# Times that both sides are scaled in turn, after which shares hardly move.
SCALINGS = 5


def lead(groups: Int32, scores: AnyArray) -> Float64:
    """(P) each score minus the best other score of its group; infinite where it stands alone."""
    values = scores.astype(np.float64)
    best = np.full(int(groups.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(best, groups, values)
    leads = values == best[groups]
    sharing = np.bincount(groups[leads], minlength=len(best))
    second = np.full(len(best), -np.inf)
    np.maximum.at(second, groups[~leads], values[~leads])
    alone_ahead = leads & (sharing[groups] == 1)
    out: Float64 = values - np.where(alone_ahead, second[groups], best[groups])
    return out


def ranks(groups: Int32, scores: AnyArray) -> Int32:
    """(P) 0-based place of each pair within its group, best score first; ties by place in the table."""
    order = np.lexsort((np.arange(len(groups)), -scores, groups))
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, int)
    sizes = np.diff(np.r_[starts, len(ordered)])
    out = np.empty(len(groups), dtype=np.int32)
    out[order] = np.arange(len(groups)) - np.repeat(starts, sizes)
    return out


def partner_shares(left: Int32, right: Int32, log_odds: AnyArray) -> Float64:
    """(P) how likely each pair is, when each entity has one partner or none: at most 1, a ranking too.

    Odds ``exp(log_odds)`` are scaled until the shares of each entity of either side, and the odds 1 of having
    no partner, sum to 1. So a partner that many want counts less for each of them, which corrects for hubs.
    Source: Sinkhorn and Knopp, 1967, with slack; for entity alignment Mao et al., From Alignment to
    Assignment, EMNLP 2021.
    """
    odds = np.exp(np.clip(np.asarray(log_odds, dtype=np.float64), -30.0, 30.0))
    # Neither side is the first: the mean of both orders.
    ours, theirs = _scaled((left, right), odds), _scaled((right, left), odds)
    shares: Float64 = np.sqrt(ours * theirs)
    return shares


def _scaled(sides: tuple[Int32, Int32], odds: Float64) -> Float64:
    first, second = sides
    scales = np.ones(int(first.max(initial=-1)) + 1), np.ones(int(second.max(initial=-1)) + 1)
    for _ in range(SCALINGS):
        scales[0][:] = 1.0 / (1.0 + np.bincount(first, odds * scales[1][second], minlength=len(scales[0])))
        scales[1][:] = 1.0 / (1.0 + np.bincount(second, odds * scales[0][first], minlength=len(scales[1])))
    return odds * scales[0][first] * scales[1][second]
