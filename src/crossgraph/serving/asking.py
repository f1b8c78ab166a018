"""Records as a small graph of the asking side: facts, edges to named neighbours, and who those may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl

from crossgraph._types import Float32, Float64, Int32
from crossgraph.blocking.combine import LEAST_SURE
from crossgraph.features.description import AttributeColumn
from crossgraph.features.text import TextTable, nearness, normalised
from crossgraph.features.values import Kind, days, numbers
from crossgraph.serving.records import Record, Value
from crossgraph.serving.served import Selection, Served

# Names looked up for a record and for one of its neighbours.
MOST_NAMES, MOST_NAMESAKES = 20, 10
# Numbers and dates that are remembered.
MOST_READ = 100_000


@dataclass(frozen=True, eq=False)
class Words:
    """The texts of some records, as they are and as the table of their normal forms; the first is empty."""

    raw: tuple[str, ...]
    table: TextTable

    @staticmethod
    def of(texts: Sequence[str], known: TextTable) -> Words:
        """Distinct texts, their n-grams weighed as in a known table; the empty text goes first."""
        normal = pl.Series([normalised(text) for text in texts], dtype=pl.String)
        meanings = None if known.meanings is None else known.meanings.also(pl.Series(texts, dtype=pl.String))
        return Words(tuple(texts), TextTable(normal, known.vectors(normal), meanings))

    def vector(self, number: int) -> tuple[Int32, Float32]:
        """N-grams of a text and their weights."""
        grams = self.table.grams
        span = slice(grams.indptr[number], grams.indptr[number + 1])
        return grams.indices[span], grams.data[span]


@dataclass(frozen=True, eq=False)
class Found:
    """Entities that names led to.

    whose (K)    number of the record or neighbour, ascending; nearest names first
    entity (K)   of the served graph
    near (K)     cosine of the names
    """

    whose: Int32
    entity: Int32
    near: Float32


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges of records (M), record by record; the neighbour at the end of the m-th is number R + m.

    records, asking, served   the record, and the directed relation that leads to the neighbour on both sides
    weights                   of the mapping of the two
    """

    records: Int32
    asking: Int32
    served: Int32
    weights: Float32


@dataclass(frozen=True, eq=False)
class Likely:
    """Who neighbours may be: their number (m, ascending), a served entity, and how surely."""

    neighbour: Int32
    entity: Int32
    sure: Float32


class Reader:
    """Reads numbers and dates; tables repeat them, and most are known already."""

    def __init__(self) -> None:
        self._known: dict[tuple[Kind, bool], dict[str, float]] = {}

    def read(self, texts: list[str], kind: Kind, *, day_first: bool = False) -> Float64:
        """(K) the number, or days since 1970, see ``days``; NaN where a text is none."""
        known = self._known.setdefault((kind, day_first), {})
        if len(known) > MOST_READ:
            known.clear()
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        if fresh:
            said = pl.Series(fresh, dtype=pl.String)
            parsed = days(said, day_first=day_first) if kind == "date" else numbers(said)
            known.update(zip(fresh, parsed.fill_null(float("nan")).to_list(), strict=True))
        return np.array([known[text] for text in texts], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Asked:
    """R records, and behind them their M neighbours, as entities of the asking side.

    types (R + M)   numbers of asking types; -1 where nobody knows
    name_words (R)  the word that each record is called by
    named           candidates of records by name
    facts (F, 3)    entity, asking attribute, word
    may_be          who may be a candidate of each record
    """

    records: tuple[Record, ...]
    words: Words
    types: Int32
    name_words: Int32
    named: Found
    facts: Int32
    edges: Edges
    likely: Likely
    may_be: tuple[Selection, ...]

    def __len__(self) -> int:
        return len(self.records)

    def columns(self, whole: tuple[AttributeColumn, ...], reader: Reader) -> dict[int, AttributeColumn]:
        """The attributes that are held, by number among ``whole``; texts are numbers of words."""
        facts = self.facts[np.lexsort((self.facts[:, 2], self.facts[:, 0], self.facts[:, 1]))]
        bounds = np.searchsorted(facts[:, 1], np.arange(len(whole) + 1))
        return {
            number: self._column(whole[number], facts[bounds[number] : bounds[number + 1]], reader)
            for number in np.unique(facts[:, 1]).tolist()
        }

    def _column(self, like: AttributeColumn, facts: Int32, reader: Reader) -> AttributeColumn:
        entities, texts = facts[:, 0], facts[:, 2]
        values = np.full(len(facts), np.nan)
        if like.kind != "text":
            raw = [self.words.raw[text] for text in texts.tolist()]
            values = reader.read(raw, like.kind, day_first=like.day_first)
        starts = np.searchsorted(entities, np.arange(len(self.types) + 1)).astype(np.int64)
        return replace(like, indptr=starts, entities=entities, texts=texts, values=values)


class Asker:
    """Turns records into entities of the asking side. Not for several threads at once."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._texts = served.opened.preparation.description.texts
        self._type_numbers = {name: number for number, name in enumerate(served.types[0])}
        naming = served.around.names[served.asking]
        names = served.opened.preparation.graphs[served.asking].attribute_names
        self._naming = [number for number, name in enumerate(names) if name in naming]
        own = served.around.names[served.side]
        self._called = [n for n, name in enumerate(served.graph.attribute_names) if name in own]

    def ask(self, records: Sequence[Record]) -> Asked:
        """All that can be known of records before anything is compared."""
        numbers: dict[str, int] = {"": 0}
        for record in records:
            for text in (record.name, *(value.text for _, value in record.values)):
                numbers.setdefault(text, len(numbers))
        words = Words.of(tuple(numbers), self._texts)
        may_be = tuple(self._may_be(record) for record in records)
        named = self._found(
            words, [(at, numbers[one.name], may_be[at]) for at, one in enumerate(records)], MOST_NAMES
        )
        types = self._types(records, named)
        edges, ends = self._edges(records)
        likely = self._likely(words, edges, [(numbers[value.text], value) for value in ends])
        around = self._types_around(likely, len(ends))
        facts = self._facts(records, types, numbers)
        facts += self._names(around, [numbers[value.text] for value in ends], len(records))
        return Asked(
            records=tuple(records),
            words=words,
            types=np.r_[types, around].astype(np.int32),
            name_words=np.array([numbers[record.name] for record in records], dtype=np.int32),
            named=named,
            facts=np.array(facts, dtype=np.int32).reshape(-1, 3),
            edges=edges,
            likely=likely,
            may_be=may_be,
        )

    def _may_be(self, record: Record) -> Selection:
        known = tuple(self._type_numbers[name] for name in record.types if name in self._type_numbers)
        return self._served.sets.nobody if record.types and not known else self._served.sets.typed(known)

    def _found(self, words: Words, wanted: list[tuple[int, int, Selection]], top: int) -> Found:
        """Look up (whose, word, who may be found), in order."""
        none = np.zeros(0, dtype=np.int32)
        entities, texts = [none], [none]
        parts: list[tuple[int, int]] = []
        for whose, word, may_be in wanted:
            for index in may_be.indexes:
                found, text = index.nearest(words.vector(word), may_be.mask, top=top)
                if words.table.meanings is not None:
                    meant = index.meant(words.table.meanings.vectors[word], may_be.mask, top=top)
                    both = np.unique(np.c_[np.r_[found, meant[0]], np.r_[text, meant[1]]], axis=0)
                    found, text = both[:, 0], both[:, 1]
                entities.append(found)
                texts.append(text)
                parts.append((whose, word))
        sizes = [len(found) for found in entities[1:]]
        told = np.array(parts, dtype=np.int32).reshape(-1, 2).repeat(sizes, axis=0)
        entity, text = np.concatenate(entities), np.concatenate(texts)
        near = nearness(words.table, self._texts, told[:, 1], text)
        order = np.lexsort((entity, -near, told[:, 0]))
        return Found(told[order, 0], entity[order], near[order])

    def _types(self, records: Sequence[Record], named: Found) -> list[int]:
        """The asking type of each record: that of its nearest name, which a given type has restricted."""
        firsts = np.searchsorted(named.whose, np.arange(len(records)))
        usual = self._served.matched_types
        types = []
        for number, (record, first) in enumerate(zip(records, firsts.tolist(), strict=True)):
            if first < len(named.whose) and named.whose[first] == number:
                served = int(self._served.types[1][named.entity[first]])
            else:
                given = [self._type_numbers[one] for one in record.types if one in self._type_numbers]
                served = next((one for one in given if one in usual), usual[0] if usual else -1)
            types.append(self._counterpart(served))
        return types

    def _counterpart(self, served_type: int) -> int:
        return self._served.counterparts.types.get(served_type, (-1,))[0]

    def _facts(
        self, records: Sequence[Record], types: list[int], numbers: dict[str, int]
    ) -> list[tuple[int, int, int]]:
        places, properties = self._served.counterparts.values_of, self._served.properties
        facts = []
        for at, (record, kind) in enumerate(zip(records, types, strict=True)):
            said = [(own, numbers[record.name]) for own in self._called]
            said += [
                (properties[name].attribute, numbers[value.text])
                for name, value in record.values
                if name in properties
            ]
            facts += [(at, one, word) for own, word in said if word for one in places.get((own, kind), ())]
        return list(dict.fromkeys(facts))

    def _names(self, types: list[int], words: list[int], first: int) -> list[tuple[int, int, int]]:
        """What neighbours are called."""
        holds = self._served.counterparts.holds
        named = [next((n for n in self._naming if kind >= 0 and holds[kind, n]), -1) for kind in types]
        return [
            (first + at, attribute, word)
            for at, (attribute, word) in enumerate(zip(named, words, strict=True))
            if attribute >= 0 and word
        ]

    def _edges(self, records: Sequence[Record]) -> tuple[Edges, list[Value]]:
        counterparts, properties = self._served.counterparts, self._served.properties
        rows, ends = [], []
        for at, record in enumerate(records):
            for name, value in record.values:
                served = properties[name].relation if name in properties else -1
                if served in counterparts.relations:
                    asking, weight = counterparts.relations[served]
                    rows.append((at, asking, served, weight))
                    ends.append(value)
        table = np.array(rows, dtype=np.float64).reshape(-1, 4).T
        whole = table[:3].astype(np.int32)
        return Edges(whole[0], whole[1], whole[2], table[3].astype(np.float32)), ends

    def _likely(self, words: Words, edges: Edges, ends: list[tuple[int, Value]]) -> Likely:
        """Who neighbours may be by their names, as ``blocking.combine.name_similarity`` has it."""
        graph = self._served.graph
        given = [graph.position(value.entity) if value.entity else -1 for _, value in ends]
        found = self._found(
            words,
            [
                (at, word, self._served.sets.reached(int(edges.served[at])))
                for at, ((word, _), entity) in enumerate(zip(ends, given, strict=True))
                if entity < 0
            ],
            MOST_NAMESAKES,
        )
        near = found.near.astype(np.float64) ** 6
        total = np.bincount(found.whose, near, minlength=len(ends))[found.whose]
        sure = np.divide(near * near, total, out=np.zeros_like(near), where=total > 0)
        kept = sure > LEAST_SURE
        told = [(at, entity) for at, entity in enumerate(given) if entity >= 0]
        neighbour = np.r_[found.whose[kept], [at for at, _ in told]].astype(np.int32)
        entity = np.r_[found.entity[kept], [one for _, one in told]].astype(np.int32)
        surely = np.r_[sure[kept], np.ones(len(told))].astype(np.float32)
        order = np.lexsort((entity, -surely, neighbour))
        return Likely(neighbour[order], entity[order], surely[order])

    def _types_around(self, likely: Likely, count: int) -> list[int]:
        """The asking type of each neighbour: that of whom it most surely is."""
        firsts = np.searchsorted(likely.neighbour, np.arange(count + 1)).tolist()
        types = self._served.types[1]
        return [self._counterpart(int(types[likely.entity[a]])) if a < b else -1 for a, b in pairwise(firsts)]
