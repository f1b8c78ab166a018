from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score

from crossgraph.benchmarking.judging import best_threshold, judge, prauc_interval
from crossgraph.benchmarking.problem import Answer, problems
from crossgraph.config import Config
from crossgraph.errors import InputError
from crossgraph.evaluation import evaluate_result
from crossgraph.graphs.links import read_links
from crossgraph.metrics import pr_auc


def answer(score):
    return Answer(np.asarray(score), parameters=0, training_seconds=0.0, scoring_seconds=0.0)


def by_name(problem):
    return problem.candidates.name[problem.asked].astype(np.float64)


def with_ties(problem):
    return np.round(by_name(problem), 1)


def by_chance(problem):
    return np.random.default_rng(5).normal(size=len(problem.asked))


SCORERS = [by_name, with_ties, by_chance]


@pytest.mark.parametrize("scorer", SCORERS)
def test_it_agrees_with_the_evaluation_of_a_result(problem, case, scorer):
    score = scorer(problem)
    judgement = judge(problem, answer(score), method="m")
    left, right = problem.preparation.graphs
    places, judged = problem.asked[problem.judged], score[problem.judged]
    rows = pl.DataFrame(
        {
            "left": left.ids.gather(problem.candidates.left[places]),
            "right": right.ids.gather(problem.candidates.right[places]),
            "probability": (judged - judged.min()) / (judged.max() - judged.min()),
        }
    )
    said = rows.filter(pl.Series(judged >= judgement.threshold))
    expected = evaluate_result(rows, said, gold=read_links(*case.test)).overall
    for name in ("prauc", "hits1", "mrr", "r_at_p95", "recall_blocking", "precision", "recall", "f1"):
        assert getattr(judgement, name) == pytest.approx(getattr(expected, name)), name
    assert (judgement.pairs, judgement.matches) == (expected.scored, expected.gold)


@pytest.mark.parametrize("scorer", SCORERS)
def test_it_agrees_with_scikit_learn_where_every_match_is_asked(pair_problem, scorer):
    score, judged = scorer(pair_problem), pair_problem.judged
    found = judge(pair_problem, answer(score), method="m")
    same, said = pair_problem.same[judged], score[judged] >= found.threshold
    assert found.prauc == pytest.approx(average_precision_score(same, score[judged]))
    assert found.f1 == pytest.approx(f1_score(same, said))
    assert found.precision == pytest.approx(precision_score(same, said))


def test_a_constant_scorer_earns_chance(problem):
    found = judge(problem, answer(np.full(len(problem.asked), 0.7)), method="m")
    same = problem.same[problem.judged]
    assert found.prauc == pytest.approx(same.mean() * same.sum() / problem.total)
    assert found.hits1 < 0.2
    assert found.r_at_p95 == 0.0


def test_only_the_order_of_scores_counts(problem):
    score = by_name(problem)
    one, other = (judge(problem, answer(s), method="m") for s in (score, np.exp(3 * score)))
    assert replace(other, threshold=one.threshold) == one


def test_the_threshold_knows_only_the_validation_pairs(problem):
    score, judged = by_name(problem), problem.judged
    changed = np.where(judged, by_chance(problem), score)
    one, other = (judge(problem, answer(s), method="m") for s in (score, changed))
    assert one.threshold == other.threshold
    same = problem.same[~judged]
    reached = [f1_score(same, score[~judged] >= cut) for cut in np.unique(score[~judged])]
    assert f1_score(same, score[~judged] >= one.threshold) == max(reached)


def test_without_validation_matches_there_is_no_threshold_and_no_f1(case):
    (problem,) = problems(replace(case, valid=()), [Config()])
    found = judge(problem, answer(by_name(problem)), method="m")
    assert (found.threshold, found.f1, found.precision, found.recall) == (None, None, None, None)
    assert best_threshold(np.zeros(0), np.zeros(0, dtype=bool)) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_finite_numbers_are_refused(problem, bad):
    score = by_name(problem)
    score[[4, 9]] = bad
    with pytest.raises(InputError, match=r"GAT gave 2 scores that are not finite, .* asked pair 4"):
        judge(problem, answer(score), method="GAT")


def test_another_number_of_scores_is_refused(problem):
    with pytest.raises(InputError, match=r"GAT gave scores of shape \(3,\) for"):
        judge(problem, answer(np.zeros(3)), method="GAT")


class TestInterval:
    def test_holds_the_figure_and_is_narrow_with_many_entities(self):
        rng = np.random.default_rng(0)
        widths = []
        for entities in (30, 3_000):
            left = np.repeat(np.arange(entities), 4)
            same = np.arange(len(left)) % 4 == 0
            score = same + rng.normal(size=len(left))
            found = prauc_interval(score, same, left, total=entities, seed=0)
            assert found.low <= pr_auc(score, same, total=entities) <= found.high
            widths.append(found.high - found.low)
        assert widths[1] < widths[0] / 3

    def test_a_weight_is_a_repeated_row(self):
        """One entity of two: each draw is both, or one of them twice; see what each gives by hand."""
        left, same = np.array([0, 0, 1, 1]), np.array([True, False, True, False])
        score = np.array([3.0, 2.0, 1.0, 2.0])
        rows = [[0, 0, 1, 1], [0, 1, 2, 3], [2, 2, 3, 3]]
        values = {pr_auc(score[one], same[one], total=2) for one in rows}
        found = prauc_interval(score, same, left, total=2, seed=0, samples=400)
        assert found.low == pytest.approx(min(values))
        assert found.high == pytest.approx(max(values))

    def test_matches_that_were_never_proposed_widen_it(self):
        left, same = np.arange(50), np.ones(50, dtype=bool)
        sure = prauc_interval(np.zeros(50), same, left, total=50, seed=0)
        unsure = prauc_interval(np.zeros(50), same, left, total=100, seed=0)
        assert (sure.low, sure.high) == (1.0, 1.0)
        assert 0.3 < unsure.low < 0.5 < unsure.high < 0.7
