from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.blocking.candidates import Candidates
from crossgraph.labels import (
    FEW_LINKS,
    FOLDS,
    SEED_WEIGHT,
    SEEDS_IN_ALL,
    SEEDS_PER_TYPE,
    TEACHING_LINKS,
    drawn,
    label_links,
    label_pairs,
    teaching_seeds,
)
from crossgraph.schema.seeds import BELIEVED, EntityPairs
from features.plain import ints

pair = st.tuples(st.integers(0, 5), st.integers(0, 5))
pairs = st.lists(pair, max_size=12)
one_to_one = pairs.map(
    lambda rows: [
        row for at, row in enumerate(rows) if all(row[0] != a and row[1] != b for a, b in rows[:at])
    ]
)
NONE = EntityPairs.of(ints(), ints())


def sides(rows):
    return tuple(np.array([row[i] for row in rows], dtype=np.int32) for i in (0, 1))


def links_of(rows, weight=1.0):
    return EntityPairs.of(*sides(rows), weight)


def told(candidates, labels):
    places = labels.places
    return list(zip(candidates.left[places].tolist(), candidates.right[places].tolist(), strict=True))


@given(pairs, one_to_one, pairs, one_to_one)
def test_labels_are_the_closure_of_links(rows, positive, negative, believed):
    candidates = Candidates.of_pairs(*sides(rows))
    negative = [row for row in negative if row not in positive]
    labels = label_links(
        candidates, (links_of(positive), links_of(negative)), links_of(believed, BELIEVED), seed=1
    )

    def touches(row, links):
        return any(row[0] == a or row[1] == b for a, b in links)

    expected = {}
    for row in rows:
        if row in negative:
            expected[row] = (False, True)
        elif touches(row, positive):
            expected[row] = (row in positive, True)
        elif touches(row, believed):
            expected[row] = (row in believed, False)
    found = zip(labels.same.tolist(), labels.known.tolist(), strict=True)
    assert dict(zip(told(candidates, labels), found, strict=True)) == expected
    assert (np.diff(labels.places) > 0).all()
    np.testing.assert_allclose(labels.weight, np.where(labels.known, 1.0, SEED_WEIGHT))
    assert ((labels.folds >= 0) & (labels.folds < FOLDS)).all()
    assert labels.matches == len(positive)


def test_a_link_says_nothing_of_other_candidates_where_there_may_be_several_partners():
    rows = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0)]
    candidates, links = Candidates.of_pairs(*sides(rows)), links_of([(0, 0), (1, 1)])
    yes, no = np.ones(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    others = {(0, 1), (1, 0)}
    for alone, more in (
        ((yes, yes), {(0, 2), (2, 0)}),
        ((yes, no), {(0, 2)}),
        ((no, yes), {(2, 0)}),
        ((no, no), set()),
    ):
        labels = label_links(candidates, (links, NONE), NONE, seed=1, alone=alone)
        assert set(told(candidates, labels)) == {(0, 0), (1, 1)} | others | more
        assert labels.same.sum() == 2


@given(pairs, one_to_one, pairs)
def test_a_pair_shares_the_fold_of_a_link_of_its_ends(rows, positive, negative):
    candidates = Candidates.of_pairs(*sides(rows))
    links = links_of(positive)
    labels = label_links(candidates, (links, links_of(negative)), NONE, seed=1)
    fold = dict(zip(positive, (drawn(links, 1, None) % FOLDS).tolist(), strict=True))
    for row, found in zip(told(candidates, labels), labels.folds.tolist(), strict=True):
        own = [fold[link] for link in positive if row[0] == link[0] or row[1] == link[1]]
        assert found in own or not own
        assert row not in fold or found == fold[row]


@given(pairs, one_to_one, pairs, one_to_one)
def test_which_side_is_left_changes_no_label_and_no_fold(rows, positive, negative, believed):
    keys = np.random.default_rng(5).integers(0, 2**63, (2, 6)).astype(np.uint64)

    def found(turned):
        def turn(some):
            return [row[::-1] for row in some] if turned else some

        candidates = Candidates.of_pairs(*sides(turn(rows)))
        links = links_of(turn(positive)), links_of(turn(negative))
        seeds = links_of(turn(believed), BELIEVED)
        labels = label_links(
            candidates, links, seeds, seed=1, keys=(keys[1], keys[0]) if turned else (keys[0], keys[1])
        )
        columns = labels.same.tolist(), labels.known.tolist(), labels.folds.tolist()
        return dict(zip(turn(told(candidates, labels)), zip(*columns, strict=True), strict=True))

    assert found(turned=False) == found(turned=True)


def test_a_contradicted_link_is_no_match():
    candidates = Candidates.of_pairs(ints(0), ints(0))
    both = links_of([(0, 0)])
    assert label_links(candidates, (both, both), NONE, seed=0).same.tolist() == [False]


@pytest.mark.parametrize("keys", [None, (np.zeros(4000, dtype=np.uint64),) * 2])
def test_folds_are_of_one_size_even_where_all_contents_are_alike(keys):
    numbers = np.arange(4000, dtype=np.int32)
    candidates = Candidates.of_pairs(numbers, numbers)
    labels = label_links(candidates, (EntityPairs.of(numbers, numbers), NONE), NONE, seed=3, keys=keys)
    sizes = np.bincount(labels.folds, minlength=FOLDS)
    assert np.abs(sizes - 1000).max() < 4 * np.sqrt(4000 * 3 / 16)
    other = label_links(candidates, (EntityPairs.of(numbers, numbers), NONE), NONE, seed=4, keys=keys)
    assert (labels.folds == other.folds).mean() < 0.4


def test_folds_follow_the_keys_and_not_the_numbers():
    numbers = np.arange(50, dtype=np.int32)
    moved = np.random.default_rng(0).permutation(numbers).astype(np.int32)
    left, right = np.random.default_rng(1).integers(0, 2**63, (2, 50)).astype(np.uint64)
    candidates = Candidates.of_pairs(numbers, numbers)
    every = EntityPairs.of(numbers, numbers), NONE
    one = label_links(candidates, every, NONE, seed=2, keys=(left, right))
    other = label_links(candidates, every, NONE, seed=2, keys=(left[moved], right[moved]))
    np.testing.assert_array_equal(one.folds[moved], other.folds)


def test_given_labels_count_once_and_must_be_candidates():
    candidates = Candidates.of_pairs(ints(0, 0, 1), ints(0, 1, 1))
    given_pairs = ints(1, 0, 1), ints(1, 1, 1)
    labels = label_pairs(candidates, given_pairs, np.array([True, False, False]), seed=0)
    assert told(candidates, labels) == [(0, 1), (1, 1)]
    assert labels.same.tolist() == [False, True]
    assert labels.matches == 1
    assert len(labels.take(labels.same)) == 1
    with pytest.raises(ValueError, match="no candidate"):
        label_pairs(candidates, (ints(1), ints(0)), np.array([True]), seed=0)


def test_a_link_that_blocking_missed_does_not_tell_how_likely_others_are():
    numbers = np.arange(FEW_LINKS + 1, dtype=np.int32)
    missed = numbers == 0
    candidates = replace(Candidates.of_pairs(numbers, numbers), proposed=~missed)
    links = EntityPairs.of(numbers, numbers)
    labels = label_links(candidates, (links, NONE), NONE, seed=0)
    assert len(labels.trusted()) == FEW_LINKS + 1
    assert labels.telling().places.tolist() == numbers[1:].tolist()
    assert labels.telling().matches == FEW_LINKS + 1
    given = label_pairs(candidates, (numbers, numbers), numbers >= 0, seed=0)
    assert len(given.telling()) == FEW_LINKS + 1
    unproposed = replace(candidates, proposed=numbers < 0)
    assert len(label_links(unproposed, (links, NONE), NONE, seed=0).telling()) == FEW_LINKS + 1


@pytest.mark.parametrize("links", [FEW_LINKS - 1, FEW_LINKS])
def test_seeds_judge_only_where_too_few_links_are_known(links):
    numbers = np.arange(FEW_LINKS + 5, dtype=np.int32)
    candidates = Candidates.of_pairs(numbers, numbers)
    known, seeds = (EntityPairs.of(some, some) for some in (numbers[:links], numbers[links:]))
    labels = label_links(candidates, (known, NONE), seeds, seed=0)
    assert labels.known.tolist() == (numbers < links).tolist()
    assert len(labels.trusted()) == (links if links >= FEW_LINKS else len(numbers))


def test_found_is_what_blocking_proposes_and_would_propose_unknown():
    numbers = np.arange(6, dtype=np.int32)
    candidates = replace(Candidates.of_pairs(numbers, numbers), proposed=numbers != 1)
    links = EntityPairs.of(numbers, numbers)
    # A pair that is no candidate is nothing to say of.
    unseen = EntityPairs.of(ints(2, 4, 4), ints(2, 4, 5))
    labels = label_links(candidates, (links, NONE), NONE, seed=0, unseen=unseen)
    assert labels.found.tolist() == [True, False, False, True, False, True]
    assert labels.typical.tolist() == (numbers != 1).tolist()
    assert labels.take(numbers > 1).found.tolist() == [False, True, False, True]
    given = label_pairs(candidates, (numbers, numbers), numbers >= 0, seed=0)
    assert given.found.tolist() == (numbers != 1).tolist()


def test_seeds_teach_only_types_with_few_links_and_not_more_than_enough():
    count = 3 * SEEDS_PER_TYPE
    types = np.r_[np.zeros(count, dtype=np.int32), np.ones(count, dtype=np.int32), ints(2)]
    everyone = np.arange(len(types), dtype=np.int32)
    seeds = EntityPairs.of(everyone, everyone, BELIEVED)
    linked = EntityPairs.of(everyone[:TEACHING_LINKS], everyone[:TEACHING_LINKS])
    few = linked.take(np.arange(TEACHING_LINKS - 1))
    helped = teaching_seeds(seeds, few, types, seed=0)
    assert np.bincount(types[helped.left]).tolist() == [SEEDS_PER_TYPE, SEEDS_PER_TYPE, 1]
    chosen = teaching_seeds(seeds, linked, types, seed=0)
    assert np.bincount(types[chosen.left]).tolist() == [0, SEEDS_PER_TYPE, 1]
    assert (np.diff(chosen.left) > 0).all()
    # Drawn from the whole range, anew for each seed.
    assert abs(np.median(chosen.left[:-1]) / count - 1.5) < 0.1
    other = teaching_seeds(seeds, linked, types, seed=1)
    assert not np.array_equal(chosen.left, other.left)
    assert len(teaching_seeds(NONE, linked, types, seed=0)) == 0


def test_beside_links_seeds_are_what_these_leave_of_a_share():
    types = np.repeat(np.array([0, 1], dtype=np.int32), SEEDS_IN_ALL)
    everyone = np.arange(len(types), dtype=np.int32)
    seeds, linked = (EntityPairs.of(some, some, BELIEVED) for some in (everyone, everyone[:SEEDS_PER_TYPE]))
    chosen = teaching_seeds(seeds, linked, types, seed=0, beside=True)
    share = SEEDS_IN_ALL // 2
    assert np.bincount(types[chosen.left]).tolist() == [share - len(linked), share]
    enough = EntityPairs.of(everyone[:share], everyone[:share], BELIEVED)
    chosen = teaching_seeds(seeds, enough, types, seed=0, beside=True)
    assert np.bincount(types[chosen.left]).tolist() == [0, share]
    chosen = teaching_seeds(seeds, linked, types, seed=0, beside=True)
    # What is known need not be believed.
    assert chosen.left.min() >= SEEDS_PER_TYPE


def test_many_types_share_the_seeds():
    kinds, each = 30, 1_000
    types = np.repeat(np.arange(kinds, dtype=np.int32), each)
    everyone = np.arange(len(types), dtype=np.int32)
    seeds = EntityPairs.of(everyone, everyone, BELIEVED)
    chosen = teaching_seeds(seeds, EntityPairs.of(ints(), ints()), types, seed=0)
    assert np.bincount(types[chosen.left]).tolist() == [SEEDS_IN_ALL // kinds] * kinds
