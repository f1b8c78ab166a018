"""How rare a relation is for entities of a type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from crossgraph._types import Float64, Int32, Int64
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.graphs.graph import KnowledgeGraph


@dataclass(frozen=True, eq=False)
class RelationWeights:
    """1 / average fan-out of each directed relation, for the entities of each primary type that have it.

    indptr (types + 2)   where the relations of each type begin; first those of entities without a type
    relations (K)        directed relations, ascending within a type
    weights (K)          in (0, 1]
    """

    indptr: Int64
    relations: Int32
    weights: Float64


def relation_weights(graph: KnowledgeGraph, adjacency: Adjacency) -> RelationWeights:
    """Count what the entities of each type have (Zhu et al., WWW 2020): holders / edges."""
    types, directed = graph.primary_types.astype(np.int64) + 1, 2 * adjacency.relation_count
    by_type = np.argsort(types, kind="stable")
    ends = np.searchsorted(types[by_type], np.arange(len(graph.type_names) + 1), side="right")
    relations, weights = [], []
    for start, end in zip(np.r_[0, ends[:-1]], ends, strict=True):
        holders, edges = _counted(by_type[start:end], adjacency.indptr, adjacency.relations, directed)
        relations.append(np.flatnonzero(holders).astype(np.int32))
        weights.append(holders[relations[-1]] / edges[relations[-1]])
    return RelationWeights(
        indptr=np.cumsum([0, *(len(some) for some in relations)], dtype=np.int64),
        relations=np.concatenate(relations),
        weights=np.concatenate(weights),
    )


@njit(cache=True, nogil=True)
def _counted(entities: Int64, indptr: Int64, relations: Int32, directed: int) -> tuple[Int64, Int64]:
    """(2R) how many of these entities have each directed relation, and how many neighbours by it."""
    holders, edges = np.zeros(directed, dtype=np.int64), np.zeros(directed, dtype=np.int64)
    for one in entities:
        # An entity's rows are sorted by relation, so a relation that it has is one run.
        last = -1
        for row in range(indptr[one], indptr[one + 1]):
            relation = relations[row]
            edges[relation] += 1
            if relation != last:
                holders[relation] += 1
                last = relation
    return holders, edges
