"""PlainScorer: what ``model.scorer.EvidenceScorer`` says of evidence, on arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from crossgraph._types import Float32, Int64

# Encoded pairs held at once.
CHUNK = 512


@dataclass(frozen=True, eq=False)
class PlainScorer:
    """A trained scorer.

    weights   as ``EvidenceScorer`` calls them
    """

    weights: Mapping[str, Float32]

    def score(self, values: Float32) -> Float32:
        """Scores (P) of evidence (P, F), NaN where missing."""
        scores = np.empty(len(values), dtype=np.float32)
        for start in range(0, len(values), CHUNK):
            part = slice(start, start + CHUNK)
            scores[part] = self._score(values[part])
        return scores

    def _score(self, values: Float32) -> Float32:
        column, low, steepness, gap = self._encoding
        weight, bias = self._straight
        encoded = _encoded(values, column, low, steepness, gap)
        sums = encoded @ weight + bias
        bent = np.maximum(sums[:, :-1], 0.0) @ self.weights["out.weight"][0]
        scores: Float32 = sums[:, -1] + (bent + self.weights["out.bias"])
        return scores

    @cached_property
    def _encoding(self) -> tuple[Int64, Float32, Float32, Int64]:
        """Of each interval its column, where it begins and 1 / its length; and the columns that have gaps."""
        low, high = self.weights["edges"][:, :-1].T, self.weights["edges"][:, 1:].T
        told = high > low
        steepness = np.float32(1.0) / np.maximum((high - low)[told], np.float32(1e-12))
        return np.nonzero(told)[1], low[told], steepness, np.flatnonzero(self.weights["gaps"])

    @cached_property
    def _straight(self) -> tuple[Float32, Float32]:
        """(W, hidden + 1) weights of what is encoded, and their bias."""
        edges, gaps = self.weights["edges"], self.weights["gaps"]
        told = np.flatnonzero((edges[:, 1:] > edges[:, :-1]).T.ravel())
        places = np.r_[told, (edges.shape[1] - 1) * len(edges) + np.flatnonzero(gaps)]
        both = [
            np.concatenate([self.weights[f"hidden.{what}"], self.weights[f"straight.{what}"]])
            for what in ("weight", "bias")
        ]
        return np.ascontiguousarray(both[0][:, places].T), both[1]


@njit(cache=True, nogil=True)
def _encoded(values: Float32, column: Int64, low: Float32, steepness: Float32, gap: Int64) -> Float32:
    """(P, W) how far each value has climbed through each interval, and what is missing."""
    out = np.zeros((len(values), len(column) + len(gap)), dtype=np.float32)
    for row in range(len(values)):
        for at in range(len(column)):
            climbed = (values[row, column[at]] - low[at]) * steepness[at]
            # Of what is missing neither holds.
            if climbed >= 1.0:
                out[row, at] = 1.0
            elif climbed > 0.0:
                out[row, at] = climbed
        for at in range(len(gap)):
            out[row, len(column) + at] = np.isnan(values[row, gap[at]])
    return out
