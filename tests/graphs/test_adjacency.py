"""Neighbour lists are what sorting all edges from both ends gives."""

from __future__ import annotations

from hypothesis import given

from crossgraph.graphs.adjacency import Adjacency
from graphs.statements import graph_of, statements


@given(statements)
def test_every_edge_is_there_from_both_ends_in_order(of):
    graph = graph_of(of)
    count = len(graph.relation_names)
    edges = list(zip(graph.heads.tolist(), graph.relations.tolist(), graph.tails.tolist(), strict=True))
    expected = sorted([*edges, *((tail, relation + count, head) for head, relation, tail in edges)])
    found = Adjacency.of(graph)
    rows = zip(found.sources.tolist(), found.relations.tolist(), found.neighbours.tolist(), strict=True)
    assert list(rows) == expected
    assert found.relation_count == count
    assert len(found.indptr) == len(graph) + 1
