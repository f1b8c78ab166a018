from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.singles import shares_among
from crossgraph.updating.blocking import shares_beside, wanting_too, welcome
from features.plain import ints


@pytest.mark.parametrize("by_left", [True, False])
def test_a_pool_has_the_shares_that_it_has_among_all(by_left):
    # The first looks for a partner; the second has a better one than the one that both could have. The
    # third and its own have nothing to do with them.
    mine, theirs = ints(0, 0, 1, 1, 2), ints(0, 1, 1, 2, 3)
    every = Candidates.of_pairs(*((mine, theirs) if by_left else (theirs, mine)))
    every = replace(every, prior=np.array([5, 4, 9, 12, 1], dtype=np.float32))
    own = (every.left if by_left else every.right) == 0
    pool, others = every.take(own), every.take(~own)
    expected = shares_among(every, (True, True))[own]

    def beside(others: Candidates) -> Candidates:
        sides = [(one.right, one.left) if by_left else (one.left, one.right) for one in (others, pool)]
        return others.take(wanting_too(*sides[0], sides[1][0]))

    assert len(beside(others)) == 2
    found = shares_beside(pool, beside(others), (True, True))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert found[1] > 0.1
    assert shares_beside(pool, beside(others.take(others.prior != 12)), (True, True))[1] < 0.001
    assert shares_beside(pool, beside(others.take(others.prior < 0)), (True, True)).sum() > 0.9


def test_who_has_candidates_takes_in_its_best_and_those_with_a_chance():
    asking, prior = ints(0, 0, 0, 1, 1), np.array([2, 5, 1, -9, -8], dtype=np.float32)
    shares = np.array([1e-6, 0.9, 0.01, 1e-6, 1e-6])
    assert welcome(asking, prior, shares, 0.001).tolist() == [False, True, True, False, True]
    assert welcome(asking, prior, shares, 0.0).all()
