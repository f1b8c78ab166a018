"""One side's graph as tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from crossgraph._types import Int32, Int64
from crossgraph.features.tokens import EntityTokens
from crossgraph.model.arrays import HeldLikeness, PairArrays, SideArrays
from crossgraph.sampling import Neighbourhoods


@dataclass(frozen=True, eq=False)
class SideTensors:
    """What the network reads of one graph: facts on a device, and on the host what steps are planned by.

    attributes, texts, numbers, tokens (E, A)     on the device: its facts, see ``EntityTokens``
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
        """One side, its facts moved to a device.

        edges (E)         how many edges each entity has in the whole graph
        directions (2R)   translates directed relations to the network's
        """
        return SideTensors.on(SideArrays.of(facts, types, around, edges=edges, directions=directions), device)

    @staticmethod
    def on(arrays: SideArrays, device: str) -> SideTensors:
        """One side, its facts moved to a device."""
        facts = arrays.facts
        told = (facts.attributes, facts.texts, facts.numbers, facts.mask)
        planned = (arrays.types, arrays.neighbours, arrays.relations, arrays.mask, arrays.rarity)
        held = [torch.from_numpy(np.ascontiguousarray(array)) for array in (*told, *planned)]
        return SideTensors(*(one.to(device) for one in held[: len(told)]), *held[len(told) :])

    def __len__(self) -> int:
        return len(self.mask)

    def arrays(self) -> SideArrays:
        """The same as arrays, which are shared where it is on the host."""
        facts = (self.attributes, self.texts, self.numbers, self.tokens)
        planned = (self.types, self.neighbours, self.relations, self.mask, self.rarity)
        tokens = EntityTokens(*(one.cpu().numpy() for one in facts))
        return SideArrays(tokens, *(one.numpy() for one in planned))

    def narrowed(self, count: int | None) -> SideTensors:
        """The same with the neighbours that were drawn first, at most so many of each entity."""
        around = (one[:, :count] for one in (self.neighbours, self.relations, self.mask))
        neighbours, relations, mask = around
        return replace(self, neighbours=neighbours, relations=relations, mask=mask)


@dataclass(frozen=True, eq=False)
class Likeness:
    """How alike two entities of different sides are known to be beforehand; 0 for pairs that are not held.

    It stays on the host.

    keys (S)     left * 2**32 + right, ascending
    values (S)   in [0, 1]
    """

    keys: Tensor
    values: Tensor

    @staticmethod
    def of(alike: sparse.csr_matrix) -> Likeness:
        """From a matrix (left entities, right entities)."""
        return Likeness.on(HeldLikeness.of(alike))

    @staticmethod
    def on(held: HeldLikeness) -> Likeness:
        """The same as tensors."""
        return Likeness(torch.from_numpy(held.keys), torch.from_numpy(held.values))

    @staticmethod
    def nothing() -> Likeness:
        """Nothing is known."""
        return Likeness(torch.zeros(0, dtype=torch.int64), torch.zeros(0))

    def between(self, left: Tensor, right: Tensor) -> Tensor:
        """(P, N, M) of every left entity (P, N) with every right one (P, M)."""
        held = HeldLikeness(self.keys.numpy(), self.values.numpy())
        return torch.from_numpy(held.between(left.numpy(), right.numpy()))


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

    @staticmethod
    def on(arrays: PairArrays, device: str) -> PairTensors:
        """The same, moved to a device."""
        left, right = (SideTensors.on(side, device) for side in arrays.sides)
        sketch = torch.from_numpy(arrays.sketch).to(device)
        return PairTensors(left, right, sketch, Likeness.on(arrays.likeness))

    @property
    def sides(self) -> tuple[SideTensors, SideTensors]:
        """Left and right."""
        return self.left, self.right

    def around(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        """The sampled neighbours (P, N), (P, M) of both ends of P pairs."""
        return self.left.neighbours[left], self.right.neighbours[right]
