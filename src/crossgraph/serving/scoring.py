"""The pair scorers for few pairs of which little is known: what is missing is worked out beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from crossgraph._types import Float32, Int64
from crossgraph.model.options import BINS
from crossgraph.model.scorer import EvidenceScorer


@dataclass(frozen=True, eq=False)
class QuickScorer:
    """An ``EvidenceScorer`` that says the same at a cost of the columns that are known.

    edges (F, BINS + 1)           intervals of each column
    weights (F, BINS + 1, 1 + H)  of the straight way and the hidden units; a column's last is for missing
    base (1 + H)                  what a pair has of which nothing is known
    last (1 + H), offset          from there to the score
    """

    edges: Float32
    weights: Float32
    base: Float32
    last: Float32
    offset: float

    @staticmethod
    def of(scorer: EvidenceScorer) -> QuickScorer:
        """From a trained one."""
        state = {name: tensor.detach().cpu().numpy() for name, tensor in scorer.state_dict().items()}
        weights = np.r_[state["straight.weight"], state["hidden.weight"]]
        by_interval = weights.T.reshape(BINS + 1, len(state["edges"]), len(weights))
        by_column = np.ascontiguousarray(by_interval.transpose(1, 0, 2))
        # What was never missing says nothing where it is.
        by_column[~state["gaps"], BINS] = 0.0
        bias = np.r_[state["straight.bias"], state["hidden.bias"]]
        return QuickScorer(
            edges=state["edges"],
            weights=by_column,
            base=(bias + by_column[:, BINS].sum(axis=0)).astype(np.float32),
            last=np.r_[np.float32(1.0), state["out.weight"][0]].astype(np.float32),
            offset=float(state["out.bias"][0]),
        )

    def score(self, values: Float32) -> Float32:
        """Scores (P) of evidence (P, F)."""
        known = np.flatnonzero(~np.isnan(values).all(axis=0))
        encoded = _encoded(values, self.edges, known)
        # What is missing for all has its part in the base; of the others it is taken out again.
        weights = self.weights[known]
        base = self.base - weights[:, BINS].sum(axis=0)
        inside = encoded @ weights.reshape(-1, weights.shape[2]) + base
        np.maximum(inside[:, 1:], 0.0, out=inside[:, 1:])
        scores: Float32 = (inside @ self.last + self.offset).astype(np.float32)
        return scores


@njit(cache=True, nogil=True)
def _encoded(values: Float32, edges: Float32, known: Int64) -> Float32:
    """(P, K * (BINS + 1)) of some columns, see ``Encoding``."""
    width = edges.shape[1]
    out = np.zeros((len(values), len(known) * width), dtype=np.float32)
    for pair in range(len(values)):
        for at in range(len(known)):
            value, start = values[pair, known[at]], at * width
            if np.isnan(value):
                out[pair, start + width - 1] = 1.0
                continue
            for part in range(width - 1):
                low, high = edges[known[at], part], edges[known[at], part + 1]
                if high > low:
                    span = max(high - low, np.float32(1e-12))
                    out[pair, start + part] = min(max((value - low) / span, 0.0), 1.0)
    return out
