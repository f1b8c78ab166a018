"""A quick log-odds for pools of pairs, to rank them before anything is learned.

Fellegi and Sunter (1969): evidence that agrees more often for pairs that are the same than for
candidate pairs counts by the logarithm of that ratio. The two rates come from seed pairs and from the pool.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossgraph._types import Float32, Float64, Int32
from crossgraph.blocking.candidates import Candidates
from crossgraph.features.closeness import chance_of, number_distance, random_distances
from crossgraph.features.description import AttributeColumn, Description, column_of
from crossgraph.schema.mapping import SchemaMapping

# Log-odds of an equal name over an unlike one. Seeds share names by construction, so the data cannot tell.
NAME_SLOPE = 8.0
CHANCE_EDGES = np.array([0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0])
STRUCTURE_EDGES = np.array([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0])


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
    used: set[tuple[str, str]] = set()
    for mapping in schema.attributes:
        a, b = column_of(description.left, mapping.left), column_of(description.right, mapping.right)
        if a is None or b is None or a.kind == "text" or a.kind != b.kind:
            continue
        if used & {("left", a.name), ("right", b.name)}:
            continue
        used |= {("left", a.name), ("right", b.name)}
        background = random_distances(a, b)
        weights = _weights(
            _chance_bins(a, b, background, seeds), _chance_bins(a, b, background, pool), len(CHANCE_EDGES) + 3
        )
        tests.append(ValueTest(a, b, background, weights))
    return tuple(tests)


@dataclass(frozen=True, eq=False)
class Weigher:
    """What turns the names, neighbours and values of a pool's pairs into their prior.

    structure (B)   log-odds of each bin of the structural weight
    """

    tests: tuple[ValueTest, ...]
    structure: Float64

    def log_odds(self, pool: Candidates) -> Float32:
        """(P) name, neighbours and values of each pair, in log-odds up to a constant."""
        total = NAME_SLOPE * pool.name.astype(np.float64)
        total += self.structure[np.searchsorted(STRUCTURE_EDGES, pool.structure) + 1]
        for test in self.tests:
            total += test.log_odds((pool.left, pool.right))
        return total.astype(np.float32)


def weigher_of(tests: tuple[ValueTest, ...], seed_structure: Float32, common: Float32) -> Weigher:
    """Learn from seeds how much a structural weight says.

    seed_structure   (S) structural weight of seed pairs
    common           (P) that of the pairs that seeds are compared with
    """
    bins = len(STRUCTURE_EDGES) + 1
    weights = _weights(
        np.searchsorted(STRUCTURE_EDGES, seed_structure).astype(np.int32) + 1,
        np.searchsorted(STRUCTURE_EDGES, common).astype(np.int32) + 1,
        bins + 1,
    )
    weights[1:] = np.maximum.accumulate(weights[1:])
    return Weigher(tests, weights)


def log_odds(
    pool: Candidates,
    tests: tuple[ValueTest, ...],
    seed_structure: Float32,
    *,
    common: Float32 | None = None,
) -> Float32:
    """(P) the prior of each pair of a pool; ``common`` is the pool's own structure if not given."""
    known = pool.structure if common is None else common
    return weigher_of(tests, seed_structure, known).log_odds(pool)
