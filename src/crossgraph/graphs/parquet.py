"""A graph as Parquet tables of nodes, edges and facts: the one form that holds every graph as it is."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import polars as pl

from crossgraph._types import AnyArray
from crossgraph.errors import Fault
from crossgraph.graphs._reading import Reading, capped, failed, read_parquet
from crossgraph.graphs.changes import STATEMENT, Changes, statements_of, tables_of
from crossgraph.graphs.graph import GraphTables, KnowledgeGraph

NODES, EDGES, FACTS = "nodes.parquet", "edges.parquet", "facts.parquet"
CHANGES, ASIDE, NUMBERS = "changes.parquet", "aside.parquet", "numbers.npz"
_NAMES = ("type_names", "relation_names", "attribute_names", "tag_names")
_NUMBERED = ("typed", "heads", "relations", "tails", "fact_entities", "fact_attributes", "fact_tags")
_HINT = "crossgraph writes nodes with id and types, edges with head, relation, tail, facts with entity, ..."


def is_parquet_graph(folder: Path) -> bool:
    """Whether a folder holds tables of nodes, edges and facts."""
    return all((folder / name).is_file() for name in (NODES, EDGES, FACTS))


def read_parquet_graph(folder: Path, *, declarations: bool = False) -> Reading:
    """The graph of a folder with these tables; further columns are passed over.

    nodes.parquet     id, types (a list)
    edges.parquet     head, relation, tail
    facts.parquet     entity, attribute, value, tag
    aside.parquet     what the files of the graph say besides, such as declarations; may be missing
    changes.parquet   what came and went since, see ``Changes.rows``; may be missing

    What is aside is a part of the graph only with ``declarations``, as in RDF.
    Faults: a table that is no Parquet, lacks a column, or has an empty cell in one.
    """
    strings = pl.String()
    nodes, node_faults = _read(folder / NODES, {"id": strings, "types": pl.List(pl.String)})
    edges, edge_faults = _read(folder / EDGES, GraphTables.empty_edges().schema)
    facts, fact_faults = _read(folder / FACTS, GraphTables.empty_facts().schema)
    faults = (*node_faults, *edge_faults, *fact_faults)
    if faults:
        return failed(*faults)
    types = nodes.filter(pl.col("types").list.len() > 0).explode("types")
    tables = GraphTables(types=types.select(entity="id", type="types"), edges=edges, facts=facts)
    rows, row_faults = _statements(folder / CHANGES, "change")
    besides, aside_faults = _statements(folder / ASIDE)
    if faults := (*row_faults, *aside_faults):
        return failed(*faults)
    changes, aside = Changes.from_rows(rows), tables_of(besides)
    if declarations:
        return Reading(changes.applied(tables.and_also(aside)))
    return Reading(changes.applied(tables), aside=changes.left_of(aside))


def _statements(path: Path, *more: str) -> tuple[pl.DataFrame, tuple[Fault, ...]]:
    """A table of statements with more columns; none where it is missing."""
    columns = pl.Schema(dict.fromkeys((*more, *STATEMENT), pl.String()))
    return _read(path, columns) if path.is_file() else (pl.DataFrame(schema=columns), ())


def write_parquet_graph(
    tables: GraphTables, folder: Path, *, ids: pl.Series | None = None, nodes: pl.DataFrame | None = None
) -> None:
    """Write the three tables into a folder that is there; what columns they have besides is kept.

    ids     sorted identifiers of all entities; looked for in the tables if not given
    nodes   a table with a column ``id`` and more columns about nodes, to be joined to those of ``tables``
    """
    if ids is None:
        ends = tables.types["entity"], tables.edges["head"], tables.edges["tail"], tables.facts["entity"]
        ids = pl.concat(ends).unique().sort()
    table = pl.DataFrame({"id": ids})
    types = tables.types.group_by(pl.col("entity").alias("id")).agg(types=pl.col("type").sort())
    table = table.join(types, on="id", how="left", maintain_order="left")
    table = table.with_columns(pl.col("types").fill_null([]))
    if nodes is not None:
        table = table.join(nodes, on="id", how="left", maintain_order="left")
    for name, one in ((NODES, table), (EDGES, tables.edges), (FACTS, tables.facts)):
        store_parquet(one, folder / name)


def store_numbers(graph: KnowledgeGraph, folder: Path) -> None:
    """Write the numbers of a graph beside its tables, for ``read_numbered``."""
    facts = np.empty(len(graph.fact_entities), dtype=np.int32)
    facts[graph.facts_by_name] = np.arange(len(facts), dtype=np.int32)
    names = {name: getattr(graph, name) for name in _NAMES}
    with (folder / NUMBERS).open("wb") as out:
        np.savez(
            out,
            allow_pickle=False,
            ids=graph.places,
            facts=facts,
            names=np.frombuffer(json.dumps(names, ensure_ascii=False).encode(), dtype=np.uint8),
            **{name: getattr(graph, name) for name in _NUMBERED},
        )


def read_numbered(folder: Path) -> KnowledgeGraph:
    """The graph of ``store_numbers``, without what is aside: its texts are not numbered again.

    Raises OSError, KeyError, ValueError or an error of polars where files are damaged, or of other graphs.
    """
    with (folder / NUMBERS).open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
        arrays: dict[str, AnyArray] = dict(stored)
    names = {name: tuple(one) for name, one in dict(json.loads(arrays["names"].tobytes())).items()}
    ids = pl.read_parquet(folder / NODES, columns=["id"])["id"]
    values = pl.read_parquet(folder / FACTS, columns=["value"])["value"]
    _refuse_others(arrays, {name: len(one) for name, one in names.items()}, len(ids), len(values))
    return KnowledgeGraph(
        ids=ids.gather(arrays["ids"]),
        type_names=names["type_names"],
        typed=arrays["typed"],
        relation_names=names["relation_names"],
        heads=arrays["heads"],
        relations=arrays["relations"],
        tails=arrays["tails"],
        attribute_names=names["attribute_names"],
        tag_names=names["tag_names"],
        fact_entities=arrays["fact_entities"],
        fact_attributes=arrays["fact_attributes"],
        fact_tags=arrays["fact_tags"],
        fact_values=values.gather(arrays["facts"]),
    )


def _refuse_others(arrays: dict[str, AnyArray], names: dict[str, int], entities: int, facts: int) -> None:
    """Raises ValueError for numbers that are not of a graph with so many names, entities and facts."""
    typed, edges = arrays["typed"], len(arrays["heads"])
    if typed.ndim != 2 or typed.shape[1] != 2:
        raise ValueError(f"{NUMBERS} has types of shape {typed.shape}")
    columns = {
        "ids": (entities, entities),
        "facts": (facts, facts),
        "heads": (edges, entities),
        "relations": (edges, names["relation_names"]),
        "tails": (edges, entities),
        "fact_entities": (facts, entities),
        "fact_attributes": (facts, names["attribute_names"]),
        "fact_tags": (facts, names["tag_names"]),
    }
    numbers = {name: (arrays[name], *of) for name, of in columns.items()} | {
        "typed": (typed[:, 0], len(typed), entities),
        "types": (typed[:, 1], len(typed), names["type_names"]),
    }
    for name, (column, count, limit) in numbers.items():
        if column.dtype != np.int32 or column.shape != (count,):
            raise ValueError(f"{NUMBERS} has no {count} {name}")
        if count and not 0 <= int(column.min()) <= int(column.max()) < limit:
            raise ValueError(f"{NUMBERS} has {name} that there are not")


def read_aside(folder: Path) -> GraphTables:
    """What ``store_aside`` kept of a graph. Raises an error of polars where it is damaged."""
    return tables_of(pl.read_parquet(folder / ASIDE)) if (folder / ASIDE).is_file() else GraphTables.empty()


def store_aside(aside: GraphTables, folder: Path) -> None:
    """Write what the files of a graph say besides, if anything, beside its tables."""
    if len(aside):
        store_parquet(statements_of(aside).unique().sort(pl.all()), folder / ASIDE)


def store_parquet(table: pl.DataFrame, path: Path) -> None:
    """Write one table. Raises OSError where the disk is full."""
    # polars calls a full disk an error of the format where it writes the file itself.
    written = io.BytesIO()
    # At the usual level a file is a fiftieth smaller, and takes a third more time.
    table.write_parquet(written, compression="zstd", compression_level=1)
    path.write_bytes(written.getbuffer())


def _read(path: Path, schema: pl.Schema | dict[str, pl.DataType]) -> tuple[pl.DataFrame, tuple[Fault, ...]]:
    table, faults = read_parquet(path, hint=_HINT)
    if faults:
        return table, faults
    wrong = [f"{name} ({kind})" for name, kind in schema.items() if table.schema.get(name) != kind]
    if wrong:
        problem = f"lacks the columns {', '.join(wrong)}"
        return pl.DataFrame(), (Fault(str(path), None, problem, _HINT),)
    table = table.select(list(schema))
    empty = table.with_row_index("row", offset=1).filter(pl.any_horizontal(pl.all().is_null()))
    return table, capped([Fault(str(path), row, "has an empty cell", _HINT) for row in empty["row"]], path)
