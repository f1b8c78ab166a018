"""A graph that goes into a merge, with all its names as IRIs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from crossgraph._types import Side
from crossgraph.graphs.graph import GraphTables, KnowledgeGraph
from crossgraph.graphs.quads import TYPE
from crossgraph.graphs.terms import Role, each, from_iri, is_genid, local_iri, to_iri, to_tag


@dataclass(frozen=True, eq=False)
class Source:
    """One of the two graphs.

    name     what people call it, such as the name of its file
    rdf      it came from RDF, where every name but a blank node's is an IRI
    digest   SHA-256 of its files; "" where that is not known
    """

    graph: KnowledgeGraph
    name: str = ""
    rdf: bool = False
    digest: str = ""

    def entities(self, side: Side) -> pl.Series:
        """(E) The IRI of each entity."""
        iris = [to_iri(name, side, rdf=self.rdf) for name in self.graph.ids]
        return pl.Series("iri", iris, dtype=pl.String)

    def iris(self, side: Side, *, entities: pl.Series | None = None) -> GraphTables:
        """The graph with IRIs for all names, as its RDF form holds it; ``tables_of`` undoes it.

        entities   what ``entities`` gives, where that is at hand

        An edge by rdf:type would read back as a type, so its relation becomes a local name; that of a
        blank node, such as a class expression, cannot be mistaken and stays.
        """
        graph = self.graph

        def names(texts: tuple[str, ...], role: Role) -> tuple[str, ...]:
            return tuple(to_iri(text, side, role=role, rdf=self.rdf) for text in texts)

        tables = replace(
            graph,
            ids=self.entities(side) if entities is None else entities,
            type_names=names(graph.type_names, "type"),
            relation_names=names(graph.relation_names, "relation"),
            attribute_names=names(graph.attribute_names, "attribute"),
            tag_names=tuple(to_tag(tag, side, rdf=self.rdf) for tag in graph.tag_names),
        ).tables()
        mistaken = (pl.col("relation") == TYPE) & ~is_genid(pl.col("tail"))
        edges = tables.edges.with_columns(
            relation=pl.when(mistaken)
            .then(pl.lit(local_iri(TYPE, side, role="relation")))
            .otherwise("relation")
        )
        return replace(tables, edges=edges)


def tables_of(iris: GraphTables, side: Side) -> GraphTables:
    """The graph as it was before ``Source.iris``."""

    def names(column: pl.Series, role: Role = "entity") -> pl.Series:
        return each(column, lambda iri: from_iri(iri, side, role=role))

    types, edges, facts = iris.types, iris.edges, iris.facts
    return GraphTables(
        types=types.with_columns(names(types["entity"]), names(types["type"], "type")),
        edges=edges.with_columns(
            names(edges["head"]), names(edges["relation"], "relation"), names(edges["tail"])
        ),
        facts=facts.with_columns(
            names(facts["entity"]), names(facts["attribute"], "attribute"), names(facts["tag"], "datatype")
        ),
    )
