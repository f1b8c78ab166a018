"""Rows of numbers in order, millions at a time."""

from __future__ import annotations

import numpy as np
import polars as pl
from numba import njit

from crossgraph._types import AnyArray, Bool, Int32, Int64, UInt64

# A table has room for so many times as many different hashes as there seem to be: it is at most half full.
_ROOM, _LEAST_BITS = 2.2, 4


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


def repeated(numbers: AnyArray) -> tuple[Bool, int]:
    """(K) True where a number is there more than once, and how many different ones there are."""
    ordered = np.sort(numbers)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    return held_by(numbers, again), len(ordered) - len(again)


def firsts(ordered: AnyArray) -> Int64:
    """The places of sorted numbers that differ from the one before."""
    if not len(ordered):
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])


def told_apart(hashes: UInt64) -> tuple[Int32, Int64]:
    """(K) numbers of hashes, ascending as they first come, and where each of the different ones first comes.

    Hashes are to be spread evenly over all 64 bits.
    """
    # A table that grows as it is filled takes three times as long as one that is large enough.
    different = pl.select(pl.lit(pl.Series(hashes)).approx_n_unique()).item()
    bits = max(_LEAST_BITS, int(_ROOM * different).bit_length())
    while True:
        numbers, firsts = _told_apart(hashes, bits)
        if len(numbers) == len(hashes):
            return numbers, firsts
        bits += 1


@njit(cache=True, nogil=True)
def _told_apart(hashes: UInt64, bits: int) -> tuple[Int32, Int64]:
    """``told_apart`` by a table of so many bits, at most half full; no numbers where it would be fuller.

    Open addressing: the hashes lie in the table, as each look elsewhere would cost.
    """
    keys, held = np.zeros(1 << bits, dtype=np.uint64), np.full(1 << bits, -1, dtype=np.int32)
    numbers, firsts = np.empty(len(hashes), dtype=np.int32), np.empty(1 << (bits - 1), dtype=np.int64)
    shift, mask, count = np.uint64(64 - bits), np.uint64(len(keys) - 1), 0
    for row in range(len(hashes)):
        slot = hashes[row] >> shift
        while held[slot] >= 0 and keys[slot] != hashes[row]:
            slot = (slot + np.uint64(1)) & mask
        if held[slot] < 0:
            if count == len(firsts):
                return numbers[:0], firsts[:0]
            keys[slot], held[slot], firsts[count] = hashes[row], count, row
            count += 1
        numbers[row] = held[slot]
    return numbers, firsts[:count].copy()


def marked(numbers: AnyArray, count: int) -> Bool:
    """(count) True at the places of some numbers."""
    marks = np.zeros(count, dtype=bool)
    marks[numbers] = True
    return marks


def among(numbers: AnyArray, others: AnyArray) -> Bool:
    """``held_by`` of numbers from 0 on that are not large: with a place for each, it is faster still."""
    count = max(int(numbers.max(initial=-1)), int(others.max(initial=-1))) + 1
    found: Bool = marked(others, count)[numbers]
    return found


def held_by(numbers: AnyArray, others: AnyArray) -> Bool:
    """Which of some numbers are among others. NumPy's own ``isin`` is twenty times slower for millions."""
    held: Bool = pl.Series(numbers).is_in(pl.Series(others).implode()).to_numpy()
    return held


def row_starts(numbers: AnyArray, count: int) -> Int64:
    """(count + 1) where the rows of each number below ``count`` begin, in rows that are sorted by it."""
    held = np.bincount(numbers, minlength=count)[:count]
    return np.concatenate([[0], np.cumsum(held)]).astype(np.int64)
