"""How rare a relation is for entities of a type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossgraph._types import Float64, Int32, Int64
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.sorting import distinct


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
    sources, relations = adjacency.sources, adjacency.relations
    # An entity's rows are sorted by relation, so a relation that it has is one run.
    new = (np.diff(sources) != 0) | (np.diff(relations) != 0)
    starts = np.flatnonzero(np.r_[True, new])[: len(sources)]
    codes = types[sources[starts]] * directed + relations[starts]
    known = distinct(codes)
    place = np.searchsorted(known, codes)
    edges = np.bincount(place, np.diff(np.r_[starts, len(sources)]), minlength=len(known))
    return RelationWeights(
        indptr=np.searchsorted(known, np.arange(len(graph.type_names) + 2) * directed).astype(np.int64),
        relations=(known % max(directed, 1)).astype(np.int32),
        weights=np.bincount(place, minlength=len(known)) / edges,
    )
