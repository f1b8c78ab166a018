"""Neighbourhoods capped by weighted sampling: the one director before any of the dozens of actors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossgraph._types import Bool, Float64, Int32, UInt64
from crossgraph.errors import ConfigError
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.graphs.graph import KnowledgeGraph

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingOptions:
    """How neighbourhoods are capped.

    neighbours   neighbours kept for each entity (count)
    weighted     draw rare relations first; otherwise all neighbours alike
    """

    neighbours: int = 10
    weighted: bool = True

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ConfigError(f"[sampling] neighbours = {self.neighbours}", hint="use 1 or more")


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """The sampled neighbours of every entity of one graph, padded to the same number.

    neighbours (E, N)   entity numbers; 0 where padded
    relations (E, N)    directed relations as in ``Adjacency``; 0 where padded
    mask (E, N)         True for a real neighbour
    """

    neighbours: Int32
    relations: Int32
    mask: Bool


def sample_neighbourhoods(
    graph: KnowledgeGraph, adjacency: Adjacency, *, options: SamplingOptions, seed: int
) -> Neighbourhoods:
    """Draw each entity's neighbours without replacement.

    A neighbour's chance is inverse to the average number of neighbours that its relation has for the
    entity's type (Zhu et al., WWW 2020). Drawn by an exponential race: the smallest -log(u) / weight win
    (Efraimidis and Spirakis, 2006). Each u comes from the seed and the contents of both ends, so that
    neither the order of rows nor the names of identifiers nor other entities change a neighbourhood.
    """
    weights = edge_weights(graph, adjacency) if options.weighted else np.ones(len(adjacency.neighbours))
    times = -np.log(_uniform(graph, adjacency, seed)) / weights
    order = np.lexsort((times, adjacency.sources))
    place = np.arange(len(order)) - adjacency.indptr[:-1].repeat(np.diff(adjacency.indptr))
    kept = order[place < options.neighbours]
    rows, columns = adjacency.sources[kept], place[place < options.neighbours]
    shape = (len(graph), options.neighbours)
    neighbours, relations = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    mask = np.zeros(shape, dtype=bool)
    neighbours[rows, columns] = adjacency.neighbours[kept]
    relations[rows, columns] = adjacency.relations[kept]
    mask[rows, columns] = True
    return Neighbourhoods(neighbours, relations, mask)


def edge_weights(graph: KnowledgeGraph, adjacency: Adjacency) -> Float64:
    """(2T) 1 / average fan-out of each edge's directed relation.

    The average is over the entities of the source's type that have the relation.
    """
    types = graph.primary_types.astype(np.int64)[adjacency.sources] + 1
    kind = types * (2 * adjacency.relation_count) + adjacency.relations
    kinds, kind = np.unique(kind, return_inverse=True)
    edges = np.bincount(kind, minlength=len(kinds))
    holders = np.unique(np.stack([kind, adjacency.sources]), axis=1)[0]
    return np.bincount(holders, minlength=len(kinds))[kind] / edges[kind]


def content_keys(graph: KnowledgeGraph) -> UInt64:
    """(E) a number made of an entity's facts alone; entities without facts share one."""
    name_keys = np.array([hash_text(name) for name in graph.attribute_names], dtype=np.uint64)
    facts = mix(graph.fact_values.hash(7).to_numpy().astype(np.uint64))
    if len(facts):
        facts = mix(facts ^ name_keys[graph.fact_attributes])
    keys = np.full(len(graph), _GOLDEN, dtype=np.uint64)
    np.add.at(keys, graph.fact_entities, facts)
    return mix(keys)


def hash_text(text: str) -> int:
    """FNV-1a of a text, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def mix(values: UInt64) -> UInt64:
    """Scramble 64-bit numbers (SplitMix64)."""
    with np.errstate(over="ignore"):
        z = values + _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _uniform(graph: KnowledgeGraph, adjacency: Adjacency, seed: int) -> Float64:
    keys = content_keys(graph)
    names = [hash_text(name) for name in graph.relation_names]
    turned = [hash_text("^" + name) for name in graph.relation_names]
    relation = np.array([*names, *turned], dtype=np.uint64)
    start = mix(np.array([seed], dtype=np.uint64))
    drawn = mix(mix(keys[adjacency.sources] ^ start) ^ keys[adjacency.neighbours])
    if len(drawn):
        drawn = mix(drawn ^ relation[adjacency.relations])
    return ((drawn >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
