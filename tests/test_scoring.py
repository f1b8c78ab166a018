"""Decisions heed what is known."""

from __future__ import annotations

import numpy as np
import polars as pl

from crossgraph.blocking.candidates import Candidates
from crossgraph.preparation import Known
from crossgraph.schema.seeds import EntityPairs
from crossgraph.scoring import contradicts, decide, keep_known


def pairs(*rows: tuple[int, int]) -> EntityPairs:
    table = np.array(rows, dtype=np.int32).reshape(-1, 2)
    return EntityPairs.of(table[:, 0], table[:, 1])


def test_a_rival_of_a_known_link_takes_its_next_best_partner() -> None:
    candidates = Candidates.of_pairs(np.array([0, 1, 1]), np.array([0, 0, 1]))
    probability = np.array([0.05, 0.99, 0.8])
    known = Known(pairs((0, 0)), pairs())
    assert contradicts(candidates, known).tolist() == [False, True, False]
    types = pl.Series(["film"] * 3)
    hopeful = np.where(contradicts(candidates, known), 0.0, probability)
    chosen = keep_known(candidates, decide(candidates, hopeful, types, {"*": 0.5}, assign=True), known)
    assert chosen.tolist() == [True, False, True]


def test_a_known_non_match_is_never_one_even_beside_a_link() -> None:
    candidates = Candidates.of_pairs(np.array([0, 0, 1]), np.array([0, 1, 1]))
    known = Known(pairs((0, 0)), pairs((1, 1)))
    assert contradicts(candidates, known).tolist() == [False, True, True]
    assert keep_known(candidates, np.array([True, True, True]), known).tolist() == [True, False, False]


def test_without_knowledge_nothing_is_contradicted() -> None:
    candidates = Candidates.of_pairs(np.array([0, 1]), np.array([0, 1]))
    assert not contradicts(candidates, Known.nothing()).any()


def test_thresholds_go_by_type_and_unnamed_types_take_the_common_one() -> None:
    candidates = Candidates.of_pairs(np.array([0, 1, 2]), np.array([0, 1, 2]))
    types = pl.Series(["film", "person", "city"])
    chosen = decide(
        candidates, np.array([0.6, 0.6, 0.6]), types, {"film": 0.7, "person": 0.6, "*": 0.5}, assign=True
    )
    assert chosen.tolist() == [False, True, True]
