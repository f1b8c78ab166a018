"""Which pairs teach a model most if a person says whether they are the same."""

from __future__ import annotations

import numpy as np
import polars as pl

from crossgraph._types import Bool, Float64, Int32, Int64
from crossgraph.blocking.ranking import ranks
from crossgraph.graphs.links import Links
from crossgraph.reviewing.book import Book
from crossgraph.reviewing.material import Material
from crossgraph.reviewing.pairs import PairTable


def questions(pairs: PairTable, closed: Bool) -> Int64:
    """Rows worth asking about, the most useful first; no two about the same entity.

    Uncertainty sampling (Lewis and Gale, SIGIR 1994) in batches: asked is the likeliest open partner of both
    its entities, and first the one of which the model is least sure (the entropy of its probability). Types
    take turns in proportion to how much is uncertain in each (Webster's apportionment), so that a large
    one leaves room for the others. The same pairs give the same questions.

    closed (P)   pairs that need no answer: those that have one, and rivals of a pair known to be the same
    """
    best = _is_best(pairs.left, pairs.probability, closed) & _is_best(pairs.right, pairs.probability, closed)
    rows = np.flatnonzero(best)
    return rows[_in_turns(entropy(pairs.probability[rows]), pairs.types[rows])]


def ask(material: Material, book: Book, count: int) -> pl.DataFrame:
    """The most useful questions about a RESULT, at most so many, as a table to answer in.

    left, right, label (empty: 1 or 0 goes there), left_name, right_name, type, probability. Nothing is asked
    that the model knew, or that anybody has a standing word on.
    """
    pairs = material.pairs
    spoken = list(book.pairs())
    answered = Links.of(
        [left for left, _ in spoken],
        [right for _, right in spoken],
        label=[book.settled(pair) is True for pair in spoken],
    )
    closed = np.zeros(len(pairs), dtype=np.bool_)
    for links in (material.known, answered):
        closed |= settled(pairs, material.numbers(links), links.label)
    rows = questions(pairs, closed)[:count].tolist()
    ids = [material.ids(row) for row in rows]
    return pl.DataFrame(
        {
            "left": [left for left, _ in ids],
            "right": [right for _, right in ids],
            "label": [None] * len(rows),
            "left_name": [material.left.name(int(pairs.left[row])) for row in rows],
            "right_name": [material.right.name(int(pairs.right[row])) for row in rows],
            "type": [pairs.type_names[pairs.types[row]] for row in rows],
            "probability": [round(float(pairs.probability[row]), 4) for row in rows],
        },
        schema_overrides={"label": pl.String},
    )


def entropy(probability: Float64) -> Float64:
    """(P) the uncertainty of yes or no in nats, at most log 2; 0 for what is certain."""
    p = np.clip(probability, 1e-12, 1.0 - 1e-12)
    value: Float64 = -(p * np.log(p) + (1.0 - p) * np.log1p(-p))
    return value


def settled(pairs: PairTable, ends: tuple[Int32, Int32], same: Bool) -> Bool:
    """(P) pairs that need no answer when some have one: these, and all rivals of those that are the same.

    Where entities may have several partners, others are no rivals.

    ends, same (K)   the pairs that have an answer, as entity numbers, and what it is; of a pair with an
                     entity that is gone (-1) the other one is open again
    """
    there = (ends[0] >= 0) & (ends[1] >= 0)
    left, right, same = ends[0][there], ends[1][there], same[there]
    closed = np.isin(pairs.left, left[same]) & pairs.alone[0]
    closed |= np.isin(pairs.right, right[same]) & pairs.alone[1]
    closed |= np.isin(_keys(pairs.left, pairs.right), _keys(left, right))
    return closed


def _keys(left: Int32, right: Int32) -> Int64:
    keys: Int64 = left.astype(np.int64) << 32 | right
    return keys


def _is_best(ends: Int32, probability: Float64, closed: Bool) -> Bool:
    """(P) the likeliest open pair of each entity of a side; of equal ones the first."""
    best: Bool = ranks(ends, np.where(closed, -1.0, probability)) == 0
    return best & ~closed


def _in_turns(doubt: Float64, types: Int32) -> Int64:
    """(K) an order in which each type's k-th most doubtful comes at (k - 1/2) / its sum of doubt."""
    order = np.lexsort((np.arange(len(doubt)), -doubt, types))
    sizes = np.bincount(types, minlength=1)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    whole = np.bincount(types, weights=doubt, minlength=1)
    turn = (place + 0.5) / whole[types[order]]
    chosen: Int64 = order[np.lexsort((order, turn))].astype(np.int64)
    return chosen
