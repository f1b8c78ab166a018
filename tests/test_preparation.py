from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from crossgraph.blocking.combine import BlockingOptions
from crossgraph.comparing import gather_evidence
from crossgraph.errors import GraphFormatError, NoCandidatesError
from crossgraph.graphs.content import content_keys
from crossgraph.labels import drawn
from crossgraph.preparation import Known
from crossgraph.proposing import prepare
from crossgraph.schema.estimate import SchemaOptions
from crossgraph.schema.mapping import AttributeMapping, RelationMapping, SchemaMapping, TypeMapping
from crossgraph.schema.seeds import EntityPairs
from crossgraph.stages import StageClock
from features.plain import graph_of, ints

OPTIONS = {"schema_options": SchemaOptions(), "blocking": BlockingOptions()}


def truth(pair):
    return [
        graph.positions(pl.Series([row[side] for row in pair.truth]))
        for side, graph in enumerate(pair.graphs)
    ]


@pytest.fixture(scope="module")
def prepared(mid_pair):
    return prepare(mid_pair.graphs, Known.nothing(), **OPTIONS)


def test_seeds_found_without_labels_are_right(mid_pair, prepared):
    partner = dict(zip(*(side.tolist() for side in truth(mid_pair)), strict=True))
    seeds = prepared.seeds
    right = [partner.get(a) == b for a, b in zip(seeds.left.tolist(), seeds.right.tolist(), strict=True)]
    assert len(seeds) > 30
    assert np.mean(right) > 0.95
    assert len(set(seeds.left)) == len(set(seeds.right)) == len(seeds)


def test_the_schema_is_found_without_labels(prepared):
    relations = {(m.left, m.right): m.inverse for m in prepared.schema.relations}
    assert relations["directed_by", "director_of"]
    assert not relations["stars", "cast"]
    assert {("film", "Movie"), ("person", "Human")} <= {(m.left, m.right) for m in prepared.schema.types}


def test_evidence_tells_true_pairs_from_others(mid_pair, prepared):
    table = gather_evidence(prepared)
    assert table.values.shape == (len(prepared.candidates), len(table.names))
    assert len(set(table.names)) == len(table.names)
    assert not np.isinf(table.values).any()
    places = prepared.candidates.find(*truth(mid_pair))
    same = np.zeros(len(prepared.candidates), dtype=bool)
    same[places[places >= 0]] = True
    for name in ("name:cosine", "prior:value", "echo:shared", "prior:lead among left's"):
        values = table.values[:, table.names.index(name)]
        assert np.nanmean(values[same]) > np.nanmean(values[~same])


def test_known_links_are_seeds_and_drive_out_rivals(mid_pair):
    wrong = EntityPairs.of(ints(3), ints(4))
    known = Known(wrong, EntityPairs.of(ints(), ints()))
    seeds = prepare(mid_pair.graphs, known, keep=wrong, **OPTIONS).seeds
    assert seeds.right[seeds.left == 3].tolist() == [4]
    assert seeds.left[seeds.right == 4].tolist() == [3]
    assert seeds.weight[seeds.left == 3].tolist() == [1.0]


def test_a_pair_known_to_differ_is_no_seed(mid_pair, prepared):
    wrong = EntityPairs.of(prepared.seeds.left[:3], prepared.seeds.right[:3])
    again = prepare(mid_pair.graphs, Known(Known.nothing().same, wrong), keep=wrong, **OPTIONS)
    pairs = set(zip(again.seeds.left.tolist(), again.seeds.right.tolist(), strict=True))
    assert len(pairs) > 30
    assert not pairs & set(zip(wrong.left.tolist(), wrong.right.tolist(), strict=True))


def test_preparing_twice_gives_the_same(mid_pair, prepared):
    again = prepare(mid_pair.graphs, Known.nothing(), **OPTIONS)
    assert again.schema == prepared.schema
    np.testing.assert_array_equal(gather_evidence(again).values, gather_evidence(prepared).values)


def test_a_given_schema_is_taken_as_it_is(mid_pair):
    schema = SchemaMapping((TypeMapping("film", "Movie"),), (), (AttributeMapping("title", "label"),))
    found = prepare(mid_pair.graphs, Known.nothing(), schema=schema, **OPTIONS)
    assert found.schema is schema
    kinds = {mid_pair.left.entity_type(int(entity)) for entity in np.unique(found.candidates.left)}
    assert kinds == {"film"}


def test_all_unknown_names_of_a_given_schema_are_told(mid_pair):
    schema = SchemaMapping(
        (TypeMapping("film", "Movies"),),
        (RelationMapping("starz", "cast"), RelationMapping("starz", "company")),
        (AttributeMapping("title", "zzz"),),
    )
    with pytest.raises(GraphFormatError, match="did you mean 'Movie'") as caught:
        prepare(mid_pair.graphs, Known.nothing(), schema=schema, **OPTIONS)
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize(
    "left",
    [
        graph_of([("a", "t")]),
        graph_of(edges=[("a", "r", "b")]),
        graph_of(facts=[("a", "size", "5")]),
        graph_of(),
    ],
)
def test_graphs_with_nothing_in_common_have_no_candidates(left):
    right = graph_of([("x", "u")], [("x", "s", "y")], [("x", "name", "fox")])
    for graphs in ((left, right), (right, left)):
        with pytest.raises(NoCandidatesError, match="no two entities"):
            prepare(graphs, Known.nothing(), **OPTIONS)


def test_one_entity_a_side_is_enough():
    graphs = graph_of([("a", "t")], facts=[("a", "name", "red fox")]), graph_of(facts=[("x", "n", "red fox")])
    found = prepare(graphs, Known.nothing(), **OPTIONS)
    assert (found.candidates.left.tolist(), found.candidates.right.tolist()) == ([0], [0])
    assert not np.isinf(gather_evidence(found).values).any()


def test_a_clock_measures_stages_even_where_they_fail():
    clock = StageClock()
    with clock.stage("one"):
        pass
    with pytest.raises(ValueError, match="no"), clock.stage("two"):
        raise ValueError("no")
    assert [stage["stage"] for stage in clock.stages] == ["one", "two"]
    assert all(stage["seconds"] >= 0 and stage["peak_memory_mib"] > 1 for stage in clock.stages)


def edges_apart(count, names):
    """So many edges of two entities each, of which nobody tells anything else."""
    triples = [(f"{names}{at}", "beside", f"{names}{at}x") for at in range(count)]
    return graph_of([], triples, [])


def links_of_edges(graphs, count):
    ends = [[f"{names}{at}{end}" for at in range(count) for end in ("", "x")] for names in "ab"]
    return EntityPairs.of(*(graph.positions(pl.Series(own)) for graph, own in zip(graphs, ends, strict=True)))


def unseen_of(graphs, links):
    known = Known(links, Known.nothing().different)
    found = prepare(graphs, known, keep=links, halves=True, **OPTIONS)
    assert found.candidates.proposed[found.candidates.find(links.left, links.right)].all()
    return set(zip(found.unseen.left.tolist(), found.unseen.right.tolist(), strict=True))


def test_links_are_unseen_for_which_only_hidden_ones_speak():
    graphs = edges_apart(90, "a"), edges_apart(90, "b")
    links = links_of_edges(graphs, 90)
    half = drawn(links, 0, (content_keys(graphs[0]), content_keys(graphs[1]))) % 2
    # Of each edge both ends are linked: one speaks for the other if it lies in the other half.
    alike = np.repeat(half[::2] == half[1::2], 2)
    assert 0.2 < alike.mean() < 0.8
    expected = links.take(alike)
    assert unseen_of(graphs, links) == set(zip(expected.left.tolist(), expected.right.tolist(), strict=True))
    assert not unseen_of(graphs, links.take(np.arange(len(links)) < 20)), "too few to be halved"
