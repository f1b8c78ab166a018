"""How a pair stands against its rivals: the other candidates of its left and of its right entity."""

from __future__ import annotations

import numpy as np

from crossgraph._types import Float32, Float64, Int32
from crossgraph.blocking.ranking import lead

VALUE = ":value"
# Of the rivals on either side.
AMONG = (":lead among left's", ":lead among right's")


def lead_columns(name: str, pairs: tuple[Int32, Int32], scores: Float32) -> dict[str, Float32]:
    """Columns ``name:...``: the value, and its lead over the rivals on either side (NaN where alone)."""
    return told_of_leads(name, scores, (lead(pairs[0], scores), lead(pairs[1], scores)))


def told_of_leads(name: str, scores: Float32, leads: tuple[Float64, Float64]) -> dict[str, Float32]:
    """``lead_columns`` of pairs whose leads on either side are known; infinite where alone."""
    left, right = (np.where(np.isinf(one), np.nan, one).astype(np.float32) for one in leads)
    return {name + VALUE: scores, name + AMONG[0]: left, name + AMONG[1]: right}
