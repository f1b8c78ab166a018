"""Where data give the answer away: keys that linked pairs share, identifiers and orders that follow them.

Each check is told by what a matcher without any understanding could use. None of them says that a figure is
wrong, only what else might explain it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Bool, Float64, Int32, Int64, Side
from crossgraph.graphs.graph import GraphTables, KnowledgeGraph

Kind: TypeAlias = Literal["key", "presence", "identifiers", "identifier order", "row order"]
Graphs: TypeAlias = tuple[KnowledgeGraph, KnowledgeGraph]

# Fewer pairs or values than this may be alike by accident.
LEAST = 5
# Of the values of a key, so many are of one entity alone, and so many look like a code.
KEY_SHARE = 0.9
# A key gives the answer away if it holds for so many links, and of the pairs it joins so many are links.
AGREED, SURE = 0.5, 0.95
# Having an attribute tells who is linked if so many linked entities have it, and so few others.
THERE, ELSEWHERE = 0.9, 0.1
# A share of equal identifiers that no accident explains.
EQUAL_IDS = 0.2
# Standard errors of a rank correlation: once in 16,000 by accident.
ERRORS = 4.0
# No blanks, and a digit or no small letter; a number with decimals is a measurement.
_CODE = r"^[!-~]*[0-9][!-~]*$|^[A-Z0-9._:/-]+$"
_DECIMAL = r"^[+-]?[0-9]*\.[0-9]+$"
_SHORTEST = 3
# What is ordered, and how that is undone.
_ORDERS = {
    "identifier order": ("sorted by identifier", "rename the entities"),
    "row order": ("in the files", "shuffle the rows"),
}


@dataclass(frozen=True)
class Leak:
    """One way in which the data give the answer away.

    kind      which check found it
    problem   what was found, with its numbers
    hint      what to do about it
    share     of the linked pairs (or entities) that it tells of, in [0, 1]; of orders the rank correlation
    """

    kind: Kind
    problem: str
    hint: str
    share: float


@dataclass(frozen=True, eq=False)
class LinkedPairs:
    """Pairs (K) of entity numbers that are the same, or, without links, are believed to be.

    name   what they are called in messages, in the plural
    """

    left: Int32
    right: Int32
    name: str = "linked pairs"

    def __len__(self) -> int:
        return len(self.left)


def pairs_of_rare_values(graphs: Graphs) -> LinkedPairs:
    """Pairs that alone, each on its side, hold one text: what can be looked at where no links are known."""
    left, right = (
        _held(graph).select("entity", "value").unique().filter(pl.len().over("value") == 1)
        for graph in graphs
    )
    both = left.join(right, on="value", suffix="_right").select("entity", "entity_right").unique()
    both = both.filter(pl.len().over("entity") == 1, pl.len().over("entity_right") == 1).sort("entity")
    return LinkedPairs(
        both["entity"].to_numpy(), both["entity_right"].to_numpy(), "pairs that share a rare value"
    )


def places_in_files(tables: GraphTables, graph: KnowledgeGraph) -> Int64:
    """(E) where each entity of a graph stands first in the tables that it was made of."""
    columns = (tables.types["entity"], tables.facts["entity"], tables.edges["head"], tables.edges["tail"])
    first = pl.concat([column.rename("id") for column in columns]).unique(maintain_order=True)
    places = np.empty(len(graph), dtype=np.int64)
    places[graph.positions(first)] = np.arange(len(graph))
    return places


def find_leaks(graphs: Graphs, pairs: LinkedPairs, rows: tuple[Int64, Int64], *, known: bool) -> list[Leak]:
    """All leaks, those of attributes first.

    rows    (E) and (E'): where each entity stands first in its files
    known   whether the pairs are links; who is linked tells nothing of pairs that are only believed
    """
    if len(pairs) < LEAST:
        return []
    found = [*_keys(graphs, pairs)]
    if known:
        found += [*_presence(graphs[0], pairs.left, "left"), *_presence(graphs[1], pairs.right, "right")]
    found += _equal_identifiers(graphs, pairs)
    alphabet = _alphabetic(graphs[0]), _alphabetic(graphs[1])
    found += _order(graphs, pairs, alphabet, kind="identifier order")
    found += _order(graphs, pairs, rows, kind="row order")
    return found


def _alphabetic(graph: KnowledgeGraph) -> Int64:
    """(E) the place of each entity's identifier among all, sorted."""
    return graph.ids.rank("ordinal").to_numpy().astype(np.int64)


def _held(graph: KnowledgeGraph) -> pl.DataFrame:
    """(entity, attribute, value) of all facts that say something, each once."""
    facts = pl.DataFrame(
        {
            "entity": graph.fact_entities,
            "attribute": graph.fact_attributes,
            "value": graph.fact_values.str.strip_chars(),
        }
    )
    return facts.filter(pl.col("value").str.len_bytes() >= _SHORTEST).unique()


def _key_values(graph: KnowledgeGraph) -> pl.DataFrame:
    """The facts of attributes that are keys: codes that nearly always belong to one entity."""
    value, one = pl.col("value"), pl.len().over("attribute", "value") == 1
    code = value.str.contains(_CODE) & ~value.str.contains(_DECIMAL)
    facts = _held(graph).with_columns(one=one, code=code)
    shares = [pl.col(name).mean().over("attribute") >= KEY_SHARE for name in ("one", "code")]
    return facts.filter(*shares, pl.len().over("attribute") >= LEAST).filter("one")


def _keys(graphs: Graphs, pairs: LinkedPairs) -> Iterator[Leak]:
    left, right = (_key_values(graph) for graph in graphs)
    joined = left.join(right, on="value", suffix="_right").rename({"attribute": "a", "attribute_right": "b"})
    for (a, b), same in joined.partition_by("a", "b", as_dict=True, maintain_order=True).items():
        both = _has(left, a, len(graphs[0]))[pairs.left] & _has(right, b, len(graphs[1]))[pairs.right]
        ends = same["entity"].to_numpy(), same["entity_right"].to_numpy()
        linked = np.isin(_codes(*ends), _codes(pairs.left, pairs.right))
        touching = np.isin(ends[0], pairs.left) | np.isin(ends[1], pairs.right)
        agreed, asked = int(linked.sum()), int(both.sum())
        if agreed >= LEAST and agreed >= AGREED * asked and agreed >= SURE * touching.sum():
            others = int((~linked).sum())
            yield Leak(
                "key",
                f"attribute {graphs[0].attribute_names[a]!r} (left) and {graphs[1].attribute_names[b]!r} "
                f"(right) hold the same key for {agreed:,} of {asked:,} {pairs.name} that have both, and for "
                f"{others:,} other pairs",
                "leave one of them out, unless the graphs that you will align have them too",
                agreed / asked,
            )


def _has(facts: pl.DataFrame, attribute: int, entities: int) -> Bool:
    has = np.zeros(entities, dtype=bool)
    has[facts.filter(attribute=attribute)["entity"].to_numpy()] = True
    return has


def _codes(left: AnyArray, right: AnyArray) -> Int64:
    return left.astype(np.int64) << 32 | right.astype(np.int64)


def _presence(graph: KnowledgeGraph, entities: Int32, side: Side) -> Iterator[Leak]:
    """Attributes that linked entities have, and others of their types with any fact have not."""
    linked, told = np.zeros((2, len(graph)), dtype=bool)
    linked[entities] = True
    told[graph.fact_entities] = True
    others = told & ~linked & np.isin(graph.primary_types, graph.primary_types[entities])
    if min(int(linked.sum()), int(others.sum())) < 2 * LEAST:
        return
    for code, name in enumerate(graph.attribute_names):
        has = np.zeros(len(graph), dtype=bool)
        has[graph.fact_entities[graph.fact_attributes == code]] = True
        with_it, without = float(has[linked].mean()), float(has[others].mean())
        if with_it >= THERE and without <= ELSEWHERE:
            yield Leak(
                "presence",
                f"{with_it:.0%} of the linked {side} entities have attribute {name!r}, and {without:.0%} of "
                "the others: who has it is linked",
                "leave it out, or find out why only linked entities have it",
                with_it,
            )


def _equal_identifiers(graphs: Graphs, pairs: LinkedPairs) -> list[Leak]:
    """The strongest way in which identifiers of pairs are equal."""
    ids = [graph.ids.gather(side) for graph, side in zip(graphs, (pairs.left, pairs.right), strict=True)]
    for how, same in (
        ("the same identifier", ids[0] == ids[1]),
        ("identifiers with the same last part", _equal(ids, r"([^/#:]+)[/#]*$")),
        ("identifiers with the same number", _equal(ids, r"([0-9]+)[^0-9]*$")),
    ):
        count = int(same.sum())
        if count >= max(LEAST, EQUAL_IDS * len(pairs)):
            problem = f"{count:,} of {len(pairs):,} {pairs.name} have {how}"
            hint = (
                "crossgraph reads no identifiers unless --names-from-iri is given; rename the entities "
                "before you compare it with what may read them"
            )
            return [Leak("identifiers", problem, hint, count / len(pairs))]
    return []


def _equal(ids: list[pl.Series], part: str) -> pl.Series:
    left, right = (one.str.to_lowercase().str.extract(part, 1).str.strip_chars_start("0") for one in ids)
    return (left == right).fill_null(value=False) & (left != "").fill_null(value=False)


def _order(graphs: Graphs, pairs: LinkedPairs, places: tuple[Int64, Int64], *, kind: Kind) -> list[Leak]:
    """Whether, within their types, both ends of pairs come in the same order, or in the opposite one."""
    types = graphs[0].primary_types[pairs.left], graphs[1].primary_types[pairs.right]
    groups = np.unique(_codes(types[0], types[1]), return_inverse=True)[1]
    ranks = [
        _standing(one[side], groups) for one, side in zip(places, (pairs.left, pairs.right), strict=True)
    ]
    free = len(pairs) - (int(groups.max()) + 1)
    used = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    if not used or free < 1:
        return []
    correlation = float((ranks[0] * ranks[1]).sum()) / used
    if abs(correlation) * np.sqrt(free) < ERRORS:
        return []
    what, way = _ORDERS[kind]
    order = "the same order" if correlation > 0 else "the opposite order"
    problem = (
        f"{what}, both ends of {pairs.name} come in {order}: rank correlation {correlation:+.2f} "
        f"over {len(pairs):,}"
    )
    hint = f"crossgraph reads no order; {way} before you compare it with what may read it"
    return [Leak(kind, problem, hint, abs(correlation))]


def _standing(places: Int64, groups: Int64) -> Float64:
    """(K) the rank of each place within its group, less the group's mean."""
    order = np.lexsort((places, groups))
    starts = np.searchsorted(groups[order], np.arange(int(groups.max()) + 1))
    rank = np.empty(len(places))
    rank[order] = np.arange(len(places)) - starts[groups[order]]
    sizes = np.bincount(groups)
    return rank - (sizes[groups] - 1) / 2
