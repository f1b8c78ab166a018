from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from baselines.paris import Matching, ParisOptions, align, paris, subrelations
from baselines.paris_facts import Facts, facts_of, literal_keys
from graph_toys import toy_problem

from crossgraph.metrics import pr_auc

# Relation 0 is to entities, 1 to literals; 2 and 3 are their inverses. Entities 0 to 3, literals 4 to 6.
FACTS = [(0, 0, 2), (1, 0, 2), (0, 1, 4), (1, 1, 5), (2, 1, 6), (3, 1, 6)]


def facts(rows: list[tuple[int, int, int]] = FACTS) -> Facts:
    return Facts.of(np.array(rows), entities=4, nodes=7, relations=2)


def test_functionality_is_heads_for_each_fact() -> None:
    assert facts().functionality.tolist() == [1.0, 1.0, 1 / 2, 3 / 4]
    assert facts().inverse_functionality.tolist() == [1 / 2, 3 / 4, 1.0, 1.0]


def test_the_first_turn_by_hand() -> None:
    # Entities 0 and 1 share one literal each: of any two relations 0.1 at first, inverse functionality 3/4.
    # Entities 2 and 3 share one literal with both of the other side, so that the lot decides.
    found = align(facts(), facts(), options=ParisOptions(iterations=1))
    once = 1.0 - (1.0 - 0.1 * 0.75) ** 2
    assert found.forth[:2].tolist() == [0, 1]
    assert found.probability[:2] == pytest.approx([once, once])
    assert sorted(found.forth[2:].tolist()) in ([-1, 2], [-1, 3], [2, 3])


def test_subrelations_by_hand() -> None:
    # 0 = 0 and 2 = 2 are believed with .5 and .8; on the right 0 lacks the edge to 2 and has literal 5 too.
    other = facts([row for row in FACTS if row != (0, 0, 2)] + [(0, 1, 5)])
    partner = np.array([0, -1, 2, -1], dtype=np.int32)
    matching = Matching(partner, partner, -np.log1p(-np.array([0.5, 0.0, 0.8, 0.0])))
    expected = np.zeros((4, 4))
    expected[1, 1] = expected[3, 3] = 1.0
    assert subrelations(facts(), other, matching, 0.1) == pytest.approx(expected)
    # From the right: literals 4 (shared) and 5 (not) of 0 weigh .5 each, literal 6 (shared) of 2 weighs .8.
    expected[1, 1] = expected[3, 3] = (0.5 + 0.8) / (0.5 + 0.5 + 0.8)
    assert subrelations(other, facts(), matching.turned(), 0.1) == pytest.approx(expected)


def test_an_inverse_relation_is_found() -> None:
    turned = facts([(2, 0, 0), (2, 0, 1), *FACTS[2:]])
    everyone = np.arange(4, dtype=np.int32)
    within = subrelations(facts(), turned, Matching(everyone, everyone, np.ones(4)), 0.1)
    assert within.tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]


def test_neighbours_tell_apart_what_literals_do_not() -> None:
    # Films 0 and 1 have one title, and only their people, 2 and 3, tell which is which; 4 and 5 teach.
    titles = [(0, 1, 6), (1, 1, 6), (2, 1, 7), (3, 1, 8), (4, 1, 9), (5, 1, 10)]
    rows = [(0, 0, 2), (1, 0, 3), (4, 0, 5)], [(0, 0, 3), (1, 0, 2), (4, 0, 5)]
    left, right = (Facts.of(np.array(one + titles), entities=6, nodes=11, relations=2) for one in rows)
    for seed in range(4):
        assert align(left, right, seed=seed).forth.tolist() == [1, 0, 2, 3, 4, 5]


def test_common_nodes_that_only_add_change_nothing() -> None:
    left, right = facts_of(toy_problem(seed=0).preparation.graphs)
    found, slow = (align(left, right, options=ParisOptions(common=common)) for common in (1, 10**6))
    assert found.forth.tolist() == slow.forth.tolist()
    assert found.evidence == pytest.approx(slow.evidence)


def test_common_nodes_that_make_a_match_find_it() -> None:
    # The whole film is one literal, which two films share: no other fact tells.
    rows = [(0, 1, 4), (1, 1, 4), (2, 1, 5)]
    once = align(facts(rows), facts(rows), options=ParisOptions(common=0, start=0.05, iterations=1))
    assert (once.forth[:2] >= 0).any()
    assert once.forth[2] == 2


def test_equal_numbers_and_equal_words_are_one_literal() -> None:
    keys = literal_keys(pl.Series(["1,200.0", "1200", "Näme!", "name", "?", "12000"]))
    assert keys[0] == keys[1] != keys[5]
    assert keys[2] == keys[3] == "name"
    assert keys[4] == ""


def test_a_graph_is_matched_to_itself_alike_each_time() -> None:
    problem = toy_problem(seed=0)
    left, right = problem.preparation.graphs
    # Numbered as the other graph is, so that candidates are of the same entities.
    twin = left.in_order(left.positions(right.ids.str.replace("^r", "l")).astype(np.int64))
    itself = replace(problem, preparation=replace(problem.preparation, graphs=(left, twin)))
    answer = paris(itself)
    assert np.isfinite(answer.score).all()
    assert answer.parameters == answer.training_seconds == 0
    assert answer.score.tolist() == paris(itself).score.tolist()
    judged = problem.judged
    assert pr_auc(answer.score[judged], problem.same[judged], total=problem.total) > 0.8
