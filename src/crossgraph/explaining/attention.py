"""What the networks look at beside a pair: both attentions of each sampled neighbour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from crossgraph._types import Float64
from crossgraph.explaining.backdrop import Backdrop
from crossgraph.labels import HALVES
from crossgraph.model.attention import cross_graph_log_attention
from crossgraph.model.network import CollectiveNetwork


@dataclass(frozen=True, slots=True)
class Seen:
    """One sampled edge of an entity, as the last layer sees it beside the partner.

    edge     its place among the entity's rows in ``Adjacency``
    cross    cross-graph attention: its share of what the partner's neighbourhood echoes
    own      self-attention: how much it tells look-alikes apart
    weight   both together, renormalised: its share in the entity's vector
    """

    edge: int
    neighbour: int
    cross: float
    own: float
    weight: float


def attention(around: Backdrop, place: int) -> tuple[tuple[Seen, ...], tuple[Seen, ...]]:
    """The sampled neighbours of both entities of a candidate, by the networks that scored it, in the mean."""
    opened = around.opened
    candidates = opened.preparation.candidates
    pair = int(candidates.left[place]), int(candidates.right[place])
    fold = int(opened.folds[place])
    networks = opened.model.networks
    asked = networks if fold < 0 else (networks[fold % HALVES],)
    said = [_weights(around, network, pair) for network in asked]
    weights = [np.mean(sides, axis=0) for sides in zip(*said, strict=True)]
    left, right = (_seen(around, side, pair[side], weights[side]) for side in (0, 1))
    return left, right


@torch.no_grad()
def _weights(around: Backdrop, network: CollectiveNetwork, pair: tuple[int, int]) -> tuple[Float64, Float64]:
    """(3, N) and (3, M): cross-graph attention, self-attention and both of each sampled neighbour."""
    tensors = around.opened.tensors
    left, right = (torch.tensor([end]) for end in pair)
    sides, alike = network.prepare_pairs(tensors, left, right)
    out = network.compare(*sides, alike)
    both = out.left_weights, out.right_weights
    affinity = out.affinity, out.affinity.transpose(1, 2)
    a, b = (
        torch.cat([cross_graph_log_attention(x, s.mask).exp(), s.log_beta.exp(), w]).double().numpy()
        for x, s, w in zip(affinity, sides, both, strict=True)
    )
    return a, b


def _seen(around: Backdrop, side: int, entity: int, weights: Float64) -> tuple[Seen, ...]:
    adjacency = around.opened.preparation.adjacency[side]
    drawn = around.drawn(side, entity)[: weights.shape[1]]
    first = int(adjacency.indptr[entity])
    return tuple(
        Seen(int(edge), int(adjacency.neighbours[first + edge]), *(float(w) for w in weights[:, at]))
        for at, edge in enumerate(drawn)
    )
