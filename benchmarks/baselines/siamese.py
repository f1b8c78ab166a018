"""Siamese training: both graphs go through one network, which brings matches nearer than hard negatives."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from baselines.both import BothGraphs
from baselines.networks import Network, distances, nearness
from crossgraph._types import Int64
from crossgraph.benchmarking.problem import Problem
from crossgraph.metrics import pr_auc


@dataclass(frozen=True, kw_only=True, slots=True)
class SiameseOptions:
    """How a network learns; chosen on the validation pairs of countries_en_de and movies_tmdb_imdb.

    negatives       candidates that are not the same, drawn anew for each match and epoch (count)
    batch           pairs in a step, at most
    epochs          passes over the matches, at least
    steps           steps, at least, where matches are few
    learning_rate   peak of Adam's one-cycle schedule
    margin          by which a match is to be nearer than what is none; distances are at most 2
    """

    negatives: int = 10
    batch: int = 256
    epochs: int = 8
    steps: int = 200
    learning_rate: float = 0.01
    margin: float = 0.5


def train(network: Network, both: BothGraphs, problem: Problem, options: SiameseOptions) -> None:
    """Teach a network the training pairs, in place; keep the epoch of best PRAUC on the validation pairs.

    Without a match there is nothing to teach, and without one among the validation pairs the last epoch
    stays.
    """
    labels = problem.train
    matches, others = np.flatnonzero(labels.same), np.flatnonzero(~labels.same)
    if not len(matches) or not len(others):
        return
    rng = np.random.default_rng((problem.seed, 11))
    drawn = min(len(others), options.negatives * len(matches))
    batches = math.ceil((len(matches) + drawn) / options.batch)
    epochs = max(options.epochs, math.ceil(options.steps / batches))
    step = _stepper(network, options, epochs * batches)
    best = _Best(network, both, problem)
    for _ in range(epochs):
        rows = np.concatenate([matches, rng.choice(others, drawn, replace=False)])
        network.train()
        for batch in _batches(problem.candidates.left[labels.places[rows]], batches, rng):
            same = torch.from_numpy(labels.same[rows[batch]])
            pairs = both.pairs(problem, labels.places[rows[batch]])
            step(hinge(_distances(network, pairs), same, options.margin))
        network.eval()
        best.look()
    best.restore()


def hinge(distance: Tensor, same: Tensor, margin: float) -> Tensor:
    """``mean relu(d+ - d- + margin)`` over every match of a batch against every pair of it that is none.

    Most of those share an entity with some match, for batches hold whole left entities.
    Zhu et al., WWW 2020, section 3.5. distance, same (P) -> ()
    """
    gaps = distance[same].unsqueeze(1) - distance[~same].unsqueeze(0)
    return functional.relu(gaps + margin).sum() / max(1, gaps.numel())


def _distances(network: Network, pairs: Tensor) -> Tensor:
    entities, rows = torch.unique(pairs, return_inverse=True)
    return distances(network(entities), rows)


def _batches(lefts: Int64, count: int, rng: np.random.Generator) -> list[Int64]:
    shuffled = rng.permutation(int(lefts.max(initial=0)) + 1)[lefts]
    return np.array_split(np.argsort(shuffled, kind="stable"), count)


def _stepper(network: Network, options: SiameseOptions, steps: int) -> Callable[[Tensor], None]:
    optimiser = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.learning_rate, total_steps=steps + 1)

    def step(loss: Tensor) -> None:
        optimiser.zero_grad()
        # Torch gives no types for it.
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()

    return step


class _Best:
    """The weights of the epoch that did best on the validation pairs."""

    def __init__(self, network: Network, both: BothGraphs, problem: Problem) -> None:
        self.network, self.valid = network, problem.valid
        self.pairs = both.pairs(problem, problem.valid.places)
        self.figure = -1.0
        self.weights: dict[str, Any] | None = None

    def look(self) -> None:
        if not self.valid.same.any():
            return
        scores = nearness(self.network.everyone(), self.pairs)
        figure = pr_auc(scores, self.valid.same, total=int(self.valid.same.sum()))
        if figure > self.figure:
            self.figure, self.weights = figure, copy.deepcopy(self.network.state_dict())

    def restore(self) -> None:
        if self.weights is not None:
            self.network.load_state_dict(self.weights)
