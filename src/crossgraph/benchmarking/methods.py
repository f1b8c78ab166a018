"""Our own rows of a comparison: names, the network alone, with attribute comparison, the whole system."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from crossgraph._types import Float64, Int64
from crossgraph.benchmarking.problem import Answer, Problem
from crossgraph.blocking.candidates import Candidates
from crossgraph.comparing import gather_evidence
from crossgraph.contest import Contest
from crossgraph.evidence.attributes import attribute_evidence
from crossgraph.evidence.table import EvidenceTable
from crossgraph.fitting import apply_scorers, fit, learning_options, network_input
from crossgraph.labels import Labels
from crossgraph.learning import (
    fit_networks,
    fit_scorers,
    heard,
    opinions,
    side_by_side,
    untrained,
)
from crossgraph.model.inputs import PairTensors
from crossgraph.model.network import CollectiveNetwork
from crossgraph.scoring import score_candidates
from crossgraph.stages import StageClock
from crossgraph.training import train_network


@dataclass
class Stopwatch:
    """CPU seconds of this process, of all its threads, since the last lap."""

    started: float = field(default_factory=time.process_time)

    def lap(self) -> float:
        """The seconds since the start or the last lap."""
        now = time.process_time()
        spent, self.started = now - self.started, now
        return spent


def names_alone(problem: Problem) -> Answer:
    """The best cosine of two names, as blocking computed it."""
    return Answer(problem.candidates.name[problem.asked].astype(np.float64), 0, 0.0, 0.0)


def network_alone(problem: Problem) -> Answer:
    """One collective network and its own score, nothing beside it."""
    watch = Stopwatch()
    vocabulary, tensors = network_input(problem.preparation, problem.config)
    options = learning_options(problem.config)
    network = untrained(vocabulary, problem.preparation.schema, options, 0)

    def teach(_: int) -> None:
        rng = np.random.default_rng(problem.seed)
        train_network(network, tensors, problem.candidates, problem.train, options=options.training, rng=rng)

    side_by_side(teach, range(1))
    learnt = watch.lap()
    began = time.perf_counter()
    score = logits_of(network, tensors, problem.candidates.take(problem.asked))
    wall = time.perf_counter() - began
    return Answer(score, sum(p.numel() for p in network.parameters()), learnt, watch.lap(), wall)


def logits_of(network: CollectiveNetwork, tensors: PairTensors, asked: Candidates) -> Float64:
    """(P) logits of pairs, on all cores."""
    nobody = np.full(len(asked), -1, dtype=np.int32)
    logits: Float64 = heard((network,), tensors, (asked.left, asked.right), nobody)[0].astype(np.float64)
    return logits


def full_network(problem: Problem) -> Answer:
    """The network's opinion and the comparison of attributes in one scorer; both learn by cross-fitting.

    Opinions and comparisons are read once for the labelled pairs, which is a part of training, and for the
    asked ones, which is scoring: the seconds are divided by the numbers of pairs.
    """
    watch = Stopwatch()
    vocabulary, tensors = network_input(problem.preparation, problem.config)
    options = learning_options(problem.config)
    candidates, train = problem.candidates, problem.train
    networks = fit_networks(
        tensors, candidates, train, vocabulary, schema=problem.preparation.schema, options=options
    )
    places = np.union1d(train.places, problem.asked)
    inside = candidates.take(places)
    labels = _moved(problem, places)
    training = watch.lap()
    heard = opinions(networks, tensors, inside, labels)
    pairs = inside.left, inside.right
    compared = attribute_evidence(problem.preparation.description, problem.preparation.schema, pairs)
    evidence = EvidenceTable.beside([compared, heard])
    reading = watch.lap() / len(places)
    scorers = fit_scorers(evidence.rows(labels.places), labels, options=options)
    training += watch.lap() + reading * len(train.places)
    step, scored = apply_scorers(scorers, evidence, inside, labels)
    score = scored.score[np.searchsorted(places, problem.asked)]
    modules = (networks[0], step.scorers[0])
    parameters = sum(p.numel() for module in modules for p in module.parameters())
    return Answer(score, parameters, training, watch.lap() + reading * len(problem.asked))


def whole_system(problem: Problem) -> Answer:
    """What ``crossgraph align`` does: all evidence, rounds, calibrated scores.

    Its training contains scoring, since each round hears what the one before believed; scoring is measured
    by applying the finished model once more to all candidates.
    """
    watch = Stopwatch()
    evidence = gather_evidence(problem.preparation)
    fitted = fit(problem.preparation, evidence, problem.train, config=problem.config, clock=StageClock())
    learnt = watch.lap()
    score = fitted.scored.score[problem.asked]
    _, tensors = network_input(problem.preparation, problem.config)
    watch.lap()
    score_candidates(fitted.model, tensors, problem.preparation, evidence, Contest.free(problem.candidates))
    share = len(problem.asked) / len(problem.candidates)
    return Answer(score, fitted.model.parameters, learnt, watch.lap() * share)


def _moved(problem: Problem, places: Int64) -> Labels:
    """The training labels as places among some of the candidates."""
    return replace(problem.train, places=np.searchsorted(places, problem.train.places))
