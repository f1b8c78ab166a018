"""Decisions heed what is known, what is forbidden, and how many partners an entity may have."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.blocking.combine import BlockingOptions
from crossgraph.cardinality import CARDINALITIES, Cardinality, observed_cardinalities, single
from crossgraph.deciding import (
    Rules,
    contradicts,
    decide,
    disagrees,
    forbidden,
    keep_known,
    refuse_unknown,
    refuse_unmapped,
)
from crossgraph.decisions import DecisionOptions
from crossgraph.errors import ConfigError
from crossgraph.features.description import describe
from crossgraph.graphs import KnowledgeGraph
from crossgraph.preparation import Known
from crossgraph.proposing import prepare
from crossgraph.schema.estimate import SchemaOptions
from crossgraph.schema.mapping import AttributeMapping, SchemaMapping, TypeMapping
from crossgraph.schema.seeds import EntityPairs
from features.plain import graph_of

ends = st.tuples(st.integers(0, 4), st.integers(0, 4))


def pairs(*rows: tuple[int, int]) -> EntityPairs:
    table = np.array(rows, dtype=np.int32).reshape(-1, 2)
    return EntityPairs.of(table[:, 0], table[:, 1])


def alone(candidates: Candidates, kind: Cardinality = "one-to-one") -> tuple[np.ndarray, np.ndarray]:
    return single({"*": kind}, PairTypes.named(pl.Series(["film"] * len(candidates))))


def test_a_rival_of_a_known_link_takes_its_next_best_partner() -> None:
    candidates = Candidates.of_pairs(np.array([0, 1, 1]), np.array([0, 0, 1]))
    probability = np.array([0.05, 0.99, 0.8])
    known = Known(pairs((0, 0)), pairs())
    ruled_out = contradicts(candidates, known, alone(candidates))
    assert ruled_out.tolist() == [False, True, False]
    types = PairTypes.named(pl.Series(["film"] * 3))
    chosen = decide(candidates, np.where(ruled_out, 0.0, probability), types, Rules({"*": 0.5}, {}))
    assert keep_known(candidates, chosen, known).tolist() == [True, False, True]


def test_a_known_non_match_is_never_one_even_beside_a_link() -> None:
    candidates = Candidates.of_pairs(np.array([0, 0, 1]), np.array([0, 1, 1]))
    known = Known(pairs((0, 0)), pairs((1, 1)))
    ruled_out = contradicts(candidates, known, alone(candidates))
    assert ruled_out.tolist() == [False, True, True]
    assert keep_known(candidates, ~ruled_out, known).tolist() == [True, False, False]


def test_without_knowledge_nothing_is_contradicted() -> None:
    candidates = Candidates.of_pairs(np.array([0, 1]), np.array([0, 1]))
    assert not contradicts(candidates, Known.nothing(), alone(candidates)).any()


def test_rivals_of_a_link_are_none_where_entities_may_have_several_partners() -> None:
    candidates = Candidates.of_pairs(np.array([0, 0, 1]), np.array([0, 1, 0]))
    known = Known(pairs((0, 0)), pairs())
    expected = {
        "one-to-one": [False, True, True],
        "many-to-one": [False, True, False],
        "one-to-many": [False, False, True],
        "free": [False, False, False],
    }
    for kind in CARDINALITIES:
        assert contradicts(candidates, known, alone(candidates, kind)).tolist() == expected[kind]


def test_thresholds_go_by_type_and_unnamed_types_take_the_common_one() -> None:
    candidates = Candidates.of_pairs(np.array([0, 1, 2]), np.array([0, 1, 2]))
    types = PairTypes.named(pl.Series(["film", "person", "city"]))
    rules = Rules({"film": 0.7, "person": 0.6, "*": 0.5}, {})
    assert decide(candidates, np.array([0.6, 0.6, 0.6]), types, rules).tolist() == [False, True, True]


@given(st.lists(ends, unique=True, min_size=1, max_size=12), st.data())
def test_each_entity_has_as_many_partners_as_its_type_allows(rows, data) -> None:
    candidates = Candidates.of_pairs(*(np.array(side) for side in zip(*rows, strict=True)))
    size = len(candidates)
    probability = np.array(data.draw(st.lists(st.floats(0.02, 1), min_size=size, max_size=size)))
    for kind in CARDINALITIES:
        rules = Rules({"*": 0.0}, {"*": kind})
        chosen = decide(candidates, probability, PairTypes.named(pl.Series(["film"] * size)), rules)
        of_left, of_right = (
            np.unique(side[chosen], return_counts=True) for side in (candidates.left, candidates.right)
        )
        if kind in ("one-to-one", "many-to-one"):
            assert of_left[1].max() == 1
        if kind in ("one-to-one", "one-to-many"):
            assert of_right[1].max() == 1
        if kind == "many-to-one":
            assert len(of_left[0]) == len(np.unique(candidates.left)), "each left entity has its likeliest"
            for row in np.flatnonzero(chosen):
                rivals = probability[candidates.left == candidates.left[row]]
                assert probability[row] == rivals.max()
        if kind == "free":
            assert chosen.all()


def test_types_of_different_kinds_are_decided_apart() -> None:
    rows = list(product(range(2), range(2)))
    candidates = Candidates.of_pairs(*(np.array(side) for side in zip(*rows, strict=True)))
    types = PairTypes.named(pl.Series(["film", "film", "song", "song"]))
    rules = Rules({"*": 0.5}, {"song": "free", "*": "one-to-one"})
    assert decide(candidates, np.array([0.9, 0.8, 0.9, 0.8]), types, rules).tolist() == [
        True,
        False,
        True,
        True,
    ]


def links(*, left: int, right: int) -> EntityPairs:
    """Forty links of blocks in which each left entity has ``right`` partners and each right one ``left``."""
    blocks = range(40 // (left * right))
    return pairs(*((b * left + i, b * right + j) for b in blocks for i in range(left) for j in range(right)))


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [(1, 1, "one-to-one"), (2, 1, "many-to-one"), (1, 2, "one-to-many"), (2, 2, "free")],
)
def test_known_links_tell_how_many_partners_there_are(left: int, right: int, kind: str) -> None:
    types = ("film", "song"), np.zeros(40, dtype=np.int32)
    assert observed_cardinalities(links(left=left, right=right), types) == {"film": kind, "*": kind}
    few = links(left=left, right=right).take(np.arange(40) < 16)
    assert observed_cardinalities(few, types) == {"*": "one-to-one"}, "so few may be accidents"


def test_settings_go_before_what_links_tell() -> None:
    options = DecisionOptions(cardinality_of=("song = free",))
    assert options.cardinalities({"film": "many-to-one", "song": "one-to-one"}) == {
        "film": "many-to-one",
        "song": "free",
    }
    options = DecisionOptions(cardinality="one-to-many", cardinality_of=("a=b = free",))
    assert options.cardinalities({"film": "free", "*": "free"})["*"] == "one-to-many"


@pytest.mark.parametrize(
    ("key", "text"),
    [("cardinality_of", "song"), ("cardinality_of", "song = two"), ("apart", "film"), ("apart", " = film")],
)
def test_rules_that_are_none_are_refused(key: str, text: str) -> None:
    with pytest.raises(ConfigError, match=key):
        DecisionOptions(**{key: (text,)})


def test_values_that_say_nothing_agree_with_nothing_and_bar_nobody() -> None:
    others = [(f"z{number}", "size", str(number)) for number in range(30)]
    left = graph_of([("a", "b"), ("c", "b")], facts=[("a", "size", "-"), ("c", "size", "-5"), *others])
    right = graph_of([("p", "b"), ("q", "b")], facts=[("p", "size", "7"), ("q", "size", "5"), *others])
    description = describe(left, right)
    schema = SchemaMapping((), (), (AttributeMapping("size", "size"),))
    every = np.array([0, 0, 1, 1], dtype=np.int32), np.array([0, 1, 0, 1], dtype=np.int32)
    assert disagrees(description, schema, every, "size").tolist() == [False, False, True, True]


def books(**isbns: str) -> KnowledgeGraph:
    """Books of one name with an ISBN each, or several, or none; the last is no book but a film."""
    names = list(isbns)
    facts = [(name, "title", "Emma") for name in names]
    facts += [(name, "isbn", one) for name, all_of in isbns.items() for one in all_of.split()]
    return graph_of([(name, "film" if name == names[-1] else "book") for name in names], facts=facts)


def test_a_key_that_has_to_agree_forbids_pairs_that_have_different_ones() -> None:
    left, right = books(a="123", b="123 456", c="", d=""), books(p="00123", q="456", r="", s="")
    schema = SchemaMapping(
        types=(TypeMapping("book", "book"), TypeMapping("film", "film"), TypeMapping("book", "film")),
        relations=(),
        attributes=(AttributeMapping("title", "title"), AttributeMapping("isbn", "isbn")),
    )
    rows = list(product(range(4), range(4)))
    keep = EntityPairs.of(*(np.array(side) for side in zip(*rows, strict=True)))
    given_schema = {"schema": schema, "schema_options": SchemaOptions(), "blocking": BlockingOptions()}
    preparation = prepare((left, right), Known.nothing(), keep=keep, **given_schema)
    ids = [
        (left.ids[int(a)], right.ids[int(b)])
        for a, b in zip(preparation.candidates.left, preparation.candidates.right, strict=True)
    ]

    def forbids(**rules: tuple[str, ...]) -> set[tuple[str, str]]:
        found = forbidden(preparation, DecisionOptions(**rules))
        return {pair for pair, is_forbidden in zip(ids, found, strict=True) if is_forbidden}

    assert forbids() == set()
    assert forbids(must_agree=("isbn",)) == {("a", "q")}, (
        "numbers that are equal agree, and one in common is enough"
    )
    assert forbids(apart=("book = film",)) == {("a", "s"), ("b", "s"), ("c", "s")}
    for rules in ({"must_agree": ("issn",)}, {"apart": ("book = song",)}, {"apart": ("song = book",)}):
        assert forbids(**rules) == set(), "what is not there any more forbids nothing"
        with pytest.raises(ConfigError, match="there is no"):
            refuse_unknown((left, right), DecisionOptions(**rules))
    with pytest.raises(ConfigError, match="left type 'flim'"):
        refuse_unknown((left, right), DecisionOptions(cardinality_of=("flim = free",)))
    refuse_unknown((left, right), DecisionOptions(cardinality_of=("film = free",), must_agree=("isbn",)))
    refuse_unmapped(schema, right, DecisionOptions(must_agree=("isbn",)))
    with pytest.raises(ConfigError, match="no attribute of the right graph"):
        refuse_unmapped(replace(schema, attributes=()), right, DecisionOptions(must_agree=("isbn",)))
    elsewhere = replace(schema, attributes=(AttributeMapping("isbn", "issn"),))
    with pytest.raises(ConfigError, match="no attribute of the right graph"):
        refuse_unmapped(elsewhere, right, DecisionOptions(must_agree=("isbn",)))
