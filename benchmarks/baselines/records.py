"""A problem as two tables with the same columns: what a matcher of records sees of two graphs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Bool, Float64, Int32, Int64
from crossgraph.benchmarking.problem import Problem
from crossgraph.blocking.names import name_attributes
from crossgraph.features.description import AttributeColumn, column_of
from crossgraph.features.values import Kind
from crossgraph.graphs.adjacency import Adjacency, directed_name
from crossgraph.preparation import Preparation

Pairs = tuple[Int32, Int32]


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """How a graph is flattened.

    neighbours   names in one cell at most, the first in the alphabet: both sides cut alike
    """

    neighbours: int = 10


@dataclass(frozen=True, eq=False)
class Column:
    """One column of both tables.

    name                  attributes or relations that it was made of; ``^`` is a relation followed backwards
    kind                  what its values are
    left (E), right (E')  row of the records' texts; 0 is an empty cell
    numbers               the same cells as numbers or days; NaN where there is none, and for text
    """

    name: str
    kind: Kind
    left: Int32
    right: Int32
    numbers: tuple[Float64, Float64]


@dataclass(frozen=True, eq=False)
class Records:
    """Two tables with the same columns.

    texts (S)   distinct cells, normalised; row 0 is the empty one
    """

    columns: tuple[Column, ...]
    texts: pl.Series


@dataclass(frozen=True, eq=False)
class _Cells:
    """Cells of one column on one side: a table (entity, cell), and their numbers (E)."""

    table: pl.DataFrame
    numbers: Float64


_Wide = tuple[str, Kind, _Cells, _Cells]


def labelled_and_asked(problem: Problem) -> Pairs:
    """The ends of every pair that a method reads."""
    places = np.unique(np.concatenate([problem.train.places, problem.valid.places, problem.asked]))
    return problem.candidates.left[places], problem.candidates.right[places]


def records(problem: Problem, options: RecordOptions | None = None) -> Records:
    """One column for each mapped pair of attributes, and of relations in either direction.

    An attribute's cell is its values, a relation's the names of the neighbours, joined. Only the entities
    of labelled and asked pairs have cells, and only columns that some such pair fills on both sides stay.
    """
    options = options or RecordOptions()
    preparation, pairs = problem.preparation, labelled_and_asked(problem)
    held = tuple(
        np.isin(np.arange(len(graph)), ends) for graph, ends in zip(preparation.graphs, pairs, strict=True)
    )
    wide = _attributes(preparation, (held[0], held[1])) + _relations(preparation, (held[0], held[1]), options)
    cells = [side.table["cell"] for _, _, *sides in wide for side in sides]
    texts = pl.concat([pl.Series([""], dtype=pl.String), *cells]).unique().sort()
    columns = [_column(one, texts, (len(held[0]), len(held[1]))) for one in wide]
    filled = [c for c in columns if ((c.left[pairs[0]] > 0) & (c.right[pairs[1]] > 0)).any()]
    return Records(tuple(filled), texts)


def _column(wide: _Wide, texts: pl.Series, sizes: tuple[int, int]) -> Column:
    name, kind, left, right = wide
    return Column(
        name,
        kind,
        _rows(left.table, texts, sizes[0]),
        _rows(right.table, texts, sizes[1]),
        (left.numbers, right.numbers),
    )


def _rows(table: pl.DataFrame, texts: pl.Series, size: int) -> Int32:
    out = np.zeros(size, dtype=np.int32)
    out[table["entity"].to_numpy()] = texts.search_sorted(table["cell"]).to_numpy()
    return out


def _attributes(preparation: Preparation, held: tuple[Bool, Bool]) -> list[_Wide]:
    description, wide = preparation.description, list[_Wide]()
    for m in preparation.schema.attributes:
        left, right = column_of(description.left, m.left), column_of(description.right, m.right)
        if left is not None and right is not None:
            kind: Kind = left.kind if left.kind == right.kind else "text"
            cells = [
                _values(column, description.texts.strings, mask)
                for column, mask in zip((left, right), held, strict=True)
            ]
            wide.append((f"{m.left}~{m.right}", kind, cells[0], cells[1]))
    return wide


def _values(column: AttributeColumn, texts: pl.Series, held: Bool) -> _Cells:
    mine = held[column.entities]
    entities, values = column.entities[mine], column.values[mine]
    numbers = np.full(len(held), np.nan)
    known = np.flatnonzero(~np.isnan(values))[::-1]
    # Written backwards, the first value of an entity is the one that stays.
    numbers[entities[known]] = values[known]
    rows = pl.DataFrame({"entity": entities, "cell": texts.gather(column.texts[mine].astype(np.int64))})
    return _Cells(_joined(rows), numbers)


def _joined(rows: pl.DataFrame, most: int | None = None) -> pl.DataFrame:
    """Each entity's distinct texts in the order of the alphabet, as one cell."""
    ordered = rows.filter(pl.col("cell") != "").unique().sort("entity", "cell")
    first = pl.col("cell") if most is None else pl.col("cell").head(most)
    return ordered.group_by("entity", maintain_order=True).agg(first.str.join(" "))


def _relations(preparation: Preparation, held: tuple[Bool, Bool], options: RecordOptions) -> list[_Wide]:
    (left, right), wide = preparation.graphs, list[_Wide]()
    names = entity_names(preparation)
    counts = len(left.relation_names), len(right.relation_names)
    for m, one, other in preparation.schema.numbered_relations(left.relation_names, right.relation_names):
        for back in (False, True):
            directed = one + counts[0] * back, other + counts[1] * (m.inverse != back)
            cells = [
                _neighbours(*side, options.neighbours)
                for side in zip(preparation.adjacency, directed, held, names, strict=True)
            ]
            title = "~".join(
                directed_name(graph.relation_names, relation)
                for graph, relation in zip((left, right), directed, strict=True)
            )
            wide.append((title, "text", cells[0], cells[1]))
    return wide


def _neighbours(adjacency: Adjacency, relation: int, held: Bool, names: pl.Series, most: int) -> _Cells:
    mine = np.flatnonzero((adjacency.relations == relation) & held[adjacency.sources])
    ends = adjacency.neighbours[mine].astype(np.int64)
    rows = pl.DataFrame({"entity": adjacency.sources[mine], "cell": names.gather(ends)})
    return _Cells(_joined(rows, most), np.full(len(held), np.nan))


def entity_names(preparation: Preparation) -> tuple[pl.Series, pl.Series]:
    """One name of each entity of both graphs, its value of the strongest name attribute; else empty."""
    description, schema = preparation.description, preparation.schema
    wanted = name_attributes(description, schema)
    ranks = [m.left for m in schema.attributes], [m.right for m in schema.attributes]
    texts = description.texts.strings
    left, right = (
        _named(columns, names, rank, texts, len(graph))
        for columns, names, rank, graph in zip(
            (description.left, description.right), wanted, ranks, preparation.graphs, strict=True
        )
    )
    return left, right


def _named(
    columns: tuple[AttributeColumn, ...], wanted: set[str], rank: list[str], texts: pl.Series, size: int
) -> pl.Series:
    chosen = np.zeros(size, dtype=np.int64)
    ordered = [name for name in dict.fromkeys(rank) if name in wanted] + sorted(wanted - set(rank))
    for name in reversed(ordered):
        column = column_of(columns, name)
        if column is not None:
            known = np.flatnonzero(column.texts > 0)[::-1]
            chosen[column.entities[known]] = column.texts[known]
    return texts.gather(chosen)


def distinct_pairs(left: AnyArray, right: AnyArray) -> tuple[Pairs, Int64]:
    """Each pair of rows once, and for every given pair (K) which of them it is."""
    unique, back = np.unique(left.astype(np.int64) << 32 | right, return_inverse=True)
    return ((unique >> 32).astype(np.int32), (unique & 0xFFFFFFFF).astype(np.int32)), back
