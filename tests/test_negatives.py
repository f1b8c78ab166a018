"""What the network learns from: negatives of each kind, and the two losses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crossgraph.errors import ConfigError
from crossgraph.labels import Labels
from crossgraph.model.options import TrainingOptions
from crossgraph.training import draw_pairs, margin_loss, random_partners

if TYPE_CHECKING:
    from conftest import World


def drawn(world: World, source: str, *, seed: int = 0, negatives: int = 4):
    options = TrainingOptions(negatives=negatives, negatives_from=source)
    rng = np.random.default_rng(seed)
    candidates = world.preparation.candidates
    return draw_pairs(world.tensors, candidates, world.labels, options=options, rng=rng)


@pytest.mark.parametrize("source", ["blocking", "random", "mixed"])
def test_every_match_is_there_once_and_so_many_negatives_for_it(mid_world: World, source: str) -> None:
    pairs, labels = drawn(mid_world, source), mid_world.labels
    matches = labels.places[labels.same]
    candidates = mid_world.preparation.candidates
    assert sorted(zip(pairs.left[pairs.same], pairs.right[pairs.same], strict=True)) == sorted(
        zip(candidates.left[matches], candidates.right[matches], strict=True)
    )
    true = set(zip(candidates.left[matches].tolist(), candidates.right[matches].tolist(), strict=True))
    others = list(zip(pairs.left[~pairs.same].tolist(), pairs.right[~pairs.same].tolist(), strict=True))
    assert true.isdisjoint(others)
    # A stranger that happens to be the partner itself is left out.
    assert 0.9 * 4 * len(matches) <= len(others) <= 4 * len(matches)


def test_negatives_of_blocking_are_labelled_candidates_and_random_ones_need_not_be(mid_world: World) -> None:
    candidates = mid_world.preparation.candidates
    shares = {}
    for source in ("blocking", "random", "mixed"):
        pairs = drawn(mid_world, source)
        found = candidates.find(pairs.left[~pairs.same], pairs.right[~pairs.same]) >= 0
        shares[source] = found.mean()
    assert shares["blocking"] == 1.0
    assert shares["random"] < shares["mixed"] < 0.95


def test_random_partners_are_of_the_type_and_all_as_likely() -> None:
    types = np.array([0, 1, 0, 2, 0, 1], dtype=np.int32)
    rng = np.random.default_rng(0)
    asked = np.repeat(np.array([0, 1, 3], dtype=np.int32), 3_000)
    found = random_partners(types, asked, rng)
    np.testing.assert_array_equal(types[found], types[asked])
    counts = np.bincount(found[:3_000], minlength=6)
    assert set(np.flatnonzero(counts)) == {0, 2, 4}
    assert (np.abs(counts[[0, 2, 4]] - 1_000) < 130).all()


def test_each_draw_is_its_seed_s(mid_world: World) -> None:
    first, again, other = (drawn(mid_world, "mixed", seed=seed).right for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_without_a_match_nothing_is_drawn(mid_world: World) -> None:
    labels = mid_world.labels
    world = replace(mid_world, labels=labels.take(~labels.same))
    assert not len(drawn(world, "random").left)


def test_margin_loss_by_hand() -> None:
    scores = torch.tensor([2.0, 0.0, 1.5, -3.0])
    same = torch.tensor([True, True, False, False])
    weight = torch.tensor([1.0, 0.5, 1.0, 1.0])
    # max(0, 1 - 2 + 1.5) = .5, max(0, 1 - 2 - 3) = 0, max(0, 1 - 0 + 1.5) = 2.5 at half trust, and 0.
    expected = (0.5 + 0.5 * 2.5) / (1 + 1 + 0.5 + 0.5)
    assert margin_loss(scores, same, weight, margin=1.0).item() == pytest.approx(expected)


@pytest.mark.parametrize("same", [[True, True], [False, False]])
def test_margin_loss_of_one_kind_is_nothing_and_can_be_learnt_from(same: list[bool]) -> None:
    scores = torch.tensor([3.0, -1.0], requires_grad=True)
    loss = margin_loss(scores, torch.tensor(same), torch.ones(2), margin=1.0)
    loss.backward()
    assert loss.item() == 0.0
    assert scores.grad is not None
    assert not scores.grad.any()


def test_margin_loss_pulls_matches_up_and_negatives_down() -> None:
    scores = torch.zeros(4, requires_grad=True)
    margin_loss(scores, torch.tensor([True, True, False, False]), torch.ones(4), margin=1.0).backward()
    assert scores.grad is not None
    assert scores.grad.sign().tolist() == [-1, -1, 1, 1]


def test_a_margin_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="margin = 0"):
        TrainingOptions(margin=0.0)


def test_labels_of_one_kind_are_no_crash(mid_world: World) -> None:
    labels: Labels = mid_world.labels
    world = replace(mid_world, labels=labels.take(labels.same))
    assert drawn(world, "blocking").same.all()


@pytest.mark.parametrize("name", ["loss", "negatives_from"])
def test_what_is_no_choice_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} = 'nonsense'"):
        TrainingOptions(**{name: "nonsense"})
