"""A graph after changes, made of its numbers: its texts are not numbered again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Int32
from crossgraph.graphs.changes import Changes, changed, tables_of
from crossgraph.graphs.content import content_order
from crossgraph.graphs.graph import GraphTables, KnowledgeGraph, positions_in
from crossgraph.graphs.sorting import marked


def evolved(graph: KnowledgeGraph, changes: Changes) -> tuple[KnowledgeGraph, Int32]:
    """What ``from_tables`` makes of the tables of a graph after changes, and where its entities are there.

    changes   settled by ``read_changes``: what comes was not there, and what goes was
    returns   the graph, with nothing aside; (E) the new number of each old entity, -1 for those that are gone
    """
    came, gone = tables_of(changes.added), tables_of(changes.deleted)
    ids = _Vocabulary.of(graph.ids, *(table[end] for both in (came, gone) for table, end in _ends(both)))
    types = _Vocabulary.of(_texts(graph.type_names), came.types["type"], gone.types["type"])
    relations = _Vocabulary.of(_texts(graph.relation_names), came.edges["relation"], gone.edges["relation"])
    attributes = _Vocabulary.of(
        _texts(graph.attribute_names), came.facts["attribute"], gone.facts["attribute"]
    )
    tags = _Vocabulary.of(_texts(graph.tag_names), came.facts["tag"], gone.facts["tag"])

    def coded(tables: GraphTables) -> GraphTables:
        return GraphTables(
            types=_numbered(tables.types, entity=ids, type=types),
            edges=_numbered(tables.edges, head=ids, relation=relations, tail=ids),
            facts=_numbered(tables.facts, entity=ids, attribute=attributes, tag=tags),
        )

    now = changed(_numbers(graph), came=coded(came), gone=coded(gone))
    names, places, numbered = _kept(ids, *(table[end] for table, end in _ends(now)))
    by_name = _by_name(names, numbered, now, (types, relations, attributes, tags))
    by_name = _in_turn(by_name, again=places[ids.numbers(came.facts["entity"])])
    order = content_order(by_name)
    final = np.full(len(names) + 1, -1, dtype=np.int32)
    final[order] = np.arange(len(names), dtype=np.int32)
    return by_name.in_order(order), final[places[: len(graph)]]


def _by_name(
    ids: pl.Series, ends: list[Int32], now: GraphTables, vocabularies: tuple[_Vocabulary, ...]
) -> KnowledgeGraph:
    """A graph of rows of numbers, its names sorted.

    ids, ends      sorted identifiers, and their numbers in the columns of ``_ends``
    vocabularies   of types, relations, attributes and tags
    """
    columns = now.types["type"], now.edges["relation"], now.facts["attribute"], now.facts["tag"]
    kept = [_kept(*of) for of in zip(vocabularies, columns, strict=True)]
    type_names, relation_names, attribute_names, tag_names = (tuple(names) for names, _, _ in kept)
    types, relations, attributes, tags = (own[0] for _, _, own in kept)
    return KnowledgeGraph(
        ids=ids.rename("id"),
        type_names=type_names,
        typed=np.stack([ends[0], types], axis=1),
        relation_names=relation_names,
        heads=ends[1],
        relations=relations,
        tails=ends[2],
        attribute_names=attribute_names,
        tag_names=tag_names,
        fact_entities=ends[3],
        fact_attributes=attributes,
        fact_tags=tags,
        fact_values=now.facts["value"].rename("value"),
    )


def _texts(names: tuple[str, ...]) -> pl.Series:
    return pl.Series(list(names), dtype=pl.String)


def _ends(tables: GraphTables) -> tuple[tuple[pl.DataFrame, str], ...]:
    """The columns of entities."""
    types, edges, facts = tables.types, tables.edges, tables.facts
    return (types, "entity"), (edges, "head"), (edges, "tail"), (facts, "entity")


@dataclass(frozen=True, eq=False)
class _Vocabulary:
    """Texts (V) without repetitions, and those (C) of them that changes name.

    places (C)   of those among all
    """

    texts: pl.Series
    named: pl.Series
    places: Int32

    @staticmethod
    def of(known: pl.Series, *columns: pl.Series) -> _Vocabulary:
        """What is known, and after it what else some columns of changes have."""
        named = pl.concat([column.rename(known.name) for column in columns]).unique()
        places = positions_in(known, named)
        new = np.flatnonzero(places < 0)
        places[new] = np.arange(len(known), len(known) + len(new))
        return _Vocabulary(pl.concat([known, named.gather(new)]), named, places)

    def numbers(self, column: pl.Series) -> Int32:
        """(K) the places of texts that changes name."""
        return self.places[positions_in(self.named, column)]


def _numbers(graph: KnowledgeGraph) -> GraphTables:
    """The tables of a graph with numbers in the place of all names and identifiers."""
    return GraphTables(
        types=pl.DataFrame({"entity": graph.typed[:, 0], "type": graph.typed[:, 1]}),
        edges=pl.DataFrame({"head": graph.heads, "relation": graph.relations, "tail": graph.tails}),
        facts=pl.DataFrame(
            {
                "entity": graph.fact_entities,
                "attribute": graph.fact_attributes,
                "value": graph.fact_values,
                "tag": graph.fact_tags,
            }
        ),
    )


def _numbered(table: pl.DataFrame, **vocabularies: _Vocabulary) -> pl.DataFrame:
    """Rows of changes with the places of their texts."""
    return table.with_columns(
        **{name: pl.Series(known.numbers(table[name])) for name, known in vocabularies.items()}
    )


def _kept(vocabulary: _Vocabulary, *columns: pl.Series) -> tuple[pl.Series, Int32, list[Int32]]:
    """What some columns have of a vocabulary (V), sorted, (V) where that is now or -1, and the columns."""
    held, texts = [column.to_numpy() for column in columns], vocabulary.texts
    used = np.flatnonzero(marked(np.concatenate(held), len(texts)))
    names = texts.gather(used)
    order = names.arg_sort().to_numpy()
    places = np.full(len(texts), -1, dtype=np.int32)
    places[used[order]] = np.arange(len(used), dtype=np.int32)
    return names.gather(order), places, [places[one] for one in held]


def _in_turn(graph: KnowledgeGraph, *, again: AnyArray) -> KnowledgeGraph:
    """A graph whose entities have their facts in order, where those of some entities were not."""
    other = marked(again, len(graph))[graph.fact_entities]
    rows = np.flatnonzero(other)
    told = {
        "entity": graph.fact_entities[rows],
        "attribute": graph.fact_attributes[rows],
        "value": graph.fact_values.gather(rows),
        "tag": graph.fact_tags[rows],
    }
    sorted_rows = rows[pl.DataFrame(told).select(pl.arg_sort_by(*told)).to_series().to_numpy()]
    order = np.concatenate([np.flatnonzero(~other), sorted_rows])
    return replace(
        graph,
        fact_entities=graph.fact_entities[order],
        fact_attributes=graph.fact_attributes[order],
        fact_tags=graph.fact_tags[order],
        fact_values=graph.fact_values.gather(order),
    )
