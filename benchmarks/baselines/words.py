"""Words and character n-grams of cells, as sparse sets and as vectors, from the data's own text alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from crossgraph._types import AnyArray, Float32, Int32, Int64
from crossgraph.features.text import unit_rows

BUCKET_BITS = 18


@dataclass(frozen=True, kw_only=True)
class WordOptions:
    """How word vectors are made.

    width       of a vector (the 300 of fastText)
    contexts    of these, dimensions from the words beside a word; the rest is from its n-grams
    grams       shortest and longest n-gram, with the borders of the word (as in fastText)
    window      words to either side that count as beside
    weight      length of the part from the contexts, where that from the n-grams has 1
    """

    width: int = 300
    contexts: int = 100
    grams: tuple[int, int] = (3, 5)
    window: int = 4
    weight: float = 0.5


@dataclass(frozen=True, eq=False)
class Tokens:
    """The words of some texts.

    words (W)        distinct, sorted
    indptr (S + 1)   where each text's words begin
    rows (N)         word of each token
    """

    words: pl.Series
    indptr: Int64
    rows: Int32


def tokens(texts: pl.Series) -> Tokens:
    """Split normalised texts at their blanks; the empty text has no word."""
    split = pl.DataFrame({"text": np.arange(len(texts)), "word": texts.str.split(" ")})
    flat = split.explode("word").filter(pl.col("word") != "")
    words = flat["word"].unique().sort()
    counts = np.bincount(flat["text"].to_numpy(), minlength=len(texts))
    rows = words.search_sorted(flat["word"]).to_numpy().astype(np.int32)
    return Tokens(words, np.r_[0, np.cumsum(counts)].astype(np.int64), rows)


def word_sets(held: Tokens) -> sparse.csr_matrix:
    """(S, W) which words a text has."""
    ones = np.ones(len(held.rows), dtype=np.float32)
    shape = len(held.indptr) - 1, len(held.words)
    return _as_sets(sparse.csr_matrix((ones, held.rows, held.indptr), shape=shape))


def gram_sets(texts: pl.Series, length: int) -> sparse.csr_matrix:
    """(S, 2**BUCKET_BITS) which n-grams a text has, hashed; n - 1 signs stand at both its ends."""
    border = "#" * (length - 1), "$" * (length - 1)
    padded = pl.select(pl.lit(border[0]) + texts + pl.lit(border[1])).to_series()
    sizes = padded.str.len_bytes().to_numpy().astype(np.int64)
    data = np.frombuffer("".join(padded.to_list()).encode("ascii", "replace"), dtype=np.uint8)
    starts = np.repeat(np.r_[0, np.cumsum(sizes)[:-1]], sizes)
    inside = np.arange(len(data)) - starts <= np.repeat(sizes, sizes) - length
    begin = np.flatnonzero(inside)
    code = np.zeros(len(begin), dtype=np.uint64)
    for step in range(length):
        code = (code ^ data[begin + step].astype(np.uint64)) * np.uint64(1_099_511_628_211)
    bucket = (code >> np.uint64(40)) & np.uint64((1 << BUCKET_BITS) - 1)
    text = np.repeat(np.arange(len(texts)), sizes)[begin]
    return _as_sets(
        sparse.csr_matrix(
            (np.ones(len(begin), dtype=np.float32), (text, bucket.astype(np.int64))),
            shape=(len(texts), 1 << BUCKET_BITS),
        )
    )


def _as_sets(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def word_vectors(held: Tokens, *, seed: int, options: WordOptions | None = None) -> Float32:
    """(W, width) vectors of words: near where they are spelled alike, or stand beside the same words.

    In the place of fastText (Bojanowski et al., TACL 2017), which is downloaded: a random projection of the
    n-grams of a word, weighted by rarity (Johnson-Lindenstrauss), beside a truncated SVD of the positive
    pointwise mutual information of words (Levy & Goldberg, NeurIPS 2014: what skip-gram factorises).
    """
    options = options or WordOptions()
    rng = np.random.default_rng((seed, 4))
    spelled = _spelling(held.words, options, rng)
    beside = _contexts(held, options, seed)
    return np.concatenate([spelled, options.weight * beside], axis=1).astype(np.float32)


def _spelling(words: pl.Series, options: WordOptions, rng: np.random.Generator) -> Float32:
    shortest, longest = options.grams
    grams = sparse.hstack([gram_sets(words, n) for n in range(shortest, longest + 1)], format="csr")
    holders = np.bincount(grams.indices, minlength=grams.shape[1])
    used = np.flatnonzero(holders)
    rarity = np.log((1.0 + len(words)) / holders[used]).astype(np.float32)
    scaled = unit_rows(sparse.csr_matrix(grams[:, used] @ sparse.diags(rarity)))
    size = options.width - options.contexts
    directions = rng.standard_normal((len(used), size), dtype=np.float32)
    return _unit(scaled @ directions)


def _contexts(held: Tokens, options: WordOptions, seed: int) -> Float32:
    out = np.zeros((len(held.words), options.contexts), dtype=np.float32)
    mutual = _mutual_information(held, options.window)
    size = min(options.contexts, len(held.words) - 1)
    if mutual.nnz and size > 0:
        left, strength, _ = randomized_svd(mutual, size, n_iter=3, random_state=seed)
        out[:, :size] = left * np.sqrt(strength)
    return _unit(out)


def _mutual_information(held: Tokens, window: int) -> sparse.csr_matrix:
    text = np.repeat(np.arange(len(held.indptr) - 1), np.diff(held.indptr))
    size = len(held.words)
    counts = sparse.csr_matrix((size, size), dtype=np.float32)
    for step in range(1, window + 1):
        together = text[step:] == text[:-step]
        first, second = held.rows[:-step][together], held.rows[step:][together]
        counts += sparse.csr_matrix((np.ones(len(first), np.float32), (first, second)), shape=(size, size))
    counts = (counts + counts.T).tocoo()
    share = np.bincount(counts.row, weights=counts.data, minlength=size)
    expected = share[counts.row] * share[counts.col] / max(share.sum(), 1.0)
    mutual = np.maximum(np.log(counts.data / np.maximum(expected, 1e-12)), 0.0).astype(np.float32)
    return sparse.csr_matrix((mutual, (counts.row, counts.col)), shape=(size, size))


def _unit(rows: AnyArray) -> Float32:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Float32 = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return scaled
