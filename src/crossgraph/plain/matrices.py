"""Vectors through matrices that are chosen for each of them, and weighted sums of rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numba import njit

from crossgraph._types import Float32, Int32, Int64


def through_matrices(h: Float32, rows: Int64, counts: list[int], matrices: Float32) -> Float32:
    """(T, O) vectors h[rows] (T, D), each through the matrix of its kind: ``W_kind h``.

    h (E, D), rows (T) those of one kind together, as many of each of K kinds as ``counts`` says, matrices
    (K, O, D).
    """
    out = np.empty((len(rows), matrices.shape[1]), dtype=np.float32)
    ends = np.cumsum([0, *counts]).tolist()
    for (start, end), matrix in zip(pairwise(ends), matrices, strict=True):
        if end > start:
            np.matmul(h[rows[start:end]], matrix.T, out=out[start:end])
    return out


@njit(cache=True, nogil=True)
def weighted_sum(rows: Int32, table: Float32, weights: Float32) -> Float32:
    """(K, D) ``sum_a weights[k, a] table[rows[k, a]]`` of rows (K, A), table (S, D) and weights (K, A)."""
    out = np.zeros((len(rows), table.shape[1]), dtype=np.float32)
    for k in range(rows.shape[0]):
        for a in range(rows.shape[1]):
            weight = weights[k, a]
            if weight != 0.0:
                for d in range(table.shape[1]):
                    out[k, d] += weight * table[rows[k, a], d]
    return out
