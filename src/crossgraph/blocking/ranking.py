"""Where a pair stands among the candidates of the same entity."""

from __future__ import annotations

import numpy as np
from numba import njit

from crossgraph._types import AnyArray, Bool, Float64, Int32, Int64

Claims = tuple[Float64, Float64]

# Times that both sides tell each other what their rivals take, after which it hardly changes.
MESSAGES = 8
# Log-odds beyond are taken as that: sums of odds would lose the small ones.
FARTHEST = 20.0


def lead(groups: Int32, scores: AnyArray) -> Float64:
    """(P) each score minus the best other score of its group; infinite where it stands alone."""
    return _leads(np.ascontiguousarray(groups), np.ascontiguousarray(scores), int(groups.max(initial=-1)) + 1)


def largest(groups: AnyArray, values: AnyArray, count: int, *, none: float = 0.0) -> AnyArray:
    """(count) the largest value of each group, and no less than ``none``; that where it has no value."""
    most = np.full(count, none, dtype=values.dtype)
    np.maximum.at(most, groups, values)
    return most


@njit(cache=True, nogil=True)
def _leads(groups: AnyArray, scores: AnyArray, count: int) -> Float64:
    best, second = np.full(count, -np.inf), np.full(count, -np.inf)
    for pair in range(len(groups)):
        group, score = groups[pair], np.float64(scores[pair])
        if np.isnan(score) or score > best[group]:
            best[group], second[group] = score, best[group]
        elif score > second[group]:
            second[group] = score
    out = np.empty(len(groups))
    for pair in range(len(groups)):
        group, score = groups[pair], np.float64(scores[pair])
        out[pair] = score - (second[group] if score == best[group] else best[group])
    return out


def ranks(groups: Int32, scores: AnyArray) -> Int32:
    """(P) 0-based place of each pair within its group, best score first; ties by place in the table."""
    sizes = np.bincount(groups) if len(groups) else np.zeros(0, dtype=np.int64)
    starts = np.r_[0, np.cumsum(sizes)].astype(np.int64)
    placed: Int32 = _placed(np.asarray(groups), np.negative(scores), starts)
    return placed


@njit(cache=True, nogil=True)
def _placed(groups: AnyArray, losses: AnyArray, starts: Int64) -> Int32:
    """Pairs are dealt to their groups, and each group is sorted on its own: they are small and many."""
    filled = starts[:-1].copy()
    members = np.empty(len(groups), dtype=np.int64)
    for pair in range(len(groups)):
        members[filled[groups[pair]]] = pair
        filled[groups[pair]] += 1
    out = np.empty(len(groups), dtype=np.int32)
    for group in range(len(starts) - 1):
        own = members[starts[group] : starts[group + 1]]
        if len(own) == 0:
            continue
        order = np.argsort(losses[own], kind="mergesort")
        for place in range(len(own)):
            out[own[order[place]]] = place
    return out


def partner_shares(
    left: Int32, right: Int32, log_odds: AnyArray, *, alone: tuple[Bool, Bool] | None = None
) -> Float64:
    """(P) how likely each pair is, when each entity has one partner or none: in (0, 1).

    alone   (P) as of ``standings``: whose entities may have several; nobody's if not given
    """
    odds = np.array(log_odds, dtype=np.float64)
    np.clip(odds, -FARTHEST, FARTHEST, out=odds)
    every = np.ones(len(odds), dtype=bool)
    shares = standings((left, right), odds, alone or (every, every))
    # In its place, as are the next ones: a pool has tens of millions of pairs.
    np.negative(shares, out=shares)
    np.exp(shares, out=shares)
    shares += 1.0
    np.reciprocal(shares, out=shares)
    return shares


def standings(sides: tuple[Int32, Int32], log_odds: Float64, alone: tuple[Bool, Bool]) -> Float64:
    """(P) log-odds of each pair, corrected by its rivals: an entity has one partner or none.

    The marginals of all sets of pairs in which no two share an entity, by belief propagation. Where
    candidates form no cycles, shares come within a tenth of exact ones, and mostly nearer, for messages end
    after ``MESSAGES``; in cycles of pairs as good as each other they still swing then, and an entity may have
    1.4 partners. So a partner that many want counts less for each of them, which corrects for hubs. Who has
    no rival stands as he is. Source: Bayati, Shah and Sharma, IEEE Transactions on Information Theory, 2008;
    Huang and Jebara, AISTATS 2007.

    alone   (P) whether the left and the right entity of each pair has at most one partner
    """
    told = _left_over(sides, np.exp(log_odds), alone, settled=True)
    for share in told:
        np.log(share, out=share)
    # In the place of one message, as a run has millions of pairs.
    total = np.add(log_odds, told[0], out=told[0])
    total += told[1]
    return total


def claims(sides: tuple[Int32, Int32], log_odds: Float64, alone: tuple[Bool, Bool]) -> Claims:
    """(P), (P) what the rivals of the left and of the right entity take from each pair's log-odds: <= 0."""
    left, right = _left_over(sides, np.exp(log_odds), alone, settled=False)
    return np.log(left), np.log(right)


@njit(cache=True, nogil=True)
def _left_over(sides: tuple[Int32, Int32], odds: Float64, alone: tuple[Bool, Bool], settled: bool) -> Claims:
    """(P), (P) the share of each pair's odds that the rivals of the left and of the right entity leave it.

    Both messages are made from the other one of the time before. Asked dozens of times, for all pairs: so
    without logarithms, and what the next time needs is added up on the way.

    settled   once more at the end, where the last messages do not count: else each new one is in the middle
              (of their logarithms), for messages may swing to and fro in a cycle
    """
    left, right = np.ones(len(odds)), np.ones(len(odds))
    counts = sides[0].max() + 1 if len(odds) else 0, sides[1].max() + 1 if len(odds) else 0
    sums = np.zeros(counts[0]), np.zeros(counts[1])
    for pair in range(len(odds)):
        if alone[0][pair]:
            sums[0][sides[0][pair]] += odds[pair]
        if alone[1][pair]:
            sums[1][sides[1][pair]] += odds[pair]
    for number in range(MESSAGES + settled):
        fresh = number in (0, MESSAGES)
        following = np.zeros(counts[0]), np.zeros(counts[1])
        for pair in range(len(odds)):
            one, two, own = sides[0][pair], sides[1][pair], odds[pair]
            mine, theirs = own * right[pair], own * left[pair]
            if alone[0][pair]:
                told = 1.0 / (1.0 + max(sums[0][one] - mine, 0.0))
                left[pair] = told if fresh else np.sqrt(told * left[pair])
            if alone[1][pair]:
                told = 1.0 / (1.0 + max(sums[1][two] - theirs, 0.0))
                right[pair] = told if fresh else np.sqrt(told * right[pair])
            if alone[0][pair]:
                following[0][one] += own * right[pair]
            if alone[1][pair]:
                following[1][two] += own * left[pair]
        sums = following
    return left, right
