"""One side's graph as tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from crossgraph.features.tokens import EntityTokens
from crossgraph.sampling import Neighbourhoods


@dataclass(frozen=True, eq=False)
class SideTensors:
    """What the network reads of one graph.

    attributes, texts, numbers, tokens (E, A)     the facts of each entity, see ``EntityTokens``
    neighbours, relations, mask (E, N)            sampled neighbourhoods; relations in network directions
    """

    attributes: Tensor
    texts: Tensor
    numbers: Tensor
    tokens: Tensor
    neighbours: Tensor
    relations: Tensor
    mask: Tensor

    @staticmethod
    def of(facts: EntityTokens, around: Neighbourhoods, directions: np.ndarray, device: str) -> SideTensors:
        """Move one side to a device; ``directions`` (2R) translates directed relations to the network's."""
        relations = directions[around.relations] if len(directions) else around.relations
        return SideTensors(
            *(
                torch.from_numpy(np.ascontiguousarray(array)).to(device)
                for array in (
                    facts.attributes,
                    facts.texts,
                    facts.numbers,
                    facts.mask,
                    around.neighbours,
                    relations.astype(np.int32),
                    around.mask,
                )
            )
        )

    def __len__(self) -> int:
        return len(self.mask)


@dataclass(frozen=True, eq=False)
class PairTensors:
    """Both graphs, and the sketch (S, T) of the strings that they share."""

    left: SideTensors
    right: SideTensors
    sketch: Tensor
