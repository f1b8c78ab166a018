"""Pure numbers: how good a ranking or a decision is. Every rank says its tie rule.

A scorer that answers the same everywhere earns chance from each of these functions. Recall is always
out of ``total``, the number of gold pairs, so a pair that was never proposed counts as missed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossgraph._types import AnyArray, Bool, Float64, Int64


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """Precision and recall after each block of equal scores, best score first.

    thresholds (B)   the distinct scores, falling; "at least this" selects the block and all before it
    precision (B)    in [0, 1]
    recall (B)       in [0, 1], never falling
    """

    thresholds: Float64
    precision: Float64
    recall: Float64


@dataclass(frozen=True)
class PrecisionRecallF1:
    """What a set of decided pairs is worth. An empty set has precision 0."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Interval:
    """A two-sided interval; both ends belong to it."""

    low: float
    high: float


def precision_recall_curve(
    scores: npt.ArrayLike, is_match: npt.ArrayLike, *, total: int
) -> PrecisionRecallCurve:
    """Precision and recall at every distinct score.

        precision_b = true pairs with score >= t_b / pairs with score >= t_b
        recall_b    = true pairs with score >= t_b / total

    Ties: equal scores form one block and enter together, so their order carries nothing.

    scores (P)     float, higher is better
    is_match (P)   bool, True where the pair is gold
    total          gold pairs in all, proposed or not; with 0 every recall is 0
    raises         ValueError if a score is NaN, lengths differ, or total < number of matches
    """
    values, matches = _checked(scores, is_match)
    found = int(matches.sum())
    if total < found:
        raise ValueError(f"total is {total}, fewer than the {found} matches among the scored pairs")
    order = np.argsort(-values, kind="stable")
    values, matches = values[order], matches[order]
    last = _block_ends(values)
    true_so_far = np.cumsum(matches)[last]
    return PrecisionRecallCurve(
        thresholds=values[last],
        precision=true_so_far / (last + 1),
        recall=true_so_far / max(total, 1),
    )


def pr_auc(scores: npt.ArrayLike, is_match: npt.ArrayLike, *, total: int) -> float:
    """Area under the precision-recall curve, as average precision.

        sum_b (recall_b - recall_{b-1}) * precision_b

        >>> pr_auc([0.9, 0.8, 0.1], [True, True, False], total=2)
        1.0
        >>> pr_auc([0.9, 0.8, 0.1], [True, True, False], total=4)  # two were never proposed
        0.5

    Ties: see ``precision_recall_curve``; a constant scorer earns the share of matches among its pairs
    times its recall. Shapes and raises as there. Equals scikit-learn's ``average_precision_score``
    when every gold pair is scored.
    """
    curve = precision_recall_curve(scores, is_match, total=total)
    return float(np.sum(np.diff(np.r_[0.0, curve.recall]) * curve.precision))


def best_f1(scores: npt.ArrayLike, is_match: npt.ArrayLike, *, total: int) -> float:
    """The best F1 that any threshold on the score reaches: max_b 2 p_b r_b / (p_b + r_b).

    Ties: a threshold takes a block of equal scores whole. Shapes and raises as
    ``precision_recall_curve``; 0 without pairs.
    """
    curve = precision_recall_curve(scores, is_match, total=total)
    above = 2 * curve.precision * curve.recall
    return float(np.max(above / np.maximum(curve.precision + curve.recall, 1e-12), initial=0.0))


def recall_at_precision(
    scores: npt.ArrayLike, is_match: npt.ArrayLike, *, total: int, precision: float = 0.95
) -> float:
    """The largest recall of any threshold whose precision is at least ``precision``; 0 if none is.

    Ties: a threshold takes a block of equal scores whole. Shapes and raises as
    ``precision_recall_curve``.
    """
    curve = precision_recall_curve(scores, is_match, total=total)
    return float(np.max(curve.recall[curve.precision >= precision], initial=0.0))


def mean_ranks(groups: npt.ArrayLike, scores: npt.ArrayLike, *, is_match: npt.ArrayLike) -> Float64:
    """The rank of the best true partner within each left entity's candidates.

        rank = 1 + #(score > best) + (#(score = best) - 1) / 2      best = its highest true score

    Ties: equal scores share their mean rank ("realistic" rank), so a constant scorer over C candidates
    gets (C + 1) / 2.

    groups (P)     the left entity of each pair, any integers
    scores (P)     float, higher is better
    is_match (P)   bool
    returns (Q)    one rank for each group with a true pair, in the order of the group numbers
    raises         ValueError if a score is NaN or lengths differ
    """
    values, matches = _checked(scores, is_match)
    names = np.asarray(groups)
    if len(names) != len(values):
        raise ValueError(f"lengths differ: {len(names)} groups, {len(values)} scores")
    if not len(names):
        return np.empty(0)
    order = np.argsort(names, kind="stable")
    names, values, matches = names[order], values[order], matches[order]
    starts = np.r_[0, _block_ends(names)[:-1] + 1]
    sizes = np.diff(np.r_[starts, len(names)])
    has_match = np.logical_or.reduceat(matches, starts)
    best = np.maximum.reduceat(np.where(matches, values, -np.inf), starts)
    spread = np.repeat(best, sizes)
    better = np.add.reduceat(values > spread, starts, dtype=np.int64)
    equal = np.add.reduceat(values == spread, starts, dtype=np.int64)
    ranks: Float64 = (1 + better + (equal - 1) / 2)[has_match]
    return ranks


def hits_at_k(ranks: npt.ArrayLike, k: int, *, total: int) -> float:
    """The share of queries whose true partner has rank <= k.

    Ties: with mean ranks, two candidates tied for first both have rank 1.5 and miss hits@1.

        >>> hits_at_k([1.0, 1.5, 3.0], 1, total=4)
        0.25

    ranks (Q)   as ``mean_ranks`` gives them, each >= 1
    total       all queries, those without a rank being misses; with 0 the share is 0
    raises      ValueError if a rank is NaN, or total < number of ranks
    """
    return float((_checked_ranks(ranks, total) <= k).sum()) / max(total, 1)


def mean_reciprocal_rank(ranks: npt.ArrayLike, *, total: int) -> float:
    """The mean over all queries of 1 / rank, 0 for a query without a rank.

    Ties: through the mean ranks. Shapes and raises as ``hits_at_k``.
    """
    return float((1 / _checked_ranks(ranks, total)).sum()) / max(total, 1)


def precision_recall_f1(predicted: npt.ArrayLike, gold: npt.ArrayLike) -> PrecisionRecallF1:
    """Precision, recall and F1 of a set of pairs.

        p = |P and G| / |P|      r = |P and G| / |G|      F1 = 2 |P and G| / (|P| + |G|)

    A repeated row counts once; there are no scores, hence no ties; what would be 0 / 0 is 0.

    predicted (P, 2), gold (G, 2)   non-negative int, rows (left, right)
    raises                          ValueError if a table has not two columns
    """
    said, true = _pair_codes(predicted), _pair_codes(gold)
    hits = int(np.isin(said, true, assume_unique=True).sum())
    return PrecisionRecallF1(
        precision=hits / max(len(said), 1),
        recall=hits / max(len(true), 1),
        f1=2 * hits / max(len(said) + len(true), 1),
    )


def bootstrap_interval(
    statistic: Callable[[Int64], float],
    groups: npt.ArrayLike,
    *,
    seed: int,
    samples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """A bias-corrected bootstrap interval that resamples whole groups of rows with replacement.

    Rows of one left entity are not independent, so they are drawn together. A plain percentile interval of
    few groups is too sure: too narrow, as the normal's quantiles are beside Student's, and too high for an
    average precision, which draws with repetitions overrate. With q groups and z0 the normal quantile of the
    share of draws below the statistic itself, the ends are the draws' quantiles at

        Phi(2 z0 -+ sqrt(q / (q - 1)) * t)      t: the quantile of Student's t with q - 1 degrees of freedom

    statistic     of row numbers (with repetitions) to a number
    groups (P)    int, the group of each row
    samples       how often to draw; ``level`` is how often such intervals should hold the truth
    raises        ValueError without rows, without samples, or if level is not within (0, 1)
    Sources: Efron, Better Bootstrap Confidence Intervals, JASA 1987, section 2 (z0); Hesterberg, What
    Teachers Should Know about the Bootstrap, The American Statistician 2015, section 5.3 (t).
    """
    names = np.asarray(groups)
    if not len(names) or samples < 1 or not 0 < level < 1:
        raise ValueError(f"need rows, samples >= 1 and 0 < level < 1: {len(names)}, {samples}, {level}")
    order = np.argsort(names, kind="stable")
    starts = np.r_[0, _block_ends(names[order])[:-1] + 1]
    sizes = np.diff(np.r_[starts, len(names)])
    random = np.random.default_rng(seed)
    draws = np.array(
        [
            statistic(order[_rows_of(starts, sizes, drawn=random.integers(len(starts), size=len(starts)))])
            for _ in range(samples)
        ]
    )
    below = _share_below(draws, statistic(order))
    low, high = np.quantile(draws, _corrected_levels(below, level, groups=len(starts)), method="weibull")
    return Interval(float(low), float(high))


def _share_below(draws: Float64, value: float) -> float:
    """The share of draws below a value, within (0, 1); a draw that equals it counts half."""
    below = (draws < value).sum() + (draws == value).sum() / 2
    return float((below + 0.5) / (len(draws) + 1))


def _corrected_levels(below: float, level: float, *, groups: int) -> Float64:
    """(2) where in the order of the draws the interval ends, see ``bootstrap_interval``."""
    freedom = max(groups - 1, 1)
    # Slow to load, and an update asks for none of it.
    from scipy.special import ndtr, ndtri, stdtrit

    wide = np.sqrt(groups / freedom) * stdtrit(freedom, (1 + level) / 2)
    levels: Float64 = ndtr(2 * ndtri(below) + np.array([-wide, wide]))
    return levels


def _rows_of(starts: Int64, sizes: Int64, *, drawn: Int64) -> Int64:
    lengths = sizes[drawn]
    offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    rows: Int64 = np.repeat(starts[drawn], lengths) + offsets
    return rows


def _checked(scores: npt.ArrayLike, is_match: npt.ArrayLike) -> tuple[Float64, Bool]:
    values, matches = np.asarray(scores, dtype=np.float64), np.asarray(is_match, dtype=np.bool_)
    if values.shape != matches.shape or values.ndim != 1:
        raise ValueError(f"lengths differ: scores {values.shape}, is_match {matches.shape}")
    if np.isnan(values).any():
        raise ValueError(f"score {int(np.flatnonzero(np.isnan(values))[0])} is NaN")
    return values, matches


def _checked_ranks(ranks: npt.ArrayLike, total: int) -> Float64:
    values = np.asarray(ranks, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError(f"rank {int(np.flatnonzero(np.isnan(values))[0])} is NaN")
    if total < len(values):
        raise ValueError(f"total is {total}, fewer than the {len(values)} ranks")
    return values


def _block_ends(values: AnyArray) -> Int64:
    """The last position of each run of equal values."""
    if not len(values):
        return np.empty(0, dtype=np.int64)
    ends: Int64 = np.r_[np.flatnonzero(values[1:] != values[:-1]), len(values) - 1]
    return ends


def _pair_codes(pairs: npt.ArrayLike) -> Int64:
    table = np.asarray(pairs, dtype=np.int64).reshape(-1, 2) if np.size(pairs) == 0 else np.asarray(pairs)
    if table.ndim != 2 or table.shape[1] != 2:
        raise ValueError(f"pairs must have two columns, not shape {table.shape}")
    codes: Int64 = np.unique((table[:, 0].astype(np.int64) << 32) | table[:, 1].astype(np.int64))
    return codes
