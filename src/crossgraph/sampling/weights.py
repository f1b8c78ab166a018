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
    types = graph.primary_types.astype(np.int64) + 1
    by_type = np.argsort(types, kind="stable")
    edges = adjacency.indptr, adjacency.relations
    kinds, relations, holders, counts = _counted(by_type, types, edges, 2 * adjacency.relation_count)
    order = np.lexsort((relations, kinds))
    return RelationWeights(
        indptr=np.searchsorted(kinds[order], np.arange(len(graph.type_names) + 2)).astype(np.int64),
        relations=relations[order].astype(np.int32),
        weights=holders[order] / counts[order],
    )


@njit(cache=True, nogil=True)
def _counted(
    by_type: Int64, types: Int64, edges: tuple[Int64, Int32], directed: int
) -> tuple[Int64, Int64, Int64, Int64]:
    """(K) type, directed relation, how many entities of the type have it, and how many neighbours by it."""
    indptr, by = edges
    last_type, place = np.full(directed, -1, dtype=np.int64), np.empty(directed, dtype=np.int64)
    found = 0
    for one in by_type:
        for row in range(indptr[one], indptr[one + 1]):
            if last_type[by[row]] != types[one]:
                last_type[by[row]] = types[one]
                found += 1
    kinds, relations = np.empty(found, dtype=np.int64), np.empty(found, dtype=np.int64)
    holders, counts = np.zeros(found, dtype=np.int64), np.zeros(found, dtype=np.int64)
    last_type[:], found = -1, 0
    for one in by_type:
        # An entity's rows are sorted by relation, so a relation that it has is one run.
        before = -1
        for row in range(indptr[one], indptr[one + 1]):
            relation = by[row]
            if last_type[relation] != types[one]:
                last_type[relation], place[relation] = types[one], found
                kinds[found], relations[found] = types[one], relation
                found += 1
            counts[place[relation]] += 1
            if relation != before:
                holders[place[relation]] += 1
                before = relation
    return kinds, relations, holders, counts
