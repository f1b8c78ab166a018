"""The identifiers and names of any graph as IRIs, and back: what RDF files of our own hold.

An IRI stands as it is. A blank node becomes a Skolem IRI (RDF 1.1, section 3.5), so that its identity
outlives every store that renames blank nodes; whatever else becomes a percent-encoded name of its side:

    _:b1                 https://crossgraph.invalid/.well-known/genid/left/b1
    entity  Q1 (x)       https://crossgraph.invalid/left/Q1%20%28x%29
    relation  made by    https://crossgraph.invalid/left/relation/made%20by
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias
from urllib.parse import quote, unquote

import polars as pl
from pyoxigraph import Literal as RdfLiteral
from pyoxigraph import NamedNode

from crossgraph._types import Side
from crossgraph.graphs.sssom_format import LOCAL_NAMESPACE

Role: TypeAlias = Literal["entity", "type", "relation", "attribute", "datatype"]

_GENID = f"{LOCAL_NAMESPACE}.well-known/genid/"
_XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
# RDF keeps these for literals that are written without a datatype.
_RESERVED = frozenset({_XSD_STRING, f"{_RDF}langString", f"{_RDF}dirLangString"})
# Outside RDF, `brand:sony` is a name of one graph, and only what nobody writes by chance is everybody's.
_GLOBAL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.|(?:doi|info|mailto|tag|tel|urn):.")


def to_iri(name: str, side: Side, *, role: Role = "entity", rdf: bool = False) -> str:
    """A name as an IRI; ``from_iri`` undoes it.

        >>> to_iri("Q1 (x)", "left")
        'https://crossgraph.invalid/left/Q1%20%28x%29'
        >>> to_iri("https://example.org/q1", "left")
        'https://example.org/q1'

    rdf   the graph is RDF, where every name but a blank node's is an IRI already
    """
    if name.startswith("_:") and role == "entity":
        return f"{_GENID}{side}/{quote(name[2:], safe='')}"
    stands = (rdf or _GLOBAL.match(name)) and not name.startswith(LOCAL_NAMESPACE) and _is_iri(name)
    return name if stands else local_iri(name, side, role=role)


def local_iri(name: str, side: Side, *, role: Role = "entity") -> str:
    """The IRI of a name that only one graph has."""
    return f"{_local(side, role)}{quote(name, safe='')}"


def from_iri(iri: str, side: Side, *, role: Role = "entity") -> str:
    """The name that ``to_iri`` was given."""
    if role == "entity" and iri.startswith(f"{_GENID}{side}/"):
        return "_:" + unquote(iri.removeprefix(f"{_GENID}{side}/"))
    prefix = _local(side, role)
    return unquote(iri.removeprefix(prefix)) if iri.startswith(prefix) else iri


def to_tag(tag: str, side: Side, *, rdf: bool = False) -> str:
    """The tag of a fact as RDF can hold it: a language that RDF knows, or a datatype as an IRI."""
    if not tag or (tag.startswith("@") and _is_language(tag[1:])):
        return tag
    if tag in _RESERVED:
        return local_iri(tag, side, role="datatype")
    return to_iri(tag, side, role="datatype", rdf=rdf)


def is_genid(iris: pl.Expr) -> pl.Expr:
    """Whether IRIs stand for blank nodes."""
    return iris.str.starts_with(_GENID)


def is_local(iri: str) -> bool:
    """Whether an IRI stands for something that has none in its graph."""
    return iri.startswith(LOCAL_NAMESPACE)


def each(names: pl.Series, change: Callable[[str], str]) -> pl.Series:
    """A column with every distinct text changed."""
    distinct = names.unique()
    changed = pl.Series([change(name) for name in distinct], dtype=pl.String)
    return names.replace_strict(distinct, changed, return_dtype=pl.String) if len(distinct) else names


def nodes(iris: Sequence[str] | pl.Series) -> dict[str, NamedNode]:
    """The RDF terms of distinct IRIs."""
    return {iri: NamedNode(iri) for iri in iris}


def _local(side: Side, role: Role) -> str:
    # A percent-encoded entity has no slash, so no entity is ever taken for a relation.
    return f"{LOCAL_NAMESPACE}{side}/" + ("" if role == "entity" else f"{role}/")


def _is_iri(text: str) -> bool:
    try:
        NamedNode(text)
    except ValueError:
        return False
    return True


def _is_language(text: str) -> bool:
    try:
        return RdfLiteral("", language=text).language == text
    except ValueError:
        return False
