from __future__ import annotations

import numpy as np
import pytest

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
