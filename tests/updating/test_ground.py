"""What a RESULT keeps of its graphs is what was read, and damage is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from crossgraph.errors import ResultError
from crossgraph.features.description import describe
from crossgraph.graphs import KnowledgeGraph
from crossgraph.graphs.changes import tables_of
from crossgraph.graphs.readers import with_iri_names
from crossgraph.ground import Ground, store_ground
from graphs.statements import rows

EX = "http://example.org/"
STATEMENTS = {
    ("fact", f"{EX}a", "iri_name", "a", ""),
    ("fact", f"{EX}b", "title", "bee", ""),
    ("fact", f"{EX}c", "title", "cee", ""),
    ("edge", f"{EX}c", "by", f"{EX}d", ""),
}


def stored(folder: Path, *, names_from_iri: bool) -> Path:
    tables = tables_of(rows(STATEMENTS))
    graph = KnowledgeGraph.from_tables(with_iri_names(tables) if names_from_iri else tables)
    both = graph, graph
    store_ground(both, describe(*both), (None, None), folder, names_from_iri=names_from_iri)
    return folder


@pytest.mark.parametrize("names_from_iri", [True, False])
def test_graphs_are_kept_without_names_made_of_identifiers(tmp_path, names_from_iri):
    ground = Ground.load(stored(tmp_path / "ground", names_from_iri=names_from_iri))
    for graph in ground.graphs:
        facts = set(graph.tables().facts.select("entity", "value").iter_rows())
        assert {(f"{EX}b", "bee"), (f"{EX}c", "cee")} <= facts
        assert ((f"{EX}a", "a") in facts) != names_from_iri
        assert graph.tables().edges.rows() == [(f"{EX}c", "by", f"{EX}d")]


def test_graphs_that_are_damaged_are_told(tmp_path):
    folder = stored(tmp_path / "ground", names_from_iri=False)
    nodes = pl.read_parquet(folder / "left" / "nodes.parquet")
    nodes.head(2).write_parquet(folder / "left" / "nodes.parquet")
    with pytest.raises(ResultError, match=r"cannot be read: numbers\.npz has no 2 ids"):
        Ground.load(folder)
    nodes.write_parquet(folder / "left" / "nodes.parquet")
    with np.load(folder / "left" / "numbers.npz") as kept:
        arrays = dict(kept) | {"names": np.frombuffer(b"[]", dtype=np.uint8)}
    np.savez(folder / "left" / "numbers.npz", **arrays)
    with pytest.raises(ResultError, match="cannot be read"):
        Ground.load(folder)
