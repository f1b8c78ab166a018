"""Where a pair stands among the candidates of the same entity."""

from __future__ import annotations

import numpy as np

from crossgraph._types import AnyArray, Float64, Int32


def lead(groups: Int32, scores: AnyArray) -> Float64:
    """(P) each score minus the best other score of its group; infinite where it stands alone."""
    order = np.lexsort((-scores, groups))
    ordered, values = groups[order], scores[order].astype(np.float64)
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, int)
    sizes = np.diff(np.r_[starts, len(ordered)])
    first = np.repeat(starts, sizes)
    alone = np.repeat(sizes, sizes) == 1
    second = np.where(alone, -np.inf, values[np.minimum(first + 1, max(len(values) - 1, 0))])
    rival = np.where(np.arange(len(values)) == first, second, values[first])
    out = np.empty(len(groups))
    out[order] = values - rival
    return out


def ranks(groups: Int32, scores: AnyArray) -> Int32:
    """(P) 0-based place of each pair within its group, best score first; ties by place in the table."""
    order = np.lexsort((np.arange(len(groups)), -scores, groups))
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, int)
    sizes = np.diff(np.r_[starts, len(ordered)])
    out = np.empty(len(groups), dtype=np.int32)
    out[order] = np.arange(len(groups)) - np.repeat(starts, sizes)
    return out
