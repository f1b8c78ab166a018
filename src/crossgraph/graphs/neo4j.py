"""Node and relationship tables with the headers of Neo4j's admin import."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from crossgraph.errors import Fault
from crossgraph.graphs._csv import CsvTable, first_header, read_csv
from crossgraph.graphs._reading import Reading, capped, quoted
from crossgraph.graphs.graph import GraphTables

ARRAY_DELIMITER = ";"
_FIELD = re.compile(
    r"(?P<name>.*?)(?::(?P<kind>[A-Za-z_]+)(?P<array>\[\])?(?:\((?P<space>[^)]*)\))?(?:\{[^}]*\})?)?"
)
_TABLE_FIELD = re.compile(r"[^:]*:(ID|START_ID|END_ID)([({].*)?")
_ROLES = ("ID", "LABEL", "START_ID", "END_ID", "TYPE", "IGNORE")
_PROPERTY_TYPES = (
    *("int", "long", "float", "double", "boolean", "byte", "short", "char", "string", "point", "vector"),
    *("date", "localtime", "time", "localdatetime", "datetime", "duration"),
)


@dataclass(frozen=True)
class _Field:
    """One cell of a header: ``name:kind[](space)``; a kind that is no role is a property's type."""

    position: int
    name: str
    kind: str
    array: bool
    space: str


@dataclass(frozen=True)
class _Source:
    """One file: its parsed header and its rows."""

    path: Path
    fields: tuple[_Field, ...]
    table: CsvTable

    def role(self, kind: str) -> _Field | None:
        return next((field for field in self.fields if field.kind == kind), None)

    def ids(self, field: _Field) -> pl.Series:
        """Identifiers of one column; those of a named id space carry its name, as ``space:id``."""
        values = pl.Series(self.table.column(field.position), dtype=pl.String)
        prefix = f"{field.space}:" if field.space else ""
        return pl.select(pl.when(values != "").then(prefix + values).otherwise(pl.lit(""))).to_series()


def is_neo4j(path: Path) -> bool:
    """Whether a CSV file's header names a node's ``:ID`` or a relationship's ``:START_ID`` or ``:END_ID``."""
    return any(_TABLE_FIELD.fullmatch(cell.strip()) for cell in first_header(path))


def read_neo4j(paths: Sequence[Path]) -> Reading:
    """Node and relationship files (CSV with a header line in each) as one graph.

    Nodes: ``:ID``, ``personId:ID``, ``:ID(Space)`` give the entity (``Space:id`` with an id space);
    ``:LABEL`` its types; ``name``, ``name:string``, ``age:int``, ``names:string[]`` facts; labels and
    arrays are separated by ``;``; ``:IGNORE`` is ignored. Relationships: ``:START_ID``, ``:END_ID``,
    ``:TYPE``; their properties are left out, with a note. The identifiers are no facts.

    Faults: empty or repeated ids, ends of edges that no node table has, empty types, rows with the wrong
    number of cells, headers outside the grammar.
    """
    sources, faults = _sources(paths)
    nodes = [source for source in sources if source.role("ID")]
    relationships = [source for source in sources if not source.role("ID")]
    entities = pl.concat([_entity_schema(), *(_entities(source) for source in nodes)])
    edges = pl.concat([_edge_schema(), *(_edges(source) for source in relationships)])
    faults += _entity_faults(entities) + _edge_faults(edges, entities)
    tables = GraphTables(
        types=pl.concat([GraphTables.empty_types(), *(_types(source) for source in nodes)]),
        edges=edges.select("head", "relation", "tail"),
        facts=pl.concat([GraphTables.empty_facts(), *(_facts(source) for source in nodes)]),
    )
    return Reading(tables, _in_order(faults, paths), tuple(_notes(relationships)))


def _sources(paths: Iterable[Path]) -> tuple[list[_Source], list[Fault]]:
    sources: list[_Source] = []
    faults: list[Fault] = []
    for path in paths:
        table = read_csv(path)
        source = _Source(path, tuple(_fields(table.header)), table)
        wrong = _header_faults(source) if table.header else []
        faults += [*table.faults, *wrong]
        if table.header and not wrong:
            sources.append(source)
    return sources, faults


def _fields(header: Sequence[str]) -> Iterable[_Field]:
    for position, cell in enumerate(header):
        found = _FIELD.fullmatch(cell)
        if found is None:
            yield _Field(position, cell, cell.rpartition(":")[2], False, "")
        else:
            name, kind, array, space = found.group("name", "kind", "array", "space")
            yield _Field(position, name, kind or "string", bool(array), space or "")


def _header_faults(source: _Source) -> list[Fault]:
    """Fields outside the grammar, roles that are missing or come twice."""
    path = str(source.path)
    kinds = [field.kind for field in source.fields]
    known = ", ".join((*_ROLES, *_PROPERTY_TYPES))
    faults = [
        Fault(path, 1, f"unknown field type {kind!r}", f"known are {known}")
        for kind in kinds
        if kind not in _ROLES and kind not in _PROPERTY_TYPES
    ]
    faults += [
        Fault(path, 1, f"the header has {kinds.count(role)} {role} fields", "one is supported")
        for role in _ROLES[:-1]
        if kinds.count(role) > 1
    ]
    needed = ("ID",) if "ID" in kinds else ("START_ID", "END_ID", "TYPE")
    hint = "the first line must be a header: :ID for nodes; :START_ID, :END_ID, :TYPE for relationships"
    return faults + [
        Fault(path, 1, f"the header has no :{role}", hint) for role in needed if role not in kinds
    ]


def _entities(source: _Source) -> pl.DataFrame:
    field = source.role("ID")
    if field is None:
        return _entity_schema()
    return pl.DataFrame(
        {
            "entity": source.ids(field),
            "path": [str(source.path)] * len(source.table.lines),
            "line": source.table.lines,
        },
        schema=_entity_schema().schema,
    )


def _edges(source: _Source) -> pl.DataFrame:
    start, end, kind = (source.role(role) for role in ("START_ID", "END_ID", "TYPE"))
    if start is None or end is None or kind is None:
        return _edge_schema()
    return pl.DataFrame(
        {
            "head": source.ids(start),
            "relation": source.table.column(kind.position),
            "tail": source.ids(end),
            "path": [str(source.path)] * len(source.table.lines),
            "line": source.table.lines,
        },
        schema=_edge_schema().schema,
    )


def _entity_schema() -> pl.DataFrame:
    return pl.DataFrame(schema={"entity": pl.String, "path": pl.String, "line": pl.Int64})


def _edge_schema() -> pl.DataFrame:
    strings = dict.fromkeys(("head", "relation", "tail", "path"), pl.String)
    return pl.DataFrame(schema={**strings, "line": pl.Int64})


def _types(source: _Source) -> pl.DataFrame:
    field = source.role("LABEL")
    if field is None:
        return GraphTables.empty_types()
    return _values(source, field, split=True).select("entity", pl.col("value").alias("type"))


def _facts(source: _Source) -> pl.DataFrame:
    parts = [
        _values(source, field, split=field.array).select(
            "entity", pl.lit(field.name).alias("attribute"), "value", pl.lit("").alias("tag")
        )
        for field in source.fields
        if field.kind not in _ROLES
    ]
    return pl.concat([GraphTables.empty_facts(), *parts])


def _values(source: _Source, field: _Field, *, split: bool) -> pl.DataFrame:
    """Entity and value of each cell of a column that is not blank."""
    column = pl.Series(source.table.column(field.position), dtype=pl.String)
    values = _entities(source).select("entity", column.alias("value"))
    if split:
        values = values.with_columns(pl.col("value").str.split(ARRAY_DELIMITER)).explode("value")
    return values.filter(pl.col("value").str.strip_chars() != "")


def _entity_faults(entities: pl.DataFrame) -> list[Fault]:
    empty = entities.filter(pl.col("entity") == "")
    faults = [Fault(path, line, "empty :ID") for _, path, line in empty.iter_rows()]
    place = pl.col("path") + ":" + pl.col("line").cast(pl.String)
    again = entities.with_columns(place.first().over("entity").alias("first")).filter(
        ~pl.col("entity").is_first_distinct() & (pl.col("entity") != "")
    )
    hint = "ids are unique over all node files; id spaces such as :ID(Person) keep them apart"
    return faults + [
        Fault(path, line, f"id {quoted(entity)} is already used in {first}", hint)
        for entity, path, line, first in again.iter_rows()
    ]


def _edge_faults(edges: pl.DataFrame, entities: pl.DataFrame) -> list[Fault]:
    faults: list[Fault] = []
    for column, role in (("head", ":START_ID"), ("tail", ":END_ID"), ("relation", ":TYPE")):
        empty = edges.filter(pl.col(column) == "").select("path", "line")
        faults += [Fault(path, line, f"empty {role}") for path, line in empty.iter_rows()]
        if column == "relation":
            continue
        dangling = edges.filter(pl.col(column) != "").join(
            entities, left_on=column, right_on="entity", how="anti", maintain_order="left"
        )
        hint = "add the node, or remove the edge"
        faults += [
            Fault(path, line, f"{role} {quoted(name)} is in no node table", hint)
            for name, path, line in dangling.select(column, "path", "line").iter_rows()
        ]
    return faults


def _notes(relationships: Iterable[_Source]) -> Iterable[str]:
    for source in relationships:
        names = [field.name for field in source.fields if field.kind not in _ROLES]
        if names:
            yield f"{source.path}: properties of relationships are left out: {', '.join(names)}"


def _in_order(faults: list[Fault], paths: Sequence[Path]) -> tuple[Fault, ...]:
    ordered: list[Fault] = []
    for path in paths:
        own = [fault for fault in faults if fault.path == str(path)]
        ordered += capped(sorted(own, key=lambda fault: fault.line or 0), path)
    return tuple(ordered)
