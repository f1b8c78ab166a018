from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    label_ranking_average_precision_score,
    precision_recall_curve,
    top_k_accuracy_score,
)

from crossgraph import metrics
from references import slow_metrics as slow

# Few distinct scores, so that ties are the rule.
scored = st.lists(st.tuples(st.sampled_from([-1.5, 0.0, 0.25, 0.5, 7.0]), st.booleans()), max_size=25)
grouped = st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.0, 0.5, 1.0]), st.booleans()), max_size=30)


def columns(rows):
    return tuple(np.array(column) for column in zip(*rows, strict=True)) if rows else (np.empty(0),) * 3


@given(scored, st.integers(0, 5))
def test_curve_figures_agree_with_slow_loops(rows, missed):
    scores, hits = columns(rows)[:2]
    total = int(hits.sum()) + missed
    expected = slow.of_curve([s for s, _ in rows], [h for _, h in rows], total)
    assert metrics.pr_auc(scores, hits, total=total) == pytest.approx(expected["prauc"])
    assert metrics.best_f1(scores, hits, total=total) == pytest.approx(expected["f1_best"])
    assert metrics.recall_at_precision(scores, hits, total=total) == pytest.approx(expected["r_at_p95"])


@given(scored.filter(lambda rows: any(hit for _, hit in rows)))
def test_pr_auc_is_average_precision(rows):
    scores, hits = columns(rows)[:2]
    assert metrics.pr_auc(scores, hits, total=int(hits.sum())) == pytest.approx(
        average_precision_score(hits, scores)
    )


@given(scored.filter(lambda rows: any(hit for _, hit in rows)))
def test_the_curve_and_its_f1_are_those_of_scikit_learn(rows):
    scores, hits = columns(rows)[:2]
    total = int(hits.sum())
    found = metrics.precision_recall_curve(scores, hits, total=total)
    precision, recall, thresholds = precision_recall_curve(hits, scores)
    # Theirs rises, and ends with a point (1, 0) that belongs to no score.
    np.testing.assert_allclose(found.thresholds, thresholds[::-1])
    np.testing.assert_allclose(found.precision, precision[:-1][::-1])
    np.testing.assert_allclose(found.recall, recall[:-1][::-1])
    best = max(f1_score(hits, scores >= least) for least in thresholds)
    assert metrics.best_f1(scores, hits, total=total) == pytest.approx(best)


@given(st.lists(st.tuples(st.permutations(range(5)), st.integers(0, 4)), min_size=2, max_size=6))
def test_ranks_without_ties_give_the_figures_of_scikit_learn(rows):
    scores, gold = np.array([one for one, _ in rows], dtype=float), np.array([true for _, true in rows])
    right = np.arange(5) == gold[:, None]
    groups = np.repeat(np.arange(len(rows)), 5)
    ranks = metrics.mean_ranks(groups, scores.ravel(), is_match=right.ravel())
    assert metrics.mean_reciprocal_rank(ranks, total=len(rows)) == pytest.approx(
        label_ranking_average_precision_score(right, scores)
    )
    for k in (1, 2, 4):
        assert metrics.hits_at_k(ranks, k, total=len(rows)) == pytest.approx(
            top_k_accuracy_score(gold, scores, k=k, labels=range(5))
        )


@given(scored, st.randoms())
def test_the_order_of_rows_carries_nothing(rows, random):
    shuffled = rows.copy()
    random.shuffle(shuffled)
    total = sum(hit for _, hit in rows)
    values = [metrics.pr_auc(*columns(r)[:2], total=total) for r in (rows, shuffled)]
    assert values[0] == values[1]


@given(grouped)
def test_mean_ranks_agree_with_slow_loops(rows):
    groups, scores, hits = columns(rows)
    np.testing.assert_allclose(metrics.mean_ranks(groups, scores, is_match=hits), slow.ranks(rows))


def test_curve_by_hand():
    curve = metrics.precision_recall_curve([0.9, 0.8, 0.8, 0.1], [True, True, False, False], total=4)
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.1]
    assert curve.precision.tolist() == [1, 2 / 3, 2 / 4]
    assert curve.recall.tolist() == [1 / 4, 2 / 4, 2 / 4]


def test_recall_at_precision_by_hand():
    scores, hits = [4, 3, 2, 1], [True, True, False, True]
    assert metrics.recall_at_precision(scores, hits, total=4, precision=0.75) == 3 / 4
    assert metrics.recall_at_precision(scores, hits, total=4, precision=0.8) == 2 / 4
    assert metrics.recall_at_precision([1, 1], [True, False], total=1) == 0


def test_constant_scorer_earns_chance():
    hits = np.zeros(10, dtype=bool)
    hits[:3] = True
    assert metrics.pr_auc(np.zeros(10), hits, total=3) == pytest.approx(0.3)
    one_true_each = np.tile([True] + [False] * 8, 5)
    ranks = metrics.mean_ranks(np.repeat(np.arange(5), 9), np.zeros(45), is_match=one_true_each)
    assert (ranks == 5).all()
    assert metrics.hits_at_k(ranks, 1, total=5) == 0
    assert metrics.mean_reciprocal_rank(ranks, total=5) == pytest.approx(1 / 5)


def test_perfect_scorer_earns_one():
    hits = np.array([True, False, True, False])
    groups = np.array([0, 0, 1, 1])
    ranks = metrics.mean_ranks(groups, hits, is_match=hits)
    assert metrics.pr_auc(hits, hits, total=2) == 1
    assert metrics.best_f1(hits, hits, total=2) == 1
    assert metrics.recall_at_precision(hits, hits, total=2) == 1
    assert metrics.hits_at_k(ranks, 1, total=2) == metrics.mean_reciprocal_rank(ranks, total=2) == 1


def test_missing_queries_count_against_hits_and_mrr():
    assert metrics.hits_at_k([1.0], 1, total=4) == 0.25
    assert metrics.mean_reciprocal_rank([2.0], total=4) == 0.125


def test_no_pairs_earn_nothing():
    assert metrics.pr_auc([], [], total=3) == 0
    assert metrics.best_f1([], [], total=3) == 0
    assert metrics.recall_at_precision([], [], total=3) == 0
    assert len(metrics.mean_ranks([], [], is_match=[])) == 0
    assert metrics.hits_at_k([], 1, total=0) == 0


pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12)


@given(pairs, pairs)
def test_precision_recall_f1_is_about_sets(predicted, gold):
    said, true = set(predicted), set(gold)
    found = metrics.precision_recall_f1(predicted, gold)
    assert found.precision == (len(said & true) / len(said) if said else 0)
    assert found.recall == (len(said & true) / len(true) if true else 0)
    assert found.f1 == (2 * len(said & true) / (len(said) + len(true)) if said or true else 0)


def test_bootstrap_resamples_whole_groups_and_repeats_itself():
    groups = np.repeat(np.arange(30), 3)
    values = np.repeat(np.arange(30) % 2, 3).astype(float)

    def mean(rows):
        assert (np.bincount(rows, minlength=90).reshape(30, 3).std(axis=1) == 0).all()
        return float(values[rows].mean())

    first = metrics.bootstrap_interval(mean, groups, seed=1, samples=200)
    assert first == metrics.bootstrap_interval(mean, groups, seed=1, samples=200)
    # 30 fair coins: the mean lies within two standard errors, 0.5 +- 0.18.
    assert 0.28 < first.low < 0.4
    assert 0.6 < first.high < 0.72


GROUPS, ROWS = 80, 3


def alike(rng, groups):
    """Groups of 3 rows that are nearly the same number, and the mean, which is 0 in the long run."""
    values = np.repeat(rng.normal(size=groups), ROWS) + 0.1 * rng.normal(size=groups * ROWS)
    return lambda rows: float(values[rows].mean())


def ranked(rng, groups):
    """Groups of 3 pairs, one of them right in four of five groups, some groups hard, and their PRAUC."""
    hits = np.zeros((groups, ROWS), dtype=bool)
    hits[:, 0] = rng.random(groups) < 0.8
    sign = np.where(hits, 1, -1)
    scores = rng.normal(size=(groups, ROWS)) + 2 * hits - 0.7 * rng.normal(size=(groups, 1)) * sign
    scores, hits = scores.ravel(), hits.ravel()
    return lambda rows: metrics.pr_auc(scores[rows], hits[rows], total=int(hits[rows].sum()))


def covered(make, worlds, *, groups=None, truth):
    """In how many of simulated samples of 80 groups the interval holds the truth."""
    groups = np.repeat(np.arange(GROUPS), ROWS) if groups is None else groups
    held = []
    for seed in range(worlds):
        statistic = make(np.random.default_rng(seed), GROUPS)
        found = metrics.bootstrap_interval(statistic, groups, seed=seed, samples=200)
        held.append(found.low <= truth <= found.high)
    return np.mean(held)


def prauc_of_many():
    """What ``ranked`` would come to with groups without end."""
    many = 100_000
    return ranked(np.random.default_rng(0), many)(np.arange(many * ROWS))


def test_a_bootstrap_interval_holds_the_truth_as_often_as_it_says():
    assert 0.85 <= covered(alike, 40, truth=0) <= 1


def test_rows_that_are_drawn_alone_pretend_to_be_more_than_they_are():
    assert covered(alike, 20, truth=0, groups=np.arange(GROUPS * ROWS)) < 0.85


def test_an_interval_moves_towards_a_number_that_no_draw_reaches():
    rows = np.arange(20)

    def few(drawn):
        return -float(len(np.unique(drawn)))

    # 20 rows drawn with repetitions are about 13 different ones, hardly ever more than 16.
    found = metrics.bootstrap_interval(few, rows, seed=0, samples=200)
    assert few(rows) < found.low <= found.high < -15


def test_an_interval_of_what_never_varies_is_that_number():
    assert metrics.bootstrap_interval(lambda _rows: 1.0, [1, 2, 3], seed=0) == metrics.Interval(1.0, 1.0)
    assert metrics.bootstrap_interval(lambda _rows: 1.0, [1], seed=0) == metrics.Interval(1.0, 1.0)


@pytest.mark.long
@pytest.mark.parametrize("make", [alike, ranked])
def test_a_bootstrap_interval_holds_the_truth_as_often_as_it_says_in_many_worlds(make):
    truth = prauc_of_many() if make is ranked else 0
    assert 0.92 <= covered(make, 1000, truth=truth) <= 0.97


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.pr_auc([np.nan], [True], total=1),
        lambda: metrics.pr_auc([1.0, 2.0], [True], total=1),
        lambda: metrics.pr_auc([1.0, 2.0], [True, True], total=1),
        lambda: metrics.mean_ranks([0], [np.nan], is_match=[True]),
        lambda: metrics.mean_ranks([0, 1], [1.0], is_match=[True]),
        lambda: metrics.hits_at_k([np.nan], 1, total=1),
        lambda: metrics.mean_reciprocal_rank([1.0, 1.0], total=1),
        lambda: metrics.precision_recall_f1([[1, 2, 3]], [[1, 2]]),
        lambda: metrics.bootstrap_interval(len, [], seed=0),
        lambda: metrics.bootstrap_interval(len, [1], seed=0, level=1.0),
        lambda: metrics.bootstrap_interval(len, [1], seed=0, level=0.0),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(ValueError, match=r"NaN|differ|fewer|columns|level"):
        call()


def test_the_share_of_draws_below_a_value_by_hand():
    # One below and half of the equal one, half a draw more of one more: never 0 or 1.
    assert metrics._share_below(np.array([1.0, 2.0, 3.0]), 2.0) == 0.5
    assert metrics._share_below(np.array([1.0, 2.0, 3.0]), 4.0) == 3.5 / 4
    assert metrics._share_below(np.array([1.0, 2.0, 3.0]), 0.0) == 0.5 / 4
