"""Candidates whose neighbours look alike: two films with the same people."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sparse_dot_topn import sp_matmul_topn

from crossgraph._threads import threads
from crossgraph._types import Bool, Float32, Int32, Int64
from crossgraph.blocking.candidates import Candidates
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.schema.seeds import EntityPairs

# A neighbour with more neighbours than this by one relation tells nothing apart, and costs its square.
HUB_DEGREE = 2_000


def neighbour_products(
    left: KnowledgeGraph,
    right: KnowledgeGraph,
    schema: SchemaMapping,
    similarity: sparse.csr_matrix,
    *,
    anyhow: float = 0.0,
) -> tuple[tuple[sparse.csr_matrix, sparse.csr_matrix], tuple[Float32, Float32]]:
    """Two factors whose product X @ Y.T is how similar the neighbourhoods of two entities are, in [0, 1).

        weight(i, i') = sum over mapped relations r ~ r', neighbours j of i by r, q of i' by r', of
                        mapping weight * similarity(j, q) * idf_r(j) * idf_r'(q), rows made short

    A neighbour of few tells most, as a rare word does in a text (``neighbour_idf``), and who has many
    neighbours is not nearer to everybody for it (``row_lengths``).

    similarity (E, E')   in [0, 1]
    anyhow               weight of any edge with any other, whatever their relations, beside that of mapped
                         ones: relations that seeds are too few to map count too, see ``echoed_share``
    returns              X (E, K), Y (E', K), and what their rows were divided by, (E) and (E')
    """
    lefts, rights = [], []
    for mapping, a, b in schema.numbered_relations(left.relation_names, right.relation_names):
        for backwards in (False, True):
            x = _incidence(left, a, backwards=backwards)
            y = _incidence(right, b, backwards=backwards != mapping.inverse)
            lefts.append(x @ similarity * np.float32(mapping.weight))
            rights.append(y)
    if anyhow > 0:
        lefts.append(_incidence_of_all(left) @ similarity * np.float32(anyhow))
        rights.append(_incidence_of_all(right))
    if not lefts:
        lefts, rights = [sparse.csr_matrix((len(left), 1))], [sparse.csr_matrix((len(right), 1))]
    sums = sparse.hstack(lefts, format="csr"), sparse.hstack(rights, format="csr")
    lengths = row_lengths(sums[0]), row_lengths(sums[1])
    return (_shortened(sums[0], lengths[0]), _shortened(sums[1], lengths[1])), lengths


def _incidence(graph: KnowledgeGraph, relation: int, *, backwards: bool) -> sparse.csr_matrix:
    """(E, E) entity to neighbour by one directed relation, each entry the neighbour's idf."""
    edges = graph.relations == relation
    ends = graph.heads[edges], graph.tails[edges]
    source, target = ends[::-1] if backwards else ends
    degree = np.bincount(target, minlength=len(graph))[target]
    kept = degree <= HUB_DEGREE
    idf = neighbour_idf(degree[kept], len(graph))
    return sparse.csr_matrix((idf, (source[kept], target[kept])), shape=(len(graph), len(graph)))


def _incidence_of_all(graph: KnowledgeGraph) -> sparse.csr_matrix:
    """(E, E) entity to neighbour by any relation, each edge the idf of all that the neighbour has."""
    source, target = np.r_[graph.heads, graph.tails], np.r_[graph.tails, graph.heads]
    idf = neighbour_idf(np.bincount(target, minlength=len(graph))[target], len(graph))
    return sparse.csr_matrix((idf, (source, target)), shape=(len(graph), len(graph)))


def echoed_share(left: KnowledgeGraph, right: KnowledgeGraph, seeds: EntityPairs) -> float:
    """Of the pairs of seeds that are neighbours, whatever the relation, the share that are so on both sides.

    Of the side that has fewer, for graphs are not complete alike; 0 where no seeds are neighbours.
    """
    partner = np.full(len(left), -1, dtype=np.int64)
    partner[seeds.left] = seeds.right
    image = np.zeros(len(right), dtype=bool)
    image[seeds.right] = True
    inside = image[right.heads] & image[right.tails]
    mine = _neighbours(partner[left.heads], partner[left.tails])
    theirs = _neighbours(right.heads[inside].astype(np.int64), right.tails[inside].astype(np.int64))
    fewer = min(len(mine), len(theirs))
    return len(np.intersect1d(mine, theirs)) / fewer if fewer else 0.0


def _neighbours(heads: Int64, tails: Int64) -> Int64:
    """Each two different ends once, as one number."""
    kept = (heads >= 0) & (tails >= 0) & (heads != tails)
    low, high = np.minimum(heads, tails)[kept], np.maximum(heads, tails)[kept]
    return np.unique(low << 32 | high)


def neighbour_idf(degrees: Int64, entities: int) -> Float32:
    """(T) ``sqrt(log(entities / degree))`` of neighbours with such degrees by a relation; 0 for hubs."""
    idf = np.sqrt(np.log(np.maximum(entities / np.maximum(degrees, 1), 1.0)))
    return np.where(degrees <= HUB_DEGREE, idf, 0.0).astype(np.float32)


def row_lengths(matrix: sparse.csr_matrix) -> Float32:
    """(E) ``sqrt(|x|^2 + m)`` of each row x, where m is the mean of the squares of all that are not 0.

    A plain cosine would make one shared neighbour of one as much as ten of ten (pivoted length
    normalisation, Singhal et al., SIGIR 1996).
    """
    squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    usual = squares[squares > 0].mean() if squares.any() else 1.0
    lengths: Float32 = np.sqrt(squares + usual).astype(np.float32)
    return lengths


def _shortened(matrix: sparse.csr_matrix, lengths: Float32) -> sparse.csr_matrix:
    """The matrix with each row divided by its length."""
    values = (matrix.data / np.repeat(lengths, np.diff(matrix.indptr))).astype(np.float32)
    return sparse.csr_matrix((values, matrix.indices, matrix.indptr), shape=matrix.shape)


def structural_candidates(
    factors: tuple[sparse.csr_matrix, sparse.csr_matrix], members: tuple[Bool, Bool], *, top: int
) -> Candidates:
    """The pairs of two sets of entities whose neighbourhoods are most similar.

    factors   of ``neighbour_products``
    members   (E), (E') which entities are to be compared; the smaller set asks
    top       partners for each asking entity
    """
    rows = tuple(np.flatnonzero(member).astype(np.int32) for member in members)
    x, y = factors[0][rows[0]], factors[1][rows[1]]
    parts = []
    if len(rows[0]) <= len(rows[1]):
        asking, known = _nearest(x, y, top=top)
        parts.append(Candidates.of_pairs(rows[0][asking], rows[1][known]))
    if len(rows[1]) <= len(rows[0]):
        asking, known = _nearest(y, x, top=top)
        parts.append(Candidates.of_pairs(rows[0][known], rows[1][asking]))
    return Candidates.united(*parts)


def _nearest(asking: sparse.csr_matrix, known: sparse.csr_matrix, *, top: int) -> tuple[Int64, Int64]:
    product = sp_matmul_topn(
        asking.astype(np.float32),
        known.T.tocsr().astype(np.float32),
        top_n=top,
        sort=True,
        n_threads=threads(),
    ).tocoo()
    return product.row.astype(np.int64), product.col.astype(np.int64)


def weights_of(factors: tuple[sparse.csr_matrix, sparse.csr_matrix], left: Int32, right: Int32) -> Float32:
    """(P) the structural weight of given pairs."""
    x, y = factors
    out = np.zeros(len(left), dtype=np.float32)
    for start in range(0, len(left), 200_000):
        part = slice(start, start + 200_000)
        out[part] = np.asarray(x[left[part]].multiply(y[right[part]]).sum(axis=1)).ravel()
    return out
