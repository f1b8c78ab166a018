"""Random numbers that depend on what they are for and on nothing else.

Each is a hash of the seed, a purpose and some numbers (an entity, a place in a list), so what is drawn of one
entity is the same whatever was drawn before, in whichever order and in whichever pieces.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from crossgraph._types import AnyArray, Float64, Int64, UInt64

_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Draws:
    """All random numbers of one seed."""

    seed: int

    def uniform(self, purpose: str, *numbers: AnyArray | int) -> Float64:
        """Numbers in [0, 1), one for each row of ``numbers``, which are broadcast against each other.

        Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (SplitMix), OOPSLA 2014.
        """
        name = f"{self.seed} {purpose}".encode()
        state = np.frombuffer(hashlib.blake2b(name, digest_size=8).digest(), dtype="<u8")
        for number in numbers:
            state = _mixed(state + (np.atleast_1d(number).astype(np.uint64) + np.uint64(1)) * _STEP)
        uniform: Float64 = (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return uniform

    def below(self, bound: int, purpose: str, *numbers: AnyArray | int) -> Int64:
        """Whole numbers from 0 to ``bound`` - 1."""
        whole: Int64 = (self.uniform(purpose, *numbers) * bound).astype(np.int64)
        return whole

    def permutation(self, count: int, purpose: str) -> Int64:
        """The numbers from 0 to ``count`` - 1 in a random order."""
        return np.argsort(self.uniform(purpose, np.arange(count)), kind="stable")


def _mixed(state: UInt64) -> UInt64:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: UInt64 = state ^ (state >> np.uint64(31))
    return mixed


def zipf(uniform: Float64, count: int, *, skew: float, shift: float) -> Int64:
    """Ranks from 0 to ``count`` - 1, chances near (rank + shift)^-skew (Zipf and Mandelbrot); skew < 1."""
    power = 1.0 - skew
    low, high = shift**power, (count + shift) ** power
    ranks = (low + uniform * (high - low)) ** (1.0 / power) - shift
    whole: Int64 = np.clip(ranks.astype(np.int64), 0, count - 1)
    return whole


def pareto(uniform: Float64, *, least: int, tail: float, most: int) -> Int64:
    """Sizes from ``least`` to ``most`` of which P(size >= n) falls like n^-tail."""
    whole: Int64 = np.minimum(least * (1.0 - uniform) ** (-1.0 / tail), most).astype(np.int64)
    return whole
