"""Where a pair stands among the candidates of the same entity."""

from __future__ import annotations

import numpy as np

from crossgraph._types import AnyArray, Bool, Float64, Int32

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
    every = np.ones(len(odds), dtype=bool)
    # Neither side is the first: the mean of both orders.
    a, b = scales((left, right), odds, (every, every))
    c, d = scales((right, left), odds, (every, every))
    shares: Float64 = odds * np.sqrt((a[left] * b[right]) * (c[right] * d[left]))
    return shares


def scales(sides: tuple[Int32, Int32], odds: Float64, alone: tuple[Bool, Bool]) -> tuple[Float64, Float64]:
    """What the odds of each entity of either side are multiplied by, so that they and 1 sum to 1.

    alone   (P) whether the entity of either side has at most one partner; the others are not scaled

    The second side is scaled last.
    """
    out = np.ones(int(sides[0].max(initial=-1)) + 1), np.ones(int(sides[1].max(initial=-1)) + 1)
    kept = odds * alone[0], odds * alone[1]
    for _ in range(SCALINGS):
        for mine, theirs in ((0, 1), (1, 0)):
            wanted = kept[mine] * np.where(alone[theirs], out[theirs][sides[theirs]], 1.0)
            out[mine][:] = 1.0 / (1.0 + np.bincount(sides[mine], wanted, minlength=len(out[mine])))
    return out
