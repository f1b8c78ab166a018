"""Things of a kind together, as compiled code sorts them."""

from __future__ import annotations

import numpy as np
from numba import njit

from crossgraph._types import Bool, Int32, Int64


def by_kind(kinds: Int32, real: Bool, count: int) -> tuple[Int64, list[int]]:
    """Places (S) of what is real in a flattened table, those of one kind together, and how many each has.

    kinds, real (K, N)   integers below ``count``, junk where not real
    """
    places, counts = _by_kind(kinds.ravel(), real.ravel(), count)
    return places, counts.tolist()


@njit(cache=True, nogil=True)
def _by_kind(kinds: Int32, real: Bool, count: int) -> tuple[Int64, Int64]:
    counts = np.zeros(count, dtype=np.int64)
    for at in range(len(kinds)):
        if real[at]:
            # Compiled code would write beyond the table.
            if not 0 <= kinds[at] < count:
                raise IndexError("a kind that there is not")
            counts[kinds[at]] += 1
    free = np.cumsum(counts) - counts
    places = np.empty(counts.sum(), dtype=np.int64)
    for at in range(len(kinds)):
        if real[at]:
            places[free[kinds[at]]] = at
            free[kinds[at]] += 1
    return places, counts
