"""Record tables: one entity per row of a CSV, Parquet or JSON Lines file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from crossgraph.errors import Fault
from crossgraph.graphs._csv import read_csv
from crossgraph.graphs._json import json_lines
from crossgraph.graphs._reading import PARQUET_ERRORS, Reading, capped, quoted, read_parquet, read_text
from crossgraph.graphs.graph import GraphTables

_TEXT_HINT = "write it as text or leave it out"
_FLATTEN_HINT = "write one record per line, with scalars, lists of scalars or objects of these"


@dataclass(frozen=True)
class TableOptions:
    """How a record table becomes a graph.

    id_columns       columns that name the entities, of which each table has exactly one; none: the one
                     called "id" in any case, else the first whose values are all there and all different,
                     else the number of the row
    entity_columns   columns whose values are entities of their own, linked from the record
    split            what separates several values in a cell of these columns; None: one value a cell
    type_name        the type of the records, the same for both graphs
    """

    id_columns: tuple[str, ...] = ()
    entity_columns: tuple[str, ...] = ()
    split: str | None = None
    type_name: str = "record"

    def __post_init__(self) -> None:
        if self.split == "":
            raise ValueError("split must not be empty; None keeps each cell as one value")


@dataclass(frozen=True)
class _Records:
    """A table in long form.

    columns   names, in order
    lines     1-based line of each row; for Parquet the number of the row
    cells     row, column, value: one row for each value that is not blank, in order
    """

    columns: tuple[str, ...]
    lines: pl.Series
    cells: pl.DataFrame
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class _Identity:
    """entities: row, entity. column: where they came from, if they are identifiers and nothing else."""

    entities: pl.DataFrame
    column: str | None = None
    notes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def is_table(path: Path) -> bool:
    """Whether a file's name is that of a table: .csv, .tsv, .jsonl (each also .gz) or .parquet."""
    name = path.name.lower()
    return name.removesuffix(".gz").endswith((".csv", ".tsv", ".jsonl")) or name.endswith(".parquet")


def read_table(path: Path, options: TableOptions) -> Reading:
    """A record table as a graph: each row an entity of one type, each other cell a fact.

    Blank cells are no facts; lists give several facts and objects (JSON, Parquet) columns ``a.b``. The
    values of ``entity_columns`` become entities ``column:value`` of type ``column``, each with a fact
    ``name`` and an edge (record, column, entity). Columns that the options name and the table lacks are
    in ``missing_columns``: whether that is a fault only the reader of both graphs can tell.
    """
    match path.name.lower().removesuffix(".gz").rpartition(".")[2]:
        case "csv":
            records = _csv_records(path)
        case "tsv":
            records = _csv_records(path, delimiter="\t")
        case "jsonl":
            records = _json_records(path)
        case "parquet":
            records = _parquet_records(path)
        case _:
            raise ValueError(f"{path} has no table extension")
    identity = _identify(records, options, path=path)
    faults = capped(sorted((*records.faults, *identity.faults), key=lambda fault: fault.line or 0), path)
    missing = tuple(name for name in _asked(records, options) if name not in records.columns)
    return Reading(
        _assembled(records.cells, identity, options=options),
        faults,
        identity.notes,
        missing_columns=missing if records.columns else (),
        columns=records.columns,
    )


def _asked(records: _Records, options: TableOptions) -> tuple[str, ...]:
    """The columns that options name; without those of ids where none of them is there, which is a fault."""
    found = any(name in records.columns for name in options.id_columns)
    return (*(options.id_columns if found else ()), *options.entity_columns)


def missing_column(path: Path, *names: str, columns: tuple[str, ...]) -> Fault:
    """The fault of a column that options name and no table has, or of several of which none is there."""
    hint = f"the columns are {', '.join(columns)}" if columns else "it is no table of records"
    return Fault(str(path), None, f"has no column {' or '.join(map(repr, names))}", hint)


def _csv_records(path: Path, *, delimiter: str | None = None) -> _Records:
    table = read_csv(path, delimiter=delimiter)
    # A repeated name is a fault already; the first column of that name stands for it.
    positions: dict[str, int] = {}
    for position, name in enumerate(table.header):
        positions.setdefault(name, position)
    frame = pl.DataFrame(
        {name: table.column(position) for name, position in positions.items()},
        schema=dict.fromkeys(positions, pl.String),
    )
    lines = pl.Series(table.lines, dtype=pl.Int64)
    rows = pl.Series(range(len(frame)), dtype=pl.Int64)
    cells = _long([(name, rows, frame[name]) for name in frame.columns])
    return _Records(tuple(frame.columns), lines, cells, table.faults)


def _parquet_records(path: Path) -> _Records:
    frame, faults = read_parquet(path, hint="write the file again", change=_flat)
    texts = {name: _texts(frame[name]) for name in frame.columns}
    faults += tuple(
        Fault(
            str(path), None, f"column {name!r} holds no texts: {problem}", "write it as text or leave it out"
        )
        for name, problem in texts.items()
        if isinstance(problem, str)
    )
    cells = [(name, *found) for name, found in texts.items() if not isinstance(found, str)]
    lines = pl.Series(range(1, len(frame) + 1), dtype=pl.Int64)
    return _Records(tuple(frame.columns), lines, _long(cells), faults)


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Struct columns as columns ``a.b``."""
    while structs := [name for name, kind in frame.schema.items() if isinstance(kind, pl.Struct)]:
        for name in structs:
            frame = frame.with_columns(pl.col(name).name.prefix_fields(f"{name}.")).unnest(name)
    return frame


def _texts(column: pl.Series) -> tuple[pl.Series, pl.Series] | str:
    """The rows and the texts of a column's values, several in a row where these are lists; or why not."""
    table = pl.DataFrame({"row": pl.Series(range(len(column)), dtype=pl.Int64), "value": column})
    try:
        while isinstance(table.schema["value"], pl.List | pl.Array):
            table = table.explode("value")
        if table.schema["value"].is_float():
            table = table.with_columns(pl.col("value").fill_nan(None))
        return table["row"], table["value"].cast(pl.String)
    except PARQUET_ERRORS as error:
        return " ".join(str(error).split())


def _long(columns: Sequence[tuple[str, pl.Series, pl.Series]]) -> pl.DataFrame:
    """Row, column, value of every cell that is not blank, from the rows and texts of each column."""
    schema = {"row": pl.Int64, "column": pl.String, "value": pl.String}
    # Column by column, since a plan over thousands of columns takes the square of their number.
    parts = [
        pl.DataFrame({"row": rows, "column": pl.repeat(name, len(rows), eager=True), "value": values}, schema)
        for name, rows, values in columns
    ]
    cells = pl.concat([pl.DataFrame(schema=schema), *parts])
    return cells.filter(pl.col("value").str.strip_chars() != "").sort("row", maintain_order=True)


def _json_records(path: Path) -> _Records:
    text, faults = read_text(path)
    found = list(faults)
    columns: dict[str, None] = {}
    rows: list[int] = []
    cells: list[tuple[str, str]] = []
    lines: list[int] = []
    for number, record in json_lines(text, path, hint=_FLATTEN_HINT, faults=found):
        try:
            pairs = list(_json_pairs(record, ""))
        except (ValueError, RecursionError) as error:
            found.append(Fault(str(path), number, str(error), _FLATTEN_HINT))
            continue
        columns.update(dict.fromkeys(name for name, _ in pairs))
        cells.extend(pairs)
        rows.extend([len(lines)] * len(pairs))
        lines.append(number)
    frame = pl.DataFrame(cells, schema={"column": pl.String, "value": pl.String}, orient="row")
    frame = frame.select(pl.Series("row", rows, dtype=pl.Int64), "column", "value")
    frame = frame.filter(pl.col("value").str.strip_chars() != "")
    if not lines and not found:
        found.append(Fault(str(path), None, "the file is empty", _FLATTEN_HINT))
    return _Records(tuple(columns), pl.Series(lines, dtype=pl.Int64), frame, tuple(found))


def _json_pairs(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Column and text of each scalar; ValueError for what has no place in a record."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _json_pairs(inner, f"{name}.{key}" if name else str(key))
        case _ if not name:
            raise ValueError("not a JSON object")
        case list() if any(isinstance(inner, dict | list) for inner in value):
            raise ValueError(f"{name!r} is a list of objects or lists")
        case list():
            for inner in value:
                yield from _json_pairs(inner, name)
        case bool():
            yield name, str(value).lower()
        case None:
            yield name, ""
        case float() if value != value:
            yield name, ""
        case _:
            yield name, str(value)


def _identify(records: _Records, options: TableOptions, *, path: Path) -> _Identity:
    found = [name for name in options.id_columns if name in records.columns]
    if options.id_columns and len(found) != 1:
        return _Identity(_numbered(records), faults=_not_one(options.id_columns, found, records, path=path))
    name = next((column for column in records.columns if column.casefold() == "id"), None)
    if found or name is not None:
        return _named(records, found[0] if found else str(name), path=path)
    full = records.cells.filter(pl.len().over("column") == len(records.lines))
    for values in full.partition_by("column", maintain_order=True):
        if values["row"].is_unique().all() and values["value"].is_unique().all():
            column = values["column"][0]
            note = f"{path}: no column is called id; {column!r} identifies the records, and stays a fact"
            return _Identity(values.select("row", pl.col("value").alias("entity")), notes=(note,))
    note = f"{path}: no column identifies the records; the number of the row does"
    return _Identity(_numbered(records), notes=(note,))


def _not_one(names: tuple[str, ...], found: list[str], records: _Records, *, path: Path) -> tuple[Fault, ...]:
    """The fault of a table that has none of the id columns, or several; none of a table without columns."""
    if not records.columns:
        return ()
    if not found:
        return (missing_column(path, *names, columns=records.columns),)
    told = " and ".join(map(repr, found))
    return (Fault(str(path), None, f"has the id columns {told}", "name one of them alone"),)


def _numbered(records: _Records) -> pl.DataFrame:
    rows = pl.DataFrame({"row": range(len(records.lines))}, schema={"row": pl.Int64})
    return rows.with_columns((pl.col("row") + 1).cast(pl.String).alias("entity"))


def _named(records: _Records, name: str, *, path: Path) -> _Identity:
    """Identifiers from a column, with the faults of rows that have none, several, or one used before."""
    lines = records.lines
    values = records.cells.filter(pl.col("column") == name).select("row", pl.col("value").alias("entity"))
    hint = "name another id column, or give each record its own id"
    absent = sorted(set(range(len(lines))).difference(values["row"]))
    faults = [Fault(str(path), lines[row], f"empty id in column {name!r}", hint) for row in absent]
    several = values.filter(~pl.col("row").is_first_distinct())["row"].unique(maintain_order=True)
    faults += [Fault(str(path), lines[row], f"several ids in column {name!r}", hint) for row in several]
    values = values.filter(pl.col("row").is_first_distinct())
    firsts = values.with_columns(pl.col("row").first().over("entity").alias("first"))
    faults += [
        Fault(str(path), lines[row], f"id {quoted(entity)} is already used on line {lines[first]}", hint)
        for row, entity, first in firsts.filter(pl.col("row") != pl.col("first")).iter_rows()
    ]
    return _Identity(values, column=name, faults=tuple(faults))


def _assembled(cells: pl.DataFrame, identity: _Identity, *, options: TableOptions) -> GraphTables:
    named = cells.filter(pl.col("column") != pl.lit(identity.column or "")).join(
        identity.entities, on="row", maintain_order="left"
    )
    linked = pl.col("column").is_in(list(options.entity_columns))
    links = _links(named.filter(linked), options.split)
    records = identity.entities.select("entity", pl.lit(options.type_name).alias("type"))
    entities = links.select(pl.col("tail").alias("entity"), pl.col("column").alias("type"), "value").unique()
    facts = named.filter(~linked).select("entity", pl.col("column").alias("attribute"), "value")
    names = entities.select("entity", pl.lit("name").alias("attribute"), "value")
    return GraphTables(
        types=pl.concat([records, entities.select("entity", "type")]),
        edges=links.select(pl.col("entity").alias("head"), pl.col("column").alias("relation"), "tail"),
        facts=pl.concat([facts, names]).with_columns(pl.lit("").alias("tag")),
    )


def _links(cells: pl.DataFrame, split: str | None) -> pl.DataFrame:
    if split is not None:
        cells = cells.with_columns(pl.col("value").str.split(split)).explode("value")
    cells = cells.with_columns(pl.col("value").str.strip_chars()).filter(pl.col("value") != "")
    return cells.with_columns((pl.col("column") + ":" + pl.col("value")).alias("tail"))
