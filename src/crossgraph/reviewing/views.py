"""One graph as a reviewer looks at it: names, facts and neighbours of an entity, and search by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from crossgraph._types import Int32
from crossgraph.graphs.adjacency import Adjacency, directed_name
from crossgraph.graphs.graph import KnowledgeGraph

# More neighbours than these are not even looked at: a country has a hundred thousand.
MOST_NEIGHBOURS = 2000
_TRIED = 3000
_LOOKED_AT = 500  # hits of a search, before several names of one entity are taken together
_USUAL = ("preflabel", "label", "name", "title", "iri_name", "altlabel", "alias")
_NUMBER_OR_DATE = r"^[\s\d.,:+/TZeE-]*$"


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of an attribute; tag as in ``GraphTables``."""

    attribute: str
    value: str
    tag: str


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The other end of an edge; the relation has a leading ``^`` where it runs towards the entity."""

    relation: str
    entity: int


@dataclass(frozen=True, eq=False)
class GraphView:
    """A graph with what is looked up in it.

    names (E)   what each entity is called: a value of the first of ``naming`` that it has, or its identifier
    searched    every name of every entity, folded: entity, name
    """

    graph: KnowledgeGraph
    adjacency: Adjacency
    naming: tuple[str, ...]
    names: pl.Series
    searched: pl.DataFrame

    @staticmethod
    def of(graph: KnowledgeGraph, mapped: tuple[str, ...] = ()) -> GraphView:
        """The view of a graph.

        mapped   attributes that correspond to one of the other graph, strongest first
        """
        naming = naming_attributes(graph, mapped)
        return GraphView(graph, Adjacency.of(graph), naming, _names(graph, naming), _searched(graph, naming))

    def name(self, entity: int) -> str:
        """What an entity is called."""
        return str(self.names[int(entity)])

    def id(self, entity: int) -> str:
        """The identifier of an entity."""
        return str(self.graph.ids[int(entity)])

    def number(self, identifier: str) -> int:
        """The entity of an identifier, -1 if there is none."""
        return self.graph.position(identifier)

    def types(self, entity: int) -> tuple[str, ...]:
        """The types of an entity."""
        start, end = np.searchsorted(self.graph.typed[:, 0], [entity, entity + 1])
        return tuple(self.graph.type_names[code] for code in self.graph.typed[start:end, 1])

    def facts(self, entity: int) -> tuple[Fact, ...]:
        """The facts of an entity, by attribute and value."""
        graph = self.graph
        start, end = np.searchsorted(graph.fact_entities, [entity, entity + 1])
        return tuple(
            Fact(graph.attribute_names[attribute], value, graph.tag_names[tag])
            for attribute, value, tag in zip(
                graph.fact_attributes[start:end],
                graph.fact_values[int(start) : int(end)],
                graph.fact_tags[start:end],
                strict=True,
            )
        )

    def degree(self, entity: int) -> int:
        """How many edges an entity has."""
        return int(self.adjacency.indptr[entity + 1] - self.adjacency.indptr[entity])

    def neighbours(self, entity: int) -> tuple[Neighbour, ...]:
        """The neighbours of an entity by relation, at most ``MOST_NEIGHBOURS``."""
        start = int(self.adjacency.indptr[entity])
        rows = slice(start, start + min(self.degree(entity), MOST_NEIGHBOURS))
        return tuple(
            Neighbour(directed_name(self.graph.relation_names, int(relation)), int(other))
            for relation, other in zip(
                self.adjacency.relations[rows], self.adjacency.neighbours[rows], strict=True
            )
        )

    def search(self, text: str, *, most: int = 20) -> list[int]:
        """Entities with a name that holds the text, nearest first; and the one with this identifier.

        Case and accents do not count.
        """
        exact = self.number(text.strip())
        found = [exact] if exact >= 0 else []
        wanted = fold(pl.Series([text.strip()]))[0]
        if wanted:
            name = pl.col("name")
            hits = self.searched.filter(name.str.contains(wanted, literal=True)).select(
                "entity",
                # One number tells the order, so that of many hits only the first have to be sorted.
                order=((~name.str.starts_with(wanted)).cast(pl.Int64) * (1 << 24))
                + name.str.len_chars().clip(0, (1 << 24) - 1).cast(pl.Int64),
            )
            nearest = hits.with_columns(pl.col("order") * len(self.graph) + pl.col("entity")).bottom_k(
                _LOOKED_AT, by="order"
            )
            ranked = nearest.sort("order").unique("entity", keep="first", maintain_order=True)
            found += [entity for entity in ranked["entity"].head(most) if entity != exact]
        return found[:most]


def fold(texts: pl.Series) -> pl.Series:
    """Texts in small letters without accents."""
    return texts.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()


def naming_attributes(graph: KnowledgeGraph, mapped: tuple[str, ...]) -> tuple[str, ...]:
    """The attributes that name entities, best first: usual names of such, then mapped texts; at most four."""
    usual = [
        (place, name)
        for name in graph.attribute_names
        for place, word in enumerate(_USUAL)
        if _last_part(name) == word
    ]
    texts = [name for name in mapped if name in graph.attribute_names and _is_text(graph, name)]
    found = [name for _, name in sorted(usual)] + texts
    if not found:
        found = [name for name in graph.attribute_names if _is_text(graph, name)]
    return tuple(dict.fromkeys(found))[:4]


def _last_part(name: str) -> str:
    return name.replace("#", "/").replace(":", "/").rsplit("/", 1)[-1].lower()


def _is_text(graph: KnowledgeGraph, attribute: str) -> bool:
    rows = np.flatnonzero(graph.fact_attributes == graph.attribute_names.index(attribute))[:_TRIED]
    numbers = graph.fact_values.gather(rows).str.contains(_NUMBER_OR_DATE)
    return bool(len(rows)) and (numbers.sum() or 0) < 0.5 * len(rows)


def _names(graph: KnowledgeGraph, naming: tuple[str, ...]) -> pl.Series:
    """(E) the first value of the best naming attribute of each entity, else its identifier."""
    rank = np.full(max(len(graph.attribute_names), 1), len(naming), dtype=np.int32)
    for place, name in enumerate(naming):
        rank[graph.attribute_names.index(name)] = place
    rows: Int32 = np.flatnonzero(rank[graph.fact_attributes] < len(naming)).astype(np.int32)
    order = rows[np.lexsort((rows, rank[graph.fact_attributes[rows]], graph.fact_entities[rows]))]
    entities, firsts = np.unique(graph.fact_entities[order], return_index=True)
    named = pl.DataFrame({"entity": entities, "name": graph.fact_values.gather(order[firsts])})
    every = pl.DataFrame({"entity": np.arange(len(graph), dtype=np.int32), "id": graph.ids})
    joined = every.join(named, on="entity", how="left", maintain_order="left")
    blank = pl.col("name").is_null() | (pl.col("name").str.strip_chars() == "")
    return joined.select(pl.when(blank).then("id").otherwise("name").alias("name"))["name"]


def _searched(graph: KnowledgeGraph, naming: tuple[str, ...]) -> pl.DataFrame:
    codes = [graph.attribute_names.index(name) for name in naming]
    rows = np.flatnonzero(np.isin(graph.fact_attributes, codes))
    named = pl.DataFrame({"entity": graph.fact_entities[rows], "name": fold(graph.fact_values.gather(rows))})
    nameless = np.setdiff1d(np.arange(len(graph), dtype=np.int32), graph.fact_entities[rows])
    ids = pl.DataFrame({"entity": nameless, "name": fold(graph.ids.gather(nameless))})
    return pl.concat([named, ids])
