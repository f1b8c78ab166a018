from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crossgraph.features.description import describe
from crossgraph.schema.seeds import BELIEVED, EntityPairs, shared_rare_values, type_codes
from features.plain import graph_of

facts = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["name", "alias"]),
        st.sampled_from(["fox", "hen", "owl", "cat", "ox"]),
    ),
    max_size=8,
)


def told(pairs: EntityPairs) -> set[tuple[int, int]]:
    return set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


@given(facts, facts)
def test_shared_rare_values_agree_with_loops(left, right):
    ids = [sorted({row[0] for row in side}) for side in (left, right)]
    holders = [
        {
            text: {entity for entity, _, value in side if value == text}
            for text in ("fox", "hen", "owl", "cat")
        }
        for side in (left, right)
    ]
    linked = {
        (min(holders[0][text]), min(holders[1][text]))
        for text in holders[0]
        if len(holders[0][text]) == len(holders[1][text]) == 1
    }
    expected = {
        (ids[0].index(a), ids[1].index(b))
        for a, b in linked
        if sum(a == x for x, _ in linked) == sum(b == y for _, y in linked) == 1
    }
    found = shared_rare_values(describe(graph_of(facts=left), graph_of(facts=right)))
    assert told(found) == expected
    assert set(found.weight.tolist()) <= {BELIEVED}


def test_serial_numbers_are_no_seeds():
    numbers, films = [f"C-{n:03}" for n in range(30)], [f"film {n * n}" for n in range(30)]
    sides = [
        [
            (f"{side}{n:02}", name, value)
            for n in range(30)
            for name, value in (("no", numbers[n]), ("name", names[n]))
        ]
        for side, names in (("l", films), ("r", films[::-1]))
    ]
    found = shared_rare_values(describe(*(graph_of(facts=side) for side in sides)))
    assert told(found) == {(n, 29 - n) for n in range(30)}


def test_a_known_pair_drives_out_what_is_only_believed_of_its_entities():
    known, believed = EntityPairs.of([0], [5]), EntityPairs.of([0, 1, 2], [6, 5, 7], BELIEVED)
    joined = known.joined(believed)
    assert told(joined) == {(0, 5), (2, 7)}
    assert joined.weight.tolist() == [1.0, BELIEVED]
    assert len(known.and_also(believed)) == 4


def test_rejected_pairs_are_taken_out_by_both_ends():
    believed = EntityPairs.of([0, 1, 1, 2], [0, 1, 0, 2], 0.5)
    left = believed.without(EntityPairs.of([1, 2, 5], [1, 0, 2]))
    rows = list(zip(left.left, left.right, left.weight, strict=True))
    assert rows == [(0, 0, 0.5), (1, 0, 0.5), (2, 2, 0.5)]


def test_entities_without_a_type_are_of_the_type_entity():
    names, codes = type_codes(graph_of([("a", "film")], edges=[("a", "r", "b")]))
    assert [names[code] for code in codes] == ["film", "entity"]
    names, codes = type_codes(graph_of([("a", "entity")], edges=[("a", "r", "b")]))
    assert names == ("entity",)
    assert codes.tolist() == [0, 0]
    assert len(type_codes(graph_of())[1]) == 0
