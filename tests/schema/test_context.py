"""Seeds of types that have none."""

from __future__ import annotations

import numpy as np
import pytest

from crossgraph.blocking.combine import BlockingOptions
from crossgraph.features.description import describe
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.preparation import Known
from crossgraph.proposing import prepare
from crossgraph.schema.context import (
    among_neighbours,
    context_seeds,
    has_figures,
    shared_rare_numbers,
    unseeded,
)
from crossgraph.schema.estimate import SchemaOptions
from crossgraph.schema.seeds import EntityPairs, shared_rare_values
from features.plain import graph_of

STATES = ("Alabama", "Texas", "Oregon", "Nevada", "Idaho", "Utah")
CODES = ("AL", "TX", "OR", "NV", "ID", "UT")


def named(pairs: EntityPairs, left: KnowledgeGraph, right: KnowledgeGraph) -> set[tuple[str, str]]:
    return set(zip(left.ids.gather(pairs.left), right.ids.gather(pairs.right), strict=True))


def counties(names: tuple[str, ...], *, by: str, turned: bool) -> KnowledgeGraph:
    """Four counties in each state, which bear one name in both graphs; states do not."""
    types, edges, facts = [], [], []
    for at, name in enumerate(names):
        state = f"{by}{at}"
        types.append((state, f"{by}-state"))
        facts.append((state, f"{by}-name", name))
        for number in range(4):
            county = f"{by}c{at}{number}"
            types.append((county, f"{by}-county"))
            facts.append((county, f"{by}-name", f"county {chr(97 + at)}{chr(110 + number)}"))
            edges.append((state, "has", county) if turned else (county, "in", state))
    return graph_of(types, edges, facts)


def test_who_shares_most_of_its_seeded_neighbours_is_a_seed():
    left, right = counties(STATES, by="l", turned=False), counties(CODES, by="r", turned=True)
    description = describe(left, right)
    seeds = shared_rare_values(description)
    assert len(seeds) == 24
    assert unseeded((left, right), seeds)[0].sum() == len(STATES)
    found = context_seeds((left, right), description, seeds)
    assert named(found, left, right) == {(f"l{n}", f"r{n}") for n in range(6)}
    again = context_seeds((left, right), description, seeds.and_also(found.take(np.arange(1))))
    assert len(again) == 0, "who has seeds gets no others"


def test_a_type_keeps_those_of_the_round_before_until_it_has_as_many_of_its_own():
    left, right = counties(STATES, by="l", turned=False), counties(CODES, by="r", turned=True)
    description = describe(left, right)
    seeds = shared_rare_values(description)
    former = context_seeds((left, right), description, seeds)
    for own in (2, 6):
        more = seeds.and_also(former.take(np.arange(own)))
        found = context_seeds((left, right), description, more, former=former)
        assert len(found) == 6 - own


def test_known_non_matches_are_no_seeds():
    left, right = counties(STATES, by="l", turned=False), counties(CODES, by="r", turned=True)
    description = describe(left, right)
    seeds = shared_rare_values(description)
    texas = EntityPairs.of([left.position("l1")], [right.position("r1")])
    found = named(context_seeds((left, right), description, seeds, different=texas), left, right)
    assert ("l1", "r1") not in found
    assert ("l2", "r2") in found


def test_types_without_a_common_word_are_compared_by_their_neighbours():
    left, right = counties(STATES, by="l", turned=False), counties(CODES, by="r", turned=True)
    found = prepare(
        (left, right), Known.nothing(), schema_options=SchemaOptions(), blocking=BlockingOptions()
    )
    assert ("l-state", "r-state") in {(one.left, one.right) for one in found.schema.types}
    pairs = EntityPairs.of(found.candidates.left, found.candidates.right)
    assert {(f"l{n}", f"r{n}") for n in range(6)} <= named(pairs, left, right)


def feasts(days: list[tuple[str, ...]], by: str) -> KnowledgeGraph:
    """Countries that bear one name in both graphs, with the days of their feasts, which have no names."""
    types, edges, facts = [], [], []
    for country, dates in enumerate(days):
        types.append((f"{by}{country}", "country"))
        facts.append((f"{by}{country}", "name", f"country {chr(97 + country)}"))
        for number, date in enumerate(dates):
            feast = f"{by}{country}f{number}"
            types.append((feast, f"feast {by}"))
            edges.append((feast, "in", f"{by}{country}"))
            facts.append((feast, f"day {by}", date))
    return graph_of(types, edges, facts)


def test_a_value_that_one_alone_has_beside_a_seed_tells_who_it_is():
    """In one country two feasts fall on one day; one day is a feast everywhere."""
    days = [(f"2024-0{at}-06", f"2024-0{at}-13", "2024-12-25") for at in range(1, 6)]
    days.append(("2024-05-01", "2024-05-01"))
    left, right = feasts(days, "l"), feasts(days, "r")
    description = describe(left, right)
    seeds = shared_rare_values(description)
    assert len(seeds) == 6
    found = among_neighbours((left, right), description, seeds, unseeded((left, right), seeds))
    assert named(found, left, right) == {
        (f"l{at}f{number}", f"r{at}f{number}") for at in range(5) for number in range(3)
    }


def test_values_that_are_beside_the_wrong_seeds_as_often_are_no_seeds():
    days = [tuple(f"2024-{month:02}-01" for month in range(1, 13)) for _ in range(6)]
    left, right = feasts(days, "l"), feasts(days, "r")
    description = describe(left, right)
    seeds = shared_rare_values(description)
    assert len(among_neighbours((left, right), description, seeds, unseeded((left, right), seeds))) == 0


def numbered(numbers: list[float], by: str) -> KnowledgeGraph:
    return graph_of(
        [(f"{by}{at}", f"thing {by}") for at in range(len(numbers))],
        facts=[(f"{by}{at}", f"density {by}", str(number)) for at, number in enumerate(numbers)],
    )


@pytest.mark.parametrize("size", [3, 4, 12])
def test_rare_numbers_of_attributes_that_share_enough_of_them_are_seeds(size):
    numbers = [1.051 + 0.113 * at for at in range(size)]
    left, right = numbered(numbers, "l"), numbered(numbers[::-1], "r")
    found = shared_rare_numbers(describe(left, right), (np.ones(size, bool), np.ones(size, bool)))
    expected = {(f"l{at}", f"r{size - 1 - at}") for at in range(size)} if size >= 4 else set()
    assert named(found, left, right) == expected


def test_round_numbers_and_numbers_that_several_have_are_no_seeds():
    numbers = [10.0, 2000.0, 7.0, 0.5, 3.14, 3.14, *(1.051 + 0.113 * at for at in range(6))]
    left, right = numbered(numbers, "l"), numbered(numbers, "r")
    everyone = np.ones(len(numbers), dtype=bool)
    found = shared_rare_numbers(describe(left, right), (everyone, everyone))
    assert named(found, left, right) == {(f"l{at}", f"r{at}") for at in range(6, 12)}
    none = shared_rare_numbers(describe(left, right), (everyone, ~everyone))
    assert len(none) == 0


@pytest.mark.parametrize(
    "numbers", [(range(1000, 1200), range(1050, 1250)), (range(1896, 2025, 4), range(1901, 2025))]
)
def test_numbers_that_run_on_are_equal_by_chance(numbers):
    left, right = (numbered([float(one) for one in own], by) for own, by in zip(numbers, "lr", strict=True))
    everyone = tuple(np.ones(len(own), dtype=bool) for own in numbers)
    assert len(shared_rare_numbers(describe(left, right), (everyone[0], everyone[1]))) == 0


def test_the_right_runner_up_is_no_longer_behind_a_pair_that_is_known_to_differ():
    numbers = [1.051 + 0.113 * at for at in range(8)]
    left, right = numbered(numbers, "l"), numbered(numbers, "r")
    everyone = np.ones(8, dtype=bool)
    wrong = EntityPairs.of([0], [0])
    found = shared_rare_numbers(describe(left, right), (everyone, everyone), wrong)
    assert named(found, left, right) == {(f"l{at}", f"r{at}") for at in range(1, 8)}


@pytest.mark.parametrize("names", ["xy", "yx"])
def test_an_entity_with_two_partners_is_beside_both_whatever_they_are_called(names):
    hubs = [f"{name}{at}" for at in range(5) for name in names]
    words = [f"red fox {chr(97 + at)}" for at in range(5)]
    left = graph_of(
        [*((f"c{at}", "hub") for at in range(5)), *((f"s{at}", "l") for at in range(5))],
        [(f"s{at}", "in", f"c{at}") for at in range(5)],
        [(f"s{at}", "k", word) for at, word in enumerate(words)],
    )
    right = graph_of(
        [*((hub, "hub") for hub in hubs), *((f"t{at}", "r") for at in range(5))],
        [(f"t{at}", "in", f"{names[0]}{at}") for at in range(5)],
        [(f"t{at}", "n", word) for at, word in enumerate(words)],
    )
    ends = [(left.position(f"c{at}"), right.position(f"{name}{at}")) for at in range(5) for name in "xy"]
    seeds = EntityPairs.of(*zip(*ends, strict=True))
    found = among_neighbours((left, right), describe(left, right), seeds, unseeded((left, right), seeds))
    assert named(found, left, right) == {(f"s{at}", f"t{at}") for at in range(5)}


def test_figures_are_counted_from_the_first_that_is_not_zero():
    few = np.array([0.0, 1.0, 10.0, 0.5, 12.0, 1200.0, 0.00012, -25.0, 1.23e-310])
    many = np.array([1.05, 105_000.0, 0.00123, -3.14, 1999.0, 123_456_789_012.0, 1.23e-30])
    assert not has_figures(few).any()
    assert has_figures(many).all()
