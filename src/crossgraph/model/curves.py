"""Curves: what an ``EvidenceScorer`` says, looked up in tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit

from crossgraph._types import Float32, Float64, Int64
from crossgraph.model.options import BINS

# Pairs whose sums are held at once, beside the table of one column: both stay in the nearest cache.
TOGETHER = 64


@dataclass(frozen=True, eq=False)
class Curves:
    """A trained scorer whose sums over intervals are added up beforehand.

    A value has climbed all intervals below it, a part of its own, and none above: so each of F columns gives
    the H hidden units and the straight way a place on a curve each, whose pieces are straight lines.

    counts (F)                       intervals of each column
    low, steepness (F, BINS)         where they begin (never, beyond the last), and 1 / their length
    start, slope (F, BINS, H + 1)    what a value at the begin of an interval has beside a missing one, and
                                     what it gains to the end; the straight way comes last
    base (H + 1)                     what a pair has of which nothing is known
    out (H), offset                  from there to the score
    """

    counts: Int64
    low: Float32
    steepness: Float32
    start: Float32
    slope: Float32
    base: Float32
    out: Float32
    offset: float

    @staticmethod
    def of(weights: Mapping[str, Float32]) -> Curves:
        """From the weights of a scorer, by the names that ``EvidenceScorer`` gives them."""
        edges, gaps = weights["edges"], weights["gaps"]
        both = [
            np.concatenate([weights[f"hidden.{what}"], weights[f"straight.{what}"]]).astype(np.float64)
            for what in ("weight", "bias")
        ]
        by_interval = both[0].T.reshape(BINS + 1, len(edges), len(both[1])).transpose(1, 0, 2)
        # What was never missing says nothing where it is.
        missing = np.where(gaps[:, None], by_interval[:, BINS], 0.0)
        length = (edges[:, 1:] - edges[:, :-1]).astype(np.float32)
        # Intervals without length say nothing: the others go first, in their order.
        order = np.argsort(length <= 0, axis=1, kind="stable")
        told = np.take_along_axis(length, order, axis=1)
        real = told > 0
        slope = np.take_along_axis(by_interval[:, :BINS], order[:, :, None], axis=1) * real[:, :, None]
        return Curves(
            counts=real.sum(axis=1),
            low=np.where(real, np.take_along_axis(edges[:, :-1], order, axis=1), np.inf).astype(np.float32),
            steepness=(real / np.maximum(told, np.float32(1e-12))).astype(np.float32),
            start=(np.cumsum(slope, axis=1) - slope - missing[:, None]).astype(np.float32),
            slope=slope.astype(np.float32),
            base=_summed(both[1], missing),
            out=weights["out.weight"][0].astype(np.float32),
            offset=float(weights["out.bias"][0]),
        )

    def score(self, values: Float32) -> Float32:
        """Scores (P) of evidence (P, F), NaN where missing. Raises ValueError for other columns than F."""
        if values.shape[1] != len(self.counts):
            raise ValueError(f"{values.shape[1]} columns of evidence for a scorer of {len(self.counts)}")
        intervals = self.counts, self.low, self.steepness
        values = np.ascontiguousarray(values, dtype=np.float32)
        lines = self.start, self.slope
        scores: Float32 = _scores(values, intervals, lines, self.base, self.out, self.offset)
        return scores


def _summed(bias: Float64, missing: Float64) -> Float32:
    base: Float32 = (bias + missing.sum(axis=0)).astype(np.float32)
    return base


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _scores(
    values: Float32,
    intervals: tuple[Int64, Float32, Float32],
    lines: tuple[Float32, Float32],
    base: Float32,
    out: Float32,
    offset: float,
) -> Float32:
    """Scores (P), see ``Curves``."""
    counts, low, steepness = intervals
    start, slope = lines
    width = len(base)
    scores = np.empty(len(values), dtype=np.float32)
    sums = np.empty((TOGETHER, width), dtype=np.float32)
    for first in range(0, len(values), TOGETHER):
        size = min(TOGETHER, len(values) - first)
        sums[:] = base
        for column in range(values.shape[1]):
            for pair in range(size):
                value = values[first + pair, column]
                if np.isnan(value):
                    continue
                # To look at all intervals costs less than to guess where to stop.
                at = np.int64(0)
                for interval in range(1, low.shape[1]):
                    at += np.int64(value > low[column, interval])
                climbed = np.float32(0)
                # Where there is no interval, the infinite times nothing would be no number.
                if counts[column]:
                    climbed = (value - low[column, at]) * steepness[column, at]
                    climbed = min(max(climbed, np.float32(0)), np.float32(1))
                own, here, gained = sums[pair], start[column, at], slope[column, at]
                for unit in range(width):
                    own[unit] += here[unit] + climbed * gained[unit]
        for pair in range(size):
            score = np.float64(sums[pair, width - 1]) + offset
            for unit in range(width - 1):
                score += max(sums[pair, unit], np.float32(0)) * out[unit]
            scores[first + pair] = score
    return scores
