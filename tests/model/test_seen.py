"""What networks see of entities alone is kept as they saw it, and nobody is seen otherwise for it."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossgraph.learning import heard
from crossgraph.model.prepared import with_neighbours
from crossgraph.model.seen import Seen
from model.samples import BOTH, all_pairs, some_network, some_pair

few = settings(max_examples=20, deadline=None)


@few
@given(st.integers(0, 1000), st.sets(st.integers(0, 5)))
def test_neighbours_are_what_sets_say(seed: int, wanted: set[int]) -> None:
    side = some_pair(seed).right
    around = {
        int(other)
        for one in wanted
        for other, real in zip(side.neighbours[one].tolist(), side.mask[one].tolist(), strict=True)
        if real
    }
    found = with_neighbours(side, torch.tensor(sorted(wanted), dtype=torch.int64))
    assert found.tolist() == sorted(wanted | around)


@few
@given(st.integers(0, 1000), st.sets(st.integers(0, 4), min_size=1))
def test_who_was_seen_is_kept_and_nobody_else(seed: int, wanted: set[int]) -> None:
    tensors, networks = some_pair(seed), (some_network(1), some_network(2))
    see, entities = Seen(networks, tensors), torch.tensor(sorted(wanted))
    assert see.vectors == ()
    lowers = [[see(number, side, entities) for side in range(2)] for number in range(2)]
    for both, kept in zip(lowers, see.vectors, strict=True):
        for side, (lower, vectors) in enumerate(zip(both, kept, strict=True)):
            assert lower is not None
            assert len(vectors) == len(tensors.sides[side])
            known = lower.known.numpy()
            np.testing.assert_allclose(vectors[known], lower.h.numpy(), rtol=1e-3, atol=1e-6)
            assert np.isnan(np.delete(vectors, known, axis=0)).all()


def test_what_is_too_large_for_half_the_bits_counts_as_unseen() -> None:
    tensors, network = some_pair(0), some_network(0)
    with torch.no_grad():
        network.level0.attribute.weight *= 1e6
    see = Seen((network,), tensors)
    for side in range(2):
        see(0, side, torch.arange(5))
    ((left, _),) = see.vectors
    assert np.isnan(left).all(axis=1).any()
    assert not np.isinf(left).any()


def test_networks_that_see_the_partner_at_once_keep_nothing_and_all_hear_the_same() -> None:
    tensors = some_pair(1)
    pairs = tuple(side.numpy() for side in all_pairs(tensors))
    folds = np.full(len(pairs[0]), -1, dtype=np.int32)
    for networks in ((some_network(1, BOTH), some_network(2, BOTH)), (some_network(1), some_network(2))):
        see = Seen(networks, tensors)
        found = heard(networks, tensors, (pairs[0], pairs[1]), folds, see=see)
        assert np.array_equal(found, heard(networks, tensors, (pairs[0], pairs[1]), folds))
        assert len(see.vectors) == (0 if networks[0].options == BOTH else 2)
