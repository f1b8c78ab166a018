"""What a layer needs of entities before it looks at them beside a partner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from crossgraph.model.inputs import SideTensors
from crossgraph.model.layer import CollectiveLayer


@dataclass(frozen=True, eq=False)
class Lower:
    """What the layers before the last say of some entities and of their neighbours.

    entities (K)     distinct, ascending
    level0 (K, D)    their own attributes
    known (T)        they and their neighbours, distinct, ascending
    h (T, I)         the vectors that the last layer reads
    """

    entities: Tensor
    level0: Tensor
    known: Tensor
    h: Tensor


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that a layer needs of some entities to look at them beside a partner.

    level0 (K, D)         the entity's own attributes
    own (K, D / 2)        W_self h_i
    messages (K, N, D/2)  W_r h_j of each sampled neighbour
    log_beta (K, N)       self-attention
    mask (K, N)           True for a real neighbour
    neighbours (K, N)     who they are
    rarity (K, N)         how telling each of them is
    """

    level0: Tensor
    own: Tensor
    messages: Tensor
    log_beta: Tensor
    mask: Tensor
    neighbours: Tensor
    rarity: Tensor

    def rows(self, places: Tensor) -> Prepared:
        """The entities at some places, which may be of any shape."""
        return Prepared(*(getattr(self, field.name)[places] for field in fields(self)))

    @staticmethod
    def stacked(parts: Iterable[Prepared], count: int) -> Prepared:
        """Sets of ``count`` entities in all, one after the other.

        Where nothing is learned, each is put in its place as it comes: beside all of them there is one more.
        """
        if torch.is_grad_enabled():
            every = list(parts)
            return Prepared(*(torch.cat([getattr(p, f.name) for p in every]) for f in fields(Prepared)))
        whole: list[Tensor] = []
        start = 0
        for part in parts:
            columns = [getattr(part, field.name) for field in fields(Prepared)]
            whole = whole or [column.new_empty((count, *column.shape[1:])) for column in columns]
            for out, column in zip(whole, columns, strict=True):
                out[start : start + len(column)] = column
            start += len(columns[0])
        return Prepared(*whole)


def neighbours_of(side: SideTensors, entities: Tensor) -> Tensor:
    """All sampled neighbours of some entities, with repetitions."""
    return side.neighbours[entities][side.mask[entities]].long()


def messages(
    layer: CollectiveLayer, side: SideTensors, h: Tensor, at: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """(K, D/2) own parts and (K, N, D/2) messages of the entities at[1], where h (T, D) is of those at[0]."""
    known, wanted = at
    mask = side.mask[wanted]
    rows = torch.searchsorted(known, side.neighbours[wanted][mask].long())
    sent = layer.transform(h, rows, side.relations[wanted][mask])
    return layer.transform.own_part(h[torch.searchsorted(known, wanted)]), padded(sent, mask)


def padded(sent: Tensor, mask: Tensor) -> Tensor:
    """(..., N, W) rows of ``sent`` (T, W) at the places where ``mask`` (..., N) is True; zero elsewhere."""
    z = sent.new_zeros((*mask.shape, sent.shape[1]))
    return z.index_put(mask.nonzero(as_tuple=True), sent)


def prepared(
    layer: CollectiveLayer, side: SideTensors, h: Tensor, at: tuple[Tensor, Tensor], level0: Tensor
) -> Prepared:
    """What a layer needs of the entities at[1], where h is of those at[0]."""
    own, z = messages(layer, side, h, at)
    mask = side.mask[at[1]]
    around = side.neighbours[at[1]]
    beta = layer.log_beta(own, z, side.relations[at[1]], mask)
    return Prepared(level0, own, z, beta, mask, around, side.rarity[around.long()])
