"""Entities without some of their facts, as rows of their own beside the whole graphs."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from crossgraph._types import AnyArray, Bool, Int32, Int64
from crossgraph.features.description import AttributeColumn, expand
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.model.inputs import SideTensors


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
        _column(column, rows, np.r_[variants.attributes[:, at], whole]) for at, column in enumerate(columns)
    )


def _column(column: AttributeColumn, rows: Int64, kept: Bool) -> AttributeColumn:
    starts = column.indptr[rows]
    counts = (column.indptr[rows + 1] - starts) * kept
    facts = expand(starts, counts)
    return replace(
        column,
        indptr=np.r_[0, np.cumsum(counts)].astype(np.int64),
        entities=np.repeat(np.arange(len(rows), dtype=np.int32), counts),
        texts=column.texts[facts],
        values=column.values[facts],
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


def beside(side: SideTensors, rows: SideTensors) -> SideTensors:
    """A side with more rows at its end."""
    return SideTensors(
        *(torch.cat([getattr(side, f.name), getattr(rows, f.name)]) for f in fields(SideTensors))
    )
