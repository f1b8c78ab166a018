from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.combine import asking_sides, block
from crossgraph.blocking.keys import KeyLookups, poorly_named
from crossgraph.blocking.names import name_attributes
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


@given(firms, firms)
def test_what_is_shared_weighs_as_loops_say(left, right):
    description, graphs = described(left, right)
    sides = everybody(graphs)
    nobody = np.zeros(len(right), dtype=bool)
    found = KeyLookups.of(description, SCHEMA, (len(left), len(right))).candidates(
        sides, (sides[0], nobody), top=2
    )
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
        wanted = sorted((one for one in weights.values() if one > 0), reverse=True)[:2]
        np.testing.assert_allclose(got, wanted, rtol=1e-6)


@given(firms, firms)
def test_sides_exchanged_share_as_much(left, right):
    one, graphs = described(left, right)
    lookups = KeyLookups.of(one, SCHEMA, (len(left), len(right)))
    turned = KeyLookups(lookups.rows[::-1], lookups.weight)
    sides = everybody(graphs)
    found = lookups.candidates(sides, sides, top=6)
    back = turned.candidates(sides[::-1], sides[::-1], top=6)
    assert set(zip(found.left, found.right, strict=True)) == set(zip(back.right, back.left, strict=True))


def test_numbers_are_the_same_however_they_are_written():
    description, _ = described([("Bath", 1900)], [(None, 1900)], form="{}.0")
    left, _right = KeyLookups.of(description, SCHEMA, (1, 1)).rows
    assert left.nnz == 1


def test_names_are_no_keys():
    description, _ = described([("Bath", 1900)], [("Bath", 1900)])
    assert "name" in name_attributes(description, SCHEMA)[0]
    assert KeyLookups.of(description, SCHEMA, (1, 1)).weight.tolist() == [0.4, 1.0]


def test_who_finds_a_near_name_does_not_ask():
    sides = np.ones(3, dtype=bool), np.array([True, True, False])
    by_name = Candidates.of_pairs([0, 1], [1, 0], [0.9, 0.3])
    poor = poorly_named(by_name, sides)
    assert poor[0].tolist() == [False, True, True]
    assert poor[1].tolist() == [True, False, False]
    assert [one.tolist() for one in asking_sides(poor, sides)] == [[False] * 3, poor[1].tolist()]


def test_who_has_another_name_there_is_found_by_town_and_year():
    rows = [("Bath", 1900), ("Ely", 1900), ("Bath", 1999), ("Rye", 1950), ("Ely", 1950), ("Rye", 1999)]
    description, graphs = described(rows, rows)
    found = block(graphs, description, SCHEMA, NO_PAIRS).candidates
    at = [{int(name): place for place, name in enumerate(one.ids)} for one in graphs]
    for number in range(len(rows)):
        assert found.find([at[0][number]], [at[1][number]])[0] >= 0


def test_who_lacks_the_surest_name_goes_by_a_weaker_one():
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
                    for attribute, value in ((phone, numbers[at]), (name, NAMES[at]))
                    if attribute == name or at >= without
                ],
            )
            for phone, name in (("phone", "name"), ("tel", "title"))
        )
        return name_attributes(describe(left, right), phones)

    assert names_with(0) == ({"phone"}, {"tel"})
    assert names_with(1) == ({"phone", "name"}, {"tel", "title"})
