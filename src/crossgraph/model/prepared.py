"""What a layer needs of entities before it looks at them beside a partner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import torch
from torch import Tensor

from crossgraph._types import Int64
from crossgraph.model.inputs import SideTensors
from crossgraph.model.layer import CollectiveLayer
from crossgraph.model.plan import Edges, places_among, upload


@dataclass(frozen=True, eq=False)
class Lower:
    """What the layers before the last say of some entities and of their neighbours.

    known (T)        they and their neighbours, distinct, ascending; on the host
    h (T, I)         the vectors that the last layer reads
    """

    known: Tensor
    h: Tensor

    @cached_property
    def where(self) -> Int64:
        """The row of each known entity."""
        return places_among(self.known)


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that a layer needs of some entities to look at them beside a partner.

    level0 (K, D)         the entity's own attributes
    own (K, D / 2)        W_self h_i
    messages (K, N, D/2)  W_r h_j of each sampled neighbour
    log_beta (K, N)       self-attention
    mask (K, N)           True for a real neighbour
    rarity (K, N)         how telling each of them is
    """

    level0: Tensor
    own: Tensor
    messages: Tensor
    log_beta: Tensor
    mask: Tensor
    rarity: Tensor

    def rows(self, places: Tensor) -> Prepared:
        """The entities at some places, which may be of any shape."""
        return Prepared(*(getattr(self, field.name)[places] for field in fields(self)))

    def room(self, count: int) -> Prepared:
        """Of as many entities, none of them told yet."""
        columns = (getattr(self, field.name) for field in fields(self))
        return Prepared(*(column.new_empty((count, *column.shape[1:])) for column in columns))

    def put(self, start: int, part: Prepared) -> None:
        """Tell of the entities from a place on."""
        for field in fields(self):
            column = getattr(part, field.name)
            getattr(self, field.name)[start : start + len(column)] = column

    @property
    def bytes_each(self) -> int:
        """What an entity takes in memory."""
        columns = [getattr(self, field.name) for field in fields(self)]
        return sum(column[0].nbytes for column in columns)

    @staticmethod
    def stacked(parts: Iterable[Prepared], count: int) -> Prepared:
        """Sets of ``count`` entities in all, one after the other."""
        names = [field.name for field in fields(Prepared)]
        return Prepared(*stacked(([getattr(part, name) for name in names] for part in parts), count))


@dataclass(frozen=True, eq=False)
class Whole:
    """What the last layer needs of all entities of a side that pairs are asked of.

    entities (K)   distinct, ascending; on the host
    rows           of each of them
    """

    entities: Tensor
    rows: Prepared


def stacked(parts: Iterable[Sequence[Tensor]], count: int) -> Sequence[Tensor]:
    """Columns of ``count`` rows in all, each put together of its parts.

    Where nothing is learned, each part is put in its place as it comes: beside the whole there is only one.
    """
    if torch.is_grad_enabled():
        return [torch.cat(column) for column in zip(*parts, strict=True)]
    whole: list[Tensor] = []
    start = 0
    for part in parts:
        whole = whole or [column.new_empty((count, *column.shape[1:])) for column in part]
        for out, column in zip(whole, part, strict=True):
            out[start : start + len(column)] = column
        start += len(part[0])
    return whole


def neighbours_of(side: SideTensors, entities: Tensor) -> Tensor:
    """All sampled neighbours of some entities, with repetitions."""
    return side.neighbours[entities][side.mask[entities]].long()


def with_neighbours(side: SideTensors, entities: Tensor) -> Tensor:
    """Some entities and all their sampled neighbours, distinct, ascending."""
    # Marks, for to sort millions of repeated numbers would take longer than all that is done with them.
    reached = torch.zeros(len(side), dtype=torch.bool)
    reached[entities] = True
    reached[neighbours_of(side, entities)] = True
    return reached.nonzero().squeeze(1)


def messages(
    layer: CollectiveLayer, side: SideTensors, h: Tensor, at: tuple[Int64, Tensor]
) -> tuple[Tensor, Tensor, Edges]:
    """(K, D/2) own parts and (K, N, D/2) messages of some entities, and the edges by which they come.

    h (T, I)   of these entities, their neighbours, and perhaps others
    at         the row of everybody in h, and the entities (K)
    """
    where, entities = at
    edges = Edges.of(side, entities, layer.directions, h.device, where=where)
    z = layer.transform(h, edges)
    return layer.transform.own_part(h[upload(where[entities.numpy()], h.device)]), z, edges


def prepared(
    layer: CollectiveLayer, side: SideTensors, h: Tensor, at: tuple[Int64, Tensor], level0: Tensor
) -> Prepared:
    """What a layer needs of some entities; h and at as of ``messages``."""
    own, z, edges = messages(layer, side, h, at)
    beta = layer.log_beta(own, z, edges.relations, edges.mask)
    rarity = upload(side.rarity[side.neighbours[at[1]].long()], h.device)
    return Prepared(level0, own, z, beta, edges.mask, rarity)
