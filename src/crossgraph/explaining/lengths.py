"""What the structural weights of an entity are divided by when some of its edges are gone."""

from __future__ import annotations

import numpy as np
from scipy import sparse

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
    squares = _left_squares(around, entity, rows) if side == 0 else _right_squares(around, entity, rows)
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


def _left_squares(around: Backdrop, entity: int, kept: Bool) -> Float64:
    """(K) squared length of each version's row of the left factor, see ``neighbour_products``.

    Edges by different relations stand in different columns; those by one relation add up where the same
    right entities are similar to their far ends.
    """
    preparation = around.opened.preparation
    adjacency = preparation.adjacency[0]
    span = span_of(adjacency, entity)
    idf, by, reached = rarity(adjacency, span), adjacency.relations[span], adjacency.neighbours[span]
    out = np.zeros(len(kept))
    for relation in np.unique(by).tolist():
        edges = np.flatnonzero(by == relation)
        similar = preparation.weighing.similarity[reached[edges]]
        sums = sparse.csr_matrix(kept[:, edges] * idf[edges]) @ similar
        out += around.squares[0][relation] * np.asarray(sums.multiply(sums).sum(axis=1)).ravel()
    together = (
        sparse.csr_matrix(kept * rarity_of_all(adjacency, span)) @ preparation.weighing.similarity[reached]
    )
    anyhow = preparation.weighing.anyhow**2
    return out + anyhow * np.asarray(together.multiply(together).sum(axis=1)).ravel()


def _right_squares(around: Backdrop, entity: int, kept: Bool) -> Float64:
    """The same of the right factor, whose columns are neighbours."""
    preparation = around.opened.preparation
    adjacency = preparation.adjacency[1]
    span = span_of(adjacency, entity)
    squares: Float64 = kept @ (rarity(adjacency, span) ** 2 * around.squares[1][adjacency.relations[span]])
    if not preparation.weighing.anyhow:
        return squares
    number = np.unique(adjacency.neighbours[span], return_inverse=True)[1]
    idf = rarity_of_all(adjacency, span)
    each = sparse.csr_matrix((idf, (np.arange(len(idf)), number)), shape=(len(idf), len(idf)))
    squares += np.asarray((kept @ each) ** 2).sum(axis=1)
    return squares
