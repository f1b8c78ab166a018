"""Relations whose neighbours the other graph tends to have too are drawn first."""

from __future__ import annotations

import numpy as np
import pytest

from crossgraph.blocking.names import name_keys
from crossgraph.features.description import describe
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.sampling import SamplingOptions, sample_neighbourhoods
from crossgraph.sampling.shared import PRIOR_EDGES, PRIOR_SHARE, echoed_shares
from crossgraph.schema.mapping import AttributeMapping, SchemaMapping
from features.plain import graph_of

SCHEMA = SchemaMapping(types=(), relations=(), attributes=(AttributeMapping("name", "label"),))


def prior(echoed: int, seen: int) -> float:
    return (echoed + PRIOR_EDGES * PRIOR_SHARE) / (seen + PRIOR_EDGES)


def films():
    """One film a side: a shared actor, an actor of the left alone, keywords that the right does not know."""
    left = graph_of(
        [("film", "f"), *((e, "t") for e in ("ann", "bob", "k1", "k2", "k3"))],
        [("film", "cast", "ann"), ("film", "cast", "bob"), *(("film", "word", f"k{i}") for i in (1, 2, 3))],
        [("film", "name", "Heat"), ("ann", "name", "Ann Lee"), ("bob", "name", "Bob Fox")]
        + [(f"k{i}", "name", f"keyword {i}") for i in (1, 2, 3)],
    )
    right = graph_of(
        [("movie", "m"), ("a", "p"), ("c", "p")],
        [("a", "plays", "movie"), ("c", "plays", "movie")],
        [("movie", "label", "Heat"), ("a", "label", "Ann Lee"), ("c", "label", "Carl Ray")],
    )
    return left, right


def numbers(graph, *ids):
    return np.array([graph.ids.index_of(i) for i in ids], dtype=np.int32)


def shares_of(left, right, pairs):
    keys = name_keys(describe(left, right), SCHEMA, (len(left), len(right)))
    return echoed_shares((Adjacency.of(left), Adjacency.of(right)), keys, pairs)


def test_shares_by_hand():
    left, right = films()
    of_left, of_right = shares_of(left, right, (numbers(left, "film"), numbers(right, "movie")))
    cast, word = (left.relation_names.index(name) for name in ("cast", "word"))
    assert of_left[cast] == pytest.approx(prior(1, 2))
    assert of_left[word] == pytest.approx(prior(0, 3))
    # "plays" runs towards the film, so it is met backwards.
    assert of_right[1] == pytest.approx(prior(1, 2))
    assert of_right[0] == pytest.approx(prior(0, 0))


def test_of_many_pairs_some_tell(monkeypatch):
    left, right = films()
    film, movie = numbers(left, "film")[0], numbers(right, "movie")[0]
    monkeypatch.setattr("crossgraph.sampling.shared.MOST_PAIRS", 3)
    many = np.full(100, film, dtype=np.int32), np.full(100, movie, dtype=np.int32)
    three = np.full(3, film, dtype=np.int32), np.full(3, movie, dtype=np.int32)
    for found, expected in zip(shares_of(left, right, many), shares_of(left, right, three), strict=True):
        assert found.tolist() == expected.tolist()


def test_a_namesake_beside_another_film_is_no_echo():
    left, right = films()
    wrong = numbers(left, "film"), numbers(right, "c")
    assert shares_of(left, right, wrong)[0] == pytest.approx(
        [prior(0, 2), prior(0, 3), PRIOR_SHARE, PRIOR_SHARE]
    )


def test_without_pairs_or_names_all_relations_are_alike():
    left, right = films()
    nobody = np.zeros(0, dtype=np.int32)
    for shares in shares_of(left, right, (nobody, nobody)):
        assert shares == pytest.approx(np.full(len(shares), PRIOR_SHARE))
    nameless = np.zeros(len(left), dtype=np.uint64), np.zeros(len(right), dtype=np.uint64)
    pairs = numbers(left, "film"), numbers(right, "movie")
    found = echoed_shares((Adjacency.of(left), Adjacency.of(right)), nameless, pairs)[0]
    assert (found <= PRIOR_SHARE).all()


def test_shared_relations_are_drawn_first():
    left, right = films()
    adjacency = Adjacency.of(left)
    shares = shares_of(left, right, (numbers(left, "film"), numbers(right, "movie")))[0]
    film, cast = left.ids.index_of("film"), left.relation_names.index("cast")
    options = SamplingOptions(neighbours=1)

    def share_of_cast(shares):
        drawn = [
            sample_neighbourhoods(left, adjacency, options=options, seed=seed, shares=shares)
            for seed in range(300)
        ]
        return np.mean([found.relations[film, 0] == cast for found in drawn])

    # By fan-out alone cast has 2 x 1/2 of 2 x 1/2 + 3 x 1/3, by shares too .064 of .064 + .017.
    assert share_of_cast(None) == pytest.approx(0.5, abs=0.1)
    assert share_of_cast(shares) == pytest.approx(0.78, abs=0.08)


def test_name_keys_are_equal_for_equal_names_and_zero_without():
    left, right = films()
    of_left, of_right = name_keys(describe(left, right), SCHEMA, (len(left), len(right)))
    assert of_left[numbers(left, "ann")] == of_right[numbers(right, "a")]
    assert len(set(of_left.tolist())) == len(left)
    bare = graph_of([("x", "t")], [], [])
    assert name_keys(describe(bare, right), SCHEMA, (1, len(right)))[0].tolist() == [0]
