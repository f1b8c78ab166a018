"""What a graph network reads of a problem: both graphs as one, own features, sampled neighbourhoods."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from crossgraph._types import Int64
from crossgraph.benchmarking.problem import Problem
from crossgraph.features.tokens import PERIODS
from crossgraph.fitting import network_input
from crossgraph.learning import attribute_importance
from crossgraph.model.inputs import SideTensors

CHUNK = 8_192
# How much a number counts beside a text; chosen on validation pairs.
NUMBER_LENGTH = 0.85


@dataclass(frozen=True, eq=False)
class Hop:
    """The edges that end at K entities.

    sources (T)      entities that send or hear, none twice; the first K are those that hear
    hearing          K
    edges (2, F)     rows of ``sources``: from, to
    relations (F)    directed relation of each edge
    """

    sources: Tensor
    hearing: int
    edges: Tensor
    relations: Tensor


@dataclass(frozen=True, eq=False)
class BothGraphs:
    """Two graphs as one without an edge between them: right entities are numbered after the left ones.

    features (E, 144)              see ``own_features``
    neighbours, relations (E, N)   sampled neighbourhoods; relations as directions of the shared vocabulary
    mask (E, N)                    True for a real neighbour
    lefts                          entities of the left graph
    directions                     directed relations of the shared vocabulary
    """

    features: Tensor
    neighbours: Tensor
    relations: Tensor
    mask: Tensor
    lefts: int
    directions: int

    @staticmethod
    def of(problem: Problem) -> BothGraphs:
        """The same facts, vocabulary and sampled neighbourhoods as the network of a problem gets."""
        ready = problem.preparation
        vocabulary, tensors = network_input(ready, problem.config)
        sides, lefts = (tensors.left, tensors.right), len(tensors.left)
        importance = torch.from_numpy(attribute_importance(vocabulary, ready.schema))
        return BothGraphs(
            features=torch.cat([own_features(side, tensors.sketch, importance) for side in sides]),
            neighbours=torch.cat([sides[0].neighbours, sides[1].neighbours + lefts]).long(),
            relations=torch.cat([side.relations for side in sides]).long(),
            mask=torch.cat([side.mask for side in sides]),
            lefts=lefts,
            directions=2 * vocabulary.relation_slots,
        )

    def __len__(self) -> int:
        return len(self.mask)

    def pairs(self, problem: Problem, places: Int64) -> Tensor:
        """(2, P) the entities of the candidates at some places."""
        left, right = problem.candidates.left[places], problem.candidates.right[places]
        return torch.from_numpy(np.stack([left.astype(np.int64), right.astype(np.int64) + self.lefts]))

    def hop(self, entities: Tensor) -> Hop:
        """The hop that ends at K distinct entities."""
        mask = self.mask[entities]
        heard = self.neighbours[entities][mask]
        row = torch.full((len(self),), -1)
        row[entities] = torch.arange(len(entities))
        others = torch.unique(heard[row[heard] < 0])
        row[others] = torch.arange(len(entities), len(entities) + len(others))
        return Hop(
            sources=torch.cat([entities, others]),
            hearing=len(entities),
            edges=torch.stack([row[heard], mask.nonzero()[:, 0]]),
            relations=self.relations[entities][mask],
        )


def own_features(side: SideTensors, sketch: Tensor, importance: Tensor) -> Tensor:
    r"""``x_i = sum_f w_f x_f`` over an entity's facts f: level 0 of the network before its projection.

    x_f is the sketch of a text, or sin and cos of a number at several periods; w the softmax of the
    importance of the attributes that the network starts with.

    Shapes
        attributes, texts, numbers, tokens (E, A), sketch (S, T), importance (slots) -> (E, T + 16)
    """
    parts = torch.split(torch.arange(len(side)), CHUNK)
    return torch.cat([_features_of(side, sketch, importance, part) for part in parts])


def _features_of(side: SideTensors, sketch: Tensor, importance: Tensor, entities: Tensor) -> Tensor:
    mask, numbers = side.tokens[entities], side.numbers[entities].unsqueeze(-1)
    weights = importance[side.attributes[entities].long()].exp() * mask
    weights = (weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-9)).unsqueeze(-1)
    # Row 0, the empty text, is zero: a number adds nothing to the texts.
    texts = (weights * sketch[side.texts[entities].long()]).sum(dim=1)
    angles = numbers.nan_to_num() * torch.tensor([2 * math.pi / period for period in PERIODS])
    waves = torch.cat([angles.sin(), angles.cos()], dim=-1) * (NUMBER_LENGTH / math.sqrt(len(PERIODS)))
    return torch.cat([texts, (weights * waves * ~numbers.isnan()).sum(dim=1)], dim=1)
