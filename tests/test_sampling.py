from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from crossgraph.config import RunOptions
from crossgraph.errors import ConfigError
from crossgraph.graphs.adjacency import Adjacency, directed_name
from crossgraph.graphs.content import content_keys
from crossgraph.sampling import Sampler, SamplingOptions, relation_weights, sample_neighbourhoods
from features.plain import graph_of, ints
from references import slow_sampling

edges = st.lists(
    st.tuples(st.sampled_from("abcde"), st.sampled_from("rs"), st.sampled_from("abcde")), max_size=12
)
NAMED = [(entity, "name", f"name of {entity}") for entity in "abcde"]
# Some entities share all their facts, some have none.
alike = st.lists(st.tuples(st.sampled_from("abcd"), st.just("name"), st.sampled_from("xy")), max_size=4)
kinds = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("tu")), max_size=4)


def sampled(graph, *, neighbours=3, weighted=True, seed=0):
    options = SamplingOptions(neighbours=neighbours, weighted=weighted)
    return sample_neighbourhoods(graph, Adjacency.of(graph), options=options, seed=seed)


def told(graph, found):
    """The drawn neighbours of each entity, in order, in words."""
    return {
        graph.ids[e]: [
            (directed_name(graph.relation_names, int(r)), graph.ids[int(n)])
            for n, r, real in zip(found.neighbours[e], found.relations[e], found.mask[e], strict=True)
            if real
        ]
        for e in range(len(graph))
    }


@given(edges, st.integers(1, 6), st.integers(0, 3))
def test_neighbours_are_real_drawn_once_and_as_many_as_there_are(rows, neighbours, seed):
    graph = graph_of([(e, "t") for e in "abcde"], rows, NAMED)
    found = sampled(graph, neighbours=neighbours, seed=seed)
    for entity, drawn in told(graph, found).items():
        rows_of = {(r, t) for h, r, t in rows if h == entity} | {
            ("^" + r, h) for h, r, t in rows if t == entity
        }
        assert len(drawn) == len(set(drawn)) == min(neighbours, len(rows_of))
        assert set(drawn) <= rows_of
    # Padding stands behind, and is zero.
    assert (np.diff(found.mask.astype(int), axis=1) <= 0).all()
    assert not found.neighbours[~found.mask].any()
    assert not found.relations[~found.mask].any()


@given(edges, st.randoms(use_true_random=False))
def test_neither_rows_nor_identifiers_change_a_draw(rows, random):
    graph = graph_of(edges=rows, facts=NAMED)
    renamed = dict(zip("abcde", random.sample("vwxyz", 5), strict=True))
    back = {new: old for old, new in renamed.items()}
    shuffled = random.sample(rows, len(rows))
    other = graph_of(
        edges=[(renamed[h], r, renamed[t]) for h, r, t in shuffled],
        facts=[(renamed[e], a, v) for e, a, v in NAMED],
    )
    found = {
        back[entity]: [(r, back[n]) for r, n in drawn]
        for entity, drawn in told(other, sampled(other)).items()
    }
    assert found == told(graph, sampled(graph))


@given(kinds, edges, alike, st.permutations("abcde"))
def test_identifiers_decide_only_between_entities_that_are_alike(types, rows, facts, order):
    renamed = dict(zip("abcde", order, strict=True))
    graph = graph_of(types, rows, facts)
    other = graph_of(
        [(renamed[e], kind) for e, kind in types],
        [(renamed[h], r, renamed[t]) for h, r, t in rows],
        [(renamed[e], a, v) for e, a, v in facts],
    )
    looks, found = slow_sampling.around_keys(graph), told(graph, sampled(graph, neighbours=2))
    looks_there, found_there = slow_sampling.around_keys(other), told(other, sampled(other, neighbours=2))
    for entity, drawn in found.items():
        there = [(r, looks_there[n]) for r, n in found_there[renamed[entity]]]
        assert there == [(r, looks[n]) for r, n in drawn]


def test_a_seed_repeats_itself_and_another_one_draws_anew():
    graph = graph_of(
        facts=[("hub", "name", "hub"), *((f"n{i}", "name", f"n {i}") for i in range(40))],
        edges=[("hub", "r", f"n{i}") for i in range(40)],
    )
    draws = [told(graph, sampled(graph, seed=seed))["hub"] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_far_entities_do_not_change_a_draw():
    graph = graph_of(
        facts=[("hub", "name", "hub"), *((f"n{i}", "name", f"n {i}") for i in range(9))],
        edges=[("hub", "r", f"n{i}") for i in range(9)],
    )
    wider = graph_of(
        facts=[
            ("hub", "name", "hub"),
            ("0", "name", "far"),
            *((f"n{i}", "name", f"n {i}") for i in range(9)),
        ],
        edges=[("0", "s", "00"), *(("hub", "r", f"n{i}") for i in range(9))],
    )
    assert told(graph, sampled(graph))["hub"] == told(wider, sampled(wider))["hub"]


@given(kinds, edges)
def test_weights_are_one_over_the_average_fan_out(types, rows):
    graph = graph_of([*types, *((e, "thing") for e in "de")], rows)
    found = relation_weights(graph, Adjacency.of(graph))
    kinds_of = ["entity", *graph.type_names]
    told = {
        (kinds_of[kind], directed_name(graph.relation_names, int(found.relations[at]))): found.weights[at]
        for kind in range(len(kinds_of))
        for at in range(found.indptr[kind], found.indptr[kind + 1])
    }
    assert told == slow_sampling.weights(graph)
    assert len(told) == len(found.weights) == found.indptr[-1]


@given(kinds, edges, alike, st.integers(1, 5), st.booleans(), st.integers(0, 1 << 31))
def test_the_kernel_draws_what_plain_loops_draw(types, rows, facts, neighbours, weighted, seed):
    graph = graph_of([*types, *((e, "thing") for e in "de")], rows, facts)
    options = {"neighbours": neighbours, "weighted": weighted, "seed": seed}
    assert told(graph, sampled(graph, **options)) == slow_sampling.sample(graph, **options)
    assert content_keys(graph).tolist() == list(slow_sampling.keys(graph).values())


@given(edges, alike, st.permutations(range(5)), st.integers(1, 5))
def test_an_entity_drawn_alone_or_in_any_order_draws_the_same(rows, facts, order, neighbours):
    graph = graph_of([(e, "tu"[e > "b"]) for e in "abcde"], rows, facts)
    adjacency, options = Adjacency.of(graph), SamplingOptions(neighbours=neighbours)
    whole = sample_neighbourhoods(graph, adjacency, options=options, seed=1)
    for entities in (ints(*order), *(ints(e) for e in range(5)), ints()):
        part = Sampler(graph, adjacency, options, 1).draw(entities)
        for one, all_ in zip(vars(part).values(), vars(whole).values(), strict=True):
            np.testing.assert_array_equal(one, all_[entities])


# One director, four actors, three keywords: the weights that a film's eight rows must have.
CREW = [("directed_by", 1), ("stars", 4), ("about", 3)]
RIGHT = [1 / many for _, many in CREW for _ in range(many)]
DRAWS = 20_000


def films(count):
    """Films of one cast, which only their names tell apart."""
    cast = [(relation, f"{relation} {i}") for relation, many in CREW for i in range(many)]
    names = [f"film {i:05}" for i in range(count)]
    graph = graph_of(
        [(name, "film") for name in names],
        [(name, relation, other) for name in names for relation, other in cast],
        [(entity, "name", entity) for entity in (*names, *(other for _, other in cast))],
    )
    return graph, [graph.ids.to_list().index(other) for _, other in cast]


def sets_of(found, entities, cast):
    """Of each entity which of the eight rows were drawn."""
    place = {entity: at for at, entity in enumerate(cast)}
    return [frozenset(place[other] for other in row) for row in found.neighbours[entities].tolist()]


def misfit(drawn, weights):
    """Chi-square of drawn sets, as a share of what a right sampler exceeds once in a million."""
    expected = slow_sampling.chances(weights, 3)
    counts = Counter(drawn)
    total = sum((counts[one] - len(drawn) * p) ** 2 / (len(drawn) * p) for one, p in expected.items())
    return total / chi2.isf(1e-6, len(expected) - 1)


@pytest.fixture(scope="module")
def many_films():
    return films(DRAWS)


@pytest.mark.parametrize(("weighted", "weights"), [(True, RIGHT), (False, [1.0] * 8)])
def test_films_of_one_cast_draw_sets_with_the_exact_chances(many_films, weighted, weights):
    graph, cast = many_films
    at = np.flatnonzero(graph.primary_types >= 0)
    drawn = sets_of(sampled(graph, weighted=weighted, seed=3), at, cast)
    assert misfit(drawn, weights) < 1
    # Another law does not pass.
    assert misfit(drawn, [1.0] * 8 if weighted else RIGHT) > 10


def test_seeds_draw_an_entity_s_neighbours_with_the_exact_chances():
    graph, cast = films(1)
    film, draws = int(np.flatnonzero(graph.primary_types >= 0)[0]), 2000
    drawn = [sets_of(sampled(graph, seed=seed), [film], cast)[0] for seed in range(draws)]
    for row in range(8):
        exact = sum(p for one, p in slow_sampling.chances(RIGHT, 3).items() if row in one)
        share = sum(row in one for one in drawn) / draws
        # 5.5 standard errors: all eight hold but once in three million.
        assert abs(share - exact) < 5.5 * np.sqrt(exact * (1 - exact) / draws)


@pytest.mark.parametrize(
    "wrong", [[1.0] * 8, [1 / w for w in RIGHT], [w**2 for w in RIGHT], [1.0, *[1 / 4] * 7]]
)
def test_a_wrong_sampler_fails_the_statistical_test(wrong):
    assert misfit(slow_sampling.race(RIGHT, 3, DRAWS, seed=1), RIGHT) < 1
    assert misfit(slow_sampling.race(wrong, 3, DRAWS, seed=1), RIGHT) > 2


def test_neighbours_that_nothing_tells_apart_draw_apart():
    """The one director stands against forty blank nodes of weight 1 / 40, not against one of them."""
    graph = graph_of(
        edges=[
            (f"film {i}", relation, f"film {i} {other}")
            for i in range(2000)
            for relation, other in [("directed_by", "d"), *(("note", f"n{k:02}") for k in range(40))]
        ],
        facts=[(f"film {i}", "name", f"{i}") for i in range(2000)],
    )
    names = graph.ids.to_list()
    rows = np.flatnonzero(graph.ids.is_in([f"film {i}" for i in range(2000)]).to_numpy())
    found = sampled(graph, neighbours=1)
    directed = found.relations[rows, 0] == graph.relation_names.index("directed_by")
    assert abs(directed.mean() - 1 / 2) < 5.5 * 0.5 / np.sqrt(2000)
    places = np.array([int(names[n][-2:]) for n in found.neighbours[rows[~directed], 0]])
    assert np.bincount(places, minlength=40).max() < 60


def keys_of(graph):
    return dict(zip(graph.ids, content_keys(graph).tolist(), strict=True))


def test_keys_are_made_of_contents_alone():
    one = graph_of([("z", "t")], facts=[("a", "name", "fox"), ("a", "size", "5"), ("b", "name", "hen")])
    other = graph_of([("0", "t")], facts=[("x", "name", "hen"), ("y", "size", "5"), ("y", "name", "fox")])
    a, b, z = (keys_of(one)[name] for name in "abz")
    assert keys_of(other) == {"0": z, "x": b, "y": a}
    assert len({a, b, z}) == 3
    # A value means something else under another attribute.
    assert content_keys(graph_of(facts=[("a", "alias", "hen")])).item() != b


def test_entities_without_facts_are_told_by_what_surrounds_them():
    facts = [("m", "name", "Mercury"), ("v", "name", "Venus")]
    edges = [("m", "orbit", "o1"), ("v", "orbit", "o2"), ("o1", "axis", "x1"), ("o2", "axis", "x2")]
    graph = graph_of([("lone", "t"), ("only", "u")], edges, facts)
    keys = keys_of(graph)
    assert len(set(keys.values())) == len(keys)
    swapped = [(h.translate({49: 50, 50: 49}), r, t.translate({49: 50, 50: 49})) for h, r, t in edges]
    turned = graph_of([("lone", "t"), ("only", "u")], swapped, facts)
    moved = keys_of(turned)
    assert [moved[e] for e in ("o2", "o1", "x2", "x1")] == [keys[e] for e in ("o1", "o2", "x1", "x2")]
    # What has facts is told by these alone.
    bare = graph_of(facts=facts)
    assert keys_of(bare) == {"m": keys["m"], "v": keys["v"]}


def test_only_structure_tells_apart_what_has_the_same_facts():
    """Three of one name, one of them with a part: which one is drawn does not follow the identifiers."""
    drawn = []
    for ids in ("abc", "bca", "cab"):
        plain, other, special = ids
        graph = graph_of(
            edges=[("hub", "r", e) for e in ids] + [(special, "s", "part")],
            facts=[("hub", "name", "hub"), *((e, "name", "twin") for e in ids)],
        )
        words = dict.fromkeys([plain, other], "plain") | {special: "special"}
        drawn.append([words[n] for _, n in told(graph, sampled(graph, neighbours=2))["hub"]])
    assert drawn[0] == drawn[1] == drawn[2]


@pytest.mark.parametrize("graph", [graph_of(), graph_of([("a", "t")])])
def test_graphs_without_edges_have_empty_neighbourhoods(graph):
    found = sampled(graph)
    assert found.mask.shape == (len(graph), 3)
    assert not found.mask.any()


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="neighbours"):
        SamplingOptions(neighbours=0)
    for seed in (-1, 1 << 32):
        with pytest.raises(ConfigError, match="seed"):
            RunOptions(seed=seed)


def test_draws_are_the_same_in_any_number_of_threads(monkeypatch):
    rng = np.random.default_rng(0)
    names = [f"n{at}" for at in range(60)]
    rows = [(names[a], f"r{a % 3}", names[b]) for a, b in rng.integers(0, 60, (400, 2))]
    told = [(name, "name", f"{number % 40}") for number, name in enumerate(names)]
    graph = graph_of([(name, f"t{at % 4}") for at, name in enumerate(names)], rows, told)
    adjacency, options = Adjacency.of(graph), SamplingOptions(neighbours=4)
    whole = sample_neighbourhoods(graph, adjacency, options=options, seed=1)
    for module in ("sampling.neighbourhoods", "graphs.content"):
        monkeypatch.setattr(f"crossgraph.{module}.LEAST_EACH", 7)
    monkeypatch.setattr("crossgraph._threads.threads", lambda: 4)
    apart = sample_neighbourhoods(graph, adjacency, options=options, seed=1)
    for one, other in zip(vars(whole).values(), vars(apart).values(), strict=True):
        np.testing.assert_array_equal(one, other)
