"""Clusters of entities of several graphs, out of decisions about pairs, which need not agree."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crossgraph._types import Bool, Float64, Int32, Int64

# The log-odds of what is known: no sum of estimates outweighs one of them.
KNOWN = 1e6


@dataclass(frozen=True, eq=False)
class Votes:
    """What is said of pairs of entities, numbered through all graphs; nothing is said of the others.

    first, second (V)   entity numbers, each pair once
    weight (V)          log-odds beyond the threshold of a match: above 0 where a pair was decided to be the
                        same, below 0 where it speaks against it, +-``KNOWN`` where that is known
    """

    first: Int64
    second: Int64
    weight: Float64


@dataclass(frozen=True, eq=False)
class Kinds:
    """What may be one: two entities of different graphs if their kinds correspond, of one graph if both may.

    graphs (N)      which graph each entity is of
    kinds (N)       the type of each, numbered through all graphs
    alone (N)       whether a cluster that holds it may hold no other of its graph
    corresponding   the pairs of kinds of different graphs that may be the same, the smaller number first
    """

    graphs: Int32
    kinds: Int32
    alone: Bool
    corresponding: frozenset[tuple[int, int]]


def consistent_clusters(votes: Votes, kinds: Kinds) -> Int64:
    """(N) the cluster of each entity, numbered in the order of their first entities.

    Correlation clustering by greedy additive edge contraction (Keuper et al., ICCV 2015): the two clusters
    whose votes for each other sum highest become one, as long as a sum is above 0; never two of which
    ``kinds`` keeps entities apart, unless a known link joins them. Where all decisions agree, these are the
    connected components of the matches.

        >>> votes = Votes(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([3.0, 2.0, -4.0]))
        >>> same = frozenset({(0, 1), (0, 2), (1, 2)})
        >>> films = Kinds(np.arange(3), np.arange(3), np.ones(3, dtype=bool), same)
        >>> consistent_clusters(votes, films).tolist()
        [0, 0, 1]
    """
    found = _components(votes, len(kinds.graphs))
    inside = found[votes.first] == found[votes.second]
    doubtful = np.unique(np.r_[found[votes.first[inside & (votes.weight < 0)]], _unfit(found, kinds)])
    members = np.flatnonzero(np.isin(found, doubtful))
    asked = np.isin(found[votes.first], doubtful) & inside
    contraction = _Contraction.of(members, kinds)
    for a, b, weight in zip(
        votes.first[asked].tolist(), votes.second[asked].tolist(), votes.weight[asked].tolist(), strict=True
    ):
        contraction.vote(a, b, weight)
    contraction.run()
    found[members] = len(found) + np.array(
        [contraction.root(one) for one in members.tolist()], dtype=np.int64
    )
    return _renumbered(found)


def _components(votes: Votes, size: int) -> Int64:
    said = votes.weight > 0
    ends = votes.first[said], votes.second[said]
    edges = coo_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(size, size))
    return np.asarray(connected_components(edges, directed=False)[1], dtype=np.int64)


def _unfit(found: Int64, kinds: Kinds) -> Int64:
    """The components that hold two entities which ``kinds`` keeps apart."""
    each = pl.DataFrame(
        {"component": found, "graph": kinds.graphs, "kind": kinds.kinds, "alone": kinds.alone}
    ).filter(pl.len().over("component") > 1)
    crowded = each.filter((pl.len().over("component", "graph") > 1) & pl.col("alone"))["component"]
    there = each.select("component", "graph", "kind").unique()
    both = there.join(there, on="component").filter(pl.col("graph") < pl.col("graph_right"))
    mapped = pl.DataFrame(
        list(kinds.corresponding), schema={"kind": pl.Int32, "kind_right": pl.Int32}, orient="row"
    )
    strange = both.join(mapped, on=["kind", "kind_right"], how="anti")["component"]
    return np.unique(np.r_[crowded.to_numpy(), strange.to_numpy()])


def _renumbered(found: Int64) -> Int64:
    _, firsts, back = np.unique(found, return_index=True, return_inverse=True)
    order = np.empty(len(firsts), dtype=np.int64)
    order[np.argsort(firsts)] = np.arange(len(firsts))
    return order[back]


@dataclass(frozen=True, eq=False)
class _Contraction:
    """Clusters that grow, each called by one of its entities.

    parent   entity -> one nearer to the name of its cluster
    votes    cluster -> other cluster -> sum of votes
    held     cluster -> graph, kind, and whether to be alone, of its entities
    """

    parent: dict[int, int]
    votes: dict[int, dict[int, float]]
    held: dict[int, set[tuple[int, int, bool]]]
    corresponding: frozenset[tuple[int, int]]
    queue: list[tuple[float, int, int]] = field(default_factory=list)

    @staticmethod
    def of(members: Int64, kinds: Kinds) -> _Contraction:
        names = members.tolist()
        told = zip(
            *(column[members].tolist() for column in (kinds.graphs, kinds.kinds, kinds.alone)), strict=True
        )
        return _Contraction(
            parent={one: one for one in names},
            votes={one: {} for one in names},
            held={one: {what} for one, what in zip(names, told, strict=True)},
            corresponding=kinds.corresponding,
        )

    def vote(self, a: int, b: int, weight: float) -> None:
        self.votes[a][b] = self.votes[b][a] = self.votes[a].get(b, 0.0) + weight
        if self.votes[a][b] > 0:
            heapq.heappush(self.queue, (-self.votes[a][b], min(a, b), max(a, b)))

    def run(self) -> None:
        """Contract until no sum is above 0; what the queue holds of former clusters is passed over."""
        while self.queue:
            weight, a, b = heapq.heappop(self.queue)
            if self.votes.get(a, {}).get(b) == -weight and (-weight >= KNOWN / 2 or self._may_join(a, b)):
                self._join(a, b)

    def root(self, one: int) -> int:
        while self.parent[one] != one:
            one = self.parent[one]
        return one

    def _may_join(self, a: int, b: int) -> bool:
        return all(
            not (alone or alone_too)
            if graph == other
            else (min(kind, kin), max(kind, kin)) in self.corresponding
            for graph, kind, alone in self.held[a]
            for other, kin, alone_too in self.held[b]
        )

    def _join(self, a: int, b: int) -> None:
        self.parent[b] = a
        self.held[a] |= self.held.pop(b)
        del self.votes[a][b]
        for other, weight in self.votes.pop(b).items():
            if other != a:
                del self.votes[other][b]
                self.vote(a, other, weight)
