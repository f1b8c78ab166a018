"""RDF datasets as one table of statements, written and read by pyoxigraph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import polars as pl
from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    Triple,
    parse,
    serialize,
)

from crossgraph.errors import Fault, GraphFormatError
from crossgraph.graphs._reading import read_bytes
from crossgraph.graphs.graph import GraphTables

TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"
_CHUNK = 100_000

# graph: "" the default graph. tag: null where the object is an IRI, else as in GraphTables.facts.
STATEMENTS = pl.Schema(dict.fromkeys(("graph", "subject", "predicate", "object", "tag"), pl.String()))


def statements_of(tables: GraphTables, graph: str | pl.Expr) -> pl.DataFrame:
    """A graph whose names are all IRIs as statements in a named graph."""
    name = (pl.lit(graph) if isinstance(graph, str) else graph).alias("graph")
    parts = (
        tables.types.select(name, subject="entity", predicate=pl.lit(TYPE), object="type"),
        tables.edges.select(name, subject="head", predicate="relation", object="tail"),
        tables.facts.select(name, subject="entity", predicate="attribute", object="value", tag="tag"),
    )
    return pl.concat([pl.DataFrame(schema=STATEMENTS), *parts], how="diagonal")


def tables_from(statements: pl.DataFrame, *, is_edge: pl.Expr | None = None) -> GraphTables:
    """Statements, whatever graph they are in, as a graph whose names are IRIs.

    is_edge   of statements by rdf:type: which are edges nevertheless

    Columns besides those of ``STATEMENTS`` stay.
    """
    typed = pl.col("predicate") == TYPE
    if is_edge is not None:
        typed &= ~is_edge
    links = statements.filter(pl.col("tag").is_null()).drop("tag", "graph")
    facts = statements.filter(pl.col("tag").is_not_null()).drop("graph")
    return GraphTables(
        types=links.filter(typed).drop("predicate").rename({"subject": "entity", "object": "type"}),
        edges=links.filter(~typed).rename({"subject": "head", "predicate": "relation", "object": "tail"}),
        facts=facts.rename({"subject": "entity", "predicate": "attribute", "object": "value"}),
    )


def write_statements(statements: pl.DataFrame, path: Path, form: RdfFormat) -> None:
    """Write a dataset; in a format without graphs, what it says regardless of graphs.

    Names that start with ``_:`` become blank nodes. No prefixes are declared, because their order in the file
    is one of chance, and equal tables should give equal bytes. Raises ValueError for what RDF cannot hold.
    """
    quads = quads_of(statements)
    if form.supports_datasets:
        serialize(quads, str(path), form)
    else:
        serialize((Triple(s, p, o) for s, p, o, _ in quads), str(path), form)


def read_quads(path: Path, form: RdfFormat) -> Iterator[Quad]:
    """What a file says, ``.gz`` or not. Raises GraphFormatError at the first syntax error."""
    data, faults = read_bytes(path)
    if faults:
        raise GraphFormatError(f"cannot read {path}", faults)
    try:
        yield from parse(data, form)
    except SyntaxError as error:
        fault = Fault(str(path), error.lineno, str(error.msg))
        raise GraphFormatError(f"cannot read {path}", [fault]) from None


def statements_from(quads: Iterable[Quad]) -> pl.DataFrame:
    """Quads as one table of statements."""
    parts, rest = [pl.DataFrame(schema=STATEMENTS)], iter(quads)
    while rows := [_row(quad) for quad in islice(rest, _CHUNK)]:
        parts.append(pl.DataFrame(rows, schema=STATEMENTS, orient="row"))
    return pl.concat(parts)


def quads_of(statements: pl.DataFrame) -> Iterator[Quad]:
    """A table of statements as quads. Raises ValueError for what RDF cannot hold."""
    terms: dict[str, NamedNode | BlankNode] = {}
    named = statements.filter(pl.col("tag").is_null())["object"]
    for column in (statements["subject"], statements["predicate"], statements["graph"], named):
        terms.update(_terms(column.unique()))
    tags = {
        tag: NamedNode(tag) for tag in statements["tag"].unique().drop_nulls() if tag[:1] not in ("", "@")
    }
    for chunk in statements.iter_slices(_CHUNK):
        subjects, predicates = (map(terms.__getitem__, chunk[name]) for name in ("subject", "predicate"))
        graphs = (terms[name] if name else DefaultGraph() for name in chunk["graph"])
        objects = (
            terms[text] if tag is None else _literal(text, tag, tags)
            for text, tag in zip(chunk["object"], chunk["tag"], strict=True)
        )
        # The constructor checks what the types here cannot say: that a predicate is no blank node.
        yield from map(Quad, subjects, predicates, objects, graphs)  # type: ignore[arg-type]


def _terms(names: Iterable[str]) -> Iterator[tuple[str, NamedNode | BlankNode]]:
    for name in names:
        if name:
            yield name, BlankNode(name[2:]) if name.startswith("_:") else NamedNode(name)


def _literal(text: str, tag: str, tags: Mapping[str, NamedNode]) -> Literal:
    if not tag:
        return Literal(text)
    return Literal(text, language=tag[1:]) if tag[0] == "@" else Literal(text, datatype=tags[tag])


def _row(quad: Quad) -> tuple[str, str, str, str, str | None]:
    subject, predicate, value, graph = quad
    name = "" if isinstance(graph, DefaultGraph) else _text(graph)
    if not isinstance(value, Literal):
        return name, _text(subject), predicate.value, _text(value), None
    datatype = value.datatype.value
    tag = f"@{value.language}" if value.language else "" if datatype == _XSD_STRING else datatype
    return name, _text(subject), predicate.value, value.value, tag


def _text(term: object) -> str:
    return term.value if isinstance(term, NamedNode) else str(term)
