from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.prior import NAME_SLOPE, value_tests, weigher_of
from crossgraph.features.description import describe
from crossgraph.schema.mapping import AttributeMapping, SchemaMapping
from features.plain import graph_of, ints

SCHEMA = SchemaMapping((), (), (AttributeMapping("size", "size"), AttributeMapping("size", "weight")))
COUNT = 60


@pytest.fixture(scope="module")
def description():
    sizes = np.random.default_rng(0).integers(1, 10**6, COUNT)
    facts = [(f"e{i:02}", "size", str(size)) for i, size in enumerate(sizes)]
    return describe(graph_of([("z", "t")], facts=facts), graph_of([("z", "t")], facts=facts))


def pool(*, name=0.0, structure=0.0):
    first, second = (side.ravel() for side in np.meshgrid(range(COUNT + 1), range(COUNT + 1), indexing="ij"))
    found = Candidates.of_pairs(first, second, name)
    return replace(found, structure=np.full(len(found), structure, dtype=np.float32))


def test_equal_values_speak_for_a_pair_and_missing_ones_say_nothing(description):
    pairs = pool()
    seeds = np.arange(COUNT, dtype=np.int32), np.arange(COUNT, dtype=np.int32)
    tests = value_tests(description, SCHEMA, seeds, (pairs.left, pairs.right))
    assert len(tests) == 1
    odds = tests[0].log_odds((pairs.left, pairs.right))
    missing = (pairs.left == COUNT) | (pairs.right == COUNT)
    assert (odds[missing] == 0).all()
    equal = pairs.left == pairs.right
    assert odds[equal & ~missing].min() > np.log(COUNT) - 1
    # The log ratio of two shares, smoothed by half a pair in each of ten bins.
    total = COUNT**2
    ratio = (COUNT + 0.5) / (COUNT + 5) / ((COUNT + 0.5) / (total + 5))
    assert odds[0] == pytest.approx(np.log(ratio), rel=0.05)


def test_without_seeds_values_weigh_alike(description):
    pairs = pool()
    tests = value_tests(description, SCHEMA, (ints(), ints()), (pairs.left, pairs.right))
    assert np.isfinite(tests[0].weights).all()


def test_texts_and_unknown_attributes_are_no_tests(description):
    other = SchemaMapping((), (), (AttributeMapping("size", "gone"), AttributeMapping("gone", "size")))
    assert value_tests(description, other, (ints(), ints()), (ints(0), ints(0))) == ()


def log_odds(candidates, seeds):
    """The prior of a pool that is its own measure of what is common."""
    return weigher_of((), seeds, candidates.structure).log_odds(candidates)


def test_a_nearer_name_and_more_shared_neighbours_never_lower_the_odds():
    none = np.zeros(0, dtype=np.float32)
    names = [log_odds(pool(name=name), none)[0] for name in (0.0, 0.5, 1.0)]
    assert np.diff(names) == pytest.approx([NAME_SLOPE / 2] * 2)
    structure = np.geomspace(1e-4, 1, 30).astype(np.float32)
    mixed = replace(pool().take(np.arange(30)), structure=structure)
    for seeds in ([0.5, 0.5, 0.9, 0.002], [0.0], []):
        assert (np.diff(log_odds(mixed, np.array(seeds, dtype=np.float32))) > 0).all()


def test_structure_counts_as_much_as_seeds_have_more_of_it():
    # Roots: .1 and .3 in common, 100,000 seeds at .6: apart by .4, variances .01, .0225 and 0.
    common = np.array([0.01, 0.09], dtype=np.float32)
    found = weigher_of((), np.full(100_000, 0.36, dtype=np.float32), common)
    assert found.slope == pytest.approx(0.4 / (0.0325 / 3), rel=1e-3)
    assert found.middle == pytest.approx(0.4, rel=1e-3)
    nothing = np.zeros(2, dtype=np.float32)
    assert weigher_of((), nothing, nothing).slope == 0.0
    assert weigher_of((), common, nothing).slope > 0, "only seeds have any"


def test_an_empty_pool_has_no_odds():
    assert len(log_odds(Candidates.united(), np.zeros(3, dtype=np.float32))) == 0
