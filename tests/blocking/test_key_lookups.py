from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.combine import BlockingOptions, block
from crossgraph.blocking.keys import FEW, KeyLookups, poorly_named
from crossgraph.blocking.names import name_attributes
from crossgraph.blocking.singles import asking_sides
from crossgraph.features.description import Description, describe
from crossgraph.schema.mapping import AttributeMapping, SchemaMapping, TypeMapping
from crossgraph.schema.seeds import NO_PAIRS
from features.plain import graph_of

SCHEMA = SchemaMapping(
    (TypeMapping("firm", "firm", 1.0),),
    (),
    (
        AttributeMapping("name", "title", 1.0),
        AttributeMapping("town", "city", 0.4),
        AttributeMapping("since", "founded", 1.0),
    ),
)
NAMES = ("Northern Foods", "Acme", "Old Mill Bakery", "Harbour Logistics", "Silver Pine", "Quick Couriers")
OTHERS = ("NF", "Blue Door", "OMB", "Zephyr", "SP", "QC")
towns, years = st.sampled_from(["Bath", "Ely", "Rye", None]), st.sampled_from([1900, 1950, 1999, None])
firms = st.lists(st.tuples(towns, years), min_size=1, max_size=6)


def described(left: list, right: list, *, form: str = "{}") -> tuple[Description, tuple]:
    graphs = tuple(
        graph_of(
            [(f"{at}", "firm") for at in range(len(rows))],
            [],
            [
                (f"{at}", attribute, value)
                for at, (town, year) in enumerate(rows)
                for attribute, value in (
                    (titles[0], names[at]),
                    (titles[1], town),
                    (titles[2], year and form.format(year)),
                )
                if value
            ],
        )
        for rows, names, titles, form in (
            (left, NAMES, ("name", "town", "since"), "{}"),
            (right, OTHERS, ("title", "city", "founded"), form),
        )
    )
    return describe(*graphs), graphs


def everybody(description_of: tuple) -> tuple[np.ndarray, np.ndarray]:
    left, right = (np.ones(len(one), dtype=bool) for one in description_of)
    return left, right


def lookups(description: Description, graphs: tuple, schema: SchemaMapping = SCHEMA) -> KeyLookups:
    left, right = map(len, graphs)
    return KeyLookups(description, schema, ({"name"}, {"title"}), (left, right))


@given(firms, firms)
def test_what_is_shared_weighs_as_loops_say(left, right):
    description, graphs = described(left, right)
    sides = everybody(graphs)
    nobody = np.zeros(len(right), dtype=bool)
    found = lookups(description, graphs).candidates(sides, (sides[0], nobody), top=2)
    at = [[int(name) for name in one.ids] for one in graphs]
    for entity, number in enumerate(at[0]):
        weights = {
            other: sum(
                weight * math.log1p(len(right) / sum(row[place] == mine for row in right))
                for place, weight, mine in zip((0, 1), (0.4, 1.0), left[number], strict=True)
                if mine is not None and right[at[1][other]][place] == mine
            )
            for other in range(len(right))
        }
        got = sorted((weights[other] for other in found.right[found.left == entity].tolist()), reverse=True)
        best = sorted((one for one in weights.values() if one > 0), reverse=True)
        # Of those that share as much as the first one for whom there is no room, there is none.
        wanted = [one for one in best[:2] if len(best) <= 2 or one > best[2] + 1e-9]
        np.testing.assert_allclose(got, wanted, rtol=1e-6)


@given(firms, firms)
def test_graphs_exchanged_have_the_same_pairs(left, right):
    description, graphs = described(left, right)
    turned = SchemaMapping(
        (), (), tuple(AttributeMapping(m.right, m.left, m.weight) for m in SCHEMA.attributes)
    )
    sides = everybody(graphs)
    found = lookups(description, graphs).candidates(sides, sides, top=2)
    exchanged = Description(description.right, description.left, description.texts)
    back = KeyLookups(exchanged, turned, ({"title"}, {"name"}), (len(right), len(left))).candidates(
        sides[::-1], sides[::-1], top=2
    )
    assert set(zip(found.left, found.right, strict=True)) == set(zip(back.right, back.left, strict=True))


@given(firms, firms, st.integers(0, 6))
def test_who_shares_what_hardly_anybody_has_is_found_whatever_the_names(left, right, others):
    description, graphs = described(left, right)
    numbers = [np.array([int(name) for name in one.ids]) for one in graphs]
    sides = everybody(graphs)[0], numbers[1] < others
    found = lookups(description, graphs).by_rare_values(sides)
    there = left, right[:others]
    wanted = {
        (mine, other)
        for place in (0, 1)
        for value in {row[place] for row in left} - {None}
        for one in [[[at for at, row in enumerate(rows) if row[place] == value] for rows in there]]
        if max(map(len, one)) <= FEW
        for mine, other in product(*one)
    }
    got = zip(numbers[0][found.left].tolist(), numbers[1][found.right].tolist(), strict=True)
    assert sorted(got) == sorted(wanted)


def test_many_may_share_a_key_where_they_may_have_one_partner():
    description, graphs = described([("Bath", None)] * 4, [("Bath", None), ("Ely", None)])
    sides, keyed = everybody(graphs), lookups(description, graphs)
    found = {
        alone: len(keyed.by_rare_values(sides, alone))
        for alone in ((True, True), (True, False), (False, True), (False, False))
    }
    assert found == {(True, True): 0, (True, False): 4, (False, True): 0, (False, False): 4}


def test_a_key_finds_its_product_beside_one_of_a_nearer_name():
    left = graph_of([("0", "item")], [], [("0", "name", "Silver Pine table lamp"), ("0", "key", "00-4711")])
    right = graph_of(
        [(str(at), "item") for at in range(40)],
        [],
        [(str(at), "title", f"Silver Pine table lamp {at}") for at in range(39)]
        + [("39", "title", "Lamp, wood, from the pine series"), ("39", "code", "00-4711")],
    )
    schema = SchemaMapping(
        (TypeMapping("item", "item", 1.0),),
        (),
        (AttributeMapping("name", "title", 1.0), AttributeMapping("key", "code", 1.0)),
    )
    options = BlockingOptions(name_pool=5, per_entity=40, least_chance=0.0)
    found = block((left, right), describe(left, right), schema, NO_PAIRS, options=options).candidates
    assert found.find(np.array([0]), np.array([right.position("39")]))[0] >= 0


def test_what_more_share_than_there_is_room_for_finds_nobody():
    description, graphs = described([("Bath", None)] * 4, [("Bath", None)] * 4)
    sides = everybody(graphs)
    keyed = lookups(description, graphs)
    assert len(keyed.candidates(sides, sides, top=3)) == 0
    assert len(keyed.candidates(sides, sides, top=4)) == 16


def test_numbers_are_the_same_however_they_are_written():
    description, graphs = described([("Bath", 1900)], [(None, 1900)], form="{}.0")
    sides = everybody(graphs)
    assert len(lookups(description, graphs).candidates(sides, sides, top=1)) == 1


def test_names_are_no_keys():
    description, graphs = described([(None, None)], [(None, None)])
    sides = everybody(graphs)
    same = SchemaMapping((), (), (AttributeMapping("name", "name", 1.0),))
    twice = Description(description.left, description.left, description.texts)
    named = KeyLookups(twice, same, ({"name"}, {"name"}), (1, 1))
    keyed = KeyLookups(twice, same, (set(), set()), (1, 1))
    assert len(named.candidates(sides, sides, top=1)) == 0
    assert len(keyed.candidates(sides, sides, top=1)) == 1


def test_who_finds_a_near_name_does_not_ask():
    sides = np.ones(3, dtype=bool), np.array([True, True, False])
    by_name = Candidates.of_pairs([0, 1], [1, 0], [0.9, 0.3])
    poor = poorly_named(by_name, sides)
    assert poor[0].tolist() == [False, True, True]
    assert poor[1].tolist() == [True, False, False]
    assert [one.tolist() for one in asking_sides(poor, sides)] == [[False] * 3, poor[1].tolist()]
    both = sides[0], sides[0]
    assert [one.tolist() for one in asking_sides(poor, both)] == [one.tolist() for one in poor]


def test_who_has_another_name_there_is_found_by_town_and_year():
    rows = [("Bath", 1900), ("Ely", 1900), ("Bath", 1999), ("Rye", 1950), ("Ely", 1950), ("Rye", 1999)]
    description, graphs = described(rows, rows)
    found = block(graphs, description, SCHEMA, NO_PAIRS).candidates
    at = [{int(name): place for place, name in enumerate(one.ids)} for one in graphs]
    for number in range(len(rows)):
        assert found.find([at[0][number]], [at[1][number]])[0] >= 0


@pytest.mark.parametrize("lacking", ["", "-"])
def test_where_some_lack_the_surest_name_a_weaker_one_counts_too(lacking):
    phones = SchemaMapping(
        (), (), (AttributeMapping("phone", "tel", 1.0), AttributeMapping("name", "title", 0.4))
    )
    numbers = [f"+44 {at}{at}{at} 555{at}" for at in range(4)]

    def names_with(without: int) -> tuple[set[str], set[str]]:
        left, right = (
            graph_of(
                [],
                [],
                [
                    (str(at), attribute, value)
                    for at in range(4)
                    for attribute, value in (
                        (phone, numbers[at] if at >= without else lacking),
                        (name, NAMES[at]),
                    )
                    if value
                ],
            )
            for phone, name in (("phone", "name"), ("tel", "title"))
        )
        return name_attributes(describe(left, right), phones)

    assert names_with(0) == ({"phone"}, {"tel"})
    assert names_with(1) == ({"phone", "name"}, {"tel", "title"})
