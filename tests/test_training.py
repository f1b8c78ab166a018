from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from crossgraph.config import Config
from crossgraph.contest import Contest
from crossgraph.errors import ConfigError, NonFiniteLossError
from crossgraph.evidence.table import EvidenceTable
from crossgraph.fitting import fit, weighed
from crossgraph.labels import FOLDS, HALVES, Labels
from crossgraph.learning import (
    LearningOptions,
    attribute_importance,
    fit_networks,
    fit_scorers,
    opinions,
    raw_scores,
)
from crossgraph.metrics import pr_auc
from crossgraph.model.network import CollectiveNetwork, Slots
from crossgraph.model.options import ModelOptions, ScorerOptions, TrainingOptions
from crossgraph.model.scorer import EvidenceScorer
from crossgraph.scored import drifts
from crossgraph.stages import StageClock
from crossgraph.training import train_network, train_scorer
from noted import Notes

if TYPE_CHECKING:
    from conftest import World

QUICK = TrainingOptions(steps=4, epochs=1, batch=64, scorer_steps=10, scorer_epochs=1)
LONGER = TrainingOptions(steps=30, epochs=1, batch=96, scorer_batch=128, scorer_steps=120, scorer_epochs=1)
SMALL = ModelOptions(width=16)


def untrained(world: World, seed: int = 0) -> CollectiveNetwork:
    torch.manual_seed(seed)
    network = CollectiveNetwork(Slots.of(world.vocabulary), SMALL)
    network.level0.weigh(attribute_importance(world.vocabulary, world.preparation.schema))
    return network


def network_loss(network: CollectiveNetwork, world: World) -> float:
    """Mean over matches plus mean over non-matches, so that calling nothing a match is no success."""
    candidates, labels = world.preparation.candidates, world.labels
    left = torch.from_numpy(candidates.left[labels.places]).long()
    right = torch.from_numpy(candidates.right[labels.places]).long()
    with torch.no_grad():
        logits = network.eval()(world.tensors, left, right).logits
    same = torch.from_numpy(labels.same)
    return sum(
        binary_cross_entropy_with_logits(logits[same == kind], same[same == kind].float()).item()
        for kind in (True, False)
    )


def learned(
    world: World, labels: Labels, options: TrainingOptions, seed: int = 0
) -> tuple[tuple[CollectiveNetwork, ...], EvidenceTable, tuple[EvidenceScorer, ...]]:
    """Networks, evidence with their opinions, and scorers."""
    every = LearningOptions(model=SMALL, training=options, seed=seed)
    candidates = world.preparation.candidates
    networks = fit_networks(
        world.tensors, candidates, labels, world.vocabulary, schema=world.preparation.schema, options=every
    )
    heard = opinions(networks, world.tensors, candidates, labels)
    together = EvidenceTable.beside([world.evidence, heard])
    return networks, together, fit_scorers(together.rows(labels.places), labels, options=every)


def weights(modules: tuple[torch.nn.Module, ...]) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for module in modules for p in module.parameters()])


def found(scores: np.ndarray, labels: Labels) -> float:
    return pr_auc(scores.astype(np.float64), labels.same, total=int(labels.same.sum()))


def test_training_lowers_the_network_s_loss(mid_world: World) -> None:
    network = untrained(mid_world)
    before = network_loss(network, mid_world)
    rng = np.random.default_rng(0)
    candidates, labels = mid_world.preparation.candidates, mid_world.labels
    train_network(network, mid_world.tensors, candidates, labels, options=LONGER, rng=rng)
    assert not network.training
    assert network_loss(network, mid_world) < 0.85 * before


def test_training_lowers_the_scorer_s_loss(mid_world: World) -> None:
    labels = mid_world.labels
    values = mid_world.evidence.values[labels.places]
    same = torch.from_numpy(labels.same.astype(np.float32))
    torch.manual_seed(0)
    scorer = EvidenceScorer(values.shape[1], ScorerOptions(dropout=0.0))
    scorer.fit_edges(values, labels.same)
    before = binary_cross_entropy_with_logits(torch.from_numpy(scorer.score(values)), same)
    train_scorer(scorer, values, labels, options=LONGER, rng=np.random.default_rng(0))
    after = binary_cross_entropy_with_logits(torch.from_numpy(scorer.score(values)), same)
    assert after < 0.5 * before
    assert found(scorer.score(values), labels) > 0.9


def test_the_seed_makes_every_choice(mid_world: World) -> None:
    first, again, other = (learned(mid_world, mid_world.labels, QUICK, seed) for seed in (1, 1, 2))
    for place in (0, 2):
        assert torch.equal(weights(first[place]), weights(again[place]))
        assert not torch.allclose(weights(first[place]), weights(other[place]))
    np.testing.assert_array_equal(first[1].values, again[1].values)


def test_networks_and_scorers_differ_because_each_saw_other_labels(mid_world: World) -> None:
    networks, _, scorers = learned(mid_world, mid_world.labels, QUICK)
    assert (len(networks), len(scorers)) == (HALVES, FOLDS)
    assert not torch.allclose(weights(networks[:1]), weights(networks[1:]))


def test_a_loss_that_is_no_number_is_an_error(mid_world: World) -> None:
    broken = replace(mid_world.tensors, sketch=torch.full_like(mid_world.tensors.sketch, torch.nan))
    rng = np.random.default_rng(0)
    candidates, labels = mid_world.preparation.candidates, mid_world.labels
    with pytest.raises(NonFiniteLossError, match="learning_rate"):
        train_network(untrained(mid_world), broken, candidates, labels, options=QUICK, rng=rng)
    lost = replace(labels, weight=np.full(len(labels), np.nan, dtype=np.float32))
    scorer = EvidenceScorer(len(mid_world.evidence.names), ScorerOptions())
    with pytest.raises(NonFiniteLossError):
        train_scorer(scorer, mid_world.evidence.values[labels.places], lost, options=QUICK, rng=rng)


def some(labels: Labels, kept: np.ndarray) -> Labels:
    mask = np.zeros(len(labels), dtype=bool)
    mask[kept] = True
    return labels.take(mask)


def scarce(labels: Labels) -> dict[str, Labels]:
    """Labels as poor as users may have them."""
    matches, others = np.flatnonzero(labels.same), np.flatnonzero(~labels.same)
    few = some(labels, np.r_[matches[:2], others[:20]])
    return {
        "two matches": few,
        "one pair": some(labels, matches[:1]),
        "only matches": some(labels, matches[:6]),
        "no match": some(labels, others[:9]),
        "all in one fold": replace(few, folds=np.zeros(len(few), dtype=np.int32)),
        "all in one half": replace(few, folds=(2 * (np.arange(len(few)) % 2)).astype(np.int32)),
        "matches in one fold": replace(
            few, folds=np.where(few.same, 1, np.arange(len(few)) % 4).astype(np.int32)
        ),
    }


CASES = (
    *("two matches", "one pair", "only matches", "no match"),
    *("all in one fold", "all in one half", "matches in one fold"),
)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("batch", [1, 128])
def test_scarce_labels_are_no_crash(mid_world: World, case: str, batch: int) -> None:
    labels = scarce(mid_world.labels)[case]
    options = replace(QUICK, steps=2, batch=batch, scorer_steps=3, scorer_batch=batch)
    _, together, scorers = learned(mid_world, labels, options)
    raw = raw_scores(scorers, together, labels)
    assert np.isfinite(raw).all()
    contest = replace(Contest.free(mid_world.preparation.candidates), folds=labels.fold_of_each(len(raw)))
    _, scored = weighed(scorers, raw, together, labels, contest=contest)
    assert np.isfinite(scored.score).all()


def test_without_labels_a_scorer_has_no_opinion() -> None:
    scorer = EvidenceScorer(3, ScorerOptions())
    nothing = Labels(
        places=np.zeros(0, dtype=np.int64),
        same=np.zeros(0, dtype=bool),
        weight=np.zeros(0, dtype=np.float32),
        folds=np.zeros(0, dtype=np.int32),
        known=np.zeros(0, dtype=bool),
        judging=np.zeros(0, dtype=bool),
        typical=np.zeros(0, dtype=bool),
        found=np.zeros(0, dtype=bool),
        matches=0,
    )
    rng = np.random.default_rng(0)
    train_scorer(scorer, np.zeros((0, 3), dtype=np.float32), nothing, options=QUICK, rng=rng)
    assert not scorer.score(np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)).any()


def test_held_out_scores_find_true_matches(mid_world: World) -> None:
    labels = mid_world.labels
    _, together, scorers = learned(mid_world, labels, LONGER)
    honest = found(raw_scores(scorers, together, labels)[labels.places], labels)
    names = found(mid_world.preparation.candidates.name[labels.places], labels)
    assert honest > 0.85
    assert honest > names + 0.2


def test_held_out_opinions_know_nothing_of_labels_that_are_chance(mid_world: World) -> None:
    candidates, labels = mid_world.preparation.candidates, mid_world.labels
    shuffled = replace(labels, same=np.random.default_rng(0).permutation(labels.same))
    options = LearningOptions(training=LONGER)
    networks = fit_networks(
        mid_world.tensors,
        candidates,
        shuffled,
        mid_world.vocabulary,
        schema=mid_world.preparation.schema,
        options=options,
    )
    held_out, told = (
        found(opinions(networks, mid_world.tensors, candidates, known).values[shuffled.places, 0], shuffled)
        for known in (shuffled, None)
    )
    assert held_out < float(shuffled.same.mean()) + 0.035
    # The same networks do know the labels that they learned from, so there was something to leak.
    assert told > 1.5 * held_out


def test_the_whole_fit_knows_nothing_of_labels_that_are_chance(mid_world: World) -> None:
    labels = mid_world.labels
    shuffled = replace(labels, same=np.random.default_rng(1).permutation(labels.same))
    config = Config(model=SMALL, training=replace(LONGER, scorer_steps=60))
    fitted = fit(mid_world.preparation, mid_world.evidence, shuffled, config=config, clock=StageClock())
    chance = float(shuffled.same.mean())
    assert found(fitted.scored.raw[shuffled.places], shuffled) < chance + 0.035
    assert found(fitted.scored.score[shuffled.places], shuffled) < chance + 0.035


def test_a_labelled_pair_hears_only_models_that_did_not_learn_from_it(mid_world: World) -> None:
    labels, candidates = mid_world.labels, mid_world.preparation.candidates
    torch.manual_seed(0)
    networks = untrained(mid_world, 1).eval(), untrained(mid_world, 2).eval()
    alone = [opinions((n,), mid_world.tensors, candidates).values[:, 0] for n in networks]
    heard = opinions(networks, mid_world.tensors, candidates, labels).values[:, 0]
    of_half = np.where(labels.folds % HALVES == 0, alone[0][labels.places], alone[1][labels.places])
    np.testing.assert_allclose(heard[labels.places], of_half, atol=1e-6)
    rest = np.setdiff1d(np.arange(len(candidates)), labels.places)
    np.testing.assert_allclose(heard[rest], (alone[0][rest] + alone[1][rest]) / 2, atol=1e-6)


@pytest.mark.parametrize("name", ["negatives", "batch", "epochs", "steps", "scorer_batch", "scorer_steps"])
def test_options_below_one_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} = 0"):
        TrainingOptions(**{name: 0})


def test_a_round_that_drifts_is_left_out(mid_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    given = mid_world.preparation, mid_world.evidence, mid_world.labels
    one, two = (Config(model=SMALL, training=replace(QUICK, rounds=rounds)) for rounds in (1, 2))
    alone = fit(*given, config=one, clock=StageClock())
    # Every round is worse than so far below nothing.
    monkeypatch.setattr("crossgraph.calibration.DRIFT", -math.inf)
    notes = Notes()
    kept = fit(*given, config=two, clock=StageClock(), progress=notes)
    assert len(kept.model.rounds) == 1
    np.testing.assert_array_equal(kept.scored.probability, alone.scored.probability)
    assert any("round 2 is left out" in note for note in notes.notes)


def test_a_round_drifts_if_it_loses_by_more_than_chance(mid_world: World) -> None:
    labels = mid_world.labels
    rng = np.random.default_rng(0)
    score = np.zeros(len(mid_world.preparation.candidates))
    score[labels.places] = np.where(labels.same, 3.0, -3.0) + rng.normal(size=len(labels))
    other = score + 0.01 * rng.normal(size=len(score))
    assert not drifts(score, score, labels)
    assert not drifts(other, score, labels)
    assert not drifts(score, score / 2, labels)
    assert drifts(score / 2, score, labels)
    assert not drifts(score, other, labels.take(np.zeros(len(labels), dtype=bool)))
