"""Names of the served graph, looked up by the n-grams that they share with another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl
from numba import njit
from scipy import sparse

from crossgraph._types import AnyArray, Bool, Float32, Int32, Int64
from crossgraph.blocking.names import SMALL_TABLE, common_grams, with_grams
from crossgraph.features.description import expand
from crossgraph.features.text import TextTable

# Holders of one name that are looked at: "Untitled" is the name of thousands.
MOST_HOLDERS = 50
# A type with so many names has an index of its own.
MANY_NAMES = 1_000

_Rows: TypeAlias = tuple[AnyArray, AnyArray, AnyArray]


@dataclass(frozen=True, eq=False)
class NameIndex:
    """An inverted index of the distinct names of some entities.

    names (N)           row of each name in the table of texts
    postings            CSR, one row for each n-gram: the names that hold it, and how much it counts there;
                        of a large graph without n-grams that many names hold, as in blocking
    holders, starts     entities of each name, and where those of each begin (N + 1)
    scratch (N)         zeros between two look-ups, of which there may be one at a time
    meanings (N, d)     of each name; None without an encoder
    usual               cosine of meanings that have nothing in common
    """

    names: Int32
    postings: sparse.csr_matrix
    starts: Int64
    holders: Int32
    scratch: Float32
    meanings: Float32 | None = None
    usual: float = 0.0

    @staticmethod
    def of(names: pl.DataFrame, texts: TextTable) -> NameIndex:
        """The index of a table (entity, text)."""
        ordered = names.sort("text", "entity")
        held = ordered["text"].to_numpy().astype(np.int32)
        known, starts = np.unique(held, return_index=True)
        grams = texts.grams[known]
        if len(known) > SMALL_TABLE:
            grams = with_grams(grams, ~common_grams(grams, len(known)))
        return NameIndex(
            names=known,
            postings=grams.T.tocsr(),
            starts=np.r_[starts, len(held)].astype(np.int64),
            holders=ordered["entity"].to_numpy().astype(np.int32),
            scratch=np.zeros(len(known), dtype=np.float32),
            meanings=None if texts.meanings is None else texts.meanings.vectors[known].astype(np.float32),
            usual=0.0 if texts.meanings is None else texts.meanings.usual,
        )

    def nearest(self, vector: tuple[Int32, Float32], allowed: Bool, *, top: int) -> tuple[Int32, Int32]:
        """Entities with the names that are nearest to another, nearest first, and the text of each.

        vector (G)    n-grams and weights of the other name, see ``TextTable.vectors``
        allowed (E)   who may be found
        top           names at most, and so many times as many entities at most as ``MOST_HOLDERS``
        """
        postings = self.postings.indptr, self.postings.indices, self.postings.data
        held = self.starts, self.holders
        names, entities = _nearest(vector, postings, held, allowed, self.scratch, top)
        return entities, self.names[names]

    def meant(self, meaning: AnyArray, allowed: Bool, *, top: int) -> tuple[Int32, Int32]:
        """Entities with the names whose meaning is nearest, and the text of each; all names are compared.

        meaning (d)   of the other name
        """
        near = np.zeros(len(self.names), dtype=np.float32)
        if self.meanings is not None:
            near = self.meanings @ meaning.astype(np.float32)
        near[~np.logical_or.reduceat(allowed[self.holders], self.starts[:-1])] = -1.0
        best = np.argsort(-near, kind="stable")[:top]
        best = best[near[best] > self.usual]
        sizes = np.minimum(np.diff(self.starts)[best], MOST_HOLDERS)
        entities = self.holders[expand(self.starts[best], sizes)]
        texts = self.names[np.repeat(best, sizes)]
        kept = allowed[entities]
        return entities[kept], texts[kept]


def indexes_of(names: pl.DataFrame, texts: TextTable, types: Int32) -> tuple[NameIndex, ...]:
    """An index for each type with many names, lest a person be looked up among films, and one for the rest.

    names       a table (entity, text), see ``blocking.names.name_rows``
    types (E)   the type of each entity
    """
    of_row = types[names["entity"].to_numpy()]
    counts = np.bincount(of_row, minlength=1)
    group = np.where(counts >= MANY_NAMES, np.arange(len(counts)), -1)[of_row]
    return tuple(NameIndex.of(names.filter(pl.Series(group == one)), texts) for one in np.unique(group))


@njit(cache=True, nogil=True)
def _nearest(
    vector: tuple[Int32, Float32],
    postings: _Rows,
    held: tuple[Int64, Int32],
    allowed: Bool,
    scores: Float32,
    top: int,
) -> tuple[Int64, Int32]:
    """Names, and entities that have them: the nearest names first."""
    first, holders = held
    touched = _touched(vector, postings, scores)
    best = np.empty(top, dtype=np.int64)
    filled = 0
    for name in touched:
        if filled == top and scores[name] <= scores[best[-1]]:
            continue
        if allowed[holders[first[name] : first[name + 1]]].any():
            filled = enter(best, filled, scores, name)
    whose = np.empty(filled * MOST_HOLDERS, dtype=np.int64)
    found = np.empty(filled * MOST_HOLDERS, dtype=np.int32)
    size = 0
    for name in best[:filled]:
        end = size + MOST_HOLDERS
        for place in range(first[name], first[name + 1]):
            if allowed[holders[place]] and size < end:
                whose[size], found[size] = name, holders[place]
                size += 1
    scores[touched] = 0
    return whose[:size], found[:size]


@njit(cache=True, nogil=True)
def _touched(vector: tuple[Int32, Float32], postings: _Rows, scores: Float32) -> Int64:
    """Names that share an n-gram with another; what they share is added to their scores."""
    grams, weights = vector
    starts, names, values = postings
    size = 0
    for gram in grams:
        size += starts[gram + 1] - starts[gram]
    touched, count = np.empty(size, dtype=np.int64), 0
    for at in range(len(grams)):
        for place in range(starts[grams[at]], starts[grams[at] + 1]):
            name = names[place]
            if scores[name] == 0:
                touched[count] = name
                count += 1
            scores[name] += weights[at] * values[place]
    return touched[:count]


@njit(cache=True, nogil=True)
def enter(best: AnyArray, filled: int, scores: Float32, one: int) -> int:
    """Put one in its place among the best, highest score first, and say how many there are now."""
    at = min(filled, len(best) - 1)
    end = at + 1
    while at and scores[best[at - 1]] < scores[one]:
        best[at] = best[at - 1]
        at -= 1
    best[at] = one
    return end
