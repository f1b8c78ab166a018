"""Both inputs of a merge, had back from the merged graph; what is written is read back and compared."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
from pyoxigraph import RdfFormat

from crossgraph._types import Side
from crossgraph.errors import CrossgraphError
from crossgraph.graphs import KnowledgeGraph, ReadOptions, read_graph
from crossgraph.graphs.graph import GraphTables
from crossgraph.graphs.openea import write_openea
from crossgraph.graphs.parquet import write_parquet_graph
from crossgraph.graphs.quads import statements_of, write_statements
from crossgraph.merging.dataset import MergedFile
from crossgraph.merging.merge import SIDES
from crossgraph.results import staging

_Writer = Callable[[GraphTables, Path, Side], Path]


def unmerge(merged: MergedFile, out: Path) -> tuple[Path, Path]:
    """Write both graphs of a merge into a new folder; returns what to read as left and as right.

    A graph that came from RDF is written as N-Triples, any other in the OpenEA layout, and as Parquet
    tables where that cannot hold it (names with tabs or line ends). Each is read again and compared, so
    that what is there is exactly what went in. Raises ResultError if ``out`` is occupied.
    """
    with staging(out) as stage:
        written = [
            _written(merged.source(side), stage.path, side, rdf=rdf)
            for side, rdf in zip(SIDES, merged.rdf, strict=True)
        ]
    left, right = (out if path == stage.path else out / path.name for path in written)
    return left, right


def same_graph(left: GraphTables, right: GraphTables) -> bool:
    """Whether two graphs say exactly the same, down to blank nodes' labels, datatypes and languages."""
    one, two = (KnowledgeGraph.from_tables(tables).tables() for tables in (left, right))
    return one.types.equals(two.types) and one.edges.equals(two.edges) and one.facts.equals(two.facts)


def _written(tables: GraphTables, folder: Path, side: Side, *, rdf: bool) -> Path:
    forms: tuple[_Writer, ...] = (_as_rdf, _as_parquet) if rdf else (_as_openea, _as_parquet)
    for write in forms:
        # A part of the folder, so that what did not hold the graph can be taken away again.
        part = folder / f".{side}"
        part.mkdir()
        try:
            path = write(tables, part, side)
            found = read_graph(path, side=side, options=ReadOptions(declarations=True)).tables()
        except (ValueError, CrossgraphError):
            found = None
        if found is not None and same_graph(found, tables):
            for file in part.iterdir():
                file.rename(folder / file.name)
            part.rmdir()
            return folder if path == part else folder / path.name
        shutil.rmtree(part)
    raise AssertionError(f"the {side} graph did not come back")


def _as_rdf(tables: GraphTables, folder: Path, side: Side) -> Path:
    path = folder / f"{side}.nt"
    rows = statements_of(tables, "").sort(pl.all())
    write_statements(rows, path, RdfFormat.N_TRIPLES)
    return path


def _as_openea(tables: GraphTables, folder: Path, side: Side) -> Path:
    write_openea(tables, folder, 1 if side == "left" else 2)
    return folder


def _as_parquet(tables: GraphTables, folder: Path, side: Side) -> Path:
    path = folder / side
    path.mkdir()
    write_parquet_graph(tables, path)
    return path
