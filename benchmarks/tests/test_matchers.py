"""The two matchers of records: a forest and a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from baselines.deepmatcher import (
    DeepMatcherOptions,
    Table,
    batch_similarities,
    deepmatcher,
    scores,
    smoothed_loss,
)
from baselines.deepmatcher_network import AttributeSummarizer, Cells, Highway, Hybrid
from baselines.magellan import MagellanOptions, Strings, magellan
from baselines.magellan import _gram_jaccard as gram_jaccard
from baselines.magellan import _monge_elkan as monge_elkan
from baselines.magellan import _word_jaccard as word_jaccard
from baselines.records import records
from baselines.words import WordOptions, gram_sets, tokens, word_vectors
from graph_toys import toy_problem
from rapidfuzz.distance import JaroWinkler

from crossgraph.benchmarking.problem import Answer, Problem
from crossgraph.metrics import pr_auc

SMALL = DeepMatcherOptions(
    hidden=32, epochs=5, batch=8, rate=8e-3, decay=0.9, vectors=WordOptions(width=24, contexts=8)
)
FOREST = MagellanOptions(trees=20, leaves=(1, 3))


@pytest.fixture(scope="module")
def problem() -> Problem:
    return toy_problem(seed=0)


@pytest.fixture(scope="module")
def table(problem: Problem) -> Table:
    return Table.of(records(problem), SMALL, 0)


@pytest.fixture(autouse=True)
def single() -> Iterator[None]:
    """Small products on two threads wait for each other longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def quality(problem: Problem, answer: Answer) -> float:
    judged = problem.judged
    return pr_auc(answer.score[judged], problem.same[judged], total=problem.total)


def test_the_forest_learns(problem: Problem) -> None:
    answer = magellan(problem, FOREST)
    assert np.isfinite(answer.score).all()
    assert answer.parameters > 20
    assert quality(problem, answer) > 0.8
    assert answer.score.tolist() == magellan(problem, FOREST).score.tolist()


def test_the_network_learns(problem: Problem) -> None:
    answer = deepmatcher(problem, SMALL)
    assert np.isfinite(answer.score).all()
    assert answer.parameters > 0
    assert quality(problem, answer) > 0.6


def test_a_seed_repeats_the_network(problem: Problem) -> None:
    once = replace(SMALL, hidden=8, epochs=1, batch=32)
    assert deepmatcher(problem, once).score.tolist() == deepmatcher(problem, once).score.tolist()


@pytest.mark.parametrize("method", [magellan, deepmatcher])
def test_without_labels_there_is_nothing_to_learn_from(method: object, problem: Problem) -> None:
    nothing = replace(problem, train=problem.train.take(problem.train.same))
    with pytest.raises(ValueError, match="non-matches"):
        method(nothing)  # type: ignore[operator]  # a parameter of the test


def test_scoring_each_text_once_is_scoring_each_pair(problem: Problem, table: Table) -> None:
    torch.manual_seed(0)
    network = Hybrid(len(table.columns), 24, 16).eval()
    places = problem.asked[::25]
    left, right = (
        side[places].astype(np.int64) for side in (problem.candidates.left, problem.candidates.right)
    )
    cached = scores(network, table, left, right)
    with torch.no_grad():
        pairs = zip(left, right, strict=True)
        logs = [network(batch_similarities(network, table, np.array([i]), np.array([j]))) for i, j in pairs]
    plain = [float(log[0, 1] - log[0, 0]) for log in logs]
    assert cached == pytest.approx(np.array(plain), abs=1e-4)


def test_what_a_cell_is_padded_beside_changes_nothing() -> None:
    torch.manual_seed(0)
    column, vectors = AttributeSummarizer(6, 8).eval(), torch.randn(9, 6)
    cells = Cells(torch.tensor([0, 2, 5]), torch.tensor([2, 3, 7]), torch.randint(9, (12,)))
    one, other = torch.tensor([0, 0, 2]), torch.tensor([1, 2, 1])
    together = column(column.encode(cells, vectors), one, other)
    for pair in range(3):
        few = cells.take(torch.stack([one[pair], other[pair]]))
        alone = column(column.encode(few, vectors), torch.tensor([0]), torch.tensor([1]))
        assert torch.allclose(alone[0], together[pair], atol=1e-5)


def test_a_highway_reads_two_halves_as_it_reads_the_whole() -> None:
    layer, x, y = Highway(8, 4), torch.randn(3, 4), torch.randn(3, 4)
    apart = layer.mixed(layer.halves(x)[0] + layer.halves(y)[1], (x + y) * 0.5**0.5)
    assert torch.allclose(apart, layer(torch.cat([x, y], dim=1)), atol=1e-6)


def test_a_match_weighs_three_times_a_non_match() -> None:
    logs = torch.full((1, 2), 0.5).log()
    options = replace(SMALL, smoothing=0.0)
    match, other = (float(smoothed_loss(logs, torch.tensor([same]), options)) for same in (1, 0))
    assert match == pytest.approx(3 * other) == pytest.approx(1.5 * np.log(2))


def test_measures_by_hand() -> None:
    strings = Strings.of(pl.Series(["", "ab", "big fish", "fish bigg"]))
    pairs = np.array([2, 1], dtype=np.int32), np.array([3, 1], dtype=np.int32)
    assert word_jaccard(strings, pairs) == pytest.approx([1 / 3, 1.0])
    near = JaroWinkler.similarity("big", "bigg")
    assert monge_elkan(strings, pairs) == pytest.approx([(near + 1.0) / 2, 1.0])
    nobody = np.zeros(0, dtype=np.int32)
    assert monge_elkan(strings, (nobody, nobody)).shape == (0,)
    # ##b #bi big ig_ g_f _fi fis ish sh$ h$$ against ##f #fi fis ish sh_ h_b _bi big igg gg$ g$$
    assert gram_jaccard(strings, pairs) == pytest.approx([3 / 18, 1.0])


def test_grams_and_words_of_short_texts() -> None:
    texts = pl.Series(["", "a", "a a"])
    assert gram_sets(texts, 3).getnnz(axis=1).tolist() == [2, 3, 5]
    assert np.diff(tokens(texts).indptr).tolist() == [0, 1, 2]


def test_words_that_are_spelled_alike_are_near() -> None:
    held = tokens(pl.Series(["", "lantern lanterns crimson", "crimson falcon"]))
    vectors = word_vectors(held, seed=0, options=WordOptions(width=60, contexts=10))
    crimson, _, lantern, lanterns = vectors
    assert lantern @ lanterns > lantern @ crimson + 0.2
    assert np.isfinite(vectors).all()
