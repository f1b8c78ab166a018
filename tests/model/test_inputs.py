from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from crossgraph.model.inputs import Likeness


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 6))
def test_likeness_is_looked_up_for_every_two_neighbours(seed: int, lefts: int, rights: int) -> None:
    rng = np.random.default_rng(seed)
    held = rng.uniform(-0.2, 1.2, (lefts, rights)) * (rng.random((lefts, rights)) < 0.4)
    likeness = Likeness.of(sparse.csr_matrix(held))
    left, right = (torch.from_numpy(rng.integers(0, n, (3, 4)).astype(np.int32)) for n in (lefts, rights))
    got = likeness.between(left, right)
    expected = np.clip(held, 0, 1)[left.numpy()[:, :, None], right.numpy()[:, None, :]]
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-6)


def test_a_matrix_may_hold_its_pairs_in_any_order() -> None:
    held = sparse.csr_matrix((np.array([0.3, 0.2, 0.1]), np.array([2, 1, 0]), np.array([0, 3])), shape=(1, 3))
    every = torch.arange(3).unsqueeze(0)
    found = Likeness.of(held).between(torch.zeros(1, 1, dtype=torch.int32), every)
    np.testing.assert_allclose(found[0, 0], [0.1, 0.2, 0.3], atol=1e-6)


def test_large_entity_numbers_do_not_meet() -> None:
    left, right = np.array([0, 1, 2**31 - 1]), np.array([2**31 - 1, 0, 2**31 - 1])
    keys = np.sort(left << 32 | right)
    likeness = Likeness(torch.from_numpy(keys), torch.ones(3))
    found = likeness.between(torch.from_numpy(left).int()[None], torch.from_numpy(right).int()[None])
    assert found[0].tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]


def test_nothing_known_is_nothing_alike() -> None:
    nobody = torch.zeros(2, 0, dtype=torch.int32)
    some = torch.zeros(2, 3, dtype=torch.int32)
    assert not Likeness.nothing().between(some, some).any()
    assert Likeness.nothing().between(nobody, some).shape == (2, 0, 3)
