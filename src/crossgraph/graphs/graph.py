"""The frozen columnar graph that every stage reads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Int32, Int64
from crossgraph.graphs.content import content_order
from crossgraph.graphs.sorting import distinct_rows, marked, sorted_rows, told_apart

UNTYPED = "entity"
# Values are few beside a vocabulary so many times as long.
FEW = 4
# Texts that are compared at once.
AT_ONCE = 500_000


@dataclass(frozen=True)
class GraphTables:
    """A graph as three tables of strings, in any order, with repetitions allowed: what readers produce.

    types  entity, type               edges  head, relation, tail
    facts  entity, attribute, value, tag   (tag: "" plain, "@de" a language, else a datatype IRI)
    """

    types: pl.DataFrame
    edges: pl.DataFrame
    facts: pl.DataFrame

    def __len__(self) -> int:
        return len(self.types) + len(self.edges) + len(self.facts)

    def and_also(self, others: GraphTables) -> GraphTables:
        """The statements of both."""
        return GraphTables(
            types=pl.concat([self.types, others.types]),
            edges=pl.concat([self.edges, others.edges]),
            facts=pl.concat([self.facts, others.facts]),
        )

    @staticmethod
    def empty() -> GraphTables:
        """Three tables without rows."""
        return GraphTables(
            types=GraphTables.empty_types(), edges=GraphTables.empty_edges(), facts=GraphTables.empty_facts()
        )

    @staticmethod
    def empty_types() -> pl.DataFrame:
        """No types."""
        return pl.DataFrame(schema={"entity": pl.String, "type": pl.String})

    @staticmethod
    def empty_edges() -> pl.DataFrame:
        """No edges."""
        return pl.DataFrame(schema={"head": pl.String, "relation": pl.String, "tail": pl.String})

    @staticmethod
    def empty_facts() -> pl.DataFrame:
        """No facts."""
        return pl.DataFrame(
            schema={"entity": pl.String, "attribute": pl.String, "value": pl.String, "tag": pl.String}
        )


@dataclass(frozen=True, eq=False)
class KnowledgeGraph:
    """Entities, their types, the edges between them and their literal facts, as columns.

    Entities are numbered by what they are (``content_order``); identifiers decide only between entities that
    are alike. Every table is sorted and without repetitions. So nothing that follows depends on the order of
    files or rows, or on what entities are called.

    ids (E)                     String series, unique
    type_names, typed (K, 2)    rows (entity, type); an entity may have several types or none
    relation_names, heads, relations, tails (T)
    attribute_names, tag_names, fact_entities, fact_attributes, fact_tags (F), fact_values (F) String
    aside                       what its files say besides, which no stage reads and a merge keeps
    """

    ids: pl.Series
    type_names: tuple[str, ...]
    typed: Int32
    relation_names: tuple[str, ...]
    heads: Int32
    relations: Int32
    tails: Int32
    attribute_names: tuple[str, ...]
    tag_names: tuple[str, ...]
    fact_entities: Int32
    fact_attributes: Int32
    fact_tags: Int32
    fact_values: pl.Series
    aside: GraphTables = field(default_factory=GraphTables.empty)

    @staticmethod
    def from_tables(tables: GraphTables, *, aside: GraphTables | None = None) -> KnowledgeGraph:
        """Number, sort and freeze three tables of strings.

        An entity exists if it has a type, is an end of an edge, or has a fact. Entities without a
        type in a graph that has types keep none; see ``primary_types``.
        """
        types, edges, facts = tables.types, tables.edges, tables.facts
        ids, (of_types, heads, tails, of_facts) = numbered(
            types["entity"], edges["head"], edges["tail"], facts["entity"]
        )
        type_names, (type_codes,) = numbered(types["type"])
        relation_names, (relations,) = numbered(edges["relation"])
        attribute_names, (attributes,) = numbered(facts["attribute"])
        values, (value_codes,) = numbered(facts["value"])
        tag_names, (tags,) = numbered(facts["tag"])
        # Numbers of names are in the order of the names, and sorted much faster.
        heads, relations, tails = distinct_rows(heads, relations, tails)
        of_facts, attributes, value_codes, tags = distinct_rows(of_facts, attributes, value_codes, tags)
        by_name = KnowledgeGraph(
            ids=ids.rename("id"),
            type_names=tuple(type_names),
            typed=np.stack(distinct_rows(of_types, type_codes), axis=1),
            relation_names=tuple(relation_names),
            heads=heads,
            relations=relations,
            tails=tails,
            attribute_names=tuple(attribute_names),
            tag_names=tuple(tag_names),
            fact_entities=of_facts,
            fact_attributes=attributes,
            fact_tags=tags,
            fact_values=values.gather(value_codes).rename("value"),
            aside=aside or GraphTables.empty(),
        )
        return by_name.in_order(content_order(by_name))

    def in_order(self, order: Int64) -> KnowledgeGraph:
        """The same graph with its entities in another order (E), and its tables sorted by it."""
        numbers = np.empty(len(self), dtype=np.int32)
        numbers[order] = np.arange(len(self), dtype=np.int32)
        typed = np.stack([numbers[self.typed[:, 0]], self.typed[:, 1]], axis=1)
        heads, tails, holders = numbers[self.heads], numbers[self.tails], numbers[self.fact_entities]
        types, facts = np.lexsort((typed[:, 1], typed[:, 0])), np.argsort(holders, kind="stable")
        heads, relations, tails = sorted_rows(heads, self.relations, tails)
        return replace(
            self,
            ids=self.ids.gather(order),
            typed=typed[types],
            heads=heads,
            relations=relations,
            tails=tails,
            fact_entities=holders[facts],
            fact_attributes=self.fact_attributes[facts],
            fact_tags=self.fact_tags[facts],
            fact_values=self.fact_values.gather(facts),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def primary_types(self) -> Int32:
        """(E) The rarest type of each entity (the most specific one), or -1 where it has none."""
        counts = np.bincount(self.typed[:, 1], minlength=len(self.type_names))
        order = np.lexsort((self.typed[:, 1], counts[self.typed[:, 1]], self.typed[:, 0]))
        rows = self.typed[order]
        primary = np.full(len(self), -1, dtype=np.int32)
        firsts = np.flatnonzero(np.r_[True, np.diff(rows[:, 0]) != 0]) if len(rows) else order
        primary[rows[firsts, 0]] = rows[firsts, 1]
        return primary

    def positions(self, ids: pl.Series) -> Int32:
        """The number of each identifier; -1 where the graph does not have it."""
        return positions_in(self.ids, ids)

    def position(self, identifier: str) -> int:
        """The number of one identifier; -1 where the graph does not have it."""
        ids, numbers = self._alphabetic
        place = int(ids.search_sorted(identifier))
        return int(numbers[place]) if place < len(self) and ids[place] == identifier else -1

    def looked_up(self, identifiers: Sequence[str]) -> Int32:
        """(K) what ``position`` says of each; made for a few identifiers, and asked again and again."""
        if not len(self):
            return np.full(len(identifiers), -1, dtype=np.int32)
        ids, numbers = self._alphabetic
        wanted = pl.Series(identifiers, dtype=pl.String)
        places = np.minimum(ids.search_sorted(wanted).to_numpy(), len(self) - 1)
        found = (ids.gather(places) == wanted).to_numpy()
        return np.where(found, numbers[places], -1).astype(np.int32)

    @property
    def sorted_ids(self) -> pl.Series:
        """The identifiers in the order of their letters."""
        return self._alphabetic[0]

    @cached_property
    def _alphabetic(self) -> tuple[pl.Series, AnyArray]:
        """The sorted identifiers, and their numbers."""
        numbers = self.ids.arg_sort()
        return self.ids.gather(numbers), numbers.to_numpy()

    @cached_property
    def places(self) -> Int32:
        """(E) where each identifier stands among the sorted ones."""
        places = np.empty(len(self), dtype=np.int32)
        places[self._alphabetic[1]] = np.arange(len(self), dtype=np.int32)
        return places

    @property
    def facts_by_name(self) -> Int64:
        """(F) the facts in the order of ``tables``."""
        # Of an entity they are in order already.
        return np.argsort(self.places[self.fact_entities], kind="stable")

    def tables(self) -> GraphTables:
        """The graph as sorted tables of strings again (the round trip of ``from_tables``)."""
        numbers, places = self._alphabetic[1], self.places
        # Names are numbered in their order: only entities are to be sorted.
        entities, types = sorted_rows(places[self.typed[:, 0]], self.typed[:, 1])
        heads, relations, tails = sorted_rows(places[self.heads], self.relations, places[self.tails])
        edges = numbers[heads], relations, numbers[tails]
        return self._texts((numbers[entities], types), edges, self.facts_by_name)

    def about(self, entities: pl.Series, *, led_to: bool = True) -> GraphTables:
        """What it says of some entities, with edges that lead to them, unless these are not wanted."""
        numbers = self.positions(entities)
        wanted = marked(numbers[numbers >= 0], len(self))
        types, edges = wanted[self.typed[:, 0]], wanted[self.heads]
        if led_to:
            edges = edges | wanted[self.tails]
        return self._texts(
            (self.typed[types, 0], self.typed[types, 1]),
            (self.heads[edges], self.relations[edges], self.tails[edges]),
            np.flatnonzero(wanted[self.fact_entities]),
        )

    def _texts(
        self, types: tuple[AnyArray, AnyArray], edges: tuple[AnyArray, AnyArray, AnyArray], facts: Int64
    ) -> GraphTables:
        """Rows of numbers, and facts by their places, as tables."""
        return GraphTables(
            types=pl.DataFrame(
                {"entity": self.ids.gather(types[0]), "type": _names(self.type_names, types[1])}
            ),
            edges=pl.DataFrame(
                {
                    "head": self.ids.gather(edges[0]),
                    "relation": _names(self.relation_names, edges[1]),
                    "tail": self.ids.gather(edges[2]),
                }
            ),
            facts=pl.DataFrame(
                {
                    "entity": self.ids.gather(self.fact_entities[facts]),
                    "attribute": _names(self.attribute_names, self.fact_attributes[facts]),
                    "value": self.fact_values.gather(facts),
                    "tag": _names(self.tag_names, self.fact_tags[facts]),
                }
            ),
        )

    def fingerprint(self) -> str:
        """A text that another graph does not share, whatever files it was read from."""
        total = hashlib.sha256()
        for names in (self.type_names, self.relation_names, self.attribute_names, self.tag_names):
            total.update(repr(names).encode())
        for texts in (self.ids, self.fact_values):
            total.update(texts.str.len_bytes().to_numpy().tobytes())
            total.update(texts.str.join("").item().encode() if len(texts) else b"")
        for column in (self.typed, self.heads, self.relations, self.tails):
            total.update(np.ascontiguousarray(column).tobytes())
        for column in (self.fact_entities, self.fact_attributes, self.fact_tags):
            total.update(np.ascontiguousarray(column).tobytes())
        return total.hexdigest()

    def entity_type(self, entity: int) -> str:
        """The name of an entity's primary type; ``entity`` where it has none."""
        code = int(self.primary_types[entity])
        return self.type_names[code] if code >= 0 else UNTYPED


def _names(vocabulary: tuple[str, ...], codes: AnyArray) -> pl.Series:
    return pl.Series(list(vocabulary), dtype=pl.String).gather(codes)


def numbered(*columns: pl.Series) -> tuple[pl.Series, list[Int32]]:
    """The distinct texts of some columns, sorted, and the (K) places of each column's among them.

    Tables of texts are too large for the caches, so they are looked up by their hashes, and compared but once
    with what they are taken for.
    """
    together = pl.concat([column.rename("") for column in columns])
    for seed in count():
        codes, firsts = told_apart(together.hash(seed).to_numpy())
        distinct = together.gather(firsts)
        # Two texts of one hash have others by another seed.
        if _are_those(together, distinct, codes):
            break
    order = distinct.arg_sort().to_numpy()
    places = np.empty(len(order), dtype=np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    ends = np.cumsum([len(column) for column in columns])
    return distinct.gather(order), np.split(places[codes], ends[:-1])


def _are_those(texts: pl.Series, distinct: pl.Series, codes: Int32) -> bool:
    """Whether each text is the one that its code says; memory for some at a time."""
    return all(
        (distinct.gather(codes[start : start + AT_ONCE]) == texts.slice(start, AT_ONCE)).all()
        for start in range(0, len(texts), AT_ONCE)
    )


def positions_in(vocabulary: pl.Series, values: pl.Series) -> Int32:
    """(K) the place of each value in a series without repetitions; -1 where it is not there."""
    index = pl.DataFrame({"key": vocabulary, "position": np.arange(len(vocabulary), dtype=np.int32)})
    if FEW * len(values) < len(vocabulary):
        # Made of the few, a table to look up in costs less than made of all.
        index = index.filter(pl.col("key").is_in(values.implode()))
    found = pl.DataFrame({"key": values}).join(index, on="key", how="left", maintain_order="left")
    return found["position"].fill_null(-1).to_numpy().astype(np.int32)
