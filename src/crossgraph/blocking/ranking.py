"""Where a pair stands among the candidates of the same entity."""

from __future__ import annotations

import numpy as np

from crossgraph._types import AnyArray, Bool, Float64, Int32

Claims = tuple[Float64, Float64]

# Times that both sides tell each other what their rivals take, after which it hardly changes.
MESSAGES = 8
# Log-odds beyond are taken as that: sums of odds would lose the small ones.
FARTHEST = 20.0


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
    """(P) how likely each pair is, when each entity has one partner or none: in (0, 1)."""
    odds = np.clip(np.asarray(log_odds, dtype=np.float64), -FARTHEST, FARTHEST)
    every = np.ones(len(odds), dtype=bool)
    shares: Float64 = 1.0 / (1.0 + np.exp(-standings((left, right), odds, (every, every))))
    return shares


def standings(sides: tuple[Int32, Int32], log_odds: Float64, alone: tuple[Bool, Bool]) -> Float64:
    """(P) log-odds of each pair, corrected by its rivals: an entity has one partner or none.

    The marginals of all sets of pairs in which no two share an entity, by belief propagation: exact where the
    candidates form no cycles. So a partner that many want counts less for each of them, which corrects for
    hubs. Who has no rival stands as he is. Source: Bayati, Shah and Sharma, IEEE Transactions on Information
    Theory, 2008; Huang and Jebara, AISTATS 2007.

    alone   (P) whether the left and the right entity of each pair has at most one partner
    """
    told = claims(sides, log_odds, alone)
    left, right = (_taken(sides[at], log_odds + told[1 - at], alone[at]) for at in (0, 1))
    return log_odds + left + right


def claims(sides: tuple[Int32, Int32], log_odds: Float64, alone: tuple[Bool, Bool]) -> Claims:
    """(P), (P) what the rivals of the left and of the right entity take from each pair's log-odds: <= 0."""
    told = np.zeros(len(log_odds)), np.zeros(len(log_odds))
    for number in range(MESSAGES):
        left, right = (_taken(sides[at], log_odds + told[1 - at], alone[at]) for at in (0, 1))
        # In the middle between two messages: they may swing to and fro in a cycle.
        told = ((told[0] + left) / 2, (told[1] + right) / 2) if number else (left, right)
    return told


def _taken(ends: Int32, log_odds: Float64, alone: Bool) -> Float64:
    odds = np.where(alone, np.exp(log_odds), 0.0)
    rivals = np.bincount(ends, odds)[ends] - odds if len(odds) else odds
    return np.where(alone, -np.log1p(np.maximum(rivals, 0.0)), 0.0)
