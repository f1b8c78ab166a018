"""Our own rows of a comparison."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from crossgraph.benchmarking.methods import (
    full_network,
    logits_of,
    names_alone,
    network_alone,
    whole_system,
)
from crossgraph.metrics import pr_auc
from crossgraph.model.network import CollectiveNetwork, Slots
from crossgraph.schema.vocabulary import build_vocabulary
from crossgraph.scoring import pair_tensors, sample_both
from model.samples import compare_all

LEARNERS = (network_alone, full_network, whole_system)


@pytest.fixture(scope="module")
def small(problem):
    """The problem with a small model that is hardly trained."""
    config = problem.config
    training = replace(config.training, steps=12, epochs=1, scorer_steps=60, scorer_epochs=1)
    return replace(problem, config=replace(config, model=replace(config.model, width=16), training=training))


def prauc(problem, score):
    judged = problem.judged
    return pr_auc(score[judged], problem.same[judged], total=problem.total)


@pytest.fixture(scope="module")
def answers(small):
    return {method: method(small) for method in LEARNERS}


@pytest.mark.parametrize("method", LEARNERS)
def test_every_asked_pair_gets_a_finite_score(small, answers, method):
    answer = answers[method]
    assert answer.score.shape == small.asked.shape
    assert np.isfinite(answer.score).all()
    assert answer.parameters > 0
    assert answer.training_seconds > 0
    assert answer.scoring_seconds > 0


def test_the_seed_repeats_an_answer(small, answers):
    np.testing.assert_array_equal(full_network(small).score, answers[full_network].score)


def test_what_is_put_beside_the_names_helps(small, answers):
    names = prauc(small, names_alone(small).score)
    assert prauc(small, answers[full_network].score) > names
    assert prauc(small, answers[whole_system].score) > names


def test_names_alone_are_the_cosines_of_blocking(small):
    answer = names_alone(small)
    np.testing.assert_array_equal(answer.score, small.candidates.name[small.asked].astype(np.float64))
    assert answer.parameters == 0


@pytest.mark.parametrize("layers", ["last", "both"])
def test_pairs_scored_on_all_cores_are_scored_as_on_one(small, layers):
    preparation = small.preparation
    vocabulary = build_vocabulary(*preparation.graphs, preparation.schema)
    around = sample_both(preparation, sampling=small.config.sampling, seed=0)
    tensors = pair_tensors(preparation, vocabulary, around, device="cpu")
    torch.manual_seed(0)
    options = replace(small.config.model, collective_layers=layers)
    network = CollectiveNetwork(Slots.of(vocabulary), options).eval()
    asked = small.candidates.take(small.asked[:60])
    left, right = (torch.from_numpy(side).long() for side in (asked.left, asked.right))
    together = torch.cat([out.logits for out in compare_all(network, tensors, left, right)])
    np.testing.assert_allclose(logits_of(network, tensors, asked), together.numpy(), atol=1e-5)


def test_no_pairs_get_no_scores(small):
    nobody = np.zeros(0, dtype=np.int64)
    answer = network_alone(replace(small, asked=nobody, same=nobody.astype(bool)))
    assert len(answer.score) == 0
