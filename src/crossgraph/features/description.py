"""What both graphs say of their entities, as comparable columns over one shared table of strings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numba import njit

from crossgraph._types import Bool, Float64, Int32, Int64
from crossgraph.features.meaning import Meanings, TextEncoder
from crossgraph.features.text import TextTable, normalise, said_in
from crossgraph.features.values import Kind, are_of_many_sizes, days, kinds_of, numbers, reads_day_first
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.sorting import distinct, row_starts
from crossgraph.progress import SILENT, Progress

# All combinations of the values of two entities are compared: more of one attribute cost their square.
MOST_VALUES = 200


@dataclass(frozen=True, eq=False)
class AttributeColumn:
    """One attribute of one graph; an entity may have several values (``MOST_VALUES`` at most) or none.

    name, kind        the attribute and what its values are
    indptr (E + 1)    where each entity's values begin
    entities (F)      the entity of each value, ascending
    texts (F)         row of the shared TextTable; of every kind
    values (F)        the number, or days since 1970; NaN where a value does not parse, and for text
    day_first         how its dates are read, see ``days``
    skewed            its numbers are of many sizes, see ``are_of_many_sizes``
    """

    name: str
    kind: Kind
    indptr: Int64
    entities: Int32
    texts: Int32
    values: Float64
    day_first: bool = False
    skewed: bool = False

    @cached_property
    def sizes(self) -> Float64:
        """(F) ``sign * log(1 + |value|)``, of which equal ratios are equally far apart."""
        return np.copysign(np.log1p(np.abs(self.values)), self.values)

    @cached_property
    def distinct_share(self) -> float:
        """How many different values there are for each value."""
        return len(distinct(self.texts)) / max(1, len(self.texts))


@dataclass(frozen=True, eq=False)
class Description:
    """The attribute columns of both graphs, and the strings that they share."""

    left: tuple[AttributeColumn, ...]
    right: tuple[AttributeColumn, ...]
    texts: TextTable


def describe(
    left: KnowledgeGraph,
    right: KnowledgeGraph,
    *,
    encoder: TextEncoder | None = None,
    progress: Progress = SILENT,
) -> Description:
    """Normalise, parse and vectorise every attribute of both graphs.

    encoder   says what texts mean; without one, only their letters and digits count
    """
    normal_left, normal_right = normalise(left.fact_values), normalise(right.fact_values)
    texts = TextTable.of(normal_left, normal_right)
    columns = _columns(left, texts.numbers(normal_left)), _columns(right, texts.numbers(normal_right))
    if encoder is not None:
        parts = [
            _written(*side) for side in zip((left, right), (normal_left, normal_right), columns, strict=True)
        ]
        normal, written = (pl.concat(one) for one in zip(*parts, strict=True))
        said = said_in(texts.strings, normal, written)
        with progress.stage("encode", said.filter(said != "").n_unique(), "texts") as advance:
            texts = replace(texts, meanings=Meanings.of(encoder, said, advance))
    return Description(*columns, texts)


def _written(
    graph: KnowledgeGraph, normal: pl.Series, columns: tuple[AttributeColumn, ...]
) -> tuple[pl.Series, pl.Series]:
    """The values of attributes of texts that are not empty, normalised and as they were written."""
    of_texts = np.array([column.kind == "text" for column in columns], dtype=bool)
    kept = np.flatnonzero(of_texts[graph.fact_attributes] & (normal != "").to_numpy())
    return normal.gather(kept), graph.fact_values.gather(kept)


@dataclass(frozen=True, eq=False)
class Moved:
    """Where the entities of a graph that was described are in the one that it became.

    numbers (E)   the new number of each old entity; -1 where it is gone
    retold (E')   entities whose facts are to be described anew
    """

    numbers: Int32
    retold: Bool


def redescribe(
    before: Description, graphs: tuple[KnowledgeGraph, KnowledgeGraph], moved: tuple[Moved, Moved]
) -> Description:
    """``describe`` graphs that have changed a little: only entities that are told otherwise are looked at.

    What kinds attributes are of, how dates are read, and how much n-grams weigh, stays as it was. Rows of the
    old texts stay.
    """
    facts = [np.flatnonzero(one.retold[g.fact_entities]) for g, one in zip(graphs, moved, strict=True)]
    said = [g.fact_values.gather(own) for g, own in zip(graphs, facts, strict=True)]
    normal = [normalise(own) for own in said]
    texts = before.texts.with_more(pl.concat(normal), pl.concat(said))
    left, right = (
        _recolumned(columns, graph, one, facts=own, rows=texts.numbers(new))
        for columns, graph, one, own, new in zip(
            (before.left, before.right), graphs, moved, facts, normal, strict=True
        )
    )
    return Description(left, right, texts)


def _recolumned(
    before: tuple[AttributeColumn, ...], graph: KnowledgeGraph, moved: Moved, *, facts: Int64, rows: Int32
) -> tuple[AttributeColumn, ...]:
    """Old columns with entities in their new places, and those that are told anew by ``facts``."""
    told = replace(
        graph,
        fact_entities=graph.fact_entities[facts],
        fact_attributes=graph.fact_attributes[facts],
        fact_tags=graph.fact_tags[facts],
        fact_values=graph.fact_values.gather(facts),
    )
    old = {column.name: column for column in before}
    return tuple(
        _spliced(old[new.name], new, moved) if new.name in old else new
        for new in _columns(told, rows, before=old)
    )


def _spliced(old: AttributeColumn, new: AttributeColumn, moved: Moved) -> AttributeColumn:
    places = moved.numbers[old.entities]
    kept = places >= 0
    kept[kept] = ~moved.retold[places[kept]]
    entities = np.r_[places[kept], new.entities]
    order = np.argsort(entities, kind="stable")
    entities = entities[order]
    return replace(
        new,
        indptr=row_starts(entities, len(new.indptr) - 1),
        entities=entities,
        texts=np.r_[old.texts[kept], new.texts][order],
        values=np.r_[old.values[kept], new.values][order],
    )


def _columns(
    graph: KnowledgeGraph, rows: Int32, *, before: Mapping[str, AttributeColumn] | None = None
) -> tuple[AttributeColumn, ...]:
    order = _of_most(np.lexsort((rows, graph.fact_entities, graph.fact_attributes)), graph, rows)
    bounds = np.searchsorted(graph.fact_attributes[order], np.arange(len(graph.attribute_names) + 1))
    facts = [order[bounds[i] : bounds[i + 1]] for i in range(len(graph.attribute_names))]
    known = before or {}
    forms = {name: (column.kind, column.day_first) for name, column in known.items()}
    new = [at for at, name in enumerate(graph.attribute_names) if name not in known]
    said = [graph.fact_values.gather(facts[at]) for at in new]
    for at, kind, values in zip(new, kinds_of(said), said, strict=True):
        forms[graph.attribute_names[at]] = kind, kind == "date" and reads_day_first(values)
    return tuple(
        _column(graph, name, forms[name], own, rows, before=known.get(name))
        for name, own in zip(graph.attribute_names, facts, strict=True)
    )


def _of_most(order: Int64, graph: KnowledgeGraph, rows: Int32) -> Int64:
    """Sorted facts without what an entity has beyond ``MOST_VALUES`` of one attribute.

    Which stay is chosen by a hash of the value, so that two entities that share values keep the same ones.
    """
    attributes, entities = graph.fact_attributes[order], graph.fact_entities[order]
    new = (np.diff(attributes) != 0) | (np.diff(entities) != 0)
    starts = np.flatnonzero(np.r_[True, new])[: len(order)]
    sizes = np.diff(np.r_[starts, len(order)])
    if sizes.max(initial=0) <= MOST_VALUES:
        return order
    scattered = rows[order].astype(np.uint32) * np.uint32(2_654_435_761)
    by_hash = np.lexsort((scattered, np.repeat(np.arange(len(sizes)), sizes)))
    place = np.arange(len(order)) - np.repeat(starts, sizes)
    return order[np.sort(by_hash[place < MOST_VALUES])]


def _column(
    graph: KnowledgeGraph,
    name: str,
    form: tuple[Kind, bool],
    facts: Int64,
    rows: Int32,
    *,
    before: AttributeColumn | None,
) -> AttributeColumn:
    kind, day_first = form
    entities = graph.fact_entities[facts]
    if kind == "text":
        values = np.full(len(facts), np.nan)
    else:
        said = graph.fact_values.gather(facts)
        parsed = days(said, day_first=day_first) if kind == "date" else numbers(said)
        values = parsed.fill_null(float("nan")).to_numpy()
    return AttributeColumn(
        name=name,
        kind=kind,
        indptr=row_starts(entities, len(graph)),
        entities=entities,
        texts=rows[facts],
        values=values,
        day_first=day_first,
        skewed=before.skewed if before else kind == "number" and are_of_many_sizes(values),
    )


def expand(starts: Int64, counts: Int64) -> Int64:
    """Concatenated ranges: ``starts[i] .. starts[i] + counts[i] - 1`` for each i."""
    total = int(counts.sum())
    offsets = np.repeat(starts - np.r_[0, np.cumsum(counts)[:-1]], counts)
    return offsets + np.arange(total)


def value_pairs(
    left: AttributeColumn, right: AttributeColumn, pairs: tuple[Int32, Int32]
) -> tuple[Int64, Int64, Int64]:
    """Every combination of a left and a right value of each entity pair; see ``combinations``."""
    return combinations(left.indptr, right.indptr, pairs)


def combinations(left: Int64, right: Int64, pairs: tuple[Int32, Int32]) -> tuple[Int64, Int64, Int64]:
    """Every combination of a left and a right row of each entity pair.

    left, right   where each entity's rows begin; entities beyond the end have none
    pairs         (P), (P) left and right entities
    returns       (K) number of the pair, ascending, (K) left row, (K) right row
    """
    found: tuple[Int64, Int64, Int64] = _combinations(left, right, *pairs)
    return found


@njit(cache=True, nogil=True)
def _combinations(left: Int64, right: Int64, lefts: Int32, rights: Int32) -> tuple[Int64, Int64, Int64]:
    count = 0
    for pair in range(len(lefts)):
        start, end = span(left, lefts[pair])
        first, last = span(right, rights[pair])
        count += (end - start) * (last - first)
    number, left_row = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    right_row, at = np.empty(count, dtype=np.int64), 0
    for pair in range(len(lefts)):
        first, last = span(right, rights[pair])
        for one in range(*span(left, lefts[pair])):
            for other in range(first, last):
                number[at], left_row[at], right_row[at] = pair, one, other
                at += 1
    return number, left_row, right_row


@njit(cache=True, nogil=True)
def span(starts: Int64, entity: int) -> tuple[int, int]:
    """Where an entity's rows begin and end; none for an entity beyond the last one."""
    return (starts[entity], starts[entity + 1]) if entity + 1 < len(starts) else (0, 0)


def rows_of(column: AttributeColumn, entities: Int64, kept: Bool | None = None) -> AttributeColumn:
    """The column of some entities, numbered anew in their order; who is not ``kept`` has no value."""
    starts = column.indptr[entities]
    counts = column.indptr[entities + 1] - starts
    if kept is not None:
        counts = counts * kept
    facts = expand(starts, counts)
    return replace(
        column,
        indptr=np.r_[0, np.cumsum(counts)].astype(np.int64),
        entities=np.repeat(np.arange(len(entities), dtype=np.int32), counts),
        texts=column.texts[facts],
        values=column.values[facts],
    )


def column_of(columns: tuple[AttributeColumn, ...], name: str) -> AttributeColumn | None:
    """The column of that name, or None."""
    return next((column for column in columns if column.name == name), None)
