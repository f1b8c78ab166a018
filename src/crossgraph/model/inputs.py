"""One side's graph as tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from crossgraph._types import Int32, Int64
from crossgraph.features.tokens import EntityTokens
from crossgraph.sampling import Neighbourhoods


@dataclass(frozen=True, eq=False)
class SideTensors:
    """What the network reads of one graph.

    attributes, texts, numbers, tokens (E, A)     the facts of each entity, see ``EntityTokens``
    types (E, T)                                  slots of its types; -1 where padded
    neighbours, relations, mask (E, N)            sampled neighbourhoods; relations in network directions
    rarity (E)                                    how telling it is to be beside an entity: falls with its edges
    """

    attributes: Tensor
    texts: Tensor
    numbers: Tensor
    tokens: Tensor
    types: Tensor
    neighbours: Tensor
    relations: Tensor
    mask: Tensor
    rarity: Tensor

    @staticmethod
    def of(
        facts: EntityTokens,
        types: Int32,
        around: Neighbourhoods,
        *,
        edges: Int64,
        directions: Int32,
        device: str,
    ) -> SideTensors:
        """Move one side to a device.

        edges (E)         how many edges each entity has in the whole graph
        directions (2R)   translates directed relations to the network's
        """
        relations = directions[around.relations] if len(directions) else around.relations
        return SideTensors(
            *(
                torch.from_numpy(np.ascontiguousarray(array)).to(device)
                for array in (
                    facts.attributes,
                    facts.texts,
                    facts.numbers,
                    facts.mask,
                    types,
                    around.neighbours,
                    relations.astype(np.int32),
                    around.mask,
                    (1.0 / (0.5 + np.log1p(edges))).astype(np.float32),
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
