from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.blocking.ranking import lead, ranks

rows = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([-1.5, 0.0, 0.25, 7.0])), max_size=15)


def columns(rows):
    return np.array([r[0] for r in rows], dtype=np.int32), np.array([r[1] for r in rows], dtype=np.float32)


@given(rows)
def test_lead_agrees_with_loops(rows):
    expected = [
        score - max((other for j, (g, other) in enumerate(rows) if g == group and j != i), default=-np.inf)
        for i, (group, score) in enumerate(rows)
    ]
    np.testing.assert_array_equal(lead(*columns(rows)), expected)


@given(rows)
def test_ranks_agree_with_loops_and_ties_go_by_place(rows):
    expected = [
        sum(g == group and (other > score or (other == score and j < i)) for j, (g, other) in enumerate(rows))
        for i, (group, score) in enumerate(rows)
    ]
    assert ranks(*columns(rows)).tolist() == expected
