"""Products of rows of sparse matrices."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import sparse

from crossgraph._threads import in_parts
from crossgraph._types import AnyArray, Float32, Int32

LEAST_EACH = 100_000


def row_products(x: sparse.csr_matrix, y: sparse.csr_matrix, left: Int32, right: Int32) -> Float32:
    """(K) the products of pairs of rows, one of each matrix; the columns of each row ascend."""
    rows = (x.indptr, x.indices, x.data), (y.indptr, y.indices, y.data)
    parts = in_parts(lambda part: _row_products(*rows, left[part], right[part]), len(left), least=LEAST_EACH)
    return np.concatenate(parts)


@njit(cache=True, nogil=True)
def _row_products(
    x: tuple[AnyArray, AnyArray, AnyArray], y: tuple[AnyArray, AnyArray, AnyArray], left: Int32, right: Int32
) -> Float32:
    x_ptr, x_columns, x_values = x
    y_ptr, y_columns, y_values = y
    out = np.zeros(len(left), dtype=np.float32)
    for pair in range(len(left)):
        a, a_end = x_ptr[left[pair]], x_ptr[left[pair] + 1]
        b, b_end = y_ptr[right[pair]], y_ptr[right[pair] + 1]
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
        out[pair] = total
    return out
