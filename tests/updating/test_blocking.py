from __future__ import annotations

import numpy as np

from crossgraph.updating.blocking import welcome
from features.plain import ints


def test_who_has_candidates_takes_in_its_best_and_those_with_a_chance():
    asking, prior = ints(0, 0, 0, 1, 1), np.array([2, 5, 1, -9, -8], dtype=np.float32)
    shares = np.array([1e-6, 0.9, 0.01, 1e-6, 1e-6])
    assert welcome(asking, prior, shares, 0.001).tolist() == [False, True, True, False, True]
    assert welcome(asking, prior, shares, 0.0).all()
