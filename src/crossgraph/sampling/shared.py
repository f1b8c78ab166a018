"""Which relations lead to what the other graph knows too."""

from __future__ import annotations

import numpy as np

from crossgraph._types import Float64, Int32, Int64, UInt64
from crossgraph.features.description import expand
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.graphs.content import mix
from crossgraph.graphs.sorting import held_by

# Neighbours by a relation count as if so many more had been seen, all but a few of them without an echo.
PRIOR_EDGES, PRIOR_SHARE = 20.0, 0.02
# So many pairs tell the shares of relations as well as millions.
MOST_PAIRS = 100_000


def echoed_shares(
    adjacency: tuple[Adjacency, Adjacency],
    names: tuple[UInt64, UInt64],
    pairs: tuple[Int32, Int32],
) -> tuple[Float64, Float64]:
    """(2R) of each side: how many neighbours by a directed relation have a namesake beside the partner.

    pairs   (S), (S) entities that are probably the same; of more than ``MOST_PAIRS``, as many in even steps
    names   (E) a number of each entity's name, 0 where it has none
    """
    every = len(pairs[0])
    some = np.linspace(0, every - 1, MOST_PAIRS).astype(np.int64) if every > MOST_PAIRS else slice(None)
    left, right = (_around(one, names[side], pairs[side][some]) for side, one in enumerate(adjacency))
    return (
        _shares(left, right[0], 2 * adjacency[0].relation_count),
        _shares(right, left[0], 2 * adjacency[1].relation_count),
    )


def _around(adjacency: Adjacency, names: UInt64, entities: Int32) -> tuple[UInt64, Int32]:
    """(T) a number of each (pair, neighbour's name), and its relation."""
    starts = adjacency.indptr[entities]
    counts: Int64 = adjacency.indptr[entities.astype(np.int64) + 1] - starts
    rows = expand(starts, counts)
    key = names[adjacency.neighbours[rows]]
    pair = mix(np.repeat(np.arange(len(entities), dtype=np.uint64), counts))
    return np.where(key == 0, np.uint64(0), mix(pair ^ key)), adjacency.relations[rows]


def _shares(side: tuple[UInt64, Int32], others: UInt64, directed: int) -> Float64:
    codes, relations = side
    hits = (codes != 0) & held_by(codes, others)
    seen, echoed = (np.bincount(part, minlength=directed) for part in (relations, relations[hits]))
    shares: Float64 = (echoed + PRIOR_EDGES * PRIOR_SHARE) / (seen + PRIOR_EDGES)
    return shares
