from __future__ import annotations

import numpy as np
import pytest

from crossgraph._space import IN_MEMORY
from crossgraph.evidence import table
from crossgraph.evidence.table import EvidenceTable


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_rows_here_and_there_are_those_of_the_whole(at_once, monkeypatch):
    monkeypatch.setattr(table, "SCATTERED", at_once)
    values = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    evidence = EvidenceTable(tuple("abcde"), (values[:, :2], values[:, 2:]))
    places = np.array([3, 17, 0, 3, 9])
    np.testing.assert_array_equal(evidence.rows(places), values[places])
    mask = values[:, 0] > 0
    np.testing.assert_array_equal(evidence.rows(mask), values[mask])
    np.testing.assert_array_equal(evidence.rows(slice(2, 7)), values[2:7])
    assert evidence.rows(places[:0]).shape == (0, 5)


@pytest.mark.parametrize("pairs", [0, 1, 7, 12])
@pytest.mark.parametrize("at_once", [1, 5, 100])
@pytest.mark.parametrize("least", [1, 4, 100])
def test_each_row_is_filled_once_however_many_at_a_time(pairs, at_once, least, monkeypatch):
    monkeypatch.setattr(table, "AT_ONCE", at_once)
    filled, told = [], []

    def fill(places, rows):
        filled.extend(range(places.start, places.stop))
        rows[:, 0], rows[:, 1] = range(places.start, places.stop), 5.0

    found = EvidenceTable.filled(("a", "b"), fill, pairs, least=least, advance=told.append, space=IN_MEMORY)
    assert sorted(filled) == list(range(pairs))
    assert sum(told) == pairs
    np.testing.assert_array_equal(found.values, [[place, 5.0] for place in range(pairs)] or np.zeros((0, 2)))
