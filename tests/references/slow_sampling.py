"""Weighted sampling as plain loops over whole numbers and words: slow, obvious, and sharing no code."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import polars as pl

from crossgraph.graphs import KnowledgeGraph

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
Row = tuple[str, str]


def scrambled(value: int) -> int:
    z = (value + GOLDEN) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def of_text(text: str) -> int:
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def rows_of(graph: KnowledgeGraph) -> dict[str, list[Row]]:
    """Of each entity (directed relation, neighbour), forwards before backwards, each in order of names."""
    edges = graph.tables().edges.rows()
    return {
        entity: sorted((r, t) for h, r, t in edges if h == entity)
        + sorted(("^" + r, h) for h, r, t in edges if t == entity)
        for entity in graph.ids
    }


def types_of(graph: KnowledgeGraph) -> dict[str, str]:
    return {entity: graph.entity_type(at) for at, entity in enumerate(graph.ids)}


def weights(graph: KnowledgeGraph) -> dict[tuple[str, str], float]:
    """Of each type and directed relation: entities that have it / edges."""
    kinds = types_of(graph)
    holders, edges = defaultdict(set), Counter()
    for entity, rows in rows_of(graph).items():
        for relation, _ in rows:
            holders[kinds[entity], relation].add(entity)
            edges[kinds[entity], relation] += 1
    return {kind: len(holders[kind]) / edges[kind] for kind in edges}


def own_keys(graph: KnowledgeGraph) -> dict[str, int]:
    """Of facts alone."""
    sums = dict.fromkeys(graph.ids, GOLDEN)
    for entity, attribute, value, _ in graph.tables().facts.rows():
        hashed = pl.Series([value], dtype=pl.String).hash(7).item()
        sums[entity] += scrambled(scrambled(hashed) ^ of_text(attribute))
    return {entity: scrambled(total & MASK) for entity, total in sums.items()}


def around_keys(graph: KnowledgeGraph) -> dict[str, int]:
    """Of facts, types and all that is two edges away."""
    rows, sums = rows_of(graph), own_keys(graph)
    for entity, kind in graph.tables().types.rows():
        sums[entity] += scrambled(of_text(kind))
    keys = {entity: scrambled(total & MASK) for entity, total in sums.items()}
    for _ in range(2):
        keys = {
            entity: scrambled(
                (keys[entity] + sum(scrambled(keys[n] ^ of_text(r)) for r, n in rows[entity])) & MASK
            )
            for entity in keys
        }
    return keys


def keys(graph: KnowledgeGraph) -> dict[str, int]:
    around = around_keys(graph)
    told = set(graph.tables().facts["entity"])
    return {entity: own if entity in told else around[entity] for entity, own in own_keys(graph).items()}


def sample(graph: KnowledgeGraph, *, neighbours: int, weighted: bool, seed: int) -> dict[str, list[Row]]:
    """The drawn rows of each entity, in the order of their times."""
    content, around, kinds, scale = keys(graph), around_keys(graph), types_of(graph), weights(graph)
    drawn = {}
    for entity, rows in rows_of(graph).items():
        times = {}
        for relation, other in rows:
            alike = [n for r, n in rows if r == relation and content[n] == content[other]]
            nth = sorted(alike, key=lambda n: (around[n], n)).index(other)
            hashed = scrambled(scrambled(content[entity] ^ scrambled(seed)) ^ content[other])
            hashed = scrambled(hashed ^ of_text(relation))
            if nth:
                hashed = scrambled((hashed + nth) & MASK)
            weight = scale[kinds[entity], relation] if weighted else 1.0
            times[relation, other] = -math.log(((hashed >> 11) + 0.5) / 2.0**53) / weight
        drawn[entity] = sorted(rows, key=times.__getitem__)[:neighbours]
    return drawn


def chances(weights: list[float], count: int) -> dict[frozenset[int], float]:
    """Of each set of ``count`` rows the exact chance to be drawn one after the other, by all orders."""
    found: dict[frozenset[int], float] = defaultdict(float)
    for order in itertools.permutations(range(len(weights)), count):
        chance, left = 1.0, sum(weights)
        for row in order:
            chance *= weights[row] / left
            left -= weights[row]
        found[frozenset(order)] += chance
    return dict(found)


def race(weights: list[float], count: int, times: int, seed: int) -> list[frozenset[int]]:
    """Sets drawn by an exponential race, with weights of any kind."""
    drawn = np.random.default_rng(seed).exponential(size=(times, len(weights))) / np.array(weights)
    return [frozenset(row) for row in np.argsort(drawn, axis=1)[:, :count].tolist()]
