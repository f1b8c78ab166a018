"""Arrays say what tensors say, whatever the shape of the network and its switches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.card import ModelCard
from crossgraph.learning import heard
from crossgraph.model.inputs import SideTensors
from crossgraph.model.network import CollectiveNetwork, Slots
from crossgraph.model.options import ModelOptions, ScorerOptions
from crossgraph.model.scorer import EvidenceScorer
from crossgraph.plain import hearing, network
from crossgraph.plain.network import PlainNetwork
from crossgraph.plain.shapes import network_shapes, scorer_shapes
from crossgraph.sampling import SamplingOptions
from crossgraph.schema.vocabulary import Vocabulary
from model.in_arrays import in_arrays, plain
from model.samples import LAST, all_pairs, some_network, some_pair

NEAR = {"rtol": 2e-4, "atol": 2e-5}
SWITCHED = [
    LAST,
    ModelOptions(width=6),
    replace(LAST, layers=1),
    replace(LAST, layers=3),
    replace(LAST, head="distance"),
    replace(LAST, self_attention=False),
    replace(LAST, cross_attention=False),
    replace(LAST, known_likeness=False),
    replace(LAST, attribute_attention=False),
]


@pytest.fixture
def tiny_vocabulary() -> Vocabulary:
    names = {"a": 1, "b": 2}
    return Vocabulary({"r": (1, False)}, {"s": (2, True)}, names, {}, names, {"c": 3})


def card_of(vocabulary: Vocabulary, options: ModelOptions) -> ModelCard:
    return ModelCard(
        thresholds={},
        cardinalities={},
        vocabulary=vocabulary,
        model=options,
        scorer=ScorerOptions(),
        sampling=SamplingOptions(),
        seed=0,
        rounds=(),
        networks=2,
    )


def both_said(options: ModelOptions, tensors, folds, seed: int = 3):
    networks = tuple(some_network(seed + number, options) for number in range(2))
    pairs = tuple(one.numpy().astype(np.int32) for one in all_pairs(tensors))
    folds = np.resize(folds, len(pairs[0])).astype(np.int32)
    others = tuple(plain(one, options) for one in networks)
    found = hearing.heard(others, in_arrays(tensors), pairs, folds)
    return found, heard(networks, tensors, pairs, folds)


@pytest.mark.parametrize("options", SWITCHED, ids=str)
def test_networks_say_the_same(options):
    found, expected = both_said(options, some_pair(7), [-1, 0, 1, 2, 3])
    np.testing.assert_allclose(found, expected, **NEAR)


@given(
    st.integers(0, 1_000),
    st.tuples(st.integers(4, 9), st.integers(4, 9)),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
def test_of_any_graphs(seed, entities, neighbours):
    found, expected = both_said(LAST, some_pair(seed, entities, neighbours), [-1], seed)
    np.testing.assert_allclose(found, expected, **NEAR)


def test_where_nobody_has_a_neighbour_that_counts():
    tensors = some_pair(1)

    def alone(side: SideTensors) -> SideTensors:
        return replace(side, mask=torch.zeros_like(side.mask))

    for one in (
        replace(tensors, left=alone(tensors.left)),
        replace(tensors, left=alone(tensors.left), right=alone(tensors.right)),
    ):
        found, expected = both_said(LAST, one, [-1])
        np.testing.assert_allclose(found, expected, **NEAR)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_of_few_pairs_of_large_graphs(layers):
    """Most entities are neither asked about nor near."""
    options, tensors = replace(LAST, layers=layers), some_pair(11, (60, 50), (2, 2))
    pairs = np.array([3, 3, 17], dtype=np.int32), np.array([41, 8, 8], dtype=np.int32)
    networks = tuple(some_network(number, options) for number in range(2))
    folds = np.full(3, -1, dtype=np.int32)
    found = hearing.heard(tuple(plain(one, options) for one in networks), in_arrays(tensors), pairs, folds)
    np.testing.assert_allclose(found, heard(networks, tensors, pairs, folds), **NEAR)
    beside = in_arrays(tensors).left.with_neighbours(np.unique(pairs[0]))
    assert 2 < len(beside) < 10


def test_of_nobody_nothing_is_said():
    options, nobody = LAST, np.zeros(0, dtype=np.int32)
    networks = (plain(some_network(0, options), options),)
    assert hearing.heard(networks, in_arrays(some_pair(1)), (nobody, nobody), nobody).shape == (9, 0)


@pytest.mark.parametrize("options", SWITCHED, ids=str)
def test_weights_have_the_shapes_that_the_card_tells(options, tiny_vocabulary):
    network = CollectiveNetwork(Slots.of(tiny_vocabulary), options)
    card = card_of(tiny_vocabulary, options)
    expected = {name: tuple(one.shape) for name, one in network.state_dict().items()}
    assert network_shapes(card) == expected
    scorer = EvidenceScorer(5, ScorerOptions(hidden=3))
    expected = {name: tuple(one.shape) for name, one in scorer.state_dict().items()}
    assert scorer_shapes(5, ScorerOptions(hidden=3)) == expected


def test_parts_change_nothing(monkeypatch):
    tensors = some_pair(5, (9, 8))
    whole, _ = both_said(LAST, tensors, [-1])
    monkeypatch.setattr(hearing, "AT_ONCE", 7)
    monkeypatch.setattr(network, "CHUNK", 2)
    np.testing.assert_allclose(both_said(LAST, tensors, [-1])[0], whole, **NEAR)


def test_networks_that_look_at_the_partner_in_both_layers_are_left_to_torch():
    assert not PlainNetwork.can(replace(LAST, collective_layers="both"))
    assert PlainNetwork.can(LAST)
