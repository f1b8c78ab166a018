from __future__ import annotations

import pytest

from crossgraph.schema.mapping import AttributeMapping, RelationMapping, SchemaMapping, TypeMapping
from crossgraph.schema.vocabulary import (
    ATTRIBUTE_SLOTS,
    MOST_TYPES,
    OTHER,
    RELATION_SLOTS,
    TYPE_SLOTS,
    Vocabulary,
    attribute_slots,
    build_vocabulary,
    directed_slots,
    entity_type_slots,
    extended,
)
from features.plain import graph_of

SCHEMA = SchemaMapping(
    (TypeMapping("film", "Movie"),),
    (RelationMapping("stars", "cast"), RelationMapping("directed_by", "director_of", inverse=True)),
    (AttributeMapping("title", "label"),),
)


@pytest.fixture
def graphs():
    left = graph_of(
        types=[("f", "film"), ("p", "person"), ("q", "person")],
        edges=[("f", "stars", "p"), ("f", "stars", "q"), ("f", "directed_by", "p")],
        facts=[("f", "title", "Heat"), ("f", "year", "1995")],
    )
    right = graph_of(
        types=[("f", "Movie"), ("f", "Work"), ("p", "Human")],
        edges=[("f", "cast", "p"), ("p", "director_of", "f"), ("p", "knows", "q")],
        facts=[("f", "label", "Heat"), ("f", "rating", "8")],
    )
    return left, right


def test_corresponding_names_share_a_slot_and_all_others_have_their_own(graphs):
    vocabulary = build_vocabulary(*graphs, SCHEMA)
    left, right = vocabulary.relations_left, vocabulary.relations_right
    assert right["cast"] == left["stars"] == (1, False)
    assert right["director_of"] == (left["directed_by"][0], True)
    assert right["knows"][0] not in {slot for slot, _ in left.values()}
    assert vocabulary.relation_slots == 4
    assert vocabulary.attributes_right["label"] == vocabulary.attributes_left["title"]
    slots = {*vocabulary.attributes_left.values(), *vocabulary.attributes_right.values()}
    assert slots == {1, 2, 3}
    assert vocabulary.attribute_slots == 4
    assert vocabulary.types_right["Movie"] == vocabulary.types_left["film"]
    assert {*vocabulary.types_left.values(), *vocabulary.types_right.values()} == {1, 2, 3, 4}
    assert vocabulary.type_slots == 5


def test_a_turned_relation_forwards_is_its_partner_backwards(graphs):
    vocabulary = build_vocabulary(*graphs, SCHEMA)
    left, right = (
        dict(zip(names, directed_slots(names, slots, vocabulary.relation_slots)[:2], strict=False))
        | dict(
            zip(
                ["^" + name for name in names],
                directed_slots(names, slots, vocabulary.relation_slots)[len(names) :],
                strict=True,
            )
        )
        for names, slots in (
            (("directed_by", "stars"), vocabulary.relations_left),
            (("cast", "director_of"), vocabulary.relations_right),
        )
    )
    assert left["directed_by"] == right["^director_of"]
    assert left["^directed_by"] == right["director_of"]
    assert left["stars"] == right["cast"]
    assert left["^stars"] == right["^cast"]
    assert len(set(left.values())) == 4


def test_names_without_a_slot_take_the_shared_one():
    assert directed_slots(("new",), {}, 5).tolist() == [OTHER, 5 + OTHER]
    assert attribute_slots(("new", "old"), {"old": 3}).tolist() == [OTHER, 3]
    assert directed_slots((), {}, 5).tolist() == attribute_slots((), {}).tolist() == []


def test_nothing_to_number_leaves_the_shared_slot():
    vocabulary = build_vocabulary(graph_of(), graph_of([("a", "t")]), SCHEMA)
    assert (vocabulary.relation_slots, vocabulary.attribute_slots) == (1, 1)
    assert build_vocabulary(graph_of(), graph_of(), SCHEMA).type_slots == 1


def test_slots_are_limited_and_go_to_the_most_used():
    edges = [("e", f"r{i:02}", f"{j}") for i in range(40) for j in range(1 + i)]
    facts = [("e", f"a{i:02}", f"{j}") for i in range(40) for j in range(1 + i)]
    types = [(f"{j}", f"t{i:02}") for i in range(40) for j in range(1 + i)]
    graph = graph_of(types=types, edges=edges, facts=facts)
    vocabulary = build_vocabulary(graph, graph, SchemaMapping((), (), ()))
    assert vocabulary.relation_slots == 1 + RELATION_SLOTS
    assert vocabulary.attribute_slots == 1 + ATTRIBUTE_SLOTS
    assert vocabulary.type_slots == 1 + TYPE_SLOTS
    assert min(vocabulary.types_left) == min(vocabulary.types_right) == f"t{40 - TYPE_SLOTS // 2}"
    assert min(vocabulary.relations_left) == f"r{40 - RELATION_SLOTS // 2}"
    assert min(vocabulary.attributes_right) == f"a{40 - ATTRIBUTE_SLOTS // 2}"


def test_a_model_reads_other_graphs_through_their_mapping():
    known = Vocabulary(
        {"stars": (1, False)},
        {"director_of": (2, True)},
        {"title": 1},
        {"label": 1},
        {"film": 1},
        {"Movie": 1, "Human": 2},
    )
    schema = SchemaMapping(
        (
            TypeMapping("film", "Picture"),
            TypeMapping("film", "Movie"),
            TypeMapping("film", "Human"),
            TypeMapping("person", "Human"),
            TypeMapping("place", "Town"),
        ),
        (
            RelationMapping("stars", "played_in", inverse=True),
            RelationMapping("made", "director_of", inverse=True),
            RelationMapping("new", "strange"),
        ),
        (AttributeMapping("title", "caption"), AttributeMapping("heading", "label")),
    )
    wider = extended(known, schema)
    assert wider.relations_right == {"director_of": (2, True), "played_in": (1, True)}
    assert wider.relations_left == {"stars": (1, False), "made": (2, False)}
    assert wider.attributes_right == {"label": 1, "caption": 1}
    assert wider.attributes_left == {"title": 1, "heading": 1}
    assert wider.types_right == {"Movie": 1, "Human": 2, "Picture": 1}
    assert wider.types_left == {"film": 1, "person": 2}
    assert extended(wider, schema) == wider
    # The network keeps its width.
    for count in ("relation_slots", "attribute_slots", "type_slots"):
        assert getattr(wider, count) == getattr(known, count)


def test_of_two_names_mapped_to_one_the_first_shares_its_slot():
    left = graph_of(types=[("a", "film"), ("a", "work")], facts=[("a", "title", "x"), ("a", "label", "y")])
    right = graph_of(types=[("a", "Movie")], facts=[("a", "name", "x")])
    schema = SchemaMapping(
        (TypeMapping("work", "Movie"), TypeMapping("film", "Movie")),
        (),
        (AttributeMapping("title", "name"), AttributeMapping("label", "name")),
    )
    vocabulary = build_vocabulary(left, right, schema)
    assert vocabulary.types_right["Movie"] == vocabulary.types_left["work"]
    assert vocabulary.attributes_right["name"] == vocabulary.attributes_left["title"]
    assert vocabulary.type_slots == 3


def slots_by_entity(graph, slots):
    return dict(zip(graph.ids, entity_type_slots(graph, slots).tolist(), strict=True))


def test_an_entity_s_types_are_slots_rarest_first_and_padded():
    graph = graph_of(
        types=[
            *(("a", kind) for kind in ("agent", "person", "writer")),
            *(("b", kind) for kind in ("person", "agent")),
            ("c", "agent"),
        ],
        edges=[("c", "knows", "d")],
    )
    assert slots_by_entity(graph, {"agent": 3, "person": 1, "writer": 2}) == {
        "a": [2, 1, 3],
        "b": [1, 3, -1],
        "c": [3, -1, -1],
        "d": [-1, -1, -1],
    }
    # A type without a slot takes the shared one, which is not the padding.
    assert slots_by_entity(graph, {"agent": 3})["b"] == [OTHER, 3, -1]


def test_of_too_many_types_the_rarest_are_told_apart():
    kinds = [f"t{i}" for i in range(MOST_TYPES + 3)]
    graph = graph_of(types=[(f"e{j}", kind) for i, kind in enumerate(kinds) for j in range(1 + i)])
    found = slots_by_entity(graph, {kind: 1 + i for i, kind in enumerate(kinds)})
    assert found["e0"] == list(range(1, 1 + MOST_TYPES))
    last = MOST_TYPES + 2
    assert found[f"e{last}"] == [1 + last] + [-1] * (MOST_TYPES - 1)


def test_graphs_without_types_or_entities_have_a_column_of_padding():
    untyped = graph_of(edges=[("a", "r", "b")])
    assert entity_type_slots(untyped, {}).tolist() == [[-1], [-1]]
    assert entity_type_slots(graph_of(), {"film": 1}).shape == (0, 1)


def test_types_of_like_meaning_have_one_slot_on_both_sides(graphs):
    vocabulary = build_vocabulary(*graphs, SCHEMA)
    left = slots_by_entity(graphs[0], vocabulary.types_left)["f"]
    right = slots_by_entity(graphs[1], vocabulary.types_right)["f"]
    assert set(left) <= set(right)
