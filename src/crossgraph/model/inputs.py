"""One side's graph as tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse
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
    rarity (E)                                    how telling it is to be beside it: falls with its edges
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

    def narrowed(self, count: int | None) -> SideTensors:
        """The same with the neighbours that were drawn first, at most so many of each entity."""
        around = (one[:, :count] for one in (self.neighbours, self.relations, self.mask))
        neighbours, relations, mask = around
        return replace(self, neighbours=neighbours, relations=relations, mask=mask)


@dataclass(frozen=True, eq=False)
class Likeness:
    """How alike two entities of different sides are known to be beforehand; 0 for pairs that are not held.

    keys (S)     left * 2**32 + right, ascending
    values (S)   in [0, 1]
    """

    keys: Tensor
    values: Tensor

    @staticmethod
    def of(alike: sparse.csr_matrix, device: str) -> Likeness:
        """From a matrix (left entities, right entities)."""
        held = alike.tocoo()
        keys = held.row.astype(np.int64) << 32 | held.col.astype(np.int64)
        order = np.argsort(keys)
        values = np.clip(held.data[order], 0.0, 1.0).astype(np.float32)
        return Likeness(torch.from_numpy(keys[order]).to(device), torch.from_numpy(values).to(device))

    @staticmethod
    def nothing() -> Likeness:
        """Nothing is known."""
        return Likeness(torch.zeros(0, dtype=torch.int64), torch.zeros(0))

    def between(self, left: Tensor, right: Tensor) -> Tensor:
        """(P, N, M) of every left entity (P, N) with every right one (P, M)."""
        # What is known of a left entity is little: to look through it is faster than to search for each pair.
        first = left.long().flatten() << 32
        start = torch.searchsorted(self.keys, first)
        counts = torch.searchsorted(self.keys, first | 0xFFFFFFFF, right=True) - start
        rows = torch.repeat_interleave(counts)
        at = torch.arange(len(rows), device=rows.device) + (start - counts.cumsum(0) + counts)[rows]
        same = (self.keys[at] & 0xFFFFFFFF).unsqueeze(1) == right[rows // max(left.shape[1], 1)]
        found, column = same.nonzero(as_tuple=True)
        out = torch.zeros((left.numel(), right.shape[1]), device=left.device)
        out[rows[found], column] = self.values[at[found]]
        return out.reshape(*left.shape, right.shape[1])


@dataclass(frozen=True, eq=False)
class PairTensors:
    """Both graphs, the sketch (S, T) of the strings that they share, and whose names are alike.

    farther   neighbours of each neighbour to look at, the first drawn first; all where not given
    """

    left: SideTensors
    right: SideTensors
    sketch: Tensor
    likeness: Likeness
    farther: int | None = None

    @property
    def sides(self) -> tuple[SideTensors, SideTensors]:
        """Left and right."""
        return self.left, self.right
