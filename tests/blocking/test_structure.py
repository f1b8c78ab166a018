from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from crossgraph.blocking import structure
from crossgraph.blocking.partners import structural_candidates
from crossgraph.blocking.structure import _sharing, echoed_share, neighbour_products, weights_of
from crossgraph.schema.mapping import RelationMapping, SchemaMapping
from crossgraph.schema.seeds import EntityPairs
from features.plain import graph_of, ints

edges = st.lists(
    st.tuples(st.sampled_from("abcde"), st.sampled_from("rs"), st.sampled_from("abcde")), max_size=9
)
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
SIMILARITY = np.round(np.random.default_rng(3).random((5, 5)), 2).astype(np.float32)
TYPED = [(entity, "t") for entity in "abcde"]


def any_edges(edges):
    """Every edge from both its ends, with the idf of the other end by all its edges."""
    both = [(h, t) for h, _, t in edges] + [(t, h) for h, _, t in edges]
    degrees = Counter(t for _, t in both)
    return [(h, t, math.sqrt(max(0, math.log(5 / degrees[t])))) for h, t in both]


def shorten(rows, squares):
    """Divide every row by its length, see ``row_lengths``."""
    positive = [square for square in squares.values() if square > 0]
    for one, row in rows.items():
        for place in row:
            row[place] /= math.sqrt(squares[one] + (sum(positive) / len(positive) if positive else 1))


def slow_weights(left, right, schema, anyhow):
    """(5, 5) of the docstring, from dictionaries."""
    left, right = sorted(set(left)), sorted(set(right))
    names = [{r for _, r, _ in one} for one in (left, right)]
    seen, known = defaultdict(Counter), defaultdict(Counter)
    mine, yours = Counter(), Counter()
    partner_of, partner_from = (
        dict(zip("abcde", SIMILARITY.max(axis=a).tolist(), strict=True)) for a in (1, 0)
    )
    for i, y, idf in any_edges(left):
        mine[i] += anyhow * idf**2 * partner_of[y]
        for z in "abcde":
            seen[i]["any", z] += anyhow * idf * SIMILARITY["abcde".index(y), "abcde".index(z)]
    for j, y, idf in any_edges(right) if anyhow else ():
        known[j]["any", y] += idf
        yours[j] += anyhow * idf**2 * partner_from[y]
    for number, m in enumerate(m for m in schema.relations if m.left in names[0] and m.right in names[1]):
        for back in (False, True):
            ours = [(t, h) if back else (h, t) for h, r, t in left if r == m.left]
            theirs = [(t, h) if back != m.inverse else (h, t) for h, r, t in right if r == m.right]
            d, e = Counter(end for _, end in ours), Counter(end for _, end in theirs)
            for i, x in ours:
                mine[i] += m.weight * math.log(5 / d[x]) * partner_of[x]
                for y in "abcde":
                    near = SIMILARITY["abcde".index(x), "abcde".index(y)]
                    seen[i][number, back, y] += m.weight * near * math.sqrt(math.log(5 / d[x]))
            for j, y in theirs:
                known[j][number, back, y] += math.sqrt(math.log(5 / e[y]))
                yours[j] += m.weight * math.log(5 / e[y]) * partner_from[y]
    shorten(seen, mine)
    shorten(known, yours)
    return [
        [sum(seen[i][place] * value for place, value in known[j].items()) for j in "abcde"] for i in "abcde"
    ]


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 2, 2**30])), max_size=9))
def test_shared_ends_are_counted_alike_by_table_and_by_sorting(rows):
    relations, ends = (np.array([row[at] for row in rows], dtype=np.int32) for at in (0, 1))
    assert _sharing(relations, ends).tolist() == [rows.count(row) for row in rows]


@given(edges, edges, mappings, st.sampled_from([0.0, 0.5]))
def test_weights_are_what_dictionaries_say(left, right, schema, anyhow):
    graphs = graph_of(TYPED, left), graph_of(TYPED, right)
    factors, _ = neighbour_products(*graphs, schema, sparse.csr_matrix(SIMILARITY), anyhow=anyhow)
    first, second = (side.ravel().astype(np.int32) for side in np.meshgrid(range(5), range(5), indexing="ij"))
    expected = np.ravel(slow_weights(left, right, schema, anyhow))
    np.testing.assert_allclose(weights_of(factors, first, second), expected, atol=1e-4)


@given(edges, edges, mappings, st.sampled_from([0.0, 0.5]), st.integers(1, 4))
def test_factors_made_in_batches_are_those_made_at_once(left, right, schema, anyhow, at_once):
    graphs, similarity = (graph_of(TYPED, left), graph_of(TYPED, right)), sparse.csr_matrix(SIMILARITY)
    whole, lengths = neighbour_products(*graphs, schema, similarity, anyhow=anyhow)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crossgraph.blocking.structure.EDGES_AT_ONCE", at_once)
        parts, same = neighbour_products(*graphs, schema, similarity, anyhow=anyhow)
    # Lengths are sums, in another order.
    for one, other in zip(parts, whole, strict=True):
        np.testing.assert_allclose(one.toarray(), other.toarray(), rtol=1e-6)
    np.testing.assert_allclose(same[0], lengths[0])
    np.testing.assert_allclose(same[1], lengths[1])


@given(edges, edges, mappings, st.sampled_from([0.0, 0.5]))
def test_exchanged_graphs_have_the_exchanged_weights(left, right, schema, anyhow):
    graphs, similarity = (graph_of(TYPED, left), graph_of(TYPED, right)), sparse.csr_matrix(SIMILARITY)
    turned = SchemaMapping((), tuple(replace(m, left=m.right, right=m.left) for m in schema.relations), ())
    (x, y), _ = neighbour_products(*graphs, schema, similarity, anyhow=anyhow)
    (u, v), _ = neighbour_products(*graphs[::-1], turned, similarity.T.tocsr(), anyhow=anyhow)
    np.testing.assert_allclose((x @ y.T).toarray(), (v @ u.T).toarray(), atol=1e-5)


@given(edges, edges, mappings, st.integers(1, 3))
def test_candidates_are_the_pairs_of_largest_weight(left, right, schema, top):
    graphs = graph_of(TYPED, left), graph_of(TYPED, right)
    factors, _ = neighbour_products(*graphs, schema, sparse.csr_matrix(SIMILARITY))
    members = np.array([True, True, False, False, False]), np.array([False, True, True, True, True])
    found = structural_candidates(factors, members, top=top)
    weights = (factors[0] @ factors[1].T).toarray()
    for i in (0, 1):
        mine = found.right[found.left == i]
        best = np.sort(weights[i, 1:])[::-1][:top]
        np.testing.assert_allclose(np.sort(weights[i, mine])[::-1], best[best > 0], rtol=1e-4)
    assert set(found.left) <= {0, 1}
    assert set(found.right) <= {1, 2, 3, 4}
    swapped = structural_candidates(factors[::-1], members[::-1], top=top)
    assert sorted(zip(swapped.right, swapped.left, strict=True)) == sorted(
        zip(found.left, found.right, strict=True)
    )


NOTHING_MAPPED = SchemaMapping((), (), ())


def test_seeds_tell_how_many_neighbours_are_so_on_both_sides():
    left = graph_of(TYPED, [(head, "r", tail) for head, tail in ("ab", "ba", "ac", "ae", "cc")])
    right = graph_of(TYPED, [(head, "x", tail) for head, tail in ("ba", "cb", "ad", "db", "de")])
    seeds = EntityPairs.of(ints(0, 1, 2, 3), ints(0, 1, 2, 3))
    # Left a-b and a-c, right a-b, b-c, a-d and b-d; e is no seed, and c is no neighbour of itself.
    assert echoed_share(left, right, NOTHING_MAPPED, seeds) == 0.5
    assert echoed_share(right, left, NOTHING_MAPPED, seeds) == 0.5
    turned = EntityPairs.of(ints(0, 1, 2), ints(1, 0, 2))
    told = echoed_share(left, right, NOTHING_MAPPED, turned)
    assert told == 1.0, "b-a and b-c are neighbours on the right too"
    assert echoed_share(left, right, NOTHING_MAPPED, EntityPairs.of(ints(), ints())) == 0.0


def test_what_mapped_relations_tell_of_neighbours_is_not_told_again():
    left = graph_of(
        TYPED, [("a", "r", "b"), ("c", "r", "a"), ("b", "s", "c"), ("a", "s", "d"), ("d", "s", "d")]
    )
    right = graph_of(
        TYPED, [("a", "x", "b"), ("a", "x", "c"), ("b", "y", "c"), *(("b", "z", e) for e in "cde")]
    )
    seeds = EntityPairs.of(ints(0, 1, 2, 3), ints(0, 1, 2, 3))
    # Left a-b, a-c, b-c and a-d, right a-b, a-c, b-c and b-d: three of four are so on both sides.
    assert echoed_share(left, right, NOTHING_MAPPED, seeds) == 0.75
    # Of a-b the mapping tells, but of a-c it does not: r and x point in opposite directions there.
    mapped = SchemaMapping((), (RelationMapping("r", "x"),), ())
    assert echoed_share(left, right, mapped, seeds) == pytest.approx(2 / 3)
    inverse = SchemaMapping((), (RelationMapping("r", "x", inverse=True),), ())
    assert echoed_share(left, right, inverse, seeds) == pytest.approx(2 / 3), "and so of a-c"
    more = SchemaMapping((), (*mapped.relations, *inverse.relations, RelationMapping("s", "y")), ())
    assert echoed_share(left, right, more, seeds) == 0.0, "a-d is left, which is so on the left alone"
    itself = SchemaMapping(
        (), tuple(RelationMapping(r, r, inverse=i) for r in "rs" for i in (False, True)), ()
    )
    assert echoed_share(left, left, itself, seeds) == 0.0, "nobody is left"


@given(edges, edges, mappings, st.permutations(range(5)))
def test_what_is_left_to_any_edge_is_the_same_from_both_sides(left, right, schema, partners):
    graphs = graph_of(TYPED, left), graph_of(TYPED, right)
    seeds = EntityPairs.of(np.arange(4), np.array(partners[:4]))
    turned = SchemaMapping(
        (), tuple(replace(one, left=one.right, right=one.left) for one in schema.relations), ()
    )
    share = echoed_share(*graphs, schema, seeds)
    swapped = echoed_share(*graphs[::-1], turned, EntityPairs.of(seeds.right, seeds.left))
    assert swapped == pytest.approx(share)
    assert 0 <= share <= echoed_share(*graphs, NOTHING_MAPPED, seeds) <= 1


def test_a_hub_tells_nothing_apart(monkeypatch):
    monkeypatch.setattr(structure, "HUB_DEGREE", 2)
    schema = SchemaMapping((), (RelationMapping("r", "r"),), ())
    graph = graph_of(TYPED, [("a", "r", "e"), ("b", "r", "e"), ("c", "r", "e"), ("a", "r", "d")])
    factors, _ = neighbour_products(graph, graph, schema, sparse.identity(5, format="csr", dtype=np.float32))
    # Their only neighbour, e, is a hub; a has d too.
    own, *others = weights_of(factors, ints(0, 0, 1), ints(0, 1, 1)).tolist()
    assert own > 0
    assert others == [0.0, 0.0]


def test_names_of_other_graphs_in_a_schema_weigh_nothing():
    schema = SchemaMapping((), (RelationMapping("r", "gone"), RelationMapping("gone", "r")), ())
    graph = graph_of(TYPED, [("a", "r", "b")])
    factors, _ = neighbour_products(graph, graph, schema, sparse.csr_matrix(SIMILARITY))
    assert weights_of(factors, ints(0), ints(0)).tolist() == [0.0]


def test_nothing_mapped_or_nobody_there_proposes_nothing():
    nothing = SchemaMapping((), (), ())
    graph = graph_of(TYPED)
    factors, _ = neighbour_products(graph, graph, nothing, sparse.csr_matrix((5, 5)))
    for member in (np.ones(5, dtype=bool), np.zeros(5, dtype=bool)):
        assert len(structural_candidates(factors, (member, np.ones(5, dtype=bool)), top=3)) == 0
    assert weights_of(factors, ints(), ints()).tolist() == []
