"""What the structural weights of an entity are divided by when some of its edges are gone."""

from __future__ import annotations

import numpy as np

from crossgraph._types import Bool, Float32, Float64
from crossgraph.blocking.structure import neighbour_idf
from crossgraph.explaining.backdrop import Backdrop
from crossgraph.explaining.rows import Variants
from crossgraph.graphs.adjacency import Adjacency


def lengths_without(around: Backdrop, side: int, variants: Variants) -> Float32:
    """(K) ``row_lengths`` of each version, where what is usual among all entities stays as it is."""
    preparation = around.opened.preparation
    entity = variants.entity
    whole = np.ones((1, variants.edges.shape[1]), dtype=bool)
    rows = np.r_[whole, variants.edges]
    squares = _squares(around, side, entity, rows)
    usual = float(preparation.weighing.lengths[side][entity]) ** 2 - squares[0]
    lengths: Float32 = np.sqrt(usual + squares[1:]).astype(np.float32)
    return lengths


def rarity(adjacency: Adjacency, span: slice) -> Float32:
    """(T) the idf of each edge's far end by the edge's relation, see ``neighbour_idf``."""
    reached, by = adjacency.neighbours[span], adjacency.relations[span]
    back = (by + adjacency.relation_count) % max(2 * adjacency.relation_count, 1)
    degrees = np.array(
        [
            np.count_nonzero(adjacency.relations[adjacency.indptr[j] : adjacency.indptr[j + 1]] == r)
            for j, r in zip(reached.tolist(), back.tolist(), strict=True)
        ],
        dtype=np.int64,
    )
    return neighbour_idf(degrees, len(adjacency.indptr) - 1)


def rarity_of_all(adjacency: Adjacency, span: slice) -> Float32:
    """(T) the idf of each edge's far end by its edges of all relations."""
    reached = adjacency.neighbours[span]
    return neighbour_idf(np.diff(adjacency.indptr)[reached], len(adjacency.indptr) - 1)


def span_of(adjacency: Adjacency, entity: int) -> slice:
    """The rows of an entity."""
    return slice(int(adjacency.indptr[entity]), int(adjacency.indptr[entity + 1]))


def _squares(around: Backdrop, side: int, entity: int, kept: Bool) -> Float64:
    """(K) the square of each version's length, see ``neighbour_rows``."""
    preparation = around.opened.preparation
    adjacency = preparation.adjacency[side]
    span = span_of(adjacency, entity)
    each = rarity(adjacency, span) ** 2 * around.edge_weights[side][adjacency.relations[span]]
    each += rarity_of_all(adjacency, span) ** 2 * preparation.weighing.anyhow
    squares: Float64 = kept @ (each * around.partnered[side][adjacency.neighbours[span]])
    return squares
