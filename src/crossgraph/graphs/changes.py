"""Files that say how a graph changed: statements that came, and statements that went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import polars as pl
from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, parse

from crossgraph.errors import Fault, GraphFormatError
from crossgraph.graphs._csv import read_csv
from crossgraph.graphs._nesting import nesting_faults
from crossgraph.graphs._reading import PARQUET_ERRORS, capped, quoted, read_parquet, read_text
from crossgraph.graphs._vocabulary import TYPE
from crossgraph.graphs.graph import GraphTables
from crossgraph.graphs.openea import XSD_STRING
from crossgraph.graphs.sorting import marked

ADDED, DELETED = "added", "deleted"
# A type has no name, only a value; an entity has neither, and goes with all that is said of it.
KINDS = ("type", "edge", "fact", "entity")
_COLUMNS = ("change", "kind", "entity", "name", "value")
_ROW = pl.Schema({"line": pl.Int64(), **dict.fromkeys((*_COLUMNS, "tag"), pl.String())})
STATEMENT = ("kind", "entity", "name", "value", "tag")
_TABLE_HINT = "the columns are change, kind, entity, name, value, and perhaps tag"
_PATCH_HINT = "a line is `A s p o .` or `D s p o .`, with the terms of N-Triples"
_ABORT_HINT = "leave it out, with all lines since its `TX .`"
# Prefixes are those of the graph that a patch is for, which keeps none; the terms of a patch have none.
_PASSED = ("H", "TX", "TC", "PA", "PD")


@dataclass(frozen=True, eq=False)
class Changes:
    """What came to a graph and what went: columns kind, entity, name, value, tag; no statement is in both.

    kind   ``type`` (value: the type), ``edge`` (name: the relation, value: the tail) or ``fact`` (name: the
           attribute; tag as in ``GraphTables``)
    """

    added: pl.DataFrame
    deleted: pl.DataFrame

    @staticmethod
    def nothing() -> Changes:
        """No change."""
        none = pl.DataFrame(schema=dict.fromkeys(STATEMENT, pl.String))
        return Changes(none, none)

    def __len__(self) -> int:
        return len(self.added) + len(self.deleted)

    def then(self, later: Changes) -> Changes:
        """These and later ones of the graph that they gave, as changes of the first graph."""
        back, gone = _common(later.added, self.deleted), _common(later.deleted, self.added)
        return Changes(
            pl.concat([_less(self.added, gone), _less(later.added, back)]),
            pl.concat([_less(self.deleted, back), _less(later.deleted, gone)]),
        )

    def applied(self, tables: GraphTables) -> GraphTables:
        """A graph after these changes."""
        if not len(self):
            return tables
        return changed(tables, came=tables_of(self.added), gone=tables_of(self.deleted))

    def left_of(self, tables: GraphTables) -> GraphTables:
        """Statements without those that these changes delete; what they add belongs elsewhere."""
        return replace(self, added=self.added.clear()).applied(tables)

    def rows(self) -> pl.DataFrame:
        """All of them as one table, as a file of changes has it."""
        change = [one.with_columns(change=pl.lit(name)) for one, name in self._named()]
        return pl.concat(change).select(*_COLUMNS, "tag").sort(pl.all())

    def _named(self) -> tuple[tuple[pl.DataFrame, str], ...]:
        return (self.deleted, DELETED), (self.added, ADDED)

    @staticmethod
    def from_rows(rows: pl.DataFrame) -> Changes:
        """What ``rows`` gave."""
        of = {name: rows.filter(pl.col("change") == name).select(STATEMENT) for name in (ADDED, DELETED)}
        return Changes(of[ADDED], of[DELETED])


def tables_of(statements: pl.DataFrame) -> GraphTables:
    """Statements as the tables of a graph."""

    def of(kind: str, **columns: str) -> pl.DataFrame:
        return statements.filter(pl.col("kind") == kind).select(**{a: pl.col(b) for a, b in columns.items()})

    return GraphTables(
        types=of("type", entity="entity", type="value"),
        edges=of("edge", head="entity", relation="name", tail="value"),
        facts=of("fact", entity="entity", attribute="name", value="value", tag="tag"),
    )


def changed(tables: GraphTables, *, came: GraphTables, gone: GraphTables) -> GraphTables:
    """The tables of a graph without some of their rows, and with others."""
    return GraphTables(
        *(
            pl.concat([_less(getattr(tables, name), getattr(gone, name)), getattr(came, name)])
            for name in ("types", "edges", "facts")
        )
    )


def statements_of(tables: GraphTables) -> pl.DataFrame:
    """The tables of a graph as one of statements; ``tables_of`` undoes it."""
    blank = pl.lit("")
    return pl.concat(
        [
            tables.types.select(kind=pl.lit("type"), entity="entity", name=blank, value="type", tag=blank),
            tables.edges.select(kind=pl.lit("edge"), entity="head", name="relation", value="tail", tag=blank),
            tables.facts.select(
                kind=pl.lit("fact"), entity="entity", name="attribute", value="value", tag="tag"
            ),
        ]
    )


class Said(Protocol):
    """A graph that can be asked what it says."""

    def about(self, entities: pl.Series, *, led_to: bool = True) -> GraphTables:
        """What it says of some entities, with edges that lead to them if these are wanted; perhaps more."""


@dataclass(frozen=True, eq=False)
class Since:
    """A graph, statements beside it, and what came and went since."""

    graph: Said
    aside: GraphTables
    changes: Changes

    def about(self, entities: pl.Series, *, led_to: bool = True) -> GraphTables:
        """What all of it says of some entities, and whatever came."""
        return self.changes.applied(self.graph.about(entities, led_to=led_to)).and_also(self.aside)


def read_changes(path: Path | None, graph: Said) -> tuple[Changes, list[str]]:
    """What a file says of a graph, and notes; no file, no changes.

    Tables (CSV, also gzipped, or Parquet) have the columns change (``added`` or ``deleted``), kind (``type``,
    ``edge``, ``fact`` or ``entity``), entity, name, value, and perhaps tag. Any other file is an RDF Patch.
    What is so already is passed over, with a note.

    Raises GraphFormatError with all faults of the file.
    Source: https://afs.github.io/rdf-delta/rdf-patch.html
    """
    if path is None:
        return Changes.nothing(), []
    rows, faults = _read(path)
    faults += _contradictions(rows, path)
    if faults:
        shown = capped(sorted(faults, key=lambda fault: fault.line or 0), path)
        raise GraphFormatError(f"cannot read the changes of {path}", shown)
    return _settled(rows, graph, path)


def _settled(rows: pl.DataFrame, graph: Said, path: Path) -> tuple[Changes, list[str]]:
    """The rows that change something."""
    whole = rows.filter(pl.col("kind") == "entity")["entity"]
    single = rows.filter(pl.col("kind") != "entity")
    told = graph.about(single["entity"], led_to=False), graph.about(whole)
    there = pl.concat(map(statements_of, told))
    of = {name: single.filter(pl.col("change") == name) for name in (ADDED, DELETED)}
    added, deleted = _less(of[ADDED], there), _common(of[DELETED], there)
    gone = there.filter(
        pl.col("entity").is_in(whole.implode())
        | ((pl.col("kind") == "edge") & pl.col("value").is_in(whole.implode()))
    )
    # Who goes and is told anew stays, with what is told.
    gone = _less(gone, of[ADDED])
    changes = Changes(added.select(STATEMENT).unique(), pl.concat([deleted.select(STATEMENT), gone]).unique())
    held = pl.concat([there["entity"], there.filter(pl.col("kind") == "edge")["value"]])
    absent = whole.filter(~whole.is_in(held.implode())).unique().sort()
    notes = []
    for kept, name, what in ((added, ADDED, "there already"), (deleted, DELETED, "not there")):
        over = _less(of[name], kept)
        if len(over):
            notes.append(f"{path}:{over['line'][0]}: {len(over):,} {name} statements are {what}")
    if len(absent):
        notes.append(f"{path}: {len(absent):,} deleted entities are not there, as {quoted(absent[0])}")
    return changes, notes


def _contradictions(rows: pl.DataFrame, path: Path) -> list[Fault]:
    both = rows.filter(pl.col("change").n_unique().over(*STATEMENT) > 1)
    again = both.unique(STATEMENT, keep="last", maintain_order=True)
    return [
        Fault(str(path), line, "the same statement is added and deleted", "keep one of them")
        for line in again["line"]
    ]


def _less(statements: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """The statements that are not among others."""
    on, about = _shared(statements, others)
    # To look for those about the same entities first is several times as fast where the others are few.
    held = statements[about].is_in(others[about].implode())
    some = statements.with_row_index("row").filter(held).join(others, on=on, how="semi")
    return statements.filter(~pl.Series(marked(some["row"].to_numpy(), len(statements))))


def _common(statements: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    on, _ = _shared(statements, others)
    return statements.join(others, on=on, how="semi", maintain_order="left")


def _shared(statements: pl.DataFrame, others: pl.DataFrame) -> tuple[list[str], str]:
    """The columns that tell a statement of either table from others, and the one of its entity."""
    on = [name for name in others.columns if name in statements.columns and name != "line"]
    return on, "head" if "head" in on else "entity"


def _read(path: Path) -> tuple[pl.DataFrame, list[Fault]]:
    name = path.name.lower()
    if name.endswith(".parquet"):
        table, found = read_parquet(path, hint=_TABLE_HINT)
        lines = pl.Series(range(1, len(table) + 1), dtype=pl.Int64)
        return _checked(table, lines, path, [*found])
    if name.removesuffix(".gz").endswith((".csv", ".tsv")):
        cells = read_csv(path)
        columns = {one: cells.column(at) for at, one in enumerate(cells.header)}
        table = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
        return _checked(table, pl.Series(cells.lines, dtype=pl.Int64), path, [*cells.faults])
    return _patch(path)


def _checked(
    table: pl.DataFrame, lines: pl.Series, path: Path, faults: list[Fault]
) -> tuple[pl.DataFrame, list[Fault]]:
    """A table with the right columns, and a fault for each row that says nothing."""
    wrong = [] if faults and not table.columns else _column_faults(table, path)
    if not set(_COLUMNS) <= set(table.columns):
        return pl.DataFrame(schema=_ROW), faults + wrong
    if "tag" not in table.columns:
        table = table.with_columns(tag=pl.lit(""))
    texts = {name: _texts(table[name], path) for name in (*_COLUMNS, "tag")}
    wrong += [one for one in texts.values() if isinstance(one, Fault)]
    if any(isinstance(one, Fault) for one in texts.values()):
        return pl.DataFrame(schema=_ROW), faults + wrong
    rows = pl.DataFrame({"line": lines, **texts}, schema=_ROW)
    checked = rows.with_columns(problem=_problem())
    wrong += [
        Fault(str(path), line, f"{problem}: {quoted(text)}", _TABLE_HINT)
        for line, problem, text in checked.filter(pl.col("problem").is_not_null())
        .select("line", "problem", pl.concat_str(_COLUMNS, separator=","))
        .iter_rows()
    ]
    return rows, faults + wrong


def _column_faults(table: pl.DataFrame, path: Path) -> list[Fault]:
    """A column too few, or one whose values nobody would read."""
    missing = [name for name in _COLUMNS if name not in table.columns]
    unknown = [name for name in table.columns if name and name not in (*_COLUMNS, "tag")]
    return [
        Fault(str(path), 1, f"{problem} {', '.join(map(quoted, names))}", _TABLE_HINT)
        for names, problem in ((missing, "has no column"), (unknown, "nobody reads the column"))
        if names
    ]


def _texts(column: pl.Series, path: Path) -> pl.Series | Fault:
    try:
        return column.cast(pl.String).fill_null("")
    except PARQUET_ERRORS as error:
        problem = f"column {quoted(column.name)} holds no texts: {' '.join(str(error).split())}"
        return Fault(str(path), None, problem, "write it as text")


def _problem() -> pl.Expr:
    """What is wrong with each row, or null."""
    kind, whole = pl.col("kind"), pl.col("kind") == "entity"
    checks = (
        (~pl.col("change").is_in([ADDED, DELETED]), "the change is neither added nor deleted"),
        (~kind.is_in(KINDS), f"the kind is none of {', '.join(KINDS)}"),
        (pl.col("entity").str.strip_chars() == "", "no entity"),
        (whole & (pl.col("change") == ADDED), "an entity is added by a type, an edge or a fact of it"),
        ((whole | (kind == "type")) & (pl.col("name") != ""), "a type and an entity have no name"),
        (whole & (pl.col("value") != ""), "an entity that goes has no value"),
        (kind.is_in(["edge", "fact"]) & (pl.col("name").str.strip_chars() == ""), "no name"),
        (~whole & (pl.col("value") == ""), "no value"),
        ((kind != "fact") & (pl.col("tag") != ""), "only a fact has a tag"),
    )
    return pl.coalesce([pl.when(wrong).then(pl.lit(told)) for wrong, told in checks])


def _patch(path: Path) -> tuple[pl.DataFrame, list[Fault]]:
    """An RDF Patch, line by line; what is said of graphs is passed over, as in RDF datasets."""
    text, found = read_text(path)
    faults, rows = [*found, *nesting_faults(text, RdfFormat.N_QUADS, path)], []
    if len(faults) > len(found):
        return pl.DataFrame(schema=_ROW), faults
    for number, line in enumerate(text.split("\n"), start=1):
        head, rest = _operation(line)
        if not head or head.startswith("#") or head in _PASSED:
            continue
        if head not in ("A", "D"):
            faults.append(_no_change(head, line, str(path), number))
            continue
        try:
            rows += [(number, ADDED if head == "A" else DELETED, *one) for one in _terms(rest)]
        except (SyntaxError, ValueError) as error:
            faults.append(Fault(str(path), number, f"{quoted(rest)}: {error}", _PATCH_HINT))
    return pl.DataFrame(rows, schema=_ROW, orient="row"), faults


def _operation(line: str) -> tuple[str, str]:
    """What a line does, and to what."""
    head, *rest = line.strip().split(maxsplit=1) or [""]
    return (head, rest[0]) if rest else (head.removesuffix("."), "")


def _no_change(head: str, line: str, path: str, number: int) -> Fault:
    if head == "TA":
        why = "the transaction that ends here was given up"
        return Fault(path, number, f"{quoted(line)} is no change: {why}", _ABORT_HINT)
    return Fault(path, number, f"{quoted(line)} is no change", _PATCH_HINT)


def _terms(line: str) -> Iterable[tuple[str, str, str, str, str]]:
    """Kind, entity, name, value and tag of a line of N-Triples or N-Quads, which must hold one statement."""
    quads = list(parse(line.encode(), RdfFormat.N_QUADS))
    if len(quads) != 1:
        raise ValueError(f"{len(quads)} statements")
    subject, predicate, value, _ = quads[0]
    if not isinstance(subject, NamedNode | BlankNode) or not isinstance(
        value, NamedNode | BlankNode | Literal
    ):
        raise ValueError("a statement about a statement")
    entity = _name(subject)
    if isinstance(value, Literal):
        datatype = "" if value.datatype.value == XSD_STRING else value.datatype.value
        tag = f"@{value.language}" if value.language else datatype
        yield "fact", entity, predicate.value, value.value, tag
    elif predicate.value == TYPE and isinstance(value, NamedNode):
        yield "type", entity, "", value.value, ""
    else:
        yield "edge", entity, predicate.value, _name(value), ""


def _name(node: NamedNode | BlankNode) -> str:
    return node.value if isinstance(node, NamedNode) else f"_:{node.value}"


def inverse(changes: Changes) -> Changes:
    """What takes changes back."""
    return replace(changes, added=changes.deleted, deleted=changes.added)
