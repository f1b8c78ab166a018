"""Small graphs from rows of texts, and the slow obvious versions of what features compute."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from crossgraph.graphs import GraphTables, KnowledgeGraph


def graph_of(
    types: Iterable[tuple[str, str]] = (),
    edges: Iterable[tuple[str, str, str]] = (),
    facts: Iterable[tuple[str, str, str]] = (),
) -> KnowledgeGraph:
    """Entities in the order of their identifiers, so that a test knows their numbers."""
    graph = KnowledgeGraph.from_tables(
        GraphTables(
            types=pl.DataFrame(list(types), schema=GraphTables.empty_types().schema, orient="row"),
            edges=pl.DataFrame(list(edges), schema=GraphTables.empty_edges().schema, orient="row"),
            facts=pl.DataFrame(
                [(*row, "") for row in facts], schema=GraphTables.empty_facts().schema, orient="row"
            ),
        )
    )
    return graph.in_order(graph.ids.arg_sort().to_numpy())


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def hashed(data: Iterable[int]) -> int:
    """FNV-1a of 32 bits, folded once, in 20 bits."""
    value = 2166136261
    for byte in data:
        value = ((value ^ byte) * 16777619) % 2**32
    return (value ^ value >> 15) % 2**20


def grams(text: str) -> Counter[int]:
    """Hashed 3-grams with a blank at both ends, and hashed words, whose bytes are moved by 128."""
    padded = f" {text} "
    found = Counter(hashed(padded[at : at + 3].encode()) for at in range(len(text)))
    return found + Counter(hashed(byte + 128 for byte in word.encode()) for word in text.split())


def vectors(strings: Sequence[str]) -> list[dict[int, float]]:
    """The TF-IDF vector of each string, of length one."""
    counts = [grams(text) for text in strings]
    held = Counter(gram for count in counts for gram in count)
    out = []
    for count in counts:
        weighed = {
            gram: (1 + math.log(times)) * (math.log((1 + len(strings)) / (1 + held[gram])) + 1)
            for gram, times in count.items()
        }
        length = math.sqrt(sum(value * value for value in weighed.values()))
        out.append({gram: value / length for gram, value in weighed.items()} if length else {})
    return out


def cosine(a: dict[int, float], b: dict[int, float]) -> float:
    return sum(value * b.get(gram, 0.0) for gram, value in a.items())
