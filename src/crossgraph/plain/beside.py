"""The two attentions of a pair, neighbour by neighbour: ``model.attention`` as one pass."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from crossgraph._types import Bool, Float32, Int64

# Log weight of what is not there, as in ``model.attention``.
NOTHING = np.float32(-1e30)
ECHOES = 3


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def looked_at(
    messages: tuple[Float32, Float32],
    log_beta: tuple[Float32, Float32],
    mask: tuple[Bool, Bool],
    rarity: tuple[Float32, Float32],
    rows: tuple[Int64, Int64],
    alike: Float32,
    sharpness: float,
    crossed: bool,
) -> tuple[Float32, Float32, Float32]:
    """(P, W), (P, W) weighted sums of both sides' messages, and (P, 6) what they echo.

    messages (K, N, W) and (L, M, W), the others likewise, of entities; rows (P), (P) of pairs among these
    alike (P, N, M)   what is known of the neighbours beforehand; (P, 0, 0) where it is not heeded
    sharpness         of the affinities
    crossed           whether neighbours are weighed by their echo
    """
    pairs, width = len(rows[0]), messages[0].shape[2]
    left = np.zeros((pairs, width), dtype=np.float32)
    right = np.zeros((pairs, width), dtype=np.float32)
    echo = np.zeros((pairs, 2 * ECHOES), dtype=np.float32)
    n, m = messages[0].shape[1], messages[1].shape[1]
    near = np.empty((n, m), dtype=np.float32)
    for pair in range(pairs):
        one, two = rows[0][pair], rows[1][pair]
        _affinities(near, messages[0][one], messages[1][two], mask[0][one], mask[1][two])
        for i in range(n):
            for j in range(m):
                if near[i, j] > NOTHING:
                    near[i, j] *= sharpness
                    if alike.shape[1]:
                        near[i, j] *= np.float32(1.0) - alike[pair, i, j]
        own = _summed(left[pair], near, messages[0][one], log_beta[0][one], mask[0][one], crossed)
        other = _summed(right[pair], near.T, messages[1][two], log_beta[1][two], mask[1][two], crossed)
        if crossed:
            _compared(
                echo[pair],
                _amounts(own, log_beta[0][one], rarity[0][one]),
                _amounts(other, log_beta[1][two], rarity[1][two]),
            )
    return left, right, echo


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _affinities(out: Float32, left: Float32, right: Float32, real_left: Bool, real_right: Bool) -> None:
    """The distances of two sets of messages, negative; ``NOTHING`` where padded."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = NOTHING
            if real_left[i] and real_right[j]:
                square = np.float32(0.0)
                for d in range(left.shape[1]):
                    gap = left[i, d] - right[j, d]
                    square += gap * gap
                out[i, j] = -math.sqrt(square)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _heard(near: Float32) -> tuple[float, float]:
    """How much of a neighbour's affinities there is in all (log), and the best of them; 0 of none."""
    best, total = NOTHING, 0.0
    for one in near:
        best = max(best, one)
    if best == NOTHING:
        return 0.0, 0.0
    for one in near:
        total += math.exp(one - best)
    return float(best) + math.log(total), math.exp(best)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _summed(
    out: Float32, near: Float32, messages: Float32, log_beta: Float32, mask: Bool, crossed: bool
) -> Float32:
    """Add up one side's messages by their weights; how much each of them (N) is echoed."""
    weights, echo = np.zeros(len(mask), dtype=np.float32), np.zeros(len(mask), dtype=np.float32)
    most = NOTHING
    for i in range(len(mask)):
        if mask[i]:
            # With no neighbours on the other side nothing can be echoed, and real neighbours weigh alike.
            heard, echo[i] = _heard(near[i])
            weights[i] = log_beta[i] + (heard if crossed else 0.0)
            most = max(most, weights[i])
    total = 0.0
    for i in range(len(mask)):
        weights[i] = math.exp(weights[i] - most) if mask[i] else 0.0
        total += weights[i]
    for i in range(len(mask)):
        if mask[i]:
            for d in range(len(out)):
                out[d] += weights[i] / total * messages[i, d]
    return echo


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _amounts(echo: Float32, log_beta: Float32, rarity: Float32) -> tuple[float, float, float]:
    """Echoes of a side (N), as self-attention weighs them, all alike, and by rarity."""
    weighed, alike, rare = 0.0, 0.0, 0.0
    for i in range(len(echo)):
        if echo[i] > 0.0:
            weighed += math.exp(log_beta[i]) * echo[i]
            alike += echo[i]
            rare += rarity[i] * echo[i]
    return weighed, alike, rare


@njit(cache=True, nogil=True)
def _compared(out: Float32, own: tuple[float, float, float], other: tuple[float, float, float]) -> None:
    """(6) the smaller and the larger of both sides' amounts."""
    for at in range(ECHOES):
        out[at] = min(own[at], other[at])
        out[ECHOES + at] = max(own[at], other[at])
