from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from crossgraph.errors import ConfigError
from crossgraph.model.options import ScorerOptions
from crossgraph.model.scorer import BINS, EvidenceScorer

VALUES = st.floats(-100, 100, width=32).map(lambda x: np.float32(round(x, 2)))


@st.composite
def columns(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """(P, 1) values, some missing and many repeated, and labels with both classes."""
    size = draw(st.integers(2, 40))
    values = draw(hnp.arrays(np.float32, (size, 1), elements=VALUES | st.just(np.float32("nan"))))
    same = draw(hnp.arrays(np.bool_, size))
    return values, np.r_[True, False, same[2:]]


def fitted(values: np.ndarray, same: np.ndarray, seed: int = 0) -> EvidenceScorer:
    torch.manual_seed(seed)
    scorer = EvidenceScorer(values.shape[1], ScorerOptions(hidden=8)).eval()
    scorer.fit_edges(values, same)
    return scorer


def encoded(scorer: EvidenceScorer, values: np.ndarray) -> np.ndarray:
    """(P, F, BINS + 1) in which what is told of no pair is 0."""
    pairs, columns = values.shape
    encoding = scorer.encoding()
    codes = np.zeros((pairs, (BINS + 1) * columns), dtype=np.float32)
    codes[:, encoding.places.numpy()] = encoding.of(torch.from_numpy(values)).numpy()
    return codes.reshape(pairs, BINS + 1, columns).transpose(0, 2, 1)


@given(columns())
def test_a_value_s_code_is_its_place_between_the_edges(data: tuple[np.ndarray, np.ndarray]) -> None:
    values, same = data
    scorer = fitted(values, same)
    edges = np.unique(scorer.edges.numpy()[0])
    known = values[~np.isnan(values)]
    climbed = encoded(scorer, known[:, None])[:, 0].sum(axis=1)
    np.testing.assert_allclose(climbed, np.interp(known, edges, np.arange(len(edges))), atol=2e-3)


@given(columns())
def test_codes_lie_in_0_to_1_and_intervals_fill_one_after_the_other(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    values, same = data
    codes = encoded(fitted(values, same), values)[:, 0]
    assert ((codes >= 0) & (codes <= 1)).all()
    known = codes[~np.isnan(values[:, 0]), :BINS]
    assert (known[:, 1:] <= known[:, :-1]).all()


@given(columns())
def test_missing_is_a_state_of_its_own(data: tuple[np.ndarray, np.ndarray]) -> None:
    values, same = data
    codes = encoded(fitted(values, same), values)[:, 0]
    missing = np.isnan(values[:, 0])
    np.testing.assert_array_equal(codes[:, BINS], missing)
    assert not codes[missing, :BINS].any()


@given(columns(), VALUES, VALUES)
def test_a_higher_value_has_no_lower_code(data: tuple[np.ndarray, np.ndarray], a: float, b: float) -> None:
    scorer = fitted(*data)
    low, high = encoded(scorer, np.array([[min(a, b)], [max(a, b)]], dtype=np.float32))
    assert (low <= high).all()


@given(columns(), st.integers(0, 1000))
def test_edges_do_not_depend_on_the_order_of_rows(data: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    values, same = data
    order = np.random.default_rng(seed).permutation(len(values))
    np.testing.assert_array_equal(
        fitted(values[order], same[order]).edges.numpy(), fitted(values, same).edges.numpy()
    )


def test_edges_follow_both_classes_however_few_matches_there_are() -> None:
    # 5 matches near 1 among 10,000 others near 0: plain quantiles would give matches one interval at most.
    rng = np.random.default_rng(0)
    values = np.r_[rng.uniform(0.9, 1.0, 5), rng.uniform(0.0, 0.5, 10_000)].astype(np.float32)[:, None]
    edges = fitted(values, np.arange(10_005) < 5).edges.numpy()[0]
    assert (edges > 0.6).sum() >= 3
    assert (edges < 0.6).sum() >= 3


def test_what_training_never_saw_to_differ_says_nothing() -> None:
    """Nothing is known of a value beyond all others, nor of one that is missing where none was."""
    values = np.full((6, 2), 3.0, dtype=np.float32)
    values[:, 1] = range(6)
    scorer = fitted(values, np.arange(6) < 2)
    asked = np.array([[3, 5], [5, 5], [np.nan, 5], [3, 9]], dtype=np.float32)
    codes = encoded(scorer, asked)
    assert not codes[:, 0].any()
    assert len(np.unique(codes[:, 1], axis=0)) == 1
    assert len(np.unique(scorer.score(asked))) == 1


@pytest.mark.parametrize("same", [[True, True, True], [False, False, False]])
def test_an_empty_column_or_one_class_is_no_trouble(same: list[bool]) -> None:
    values = np.array([[np.nan, 1.0], [np.nan, 2.0], [np.nan, 3.0]], dtype=np.float32)
    scorer = fitted(values, np.array(same))
    assert np.isfinite(scorer.score(values)).all()
    assert np.isfinite(scorer.edges.numpy()).all()


def test_scores_depend_on_the_pair_alone() -> None:
    values = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    scorer = fitted(values, np.arange(50) % 2 == 0)
    together = scorer.score(values)
    order = np.random.default_rng(1).permutation(50)
    np.testing.assert_allclose(scorer.score(values[order]), together[order], atol=1e-6)
    np.testing.assert_allclose(scorer.score(values[7:8]), together[7:8], atol=1e-6)
    assert scorer.score(values[:0]).shape == (0,)
    assert np.ptp(together) > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hidden": 0}, "hidden = 0"),
        ({"dropout": 1.0}, "dropout = 1.0"),
        ({"dropout": -0.1}, "dropout = -0.1"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ScorerOptions(**options)


def test_only_what_differs_among_pairs_is_encoded() -> None:
    nan = np.nan
    values = np.array([[0, 7, 1, 0], [1, 7, nan, 1], [1, 7, 2, 2], [0, 7, 2, 2]], dtype=np.float32)
    scorer = fitted(values, np.array([True, False, True, False]))
    codes = scorer.encoding().of(torch.from_numpy(values)).numpy()
    lengths = sum(len(np.unique(edges)) - 1 for edges in scorer.edges.numpy())
    assert codes.shape == (4, lengths + 1)
    assert lengths < BINS * 4
    assert all(len(np.unique(column)) > 1 for column in codes.T)


def test_an_interval_that_tells_how_numbers_were_added_up_is_none():
    some = np.random.default_rng(0)
    noise = (0.621 + 1e-7 * some.normal(size=200)).astype(np.float32)
    real = (0.621 + 1e-3 * some.normal(size=200)).astype(np.float32)
    scorer = EvidenceScorer(2, ScorerOptions(hidden=2))
    scorer.fit_edges(np.stack([noise, real], axis=1), some.random(200) < 0.5)
    told = (scorer.edges[:, 1:] > scorer.edges[:, :-1]).sum(dim=1)
    assert told.tolist()[0] == 0
    assert told.tolist()[1] > 4


def test_small_intervals_beside_large_numbers_stay():
    values = np.r_[np.linspace(0.0, 1.0, 100), 1e6].astype(np.float32)[:, None]
    scorer = EvidenceScorer(1, ScorerOptions(hidden=2))
    scorer.fit_edges(values, np.arange(101) % 2 == 0)
    assert (scorer.edges[0, 1:] > scorer.edges[0, :-1]).sum() > 4
