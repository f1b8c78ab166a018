from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.ranking import FARTHEST
from crossgraph.contest import Contest
from crossgraph.preparation import Known
from crossgraph.schema.seeds import EntityPairs
from features.plain import ints

pairs = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.floats(-9, 9), st.booleans(), st.booleans()),
    min_size=1,
    max_size=12,
    unique_by=lambda row: row[:2],
).map(sorted)
NOBODY = EntityPairs.of(ints(), ints())


def contest_of(rows, **changes):
    found = Contest.free(
        Candidates.of_pairs(ints(*(row[0] for row in rows)), ints(*(row[1] for row in rows)))
    )
    return replace(found, **changes)


def scores_of(rows):
    return np.array([row[2] for row in rows])


def alone_of(rows):
    return np.array([row[3] for row in rows]), np.array([row[4] for row in rows])


def marginals(rows):
    """Log-odds of each pair over all sets of pairs in which nobody who may have one partner has two."""
    held, gone = [0.0] * len(rows), [0.0] * len(rows)
    for chosen in itertools.product([False, True], repeat=len(rows)):
        taken = [row for row, yes in zip(rows, chosen, strict=True) if yes]
        if any(
            one[side] == other[side] and one[3 + side] and other[3 + side]
            for one, other in itertools.combinations(taken, 2)
            for side in (0, 1)
        ):
            continue
        weight = math.exp(sum(row[2] for row in taken))
        for at, yes in enumerate(chosen):
            (held if yes else gone)[at] += weight
    return [math.log(yes) - math.log(no) for yes, no in zip(held, gone, strict=True)]


@pytest.mark.parametrize(
    "ends", [[(0, 0)], [(0, 0), (0, 1)], [(0, 0), (1, 0), (1, 1)], [(0, 0), (0, 1), (0, 2), (1, 0)]]
)
@given(st.data())
def test_without_cycles_standings_are_the_marginals_of_all_matchings(ends, data):
    alone = data.draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    rows = [(a, b, data.draw(st.floats(-4, 4)), *alone) for a, b in ends]
    found = contest_of(rows, alone=alone_of(rows)).standings(scores_of(rows))
    np.testing.assert_allclose(found, marginals(rows), atol=0.02)


@given(pairs)
def test_exchanged_sides_have_the_same_standings(rows):
    turned = sorted((b, a, score, right, left) for a, b, score, left, right in rows)
    found = contest_of(rows, alone=alone_of(rows)).standings(scores_of(rows))
    other = contest_of(turned, alone=alone_of(turned)).standings(scores_of(turned))
    place = [turned.index((b, a, score, right, left)) for a, b, score, left, right in rows]
    np.testing.assert_allclose(other[place], found, atol=1e-9)


@given(pairs)
def test_who_has_no_rival_or_may_have_many_partners_stands_as_scored(rows):
    many = np.zeros(len(rows), dtype=bool)
    np.testing.assert_allclose(
        contest_of(rows, alone=(many, many)).standings(scores_of(rows)), scores_of(rows)
    )
    np.testing.assert_allclose(contest_of(rows[:1]).standings(scores_of(rows[:1])), scores_of(rows[:1]))


@given(pairs, st.integers(0, 11), st.floats(0.1, 5))
def test_a_higher_score_stands_no_lower_and_lets_no_rival_stand_higher(rows, at, more):
    at %= len(rows)
    contest, score = contest_of(rows), scores_of(rows)
    before, after = contest.standings(score), contest.standings(score + more * (np.arange(len(rows)) == at))
    assert after[at] >= before[at] - 1e-9


def test_a_link_takes_its_entities_from_others_but_for_those_of_its_own_fold():
    rows = [(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0), (1, 1, 1.0), (2, 2, 1.0)]
    known = Known(EntityPairs.of(ints(0), ints(0)), EntityPairs.of(ints(2), ints(2)))
    free = contest_of(rows).standings(scores_of(rows))
    given = contest_of(rows, known=known).standings(scores_of(rows))
    assert given[0] > FARTHEST / 2
    assert (given[[1, 2, 4]] < -FARTHEST / 2).all()
    assert given[3] > free[3], "the rivals of the last pair have found their partners"
    labelled = contest_of(rows, known=known, folds=ints(1, 1, 1, -1, 2)).standings(scores_of(rows))
    np.testing.assert_allclose(labelled[:3], free[:3])
    assert labelled[3] == given[3]
    assert labelled[4] == pytest.approx(free[4])


def test_what_a_rule_forbids_is_no_rival():
    rows = [(0, 0, 1.0), (0, 1, 3.0)]
    barred = contest_of(rows, barred=np.array([False, True])).standings(scores_of(rows))
    assert barred[0] == pytest.approx(contest_of(rows[:1]).standings(scores_of(rows[:1]))[0], abs=1e-6)
    assert barred[1] < -FARTHEST / 2
