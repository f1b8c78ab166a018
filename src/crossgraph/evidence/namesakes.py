"""Who else of a graph has an entity's name, and is connected better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from crossgraph._types import Float32, Int32, Int64
from crossgraph.blocking.ranking import largest, lead
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.graphs.graph import KnowledgeGraph

_Pairs = tuple[Int32, Int32]


@dataclass(frozen=True, eq=False)
class Namesakes:
    """What the entities of one side are beside those that have their names.

    A film and the game of it share title, year and cast: it is the film that most is known of.

    counts (E)   log(1 + n) of the n entities that share an entity's rarest name, itself one of them; 0 where
                 it has none
    leads (E)    its ``connected``, less that of its namesake of the same type that has most; NaN where it
                 has none
    """

    counts: Float32
    leads: Float32

    @staticmethod
    def of(rows: pl.DataFrame, adjacency: Adjacency, types: Int32) -> Namesakes:
        """Of all entities.

        rows        (entity, text), see ``name_rows``
        types (E)   primary types
        """
        known = connected(adjacency)
        leads = leads_over(rows, best_rivals(rows, known, types), known)
        return Namesakes(np.log1p(name_counts(rows, len(types))), leads)


def namesakes_of(
    rows: tuple[pl.DataFrame, pl.DataFrame],
    adjacency: tuple[Adjacency, Adjacency],
    graphs: tuple[KnowledgeGraph, KnowledgeGraph],
) -> tuple[Namesakes, Namesakes]:
    """Of both sides; rows as of ``name_rows``."""
    left, right = (
        Namesakes.of(names, edges, graph.primary_types)
        for names, edges, graph in zip(rows, adjacency, graphs, strict=True)
    )
    return left, right


def namesake_columns(sides: tuple[Namesakes, Namesakes], pairs: _Pairs) -> dict[str, Float32]:
    """Columns ``namesakes:...`` of some pairs."""
    (left, right), (lefts, rights) = sides, pairs
    return {
        "namesakes:left": left.counts[lefts],
        "namesakes:right": right.counts[rights],
        "namesakes:lead of left": left.leads[lefts],
        "namesakes:lead of right": right.leads[rights],
    }


def name_counts(rows: pl.DataFrame, entities: int, *, against: pl.DataFrame | None = None) -> Float32:
    """(E) how many entities of a side share an entity's rarest name; 0 where it has none.

    against   the names that are counted; the rows themselves if not given
    """
    who, texts = (rows[name].to_numpy() for name in ("entity", "text"))
    counted = texts if against is None else against["text"].to_numpy()
    holders = np.bincount(counted, minlength=int(texts.max(initial=-1)) + 1)[texts]
    told = holders > 0
    fewest = np.full(entities, np.inf, dtype=np.float32)
    np.minimum.at(fewest, who[told], holders[told].astype(np.float32))
    return np.where(np.isinf(fewest), np.float32(0), fewest)


def connected(adjacency: Adjacency) -> Float32:
    """(E) log(1 + edges)."""
    degrees: Int64 = np.diff(adjacency.indptr)
    return np.log1p(degrees.astype(np.float32))


def best_rivals(rows: pl.DataFrame, known: Float32, types: Int32) -> Float32:
    """(rows) of the best connected other entity with this name and type; -infinity where none is.

    known (E)   see ``connected``
    """
    who, texts = (rows[name].to_numpy() for name in ("entity", "text"))
    kinds = texts.astype(np.int64) * (int(types.max(initial=0)) + 2) + types[who] + 1
    groups = np.unique(kinds, return_inverse=True)[1].astype(np.int32)
    own = known[who].astype(np.float64)
    rivals: Float32 = (own - lead(groups, own)).astype(np.float32)
    return rivals


def leads_over(rows: pl.DataFrame, rivals: Float32, known: Float32) -> Float32:
    """(E) how far each entity is ahead of its best connected rival by any of its names; NaN where none is.

    rivals (rows)   see ``best_rivals``
    known (E)       see ``connected``
    """
    best = largest(rows["entity"].to_numpy(), rivals, len(known), none=-np.inf)
    return np.where(np.isinf(best), np.nan, known - best).astype(np.float32)
