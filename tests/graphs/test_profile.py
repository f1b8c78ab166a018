from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from crossgraph.graphs import GraphTables, KnowledgeGraph
from crossgraph.graphs.profile import profile, warnings


def graph_of(types=(), edges=(), facts=()) -> KnowledgeGraph:
    return KnowledgeGraph.from_tables(
        GraphTables(
            types=pl.DataFrame(list(types), schema=GraphTables.empty_types().schema, orient="row"),
            edges=pl.DataFrame(list(edges), schema=GraphTables.empty_edges().schema, orient="row"),
            facts=pl.DataFrame(list(facts), schema=GraphTables.empty_facts().schema, orient="row"),
        )
    )


SMALL = graph_of(
    types=[("f1", "film"), ("f2", "film"), ("p1", "person"), ("p2", "person")],
    edges=[("f1", "cast", "p1"), ("f1", "cast", "p2"), ("f2", "cast", "p1"), ("f1", "seen", "x")],
    facts=[
        ("f1", "name", "Alien", ""),
        ("p1", "name", "Ann", ""),
        ("p2", "name", "Ann", ""),
        ("f1", "year", "1979", ""),
        ("f2", "year", " 1.5e3", ""),
        ("f1", "seen_on", "2020-01-02", ""),
        ("f2", "seen_on", "3.4.2021", ""),
        ("f1", "mixed", "12", ""),
        ("f2", "mixed", "a dozen", ""),
    ],
)


def test_counts_of_types_and_relations():
    found = profile(SMALL)
    assert (found.entities, found.edges, found.facts) == (5, 4, 9)
    assert [(row.name, row.entities) for row in found.types] == [("entity", 1), ("film", 2), ("person", 2)]
    cast, seen = found.relations
    assert (cast.name, cast.edges, cast.heads, cast.tails) == ("cast", 3, 2, 2)
    assert (cast.forward, cast.backward) == (1.5, 1.5)
    assert (cast.head_type, cast.tail_type) == ("film", "person")
    assert (seen.head_type, seen.tail_type) == ("film", "entity")


def test_attributes_have_fill_kind_and_examples():
    found = {row.name: row for row in profile(SMALL).attributes}
    assert found["name"].fill == pytest.approx(3 / 4)
    assert found["year"].fill == 1
    assert found["name"].examples == ("Ann", "Alien")
    assert (found["name"].facts, found["name"].distinct) == (3, 2)
    kinds = {name: row.kind for name, row in found.items()}
    assert kinds == {"name": "text", "year": "number", "seen_on": "date", "mixed": "text"}


def test_counts_agree_with_a_slow_count():
    rng = np.random.default_rng(0)
    edges = [(f"e{a}", f"r{r}", f"e{b}") for a, r, b in rng.integers(0, 6, (60, 3))]
    for row in profile(graph_of(edges=edges)).relations:
        own = {edge for edge in edges if edge[1] == row.name}
        assert row.edges == len(own)
        assert row.forward == len(own) / len({head for head, _, _ in own})
        assert row.backward == len(own) / len({tail for _, _, tail in own})


def test_a_profile_is_json():
    assert json.loads(json.dumps(profile(SMALL).as_dict()))["relations"][0]["name"] == "cast"


def test_an_empty_graph_has_an_empty_profile():
    assert profile(graph_of()).as_dict() == {
        **dict.fromkeys(("entities", "edges", "facts"), 0),
        **dict.fromkeys(("types", "relations", "attributes"), ()),
    }


def test_a_sound_graph_gives_no_warning():
    sound = graph_of(
        [("a", "t"), ("b", "t")], [("a", "r", "b")], [("a", "n", "nan", ""), ("b", "n", "x", "")]
    )
    assert warnings(sound) == []


def test_what_is_odd_is_told():
    told = "\n".join(warnings(SMALL))
    assert "1 of 5 entities (20.0%) without any fact" in told
    assert "1 of 5 entities (20.0%) without a type, for example x" in told
    numbers = [("a", "n", value, "") for value in ("1", "NaN", "-inf")]
    odd = graph_of(edges=[("a", "r", "a")], facts=numbers)
    told = "\n".join(warnings(odd))
    assert "with an edge to themselves, for example a" in told
    assert "'n' has 2 values that are NaN or infinite" in told
    assert "no types" in told


def test_graphs_of_one_kind_of_evidence_are_told():
    assert "no facts" in "\n".join(warnings(graph_of(edges=[("a", "r", "b")])))
    assert "no edges" in "\n".join(warnings(graph_of(facts=[("a", "n", "x", "")])))


def test_a_hub_needs_a_share_and_a_number():
    spokes = [(f"e{number}", "in", "hub") for number in range(10_001)]
    assert "hubs of more than 10,000 edges, for example hub" in "\n".join(warnings(graph_of(edges=spokes)))
    assert "hub" not in "\n".join(warnings(graph_of(edges=spokes[:-1])))
