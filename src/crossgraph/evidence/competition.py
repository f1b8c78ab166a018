"""How a pair stands against its rivals: the other candidates of its left and of its right entity."""

from __future__ import annotations

import numpy as np

from crossgraph._types import Float32, Int32
from crossgraph.blocking.ranking import lead

VALUE = ":value"
# Of the rivals on either side.
AMONG = (":lead among left's", ":lead among right's")


def lead_columns(name: str, pairs: tuple[Int32, Int32], scores: Float32) -> dict[str, Float32]:
    """Columns ``name:...``: the value, and its lead over the rivals on either side (NaN where alone)."""
    left, right = lead(pairs[0], scores), lead(pairs[1], scores)
    return {
        name + VALUE: scores,
        name + AMONG[0]: np.where(np.isinf(left), np.nan, left).astype(np.float32),
        name + AMONG[1]: np.where(np.isinf(right), np.nan, right).astype(np.float32),
    }
