"""Neighbourhoods capped by weighted sampling without replacement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numba import njit

from crossgraph._threads import in_parts
from crossgraph._types import Bool, Float64, Int32, Int64, UInt64
from crossgraph.errors import ConfigError
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.graphs.content import ContentKeys, directed_keys, mix, mix_one
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.sorting import distinct
from crossgraph.sampling.weights import relation_weights

_Drawn: TypeAlias = tuple[Int32, Int32, Bool]
LEAST_EACH = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingOptions:
    """How neighbourhoods are capped.

    neighbours   neighbours kept for each entity (count)
    weighted     draw rare relations first; otherwise all neighbours alike
    shared       draw relations first whose neighbours the other graph tends to have too
    """

    neighbours: int = 10
    weighted: bool = True
    shared: bool = True

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ConfigError(f"[sampling] neighbours = {self.neighbours}", hint="use 1 or more")


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """The sampled neighbours of every entity of one graph, padded to the same number.

    neighbours (E, N)   entity numbers, in the order of the draws; 0 where padded
    relations (E, N)    directed relations as in ``Adjacency``; 0 where padded
    mask (E, N)         True for a real neighbour
    """

    neighbours: Int32
    relations: Int32
    mask: Bool

    @staticmethod
    def none(entities: int, neighbours: int) -> Neighbourhoods:
        """Nobody is beside anybody."""
        shape = entities, neighbours
        numbers = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
        return Neighbourhoods(*numbers, np.zeros(shape, dtype=np.bool_))

    def part(self, rows: slice) -> _Drawn:
        """The three tables of some rows, to be read or written."""
        return self.neighbours[rows], self.relations[rows], self.mask[rows]


@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws each entity's neighbours without replacement; one by two relations counts as two.

    A neighbour's chance is inverse to the average number of neighbours that its relation has for the
    entity's type (Zhu et al., WWW 2020). Drawn by an exponential race: the smallest -log(u) / weight win
    (Efraimidis and Spirakis, 2006).

    Each u comes from the seed, the relation's name and the contents of both ends (``content_keys``). So
    neither the order of rows nor the names of identifiers nor other draws change a neighbourhood, and other
    entities only by the averages, or as surroundings of an end without facts. Neighbours of equal contents
    by one relation draw apart, in the order of their types and surroundings; where these are alike too,
    identifiers decide which one is which.

    shares (2R)   what each directed relation's chance is multiplied by, see ``echoed_shares``
    """

    graph: KnowledgeGraph
    adjacency: Adjacency
    options: SamplingOptions
    seed: int
    shares: Float64 | None = None

    def draw(self, entities: Int32) -> Neighbourhoods:
        """One row for each of some entities (Q), in any order."""
        graph, adjacency, content = self.graph, self.adjacency, self._content
        drawn = entities.astype(np.int32)
        types = graph.primary_types[drawn] + 1
        around = Neighbourhoods.none(len(drawn), self.options.neighbours)
        edges = adjacency.indptr, adjacency.neighbours, adjacency.relations
        own = mix(content.keys ^ mix(np.array([self.seed], dtype=np.uint64)))
        hashes = own, content.keys, directed_keys(graph)
        nth, chances = _numbered_alike(adjacency, content, drawn), self._chances

        def race(part: slice) -> None:
            who = drawn[part], types[part], np.argsort(types[part], kind="stable")
            _draw(who, edges, hashes, nth, chances, around.part(part))

        in_parts(race, len(drawn), least=LEAST_EACH)
        return around

    @cached_property
    def _content(self) -> ContentKeys:
        return ContentKeys(self.graph)

    @cached_property
    def _chances(self) -> tuple[Int64, Int32, Float64]:
        """The weight of each relation for each type."""
        table = relation_weights(self.graph, self.adjacency)
        weights = table.weights if self.options.weighted else np.ones_like(table.weights)
        weights = weights if self.shares is None else weights * self.shares[table.relations]
        return table.indptr, table.relations, weights


def sample_neighbourhoods(
    graph: KnowledgeGraph,
    adjacency: Adjacency,
    *,
    options: SamplingOptions,
    seed: int,
    shares: Float64 | None = None,
) -> Neighbourhoods:
    """The neighbourhood of every entity, see ``Sampler``."""
    sampler = Sampler(graph, adjacency, options, seed, shares)
    return sampler.draw(np.arange(len(graph), dtype=np.int32))


def _numbered_alike(adjacency: Adjacency, content: ContentKeys, entities: Int32) -> Int32:
    """(2T) number the neighbours of one key that one of these entities has by one relation: 0, 1, ...

    In the order of their places, so that each arrives at a time of its own; 0 for all other rows.
    """
    nth = np.zeros(len(adjacency.neighbours), dtype=np.int32)
    places, edges = content.places, (adjacency.indptr, adjacency.neighbours)
    drawn = distinct(entities)

    def shared(part: slice) -> tuple[Int64, Int64]:
        found: tuple[Int64, Int64] = _rows_of_shared(drawn[part], *edges, places)
        return found

    found = in_parts(shared, len(drawn), least=LEAST_EACH)
    rows, sources = (np.concatenate(column) for column in zip(*found, strict=True))
    if len(rows):
        # They come by entity and relation already; each run of one relation is ordered by places.
        reached, relations = adjacency.neighbours[rows], adjacency.relations[rows]
        runs = np.cumsum(np.r_[False, (np.diff(sources) != 0) | (np.diff(relations) != 0)])
        order = np.argsort(runs * len(places) + places[reached], kind="stable")
        rows, runs, keys = rows[order], runs[order], content.keys[reached[order]]
        starts = np.flatnonzero(np.r_[True, (np.diff(runs) != 0) | (np.diff(keys) != 0)])
        nth[rows] = np.arange(len(rows)) - np.repeat(starts, np.diff(np.r_[starts, len(rows)]))
    return nth


@njit(cache=True, nogil=True)
def _rows_of_shared(entities: Int32, indptr: Int64, to: Int32, places: Int64) -> tuple[Int64, Int64]:
    """The rows of these entities whose neighbour has a place, and the entity of each."""
    count = 0
    for one in entities:
        for row in range(indptr[one], indptr[one + 1]):
            count += places[to[row]] >= 0
    rows, sources = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    at = 0
    for one in entities:
        for row in range(indptr[one], indptr[one + 1]):
            if places[to[row]] >= 0:
                rows[at], sources[at] = row, one
                at += 1
    return rows, sources


@njit(cache=True, nogil=True)
def _draw(
    entities: tuple[Int32, Int32, Int64],
    edges: tuple[Int64, Int32, Int32],
    hashes: tuple[UInt64, UInt64, UInt64],
    nth: Int32,
    table: tuple[Int64, Int32, Float64],
    around: _Drawn,
) -> None:
    """Fill in (Q, N) neighbours, relations and mask: each entity's rows race, and the N fastest are kept."""
    who, types, order = entities
    indptr, to, by = edges
    own, keys, directed = hashes
    starts, known, weights = table
    neighbours, relations, mask = around
    count = neighbours.shape[1]
    times, rows = np.empty(count), np.empty(count, dtype=np.int64)
    most = np.int64(0)
    for one in who:
        most = max(most, indptr[one + 1] - indptr[one])
    drawn = np.empty(most)
    weight, kind = np.empty(len(directed)), -1
    for q in order:
        first, end = indptr[who[q]], indptr[who[q] + 1]
        if types[q] != kind:
            # Every relation that an entity has is in its type's part, so no old weight is read.
            kind = types[q]
            for at in range(starts[kind], starts[kind + 1]):
                weight[known[at]] = weights[at]
        # Apart from the race, which branches, so that the processor fetches many keys at once.
        for row in range(first, end):
            hashed = mix_one(mix_one(own[who[q]] ^ keys[to[row]]) ^ directed[by[row]])
            drawn[row - first] = _number(hashed, nth[row])
        filled = 0
        for row in range(first, end):
            u = drawn[row - first]
            # A logarithm is dear: -log(u) is at least 1 - u, which tells who comes too late anyway.
            if filled < count or (1.0 - u) < times[-1] * weight[by[row]]:
                filled = _enter(times, rows, filled, -np.log(u) / weight[by[row]], row)
        for place in range(filled):
            neighbours[q, place], relations[q, place] = to[rows[place]], by[rows[place]]
            mask[q, place] = True


@njit(cache=True, nogil=True)
def _number(hashed: int, nth: int) -> float:
    """What a row draws, in (0, 1); ``nth`` is its number among the rows that are told alike."""
    drawn = np.uint64(hashed)
    if nth:
        drawn = mix_one(drawn + np.uint64(nth))
    return float((np.float64(drawn >> np.uint64(11)) + 0.5) / 2.0**53)


@njit(cache=True, nogil=True)
def _enter(times: Float64, rows: Int64, filled: int, time: float, row: int) -> int:
    """Keep a row among the fastest so far, in order, and say how many there are now."""
    if filled == len(times):
        if time >= times[-1]:
            return filled
        filled -= 1
    at = filled
    while at and times[at - 1] > time:
        times[at], rows[at] = times[at - 1], rows[at - 1]
        at -= 1
    times[at], rows[at] = time, row
    return filled + 1
