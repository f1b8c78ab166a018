"""From paths to graphs: which reader reads what, and all faults in one error."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote

import polars as pl

from crossgraph._types import Side
from crossgraph.errors import Fault, GraphFormatError
from crossgraph.graphs._csv import first_header
from crossgraph.graphs._reading import Reading, failed, united
from crossgraph.graphs.graph import GraphTables, KnowledgeGraph
from crossgraph.graphs.neo4j import is_neo4j, read_neo4j
from crossgraph.graphs.openea import openea_sides, read_openea
from crossgraph.graphs.parquet import is_parquet_graph, read_parquet_graph
from crossgraph.graphs.rdf import is_alignment, rdf_format, read_rdf
from crossgraph.graphs.tabular import TableOptions, is_table, missing_column, read_table

GraphPath: TypeAlias = str | os.PathLike[str]

IRI_NAME = "iri_name"
_ALLOWED = (
    "a graph is a file .nt .ttl .nq .trig .rdf .owl .xml .jsonld .csv .tsv .jsonl (each also .gz) or "
    ".parquet, a folder of these, or a folder with rel_triples_1"
)
_BOTH = (
    "one folder stands for both graphs if it holds rel_triples_1 and rel_triples_2, "
    "or tableA.csv and tableB.csv"
)
_TWO = "cannot read the two graphs"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReadOptions:
    """How graphs are read.

    tables           how record tables become graphs
    names_from_iri   add a fact ``iri_name``: the local name of an entity's IRI, percent-decoded, with
                     blanks for underscores. Identifiers are no evidence unless this is asked for
    declarations     let what RDF says of classes and properties, which are no entities to be aligned, be a
                     part of the graph; if not, it is ``KnowledgeGraph.aside``
    all_columns      each column that ``tables`` names must be in a table; not asked where a RESULT is opened
                     again: its graphs may be two of many, or lie in another form
    """

    tables: TableOptions = field(default_factory=TableOptions)
    names_from_iri: bool = False
    declarations: bool = False
    all_columns: bool = True


def read_graph(
    path: GraphPath, *, side: Side | None = None, options: ReadOptions | None = None
) -> KnowledgeGraph:
    """Read one graph: a file, a folder of files, or one side of a folder that holds two graphs.

    side   which graph of an OpenEA folder (left: the files ``_1``) or of ``tableA.csv`` and ``tableB.csv``

    Notes (what was legally left out or guessed) go to the log. Raises GraphFormatError with all faults.
    """
    options = options or ReadOptions()
    readings = _excused([_read(Path(path), side, options=options)], [path], options)
    return _graphs(readings, f"cannot read {path}", options=options)[0]


def read_pair(
    left: GraphPath, right: GraphPath | None = None, *, options: ReadOptions | None = None
) -> tuple[KnowledgeGraph, KnowledgeGraph]:
    """Read two graphs; an OpenEA folder, or one with tableA.csv and tableB.csv, may stand for both.

    A column that the options name may be missing from one of two tables, not from both. Raises
    GraphFormatError with the faults of both graphs.
    """
    options = options or ReadOptions()
    one, two = _graphs(_both(left, right, options=options), _TWO, options=options)
    return one, two


def read_pair_tables(
    left: GraphPath, right: GraphPath | None = None, *, options: ReadOptions | None = None
) -> tuple[GraphTables, GraphTables]:
    """What ``read_pair`` reads, as tables in the order of the files."""
    options = options or ReadOptions()
    one, two = _tables(_both(left, right, options=options), _TWO, options=options)
    return one, two


def _both(left: GraphPath, right: GraphPath | None, *, options: ReadOptions) -> list[Reading]:
    first, second = Path(left), Path(left if right is None else right)
    if right is None and not holds_two(first):
        missing = Fault(str(left), None, "the right graph is missing", _BOTH)
        raise GraphFormatError("cannot read two graphs", [*_absent(first), missing])
    readings = [_read(first, "left", options=options), _read(second, "right", options=options)]
    return _excused(readings, (first, second), options)


def read_graphs(
    paths: Sequence[GraphPath], *, options: ReadOptions | None = None
) -> tuple[KnowledgeGraph, ...]:
    """Read several graphs, each from a path of its own.

    A column that the options name may be missing from some tables, not from all. Raises GraphFormatError with
    the faults of all graphs.
    """
    options = options or ReadOptions()
    readings = _excused([_read(Path(path), None, options=options) for path in paths], paths, options)
    return tuple(_graphs(readings, "cannot read the graphs", options=options))


def _excused(readings: Sequence[Reading], paths: Sequence[GraphPath], options: ReadOptions) -> list[Reading]:
    """The readings, of which a column is missing only where none of them has it."""
    if not options.all_columns:
        return list(readings)
    known = {name for reading in readings for name in reading.columns}
    tables = known or any(reading.faults for reading in readings)
    asked = () if tables else (*options.tables.id_columns, *options.tables.entity_columns)
    return [
        _with_missing(reading, path, excused=known, asked=asked)
        for reading, path in zip(readings, paths, strict=True)
    ]


def _graphs(readings: Sequence[Reading], what: str, *, options: ReadOptions) -> list[KnowledgeGraph]:
    tables = _tables(readings, what, options=options)
    asides = [_aside(reading, options) for reading in readings]
    return [KnowledgeGraph.from_tables(one, aside=aside) for one, aside in zip(tables, asides, strict=True)]


def _aside(reading: Reading, options: ReadOptions) -> GraphTables:
    """What a source says besides; of names made of IRIs also those that it tells itself."""
    if not options.names_from_iri:
        return reading.aside
    told = reading.tables.facts.filter(pl.col("attribute") == IRI_NAME)
    return replace(reading.aside, facts=pl.concat([reading.aside.facts, told]))


def _tables(readings: Sequence[Reading], what: str, *, options: ReadOptions) -> list[GraphTables]:
    # One folder as both graphs has each fault twice.
    faults = list(dict.fromkeys(fault for reading in readings for fault in reading.faults))
    if faults:
        raise GraphFormatError(what, faults)
    for note in (note for reading in readings for note in reading.notes):
        _log.warning("%s", note)
    tables = [reading.tables for reading in readings]
    return [with_iri_names(table) for table in tables] if options.names_from_iri else tables


def _read(path: Path, side: Side | None, *, options: ReadOptions) -> Reading:
    absent = _absent(path)
    if absent:
        return failed(*absent)
    try:
        reading = _read_folder(path, side, options=options) if path.is_dir() else _read_file(path, options)
    except OSError as error:
        return failed(
            Fault(str(path), None, f"cannot be read: {error.strerror or error}", "check permissions")
        )
    tables = reading.tables
    if reading.faults or len(tables):
        return reading
    if reading.columns:
        problem, hint = "no rows: the table has a header alone", "write one record per row"
    else:
        problem = "the graph is empty: no entity in it"
        hint = f"it holds schema only: {reading.notes[0]}" if reading.notes else _ALLOWED
    return replace(reading, faults=(Fault(str(path), None, problem, hint),))


def _absent(path: Path) -> list[Fault]:
    try:
        path.stat()
    except OSError as error:
        if isinstance(error, PermissionError):
            return [Fault(str(path), None, "may not be read: permission denied", "check permissions")]
        return [Fault(str(path), None, "no such file or folder", _ALLOWED)]
    return []


def _read_file(path: Path, options: ReadOptions) -> Reading:
    if rdf_format(path) is not None:
        return read_rdf(path, declarations=options.declarations)
    if not is_table(path):
        return failed(Fault(str(path), None, f"unknown kind of file {path.suffix!r}", _ALLOWED))
    return read_neo4j([path]) if _is_csv(path) and is_neo4j(path) else read_table(path, options.tables)


def _read_folder(folder: Path, side: Side | None, *, options: ReadOptions) -> Reading:
    if is_parquet_graph(folder):
        return read_parquet_graph(folder, declarations=options.declarations)
    numbers = openea_sides(folder)
    tables = _side_tables(folder)
    match (numbers, tables, side):
        case ((_, _), _, None) | ((), (_, _), None):
            problem = "holds two graphs, and the side is not said"
            return failed(
                Fault(str(folder), None, problem, "read it as a pair, or say side 'left' or 'right'")
            )
        case ((one, two), _, _):
            return read_openea(folder, one if side == "left" else two)
        case ((number,), _, _):
            return read_openea(folder, number)
        case (_, (left, right), _):
            return read_table(left if side == "left" else right, options.tables)
    return _read_files(folder, options)


def _read_files(folder: Path, options: ReadOptions) -> Reading:
    """All graph files of a folder as one graph; alignments and labelled pairs beside them are not touched."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    neo4j = [path for path in paths if _is_csv(path) and is_neo4j(path)]
    if neo4j:
        return read_neo4j(neo4j)
    rdf = [path for path in paths if rdf_format(path) is not None and not is_alignment(path)]
    tables = [path for path in paths if _is_record_table(path)]
    if not rdf and not tables:
        return failed(Fault(str(folder), None, "the folder holds no graph", _ALLOWED))
    scopes = [path.name.partition(".")[0] if len(rdf) > 1 else "" for path in rdf]
    readings = [
        read_rdf(path, scope=scope, declarations=options.declarations)
        for path, scope in zip(rdf, scopes, strict=True)
    ]
    return united([*readings, *(read_table(path, options.tables) for path in tables)])


def is_rdf(path: Path) -> bool:
    """Whether a graph is RDF throughout: a file of it, or a folder whose graph files all are."""
    if not path.is_dir():
        return rdf_format(path) is not None
    files = [file for file in path.iterdir() if file.is_file() and not is_alignment(file)]
    found = [file for file in files if rdf_format(file) is not None or _is_record_table(file)]
    whole = not openea_sides(path) and not _side_tables(path) and not is_parquet_graph(path)
    return whole and bool(found) and all(rdf_format(file) is not None for file in found)


def _is_csv(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(".csv")


def _is_record_table(path: Path) -> bool:
    """Whether a file of a folder is a table of records. A .tsv is none: it may as well hold links."""
    name = path.name.lower().removesuffix(".gz")
    return is_table(path) and not name.endswith(".tsv") and not _is_pairs(path)


def _is_pairs(path: Path) -> bool:
    return _is_csv(path) and {"ltable_id", "rtable_id"} <= set(first_header(path))


def _side_tables(folder: Path) -> tuple[Path, ...]:
    found = [[path for path in folder.glob(f"table{letter}.csv*") if is_table(path)] for letter in "AB"]
    return tuple(paths[0] for paths in found) if all(len(paths) == 1 for paths in found) else ()


def holds_two(path: Path) -> bool:
    """Whether a folder holds both graphs: an OpenEA folder, or tableA.csv and tableB.csv."""
    return path.is_dir() and (len(openea_sides(path)) == 2 or len(_side_tables(path)) == 2)


def _with_missing(reading: Reading, path: GraphPath, *, excused: set[str], asked: tuple[str, ...]) -> Reading:
    """Columns that the options name and nobody has, as faults; ``asked`` where nothing is a table."""
    missing = [*(name for name in reading.missing_columns if name not in excused), *asked]
    faults = [missing_column(Path(path), name, columns=reading.columns) for name in missing]
    return replace(reading, faults=(*reading.faults, *faults))


def with_iri_names(tables: GraphTables) -> GraphTables:
    """The same with a fact ``iri_name`` for each entity whose identifier is an IRI."""
    return replace(tables, facts=pl.concat([tables.facts, _iri_names(tables)]))


def said_by_files(graph: KnowledgeGraph, *, names_from_iri: bool) -> tuple[GraphTables, GraphTables]:
    """The statements of a graph without names made of IRIs, and what its files say besides.

    names_from_iri   whether the graph was read with them
    """
    tables = graph.tables()
    if names_from_iri:
        made = _iri_names(tables)
        tables = replace(tables, facts=tables.facts.join(made, on=made.columns, how="anti"))
    return tables, graph.aside


def whole(graph: KnowledgeGraph, *, names_from_iri: bool) -> KnowledgeGraph:
    """A graph as its files have it: without names made of IRIs, and with all that was set aside."""
    if not (names_from_iri or len(graph.aside)):
        return graph
    tables, aside = said_by_files(graph, names_from_iri=names_from_iri)
    return KnowledgeGraph.from_tables(tables.and_also(aside))


def _iri_names(tables: GraphTables) -> pl.DataFrame:
    columns = [tables.types["entity"], tables.edges["head"], tables.edges["tail"], tables.facts["entity"]]
    iris = (
        pl.concat(columns)
        .unique()
        .to_frame("entity")
        .filter(pl.col("entity").str.contains(r"^[a-z][a-z0-9+.-]*:"))
    )
    local = pl.coalesce(
        pl.col("entity").str.extract(r"^[^:]+://[^/#]*[/#](?:.*[/#])?([^/#]+)[/#]?$"),
        pl.col("entity").str.extract(r"^urn:.*:([^:]+)$"),
    )
    names = iris.select("entity", local.alias("value")).drop_nulls()
    decoded = [unquote(value).replace("_", " ").strip() for value in names["value"]]
    return names.select(
        "entity",
        pl.lit(IRI_NAME).alias("attribute"),
        pl.Series("value", decoded, dtype=pl.String),
        pl.lit("").alias("tag"),
    ).filter(pl.col("value") != "")
