"""Level 0: an entity as a handful of tokens, one for each of its facts, ready for a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy import sparse

from crossgraph._types import AnyArray, Bool, Float32, Float64, Int32, Int64
from crossgraph.features.description import AttributeColumn
from crossgraph.features.text import TextTable
from crossgraph.graphs.sorting import row_starts

TEXT_WIDTH = 128
_ROWS = 4096
# Periods of sin and cos, in units of an attribute's spread: from a whole range down to fine detail.
PERIODS = (16.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.25, 0.125)
# Width of a vector of own attributes: a text sketch, beside sin and cos of numbers.
OWN_WIDTH = TEXT_WIDTH + 2 * len(PERIODS)
TOKENS = 8


@dataclass(frozen=True, eq=False)
class EntityTokens:
    """Up to A facts of every entity of one graph.

    attributes (E, A)   attribute slot of each fact
    texts (E, A)        row of the shared text sketch; row 0 (empty) for numbers
    numbers (E, A)      scaled number or date; NaN for texts
    mask (E, A)         True for a real fact
    """

    attributes: Int32
    texts: Int32
    numbers: Float32
    mask: Bool


def text_sketch(texts: TextTable) -> Float32:
    """(S, 128) random projection of each string's n-gram vector, of length one (the empty string's is zero).

    Each n-gram goes to eight signed places by its hash, a sparse Johnson-Lindenstrauss projection
    (Kane and Nelson, 2014): cosines are kept within about 1 / sqrt(128), and nothing is fitted.
    """
    return sketch_of(texts.grams)


def sketch_of(grams: sparse.csr_matrix) -> Float32:
    """(S, 128) ``text_sketch`` of some rows of n-grams."""
    sketch: Float32 = _project(grams.indptr.astype(np.int64), grams.indices, grams.data, TEXT_WIDTH)
    # Row by row it is the same, and a few rows at a time stay in the processor's cache.
    for start in range(0, len(sketch), _ROWS):
        part = sketch[start : start + _ROWS]
        lengths = np.linalg.norm(part, axis=1, keepdims=True)
        np.divide(part, lengths, out=part, where=lengths > 0)
    return sketch


def entity_tokens(
    columns: tuple[AttributeColumn, ...],
    slots: Int32,
    scales: dict[int, tuple[float, float]],
    entities: int,
    *,
    against: tuple[AttributeColumn, ...] | None = None,
) -> EntityTokens:
    """Give each entity its facts as tokens, those of the attributes that fewest entities repeat first.

    slots     (A) the slot of each column
    scales    slot -> (centre, spread), see ``number_scales``
    against   the same columns of the whole graph, which say what is repeated; ``columns`` if not given
    """
    whole = against or columns
    order = sorted(range(len(columns)), key=lambda i: -whole[i].distinct_share)
    entity = np.concatenate([columns[i].entities for i in order] or [np.zeros(0, np.int32)])
    attribute = np.concatenate([np.full(len(columns[i].entities), slots[i]) for i in order] or [entity])
    text = np.concatenate([_texts(columns[i]) for i in order] or [entity])
    number = np.concatenate([_scaled(columns[i], scales.get(int(slots[i]))) for i in order] or [entity])
    rows = np.argsort(entity, kind="stable")
    starts = row_starts(entity, entities)
    place = np.arange(len(rows)) - np.repeat(starts[:-1], np.diff(starts))
    rows, place = rows[place < TOKENS], place[place < TOKENS]
    out = EntityTokens(
        attributes=np.zeros((entities, TOKENS), dtype=np.int32),
        texts=np.zeros((entities, TOKENS), dtype=np.int32),
        numbers=np.full((entities, TOKENS), np.nan, dtype=np.float32),
        mask=np.zeros((entities, TOKENS), dtype=bool),
    )
    at = entity[rows], place
    out.attributes[at], out.texts[at], out.numbers[at], out.mask[at] = (
        attribute[rows],
        text[rows],
        number[rows],
        True,
    )
    return out


def number_scales(
    sides: tuple[tuple[tuple[AttributeColumn, ...], Int32], ...],
) -> dict[int, tuple[float, float]]:
    """Slot -> (median, interquartile range or 1) over all numeric values of both graphs."""
    values: dict[int, list[AnyArray]] = {}
    for columns, slots in sides:
        for column, slot in zip(columns, slots, strict=True):
            if column.kind != "text":
                values.setdefault(int(slot), []).append(column.values[~np.isnan(column.values)])
    return {slot: _scale(np.concatenate(parts)) for slot, parts in values.items()}


def _scale(values: Float64) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    # A range beyond float64 is infinite: all values are then alike, and stay finite.
    with np.errstate(over="ignore"):
        low, centre, high = np.percentile(values, [25, 50, 75])
        return float(centre), float(high - low) or 1.0


def _texts(column: AttributeColumn) -> Int32:
    return column.texts if column.kind == "text" else np.zeros_like(column.texts)


def _scaled(column: AttributeColumn, scale: tuple[float, float] | None) -> Float32:
    if column.kind == "text" or scale is None:
        return np.full(len(column.entities), np.nan, dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.clip((column.values - scale[0]) / scale[1], -8.0, 8.0)
    return np.nan_to_num(scaled, nan=0.0).astype(np.float32)


@njit(cache=True, nogil=True)
def _project(indptr: Int64, indices: Int32, data: Float32, width: int) -> Float32:
    out = np.zeros((len(indptr) - 1, width), dtype=np.float32)
    for row in range(len(indptr) - 1):
        for at in range(indptr[row], indptr[row + 1]):
            state = np.uint64(indices[at]) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
            for _ in range(8):
                state ^= state >> np.uint64(29)
                state *= np.uint64(0xBF58476D1CE4E5B9)
                state ^= state >> np.uint64(32)
                place = np.int64((state >> np.uint64(8)) % np.uint64(width))
                if state & np.uint64(1):
                    out[row, place] += data[at]
                else:
                    out[row, place] -= data[at]
    return out
