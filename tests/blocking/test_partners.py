from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from crossgraph.blocking.partners import FEW, Surroundings, structural_candidates
from crossgraph.blocking.structure import weights_of
from features.plain import ints


@pytest.mark.parametrize("mine", [0, 1])
def test_a_search_tells_the_structure_of_whom_it_finds_by_whole_rows(mine):
    rng = np.random.default_rng(0)
    factors = tuple(
        sparse.random(60, 30, 0.2, format="csr", dtype=np.float32, random_state=rng) for _ in range(2)
    )
    around = Surroundings.of(factors, np.ones(60, dtype=bool), mine=mine)
    entities = ints(*range(60))
    found = around.partners(entities, top=9)
    np.testing.assert_array_equal(found.structure, weights_of(factors, found.left, found.right))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crossgraph.blocking.products.REACH", 60)
        cut = around.partners(entities, top=9)
    told = ~np.isnan(cut.structure)
    assert 0 < told.sum() < len(cut)
    np.testing.assert_array_equal(cut.structure[told], weights_of(factors, cut.left, cut.right)[told])


def test_who_has_a_sure_partner_looks_for_few_others():
    rng = np.random.default_rng(0)
    factors = tuple(sparse.csr_matrix(rng.random((60, 8)).astype(np.float32)) for _ in range(2))
    members = np.arange(60) < 50, np.ones(60, dtype=bool)
    settled = np.arange(60) % 2 == 0, np.zeros(60, dtype=bool)
    around = Surroundings.of(factors, members[1], mine=0)
    found = around.partners(ints(*range(50)), top=30, settled=settled[0])
    whole = structural_candidates(factors, members, top=30)
    few = structural_candidates(factors, members, top=FEW)
    for entity in range(50):
        expected = few if settled[0][entity] else whole
        np.testing.assert_array_equal(
            found.right[found.left == entity], expected.right[expected.left == entity]
        )
    assert len(found) == 25 * (FEW + 30)
