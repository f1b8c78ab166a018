from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from crossgraph.evidence import echo
from crossgraph.evidence.echo import echo_evidence, neighbour_rarity, relation_groups
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.schema.mapping import RelationMapping, SchemaMapping
from features.plain import graph_of, ints

NAMES = "abcd"
TYPED = [(entity, "t") for entity in NAMES]
SIMILARITY = np.round(np.random.default_rng(5).random((4, 4)), 2).astype(np.float32) * np.array([1, 1, 0, 1])
PAIRS = np.repeat(np.arange(4, dtype=np.int32), 4), np.tile(np.arange(4, dtype=np.int32), 4)

edges = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from("rs"), st.sampled_from(NAMES)), max_size=8)
mappings = st.lists(
    st.builds(
        RelationMapping,
        st.sampled_from("rs"),
        st.sampled_from("rs"),
        st.booleans(),
        st.sampled_from([0.25, 1.0]),
    ),
    max_size=3,
    unique_by=lambda m: (m.left, m.right, m.inverse),
).map(lambda rows: SchemaMapping((), tuple(rows), ()))


def neighbours(rows, entity):
    """(directed relation, neighbour) of an entity."""
    rows = set(rows)
    ahead = [(r, t) for h, r, t in rows if h == entity]
    return ahead + [("^" + r, h) for h, r, t in rows if t == entity]


def turned(relation):
    return relation[1:] if relation.startswith("^") else "^" + relation


def corresponding(schema, left, right):
    """(directed left, directed right) -> weight, of the relations that both graphs have."""
    found = {}
    for m in schema.relations:
        if m.left not in {r for _, r, _ in left} or m.right not in {r for _, r, _ in right}:
            continue
        other = "^" + m.right if m.inverse else m.right
        found[m.left, other] = found["^" + m.left, turned(other)] = m.weight
    return found


def slow_echo(left, right, schema, i, j):
    """Expected shared neighbours, left and right mapped neighbours, and rarity, by loops."""
    weight = corresponding(schema, left, right)
    degree = [Counter(end for h, _, t in set(rows) for end in (h, t)) for rows in (left, right)]
    most = [max(2 * len(set(rows)), 2) for rows in (left, right)]
    shared = rarity = 0.0
    ours = [(r, x) for r, x in neighbours(left, i) if any(r == a for a, _ in weight)]
    theirs = [(r, y) for r, y in neighbours(right, j) if any(r == b for _, b in weight)]
    for r, x in ours:
        values = [
            (SIMILARITY[NAMES.index(x), NAMES.index(y)] * weight.get((r, s), 0.0), y) for s, y in theirs
        ]
        best = max((value for value, _ in values), default=0.0)
        # Of equally similar neighbours the first by number counts.
        if best > 0:
            y = min(y for value, y in values if value == best)
            rare = [math.log(most[side] / max(degree[side][end], 1)) for side, end in ((0, x), (1, y))]
            shared, rarity = shared + best, rarity + best * sum(rare) / 2
    return shared, len(ours), len(theirs), rarity


def evidence_of(left, right, schema, pairs=PAIRS):
    graphs = graph_of(TYPED, left), graph_of(TYPED, right)
    adjacency = Adjacency.of(graphs[0]), Adjacency.of(graphs[1])
    table = echo_evidence(adjacency, relation_groups(*graphs, schema), sparse.csr_matrix(SIMILARITY), pairs)
    return dict(zip(table.names, table.values.T, strict=True))


@given(edges, edges, mappings)
def test_echo_agrees_with_loops(left, right, schema):
    expected = [slow_echo(left, right, schema, i, j) for i in NAMES for j in NAMES]
    shared, ours, theirs, rarity = (np.array(column, dtype=float) for column in zip(*expected, strict=True))
    known = (ours > 0) & (theirs > 0)
    found = evidence_of(left, right, schema)
    for name, values in (
        ("echo:shared", shared),
        ("echo:share of left", shared / np.maximum(ours, 1)),
        ("echo:share of right", shared / np.maximum(theirs, 1)),
        ("echo:rarity", rarity),
    ):
        np.testing.assert_allclose(found[name], np.where(known, values, np.nan), atol=1e-4, err_msg=name)
    np.testing.assert_allclose(found["echo:left neighbours"], np.log1p(ours), rtol=1e-6)
    np.testing.assert_allclose(found["echo:right neighbours"], np.log1p(theirs), rtol=1e-6)


@given(edges, edges, mappings, st.lists(st.integers(0, len(PAIRS[0]) - 1), max_size=4))
def test_pairs_say_the_same_with_no_neighbours_but_their_own(left, right, schema, chosen):
    graphs = graph_of(TYPED, left), graph_of(TYPED, right)
    whole = [Adjacency.of(graph) for graph in graphs]
    pairs = PAIRS[0][chosen], PAIRS[1][chosen]
    groups, similarity = relation_groups(*graphs, schema), sparse.csr_matrix(SIMILARITY)
    expected = echo_evidence((whole[0], whole[1]), groups, similarity, pairs)
    rare = neighbour_rarity(whole[0]), neighbour_rarity(whole[1])
    near = whole[0].around(pairs[0]), whole[1].around(pairs[1])
    np.testing.assert_array_equal(
        echo_evidence(near, groups, similarity, pairs, rare=rare).values, expected.values
    )


def test_echo_is_the_same_in_any_number_of_threads(monkeypatch):
    rows = [(a, "rs"[at % 2], b) for at, (a, b) in enumerate(itertools.product(NAMES, NAMES))]
    mapped = RelationMapping("r", "s", False, 1.0), RelationMapping("s", "r", True, 0.5)
    whole = evidence_of(rows, rows[::3], SchemaMapping((), mapped, ()))
    monkeypatch.setattr(echo, "LEAST_EACH", 3)
    monkeypatch.setattr("crossgraph._threads.threads", lambda: 4)
    apart = evidence_of(rows, rows[::3], SchemaMapping((), mapped, ()))
    assert list(apart) == list(whole)
    for name, column in whole.items():
        np.testing.assert_array_equal(apart[name], column)


@given(edges, edges, mappings)
def test_groups_sum_to_the_whole(left, right, schema):
    found = evidence_of(left, right, schema)
    for measure in ("shared", "rarity"):
        parts = [v for name, v in found.items() if name.startswith("echo of") and name.endswith(measure)]
        total = np.nansum(parts, axis=0)
        np.testing.assert_allclose(total, np.nan_to_num(found[f"echo:{measure}"]), atol=1e-4)


def test_each_relation_has_its_group_and_the_rest_share_one(monkeypatch):
    monkeypatch.setattr(echo, "GROUPS", 2)
    rows = [("a", "r", "b"), ("a", "r", "c"), ("a", "s", "b")]
    schema = SchemaMapping((), (RelationMapping("r", "r"), RelationMapping("s", "s")), ())
    groups = relation_groups(graph_of(TYPED, rows), graph_of(TYPED, rows), schema)
    assert groups.names == ("r", "^r", "others")
    assert groups.group_left.tolist() == [0, 2, 1, 2]
    assert groups.mapped_right.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("rows", [[], [("a", "r", "a")], [("a", "r", "b")]])
def test_nothing_mapped_is_missing_not_zero(rows):
    for schema in (SchemaMapping((), (), ()), SchemaMapping((), (RelationMapping("x", "r"),), ())):
        found = evidence_of(rows, rows, schema)
        assert np.isnan(found["echo:shared"]).all()
        assert not found["echo:left neighbours"].any()


def test_no_pairs_and_no_entities_have_no_echo():
    schema = SchemaMapping((), (RelationMapping("r", "r"),), ())
    assert (
        len(evidence_of([("a", "r", "b")], [("a", "r", "b")], schema, (ints(), ints()))["echo:shared"]) == 0
    )
    empty = graph_of()
    adjacency = Adjacency.of(empty), Adjacency.of(empty)
    groups = relation_groups(empty, empty, schema)
    table = echo_evidence(adjacency, groups, sparse.csr_matrix((0, 0)), (ints(), ints()))
    assert table.values.shape == (0, len(table.names))
