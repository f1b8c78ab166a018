"""Products of rows of sparse matrices."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import sparse

from crossgraph._threads import in_parts
from crossgraph._types import AnyArray, Float32, Int32

LEAST_EACH = 100_000
# Pairs of one left row, one after the other, for which it is spread over a place for each column, and the
# most places for each pair.
LEAST_RUN, MOST_SPREAD = 3, 16


def row_products(x: sparse.csr_matrix, y: sparse.csr_matrix, left: Int32, right: Int32) -> Float32:
    """(K) the products of pairs of rows, one of each matrix; the columns of each row ascend.

    Several pairs of one left row, one after the other, cost no look at it but the first.
    """
    rows = (x.indptr, x.indices, x.data), (y.indptr, y.indices, y.data)

    def made(part: slice) -> Float32:
        width = x.shape[1] if x.shape[1] <= MOST_SPREAD * len(left) else 0
        spread = np.zeros(width, dtype=np.float32)
        out: Float32 = _row_products(*rows, left[part], right[part], spread)
        return out

    return np.concatenate(in_parts(made, len(left), least=LEAST_EACH))


@njit(cache=True, nogil=True)
def _row_products(
    x: tuple[AnyArray, AnyArray, AnyArray],
    y: tuple[AnyArray, AnyArray, AnyArray],
    left: Int32,
    right: Int32,
    spread: Float32,
) -> Float32:
    """``row_products`` with a zero for each column, or none where pairs are few."""
    x_ptr, x_columns, x_values = x
    y_ptr, y_columns, y_values = y
    out = np.zeros(len(left), dtype=np.float32)
    start = 0
    while start < len(left):
        end = start + 1
        while end < len(left) and left[end] == left[start]:
            end += 1
        if end - start < LEAST_RUN or not len(spread):
            for pair in range(start, end):
                out[pair] = _merged(x, y, left[pair], right[pair])
        else:
            own = slice(x_ptr[left[start]], x_ptr[left[start] + 1])
            spread[x_columns[own]] = x_values[own]
            for pair in range(start, end):
                total = np.float32(0.0)
                for at in range(y_ptr[right[pair]], y_ptr[right[pair] + 1]):
                    # Added up in the order of ``_merged``; what only one of them has adds nothing.
                    total += spread[y_columns[at]] * y_values[at]
                out[pair] = total
            spread[x_columns[own]] = 0.0
        start = end
    return out


@njit(cache=True, nogil=True)
def _merged(
    x: tuple[AnyArray, AnyArray, AnyArray], y: tuple[AnyArray, AnyArray, AnyArray], left: int, right: int
) -> np.float32:
    """The product of two rows."""
    x_ptr, x_columns, x_values = x
    y_ptr, y_columns, y_values = y
    a, a_end = x_ptr[left], x_ptr[left + 1]
    b, b_end = y_ptr[right], y_ptr[right + 1]
    total = np.float32(0.0)
    while a < a_end and b < b_end:
        if x_columns[a] == y_columns[b]:
            total += x_values[a] * y_values[b]
            a += 1
            b += 1
        elif x_columns[a] < y_columns[b]:
            a += 1
        else:
            b += 1
    return total
