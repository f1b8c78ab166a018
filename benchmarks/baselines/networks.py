"""From entities to vectors of length one, by layers that both graphs share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.both import CHUNK, BothGraphs
from crossgraph._types import Float64

Layer = Callable[[int, int, BothGraphs], nn.Module]
LAYERS = 2
PAIRS = 1 << 16


class GraphNetwork(nn.Module):
    """Two layers over sampled neighbourhoods; the first one projects the entities' own features.

    free    in place of features: floats in a learned vector of each entity; 0 for features

    Shapes
        entities (K) -> (K, width), each row of length one
    """

    def __init__(self, layer: Layer, width: int, both: BothGraphs, *, free: int = 0) -> None:
        super().__init__()
        self.both = both
        self.free = nn.Embedding(len(both), free) if free else None
        read = (free or both.features.shape[1], *[width] * (LAYERS - 1))
        self.layers = nn.ModuleList(layer(size, width, both) for size in read)

    def forward(self, entities: Tensor) -> Tensor:
        """The vectors of K distinct entities, from the neighbourhoods around them alone."""
        hops = []
        for _ in self.layers:
            hops.append(self.both.hop(entities))
            entities = hops[-1].sources
        h = self._start(entities)
        for number, hop in enumerate(reversed(hops)):
            h = self.layers[number](_between(h, number), hop)
        return functional.normalize(h, dim=1)

    @torch.no_grad()
    def everyone(self) -> Tensor:
        """(E, width) ``forward`` of all entities, each layer in chunks."""
        parts = torch.split(torch.arange(len(self.both)), CHUNK)
        h = self._start(torch.arange(len(self.both)))
        for number, layer in enumerate(self.layers):
            h = _between(h, number)
            hops = map(self.both.hop, parts)
            h = torch.cat([layer(h[hop.sources], hop) for hop in hops])
        return functional.normalize(h, dim=1)

    def _start(self, entities: Tensor) -> Tensor:
        if self.free is None:
            return self.both.features[entities]
        return torch.as_tensor(self.free(entities))


class TwoViews(nn.Module):
    """The vectors of two networks side by side, of length one; a share of its square is the second's."""

    def __init__(self, first: GraphNetwork, second: GraphNetwork, *, share: float) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.lengths = ((1 - share) ** 0.5, share**0.5)

    def forward(self, entities: Tensor) -> Tensor:
        """(K, sum of widths) the vectors of K distinct entities."""
        return self._beside(self.first(entities), self.second(entities))

    @torch.no_grad()
    def everyone(self) -> Tensor:
        """(E, sum of widths) the vectors of all entities."""
        return self._beside(self.first.everyone(), self.second.everyone())

    def _beside(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.cat([first * self.lengths[0], second * self.lengths[1]], dim=1)


Network = GraphNetwork | TwoViews


def distances(h: Tensor, pairs: Tensor) -> Tensor:
    """(P) Euclidean distance of the rows (2, P) of h."""
    # The square root has no gradient at zero; a small constant keeps equal vectors trainable.
    return ((h[pairs[0]] - h[pairs[1]]).square().sum(dim=1) + 1e-8).sqrt()


def nearness(h: Tensor, pairs: Tensor) -> Float64:
    """(P) the scores of pairs: distances, turned round."""
    parts = [-distances(h, part) for part in torch.split(pairs, PAIRS, dim=1)]
    return torch.cat(parts).double().numpy() if parts else np.empty(0)


def parameter_count(network: nn.Module) -> int:
    """Trained numbers."""
    return sum(parameter.numel() for parameter in network.parameters())


def _between(h: Tensor, number: int) -> Tensor:
    return functional.leaky_relu(h, 0.2) if number else h
