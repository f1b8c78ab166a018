"""Edges as neighbour lists in both directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossgraph._types import Int32, Int64
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.sorting import sorted_rows


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
        degrees = np.bincount(sources, minlength=len(graph))
        indptr = np.concatenate([[0], np.cumsum(degrees)]).astype(np.int64)
        _, relations, neighbours = sorted_rows(sources, relations, neighbours)
        return Adjacency(indptr, neighbours, relations, count)

    def around(self, entities: Int32) -> Adjacency:
        """The same with the neighbours of some entities alone; all others have none."""
        wanted = np.zeros(len(self.indptr) - 1, dtype=bool)
        wanted[entities] = True
        degrees = np.diff(self.indptr)
        rows = np.repeat(wanted, degrees)
        indptr = np.concatenate([[0], np.cumsum(degrees * wanted)]).astype(np.int64)
        return Adjacency(indptr, self.neighbours[rows], self.relations[rows], self.relation_count)

    @property
    def sources(self) -> Int32:
        """(2T) the entity that each row belongs to."""
        return np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int32), np.diff(self.indptr))


def directed_name(names: tuple[str, ...], relation: int) -> str:
    """A directed relation as text: the name, with a leading ``^`` where it is followed backwards."""
    return names[relation] if relation < len(names) else "^" + names[relation - len(names)]


def directed_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """(2R) all directed relations as texts."""
    return tuple(directed_name(names, one) for one in range(2 * len(names)))
