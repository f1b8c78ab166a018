from __future__ import annotations

import numpy as np
import pytest

from crossgraph.blocking.names import name_rows
from crossgraph.evidence.namesakes import Namesakes, name_counts, namesake_columns
from crossgraph.features.description import describe
from crossgraph.graphs.adjacency import Adjacency
from features.plain import graph_of, ints


def test_namesakes_are_counted_by_the_rarest_name():
    graph = graph_of([("z", "t")], facts=[("a", "n", "fox"), ("b", "n", "fox"), ("b", "n", "hen")])
    rows = name_rows(describe(graph, graph), ({"n"}, {"n"}))[0]
    assert name_counts(rows, len(graph)).tolist() == [2, 1, 0]


def namesakes_of(graph):
    rows = name_rows(describe(graph, graph), ({"n"}, {"n"}))[0]
    return Namesakes.of(rows, Adjacency.of(graph), graph.primary_types)


def test_the_best_connected_namesake_leads():
    """The film has three neighbours, the remake two, the game one; the song is of another type."""
    graph = graph_of(
        [("film", "title"), ("game", "title"), ("remake", "title"), ("song", "song"), ("lone", "title")],
        edges=[
            *[("film", "by", f"p{i}") for i in range(3)],
            *[("remake", "by", f"p{i}") for i in range(2)],
            ("game", "by", "p0"),
            *[("song", "by", f"p{i}") for i in range(6)],
        ],
        facts=[
            *[(one, "n", "ace") for one in ("film", "game", "remake", "song")],
            ("lone", "n", "x"),
        ],
    )
    found = dict(zip(graph.ids, namesakes_of(graph).leads.tolist(), strict=True))
    assert found["film"] == pytest.approx(np.log(4 / 3))
    assert found["remake"] == pytest.approx(np.log(3 / 4))
    assert found["game"] == pytest.approx(np.log(2 / 4))
    assert np.isnan([found["song"], found["lone"], found["p0"]]).all()


def test_of_several_names_the_strongest_rival_counts():
    graph = graph_of(
        [(one, "t") for one in "abc"],
        edges=[("b", "r", "c"), ("c", "r", "a"), ("c", "q", "a")],
        facts=[("a", "n", "fox"), ("b", "n", "fox"), ("a", "n", "hen"), ("c", "n", "hen")],
    )
    degrees = {"a": 2, "b": 1, "c": 3}
    rivals = {"a": "c", "b": "a", "c": "a"}
    found = dict(zip(graph.ids, namesakes_of(graph).leads.tolist(), strict=True))
    for one, rival in rivals.items():
        assert found[one] == pytest.approx(np.log((1 + degrees[one]) / (1 + degrees[rival])))


def test_columns_are_those_of_the_pairs_ends():
    left = Namesakes(np.array([1, 2], np.float32), np.array([3, 4], np.float32))
    right = Namesakes(np.array([5, 6], np.float32), np.array([7, np.nan], np.float32))
    columns = namesake_columns((left, right), (ints(1, 0), ints(0, 1)))
    np.testing.assert_array_equal(columns["namesakes:left"], [2, 1])
    np.testing.assert_array_equal(columns["namesakes:right"], [5, 6])
    np.testing.assert_array_equal(columns["namesakes:lead of left"], [4, 3])
    np.testing.assert_array_equal(columns["namesakes:lead of right"], [7, np.nan])
