"""How a pair stands against its rivals: the other candidates of its left and of its right entity."""

from __future__ import annotations

import numpy as np

from crossgraph._types import Float32, Int32
from crossgraph.blocking.ranking import lead


def lead_columns(name: str, pairs: tuple[Int32, Int32], scores: Float32) -> dict[str, Float32]:
    """Columns ``name:...``: the value, and its lead over the rivals on either side (NaN where alone)."""
    left, right = lead(pairs[0], scores), lead(pairs[1], scores)
    return {
        f"{name}:value": scores,
        f"{name}:lead among left's": np.where(np.isinf(left), np.nan, left).astype(np.float32),
        f"{name}:lead among right's": np.where(np.isinf(right), np.nan, right).astype(np.float32),
    }
