"""What networks see of entities alone, kept, so that nobody is seen twice whom nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from torch import Tensor

from crossgraph._types import Float16, Vectors
from crossgraph.model.inputs import PairTensors
from crossgraph.model.network import CollectiveNetwork
from crossgraph.model.prepared import Lower

See: TypeAlias = Callable[[int, int, Tensor], Lower | None]
"""``CollectiveNetwork.seen_alone`` of one of several networks, by its number, or what does the same."""

# With more layers, or fewer, what is kept would depend on more, or be worth less.
LAYERS = 2


@dataclass(frozen=True, eq=False)
class Seen:
    """Networks that look at entities alone, and what they saw.

    kept   (E, D) by the numbers of network and side
    """

    networks: tuple[CollectiveNetwork, ...]
    tensors: PairTensors
    kept: dict[tuple[int, int], Float16] = field(default_factory=dict)

    def __call__(self, number: int, side: int, entities: Tensor) -> Lower | None:
        """What the lower layers of a network say of distinct entities (ascending) of a side."""
        network = self.networks[number]
        lower = network.seen_alone(self.tensors, side, entities)
        if lower is not None and network.options.layers == LAYERS:
            self.kept[number, side] = _halved(lower, len(self.tensors.sides[side]))
        return lower

    @property
    def vectors(self) -> Vectors:
        """What all networks said of both sides; none where one was not asked, or sees nobody alone."""
        try:
            return tuple((self.kept[at, 0], self.kept[at, 1]) for at in range(len(self.networks)))
        except KeyError:
            return ()


def _halved(lower: Lower, entities: int) -> Float16:
    """(E, D) vectors with half of their bits; NaN for all whom they do not tell."""
    out = np.full((entities, lower.h.shape[1]), np.nan, dtype=np.float16)
    told = lower.h.cpu().half().numpy()
    # What is too large for these numbers would say nothing of the pair.
    told[~np.isfinite(told).all(axis=1)] = np.nan
    out[lower.known.cpu().numpy()] = told
    return out
