"""How close the values of two attributes are, for many pairs of entities at once."""

from __future__ import annotations

import numpy as np
from numba import njit

from crossgraph._threads import in_parts
from crossgraph._types import AnyArray, Float32, Float64, Int32, Int64
from crossgraph.features.description import AttributeColumn, span, value_pairs
from crossgraph.features.text import TextTable

# Numbers and days are the same fact up to this relative error (rounding, unit conversion).
EXACT = 1e-9
# Pairs that are worth a thread.
LEAST_EACH = 100_000


def text_closeness(
    a: AttributeColumn, b: AttributeColumn, pairs: tuple[Int32, Int32], texts: TextTable
) -> Float32:
    """(P) the best cosine over all combinations of values; NaN where either entity has none."""
    number, left, right = value_pairs(a, b, pairs)
    return best_of_pairs(len(pairs[0]), number, texts.cosines(a.texts[left], b.texts[right]))


def number_distance(a: AttributeColumn, b: AttributeColumn, pairs: tuple[Int32, Int32]) -> Float32:
    """(P) the least difference over all combinations of values; NaN where either has none."""
    left, right = on_one_scale(a, b)
    parts = in_parts(
        lambda part: _least((a.indptr, left), (b.indptr, right), (pairs[0][part], pairs[1][part])),
        len(pairs[0]),
        least=LEAST_EACH,
    )
    return np.concatenate(parts)


def on_one_scale(a: AttributeColumn, b: AttributeColumn) -> tuple[Float64, Float64]:
    """The values of both, so that differences tell; of those of many sizes, by how many times."""
    return (a.sizes, b.sizes) if a.skewed and b.skewed else (a.values, b.values)


@njit(cache=True, nogil=True)
def _least(left: tuple[Int64, Float64], right: tuple[Int64, Float64], pairs: tuple[Int32, Int32]) -> Float32:
    """``number_distance``; a difference beyond float32 is infinite, as far apart as values can be."""
    out = np.full(len(pairs[0]), np.nan, dtype=np.float32)
    for pair in range(len(out)):
        first, last = span(right[0], pairs[1][pair])
        for one in range(*span(left[0], pairs[0][pair])):
            for other in range(first, last):
                a, b = left[1][one], right[1][other]
                distance = abs(a - b)
                if distance <= EXACT * max(abs(a), abs(b)):
                    distance = 0.0
                # What is missing is no number, which is less than none.
                if not distance >= out[pair] and not np.isnan(distance):
                    out[pair] = distance
    return out


def best_of_pairs(count: int, number: Int64, values: AnyArray) -> Float32:
    """(count) the largest value of each pair; NaN for pairs without any.

    number (K)   pair of each value, ascending
    """
    out = np.full(count, np.nan, dtype=np.float32)
    if len(number):
        starts = np.flatnonzero(np.r_[True, np.diff(number) != 0])
        out[number[starts]] = np.maximum.reduceat(values, starts)
    return out


def chance_of(distances: Float32, background: Float32) -> Float32:
    """(P) share of random pairs at least as close: small is telling. NaN stays NaN.

    distances    (P) of the pairs in question
    background   (B) sorted distances of random pairs, without NaN
    """
    if not len(background):
        return np.where(np.isnan(distances), np.nan, 1.0).astype(np.float32)
    rank = np.searchsorted(background, distances, side="right")
    share = (rank + 1.0) / (len(background) + 1.0)
    return np.where(np.isnan(distances), np.nan, np.minimum(share, 1.0)).astype(np.float32)


def random_distances(a: AttributeColumn, b: AttributeColumn, *, most: int = 20_000) -> Float32:
    """Sorted distances of values paired at random (by a fixed stride), without NaN."""
    first, second = (np.sort(values[~np.isnan(values)]) for values in on_one_scale(a, b))
    if not len(first) or not len(second):
        return np.zeros(0, dtype=np.float32)
    # Two golden-ratio strides pair every part of one distribution with every part of the other.
    steps = np.arange(most, dtype=np.float64)
    i = (steps * 0.6180339887498949 % 1.0 * len(first)).astype(np.int64)
    j = (steps * 0.7548776662466927 % 1.0 * len(second)).astype(np.int64)
    with np.errstate(over="ignore"):
        return np.sort(np.abs(first[i] - second[j])).astype(np.float32)
