from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.partners import FEW, Surroundings
from crossgraph.blocking.pool import Searching
from crossgraph.blocking.products import nearest_rows
from crossgraph.progress import unwatched
from features.plain import ints

SIZE = 60


@pytest.fixture(scope="module")
def around():
    rng = np.random.default_rng(0)
    factors = tuple(
        sparse.random(SIZE, 30, 0.5, format="csr", dtype=np.float32, random_state=rng) for _ in range(2)
    )
    return tuple(Surroundings.of(factors, np.arange(SIZE) < 50, mine=mine) for mine in range(2))


def searching(top):
    """Entities with even numbers are settled, and had all the others as candidates."""
    every = np.arange(SIZE, dtype=np.int32)
    former = Candidates.of_pairs(np.repeat(every, SIZE), np.tile(every, SIZE), structure=0.5)
    return Searching(top, 99, former, (every % 2 == 0, every % 2 == 0), nearest_rows, unwatched)


@pytest.mark.parametrize("mine", [0, 1])
def test_who_is_settled_keeps_his_candidates_where_nobody_looks_for_more(around, mine):
    sides = [np.arange(SIZE) < 50, np.arange(SIZE) < 50]
    found = searching(5).partners(around[mine], ints(*range(40)), tuple(sides), all_ask=False)
    alone = around[mine].partners(ints(*range(1, 40, 2)), top=5)
    asked = found.end(mine) % 2 == 1
    np.testing.assert_array_equal(found.take(asked).left, alone.left)
    np.testing.assert_array_equal(found.take(asked).right, alone.right)
    kept = found.take(~asked)
    assert sorted(set(kept.end(mine).tolist())) == list(range(0, 40, 2))
    assert len(kept) == 20 * 50
    # The neighbours of a pair may weigh otherwise in this round.
    assert np.isnan(kept.structure).all()


@pytest.mark.parametrize(("top", "all_ask"), [(5, True), (FEW + 10, False)])
def test_else_everybody_looks_for_others(around, top, all_ask):
    sides = np.ones(SIZE, dtype=bool), np.ones(SIZE, dtype=bool)
    looking = searching(top)
    found = looking.partners(around[0], ints(*range(SIZE)), sides, all_ask=all_ask)
    expected = around[0].partners(ints(*range(SIZE)), top=top, settled=looking.settled[0])
    np.testing.assert_array_equal(found.left, expected.left)
    np.testing.assert_array_equal(found.right, expected.right)


def test_the_first_round_has_nothing_to_keep(around):
    first = replace(searching(5), former=None, settled=None)
    sides = np.ones(SIZE, dtype=bool), np.ones(SIZE, dtype=bool)
    found = first.partners(around[0], ints(*range(SIZE)), sides, all_ask=False)
    assert len(found) == 5 * SIZE
