"""Whom no change reaches is not seen again, and looks the same."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossgraph.errors import ResultError
from crossgraph.graphs import KnowledgeGraph
from crossgraph.graphs.adjacency import Adjacency, directed_names
from crossgraph.graphs.changes import Changes
from crossgraph.graphs.evolved import evolved
from crossgraph.model.seen import Seen
from crossgraph.sampling import SamplingOptions, sample_neighbourhoods
from crossgraph.sights import Drawn, Sights, store_sights, stored_sights
from crossgraph.updating.before import moved_of
from crossgraph.updating.seeing import SeenBefore, Sight
from crossgraph.updating.touched import Touched
from graphs.statements import graph_of, rows, statements
from model.in_arrays import in_arrays, plain
from model.samples import LAST, some_network, some_pair

EVERYBODY = torch.arange(5)
FEW = SamplingOptions(neighbours=2)


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


def drawn(graph: KnowledgeGraph, entity: str) -> set[tuple[str, str]]:
    """Whom networks look at beside an entity, by what."""
    around = sample_neighbourhoods(graph, Adjacency.of(graph), options=FEW, seed=0)
    at, names = graph.position(entity), directed_names(graph.relation_names)
    rows = zip(around.neighbours[at].tolist(), around.relations[at].tolist(), around.mask[at], strict=True)
    return {(names[relation], graph.ids[other]) for other, relation, real in rows if real}


def around(graph: KnowledgeGraph, entity: str) -> set[str]:
    adjacency, at = Adjacency.of(graph), graph.position(entity)
    return set(graph.ids.gather(adjacency.neighbours[adjacency.indptr[at] : adjacency.indptr[at + 1]]))


def sight_of(then: set[tuple[str, ...]], now: set[tuple[str, ...]]) -> tuple[Sight, KnowledgeGraph]:
    """How a graph looks after changes, on both sides, and the one before; nobody was unseen."""
    before, changes = graph_of(then), Changes(rows(now - then), rows(then - now))
    graph, numbers = evolved(before, changes)
    adjacency = Adjacency.of(graph)
    (moved, _) = moved_of((numbers, numbers), (graph, graph), (changes, changes))
    touched = Touched.of(graph, adjacency, moved, changes)
    old = sample_neighbourhoods(before, Adjacency.of(before), options=FEW, seed=0)
    seen = np.zeros((len(before) + 1, 1), dtype=np.float16)
    sight = Sight(
        preparation=SimpleNamespace(graphs=(graph, graph), adjacency=(adjacency, adjacency)),
        ground=SimpleNamespace(shares=({}, {})),
        vocabulary=None,
        model=SimpleNamespace(sampling=FEW, seed=0, networks=("one",)),
        touched=(touched, touched),
        sights=Sights(((seen, seen),), (Drawn.of(old, before),) * 2),
    )
    return sight, before


@settings(max_examples=50, deadline=None)
@given(statements, statements)
def test_networks_look_again_at_who_tells_other_things_or_is_beside_others(then, more) -> None:
    """Of a few changes: an entity of which one edge of many comes or goes may be beside the same ones."""
    sight, before = sight_of(then, then ^ set(sorted(more)[:3]))
    graph, touched = sight.preparation.graphs[0], sight.touched[0]
    expected = [
        bool(told or (other and drawn(graph, one) != drawn(before, one)))
        for one, told, other in zip(graph.ids, touched.told, touched.blocked | touched.edged, strict=True)
    ]
    assert sight.otherwise[0].tolist() == sight.otherwise[1].tolist() == expected


@settings(max_examples=50, deadline=None)
@given(statements, statements)
def test_who_looks_or_looked_at_somebody_that_tells_other_things_is_seen_anew(then, more) -> None:
    sight, before = sight_of(then, then ^ set(sorted(more)[:3]))
    graph, touched = sight.preparation.graphs[0], sight.touched[0]
    told = {one for one, other in zip(graph.ids, touched.told, strict=True) if other}
    found = sight._anew(0, np.ones(len(graph), dtype=bool))
    for one, anew, touch in zip(graph.ids, found, touched.blocked | touched.edged, strict=True):
        beside = drawn(graph, one)
        looks = any(other in told for _, other in beside)
        if one in told or looks:
            assert anew
        elif touch:
            assert anew == (beside != drawn(before, one))
        elif beside != drawn(before, one):
            # Who was beside it and is so no more, or the other way round, tells other things.
            assert anew or not around(graph, one) & told
        else:
            assert not anew


def test_who_looks_no_more_at_somebody_since_that_tells_other_things_is_seen_anew() -> None:
    """What an entity tells decides who looks at it."""
    beside = [f"n{at}" for at in range(8)]
    then = {("edge", "x", "r", one, "") for one in beside} | {("fact", one, "a", one, "") for one in beside}
    lost = 0
    for one in beside:
        sight, before = sight_of(then, then ^ {("fact", one, "a", value, "") for value in (one, "other")})
        graph = sight.preparation.graphs[0]
        looked, looks = drawn(before, "x"), drawn(graph, "x")
        lost += ("r", one) in looked - looks
        found = sight._anew(0, np.ones(len(graph), dtype=bool))
        assert found[graph.position("x")] == (looked != looks or ("r", one) in looks)
    assert lost


def test_what_was_drawn_is_kept_and_damage_is_told(tmp_path) -> None:
    graph = graph_of({("edge", "a", "x", "b", ""), ("edge", "a", "y", "c", "")})
    kept = Drawn.of(sample_neighbourhoods(graph, Adjacency.of(graph), options=FEW, seed=0), graph)
    seen = np.ones((3, 4), dtype=np.float16)
    assert stored_sights(tmp_path, (3, 3)) is None
    store_sights(Sights(((seen, seen),), (kept, kept)), tmp_path)
    found = stored_sights(tmp_path, (3, 3))
    assert found is not None
    for one in found.drawn:
        np.testing.assert_array_equal(one.neighbours, kept.neighbours)
        np.testing.assert_array_equal(one.relations, kept.relations)
        assert one.names == kept.names == ("x", "y", "^x", "^y")
    with pytest.raises(ResultError, match=r"seen_0_left\.npy cannot be read: no vectors of 4 entities"):
        stored_sights(tmp_path, (4, 3))
    store_sights(Sights((), (replace(kept, neighbours=kept.neighbours + 3), kept)), tmp_path)
    with pytest.raises(ResultError, match=r"drawn_left\.npz cannot be read: neighbours that there are not"):
        stored_sights(tmp_path, (3, 3))
    (tmp_path / "drawn_left.npz").write_bytes(b"PK")
    with pytest.raises(ResultError, match=r"drawn_left\.npz cannot be read"):
        stored_sights(tmp_path, (3, 3))
