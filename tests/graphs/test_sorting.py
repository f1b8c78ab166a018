"""Rows sorted as packed numbers, beside numpy's sort by columns."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.graphs import sorting
from crossgraph.graphs.sorting import (
    among,
    distinct_rows,
    held_by,
    repeated,
    row_starts,
    sorted_rows,
    told_apart,
)

# Up to 20 bits a column fit into one number of 64 bits; 31 do not.
rows = st.sampled_from([1, 20, 31]).flatmap(
    lambda bits: st.lists(st.tuples(*[st.integers(0, 2**bits - 1)] * 3), max_size=30)
)


@given(rows)
def test_rows_are_sorted_by_their_columns_in_turn(rows):
    columns = np.array(rows, dtype=np.int32).reshape(-1, 3).T
    order = np.lexsort(columns[::-1])
    for found, column in zip(sorted_rows(*columns), columns, strict=True):
        assert found.dtype == np.int32
        assert np.array_equal(found, column[order])


@pytest.mark.parametrize("largest", [0, 2**31 - 1])
def test_rows_of_the_widest_numbers_are_sorted(largest):
    column = np.array([largest, 0, largest], dtype=np.int32)
    for found in sorted_rows(column, column, column):
        assert found.tolist() == sorted(column.tolist())


@given(rows)
def test_distinct_rows_are_those_of_a_set(rows):
    columns = np.array([*rows, *rows], dtype=np.int32).reshape(-1, 3).T
    assert list(zip(*(column.tolist() for column in distinct_rows(*columns)), strict=True)) == sorted(
        set(rows)
    )


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(0, 7))
def test_rows_of_a_number_begin_where_a_search_finds_it(numbers, count):
    ordered = np.sort(np.array(numbers, dtype=np.int32))
    starts = row_starts(ordered, count)
    assert starts.tolist() == np.searchsorted(ordered, np.arange(count + 1)).tolist()


@given(st.lists(st.integers(0, 2**64 - 1)), st.lists(st.integers(0, 2**64 - 1)))
def test_who_is_held_is_who_a_set_holds(numbers, others):
    others += numbers[::2]
    found = held_by(np.array(numbers, dtype=np.uint64), np.array(others, dtype=np.uint64))
    assert found.tolist() == [number in set(others) for number in numbers]


@given(st.lists(st.integers(0, 50)), st.lists(st.integers(0, 90)))
def test_who_is_among_others_is_held_by_them(numbers, others):
    one, two = np.array(numbers, dtype=np.int32), np.array(others, dtype=np.int32)
    assert among(one, two).tolist() == held_by(one, two).tolist()


def numbered_by_a_dictionary(hashes):
    numbers, firsts = {}, []
    for row, one in enumerate(hashes):
        if one not in numbers:
            numbers[one] = len(numbers)
            firsts.append(row)
    return [numbers[one] for one in hashes], firsts


def told_with_room(bits, hashes):
    codes, firsts = sorting._told_apart(np.array(hashes, dtype=np.uint64), bits)
    return codes.tolist(), firsts.tolist()


@pytest.mark.parametrize(("different", "told"), [(8, True), (9, False)])
def test_a_table_that_would_be_fuller_than_half_tells_nothing(different, told):
    hashes = [number << 60 for number in range(different)]
    assert told_with_room(4, hashes) == (numbered_by_a_dictionary(hashes) if told else ([], []))


def told(hashes):
    codes, firsts = told_apart(np.array(hashes, dtype=np.uint64))
    return codes.tolist(), firsts.tolist()


# Of few different highest bits, so that they want the same places of a table; the last ones run over its end.
near = st.builds(lambda high, low: high << 60 | low, st.sampled_from([0, 7, 15]), st.integers(0, 3))


@given(st.lists(st.one_of(near, st.sampled_from([0, 2**64 - 1]), st.integers(0, 2**64 - 1))))
def test_hashes_are_told_apart_as_by_a_dictionary(hashes):
    assert told(hashes) == numbered_by_a_dictionary(hashes)


@pytest.mark.parametrize("spread", [True, False])
def test_many_hashes_are_told_apart_as_by_a_dictionary(spread):
    drawn = np.random.default_rng(3).integers(0, 2**64 if spread else 3_000, size=20_000, dtype=np.uint64)
    hashes = drawn[np.random.default_rng(4).integers(0, len(drawn), size=40_000)].tolist()
    assert told(hashes) == numbered_by_a_dictionary(hashes)


def test_hashes_are_told_apart_however_few_they_seem(monkeypatch):
    monkeypatch.setattr(pl.Expr, "approx_n_unique", lambda one: pl.lit(1))
    hashes = list(range(2_000))
    assert told(hashes) == numbered_by_a_dictionary(hashes)


@given(st.lists(st.integers(0, 9)))
def test_who_is_repeated_is_counted_twice_or_more(numbers):
    found, different = repeated(np.array(numbers, dtype=np.uint64))
    assert different == len(set(numbers))
    assert found.tolist() == [numbers.count(number) > 1 for number in numbers]
