"""Edges as neighbour lists in both directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

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
        """Neighbour lists of a graph, whose edges are sorted: by entity, directed relation and neighbour."""
        count = len(graph.relation_names)
        edges = graph.heads, graph.relations, graph.tails
        indptr, neighbours, relations = _grouped(*edges, len(graph), count)
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


@njit(cache=True, nogil=True)
def _grouped(
    heads: Int32, relations: Int32, tails: Int32, entities: int, count: int
) -> tuple[Int64, Int32, Int32]:
    """The columns of an ``Adjacency``, of edges that are sorted by head, relation and tail.

    Each is dealt to its ends: to the heads as they come, then to the tails, one relation after the other.
    """
    indptr, of_relation = np.zeros(entities + 1, dtype=np.int64), np.zeros(count + 1, dtype=np.int64)
    for edge in range(len(heads)):
        indptr[heads[edge] + 1] += 1
        indptr[tails[edge] + 1] += 1
        of_relation[relations[edge] + 1] += 1
    indptr, of_relation = np.cumsum(indptr), np.cumsum(of_relation)
    free = indptr[:-1].copy()
    neighbours, directed = np.empty(indptr[-1], dtype=np.int32), np.empty(indptr[-1], dtype=np.int32)
    by_relation = np.empty(len(heads), dtype=np.int64)
    for edge in range(len(heads)):
        head, relation = heads[edge], relations[edge]
        neighbours[free[head]], directed[free[head]] = tails[edge], relation
        free[head] += 1
        by_relation[of_relation[relation]] = edge
        of_relation[relation] += 1
    for row in range(len(by_relation)):
        edge = by_relation[row]
        tail = tails[edge]
        neighbours[free[tail]], directed[free[tail]] = heads[edge], relations[edge] + count
        free[tail] += 1
    return indptr, neighbours, directed


def directed_name(names: tuple[str, ...], relation: int) -> str:
    """A directed relation as text: the name, with a leading ``^`` where it is followed backwards."""
    return names[relation] if relation < len(names) else "^" + names[relation - len(names)]


def directed_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """(2R) all directed relations as texts."""
    return tuple(directed_name(names, one) for one in range(2 * len(names)))
