"""Entities without some of their facts, as rows of their own beside the whole graphs."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from crossgraph._types import AnyArray, Bool, Int32, Int64
from crossgraph.features.description import AttributeColumn, expand, rows_of
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.model.inputs import Likeness, PairTensors, SideTensors
from crossgraph.model.prepared import neighbours_of


@dataclass(frozen=True, eq=False)
class Variants:
    """K versions of one entity, each with a part of what it has.

    attributes (K, A)   True where a version has the values of an attribute
    edges (K, T)        True where it has an edge
    """

    entity: int
    attributes: Bool
    edges: Bool

    def __len__(self) -> int:
        return len(self.attributes)


def columns_of(
    columns: tuple[AttributeColumn, ...], variants: Variants, others: AnyArray
) -> tuple[AttributeColumn, ...]:
    """Attribute columns of rows: first the versions of one entity, then other entities as they are."""
    rows = np.r_[np.full(len(variants), variants.entity), others].astype(np.int64)
    whole = np.ones(len(others), dtype=bool)
    return tuple(
        rows_of(column, rows, np.r_[variants.attributes[:, at], whole]) for at, column in enumerate(columns)
    )


def adjacency_of(adjacency: Adjacency, variants: Variants, others: AnyArray) -> Adjacency:
    """The neighbour lists of the same rows; neighbours keep their numbers."""
    number, place = np.nonzero(variants.edges)
    counts = np.bincount(number, minlength=len(variants))
    starts = adjacency.indptr[others]
    rest = adjacency.indptr[np.asarray(others, dtype=np.int64) + 1] - starts
    kept = np.r_[adjacency.indptr[variants.entity] + place, expand(starts, rest)].astype(np.int64)
    indptr = np.r_[0, np.cumsum(np.r_[counts, rest])].astype(np.int64)
    return Adjacency(indptr, adjacency.neighbours[kept], adjacency.relations[kept], adjacency.relation_count)


def first_drawn(edges: Bool, drawn: Int64, most: int) -> tuple[Int32, Bool]:
    """(K, N) the first ``most`` edges of each version in the order of the draws, and which are real.

    drawn (D)   places of edges in the order in which they would be drawn
    """
    there = edges[:, drawn]
    place = np.cumsum(there, axis=1) - 1
    rows, columns = np.nonzero(there & (place < most))
    chosen, mask = np.zeros((len(edges), most), dtype=np.int32), np.zeros((len(edges), most), dtype=bool)
    chosen[rows, place[rows, columns]] = drawn[columns]
    mask[rows, place[rows, columns]] = True
    return chosen, mask


@dataclass(frozen=True, eq=False)
class Nearby:
    """The part of both graphs that networks see from some entities, numbered anew.

    kept   the old numbers on either side, ascending
    """

    tensors: PairTensors
    kept: tuple[Int64, Int64]


def nearby(tensors: PairTensors, ends: tuple[Int64, Int64], others: tuple[Int64, Int64], hops: int) -> Nearby:
    """What networks of so many hops see.

    ends     entities that are compared, on either side
    others   entities that may become their neighbours
    """
    sides = (tensors.left, tensors.right)
    kept = [
        _reached(side, torch.cat([_reached(side, torch.from_numpy(a), 1), torch.from_numpy(b)]), hops - 1)
        for side, a, b in zip(sides, ends, others, strict=True)
    ]
    left, right = (_restricted(side, who) for side, who in zip(sides, kept, strict=True))
    likeness = tensors.likeness
    held = [likeness.keys >> 32, likeness.keys & 0xFFFFFFFF]
    places = [_places(who, one) for who, one in zip(kept, held, strict=True)]
    there = (places[0] >= 0) & (places[1] >= 0)
    # Numbers keep their order, so the keys stay sorted.
    keys = places[0][there] << 32 | places[1][there]
    near = PairTensors(left, right, tensors.sketch, Likeness(keys, likeness.values[there]))
    return Nearby(near, (kept[0].numpy(), kept[1].numpy()))


def _reached(side: SideTensors, ends: Tensor, hops: int) -> Tensor:
    kept: Tensor = torch.unique(ends)
    for _ in range(hops):
        kept = torch.unique(torch.cat([kept, neighbours_of(side, kept)]))
    return kept


def _restricted(side: SideTensors, kept: Tensor) -> SideTensors:
    """Some entities of a side; neighbours that are not among them are masked."""
    rows = SideTensors(*(getattr(side, f.name)[kept] for f in fields(SideTensors)))
    places = _places(kept, rows.neighbours.long())
    mask = rows.mask & (places >= 0)
    return replace(rows, neighbours=torch.where(mask, places, 0).to(rows.neighbours.dtype), mask=mask)


def _places(kept: Tensor, wanted: Tensor) -> Tensor:
    """Where each entity stands among the kept ones, which are ascending; -1 for the others."""
    places = torch.searchsorted(kept, wanted).clamp_max(max(len(kept) - 1, 0))
    return torch.where(kept[places] == wanted, places, -1)


def beside(side: SideTensors, rows: SideTensors) -> SideTensors:
    """A side with more rows at its end."""
    return SideTensors(
        *(torch.cat([getattr(side, f.name), getattr(rows, f.name)]) for f in fields(SideTensors))
    )
