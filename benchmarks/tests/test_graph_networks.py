from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from baselines import graph_networks
from baselines.both import BothGraphs
from baselines.layers import AlignGcn, Gat, PlainSum, RelationSage, Rgcn, Sage, functionality
from baselines.networks import GraphNetwork, TwoViews, nearness, parameter_count
from baselines.siamese import SiameseOptions, hinge
from baselines.walks import WalkOptions, walk
from graph_toys import toy_problem

from crossgraph.benchmarking.problem import Method, Problem
from crossgraph.metrics import pr_auc

LAYERS = (Sage, Gat, Rgcn, RelationSage, PlainSum, AlignGcn)
SUPERVISED = ("gcn_align", "graphsage", "gat", "rgcn", "rgraphsage", "plain_sum")
METHODS = (*SUPERVISED, "feature_nn", "graphsage_nn")


@pytest.fixture(scope="module")
def problem() -> Problem:
    return toy_problem(seed=0)


@pytest.fixture(scope="module")
def both(problem: Problem) -> BothGraphs:
    return BothGraphs.of(problem)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_networks, "SIAMESE", SiameseOptions(epochs=2, steps=12, batch=128, negatives=4))
    monkeypatch.setattr(graph_networks, "WALKS", WalkOptions(steps=10, batch=32, negatives=16))
    torch.manual_seed(0)


def method(name: str) -> Method:
    found: Method = getattr(graph_networks, name)
    return found


def quality(problem: Problem, score: np.ndarray) -> float:
    judged = problem.judged
    return pr_auc(score[judged], problem.same[judged], total=problem.total)


@pytest.mark.parametrize("name", METHODS)
def test_a_baseline_beats_chance(name: str, problem: Problem) -> None:
    answer = method(name)(problem)
    assert answer.score.shape == problem.asked.shape
    assert np.isfinite(answer.score).all()
    assert quality(problem, answer.score) > 1.5 * problem.same[problem.judged].mean()
    assert answer.training_seconds > 0
    assert answer.scoring_seconds >= 0
    assert (answer.parameters > 0) == (name != "feature_nn")


@pytest.mark.parametrize("name", ["gcn_align", "graphsage_nn"])
def test_a_seed_repeats_an_answer(name: str, problem: Problem) -> None:
    answer = method(name)(problem)
    np.testing.assert_array_equal(method(name)(problem).score, answer.score)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_batch_says_what_the_whole_graph_says(layer: type, both: BothGraphs) -> None:
    network = GraphNetwork(layer, 8, both).eval()
    some = torch.tensor([5, 2, len(both) - 1, 30])
    torch.testing.assert_close(network(some), network.everyone()[some], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_order_of_neighbours_carries_no_information(layer: type, both: BothGraphs) -> None:
    network = GraphNetwork(layer, 8, both).eval()
    before = network.everyone()
    order = torch.randperm(both.mask.shape[1])
    network.both = replace(
        both,
        neighbours=both.neighbours[:, order],
        relations=both.relations[:, order],
        mask=both.mask[:, order],
    )
    torch.testing.assert_close(network.everyone(), before, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("layer", LAYERS)
def test_entities_without_neighbours_or_facts_stay_finite(layer: type, both: BothGraphs) -> None:
    alone = replace(both, mask=torch.zeros_like(both.mask), features=torch.zeros_like(both.features))
    network = GraphNetwork(layer, 8, alone)
    h = network(torch.arange(6))
    h.sum().backward()
    assert h.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


def test_only_neighbours_within_two_hops_are_heard(both: BothGraphs) -> None:
    network = GraphNetwork(Sage, 8, both).eval()
    first = both.hop(torch.tensor([0]))
    near = both.hop(first.sources).sources
    far = torch.ones(len(both), dtype=torch.bool)
    far[near] = False
    before = network(torch.tensor([0]))
    network.both = replace(both, features=both.features.masked_fill(far.unsqueeze(1), 9.0))
    assert far.any()
    torch.testing.assert_close(network(torch.tensor([0])), before)


def test_graphs_stay_apart_and_right_entities_come_after_left_ones(
    problem: Problem, both: BothGraphs
) -> None:
    of_left = torch.arange(len(both)) < both.lefts
    assert both.lefts == len(problem.preparation.graphs[0])
    assert (of_left[both.neighbours] == of_left.unsqueeze(1))[both.mask].all()
    pairs = both.pairs(problem, problem.asked)
    assert of_left[pairs[0]].all()
    assert not of_left[pairs[1]].any()


def test_walks_end_in_their_own_graph(both: BothGraphs) -> None:
    start = torch.arange(len(both))
    met = walk(both, start, 3, torch.Generator().manual_seed(0))
    assert ((met < both.lefts) == (start < both.lefts)).all()
    assert (met != start).any()


def test_the_hinge_looks_at_every_match_and_every_other() -> None:
    distance, same = torch.tensor([0.2, 0.9, 0.4, 1.0]), torch.tensor([True, True, False, False])
    expected = (0.3 + 0.0 + 1.0 + 0.4) / 4
    assert hinge(distance, same, 0.5).item() == pytest.approx(expected)
    assert hinge(distance, torch.ones(4, dtype=torch.bool), 0.5).item() == 0.0


def test_functionality_is_low_where_many_share_one_neighbour() -> None:
    mask = torch.ones(4, 1, dtype=torch.bool)
    many = BothGraphs(
        features=torch.zeros(4, 1),
        neighbours=torch.tensor([[3], [3], [3], [0]]),
        relations=torch.tensor([[0], [0], [0], [1]]),
        mask=mask,
        lefts=2,
        directions=3,
    )
    torch.testing.assert_close(functionality(many), torch.tensor([1 / 3, 1.0, 0.3]))


def test_two_views_are_as_long_as_one_and_all_weights_count(both: BothGraphs) -> None:
    parts = GraphNetwork(AlignGcn, 8, both), GraphNetwork(AlignGcn, 8, both, free=6)
    network = TwoViews(*parts, share=0.25)
    torch.testing.assert_close(network.everyone().norm(dim=1), torch.ones(len(both)))
    free = len(both) * 6 + (6 * 8 + 8) + (8 * 8 + 8)
    own = (both.features.shape[1] * 8 + 8) + (8 * 8 + 8)
    assert parameter_count(network) == free + own


def test_without_labels_a_network_answers_as_it_starts(problem: Problem) -> None:
    nothing = problem.train.take(np.zeros(len(problem.train), dtype=bool))
    answer = method("graphsage")(replace(problem, train=nothing))
    assert np.isfinite(answer.score).all()
    assert nearness(torch.zeros(1, 4), torch.zeros((2, 0), dtype=torch.int64)).shape == (0,)
