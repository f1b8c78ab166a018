"""A quick log-odds for pools of pairs, to rank them before anything is learned.

Fellegi and Sunter (1969): evidence that agrees more often for pairs that are the same than for
candidate pairs counts by the logarithm of that ratio. The two rates come from seed pairs and from the pool.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossgraph._types import Float32, Float64, Int32
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.values import value_attributes
from crossgraph.features.closeness import chance_of, number_distance, random_distances
from crossgraph.features.description import AttributeColumn, Description
from crossgraph.schema.mapping import SchemaMapping

# Log-odds of an equal name over an unlike one. Seeds share names by construction, so the data cannot tell.
NAME_SLOPE = 8.0
CHANCE_EDGES = np.array([0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0])
# What is believed of the root of a structural weight before seeds are seen, as if so many had said it.
USUAL_SEEDS, USUAL_SLOPE, USUAL_SPREAD = 20, 5.0, 0.15
LEAST_APART = 0.01


@dataclass(frozen=True, eq=False)
class ValueTest:
    """How telling a closeness of two numeric attributes is: ``weights[bin]`` log-odds, 0 where missing."""

    left: AttributeColumn
    right: AttributeColumn
    background: Float32
    weights: Float64

    def log_odds(self, pairs: tuple[Int32, Int32]) -> Float64:
        """(P) the weight of each pair."""
        return self.weights[_chance_bins(self.left, self.right, self.background, pairs)]


def _chance_bins(
    a: AttributeColumn, b: AttributeColumn, background: Float32, pairs: tuple[Int32, Int32]
) -> Int32:
    distance = number_distance(a, b, pairs)
    chance = chance_of(distance, background)
    bins = np.searchsorted(CHANCE_EDGES, chance) + 1
    return np.where(np.isnan(chance), 0, np.where(distance == 0, 1, bins + 1)).astype(np.int32)


def _weights(seed_bins: Int32, pool_bins: Int32, bins: int) -> Float64:
    """Smoothed log ratio of the bin's share among seeds and in the pool; bin 0 (missing) weighs nothing."""
    seed = np.bincount(seed_bins[seed_bins > 0], minlength=bins) + 0.5
    pool = np.bincount(pool_bins[pool_bins > 0], minlength=bins) + 0.5
    weights: Float64 = np.log(seed / seed.sum()) - np.log(pool / pool.sum())
    weights[0] = 0.0
    return weights


def value_tests(
    description: Description,
    schema: SchemaMapping,
    seeds: tuple[Int32, Int32],
    pool: tuple[Int32, Int32],
) -> tuple[ValueTest, ...]:
    """The mapped attributes that are numbers or dates, each tested once, with its best partner."""
    tests: list[ValueTest] = []
    for a, b in value_attributes(description, schema):
        background = random_distances(a, b)
        weights = _weights(
            _chance_bins(a, b, background, seeds), _chance_bins(a, b, background, pool), len(CHANCE_EDGES) + 3
        )
        tests.append(ValueTest(a, b, background, weights))
    return tuple(tests)


@dataclass(frozen=True, eq=False)
class Weigher:
    """What turns the names, neighbours and values of a pool's pairs into their prior.

    slope, middle   log-odds of the root of the structural weight: how steep, and where they are 0
    """

    tests: tuple[ValueTest, ...]
    slope: float
    middle: float

    def log_odds(self, pool: Candidates) -> Float32:
        """(P) name, neighbours and values of each pair, in log-odds up to a constant."""
        total = NAME_SLOPE * pool.name.astype(np.float64)
        total += self.slope * (np.sqrt(pool.structure.astype(np.float64)) - self.middle)
        for test in self.tests:
            total += test.log_odds((pool.left, pool.right))
        return total.astype(np.float32)


def weigher_of(tests: tuple[ValueTest, ...], seed_structure: Float32, common: Float32) -> Weigher:
    """Learn from seeds how much a structural weight says: Fisher's linear discriminant of its root.

    Of two pairs the one with more in common is always ahead, however few seeds there are; a table of bins
    has ties just where most candidates are.

    seed_structure   (S) structural weight of seed pairs
    common           (P) that of the pairs that seeds are compared with
    """
    if not len(common) or not (common.any() or seed_structure.any()):
        return Weigher(tests, 0.0, 0.0)
    same, others = (np.sqrt(one.astype(np.float64)) for one in (seed_structure, common))
    usual = others.mean() + USUAL_SLOPE * USUAL_SPREAD**2
    apart = float((same.sum() + USUAL_SEEDS * usual) / (len(same) + USUAL_SEEDS) - others.mean())
    variances = [others.var(), USUAL_SPREAD**2, *([same.var()] if len(same) else [])]
    slope = max(apart, LEAST_APART) / float(np.mean(variances))
    return Weigher(tests, slope, float(others.mean()) + apart / 2)
