"""The largest entries of a sparse product, row by row: what both ways of blocking spend their time on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy import sparse
from sparse_dot_topn import sp_matmul_topn

from crossgraph._threads import threads
from crossgraph._types import Float32, Int64

# Rows that the columns of an asking row find, at most.
REACH = 10_000

Found: TypeAlias = tuple[Int64, Int64, Float32]
Nearest: TypeAlias = Callable[[sparse.csr_matrix, sparse.csr_matrix, int], Found]
"""``nearest_rows``, or what finds the same elsewhere: no row that asks needs another one that does."""


def nearest_rows(asking: sparse.csr_matrix, turned: sparse.csr_matrix, top: int) -> Found:
    """The known rows with the largest products with each row of ``asking`` (P, K).

    turned   (K, Q) the known rows, turned (``turned_rows``), as many look-ups need them
    returns  the places (S), (S) of pairs in both and their products (S); at most ``top`` pairs for each
             asking row, ascending by that
    """
    found = sp_matmul_topn(asking, turned, top_n=top, sort=True, n_threads=threads()).tocoo()
    return found.row.astype(np.int64), found.col.astype(np.int64), found.data


def turned_rows(known: sparse.csr_matrix) -> sparse.csr_matrix:
    """(Q, K) -> (K, Q)."""
    return known.T.tocsr()


def within_reach(asking: sparse.csr_matrix, turned: sparse.csr_matrix) -> sparse.csr_matrix:
    """The rarest columns of each asking row, as many as find ``REACH`` known rows, repeated ones counted.

    What many have in common would cost the square of their number, and tells least. A row that finds fewer
    stays whole, and where all do, the matrix itself comes back.
    """
    finds = np.diff(turned.indptr)[asking.indices]
    each = np.diff(asking.indptr)
    rows = np.repeat(np.arange(asking.shape[0]), each)
    if not len(rows) or np.bincount(rows, finds).max() <= REACH:
        return asking
    order = np.lexsort((finds, rows))
    found = np.cumsum(finds[order])
    before = np.r_[0, found][asking.indptr[:-1]]
    kept = np.empty(len(rows), dtype=bool)
    kept[order] = found - np.repeat(before, each) <= REACH
    return sparse.csr_matrix((asking.data[kept], (rows[kept], asking.indices[kept])), shape=asking.shape)
