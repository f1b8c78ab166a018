"""Texts as vectors of a model: near each other is what means the same, in whatever words or language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Float32, Int32, Int64
from crossgraph.progress import Advance, unwatched

# So many products are held at once: 64 MiB.
MOST_PRODUCTS = 1 << 24
# Pairs compared at once, and pairs taken at random to see what is usual.
CHUNK, SAMPLE = 1 << 15, 20_000


class TextEncoder(Protocol):
    """Turns texts into vectors whose products say how much the texts mean the same."""

    @property
    def fingerprint(self) -> str:
        """Two encoders with one fingerprint give the same vectors."""
        ...

    def encode(self, texts: Sequence[str], advance: Advance = unwatched) -> Float32:
        """(N, d) rows of length one, or zero; a text's row does not depend on the others.

        advance   told of texts that are done; of equal ones only the first is work
        """
        ...


@dataclass(frozen=True, eq=False)
class Meanings:
    """What an encoder says of the rows of a ``TextTable``.

    said (S)         a text of each row as it was written; empty where the row is no attribute's text
    vectors (S, d)   float16 rows of length one; zero where nothing is said
    usual            mean cosine of two texts taken at random: what having nothing in common looks like
    """

    encoder: TextEncoder
    said: pl.Series
    vectors: AnyArray
    usual: float

    @staticmethod
    def of(encoder: TextEncoder, said: pl.Series, advance: Advance = unwatched) -> Meanings:
        """Encode the texts of all rows."""
        vectors = _encoded(encoder, said, advance)
        return Meanings(encoder, said, vectors, _usual(vectors[(said != "").to_numpy()]))

    def __len__(self) -> int:
        return len(self.said)

    def also(self, said: pl.Series) -> Meanings:
        """What the encoder says of other texts; what is usual stays as it is."""
        vectors = _encoded(self.encoder, said, unwatched)
        return replace(self, said=said, vectors=_widened(vectors, self.vectors.shape[1]))

    def take(self, rows: AnyArray) -> Meanings:
        """Some of the rows."""
        return replace(self, said=self.said.gather(rows.astype(np.int64)), vectors=self.vectors[rows])

    def and_then(self, others: Meanings) -> Meanings:
        """The rows, and after them those of others."""
        said = pl.concat([self.said, others.said])
        width = max(self.vectors.shape[1], others.vectors.shape[1])
        vectors = [_widened(one.vectors, width) for one in (self, others)]
        return replace(self, said=said, vectors=np.concatenate(vectors))

    def nearest(self, asked: Int64, known: Int64, top: int) -> tuple[Int64, Int64]:
        """The places in ``known`` of the rows that are nearest to each of the rows ``asked``.

        Returns the places (K), (K) of pairs in both; at most ``top`` for each that asks, nearer than usual.
        All are compared, a block at a time.
        """
        ours, theirs = self.vectors[asked], self.vectors[known].astype(np.float32).T
        if not len(asked) or not len(known):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        top, size = min(top, len(known)), max(1, MOST_PRODUCTS // max(len(known), 1))
        none = np.zeros(0, dtype=np.int64)
        rows, columns = [none], [none]
        for start in range(0, len(asked), size):
            products = ours[start : start + size].astype(np.float32) @ theirs
            best = np.argpartition(-products, top - 1, axis=1)[:, :top]
            near = np.take_along_axis(products, best, axis=1)
            order = np.lexsort((best, -near), axis=1)
            best, near = np.take_along_axis(best, order, axis=1), np.take_along_axis(near, order, axis=1)
            row, place = np.nonzero(near > self.usual)
            rows.append(row + start)
            columns.append(best[row, place])
        return np.concatenate(rows), np.concatenate(columns)


def meaning_cosines(a: Meanings, b: Meanings, first: Int32, second: Int32) -> Float32:
    """(K) how near the meanings of pairs of rows are: 1 for the same, 0 for what is usual, or less."""
    out = np.empty(len(first), dtype=np.float32)
    width = max(a.vectors.shape[1], b.vectors.shape[1])
    for start in range(0, len(first), CHUNK):
        span = slice(start, start + CHUNK)
        ours, theirs = (
            _widened(one.vectors[rows[span]], width).astype(np.float32)
            for one, rows in ((a, first), (b, second))
        )
        out[span] = np.einsum("ij,ij->i", ours, theirs)
    near: Float32 = np.minimum((out - a.usual) / (1.0 - a.usual), 1.0).astype(np.float32)
    return near


def _encoded(encoder: TextEncoder, said: pl.Series, advance: Advance) -> AnyArray:
    """Half precision is what is kept on disk: so a run that encodes says the same as one that remembers."""
    some = np.flatnonzero((said != "").to_numpy())
    vectors = encoder.encode(said.gather(some).to_list(), advance)
    out = np.zeros((len(said), vectors.shape[1]), dtype=np.float16)
    out[some] = vectors
    return out


def _widened(vectors: AnyArray, width: int) -> AnyArray:
    """Rows of an encoder that was asked nothing yet, all zeros, made as wide as its vectors are."""
    missing = width - vectors.shape[1]
    return np.pad(vectors, ((0, 0), (0, missing))) if missing > 0 else vectors


def _usual(vectors: AnyArray) -> float:
    """The mean cosine of rows that are paired by two golden-ratio strides; 0 for none, and below 0.95."""
    if len(vectors) < 2:
        return 0.0
    steps = np.arange(min(SAMPLE, len(vectors) ** 2), dtype=np.float64)
    i = (steps * 0.6180339887498949 % 1.0 * len(vectors)).astype(np.int64)
    j = (steps * 0.7548776662466927 % 1.0 * len(vectors)).astype(np.int64)
    i, j = i[i != j], j[i != j]
    total = sum(
        float(
            np.einsum("ij,ij->", vectors[i[at : at + CHUNK]], vectors[j[at : at + CHUNK]], dtype=np.float64)
        )
        for at in range(0, len(i), CHUNK)
    )
    return min(max(total / max(len(i), 1), 0.0), 0.95)
