"""What an answer is worth: the figures of one run, from its scores alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossgraph import metrics
from crossgraph._types import AnyArray, Bool, Float64, Int64
from crossgraph.benchmarking.problem import Answer, Problem
from crossgraph.errors import InputError
from crossgraph.metrics import Interval

SAMPLES = 200


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The figures of one answer. All but the counts and the threshold are in [0, 1].

    prauc, r_at_p95         of the ranking of the judged pairs; recall is out of all test matches
    prauc_low, prauc_high   a 95% bootstrap interval over the left entities of the test; none without pairs
    hits1, mrr              of the true partner among its left entity's judged pairs
    threshold               the score from which on F1 is best on the validation pairs; none without them
    precision, recall, f1   of the judged pairs from that score on
    recall_blocking         the share of test matches that are among the judged pairs
    pairs, matches          judged pairs; test matches in all
    """

    prauc: float
    prauc_low: float | None = None
    prauc_high: float | None = None
    hits1: float
    mrr: float
    r_at_p95: float
    threshold: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    recall_blocking: float
    pairs: int
    matches: int


def judge(problem: Problem, answer: Answer, *, method: str) -> Judgement:
    """Judge the scores of the asked pairs; ties share their place, so a constant scorer earns chance.

    method   what an error calls the method
    raises   InputError if the scores are not one finite number for each asked pair
    """
    _refuse_scores(problem, answer.score, method)
    judged = problem.judged
    scores, same = np.asarray(answer.score, dtype=np.float64)[judged], problem.same[judged]
    left = problem.candidates.left[problem.asked[judged]]
    total, found = problem.total, int(same.sum())
    # A match that was never proposed has a left entity of its own, as far as the problem tells.
    total_left = total - found + len(np.unique(left[same]))
    ranks = metrics.mean_ranks(left, scores, is_match=same)
    interval = prauc_interval(scores, same, left, total=total, seed=problem.seed) if len(scores) else None
    threshold = best_threshold(*_on_valid(problem, answer.score))
    decided = None if threshold is None else _decided(scores >= threshold, same, total)
    return Judgement(
        prauc=metrics.pr_auc(scores, same, total=total),
        prauc_low=None if interval is None else interval.low,
        prauc_high=None if interval is None else interval.high,
        hits1=metrics.hits_at_k(ranks, 1, total=total_left),
        mrr=metrics.mean_reciprocal_rank(ranks, total=total_left),
        r_at_p95=metrics.recall_at_precision(scores, same, total=total),
        threshold=threshold,
        precision=None if decided is None else decided.precision,
        recall=None if decided is None else decided.recall,
        f1=None if decided is None else decided.f1,
        recall_blocking=found / max(total, 1),
        pairs=len(scores),
        matches=total,
    )


def best_threshold(scores: Float64, same: Bool) -> float | None:
    """The score from which on F1 is best, the highest of several; None without a match.

    Shapes as ``metrics.precision_recall_curve``.
    """
    if not same.any():
        return None
    curve = metrics.precision_recall_curve(scores, same, total=int(same.sum()))
    f1 = 2 * curve.precision * curve.recall / np.maximum(curve.precision + curve.recall, 1e-12)
    return float(curve.thresholds[np.argmax(f1)])


def prauc_interval(
    scores: Float64, same: Bool, left: AnyArray, *, total: int, seed: int, samples: int = SAMPLES
) -> Interval:
    """A bootstrap interval of PRAUC that draws left entities, those of matches never proposed among them.

    scores, same, left (P)   judged pairs
    total                    test matches; each that is not among the pairs is an entity of its own
    """
    order = np.argsort(-scores, kind="stable")
    ranked, count = scores[order], len(scores)
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), count - 1)
    missing = np.arange(total - int(same.sum())) + int(left.max(initial=0)) + 1
    hits = same[order].astype(np.int64)

    def prauc(rows: Int64) -> float:
        # How often each pair was drawn is its weight, so that one order serves all draws.
        weight = np.bincount(rows, minlength=count + len(missing))
        true = np.cumsum(weight[:count] * hits)[ends]
        said = np.cumsum(weight[:count])[ends]
        gold = true[-1] + weight[count:].sum()
        return float(np.sum(np.diff(true, prepend=0) * true / np.maximum(said, 1)) / max(gold, 1))

    groups = np.concatenate([left[order].astype(np.int64), missing])
    return metrics.bootstrap_interval(prauc, groups, seed=seed, samples=samples)


def _on_valid(problem: Problem, score: AnyArray) -> tuple[Float64, Bool]:
    places = np.searchsorted(problem.asked, problem.valid.places)
    return np.asarray(score, dtype=np.float64)[places], problem.valid.same


def _decided(said: Bool, same: Bool, total: int) -> metrics.PrecisionRecallF1:
    right, count = int((said & same).sum()), int(said.sum())
    return metrics.PrecisionRecallF1(
        precision=right / max(count, 1), recall=right / max(total, 1), f1=2 * right / max(count + total, 1)
    )


def _refuse_scores(problem: Problem, score: AnyArray, method: str) -> None:
    values = np.asarray(score)
    if values.shape != problem.asked.shape:
        raise InputError(
            f"{method} gave scores of shape {values.shape} for {len(problem.asked):,} asked pairs",
            hint="a method answers with one number for each place in problem.asked",
        )
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise InputError(
            f"{method} gave {len(wrong):,} scores that are not finite, the first {values[wrong[0]]}"
            f" for asked pair {wrong[0]:,}",
            hint="mend the method: NaN has no place in a ranking",
        )
