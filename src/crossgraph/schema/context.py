"""Seeds of types that have none: by rare numbers, and by what stands beside other seeds.

Names differ throughout where one graph has codes and the other words, or each its own language. No seed is
found for such a type then, so it would correspond to nothing and be compared with nobody.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Bool, Float64
from crossgraph.features.description import AttributeColumn, Description
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.schema.seeds import BELIEVED, NO_PAIRS, EntityPairs, type_codes

# Numbers with fewer figures are equal by chance.
FIGURES = 3
# Two attributes tell of the same if so many of their numbers, and such a share, are equal.
FEWEST_EQUAL, LEAST_EQUAL = 4, 0.1
# Seeds with more neighbours of such types tell none of them apart.
MOST_BESIDE = 1_000
# To share a neighbour says little if it has more of them.
MOST_SHARING = 50

_Graphs: TypeAlias = tuple[KnowledgeGraph, KnowledgeGraph]
_Sides: TypeAlias = tuple[Bool, Bool]


def with_unseeded(
    graphs: _Graphs, description: Description, seeds: EntityPairs, different: EntityPairs
) -> EntityPairs:
    """Seeds, and others of the types that have none.

    Those have numbers that nobody else has, or alone have a value among the neighbours of a seed, or share
    most of their neighbours that are seeds. Types that have seeds are better judged by these.

    different   pairs that are known not to be the same
    """
    sides = unseeded(graphs, seeds)
    if sides[0].any() and sides[1].any():
        seeds = seeds.joined(shared_rare_numbers(description, sides).without(different))
        sides = unseeded(graphs, seeds)
    if sides[0].any() and sides[1].any():
        seeds = seeds.joined(among_neighbours(graphs, description, seeds, sides).without(different))
    return seeds


def unseeded(graphs: _Graphs, seeds: EntityPairs) -> _Sides:
    """(E), (E') entities of types of which no entity is a seed."""
    found = []
    for graph, ends in zip(graphs, (seeds.left, seeds.right), strict=True):
        codes = type_codes(graph)[1]
        found.append(~np.isin(codes, codes[ends]))
    return found[0], found[1]


def shared_rare_numbers(description: Description, sides: _Sides) -> EntityPairs:
    """Pairs of some entities that alone, each in an attribute, hold a number that both have.

    The more such numbers two of them share, the better: only the best of either counts, and none where two
    are as good.

    sides (E), (E')   who is looked at
    """
    left, right = (
        _rare_numbers(columns, mine)
        for columns, mine in zip((description.left, description.right), sides, strict=True)
    )
    owners = [one.group_by("column").len(name) for one, name in ((left, "owners"), (right, "owners_right"))]
    equal = (
        left.join(right, on=["kind", "value"])
        .join(owners[0], on="column")
        .join(owners[1].rename({"column": "column_right"}), on="column_right")
        .with_columns(equal=pl.len().over("column", "column_right"))
    )
    fewer = pl.min_horizontal("owners", "owners_right")
    kept = equal.filter(pl.col("equal") >= FEWEST_EQUAL, pl.col("equal") >= LEAST_EQUAL * fewer)
    return _ahead(kept.group_by(left="entity", right="entity_right").len("votes"))


def _rare_numbers(columns: tuple[AttributeColumn, ...], mine: Bool) -> pl.DataFrame:
    """(entity, kind, value, column): numbers and dates that one entity alone has in an attribute."""
    held = _values(columns, mine).filter(pl.col("kind") != "text")
    held = held.filter(pl.Series(has_figures(held["value"].to_numpy()), dtype=pl.Boolean))
    return held.filter(pl.len().over("column", "value") == 1)


def has_figures(values: Float64) -> Bool:
    """(K) numbers with ``FIGURES`` figures or more among their first nine: 1.05 and 105,000 have three."""
    size = np.abs(values)
    power = np.floor(np.log10(size, out=np.zeros_like(size), where=size > 0))
    nine = np.rint(size / 10.0 ** (power - 8)).astype(np.int64)
    return np.asarray(nine % 10 ** (9 - FIGURES + 1) != 0)


def _values(columns: tuple[AttributeColumn, ...], mine: Bool) -> pl.DataFrame:
    """(entity, kind, value, column): what some entities hold; of texts the number."""
    none = {"entity": pl.Int32, "kind": pl.String, "value": pl.Float64, "column": pl.Int32}
    parts = [pl.DataFrame(schema=none)]
    for place, column in enumerate(columns):
        value = column.texts.astype(np.float64) if column.kind == "text" else column.values
        rows = np.flatnonzero(mine[column.entities] & np.isfinite(value))
        part = pl.DataFrame({"entity": column.entities[rows], "value": value[rows]})
        parts.append(
            part.select("entity", kind=pl.lit(column.kind), value="value", column=pl.lit(place, pl.Int32))
        )
    return pl.concat(parts).unique()


def among_neighbours(
    graphs: _Graphs, description: Description, seeds: EntityPairs, sides: _Sides
) -> EntityPairs:
    """Pairs of some entities by the seeds that both are beside.

    Beside one seed they alone hold a value (the one state whose capital is Austin), in more cases than any
    other pair of either; or they share two of such neighbours or more, and most of those that each has.

    sides (E), (E')   who is looked at
    """
    beside = [
        _beside(graph, ends, mine)
        for graph, ends, mine in zip(graphs, (seeds.left, seeds.right), sides, strict=True)
    ]
    if not (len(beside[0]) and len(beside[1])):
        return NO_PAIRS
    keys = []
    for edges, columns, mine in zip(beside, (description.left, description.right), sides, strict=True):
        few = edges.filter(pl.len().over("seed") <= MOST_BESIDE)
        held = few.join(_values(columns, mine).drop("column").unique(), on="entity")
        keys.append(held.filter(pl.len().over("seed", "kind", "value") == 1))
    votes = keys[0].join(keys[1], on=["seed", "kind", "value"])
    by_values = _ahead(votes.group_by(left="entity", right="entity_right").len("votes"))
    return by_values.joined(_ahead(_sharing(beside[0], beside[1])))


def _beside(graph: KnowledgeGraph, ends: AnyArray, mine: Bool) -> pl.DataFrame:
    """(entity, seed): which seeds, by their numbers, some entities have an edge with."""
    number = np.full(len(graph), -1, dtype=np.int32)
    number[ends] = np.arange(len(ends), dtype=np.int32)
    who, whom = np.r_[graph.heads, graph.tails], np.r_[graph.tails, graph.heads]
    rows = np.flatnonzero(mine[who] & (number[whom] >= 0))
    return pl.DataFrame({"entity": who[rows], "seed": number[whom[rows]]}).unique()


def _sharing(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Pairs (left, right, votes) that share two seeds or more, which are most of those of each."""
    few = [one.filter(pl.len().over("seed") <= MOST_SHARING) for one in (left, right)]
    shared = few[0].join(few[1], on="seed").group_by(left="entity", right="entity_right").len("votes")
    for name, edges in (("left", left), ("right", right)):
        own = edges.group_by(pl.col("entity").alias(name)).len(f"all_{name}")
        shared = shared.join(own, on=name)
    most = [2 * pl.col("votes") > pl.col(f"all_{name}") for name in ("left", "right")]
    return shared.filter(pl.col("votes") >= 2, *most).select("left", "right", "votes")


def _ahead(votes: pl.DataFrame) -> EntityPairs:
    """Pairs (left, right) with more votes than any other of either entity."""
    most = [pl.col("votes") == pl.col("votes").max().over(name) for name in ("left", "right")]
    best = votes.with_columns(first=most[0], second=most[1])
    best = best.filter(
        pl.col("first") & pl.col("second"),
        pl.col("first").sum().over("left") == 1,
        pl.col("second").sum().over("right") == 1,
    ).sort("left")
    return EntityPairs.of(best["left"].to_numpy(), best["right"].to_numpy(), BELIEVED)
