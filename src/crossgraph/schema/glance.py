"""Which attributes are worth comparing, where all pairs of them would be too many."""

from __future__ import annotations

import numpy as np

from crossgraph._types import AnyArray, Bool, Float32, Int32, Int64
from crossgraph.features.description import AttributeColumn
from crossgraph.features.text import TextTable
from crossgraph.features.tokens import sketch_of
from crossgraph.schema.seeds import EntityPairs

# Partners of an attribute, and seed pairs to find them by.
PARTNERS, SEEDS = 20, 64
Columns = tuple[AttributeColumn, ...]


def likely_partners(left: Columns, right: Columns, seeds: EntityPairs, texts: TextTable) -> Bool:
    """(A, B) True for the ``PARTNERS`` attributes nearest to each one, of either side, on a few seed pairs.

    Only the first value of each entity is looked at: sketches of texts by their cosine, numbers and dates by
    their difference in standard deviations. Attributes of different kinds are never partners.
    """
    chosen = np.unique(np.linspace(0, len(seeds) - 1, SEEDS).astype(np.int64))
    likely = np.zeros((len(left), len(right)), dtype=bool)
    for kind in ("text", "number", "date"):
        rows = [np.flatnonzero([column.kind == kind for column in side]) for side in (left, right)]
        sides = [[side[i] for i in own] for side, own in zip((left, right), rows, strict=True)]
        firsts = _firsts(sides[0], seeds.left[chosen]), _firsts(sides[1], seeds.right[chosen])
        near = _texts_near(sides, firsts, texts) if kind == "text" else _numbers_near(sides, firsts)
        likely[np.ix_(*rows)] = _best(near) | _best(near.T).T
    return likely


def _firsts(columns: list[AttributeColumn], entities: Int32) -> Int64:
    """(A, S) where the first value of each entity stands in each column; -1 where it has none."""
    out = np.full((len(columns), len(entities)), -1, dtype=np.int64)
    for row, column in enumerate(columns):
        starts = column.indptr[entities]
        out[row] = np.where(column.indptr[entities + 1] > starts, starts, -1)
    return out


def _texts_near(sides: list[list[AttributeColumn]], firsts: tuple[Int64, Int64], texts: TextTable) -> Float32:
    near = np.zeros((len(sides[0]), len(sides[1])), dtype=np.float32)
    for seed in range(firsts[0].shape[1]):
        held = [np.flatnonzero(first[:, seed] >= 0) for first in firsts]
        x, y = (
            sketch_of(texts.grams[np.array([side[i].texts[first[i, seed]] for i in own], dtype=np.int64)])
            for side, first, own in zip(sides, firsts, held, strict=True)
        )
        near[np.ix_(*held)] += x @ y.T
    return near


def _numbers_near(sides: list[list[AttributeColumn]], firsts: tuple[Int64, Int64]) -> Float32:
    near = np.zeros((len(sides[0]), len(sides[1])), dtype=np.float32)
    spread = np.array([_spread(column.values) for column in sides[0]])
    for seed in range(firsts[0].shape[1]):
        held = [np.flatnonzero(first[:, seed] >= 0) for first in firsts]
        x, y = (
            np.array([side[i].values[first[i, seed]] for i in own])
            for side, first, own in zip(sides, firsts, held, strict=True)
        )
        with np.errstate(over="ignore", invalid="ignore"):
            apart = np.abs(x[:, None] - y[None, :]) / spread[held[0], None]
        near[np.ix_(*held)] += 1.0 - np.minimum(np.nan_to_num(apart, nan=1.0), 1.0)
    return near


def _spread(values: AnyArray) -> float:
    known = values[np.isfinite(values)]
    with np.errstate(over="ignore"):
        return float(known.std()) or 1.0 if len(known) else 1.0


def _best(near: Float32) -> Bool:
    """(A, B) True for the largest ``PARTNERS`` of each row."""
    best = np.zeros(near.shape, dtype=bool)
    if near.size:
        count = min(PARTNERS, near.shape[1])
        np.put_along_axis(best, np.argpartition(-near, count - 1, axis=1)[:, :count], values=True, axis=1)
    return best
