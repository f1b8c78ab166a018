"""Decided matches in the forms that other tools read; ``read_links`` reads each of them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias
from xml.sax.saxutils import quoteattr

import polars as pl
from pyoxigraph import NamedNode, RdfFormat, Triple, serialize

from crossgraph.graphs.parquet import store_parquet
from crossgraph.graphs.terms import to_iri
from crossgraph.matches import Matches
from crossgraph.results import Predicate, SssomOptions, write_sssom

MatchFormat: TypeAlias = Literal["sssom", "sameas", "alignment", "csv", "parquet", "jsonl"]

_SAME_AS = NamedNode("http://www.w3.org/2002/07/owl#sameAs")
_ALIGNMENT = "http://knowledgeweb.semanticweb.org/heterogeneity/alignment#"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_FLOAT = "http://www.w3.org/2001/XMLSchema#float"


def write_matches(
    matches: pl.DataFrame,
    path: Path,
    form: MatchFormat,
    *,
    predicate: Predicate = "skos:exactMatch",
    rdf: tuple[bool, bool] = (False, False),
) -> None:
    """Write matches to a file, the surest first.

    matches     left, right (identifiers as the graphs have them), probability (null where unknown)
    predicate   what SSSOM calls a match
    rdf         whether the left and the right graph are RDF, where every name is an IRI; identifiers that
                are none are written in RDF as ``graphs.terms`` tells
    """
    ordered = matches.sort(
        ["probability", "left", "right"],
        descending=[True, False, False],
        nulls_last=True,
        maintain_order=True,
    )
    match form:
        case "sssom":
            write_sssom(_as_matches(ordered), path, options=SssomOptions(predicate=predicate))
        case "sameas":
            serialize(_triples(ordered, rdf), str(path), RdfFormat.N_TRIPLES)
        case "alignment":
            path.write_text("".join(_alignment(ordered, rdf)), encoding="utf8")
        case "csv":
            ordered.write_csv(path)
        case "parquet":
            store_parquet(ordered, path)
        case "jsonl":
            ordered.write_ndjson(path)


def _as_matches(table: pl.DataFrame) -> Matches:
    return Matches(
        table.select(
            "left",
            "right",
            type=pl.lit(""),
            score=pl.lit(0.0),
            probability="probability",
            matched=pl.lit(True),
        )
    )


def _iris(table: pl.DataFrame, rdf: tuple[bool, bool]) -> Iterator[tuple[str, str]]:
    for left, right in table.select("left", "right").iter_rows():
        yield to_iri(left, "left", rdf=rdf[0]), to_iri(right, "right", rdf=rdf[1])


def _triples(table: pl.DataFrame, rdf: tuple[bool, bool]) -> Iterator[Triple]:
    for left, right in _iris(table, rdf):
        yield Triple(NamedNode(left), _SAME_AS, NamedNode(right))


def _alignment(table: pl.DataFrame, rdf: tuple[bool, bool]) -> Iterator[str]:
    """The OAEI Alignment format, nested as its readers want it, which a serialiser of RDF would not do."""
    one_to_one = not any(table[side].is_duplicated().any() for side in ("left", "right"))
    yield '<?xml version="1.0" encoding="utf-8"?>\n'
    yield f'<rdf:RDF xmlns="{_ALIGNMENT}" xmlns:rdf="{_RDF}">\n<Alignment>\n'
    yield f"  <xml>yes</xml>\n  <level>0</level>\n  <type>{'11' if one_to_one else '**'}</type>\n"
    for (left, right), measure in zip(_iris(table, rdf), table["probability"].fill_null(1.0), strict=True):
        yield f"  <map><Cell>\n    <entity1 rdf:resource={quoteattr(left)}/>\n"
        yield f"    <entity2 rdf:resource={quoteattr(right)}/>\n    <relation>=</relation>\n"
        yield f'    <measure rdf:datatype="{_FLOAT}">{measure!r}</measure>\n  </Cell></map>\n'
    yield "</Alignment>\n</rdf:RDF>\n"
