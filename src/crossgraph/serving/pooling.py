"""Candidates of records: entities of a near name, or beside those that the record's neighbours may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numba import njit

from crossgraph._types import AnyArray, Bool, Float32, Int32, Int64
from crossgraph.blocking.structure import HUB_DEGREE
from crossgraph.features.closeness import best_of_pairs
from crossgraph.features.description import combinations
from crossgraph.features.text import nearness
from crossgraph.serving.asking import Asked
from crossgraph.serving.names import enter
from crossgraph.serving.served import Served

# Candidates by shared neighbours that are looked at for each record.
MOST_BESIDE = 10

_Rows: TypeAlias = tuple[AnyArray, AnyArray, AnyArray]


@dataclass(frozen=True, eq=False)
class Pool:
    """Pairs of records and served entities, ascending.

    record, entity (P)
    name, structure (P)   as of ``Candidates``
    """

    record: Int32
    entity: Int32
    name: Float32
    structure: Float32

    def __len__(self) -> int:
        return len(self.record)

    def take(self, kept: Bool) -> Pool:
        """Some of them."""
        return Pool(self.record[kept], self.entity[kept], self.name[kept], self.structure[kept])


class Pooler:
    """Finds candidates. Not for several threads at once."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._weights = np.zeros(len(served.graph), dtype=np.float32)
        names = served.around.name_rows[served.side]
        entities = names["entity"].to_numpy()
        self._name_starts = np.searchsorted(entities, np.arange(len(served.graph) + 1)).astype(np.int64)
        self._name_texts = names["text"].to_numpy().astype(np.int32)

    def pool(self, asked: Asked) -> Pool:
        """All candidates of all records, of types that blocking pairs with a record's."""
        record, entity, weight = self._beside(asked)
        named = asked.named.whose.astype(np.int64) << 32 | asked.named.entity
        beside = record.astype(np.int64) << 32 | entity
        # Who is known by name and by neighbours has the weight of the neighbours.
        keys, first = np.unique(np.r_[beside, named], return_index=True)
        whose, who = (keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32)
        structure = np.r_[weight, np.zeros(len(named), dtype=np.float32)][first]
        pools = self._served.pools[asked.types[whose], self._served.types[1][who]]
        kept = (asked.types[whose] >= 0) & (pools >= 0)
        whose, who = whose[kept], who[kept]
        return Pool(whose, who, self._names(asked, whose, who), structure[kept])

    def _names(self, asked: Asked, record: Int32, entity: Int32) -> Float32:
        """(P) the best nearness over all names of each entity; 0 where either has none."""
        words = asked.name_words
        one_each = np.arange(len(words) + 1, dtype=np.int64)
        number, left, right = combinations(one_each, self._name_starts, (record, entity))
        texts = self._served.opened.preparation.description.texts
        near = nearness(asked.words.table, texts, words[left], self._name_texts[right])
        best = best_of_pairs(len(record), number, near)
        return np.nan_to_num(best, nan=0.0)

    def _beside(self, asked: Asked) -> tuple[Int32, Int32, Float32]:
        """Records, entities and structural weights, see ``neighbour_products``.

        A neighbour that nobody knows but by its name is taken to be as telling as the entity that it may be.
        """
        served, edges, likely = self._served, asked.edges, asked.likely
        adjacency = served.adjacency
        back = (edges.served + adjacency.relation_count) % max(2 * adjacency.relation_count, 1)
        weighing = served.opened.preparation.weighing
        named = np.searchsorted(asked.named.whose, np.arange(len(asked) + 1))
        bounds = np.searchsorted(edges.records, np.arange(len(asked) + 1))
        of_edge = np.searchsorted(likely.neighbour, np.arange(len(edges.records) + 1))
        none = np.zeros(0, dtype=np.int32)
        whose, who, weights = [none], [none], [np.zeros(0, dtype=np.float32)]
        for at in range(len(asked)):
            span = slice(bounds[at], bounds[at + 1])
            if span.start == span.stop:
                continue
            found, weight = _reach(
                (back[span], edges.weights[span], of_edge[span.start : span.stop + 1]),
                (likely.entity, likely.sure),
                (adjacency.indptr, adjacency.neighbours, adjacency.relations),
                (
                    asked.may_be[at].mask,
                    self._weights,
                    np.unique(asked.named.entity[named[at] : named[at + 1]]),
                ),
                (float(weighing.anyhow), served.usual_length),
                MOST_BESIDE,
            )
            whose.append(np.full(len(found), at, dtype=np.int32))
            who.append(found)
            weights.append(weight / weighing.lengths[served.side][found])
        return np.concatenate(whose), np.concatenate(who), np.concatenate(weights)


@njit(cache=True, nogil=True)
def _reach(
    edges: tuple[Int32, Float32, Int64],
    likely: tuple[Int32, Float32],
    adjacency: _Rows,
    whom: tuple[Bool, Float32, Int32],
    told: tuple[float, float],
    most: int,
) -> tuple[Int32, Float32]:
    """Those beside a record's likely neighbours who have most weight, and the named ones, with their weights.

    edges   directed relation from each neighbour's place, weight of its mapping, where its likely ones begin
    whom    who may be found, a row of zeros for all entities, and who is to be told of in any case
    told    weight of edges whatever their relation, and what is usual of lengths
    """
    back, weights, starts = edges
    entities, sure = likely
    indptr, _, relations = adjacency
    allowed, total, named = whom
    anyhow, squares = told
    size = 0
    for place in range(starts[0], starts[-1]):
        size += indptr[entities[place] + 1] - indptr[entities[place]]
    touched, filled = np.empty(size, dtype=np.int32), 0
    for edge in range(len(back)):
        own = 0.0
        for place in range(starts[edge], starts[edge + 1]):
            q = entities[place]
            first, end = indptr[q], indptr[q + 1]
            by = _squared_idf((relations[first:end] == back[edge]).sum(), len(indptr) - 1)
            of_all = _squared_idf(end - first, len(indptr) - 1) if anyhow > 0 else 0.0
            own = max(own, sure[place] * (weights[edge] * by + anyhow * of_all))
            values = sure[place] * weights[edge] * by, sure[place] * anyhow * of_all
            filled = _spread(adjacency, (q, back[edge]), values, allowed, total, touched, filled)
        squares += own
    found, weight = np.empty(most + len(named), dtype=np.int32), np.empty(most + len(named), dtype=np.float32)
    kept = 0
    for s in touched[:filled]:
        if kept < most or total[s] > total[found[kept - 1]]:
            kept = enter(found[:most], kept, total, s)
    found[kept : kept + len(named)] = named
    kept += len(named)
    weight[:kept] = total[found[:kept]] / np.sqrt(squares)
    total[touched[:filled]] = 0.0
    return found[:kept], weight[:kept]


@njit(cache=True, nogil=True)
def _spread(
    adjacency: _Rows,
    whence: tuple[int, int],
    values: tuple[float, float],
    allowed: Bool,
    total: Float32,
    touched: Int32,
    filled: int,
) -> int:
    """Add what an edge by one relation, and what any edge is worth, to whoever is at the other end.

    Says how many were touched so far.
    """
    if values[0] == 0.0 and values[1] == 0.0:
        return filled
    indptr, neighbours, relations = adjacency
    entity, relation = whence
    for row in range(indptr[entity], indptr[entity + 1]):
        value = values[1] + (values[0] if relations[row] == relation else 0.0)
        s = neighbours[row]
        if value > 0.0 and allowed[s]:
            if total[s] == 0.0:
                touched[filled] = s
                filled += 1
            total[s] += value
    return filled


@njit(cache=True, nogil=True)
def _squared_idf(degree: int, entities: int) -> float:
    """See ``neighbour_idf``."""
    if degree == 0 or degree > HUB_DEGREE:
        return 0.0
    squared: float = max(np.log(entities / degree), 0.0)
    return squared
