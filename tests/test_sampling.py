from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.config import RunOptions
from crossgraph.errors import ConfigError
from crossgraph.graphs.adjacency import Adjacency, directed_name
from crossgraph.sampling import SamplingOptions, content_keys, edge_weights, sample_neighbourhoods
from features.plain import graph_of

edges = st.lists(
    st.tuples(st.sampled_from("abcde"), st.sampled_from("rs"), st.sampled_from("abcde")), max_size=12
)
NAMED = [(entity, "name", f"name of {entity}") for entity in "abcde"]


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


@given(edges)
def test_weights_are_one_over_the_average_fan_out(rows):
    types = [("a", "film"), ("b", "film"), ("c", "person")]
    graph = graph_of([*types, *((e, "thing") for e in "de")], rows)
    adjacency = Adjacency.of(graph)
    kind = {e: graph.entity_type(i) for i, e in enumerate(graph.ids)}
    directed = {(h, r, t) for h, r, t in rows} | {(t, "^" + r, h) for h, r, t in rows}
    for source, relation, weight in zip(
        adjacency.sources, adjacency.relations, edge_weights(graph, adjacency), strict=True
    ):
        name = directed_name(graph.relation_names, int(relation))
        alike = [(h, t) for h, r, t in directed if r == name and kind[h] == kind[graph.ids[int(source)]]]
        assert weight == pytest.approx(len({h for h, _ in alike}) / len(alike))


def test_the_one_director_comes_before_the_dozen_actors():
    """First draws over many seeds are in proportion to the weights: the director half of the time."""
    actors = [f"a{i:02}" for i in range(12)]
    graph = graph_of(
        edges=[("film", "directed_by", "d"), *(("film", "stars", actor) for actor in actors)],
        facts=[(entity, "name", f"name {entity}") for entity in ("film", "d", *actors)],
    )
    film, director = graph.ids.to_list().index("film"), graph.ids.to_list().index("d")
    draws = 1500
    firsts = np.array([sampled(graph, neighbours=1, seed=seed).neighbours[film, 0] for seed in range(draws)])
    counts = np.bincount(firsts, minlength=len(graph))
    # Four standard errors.
    assert abs(counts[director] / draws - 1 / 2) < 4 * 0.5 / np.sqrt(draws)
    share = 1 / 24
    others = counts[[graph.ids.to_list().index(actor) for actor in actors]] / draws
    assert np.abs(others - share).max() < 4 * np.sqrt(share * (1 - share) / draws)


def test_unweighted_draws_are_alike():
    graph = graph_of(
        edges=[("film", "directed_by", "d"), *(("film", "stars", f"a{i}") for i in range(4))],
        facts=[(e, "name", e) for e in ("film", "d", *(f"a{i}" for i in range(4)))],
    )
    film = graph.ids.to_list().index("film")
    firsts = [sampled(graph, neighbours=1, weighted=False, seed=s).neighbours[film, 0] for s in range(1000)]
    counts = np.bincount(firsts, minlength=6)
    assert np.abs(counts[counts > 0] / 1000 - 0.2).max() < 4 * 0.4 / np.sqrt(1000)


def test_keys_are_made_of_contents_alone():
    one = graph_of([("z", "t")], facts=[("a", "name", "fox"), ("a", "size", "5"), ("b", "name", "hen")])
    other = graph_of([("0", "u")], facts=[("x", "name", "hen"), ("y", "size", "5"), ("y", "name", "fox")])
    a, b, z = content_keys(one).tolist()
    assert content_keys(other).tolist() == [z, b, a]
    assert len({a, b, z}) == 3
    # A value means something else under another attribute.
    assert content_keys(graph_of(facts=[("a", "alias", "hen")])).item() != b


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
