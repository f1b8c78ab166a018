"""Where a pair stands among the candidates of the same entity."""

from __future__ import annotations

import numpy as np

from crossgraph._types import AnyArray, Float64, Int32


def lead(groups: Int32, scores: AnyArray) -> Float64:
    """(P) each score minus the best other score of its group; infinite where it stands alone."""
    values = scores.astype(np.float64)
    best = np.full(int(groups.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(best, groups, values)
    leads = values == best[groups]
    sharing = np.bincount(groups[leads], minlength=len(best))
    second = np.full(len(best), -np.inf)
    np.maximum.at(second, groups[~leads], values[~leads])
    alone_ahead = leads & (sharing[groups] == 1)
    out: Float64 = values - np.where(alone_ahead, second[groups], best[groups])
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
