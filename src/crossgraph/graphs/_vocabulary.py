"""What RDF graphs say about their schema instead of about entities."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import polars as pl

from crossgraph.graphs.graph import GraphTables

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_OWL = "http://www.w3.org/2002/07/owl#"
TYPE = _RDF + "type"
# Said of every individual, so of no use as a type beside another one.
_UNIVERSAL = [_OWL + "NamedIndividual", _OWL + "Thing", _RDFS + "Resource"]
_SCHEMA = [
    _RDF + "Property",
    *(_RDFS + name for name in ("Class", "Datatype", "ContainerMembershipProperty")),
    *(
        _OWL + name
        for name in (
            *("Ontology", "OntologyProperty", "Class", "DeprecatedClass", "Restriction", "DataRange"),
            *("ObjectProperty", "DatatypeProperty", "AnnotationProperty", "DeprecatedProperty"),
            *("FunctionalProperty", "InverseFunctionalProperty", "TransitiveProperty", "SymmetricProperty"),
            *("AsymmetricProperty", "ReflexiveProperty", "IrreflexiveProperty"),
            *("AllDifferent", "AllDisjointClasses", "AllDisjointProperties"),
            *("Axiom", "Annotation", "NegativePropertyAssertion"),
        )
    ),
]


def without_schema(tables: GraphTables) -> tuple[GraphTables, GraphTables, int]:
    """The tables without declarations of classes, properties and ontologies, what they say, and their number.

    A declaration goes with its facts, its edges, and the blank nodes that only it leads to. Something
    typed both as schema and as something else is an entity.
    """
    schema = declared(tables.types)
    kept_types = tables.types.filter(~pl.col("type").is_in(_SCHEMA))
    if schema.is_empty():
        types = _informative(kept_types)
        return replace(tables, types=types), replace(GraphTables.empty(), types=_less(tables, types)), 0
    gone = pl.concat([schema, _hanging_blanks(tables.edges, schema)]).unique()
    types, facts = (frame.join(gone, on="entity", how="anti") for frame in (kept_types, tables.facts))
    edges = tables.edges
    for end in ("head", "tail"):
        edges = edges.join(gone, left_on=end, right_on="entity", how="anti")
    types = _informative(types)
    names, ends = gone["entity"].implode(), (pl.col("head"), pl.col("tail"))
    aside = GraphTables(
        types=_less(tables, types),
        edges=tables.edges.filter(pl.any_horizontal(end.is_in(names) for end in ends)),
        facts=tables.facts.join(gone, on="entity", how="semi"),
    )
    return GraphTables(types=types, edges=edges, facts=facts), aside, len(schema)


def _less(tables: GraphTables, types: pl.DataFrame) -> pl.DataFrame:
    """The types that are not among these."""
    if len(types) == len(tables.types):
        return GraphTables.empty_types()
    return tables.types.join(types, on=["entity", "type"], how="anti")


def declared(types: pl.DataFrame) -> pl.DataFrame:
    """What is declared to be a class, a property or an ontology, and is nothing else: column ``entity``.

    types   entity, type, and perhaps other columns
    """
    is_schema = pl.col("type").is_in(_SCHEMA)
    others = types.filter(~is_schema & ~pl.col("type").is_in(_UNIVERSAL))
    return types.filter(is_schema).join(others, on="entity", how="anti").select("entity").unique()


def _informative(types: pl.DataFrame) -> pl.DataFrame:
    """Types without those that hold of everything, where an entity has another one."""
    universal = pl.col("type").is_in(_UNIVERSAL)
    others = types.filter(~universal).select("entity").unique()
    return pl.concat(
        [types.filter(~universal), types.filter(universal).join(others, on="entity", how="anti")]
    )


def _hanging_blanks(edges: pl.DataFrame, schema: pl.DataFrame) -> pl.DataFrame:
    """Blank nodes reached from a declaration over blank nodes: lists and class expressions."""
    blank = edges.filter(pl.col("tail").str.starts_with("_:"))
    found = set(blank.join(schema, left_on="head", right_on="entity", how="semi")["tail"])
    among = blank.filter(pl.col("head").str.starts_with("_:")).group_by("head").agg("tail")
    following: dict[str, list[str]] = dict(among.iter_rows())
    queue = deque(found)
    while queue:
        new = [name for name in following.get(queue.popleft(), ()) if name not in found]
        found.update(new)
        queue.extend(new)
    return pl.DataFrame({"entity": sorted(found)}, schema={"entity": pl.String})
