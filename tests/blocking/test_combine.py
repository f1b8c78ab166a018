from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.combine import (
    BlockingOptions,
    Former,
    best_of_each,
    block,
    likeness,
    name_similarity,
    settled_by,
    type_members,
)
from crossgraph.blocking.mutual import mutual_seeds
from crossgraph.blocking.singles import shares_among
from crossgraph.errors import ConfigError
from crossgraph.features.description import describe
from crossgraph.schema.estimate import estimate_schema
from crossgraph.schema.mapping import SchemaMapping, TypeMapping
from crossgraph.schema.seeds import EntityPairs, shared_rare_values, type_codes
from features.plain import graph_of, ints


@pytest.fixture(scope="module")
def blocked(mid_pair):
    """block() on a pair and on the same pair with its sides swapped."""

    def run(graphs, **more):
        description = describe(*graphs)
        seeds = shared_rare_values(description)
        schema = estimate_schema(*graphs, description, seeds)
        return block(graphs, description, schema, seeds, **more).candidates

    return run


def told(candidates: Candidates) -> set[tuple[int, int]]:
    return set(zip(candidates.left.tolist(), candidates.right.tolist(), strict=True))


def test_a_pool_in_pieces_has_the_candidates_of_a_whole_one(mid_pair, blocked, monkeypatch):
    left, right = mid_pair.graphs
    whole = blocked((left, right), options=BlockingOptions(per_entity=200, rounds=1, least_chance=0.0))
    # Pieces learn what a weight says from the first one alone, so the priors differ, and nothing else.
    monkeypatch.setattr("crossgraph.blocking.pool.PIECE", 7)
    pieces = blocked((left, right), options=BlockingOptions(per_entity=200, rounds=1, least_chance=0.0))
    assert told(pieces) == told(whole)
    np.testing.assert_array_equal(pieces.name, whole.name)
    np.testing.assert_array_equal(pieces.structure, whole.structure)
    few = blocked((left, right), options=BlockingOptions(per_entity=5, structure_pool=20))
    ids = [graph.positions(side) for graph, side in zip((left, right), truth_columns(mid_pair), strict=True)]
    assert few.recall(*ids) > 0.85


def test_most_true_pairs_are_found_within_the_budget(mid_pair, blocked):
    found = blocked(mid_pair.graphs, options=BlockingOptions(per_entity=5))
    left, right = (
        graph.positions(ids) for graph, ids in zip(mid_pair.graphs, truth_columns(mid_pair), strict=True)
    )
    assert found.recall(left, right) > 0.85
    types = [type_codes(graph)[1] for graph in mid_pair.graphs]
    for a in np.unique(types[0]):
        for b in np.unique(types[1][found.right[types[0][found.left] == a]]):
            of_types = (types[0][found.left] == a) & (types[1][found.right] == b)
            sizes = [(types[0] == a).sum(), (types[1] == b).sum()]
            most = [np.bincount(ends[of_types]).max() for ends in (found.left, found.right)]
            # Of two that are as many, one of them.
            assert min(most[side] for side in range(2) if sizes[side] == min(sizes)) <= 5
    assert np.isfinite(found.prior).all()
    assert ((found.name >= 0) & (found.name <= 1)).all()
    assert (found.structure >= 0).all()


def truth_columns(pair):
    return tuple(pl.Series([row[side] for row in pair.truth]) for side in (0, 1))


def test_what_is_to_be_kept_is_kept_and_nothing_else_changes(mid_pair, blocked):
    keep = EntityPairs.of(ints(0, 0, 5, 5), ints(7, 9, 0, 0))
    plain, kept = blocked(mid_pair.graphs), blocked(mid_pair.graphs, keep=keep)
    wanted = set(zip(keep.left.tolist(), keep.right.tolist(), strict=True))
    assert told(kept) == told(plain) | wanted
    assert told(kept.take(kept.proposed)) == told(plain)
    same = kept.take(kept.proposed)
    np.testing.assert_array_equal(same.prior, plain.prior)


def test_a_pair_that_is_asked_for_weighs_the_same_whatever_else_is_asked_for(mid_pair, blocked):
    proposed = blocked(mid_pair.graphs)
    left, right = (g.positions(ids) for g, ids in zip(mid_pair.graphs, truth_columns(mid_pair), strict=True))
    absent = proposed.find(left, np.roll(right, 1)) < 0
    asked = EntityPairs.of(left[absent], np.roll(right, 1)[absent])
    alone = asked.take(np.arange(len(asked)) == 0)
    weights = []
    for keep in (alone, asked):
        found = blocked(mid_pair.graphs, keep=keep)
        weights.append(found.prior[found.find(alone.left, alone.right)])
    np.testing.assert_array_equal(*weights)


def test_sides_swap_where_they_differ_in_size():
    names = [f"{a} {b}" for a in ("red", "blue", "green") for b in ("fox", "hen", "owl", "cat")]
    left = graph_of(
        [(f"l{i:02}", "animal") for i in range(9)], facts=[(f"l{i:02}", "name", names[i]) for i in range(9)]
    )
    right = graph_of(
        [(f"r{i:02}", "beast") for i in range(12)], facts=[(f"r{i:02}", "label", names[i]) for i in range(12)]
    )
    options = BlockingOptions(per_entity=3, least_chance=0.0)
    found = []
    for graphs in ((left, right), (right, left)):
        description = describe(*graphs)
        schema = estimate_schema(*graphs, description, shared_rare_values(description))
        seeds = shared_rare_values(description)
        found.append(block(graphs, description, schema, seeds, options=options).candidates)
    # The true partner is nearest whoever asks, and equally near rivals are cut by their place.
    assert {(j, i) for i, j in told(found[1])} >= {(i, i) for i in range(9)}
    assert len(found[0]) == len(found[1]) == 27
    np.testing.assert_allclose(
        [np.sort(side.prior) for side in found[:1]], [np.sort(side.prior) for side in found[1:]], rtol=1e-4
    )


def test_sides_swap_where_they_are_as_many_and_much_is_cut():
    """Sixty entities on either side whose names tell little; one graph has a fact more."""
    rng = np.random.default_rng(0)
    words = [" ".join(rng.choice(["ash", "oak", "elm", "fir", "yew"], 3)) for _ in range(120)]
    graphs = [
        graph_of(
            [(f"{side}{n:02}", "tree") for n in range(60)],
            facts=[
                *((f"{side}{n:02}", "name", words[at + n]) for n in range(60)),
                *more,
            ],
        )
        for side, at, more in (("l", 0, []), ("r", 60, [("r00", "note", "tall")]))
    ]
    found = []
    for left, right in (graphs, graphs[::-1]):
        description = describe(left, right)
        seeds = EntityPairs.of(ints(), ints())
        schema = SchemaMapping((TypeMapping("tree", "tree", 1.0),), (), ())
        options = BlockingOptions(per_entity=2, rounds=1)
        found.append(told(block((left, right), description, schema, seeds, options=options).candidates))
    assert found[0] == {(a, b) for b, a in found[1]}
    assert 60 < len(found[0]) <= 120


def test_swapping_sides_swaps_the_candidates_where_nothing_is_cut(mid_pair, blocked):
    wide = BlockingOptions(per_entity=10_000, least_chance=0.0, name_pool=10_000, structure_pool=10_000)
    one, other = blocked(mid_pair.graphs, options=wide), blocked(mid_pair.graphs[::-1], options=wide)
    assert told(one) == {(i, j) for j, i in told(other)}


def test_blocking_twice_proposes_the_same(mid_pair, blocked):
    one, other = blocked(mid_pair.graphs), blocked(mid_pair.graphs)
    assert told(one) == told(other)
    np.testing.assert_array_equal(one.prior, other.prior)


def test_a_repeated_type_in_a_schema_repeats_no_candidate():
    graph = graph_of([("a", "t"), ("b", "t")], facts=[("a", "name", "fox"), ("b", "name", "hen")])
    description = describe(graph, graph)
    none = EntityPairs.of(ints(), ints())
    schema = SchemaMapping((TypeMapping("t", "t"), TypeMapping("t", "t", 0.5), TypeMapping("x", "t")), (), ())
    assert len(type_members(graph, graph, schema)) == 1
    found = block((graph, graph), description, schema, none).candidates
    assert len(found) == len(told(found)) == 2


@pytest.mark.parametrize(
    "graph",
    [
        graph_of(),
        graph_of([("a", "t")]),
        graph_of(edges=[("a", "r", "b")]),
        graph_of(facts=[("a", "name", "?!")]),
        graph_of([("a", "t"), ("a", "u")], facts=[("a", "size", "5")]),
    ],
)
def test_nothing_to_go_by_proposes_nothing(graph):
    other = graph_of([("x", "t")], [("x", "s", "y")], [("x", "name", "fox")])
    for graphs in ((graph, other), (other, graph), (graph, graph)):
        description = describe(*graphs)
        schema = estimate_schema(*graphs, description, shared_rare_values(description))
        assert not len(block(graphs, description, schema, shared_rare_values(description)).candidates)


def test_name_similarity_shares_a_name_among_its_rivals():
    named = Candidates.of_pairs(ints(0, 0, 1, 2), ints(0, 1, 2, 3), np.array([1, 1, 1, 0.5], np.float32))
    found = name_similarity(named, (3, 4))
    assert isinstance(found, sparse.csr_matrix)
    # Two equal rivals share; a name alone, however unlike, keeps its own sixth power, if above 0.05.
    np.testing.assert_allclose(found.toarray(), [[0.5, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])


def best(count: int, *, least_chance: float = 0.0) -> BlockingOptions:
    return BlockingOptions(per_entity=count, least_chance=least_chance)


def test_pairs_without_a_chance_are_left_out_but_for_an_entity_s_two_best():
    # Left 0 has one sure partner and three that are far behind; left 1 is in doubt among four.
    pairs = Candidates.of_pairs(ints(0, 0, 0, 0, 1, 1, 1, 1), ints(0, 1, 2, 3, 4, 5, 6, 7))
    pairs = replace(pairs, prior=np.array([12, 1, 0, 0.5, 1, 0.9, 0.8, 0.7], dtype=np.float32))
    kept = best_of_each(pairs, best(4, least_chance=0.001), by_left=True)
    assert told(kept) == {(0, 0), (0, 1), (1, 4), (1, 5), (1, 6), (1, 7)}
    assert told(best_of_each(pairs, best(4), by_left=True)) == told(pairs)


def test_who_is_taken_by_others_has_no_chance_among_some_either():
    # Left 1 is sure of right 2, whom left 0 has third.
    pairs = Candidates.of_pairs(ints(0, 0, 0, 1), ints(0, 1, 2, 2))
    pairs = replace(pairs, prior=np.array([3, 2, 1, 12], dtype=np.float32))
    own, options = pairs.left == 0, best(4, least_chance=0.001)
    among = shares_among(pairs, (True, True))
    some = pairs.take(own)
    assert told(best_of_each(some, options, by_left=True, shares=among[own])) == {(0, 0), (0, 1)}
    assert told(best_of_each(some, options, by_left=True)) == {(0, 0), (0, 1), (0, 2)}
    assert told(best_of_each(some, options, by_left=True, shares=shares_among(some, (True, True)))) == told(
        best_of_each(some, options, by_left=True)
    )


def test_the_best_of_each_are_kept():
    pairs = Candidates.of_pairs(ints(0, 0, 0, 1), ints(0, 1, 2, 0))
    pairs = replace(pairs, prior=np.array([1, 3, 2, 0], dtype=np.float32))
    assert told(best_of_each(pairs, best(2), by_left=True)) == {(0, 1), (0, 2), (1, 0)}
    assert told(best_of_each(pairs, best(1), by_left=False)) == {(0, 0), (0, 1), (0, 2)}
    # Right 0 is nearest to left 0, which has better partners, and to left 1, which has none; left 2 is third.
    pairs = Candidates.of_pairs(ints(0, 0, 1, 2, 2), ints(0, 1, 0, 0, 2))
    pairs = replace(pairs, prior=np.array([2, 9, 1, 1.5, 9], dtype=np.float32))
    assert told(best_of_each(pairs, best(2), by_left=False)) == {(0, 0), (1, 0), (0, 1), (2, 2)}
    pairs = Candidates.of_pairs(ints(0, 0, 0, 1), ints(0, 1, 2, 0))
    pairs = replace(pairs, prior=np.array([1, 9, 2, 0], dtype=np.float32))
    seeds = mutual_seeds(pairs, EntityPairs.of(ints(), ints()), ints(0, 0))
    assert (seeds.left.tolist(), seeds.right.tolist()) == ([0], [1])


def test_known_links_tell_by_how_much_a_seed_must_lead():
    # A hundred entities of each of two types, each with a rival; the first type has sixty links, and every
    # mutual best pair of them that leads by less than one is wrong.
    size = 200
    leads = np.where(np.arange(size) % 2 == 0, 1.5, 0.5).astype(np.float32)
    left = np.repeat(np.arange(size), 2)
    right = np.stack([np.arange(size), size + np.arange(size)], axis=1).ravel()
    prior = np.stack([leads, np.zeros(size)], axis=1).ravel().astype(np.float32)
    candidates = replace(Candidates.of_pairs(left, right), prior=prior)
    linked = np.arange(120)
    links = EntityPairs.of(linked, np.where(linked % 2 == 0, linked, size + linked))
    types = (np.arange(size) >= 120).astype(np.int32)
    found = mutual_seeds(candidates, links, types)
    assert found.left.tolist() == found.right.tolist() == [i for i in range(120) if i % 2 == 0]
    assert len(mutual_seeds(candidates, links.take(linked < 20), types)) == 0, "so few do not tell"


@pytest.mark.parametrize("told", [True, False])
def test_where_nobody_is_sure_the_leads_of_all_tell_who_is(told):
    # Each of two hundred entities has ten candidates that are alike by chance, and, if it is told, one beside
    # them that is a little nearer than chance brings it.
    rng, size = np.random.default_rng(0), 200
    left, right = np.repeat(np.arange(size), 10), rng.integers(0, size, size * 10)
    left, right = (np.r_[ends, np.arange(size)] for ends in (left, right))
    pairs = Candidates.of_pairs(left, right)
    same = pairs.left == pairs.right
    prior = rng.normal(1.5, 0.2, len(pairs)) + np.where(same & told, 1.4, 0.0)
    pairs, nothing = replace(pairs, prior=prior.astype(np.float32)), EntityPairs.of(ints(), ints())
    found = mutual_seeds(pairs, nothing, np.zeros(size, np.int32))
    if told:
        assert len(found) > 0.6 * size
        assert (found.left == found.right).mean() > 0.95
    else:
        assert not len(found)


def test_seeds_are_alike_by_their_weight_and_a_linked_entity_is_nobody_else():
    named = Candidates.of_pairs(ints(0, 1, 2), ints(1, 1, 3), np.array([1, 0.9, 1], np.float32))
    seeds = EntityPairs.of(ints(0, 2), ints(0, 2), np.array([1, 0.5]))
    found = likeness([named], seeds, (3, 4)).toarray()
    assert found[0].tolist() == [1, 0, 0, 0]
    assert found[2].tolist() == [0, 0, 0.5, 1]
    assert 0 < found[1, 1] < 1
    assert found[1, [0, 2, 3]].tolist() == [0, 0, 0]
    # The round before thinks of a pair that no name tells, and of one that a link speaks against.
    former = Candidates.of_pairs(ints(1, 1, 0), ints(1, 2, 3))
    former = Former.guessed(replace(former, prior=np.array([-9, 2, 9], np.float32)))
    after = likeness([named], seeds, (3, 4), former=former).toarray()
    assert after[1, 2] == pytest.approx(former.shares[2] / 2, rel=1e-5)
    after[1, 2] = 0
    np.testing.assert_array_equal(after, found)
    # Without any names it cannot think so of a namesake.
    nameless = likeness([], seeds, (3, 4), former=former).toarray()
    assert nameless[1, 2] == pytest.approx(former.shares[2], rel=1e-5)


def test_who_was_judged_is_believed_and_names_say_no_more():
    named = Candidates.of_pairs(ints(0, 1), ints(0, 1), np.array([1.0, 1.0]))
    seeds = EntityPairs.of(ints(2), ints(3))
    pairs = Candidates.of_pairs(ints(0, 1, 1, 2), ints(0, 1, 2, 1))
    former = Former(pairs, np.array([0.1, 0.02, 0.8, 0.9]), judged=True)
    found = likeness([named], seeds, (3, 4), former=former).toarray()
    # A namesake that scorers do not believe says nothing, and neither do they against a known link.
    expected = np.zeros((3, 4))
    expected[0, 0], expected[1, 2], expected[2, 3] = 0.1, 0.8, 1.0
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    # Of whom nobody was judged, names tell as ever.
    strangers = Candidates.of_pairs(ints(0, 1), ints(3, 1), np.array([1.0, 1.0]))
    nobody = EntityPairs.of(ints(), ints())
    found = likeness([strangers], nobody, (3, 4), former=former).toarray()
    assert found[0, 3] == likeness([strangers], nobody, (3, 4)).toarray()[0, 3] > 0.5
    assert found[1, 1] == 0.0


def test_looks_below_none_are_refused():
    with pytest.raises(ConfigError, match="looks"):
        BlockingOptions(looks=-1)


@pytest.mark.parametrize("name", ["per_entity", "name_pool", "structure_pool", "rounds"])
def test_settings_below_one_are_refused(name):
    with pytest.raises(ConfigError, match=name):
        BlockingOptions(**{name: 0})


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_chance_out_of_range_is_refused(share):
    with pytest.raises(ConfigError, match="least_chance"):
        BlockingOptions(least_chance=share)


def test_an_entity_is_settled_by_a_partner_that_no_rival_is_near():
    former = Candidates.of_pairs(ints(0, 0, 1, 1, 2), ints(0, 1, 2, 3, 3))
    former = replace(former, prior=np.array([9, 1, 3, 2.5, -1], dtype=np.float32))
    left, right = settled_by(Former.guessed(former), (4, 5))
    assert left.tolist() == [True, False, False, False]
    assert right.tolist() == [True, False, False, False, False]
