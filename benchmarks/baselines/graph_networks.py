"""The graph networks that CG-MuAlign's article compares with, each from a problem to an answer.

All read the same facts, vocabulary, candidates and sampled neighbourhoods as our network, are as wide as it
is and two layers deep. Those that learn from labels do so by ``siamese``. Zhu et al., WWW 2020, section 4.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.nn import functional

from baselines.both import BothGraphs
from baselines.layers import AlignGcn, Gat, PlainSum, RelationSage, Rgcn, Sage
from baselines.networks import GraphNetwork, Layer, Network, TwoViews, nearness, parameter_count
from baselines.siamese import SiameseOptions, train
from baselines.walks import WalkOptions, train_walks
from crossgraph.benchmarking.problem import Answer, Problem

SIAMESE = SiameseOptions()
WALKS = WalkOptions()
# GCN-Align: structure's share of the squared distance; chosen as the options are.
STRUCTURE = 0.1


def feature_nn(problem: Problem) -> Answer:
    """Feature + NN: cosine of the entities' own features; nothing is trained."""
    begun = time.process_time()
    with _settled(problem.seed):
        both = BothGraphs.of(problem)
        ready = time.process_time()
        scores = nearness(functional.normalize(both.features, dim=1), both.pairs(problem, problem.asked))
    return Answer(scores, 0, ready - begun, time.process_time() - ready)


def graphsage_nn(problem: Problem) -> Answer:
    """GraphSAGE + NN: learned from random walks on both graphs, without a label; distance of the vectors."""

    def learn(both: BothGraphs) -> Network:
        network = GraphNetwork(Sage, problem.config.model.width, both)
        train_walks(network, both, WALKS, torch.Generator().manual_seed(problem.seed))
        return network

    return _answer(problem, learn)


def gcn_align(problem: Problem) -> Answer:
    """GCN-Align: a GCN over a free vector of each entity beside one over its features (Wang et al., 2018).

    Unlike there, both learn together, from hard negatives, and features hold values, not attributes alone.
    """

    def learn(both: BothGraphs) -> Network:
        width = problem.config.model.width
        network = TwoViews(
            GraphNetwork(AlignGcn, width, both),
            GraphNetwork(AlignGcn, width, both, free=width),
            share=STRUCTURE,
        )
        train(network, both, problem, SIAMESE)
        return network

    return _answer(problem, learn)


def graphsage(problem: Problem) -> Answer:
    """GraphSAGE: the mean of the neighbours (Hamilton et al., 2017)."""
    return _siamese(problem, Sage)


def gat(problem: Problem) -> Answer:
    """GAT: attention over the neighbours, with a residual (Velickovic et al., 2018)."""
    return _siamese(problem, Gat)


def rgcn(problem: Problem) -> Answer:
    """R-GCN: matrices of relations, from a basis (Schlichtkrull et al., 2018)."""
    return _siamese(problem, Rgcn)


def rgraphsage(problem: Problem) -> Answer:
    """R-GraphSAGE: the mean of the neighbours, each through the matrix of its relation."""
    return _siamese(problem, RelationSage)


def plain_sum(problem: Problem) -> Answer:
    """CG-MuAlign's sum of neighbours beside the entity itself, without any attention."""
    return _siamese(problem, PlainSum)


def _siamese(problem: Problem, layer: Layer) -> Answer:
    def learn(both: BothGraphs) -> Network:
        network = GraphNetwork(layer, problem.config.model.width, both)
        train(network, both, problem, SIAMESE)
        return network

    return _answer(problem, learn)


def _answer(problem: Problem, learn: Callable[[BothGraphs], Network]) -> Answer:
    begun = time.process_time()
    with _settled(problem.seed):
        both = BothGraphs.of(problem)
        network = learn(both)
        ready = time.process_time()
        scores = nearness(network.everyone(), both.pairs(problem, problem.asked))
    return Answer(scores, parameter_count(network), ready - begun, time.process_time() - ready)


@contextmanager
def _settled(seed: int) -> Iterator[None]:
    """Weights from a seed, on one thread: the matrices are too small to be shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)
