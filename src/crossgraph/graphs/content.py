"""What entities are, as numbers, never what they are called: chance draws from them, and they give order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from crossgraph._threads import in_parts
from crossgraph._types import Bool, Int32, Int64, UInt64
from crossgraph.graphs.sorting import marked, repeated

if TYPE_CHECKING:
    from crossgraph.graphs.graph import KnowledgeGraph

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
# Edges that are worth a thread.
LEAST_EACH = 100_000
# So many edges away an entity without facts is told by.
_ROUNDS = 2
# Entities that look alike so many edges deep are as good as alike.
_MOST_ROUNDS = 8


def content_order(graph: KnowledgeGraph) -> Int64:
    """(E) entities ordered by what they are: type by type, then by facts and surroundings.

    The order that the graph has them in decides only between entities that are alike as far as one sees.
    """
    keys = ContentKeys(graph)
    return np.lexsort((keys.refined(), graph.primary_types))


def content_keys(graph: KnowledgeGraph) -> UInt64:
    """(E) a number made of an entity's facts alone or, where it has none, of its types and surroundings.

    Two entities share one if they have the same facts, or if neither has facts and both have the same types
    and look alike two edges deep (relations and the facts and types found there).
    """
    return ContentKeys(graph).keys


@dataclass(frozen=True, eq=False)
class ContentKeys:
    """Keys of all entities, and the order of those that share one; each is computed when it is asked for."""

    graph: KnowledgeGraph

    @cached_property
    def keys(self) -> UInt64:
        """(E) see ``content_keys``."""
        keys, untold = self._of_facts, np.flatnonzero(~self._told)
        if len(untold):
            keys = keys.copy()
            keys[untold] = self._around(untold)
        return keys

    @cached_property
    def places(self) -> Int64:
        """(E) ascending among the entities of one key; -1 for an entity that shares its key with no other.

        Those of one key are ordered by their types and surroundings, so that identifiers decide only between
        entities that are alike in these too.
        """
        shared = np.flatnonzero(repeated(self.keys)[0])
        places = np.full(len(self.graph), -1, dtype=np.int64)
        if len(shared):
            ranked = shared[np.lexsort((shared, self._around(shared), self.keys[shared]))]
            places[ranked] = np.arange(len(shared))
        return places

    @cached_property
    def _told(self) -> Bool:
        """(E) True where an entity has facts."""
        told = np.zeros(len(self.graph), dtype=bool)
        told[self.graph.fact_entities] = True
        return told

    @cached_property
    def _facts(self) -> UInt64:
        """(F) of the attribute and the value of each fact."""
        values = mix(self.graph.fact_values.hash(7).to_numpy().astype(np.uint64))
        if not len(values):
            return values
        return mix(values ^ hash_texts(self.graph.attribute_names)[self.graph.fact_attributes])

    @cached_property
    def _of_facts(self) -> UInt64:
        """(E) of facts alone; those without facts share one."""
        keys = np.full(len(self.graph), _GOLDEN, dtype=np.uint64)
        np.add.at(keys, self.graph.fact_entities, self._facts)
        return mix(keys)

    def _around(self, entities: Int64) -> UInt64:
        """(Q) of facts with their tags, types and surroundings, of some entities."""
        rounds = [marked(entities, len(self.graph))]
        for _ in range(_ROUNDS - 1):
            rounds.append(_with_neighbours(rounds[-1], self.graph.heads, self.graph.tails))
        keys = self._of_facts_and_types
        for wanted in reversed(rounds):
            keys = self._refine(keys, wanted)
        return keys[entities]

    @cached_property
    def _of_facts_and_types(self) -> UInt64:
        graph = self.graph
        keys = self._of_facts.copy()
        if any(graph.tag_names):
            # Nothing is learned from tags; they only keep identifiers from deciding an order.
            tags = hash_texts(graph.tag_names)[graph.fact_tags]
            np.add.at(keys, graph.fact_entities, mix(mix(self._facts) ^ tags))
        if len(graph.typed):
            np.add.at(keys, graph.typed[:, 0], mix(hash_texts(graph.type_names))[graph.typed[:, 1]])
        return mix(keys)

    def _refine(self, keys: UInt64, wanted: Bool) -> UInt64:
        """(E) the wanted ones told one edge deeper (colour refinement of Weisfeiler and Leman, 1968)."""
        graph = self.graph
        directed = directed_keys(graph)

        def reached(edges: slice) -> UInt64:
            ends = graph.heads[edges], graph.relations[edges], graph.tails[edges]
            sums: UInt64 = _reached(keys, ends, directed, wanted)
            return sums

        return mix(keys + np.add.reduce(in_parts(reached, len(graph.heads), least=LEAST_EACH)))

    def refined(self) -> UInt64:
        """(E) of facts with their tags, types and surroundings, as deep as tells more entities apart.

        Who is told from all others needs no deeper look, and is told to those beside it by what it is.
        """
        keys, told = self._of_facts_and_types, 0
        for _ in range(_MOST_ROUNDS):
            alike, now = repeated(keys)
            if now in (told, len(keys)):
                break
            keys, told = self._refine(keys, alike), now
        return keys


def directed_keys(graph: KnowledgeGraph) -> UInt64:
    """(2R) a number of each directed relation's name."""
    names = graph.relation_names
    return hash_texts((*names, *("^" + name for name in names)))


def hash_texts(texts: tuple[str, ...]) -> UInt64:
    """FNV-1a of each text, 64 bits."""
    return np.array([hash_text(text) for text in texts], dtype=np.uint64)


def hash_text(text: str) -> int:
    """FNV-1a of a text, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def mix(values: UInt64) -> UInt64:
    """Scramble 64-bit numbers (SplitMix64)."""
    z = values + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


mix_one: Callable[[Any], Any] = njit(cache=True, nogil=True)(mix)


@njit(cache=True, nogil=True)
def _reached(keys: UInt64, edges: tuple[Int32, Int32, Int32], directed: UInt64, wanted: Bool) -> UInt64:
    """(E) sums over a wanted entity's edges, whatever their order, of relation and key at the other end."""
    heads, relations, tails = edges
    sums = np.zeros_like(keys)
    turned = len(directed) // 2
    for edge in range(len(heads)):
        head, tail, relation = heads[edge], tails[edge], relations[edge]
        if wanted[head]:
            sums[head] += mix_one(keys[tail] ^ directed[relation])
        if wanted[tail]:
            sums[tail] += mix_one(keys[head] ^ directed[relation + turned])
    return sums


@njit(cache=True, nogil=True)
def _with_neighbours(wanted: Bool, heads: Int32, tails: Int32) -> Bool:
    """(E) the wanted entities and all that have an edge with one."""
    wider = wanted.copy()
    for edge in range(len(heads)):
        if wanted[heads[edge]]:
            wider[tails[edge]] = True
        if wanted[tails[edge]]:
            wider[heads[edge]] = True
    return wider
