"""Whom no change reaches is not seen again, and looks the same."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossgraph.model.seen import Seen
from crossgraph.updating.seeing import SeenBefore
from model.in_arrays import in_arrays, plain
from model.samples import LAST, some_network, some_pair

EVERYBODY = torch.arange(5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.lists(st.booleans(), min_size=5, max_size=5), st.permutations(range(5)))
def test_some_as_before_and_some_anew_are_what_is_seen(seed: int, anew: list[bool], order: list[int]) -> None:
    tensors, networks = some_pair(seed, (5, 5)), (some_network(seed),)
    see = Seen(networks, tensors)
    lowers = [see(0, side, EVERYBODY) for side in range(2)]
    former, chosen = np.array(order, dtype=np.int32), np.array(anew)
    # Entities had other numbers then, and of those that are seen anew nothing is read.
    then = []
    for vectors in see.vectors[0]:
        old = np.empty_like(vectors)
        old[former] = np.where(chosen[:, None], np.float16("nan"), vectors)
        then.append(old)
    before = SeenBefore(
        tuple(plain(one, LAST) for one in networks),
        in_arrays(tensors),
        ((then[0], then[1]),),
        (former, np.where(chosen, -1, former)),
        (chosen, chosen),
    )
    for side, lower in enumerate(lowers):
        assert lower is not None
        found, expected = before(0, side, EVERYBODY.numpy()), lower.h.detach().numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(found[chosen], expected[chosen], rtol=1e-4, atol=1e-5)
