"""Edges as neighbour lists in both directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossgraph._types import Int32, Int64
from crossgraph.graphs.graph import KnowledgeGraph


@dataclass(frozen=True, eq=False)
class Adjacency:
    """Every edge once from each of its ends, grouped by entity.

    indptr (E + 1)      where each entity's neighbours begin
    neighbours (2T)     the other end
    relations (2T)      directed relation: r from head to tail, r + R from tail to head
    relation_count      R, undirected
    """

    indptr: Int64
    neighbours: Int32
    relations: Int32
    relation_count: int

    @staticmethod
    def of(graph: KnowledgeGraph) -> Adjacency:
        """Neighbour lists of a graph, within an entity sorted by directed relation, then neighbour."""
        count = len(graph.relation_names)
        sources = np.concatenate([graph.heads, graph.tails])
        neighbours = np.concatenate([graph.tails, graph.heads])
        relations = np.concatenate([graph.relations, graph.relations + np.int32(count)])
        order = np.lexsort((neighbours, relations, sources))
        indptr = np.searchsorted(sources[order], np.arange(len(graph) + 1)).astype(np.int64)
        return Adjacency(indptr, neighbours[order], relations[order].astype(np.int32), count)

    @property
    def sources(self) -> Int32:
        """(2T) the entity that each row belongs to."""
        return np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int32), np.diff(self.indptr))


def directed_name(names: tuple[str, ...], relation: int) -> str:
    """A directed relation as text: the name, with a leading ``^`` where it is followed backwards."""
    return names[relation] if relation < len(names) else "^" + names[relation - len(names)]
