from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from blocking.test_structure import SIMILARITY, TYPED, edges, mappings
from crossgraph.blocking.structure import neighbour_products, weights_of
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.updating.neighbours import Neighbours
from features.plain import graph_of

NOTHING = SchemaMapping((), (), ())
FEW = np.where(SIMILARITY > 0.6, SIMILARITY, 0).astype(np.float32)
members = st.lists(st.booleans(), min_size=5, max_size=5).map(np.array)


@given(edges, edges, mappings, members, members, members, members, st.sampled_from([0.0, 0.5]))
def test_whoever_is_asked_about_weighs_as_if_all_were_made(
    lefts, rights, schema, left, right, again_left, again_right, anyhow
):
    graphs = graph_of(types=TYPED, edges=lefts), graph_of(types=TYPED, edges=rights)
    # Numbers of entities are not those of their names: any similarity will do.
    similarity = sparse.csr_matrix(FEW)
    whole, lengths = neighbour_products(*graphs, schema, similarity, anyhow=anyhow)
    asking = np.flatnonzero(left), np.flatnonzero(right)
    # Who stays tells what is usual.
    again_left[0] = again_right[0] = False
    found, told = Neighbours(graphs, schema, similarity, anyhow).factors(
        asking, lengths, (again_left, again_right)
    )
    for one, other in zip(told, lengths, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    rows, columns = np.nonzero(left[:, None] | right[None, :])
    pairs = rows.astype(np.int32), columns.astype(np.int32)
    np.testing.assert_allclose(weights_of(found, *pairs), weights_of(whole, *pairs), rtol=1e-4, atol=1e-6)


def test_what_nobody_asks_for_is_not_made():
    ring = [(a, "r", b) for a, b in zip("abcde", "bcdea", strict=True)]
    graph = graph_of(types=TYPED, edges=ring)
    similarity = sparse.identity(5, dtype=np.float32, format="csr")
    around = Neighbours((graph, graph), NOTHING, similarity, 0.5)
    nobody = np.zeros(5, dtype=bool)
    _, lengths = neighbour_products(graph, graph, NOTHING, similarity, anyhow=0.5)
    (x, y), _ = around.factors((np.array([0]), np.array([], dtype=np.int64)), lengths, (nobody, nobody))
    both = np.flatnonzero(np.diff(x.indptr)), np.flatnonzero(np.diff(y.indptr))
    assert len(both[0]) == len(both[1]) == 3
