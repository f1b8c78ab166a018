"""Rows of numbers in order, millions at a time."""

from __future__ import annotations

import numpy as np
import polars as pl
from numba import njit

from crossgraph._types import AnyArray, Bool, Int32, Int64, UInt64

# What is told apart at first has room for half as many different ones (log2); a full table is doubled.
_FIRST_BITS = 10


def sorted_rows(*columns: Int32) -> tuple[Int32, ...]:
    """The rows of some columns of numbers from 0 on, sorted by the first column, then the second, and so on.

    Sorts each row as one number of 64 bits, which is several times as fast as to sort by columns; wider
    rows take that way.
    """
    widths = [int(column.max(initial=0)).bit_length() for column in columns]
    if sum(widths) > 63:
        order = np.lexsort(columns[::-1])
        return tuple(column[order] for column in columns)
    packed = np.zeros(len(columns[0]), dtype=np.int64)
    for column, width in zip(columns, widths, strict=True):
        packed <<= width
        packed |= column
    packed.sort()
    unpacked = []
    for column, width in zip(columns[::-1], widths[::-1], strict=True):
        unpacked.append((packed & ((1 << width) - 1)).astype(column.dtype))
        packed >>= width
    return tuple(unpacked[::-1])


def distinct_rows(*columns: Int32) -> tuple[Int32, ...]:
    """The rows of some columns of numbers from 0 on, each once, sorted as by ``sorted_rows``."""
    ordered = sorted_rows(*columns)
    new = np.zeros(len(ordered[0]), dtype=bool)
    new[:1] = True
    for column in ordered:
        new[1:] |= column[1:] != column[:-1]
    return tuple(column[new] for column in ordered)


def distinct(numbers: AnyArray) -> AnyArray:
    """Some numbers, each once, ascending. NumPy's own ``unique`` hashes: twenty times slower for millions."""
    ordered = np.sort(numbers)
    return ordered[firsts(ordered)]


def firsts(ordered: AnyArray) -> Int64:
    """The places of sorted numbers that differ from the one before."""
    if not len(ordered):
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])


def told_apart(hashes: UInt64) -> tuple[Int32, Int64]:
    """(K) numbers of hashes, ascending as they first come, and where each of the different ones first comes.

    Hashes are to be spread evenly over all 64 bits.
    """
    found: tuple[Int32, Int64] = _told_apart(hashes, _FIRST_BITS)
    return found


@njit(cache=True, nogil=True)
def _told_apart(hashes: UInt64, bits: int) -> tuple[Int32, Int64]:
    """Open addressing, at most half full; the hashes lie in the table, as each look elsewhere would cost."""
    keys, held = np.zeros(1 << bits, dtype=np.uint64), np.full(1 << bits, -1, dtype=np.int32)
    numbers, firsts = np.empty(len(hashes), dtype=np.int32), np.empty(1 << (bits - 1), dtype=np.int64)
    count = 0
    for row in range(len(hashes)):
        if row and hashes[row] == hashes[row - 1]:
            numbers[row] = numbers[row - 1]
            continue
        slot = _slot(keys, held, bits, hashes[row])
        if held[slot] < 0:
            if count == len(firsts):
                firsts = np.concatenate((firsts, np.empty_like(firsts)))
                keys, held, bits = _doubled(keys, held, bits)
                slot = _slot(keys, held, bits, hashes[row])
            keys[slot], held[slot], firsts[count] = hashes[row], count, row
            count += 1
        numbers[row] = held[slot]
    return numbers, firsts[:count].copy()


@njit(cache=True, nogil=True)
def _slot(keys: UInt64, held: Int32, bits: int, key: AnyArray) -> int:
    """Where a hash is in a table, or would be."""
    slot = np.int64(key >> np.uint64(64 - bits))
    while held[slot] >= 0 and keys[slot] != key:
        slot = (slot + 1) & (len(held) - 1)
    return int(slot)


@njit(cache=True, nogil=True)
def _doubled(keys: UInt64, held: Int32, bits: int) -> tuple[UInt64, Int32, int]:
    wider, numbers = np.zeros(2 * len(keys), dtype=np.uint64), np.full(2 * len(held), -1, dtype=np.int32)
    for old in range(len(held)):
        if held[old] >= 0:
            slot = _slot(wider, numbers, bits + 1, keys[old])
            wider[slot], numbers[slot] = keys[old], held[old]
    return wider, numbers, bits + 1


def marked(numbers: AnyArray, count: int) -> Bool:
    """(count) True at the places of some numbers."""
    marks = np.zeros(count, dtype=bool)
    marks[numbers] = True
    return marks


def held_by(numbers: AnyArray, others: AnyArray) -> Bool:
    """Which of some numbers are among others. NumPy's own ``isin`` is twenty times slower for millions."""
    held: Bool = pl.Series(numbers).is_in(pl.Series(others).implode()).to_numpy()
    return held


def row_starts(numbers: AnyArray, count: int) -> Int64:
    """(count + 1) where the rows of each number below ``count`` begin, in rows that are sorted by it."""
    held = np.bincount(numbers, minlength=count)[:count]
    return np.concatenate([[0], np.cumsum(held)]).astype(np.int64)
