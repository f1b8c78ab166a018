from __future__ import annotations

import pytest

from crossgraph.schema.mapping import AttributeMapping, RelationMapping, SchemaMapping
from crossgraph.schema.vocabulary import (
    ATTRIBUTE_SLOTS,
    OTHER,
    RELATION_SLOTS,
    Vocabulary,
    attribute_slots,
    build_vocabulary,
    directed_slots,
    extended,
)
from features.plain import graph_of

SCHEMA = SchemaMapping(
    (),
    (RelationMapping("stars", "cast"), RelationMapping("directed_by", "director_of", inverse=True)),
    (AttributeMapping("title", "label"),),
)


@pytest.fixture
def graphs():
    left = graph_of(
        edges=[("f", "stars", "p"), ("f", "stars", "q"), ("f", "directed_by", "p")],
        facts=[("f", "title", "Heat"), ("f", "year", "1995")],
    )
    right = graph_of(
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


def test_slots_are_limited_and_go_to_the_most_used():
    edges = [("e", f"r{i:02}", f"{j}") for i in range(40) for j in range(1 + i)]
    facts = [("e", f"a{i:02}", f"{j}") for i in range(40) for j in range(1 + i)]
    vocabulary = build_vocabulary(*[graph_of(edges=edges, facts=facts)] * 2, SchemaMapping((), (), ()))
    assert vocabulary.relation_slots == 1 + RELATION_SLOTS
    assert vocabulary.attribute_slots == 1 + ATTRIBUTE_SLOTS
    assert min(vocabulary.relations_left) == f"r{40 - RELATION_SLOTS // 2}"
    assert min(vocabulary.attributes_right) == f"a{40 - ATTRIBUTE_SLOTS // 2}"


def test_a_model_reads_other_graphs_through_their_mapping():
    known = Vocabulary({"stars": (1, False)}, {"director_of": (2, True)}, {"title": 1}, {"label": 1})
    schema = SchemaMapping(
        (),
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
    assert extended(wider, schema) == wider
    # The network keeps its width.
    assert (wider.relation_slots, wider.attribute_slots) == (known.relation_slots, known.attribute_slots)
