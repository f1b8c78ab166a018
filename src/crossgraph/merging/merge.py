"""Two graphs and their matches in, one graph out; nothing is dropped on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from crossgraph._types import Side
from crossgraph.graphs._vocabulary import declared
from crossgraph.graphs.graph import GraphTables
from crossgraph.graphs.links import Links
from crossgraph.graphs.terms import Role, to_iri
from crossgraph.merging.clusters import Clusters, cluster
from crossgraph.merging.options import MergeOptions
from crossgraph.merging.policies import policy_of_attributes, resolve
from crossgraph.merging.source import Source
from crossgraph.merging.vocabulary import Part, Vocabulary, unite
from crossgraph.schema.mapping import SchemaMapping

SIDES: tuple[Side, Side] = ("left", "right")
_PARTS: tuple[Part, Part, Part] = ("type", "relation", "attribute")


@dataclass(frozen=True, eq=False)
class Merged:
    """One graph out of two, and all that it was made of. Every name is an IRI.

    iris           both graphs as they are, each under its own names
    types, edges   of the merged graph, each row once, with ``left`` and ``right``: which graphs say so
    facts          the same with ``chosen``: False where a policy set the value aside; see ``resolve``
    pairs          the matched pairs: left, right
    """

    sources: tuple[Source, Source]
    iris: tuple[GraphTables, GraphTables]
    types: pl.DataFrame
    edges: pl.DataFrame
    facts: pl.DataFrame
    pairs: pl.DataFrame
    clusters: Clusters
    vocabulary: Vocabulary
    options: MergeOptions

    def renamed(self, side: Side) -> GraphTables:
        """One graph under the merged vocabulary, its entities still under their own names."""
        return _renamed(self.iris[SIDES.index(side)], self.vocabulary, side)


def merge(
    sources: tuple[Source, Source], links: Links, schema: SchemaMapping, *, options: MergeOptions
) -> Merged:
    """Unite entities by matches, names by the schema mapping, and values by policies.

    links   the matches; only those that say same count
    raises  LinksError naming all matches of entities that the graphs do not have, ConfigError naming the
            attributes that a policy is asked for and neither graph has
    """
    graphs = sources[0].graph, sources[1].graph
    pairs = links.positives().resolve(*graphs).positives()
    ids = sources[0].entities("left"), sources[1].entities("right")
    iris = sources[0].iris("left", entities=ids[0]), sources[1].iris("right", entities=ids[1])
    clusters = cluster(graphs, ids, pairs, options=options)
    canonical = clusters.canonical()
    named = tuple(_with_canonical(one, canonical) for one in iris)
    names = tuple(_name_iris(source, side, part) for source, side in _sided(sources) for part in _PARTS)
    vocabulary = unite(schema, names, (named[0], named[1]), options=options)
    used = [dict(zip(_PARTS, (one.values() for one in names[at : at + 3]), strict=True)) for at in (0, 3)]
    both = [
        _redeclared(_renamed(one, vocabulary, side), vocabulary.declared(side, own))
        for one, side, own in zip(named, SIDES, used, strict=True)
    ]
    policies = policy_of_attributes(options, _attributes(sources, vocabulary))
    facts = _together([one.facts for one in both], counted=True)
    return Merged(
        sources=sources,
        iris=iris,
        types=_together([one.types for one in both]),
        edges=_together([one.edges for one in both]),
        facts=resolve(facts, policies, modified=_modified(options, sources, vocabulary), options=options),
        pairs=pl.DataFrame({"left": ids[0].gather(pairs[:, 0]), "right": ids[1].gather(pairs[:, 1])}),
        clusters=clusters,
        vocabulary=vocabulary,
        options=options,
    )


def _sided(sources: tuple[Source, Source]) -> list[tuple[Source, Side]]:
    return list(zip(sources, SIDES, strict=True))


def _name_iris(source: Source, side: Side, part: Part) -> dict[str, str]:
    """From the names that a graph gives to types, relations or attributes to their IRIs."""
    graph = source.graph
    match part:
        case "type":
            names = graph.type_names
        case "relation":
            names = graph.relation_names
        case "attribute":
            names = graph.attribute_names
    role: Role = part
    return {name: to_iri(name, side, role=role, rdf=source.rdf) for name in names}


def _attributes(
    sources: tuple[Source, Source], vocabulary: Vocabulary
) -> tuple[dict[str, str], dict[str, str]]:
    """For both graphs: from the names of attributes to their IRIs in the merged graph."""
    left, right = (
        {name: vocabulary.names("attribute", side).get(iri, iri) for name, iri in found.items()}
        for side, found in ((side, _name_iris(source, side, "attribute")) for source, side in _sided(sources))
    )
    return left, right


def _modified(options: MergeOptions, sources: tuple[Source, Source], vocabulary: Vocabulary) -> list[str]:
    names = _attributes(sources, vocabulary)
    return [side[name] for name in options.modified for side in names if name in side]


def _with_canonical(tables: GraphTables, canonical: pl.DataFrame) -> GraphTables:
    """The tables with the names of clusters in the place of their members'."""
    return GraphTables(
        types=_mapped(tables.types, "entity", canonical),
        edges=_mapped(_mapped(tables.edges, "head", canonical), "tail", canonical),
        facts=_mapped(tables.facts, "entity", canonical),
    )


def _mapped(table: pl.DataFrame, column: str, canonical: pl.DataFrame) -> pl.DataFrame:
    joined = table.join(canonical, left_on=column, right_on="iri", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("canonical", column).alias(column)).drop("canonical")


def _renamed(tables: GraphTables, vocabulary: Vocabulary, side: Side) -> GraphTables:
    """The tables in the merged vocabulary; edges by inverse relations are turned."""
    names = {part: vocabulary.names(part, side) for part in _PARTS}
    turn = pl.col("relation").is_in(vocabulary.turned(side))
    edges = tables.edges.with_columns(
        head=pl.when(turn).then("tail").otherwise("head"), tail=pl.when(turn).then("head").otherwise("tail")
    )
    return replace(
        tables,
        types=tables.types.with_columns(pl.col("type").replace(names["type"])),
        edges=edges.with_columns(pl.col("relation").replace(names["relation"])),
        facts=tables.facts.with_columns(pl.col("attribute").replace(names["attribute"])),
    )


def _redeclared(tables: GraphTables, names: dict[str, str]) -> GraphTables:
    """The tables with what is said of types and properties said of what they are called in the merged graph.

    names   see ``Vocabulary.declared``; one that is of an entity too stays whose it is
    """
    new = {name: names[name] for name in declared(tables.types)["entity"] if name in names}
    return GraphTables(
        types=tables.types.with_columns(pl.col("entity").replace(new)),
        edges=tables.edges.with_columns(pl.col("head", "tail").replace(new)),
        facts=tables.facts.with_columns(pl.col("entity").replace(new)),
    )


def _together(tables: Sequence[pl.DataFrame], *, counted: bool = False) -> pl.DataFrame:
    """The rows of both graphs, each once, with which graphs have it, and in how many records."""
    keys = tables[0].columns
    rows = pl.concat(
        one.with_columns(left=pl.lit(side == "left"), right=pl.lit(side == "right"))
        for one, side in zip(tables, SIDES, strict=True)
    )
    count = [pl.len().alias("stated")] if counted else []
    return rows.group_by(keys).agg(pl.col("left").any(), pl.col("right").any(), *count).sort(keys)
