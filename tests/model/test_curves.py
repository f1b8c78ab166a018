from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.model import curves
from crossgraph.model.options import BINS, ScorerOptions
from crossgraph.model.scorer import EvidenceScorer


def asked(scorer: EvidenceScorer, values: np.ndarray) -> np.ndarray:
    """What a scorer says, interval by interval."""
    encoding = scorer.eval().encoding()
    with torch.no_grad():
        return scorer(encoding.of(torch.from_numpy(values)), encoding.places).numpy()


def evidence(some: np.random.Generator, pairs: int) -> np.ndarray:
    """(P, 6): gaps, few distinct values, one value alone, and a column of which nothing is known."""
    values = some.normal(size=(pairs, 6)).astype(np.float32)
    values[some.random(values.shape) < 0.2] = np.nan
    values[:, 2] = np.round(np.nan_to_num(values[:, 2]))
    values[:, 3] = 1.0
    values[:, 4] = np.nan
    return values


def fitted(values: np.ndarray, some: np.random.Generator, seed: int) -> EvidenceScorer:
    torch.manual_seed(seed)
    scorer = EvidenceScorer(values.shape[1], ScorerOptions(hidden=4), seed=seed)
    scorer.fit_edges(values, some.random(len(values)) < 0.5)
    return scorer


@given(st.integers(0, 1_000), st.integers(1, 200))
def test_curves_say_what_the_scorer_says(seed, pairs):
    some = np.random.default_rng(seed)
    values = evidence(some, pairs)
    scorer = fitted(values, some, seed)
    other = evidence(some, pairs) * np.float32(1.5)
    edges = scorer.edges.numpy()
    other[0] = edges[np.arange(6), some.integers(BINS + 1, size=6)]
    for told in (values, other):
        np.testing.assert_allclose(scorer.curves().score(told), asked(scorer, told), atol=1e-5, rtol=1e-5)


def test_what_lies_beyond_all_is_as_the_last_and_what_never_was_missing_says_nothing():
    some = np.random.default_rng(0)
    values = np.nan_to_num(evidence(some, 100))
    scorer = fitted(values, some, 0)
    last = np.repeat(scorer.edges.numpy()[:, -1][None], 3, axis=0)
    last[1, [0, 3, 4]], last[2, 0] = np.inf, 1e30
    assert len(set(scorer.curves().score(last).tolist())) == 1
    first = np.repeat(scorer.edges.numpy()[:, 0][None], 3, axis=0)
    first[1, [0, 3, 4]], first[2, 0] = -np.inf, np.nan
    assert len(set(scorer.curves().score(first).tolist())) == 1


def test_other_columns_than_those_that_it_knows_are_refused():
    some = np.random.default_rng(0)
    values = evidence(some, 9)
    scores = fitted(values, some, 0).curves()
    with pytest.raises(ValueError, match="5 columns of evidence for a scorer of 6"):
        scores.score(values[:, :5])


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_scorer_of_no_column_knows_its_offset():
    scorer = EvidenceScorer(0, ScorerOptions(hidden=3))
    none = np.zeros((4, 0), dtype=np.float32)
    np.testing.assert_allclose(scorer.curves().score(none), asked(scorer, none), rtol=1e-5)


def test_of_nobody_nothing_is_said():
    some = np.random.default_rng(0)
    values = evidence(some, 9)
    assert fitted(values, some, 0).curves().score(values[:0]).shape == (0,)


def test_together_they_score_as_one_by_one(monkeypatch):
    some = np.random.default_rng(1)
    values = evidence(some, curves.TOGETHER + 5)
    scores = fitted(values, some, 1).curves()
    alone = np.concatenate([scores.score(values[at : at + 1]) for at in range(len(values))])
    np.testing.assert_array_equal(scores.score(values), alone)
