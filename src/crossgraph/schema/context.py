"""Seeds of types that have none: by rare numbers, and by what stands beside other seeds.

Names differ throughout where one graph has codes and the other words, or each its own language. No seed is
found for such a type then, so it would correspond to nothing and be compared with nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Bool, Float64
from crossgraph.features.description import AttributeColumn, Description
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.schema.seeds import BELIEVED, NO_PAIRS, EntityPairs, type_codes

# Numbers with fewer figures are equal by chance.
FIGURES = 3
# Two attributes tell of the same if so many of their numbers, and such a share, are equal, and so many times
# as many as when those of one side are moved a little.
FEWEST_EQUAL, LEAST_EQUAL, BEYOND_CHANCE = 4, 0.1, 3.0
# Numbers are moved by so many of the steps that they are written in.
MOVED = (-3, -2, -1, 1, 2, 3)
# Numbers are written with so many places behind the point, at most.
PLACES = 6
# Days of a year; all dates of one day of the year are years.
YEAR, A_DAY_OR_TWO = 365.2425, 0.006
# Times that the seeds of one side are put in the places of others.
DRAWS = 2
# Seeds with more neighbours of such types tell none of them apart.
MOST_BESIDE = 1_000
# To share a neighbour says little if it has more of them.
MOST_SHARING = 20
# Entities whose neighbours are looked through at once: pairs that share one are far more than entities.
AT_ONCE = 20_000

_Graphs: TypeAlias = tuple[KnowledgeGraph, KnowledgeGraph]
_Sides: TypeAlias = tuple[Bool, Bool]


def unseeded(graphs: _Graphs, seeds: EntityPairs) -> _Sides:
    """(E), (E') entities of types of which no entity is a seed."""
    found = []
    for graph, ends in zip(graphs, (seeds.left, seeds.right), strict=True):
        codes = type_codes(graph)[1]
        found.append(~np.isin(codes, codes[ends]))
    return found[0], found[1]


def context_seeds(
    graphs: _Graphs,
    description: Description,
    seeds: EntityPairs,
    *,
    different: EntityPairs = NO_PAIRS,
    former: EntityPairs = NO_PAIRS,
) -> EntityPairs:
    """Pairs of types that no seed has, beside the seeds; they share no entity with them.

    They have numbers that nobody else has, or alone have a value among the neighbours of a seed, or share
    most of their neighbours that are seeds. Types that have seeds are better judged by these.

    different   pairs that are known not to be the same
    former      those of the round before, which stay where a type has fewer seeds of its own
    """
    left_types = type_codes(graphs[0])[1]
    own = np.bincount(left_types[seeds.left], minlength=int(left_types.max(initial=0)) + 1)
    told = np.bincount(left_types[former.left], minlength=len(own))
    stay = former.take((own < told)[left_types[former.left]]).without(different)
    every = seeds.joined(stay)
    sides = unseeded(graphs, every)
    if sides[0].any() and sides[1].any():
        every = every.joined(shared_rare_numbers(description, sides, different))
        sides = unseeded(graphs, every)
    if sides[0].any() and sides[1].any():
        every = every.joined(among_neighbours(graphs, description, every, sides, different))
    return every.take(np.arange(len(every)) >= len(seeds))


def shared_rare_numbers(
    description: Description, sides: _Sides, different: EntityPairs = NO_PAIRS
) -> EntityPairs:
    """Pairs of some entities that alone, each in an attribute, hold a number that both have.

    The more such numbers two of them share, the better: only the best of either counts, and none where two
    are as good. Numbers that run on (of orders, of years) are equal by chance: so many are when all of one
    side are moved by a step or some.

    sides (E), (E')   who is looked at
    different         pairs that are known not to be the same
    """
    left, right = (
        _rare_numbers(columns, mine)
        for columns, mine in zip((description.left, description.right), sides, strict=True)
    )
    equal = left.join(right, on=["kind", "value"])
    kept = [
        rows
        for (one, other), rows in sorted(equal.group_by("column", "column_right"), key=lambda told: told[0])
        if _by_more_than_chance(len(rows), left.filter(column=one), right.filter(column=other))
    ]
    if not kept:
        return NO_PAIRS
    votes = pl.concat(kept).group_by(left="entity", right="entity_right").len("votes")
    return _ahead(votes, different)


def _by_more_than_chance(equal: int, left: pl.DataFrame, right: pl.DataFrame) -> bool:
    """Whether two attributes have so many equal numbers because they are of the same."""
    if equal < max(FEWEST_EQUAL, LEAST_EQUAL * min(len(left), len(right))):
        return False
    values = left["value"].to_numpy(), right["value"].to_numpy()
    step = min(_step(side, days=left["kind"][0] == "date") for side in values)
    one, other = (np.rint(side / step) for side in values)
    by_chance = np.mean([np.isin(one + moved, other).sum() for moved in MOVED])
    return bool(equal >= BEYOND_CHANCE * by_chance)


def _step(values: Float64, *, days: bool) -> float:
    """In which steps numbers are written: by their places behind the point; dates by days, or by years."""
    if days:
        return YEAR if float(np.ptp(values / YEAR - np.rint(values / YEAR))) < A_DAY_OR_TWO else 1.0
    for places in range(PLACES):
        scaled = values * 10.0**places
        if np.allclose(scaled, np.rint(scaled), rtol=0.0, atol=1e-6):
            return float(10.0**-places)
    return float(10.0**-PLACES)


def _rare_numbers(columns: tuple[AttributeColumn, ...], mine: Bool) -> pl.DataFrame:
    """(entity, kind, value, column): numbers and dates that one entity alone has in an attribute."""
    held = _values([(at, one) for at, one in enumerate(columns) if one.kind != "text"], mine)
    held = held.filter(pl.Series(has_figures(held["value"].to_numpy()), dtype=pl.Boolean))
    return held.filter(pl.len().over("column", "value") == 1)


def has_figures(values: Float64) -> Bool:
    """(K) numbers with ``FIGURES`` figures or more among their first nine: 1.05 and 105,000 have three."""
    size = np.abs(values)
    usual = (size > 1e-200) & (size < 1e200)
    power = np.floor(np.log10(size, out=np.zeros_like(size), where=usual))
    nine = np.rint(np.where(usual, size, 0.0) / 10.0 ** (power - 8)).astype(np.int64)
    return np.asarray(nine % 10 ** (9 - FIGURES + 1) != 0)


def _values(columns: Sequence[tuple[int, AttributeColumn]], mine: Bool) -> pl.DataFrame:
    """(entity, kind, value, column): what some entities hold in some columns; of texts the number."""
    none = {"entity": pl.Int32, "kind": pl.String, "value": pl.Float64, "column": pl.Int32}
    parts = [pl.DataFrame(schema=none)]
    for place, column in columns:
        value = column.texts.astype(np.float64) if column.kind == "text" else column.values
        rows = np.flatnonzero(mine[column.entities] & np.isfinite(value))
        part = pl.DataFrame({"entity": column.entities[rows], "value": value[rows]})
        parts.append(
            part.select("entity", kind=pl.lit(column.kind), value="value", column=pl.lit(place, pl.Int32))
        )
    return pl.concat(parts).unique()


def among_neighbours(
    graphs: _Graphs,
    description: Description,
    seeds: EntityPairs,
    sides: _Sides,
    different: EntityPairs = NO_PAIRS,
) -> EntityPairs:
    """Pairs of some entities by the seeds that both are beside.

    Beside one seed they alone hold a value (the one state whose capital is Austin), in more cases than any
    other pair of either; or they share two of such neighbours or more, and most of those that each has. In
    either way four must be found, and three times as many as beside the wrong seeds.

    sides (E), (E')   who is looked at
    different         pairs that are known not to be the same
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
        held = few.join(_values(list(enumerate(columns)), mine).drop("column").unique(), on="entity")
        keys.append(held.filter(pl.len().over("seed", "kind", "value") == 1))
    by_values = _not_by_chance(_holding, keys[0], keys[1], len(seeds), different)
    return by_values.joined(_not_by_chance(_sharing, beside[0], beside[1], len(seeds), different))


def _not_by_chance(
    votes: Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame],
    left: pl.DataFrame,
    right: pl.DataFrame,
    seeds: int,
    different: EntityPairs,
) -> EntityPairs:
    """Who is ahead by the seeds of both sides; nobody where as good as as many are by the wrong ones."""
    found = _ahead(votes(left, right), different)
    if len(found) < FEWEST_EQUAL or seeds < FEWEST_EQUAL:
        return NO_PAIRS
    # Drawn: to move all by so many places may put each where its neighbours are those of another one.
    rng = np.random.default_rng(0)
    by_chance = []
    for _ in range(DRAWS):
        wrong = right.with_columns(pl.Series("seed", rng.permutation(seeds)[right["seed"].to_numpy()]))
        by_chance.append(len(_ahead(votes(left, wrong.cast({"seed": pl.Int32})), different)))
    return found if len(found) >= BEYOND_CHANCE * np.mean(by_chance) else NO_PAIRS


def _holding(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Pairs (left, right, votes) of those that alone hold a value (seed, kind, value) beside a seed."""
    shared = left.join(right, on=["seed", "kind", "value"])
    return shared.group_by(left="entity", right="entity_right").len("votes")


def _beside(graph: KnowledgeGraph, ends: AnyArray, mine: Bool) -> pl.DataFrame:
    """(entity, seed): which seeds, by their numbers, some entities have an edge with."""
    seeded = np.zeros(len(graph), dtype=bool)
    seeded[ends] = True
    parts = []
    for who, whom in ((graph.heads, graph.tails), (graph.tails, graph.heads)):
        rows = np.flatnonzero(mine[who] & seeded[whom])
        parts.append(pl.DataFrame({"entity": who[rows], "end": whom[rows]}))
    # An entity that has several partners is an end of several seeds.
    numbers = pl.DataFrame({"end": ends, "seed": np.arange(len(ends), dtype=np.int32)})
    return pl.concat(parts).unique().join(numbers, on="end").select("entity", "seed").unique()


def _sharing(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Pairs (left, right, votes) that share two seeds or more, which are most of those of each."""
    few = [one.filter(pl.len().over("seed") <= MOST_SHARING) for one in (left, right)]
    own = [
        one.group_by(pl.col("entity").alias(name)).len(f"all_{name}")
        for name, one in (("left", left), ("right", right))
    ]
    most = [2 * pl.col("votes") > pl.col(f"all_{name}") for name in ("left", "right")]
    asking = few[0]["entity"].unique().sort()
    found = [pl.DataFrame(schema={"left": pl.Int32, "right": pl.Int32, "votes": pl.UInt32})]
    for start in range(0, len(asking), AT_ONCE):
        part = few[0].filter(pl.col("entity").is_in(asking[start : start + AT_ONCE].implode()))
        shared = part.join(few[1], on="seed").group_by(left="entity", right="entity_right").len("votes")
        shared = shared.filter(pl.col("votes") >= 2).join(own[0], on="left").join(own[1], on="right")
        found.append(shared.filter(*most).select(found[0].columns))
    return pl.concat(found)


def _ahead(votes: pl.DataFrame, different: EntityPairs) -> EntityPairs:
    """Pairs (left, right) with more votes than any other of either entity, of those that may be the same."""
    barred = pl.DataFrame({"left": different.left, "right": different.right})
    votes = votes.join(barred, on=["left", "right"], how="anti")
    most = [pl.col("votes") == pl.col("votes").max().over(name) for name in ("left", "right")]
    best = votes.with_columns(first=most[0], second=most[1])
    best = best.filter(
        pl.col("first") & pl.col("second"),
        pl.col("first").sum().over("left") == 1,
        pl.col("second").sum().over("right") == 1,
    ).sort("left")
    return EntityPairs.of(best["left"].to_numpy(), best["right"].to_numpy(), BELIEVED)
