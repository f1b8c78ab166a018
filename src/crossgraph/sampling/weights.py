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
    types = graph.primary_types
    order = np.argsort(types, kind="stable")
    starts = np.searchsorted(types[order], np.arange(-1, len(graph.type_names) + 1))
    return RelationWeights(
        *_count((starts, order), adjacency.indptr, adjacency.relations, 2 * adjacency.relation_count)
    )


@njit(cache=True, nogil=True)
def _count(
    grouped: tuple[Int64, Int64], indptr: Int64, relations: Int32, directed: int
) -> tuple[Int64, Int32, Float64]:
    """The columns of ``RelationWeights`` from the entities of each type."""
    starts, entities = grouped
    edges, holders = np.zeros(directed, dtype=np.int64), np.zeros(directed, dtype=np.int64)
    ends = np.zeros(len(starts), dtype=np.int64)
    found, weights = [np.int32(0) for _ in range(0)], [0.0 for _ in range(0)]
    for kind in range(len(starts) - 1):
        met = [np.int32(0) for _ in range(0)]
        for entity in entities[starts[kind] : starts[kind + 1]]:
            # An entity's rows are sorted by relation, so a relation that it has is one run.
            before = np.int32(-1)
            for relation in relations[indptr[entity] : indptr[entity + 1]]:
                if edges[relation] == 0:
                    met.append(relation)
                edges[relation] += 1
                holders[relation] += relation != before
                before = relation
        for relation in sorted(met):
            found.append(relation)
            weights.append(holders[relation] / edges[relation])
            edges[relation] = holders[relation] = 0
        ends[kind + 1] = len(found)
    return ends, np.array(found, dtype=np.int32), np.array(weights, dtype=np.float64)
