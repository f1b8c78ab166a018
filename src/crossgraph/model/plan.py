"""What is read and written where in a step, planned on the host from tables of integers that stay there.

A GPU works behind the processor that feeds it for as long as nobody asks what it has found. To be told
which entities are distinct, or how many neighbours are real, the processor would wait for all that it asked
for before, and the GPU then for the processor. So entities are named by integers on the host, what is read
of them is looked up there, and only places are sent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from crossgraph._types import AnyArray, Int64
from crossgraph.model.inputs import SideTensors
from crossgraph.model.kinds import by_kind


def upload(values: AnyArray | Tensor, device: torch.device) -> Tensor:
    """The same on a device. Nobody waits for it; on the host nothing is copied."""
    held = values if isinstance(values, Tensor) else torch.from_numpy(values)
    if device.type != "cuda":
        return held.to(device)
    # Only from memory that stays in its place may a GPU fetch by itself.
    return held.pin_memory().to(device, non_blocking=True)


def places_among(entities: Tensor) -> Int64:
    """Where each of some distinct entities (ascending) stands among them; nonsense for those between."""
    # To search for each of millions of neighbours would take far longer.
    places = np.empty(int(entities[-1]) + 1 if len(entities) else 0, dtype=np.int64)
    places[entities.numpy()] = np.arange(len(entities))
    return places


@dataclass(frozen=True, eq=False)
class Edges:
    """By which ways K entities hear of their neighbours: S real edges among K * N places.

    rows (S)           of each neighbour in a table of vectors, those of one relation together
    places (S)         of each edge
    counts (2R)        edges of each directed relation, on the host
    relations (K, N)   of each place, junk where padded
    mask (K, N)        True for a real edge
    """

    rows: Tensor
    places: Tensor
    counts: list[int]
    relations: Tensor
    mask: Tensor

    @staticmethod
    def of(
        side: SideTensors,
        entities: Tensor,
        directions: int,
        device: torch.device,
        *,
        where: Int64 | None = None,
    ) -> Edges:
        """The edges of some entities (K), sent to a device.

        where   each neighbour's row in the table; if not given, the table has a row for each of K * N places
        """
        mask, relations = side.mask[entities], side.relations[entities]
        places, counts = by_kind(relations.numpy(), mask.numpy(), directions)
        rows = places if where is None else where[side.neighbours[entities].numpy().ravel()[places]]
        return Edges(
            rows=upload(rows, device),
            places=upload(places, device),
            counts=counts,
            relations=upload(relations, device),
            mask=upload(mask, device),
        )

    def padded(self, messages: Tensor) -> Tensor:
        """(K, N, W) messages (S, W) at the places of their edges; zero elsewhere."""
        shape = (*self.mask.shape, messages.shape[1])
        z = messages.new_zeros((self.mask.numel(), shape[2]))
        return z.index_put((self.places,), messages).reshape(shape)
