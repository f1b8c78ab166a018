"""Whom changes touch: who is blocked again, and whose pairs are scored again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from crossgraph._types import Bool, Int32, Int64
from crossgraph.blocking.candidates import Candidates, pair_keys
from crossgraph.features.description import Moved, combinations
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.graphs.changes import Changes
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.sorting import distinct

# An entity of which a smaller share of the edges changed is much what it was.
SUBSTANTIAL = 0.2
# Two entities with more pairs of neighbours than this say little of each of them.
MOST_AROUND = 2_500


@dataclass(frozen=True, eq=False)
class Touched:
    """The entities of one graph that changes touch.

    former (E)    the number that an entity had in the old graph; -1 for a new one
    numbers (E')  the number that an entity of the old graph has now; -1 for one that is gone
    told (E)      new, or with other facts or types
    blocked (E)   told otherwise, or with many other edges: they are blocked again
    edged (E)     with other edges, but few
    """

    former: Int32
    numbers: Int32
    told: Bool
    blocked: Bool
    edged: Bool

    @property
    def new(self) -> Bool:
        """(E) who came."""
        return self.former < 0

    @staticmethod
    def of(graph: KnowledgeGraph, adjacency: Adjacency, moved: Moved, changes: Changes) -> Touched:
        """From all changes since the graph was aligned."""
        former = np.full(len(graph), -1, dtype=np.int32)
        there = np.flatnonzero(moved.numbers >= 0)
        former[moved.numbers[there]] = there
        told = (former < 0) | moved.retold
        for part in (changes.added, changes.deleted):
            told[_places(graph, part.filter(pl.col("kind") == "type")["entity"])] = True
        came, went = (_ends(graph, part) for part in (changes.added, changes.deleted))
        now = np.diff(adjacency.indptr)
        most = np.maximum(now, now - came + went)
        much = (came + went >= SUBSTANTIAL * most) & (came + went > 0)
        return Touched(former, moved.numbers, told, told | much, (came + went > 0) & ~told & ~much)


def _places(graph: KnowledgeGraph, entities: pl.Series) -> Int32:
    places = graph.positions(entities)
    return places[places >= 0]


def _ends(graph: KnowledgeGraph, statements: pl.DataFrame) -> Int64:
    """(E) how many of the edges among the statements an entity has."""
    edges = statements.filter(pl.col("kind") == "edge")
    ends = np.r_[_places(graph, edges["entity"]), _places(graph, edges["value"])]
    counts: Int64 = np.bincount(ends, minlength=len(graph))
    return counts


def around(
    pairs: tuple[Int32, Int32], adjacency: tuple[Adjacency, Adjacency], candidates: Candidates
) -> Bool:
    """(P) candidates whose left entity is beside the left one of a pair, and whose right beside its right."""
    degrees = [np.diff(one.indptr)[ends] for one, ends in zip(adjacency, pairs, strict=True)]
    few = degrees[0] * degrees[1] <= MOST_AROUND
    found = np.zeros(len(candidates), dtype=bool)
    ends = pairs[0][few], pairs[1][few]
    _, left, right = combinations(adjacency[0].indptr, adjacency[1].indptr, ends)
    keys = distinct(pair_keys(adjacency[0].neighbours[left], adjacency[1].neighbours[right]))
    places = candidates.find(keys >> 32, keys & 0xFFFFFFFF)
    found[places[places >= 0]] = True
    return found
