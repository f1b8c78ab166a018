from __future__ import annotations

import numpy as np
import pytest

from crossgraph.errors import ConfigError
from crossgraph.features.description import describe
from crossgraph.schema import estimate, glance
from crossgraph.schema.estimate import SchemaOptions, estimate_schema, local_name
from crossgraph.schema.mapping import read_schema
from crossgraph.schema.seeds import BELIEVED, EntityPairs
from features.plain import graph_of, ints

NAMES = ["anna", "boris", "clara", "david", "elena", "felix", "greta", "hugo"]
NONE = EntityPairs.of(ints(), ints())


def people(prefix: str, *, turned: bool) -> tuple[list, list, list]:
    """Eight people in a ring: names, birth years, and heights that agree with nothing."""
    ring = [(f"{prefix}{i}", f"{prefix}{(i + 1) % 8}") for i in range(8)]
    edges = [(b, f"{prefix}known_by", a) if turned else (a, f"{prefix}knows", b) for a, b in ring]
    heights = np.random.default_rng(turned).permutation(8)
    facts = [
        fact
        for i, name in enumerate(NAMES)
        for fact in (
            (f"{prefix}{i}", f"{prefix}name", name),
            (f"{prefix}{i}", f"{prefix}born", str(1950 + 3 * i)),
            (f"{prefix}{i}", f"{prefix}height", str(150 + heights[i])),
        )
    ]
    return [(f"{prefix}{i}", f"{prefix}human") for i in range(8)], edges, facts


@pytest.fixture(scope="module")
def pair():
    return graph_of(*people("l", turned=False)), graph_of(*people("r", turned=True))


ALL = EntityPairs.of(np.arange(8), np.arange(8), BELIEVED)


def test_the_mapping_of_a_tiny_pair_is_what_was_drawn(pair):
    schema = estimate_schema(*pair, describe(*pair), ALL)
    assert [(m.left, m.right, m.weight) for m in schema.types] == [("lhuman", "rhuman", 1.0)]
    assert [(m.left, m.right, m.inverse) for m in schema.relations] == [("lknows", "rknown_by", True)]
    assert schema.relations[0].weight == 1.0
    attributes = {(m.left, m.right): m.weight for m in schema.attributes}
    assert attributes["lname", "rname"] > 0.9
    assert attributes["lborn", "rborn"] > 0.5
    assert ("lname", "rborn") not in attributes


def test_a_small_type_is_part_of_a_large_one_if_as_many_of_its_entities_are_seeds():
    """90 things on the left; on the right 60 films of the nineties and 6 of the sixties, and 40 people."""
    left = graph_of([(f"l{n:03}", "thing") for n in range(90)])
    kinds = ["nineties"] * 60 + ["sixties"] * 6 + ["person"] * 40
    right = graph_of([(f"r{n:03}", kind) for n, kind in enumerate(kinds)])
    films = np.r_[np.arange(40), np.arange(60, 64)]
    people = np.arange(66, 70)
    seeds = EntityPairs.of(np.r_[films, people - 2], np.r_[films, people], BELIEVED)
    found = estimate_schema(left, right, describe(left, right), seeds).types
    assert {(m.left, m.right) for m in found} == {("thing", "nineties"), ("thing", "sixties")}
    turned = EntityPairs(seeds.right, seeds.left, seeds.weight)
    found = estimate_schema(right, left, describe(right, left), turned).types
    assert {(m.left, m.right) for m in found} == {("nineties", "thing"), ("sixties", "thing")}


@pytest.mark.parametrize("partners", [1, 20])
def test_a_glance_finds_what_comparing_everything_finds(pair, partners, monkeypatch):
    whole = estimate_schema(*pair, describe(*pair), ALL)
    monkeypatch.setattr(estimate, "MOST_COMPARED", 0)
    monkeypatch.setattr(glance, "PARTNERS", partners)
    found = estimate_schema(*pair, describe(*pair), ALL)
    if partners == 1:
        assert {("lname", "rname"), ("lborn", "rborn")} <= {(m.left, m.right) for m in found.attributes}
        assert set(found.attributes) <= set(whole.attributes)
    else:
        assert found == whole


def test_a_glance_at_many_attributes_finds_the_partner_of_each():
    """60 texts and 60 numbers an entity, each by another name on the other side, some of them missing."""
    rng, people, many = np.random.default_rng(0), 30, 60
    said = rng.integers(0, 26, size=(many, people, 6))
    texts = [["".join(chr(97 + code) for code in codes) for codes in row] for row in said]
    numbers = rng.normal(size=(many, people)).round(4)
    there = rng.random((2, 2, many, people)) < 0.7
    graphs = []
    for side, name in enumerate("lr"):
        facts = [
            (f"{name}{entity:02}", f"{kind}{at if side == 0 else many - 1 - at:02}", str(values[at][entity]))
            for kind, values in (("text", texts), ("number", numbers))
            for at in range(many)
            for entity in range(people)
            if there[side, int(kind == "text"), at, entity]
        ]
        graphs.append(graph_of(facts=facts))
    description = describe(*graphs)
    everyone = EntityPairs.of(np.arange(people), np.arange(people), BELIEVED)
    chosen = glance.likely_partners(description.left, description.right, everyone, description.texts)
    names = [[column.name for column in side] for side in (description.left, description.right)]
    for row, name in enumerate(names[0]):
        kind, at = name[:-2], int(name[-2:])
        assert chosen[row, names[1].index(f"{kind}{many - 1 - at:02}")]
    # At most 20 by either side.
    assert chosen.sum() <= 2 * 20 * 2 * many


def test_what_is_used_is_what_the_file_says(pair, tmp_path):
    schema = estimate_schema(*pair, describe(*pair), ALL)
    (tmp_path / "schema.toml").write_text(schema.to_toml())
    assert read_schema(tmp_path / "schema.toml") == schema


def test_sides_swap(pair):
    one = estimate_schema(*pair, describe(*pair), ALL)
    other = estimate_schema(*pair[::-1], describe(*pair[::-1]), ALL)
    for table in ("types", "relations"):
        assert {(m.left, m.right, m.weight) for m in getattr(one, table)} == {
            (m.right, m.left, m.weight) for m in getattr(other, table)
        }
    names = [{frozenset((m.left, m.right)) for m in schema.attributes} for schema in (one, other)]
    assert names[0] == names[1]


def test_without_seeds_only_types_of_one_name_correspond():
    left = graph_of([("a", "http://x/ns#Film"), ("b", "Person")], [("a", "r", "b")], [("a", "n", "Heat")])
    right = graph_of([("c", "schema:film"), ("d", "Human")], [("c", "r", "d")], [("c", "n", "Heat")])
    schema = estimate_schema(left, right, describe(left, right), NONE)
    assert [(m.left, m.right) for m in schema.types] == [("http://x/ns#Film", "schema:film")]
    assert schema.relations == schema.attributes == ()


def test_namesakes_give_way_only_to_known_links():
    left = graph_of([(f"a{i}", "place") for i in range(4)])
    right = graph_of([("b0", "place"), *((f"c{i}", "city") for i in range(4))])
    cities = np.arange(4), np.arange(1, 5)
    for weight, expected in ((BELIEVED, {"place"}), (1.0, {"place", "city"})):
        schema = estimate_schema(left, right, describe(left, right), EntityPairs.of(*cities, weight))
        assert {m.right for m in schema.types} == expected


@pytest.mark.parametrize("turned", [False, True])
def test_a_narrower_type_corresponds_to_who_bears_the_name_of_the_wider_one(turned):
    people = [(f"p{i}", "person") for i in range(30)]
    narrower = [(f"p{i}", "artist") for i in range(10)] + [(f"p{i}", "painter") for i in range(4)]
    thing = [(f"p{i}", "thing") for i in range(40)]
    for others, expected in (
        ([], {("person", "person"), ("person", "artist"), ("person", "painter"), ("thing", "thing")}),
        # Who has a namesake of its own needs no wider one.
        (
            [("q", "artist")],
            {("person", "person"), ("artist", "artist"), ("artist", "painter"), ("thing", "thing")},
        ),
    ):
        graphs = graph_of([*people, *thing, *others]), graph_of([*people, *thing, *narrower])
        left, right = graphs[::-1] if turned else graphs
        types = estimate_schema(left, right, describe(left, right), NONE).types
        found = {(m.left, m.right): m.weight for m in types}
        assert set(found) == {one[::-1] if turned else one for one in expected}
        assert found["person", "person"] == 0.5
        assert all(weight < 0.5 for (a, b), weight in found.items() if a != b)


def test_who_is_in_part_of_another_type_is_no_narrower_one():
    left = graph_of([(f"p{i}", "person") for i in range(10)])
    right = graph_of([*((f"p{i}", "person") for i in range(8)), *((f"p{i}", "ship") for i in range(5, 10))])
    assert [(m.left, m.right) for m in estimate_schema(left, right, describe(left, right), NONE).types] == [
        ("person", "person")
    ]


def test_a_small_type_whose_links_are_with_a_large_one_is_part_of_it():
    left = graph_of(
        [*((f"a{i:03}", "film") for i in range(100)), *((f"b{i:03}", "firm") for i in range(100))]
    )
    right = graph_of(facts=[(f"{kind}{i:03}", "name", "x") for kind in "ab" for i in range(100)])
    seeds = EntityPairs.of(
        np.r_[0:60, 100:105], np.r_[0:60, 100:105], np.r_[np.full(60, BELIEVED), np.ones(5)]
    )
    types = estimate_schema(left, right, describe(left, right), seeds).types
    assert {(m.left, m.right) for m in types} == {("film", "entity"), ("firm", "entity")}


def test_a_small_type_is_not_swallowed_by_a_large_one():
    left = graph_of([*((f"a{i:02}", "person") for i in range(50)), *((f"b{i}", "ship") for i in range(5))])
    right = graph_of([*((f"a{i:02}", "human") for i in range(50)), *((f"b{i}", "boat") for i in range(5))])
    # Two ships are named like people, and seeded so.
    seeds = EntityPairs.of(np.r_[np.arange(48), 50:55], np.r_[np.arange(48), 48, 49, 52:55])
    types = estimate_schema(left, right, describe(left, right), seeds).types
    assert [(m.left, m.right) for m in types] == [("person", "human"), ("ship", "boat")]


def test_too_little_support_speaks_for_nothing(pair):
    schema = estimate_schema(*pair, describe(*pair), ALL.take(np.arange(8) < 3))
    assert schema.relations == schema.attributes == ()


def test_empty_sides_have_nothing_to_map(pair):
    empty = graph_of()
    for graphs in ((empty, pair[1]), (pair[0], empty), (empty, empty)):
        schema = estimate_schema(*graphs, describe(*graphs), NONE)
        assert schema.types == schema.relations == schema.attributes == ()


def test_graphs_without_edges_facts_or_types_are_of_one_type():
    left, right = graph_of(edges=[("a", "r", "b")]), graph_of(facts=[("x", "name", "Heat")])
    schema = estimate_schema(left, right, describe(left, right), EntityPairs.of(ints(0), ints(0)))
    assert [(m.left, m.right) for m in schema.types] == [("entity", "entity")]


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("http://x/ns#Film", "Film"),
        ("http://x/Film/", "Film"),
        ("schema:Film", "Film"),
        ("Film", "Film"),
        ("", ""),
    ],
)
def test_local_names(name, local):
    assert local_name(name) == local


@pytest.mark.parametrize(
    "wrong",
    [{"type_share": 0}, {"relation_share": 1.5}, {"attribute_gain": -1}, {"support": 0}, {"sample": 0}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SchemaOptions(**wrong)
