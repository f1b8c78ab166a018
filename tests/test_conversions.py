"""Graphs and matches in other libraries say what they said."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import polars as pl
import pytest

from crossgraph.conversions import pair_to_hetero, pair_to_networkx, to_hetero, to_networkx, to_pandas
from crossgraph.errors import MissingExtraError
from crossgraph.graphs.graph import UNTYPED

if TYPE_CHECKING:
    from conftest import Pair

MATCHES = pl.DataFrame(
    {
        "left": ["l:heat", "l:mann", "l:ali"],
        "right": ["r:heat", "r:mann", "r:ali"],
        "probability": [0.9, 0.8, 0.7],
    }
)


def test_a_table_is_the_same_in_pandas():
    table = MATCHES.with_columns(matched=pl.Series([True, False, True]), score=pl.Series([1.5, None, -2.0]))
    frame = to_pandas(table)
    assert list(frame.columns) == table.columns
    assert frame["left"].tolist() == table["left"].to_list()
    assert frame["matched"].tolist() == [True, False, True]
    assert frame["score"].isna().tolist() == [False, True, False]
    assert to_pandas(table.clear()).shape == (0, 5)


def test_a_network_has_every_statement_of_its_graph(tiny_pair: Pair):
    graph, network = tiny_pair.left, to_networkx(tiny_pair.left)
    tables = graph.tables()
    assert set(network) == set(graph.ids)
    assert set(network.edges(keys=True)) == {(h, t, r) for h, r, t in tables.edges.iter_rows()}
    assert {(n, t) for n, told in network.nodes(data="types") for t in told} == set(tables.types.iter_rows())
    facts = {
        (n, a, v) for n, told in network.nodes(data="facts") for a, values in told.items() for v in values
    }
    assert facts == set(tables.facts.drop("tag").iter_rows())


def test_a_network_of_both_graphs_is_joined_by_the_matches_alone(tiny_pair: Pair):
    network = pair_to_networkx(tiny_pair.graphs, MATCHES)
    same = {(a, b): told for a, b, key, told in network.edges(keys=True, data=True) if key == "same"}
    assert same[("left", "l:mann"), ("right", "r:mann")] == {"probability": 0.8}
    assert len(same) == len(MATCHES)
    between = [(a, b) for a, b, key in network.edges(keys=True) if a[0] != b[0]]
    assert set(between) == set(same)
    bare = pair_to_networkx(tiny_pair.graphs, MATCHES.drop("probability"))
    assert nx.utils.graphs_equal(nx.MultiDiGraph(bare.edges), nx.MultiDiGraph(network.edges))


def told_edges(data, prefix: str) -> set[tuple[str, str, str]]:
    """The edges of a graph in PyG, by identifiers."""
    return {
        (data[head].ids[one], relation, data[tail].ids[two])
        for head, relation, tail in data.edge_types
        if head.startswith(prefix) and tail.startswith(prefix)
        for one, two in data[head, relation, tail].edge_index.T.tolist()
    }


def test_a_graph_in_pyg_has_every_entity_once_and_every_edge(tiny_pair: Pair):
    graph, data = tiny_pair.left, to_hetero(tiny_pair.left)
    data.validate()
    assert sorted(name for kind in data.node_types for name in data[kind].ids) == sorted(graph.ids)
    assert all(data[kind].num_nodes == len(data[kind].ids) for kind in data.node_types)
    assert all(
        graph.entity_type(graph.position(name)) == kind for kind in data.node_types for name in data[kind].ids
    )
    assert told_edges(data, "") == set(graph.tables().edges.select("head", "relation", "tail").iter_rows())


def test_both_graphs_in_pyg_are_joined_by_the_matches(tiny_pair: Pair):
    absent = pl.DataFrame({"left": ["l:heat"], "right": ["elsewhere"], "probability": [0.5]})
    data = pair_to_hetero(tiny_pair.graphs, pl.concat([MATCHES, absent]))
    data.validate()
    for side, graph in zip(("left:", "right:"), tiny_pair.graphs, strict=True):
        assert told_edges(data, side) == set(graph.tables().edges.iter_rows())
    films = data["left:film", "same", "right:Movie"]
    found = {
        (data["left:film"].ids[one], data["right:Movie"].ids[two], round(chance, 3))
        for (one, two), chance in zip(films.edge_index.T.tolist(), films.probability.tolist(), strict=True)
    }
    assert found == {("l:heat", "r:heat", 0.9), ("l:ali", "r:ali", 0.7)}
    assert sum(data[kind].edge_index.shape[1] for kind in data.edge_types if kind[1] == "same") == len(
        MATCHES
    )


def test_entities_without_a_type_are_entities(make_graph):
    data = to_hetero(make_graph([], [("a", "knows", "b")], []))
    assert data.node_types == [UNTYPED]
    assert np.array_equal(np.sort(data[UNTYPED].ids), ["a", "b"])


@pytest.mark.parametrize(
    ("convert", "module"),
    [
        (to_networkx, "networkx"),
        (to_hetero, "torch_geometric"),
        (lambda _graph: to_pandas(MATCHES), "pandas"),
    ],
)
def test_what_is_not_installed_is_told_with_the_way_out(tiny_pair: Pair, monkeypatch, convert, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=f"{module} is not installed") as told:
        convert(tiny_pair.left)
    assert told.value.hint == "pip install 'crossgraph[convert]'"
