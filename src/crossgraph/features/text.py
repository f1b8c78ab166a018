"""Strings as bags of weighted character n-grams: fast, in every script, nothing to download."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from anyascii import anyascii
from numba import njit
from scipy import sparse

from crossgraph._types import AnyArray, Float32, Int32, Int64
from crossgraph.features.meaning import Meanings, meaning_cosines
from crossgraph.features.rows import row_products
from crossgraph.graphs.graph import positions_in

GRAM_BITS = 20
LONGEST_TEXT = 400
_QUOTES, _OTHERS = re.compile(r"['`’]"), re.compile(r"[^a-z0-9]+")


def normalised(text: str) -> str:
    """``normalise`` of one text; for a few texts much faster than a plan for many."""
    plain = text if text.isascii() else anyascii(text[:LONGEST_TEXT])
    plain = _QUOTES.sub("", plain.lower()[:LONGEST_TEXT])
    return _OTHERS.sub(" ", plain).strip(" ")


def normalise(texts: pl.Series) -> pl.Series:
    """Transliterate to ASCII, lower-case, and keep letters and digits separated by single blanks.

    A text without any letter or digit becomes the empty string. Only distinct texts that are not
    ASCII pay for transliteration.
    """
    distinct = pl.DataFrame({"raw": texts.unique()})
    foreign = distinct.filter(pl.col("raw").str.contains(r"[^\x00-\x7f]"))
    latin = foreign.with_columns(
        plain=pl.Series([anyascii(text[:LONGEST_TEXT]) for text in foreign["raw"]], dtype=pl.String)
    )
    plain = pl.coalesce("plain", "raw").str.to_lowercase().str.slice(0, LONGEST_TEXT)
    plain = plain.str.replace_all(r"['`’]", "").str.replace_all(r"[^a-z0-9]+", " ").str.strip_chars()
    table = distinct.join(latin, on="raw", how="left").select("raw", normal=plain)
    joined = pl.DataFrame({"raw": texts}).join(table, on="raw", how="left", maintain_order="left")
    return joined["normal"].fill_null("")


@dataclass(frozen=True, eq=False)
class TextTable:
    """The distinct normalised strings of two graphs and their TF-IDF vectors.

    strings (S)            sorted; row 0 is always the empty string
    grams (S, 2**20)       CSR float32, rows of length one (the empty string's is zero)
    meanings               what a model says of them; None without one
    """

    strings: pl.Series
    grams: sparse.csr_matrix
    meanings: Meanings | None = None

    @staticmethod
    def of(*columns: pl.Series) -> TextTable:
        """Collect the distinct strings of some columns of normalised text."""
        strings = pl.concat([pl.Series([""], dtype=pl.String), *columns]).unique().sort().rename("text")
        counts = gram_counts(strings)
        return TextTable(strings, _weighted(counts, _gram_weights(counts)))

    @property
    def encoder(self) -> str:
        """The fingerprint of the encoder that says what they mean; empty without one."""
        return "" if self.meanings is None else self.meanings.encoder.fingerprint

    @cached_property
    def lengths(self) -> Int64:
        """(S) bytes of each string."""
        return self.strings.str.len_bytes().to_numpy().astype(np.int64)

    @cached_property
    def gram_weights(self) -> Float32:
        """(2**20) by how much each n-gram counts: the fewer strings hold it, the more."""
        return _gram_weights(self.grams)

    def vectors(self, texts: pl.Series) -> sparse.csr_matrix:
        """The vectors of other normalised texts, their n-grams weighed as in this table."""
        return _weighted(gram_counts(texts), self.gram_weights)

    def with_more(self, texts: pl.Series, said: pl.Series) -> TextTable:
        """The same rows, and after them one for each normalised text that is new.

        How much an n-gram weighs stays as it is, so that the rows stay as they are.

        said   the texts as they were written
        """
        new = texts.unique().sort().rename("text")
        new = new.filter(positions_in(self.strings, new) < 0)
        if not len(new):
            return self
        meanings = self.meanings
        if meanings is not None:
            meanings = meanings.and_then(meanings.also(said_in(new, texts, said)))
        grams = sparse.vstack([self.grams, self.vectors(new)], format="csr", dtype=np.float32)
        return TextTable(pl.concat([self.strings, new]), grams, meanings)

    def numbers(self, texts: pl.Series) -> Int32:
        """The row of each (already normalised) text."""
        return np.maximum(positions_in(self.strings, texts), np.int32(0))

    def cosines(self, first: Int32, second: Int32) -> Float32:
        """(K) cosine of each pair of rows, in [0, 1]; 0 where either is empty."""
        return np.minimum(row_products(self.grams, self.grams, first, second), np.float32(1.0))

    def nearness(self, first: Int32, second: Int32) -> Float32:
        """(K) how near pairs of rows are, see ``nearness``."""
        return nearness(self, self, first, second)


def nearness(a: TextTable, b: TextTable, first: Int32, second: Int32) -> Float32:
    """(K) how near rows of two tables are, in [0, 1]: by their n-grams, or by meaning if that is nearer.

    What two texts mean counts by its square: things of one kind ("Peso", "Krone") are near too, and are
    nobody's namesakes for that.
    """
    near = np.minimum(row_products(a.grams, b.grams, first, second), np.float32(1.0))
    if a.meanings is None or b.meanings is None:
        return near
    meant = meaning_cosines(a.meanings, b.meanings, first, second)
    return np.maximum(near, np.square(np.maximum(meant, np.float32(0.0))))


def said_in(strings: pl.Series, normal: pl.Series, said: pl.Series) -> pl.Series:
    """(S) of each normalised string a text as it was written, the first in order; empty where there is none.

    normal, said (K)   texts in their normal form and as they were written
    """
    written = pl.DataFrame({"text": normal, "said": said.str.slice(0, LONGEST_TEXT)})
    first = written.group_by("text").agg(pl.col("said").min())
    table = pl.DataFrame({"text": strings}).join(first, on="text", how="left", maintain_order="left")
    return table["said"].fill_null("")


def _gram_weights(grams: sparse.csr_matrix) -> Float32:
    held = _counted(grams.indices, 1 << GRAM_BITS).astype(np.float32)
    weights: Float32 = (np.log((1.0 + grams.shape[0]) / (1.0 + held)) + 1.0).astype(np.float32)
    return weights


def _weighted(counts: sparse.csr_matrix, weights: Float32) -> sparse.csr_matrix:
    counts.data = (1.0 + np.log(counts.data)) * weights[counts.indices]
    return unit_rows(counts)


def unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The matrix with every non-zero row scaled to length one."""
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    matrix.data = (matrix.data * np.repeat(scale, np.diff(matrix.indptr))).astype(np.float32)
    return matrix


def gram_counts(strings: pl.Series) -> sparse.csr_matrix:
    """(S, 2**20) counts of hashed 3-grams (with blanks at both ends) and whole words of ASCII strings."""
    joined = strings.str.join("").item() if len(strings) else ""
    data = np.frombuffer(joined.encode("ascii"), dtype=np.uint8)
    offsets = np.r_[0, np.cumsum(strings.str.len_bytes().to_numpy())].astype(np.int64)
    indptr, indices = _hash_grams(data, offsets, np.uint32((1 << GRAM_BITS) - 1))
    ones = np.ones(len(indices), dtype=np.float32)
    matrix = sparse.csr_matrix((ones, indices, indptr), shape=(len(strings), 1 << GRAM_BITS))
    matrix.sum_duplicates()
    return matrix


@njit(cache=True, nogil=True)
def _counted(numbers: Int32, most: int) -> Int64:
    """NumPy's ``bincount``, which would copy so many numbers first."""
    counts = np.zeros(most, dtype=np.int64)
    for number in numbers:
        counts[number] += 1
    return counts


@njit(cache=True, nogil=True)
def _hash_grams(data: AnyArray, offsets: Int64, mask: np.uint32) -> tuple[Int64, Int32]:
    rows = len(offsets) - 1
    indptr = np.zeros(rows + 1, dtype=np.int64)
    indices = np.empty(2 * len(data) + 4 * rows, dtype=np.int32)
    filled = 0
    prime = np.uint32(16777619)
    for row in range(rows):
        start, end = offsets[row], offsets[row + 1]
        word = np.uint32(2166136261)
        for at in range(start - 1, end - 1):
            gram = np.uint32(2166136261)
            for step in range(3):
                place = at + step
                byte = data[place] if start <= place < end else np.uint8(32)
                gram = np.uint32((gram ^ np.uint32(byte)) * prime)
            gram ^= gram >> np.uint32(15)
            indices[filled] = np.int32(gram & mask)
            filled += 1
        for at in range(start, end):
            if data[at] == 32:
                word ^= word >> np.uint32(15)
                indices[filled] = np.int32(word & mask)
                filled += 1
                word = np.uint32(2166136261)
            else:
                word = np.uint32((word ^ np.uint32(data[at] + 128)) * prime)
        if end > start:
            word ^= word >> np.uint32(15)
            indices[filled] = np.int32(word & mask)
            filled += 1
        indptr[row + 1] = filled
    return indptr, indices[:filled].copy()
