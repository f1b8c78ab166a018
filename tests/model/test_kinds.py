"""What is of one kind stands together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.model.kinds import by_kind

KINDS = 6


@given(st.integers(0, 1000), st.integers(0, 5), st.integers(0, 4))
def test_what_is_real_is_told_kind_by_kind(seed: int, rows: int, columns: int) -> None:
    some = np.random.default_rng(seed)
    kinds = some.integers(-1, KINDS, (rows, columns), dtype=np.int32)
    real = (kinds >= 0) & (some.random((rows, columns)) < 0.7)
    places, counts = by_kind(kinds, real, KINDS)
    flat = enumerate(zip(kinds.flatten().tolist(), real.flatten().tolist(), strict=True))
    expected = sorted((kind, place) for place, (kind, there) in flat if there)
    assert places.tolist() == [place for _, place in expected]
    assert counts == [sum(kind == one for kind, _ in expected) for one in range(KINDS)]


@pytest.mark.parametrize("kind", [-1, KINDS])
def test_a_kind_without_a_matrix_is_an_error(kind: int) -> None:
    with pytest.raises(IndexError):
        by_kind(np.array([[0, kind]], dtype=np.int32), np.ones((1, 2), dtype=bool), KINDS)
