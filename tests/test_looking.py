"""Looks: scorers judge a few candidates before blocking ends, and blocking believes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.combine import BlockingOptions, Former
from crossgraph.config import Config, load_config
from crossgraph.inputs import Inputs
from crossgraph.labelling import labels_found
from crossgraph.looking import briefly, looks
from crossgraph.model.options import TrainingOptions
from crossgraph.pipeline import align
from crossgraph.preparation import Known, Preparation
from crossgraph.progress import Advance, Progress, unwatched
from crossgraph.proposing import Judged, prepare
from crossgraph.schema.estimate import SchemaOptions
from crossgraph.schema.seeds import EntityPairs

if TYPE_CHECKING:
    from conftest import Pair
    from crossgraph.graphs.graph import KnowledgeGraph


class Stages(Progress):
    """Keeps the names of stages."""

    def __init__(self) -> None:
        self.names: list[str] = []

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str = "") -> Iterator[Advance]:
        self.names.append(name)
        yield unwatched


class Watched:
    """Judges as it is told for each look, and keeps what it was asked."""

    def __init__(self, *probabilities: float | None, loss: tuple[float, ...] = ()) -> None:
        self.probabilities, self.loss = probabilities, loss
        self.asked: list[Preparation] = []

    def __call__(self, preparation: Preparation, known: Known) -> Judged | None:
        number = len(self.asked)
        self.asked.append(preparation)
        said = self.probabilities[min(number, len(self.probabilities) - 1)]
        if said is None:
            return None
        candidates = preparation.candidates
        best = Former.guessed(candidates).shares > 0.5
        loss = self.loss[min(number, len(self.loss) - 1)] if self.loss else 0.0
        # Each pair's own loss, the same in each look.
        own = loss + 0.001 * (candidates.left % 7 + candidates.right % 3)
        return Judged(candidates, np.where(best, said, 0.0), own, best)


def looked(graphs: tuple[KnowledgeGraph, KnowledgeGraph], watched: Watched, **blocking: int) -> Preparation:
    options = BlockingOptions(**blocking)
    known = Known.nothing()
    return prepare(graphs, known, schema_options=SchemaOptions(), blocking=options, look=watched)


def test_looks_go_on_while_what_is_believed_is_new(mid_pair: Pair) -> None:
    steady = Watched(0.6)
    looked(mid_pair.graphs, steady)
    assert len(steady.asked) == 2
    growing = Watched(0.5, 0.7, 0.95)
    looked(mid_pair.graphs, growing)
    assert len(growing.asked) == 4
    for most in (0, 1, 3):
        bounded = Watched(0.5, 0.7, 0.95)
        looked(mid_pair.graphs, bounded, looks=most)
        assert len(bounded.asked) == most


def test_blocking_believes_the_last_look(mid_pair: Pair) -> None:
    watched = Watched(0.5, 0.7, 0.7)
    found = looked(mid_pair.graphs, watched)
    alike = found.weighing.similarity
    candidates = watched.asked[-1].candidates
    best = Former.guessed(candidates).shares > 0.5
    assert best.sum() > 50
    said = np.asarray(alike[candidates.left[best], candidates.right[best]]).ravel()
    np.testing.assert_allclose(said, 0.7, rtol=1e-6)
    ends = alike.tocoo()
    judged = np.isin(ends.row, candidates.left) & np.isin(ends.col, candidates.right)
    assert judged.sum() == best.sum(), "names say nothing of whom scorers judged"


def test_a_look_that_tells_worse_than_the_one_before_is_not_believed(mid_pair: Pair) -> None:
    watched = Watched(0.6, 0.8, loss=(0.1, 0.9))
    found = looked(mid_pair.graphs, watched)
    assert len(watched.asked) == 2
    assert found.weighing.similarity.max() == pytest.approx(0.6)


def test_nothing_is_looked_at_where_none_is_wanted_and_believed_without_labels(mid_pair: Pair) -> None:
    assert looks(load_config(None, ["blocking.looks=0"])) is None
    ignorant = Watched(None)
    found, plain = looked(mid_pair.graphs, ignorant), looked(mid_pair.graphs, Watched(0.5), looks=0)
    assert len(ignorant.asked) == 1
    np.testing.assert_array_equal(found.candidates.prior, plain.candidates.prior)


def test_without_edges_it_is_looked_for_who_teaches_where_links_do_not(mid_pair: Pair) -> None:
    nothing = np.zeros(0, dtype=np.int32)
    left, right = (replace(one, heads=nothing, relations=nothing, tails=nothing) for one in mid_pair.graphs)
    options = {"schema_options": SchemaOptions(), "blocking": BlockingOptions()}
    look = looks(Config())
    assert look is not None
    unknown = prepare((left, right), Known.nothing(), **options)
    judged = look(unknown, Known.nothing())
    assert judged is not None
    assert (judged.probability > 0.5).sum() > 50
    known = Known(unknown.seeds, Known.nothing().different)
    assert look(prepare((left, right), known, keep=known.same, **options), known) is None


def test_whom_scorers_are_sure_of_teaches_beside_the_seeds(mid_pair: Pair) -> None:
    found, plain = looked(mid_pair.graphs, Watched(0.96)), looked(mid_pair.graphs, Watched(0.94))
    assert len(plain.judged) == 0
    assert plain.teaching.left.tolist() == plain.seeds.left.tolist()
    first, last = found.judged, found.teaching
    assert len(first) > 50
    assert last.left[: len(first)].tolist() == first.left.tolist()
    assert np.isin(found.seeds.left, last.left).all()
    assert len(np.unique(last.left)) == len(last)


def test_labels_come_from_those_who_were_sure_too(mid_pair: Pair) -> None:
    options = {"schema_options": SchemaOptions(), "blocking": BlockingOptions()}
    preparation = prepare(mid_pair.graphs, Known.nothing(), **options)
    pairs, seeds = preparation.candidates, preparation.seeds
    free = ~np.isin(pairs.left, seeds.left) & ~np.isin(pairs.right, seeds.right)
    place = int(np.flatnonzero(free)[0])
    judged = EntityPairs.of(pairs.left[[place]], pairs.right[[place]])
    found = [
        labels_found(one, Known.nothing(), Config())
        for one in (preparation, replace(preparation, judged=judged))
    ]
    told = [one.same[one.places == place].tolist() for one in found]
    assert told == [[], [True]]


def test_a_look_that_is_sure_of_nobody_is_not_believed(mid_pair: Pair) -> None:
    watched = Watched(0.3)
    found, plain = looked(mid_pair.graphs, watched), looked(mid_pair.graphs, Watched(0.5), looks=0)
    assert len(watched.asked) == 1
    np.testing.assert_array_equal(found.candidates.prior, plain.candidates.prior)


def test_seeds_of_a_look_are_sure_or_likely_and_guessed() -> None:
    candidates = Candidates.of_pairs(*(np.arange(4, dtype=np.int32) for _ in range(2)))
    judged = Judged(candidates, np.array([0.95, 0.6, 0.4, 0.7]), np.zeros(4), np.zeros(4, dtype=bool))
    guessed = EntityPairs.of(*(np.array([0, 1, 2], dtype=np.int32) for _ in range(2)), 0.5)
    seeds = judged.seeds_among(guessed)
    assert sorted(seeds.left.tolist()) == [0, 1]
    assert (seeds.weight < 1.0).all()


def test_how_much_is_new_is_told_whatever_the_order_of_pairs() -> None:
    def judged(pairs: dict[tuple[int, int], float]) -> Judged:
        left, right = (np.array([pair[side] for pair in pairs], dtype=np.int32) for side in (0, 1))
        candidates = Candidates.of_pairs(left, right)
        ends = zip(candidates.left.tolist(), candidates.right.tolist(), strict=True)
        said = np.array([pairs[one] for one in ends])
        return Judged(candidates, said, np.full(len(said), np.nan), said > 0.5)

    before = judged({(0, 0): 0.5, (1, 1): 0.4, (2, 5): 0.3})
    after = judged({(3, 3): 0.1, (1, 1): 0.6, (0, 0): 0.3})
    # Of 1.0 in all, 0.2 and 0.1 are new.
    assert after.moved_from(before.upon(after.candidates)) == pytest.approx(0.3)
    assert before.moved_from(before) == 0.0


def test_looks_are_compared_by_pairs_that_both_labelled_alike() -> None:
    pairs = Candidates.of_pairs(*(np.arange(40, dtype=np.int32) for _ in range(2)))
    spread, same = np.linspace(0.0, 0.01, 40), np.arange(40) % 2 == 0
    before = Judged(pairs, np.full(40, 0.5), 0.1 + spread, same)
    worse = replace(before, loss=0.3 - spread)
    assert worse.worse_than(before)
    assert not before.worse_than(worse)
    assert not before.worse_than(before)
    # Labels that only one of them has tell nothing, and take nothing away.
    unlabelled = np.arange(40) < 5
    assert worse.worse_than(replace(before, loss=np.where(unlabelled, np.nan, before.loss)))
    assert replace(worse, loss=np.where(unlabelled, np.nan, worse.loss)).worse_than(before)
    assert not replace(worse, loss=np.full(40, np.nan)).worse_than(before)
    assert not worse.worse_than(replace(before, same=~same)), "none is labelled alike"
    fewer = replace(worse, candidates=pairs.take(np.arange(39)), loss=worse.loss[:39], same=same[:39])
    assert fewer.worse_than(before.upon(fewer.candidates))


def test_pairs_known_to_differ_are_not_believed(mid_pair: Pair) -> None:
    free = looked(mid_pair.graphs, Watched(0.95))
    candidates = free.candidates
    place = int(np.flatnonzero(Former.guessed(candidates).shares > 0.99)[0])
    pair = candidates.left[[place]], candidates.right[[place]]
    assert free.weighing.similarity[pair[0][0], pair[1][0]] > 0.9
    known = Known(Known.nothing().same, EntityPairs.of(*pair))
    options = {"schema_options": SchemaOptions(), "blocking": BlockingOptions()}
    watched = Watched(0.95)
    found = prepare(mid_pair.graphs, known, keep=known.different, look=watched, **options)
    asked = watched.asked[0].candidates
    assert asked.find(*pair)[0] >= 0
    assert found.weighing.similarity[pair[0][0], pair[1][0]] == 0.0
    assert not ((found.seeds.left == pair[0][0]) & (found.seeds.right == pair[1][0])).any()


def test_without_looks_rounds_are_as_if_there_were_no_links_to_keep(mid_pair: Pair) -> None:
    left = mid_pair.left.positions(pl.Series([a for a, _ in mid_pair.truth]))
    right = mid_pair.right.positions(pl.Series([b for _, b in mid_pair.truth]))
    known = Known(EntityPairs.of(left[::3], right[::3]), Known.nothing().different)
    looking, plain = (
        prepare(
            mid_pair.graphs,
            known,
            keep=known.same,
            schema_options=SchemaOptions(),
            blocking=BlockingOptions(looks=number, per_entity=2),
            look=Watched(None) if number else None,
        )
        for number in (1, 0)
    )
    np.testing.assert_array_equal(looking.candidates.prior, plain.candidates.prior)


def test_align_looks_as_often_as_it_is_told(mid_pair: Pair, tmp_path: Path) -> None:
    folder = mid_pair.write(tmp_path / "graphs")
    quick = ["training.steps=2", "training.epochs=1", "model.width=16", "training.scorer_steps=4"]
    for looking in (1, 0):
        stages = Stages()
        config = load_config(None, [*quick, f"blocking.looks={looking}"])
        align(Inputs(left=folder), tmp_path / f"R{looking}", config=config, progress=stages)
        assert stages.names.count("block: look 1: judge") == looking
    stages = Stages()
    applied = Inputs(left=folder, model=tmp_path / "R1")
    align(applied, tmp_path / "applied", config=load_config(None, []), progress=stages)
    assert "block: look 1: judge" not in stages.names


def test_a_look_tells_pairs_apart_and_is_the_same_twice(mid_pair: Pair) -> None:
    left = mid_pair.left.positions(pl.Series([a for a, _ in mid_pair.truth]))
    right = mid_pair.right.positions(pl.Series([b for _, b in mid_pair.truth]))
    truth = EntityPairs.of(left, right)
    known = Known(truth.take(np.arange(len(truth)) % 2 == 0), Known.nothing().different)
    options = {"schema_options": SchemaOptions(), "blocking": BlockingOptions()}
    preparation = prepare(mid_pair.graphs, known, keep=known.same, **options)
    look = looks(Config())
    assert look is not None
    judged = look(preparation, known)
    assert judged is not None
    again = look(preparation, known)
    assert again is not None
    np.testing.assert_array_equal(judged.probability, again.probability)
    same = np.zeros(len(judged.candidates), dtype=bool)
    places = judged.candidates.find(truth.left, truth.right)
    same[places[places >= 0]] = True
    free = ~np.isin(judged.candidates.left, known.same.left)
    assert judged.probability[free & same].mean() > 0.8
    assert judged.probability[free & ~same].mean() < 0.1
    # Who is labelled was judged by scorers that did not learn from it.
    labelled = ~np.isnan(judged.loss)
    assert labelled.sum() > len(known.same)
    assert 0 < judged.loss[labelled].mean() < 0.3


def test_nothing_is_judged_where_nothing_is_known(mid_pair: Pair) -> None:
    options = {"schema_options": SchemaOptions(), "blocking": BlockingOptions()}
    preparation = prepare(mid_pair.graphs, Known.nothing(), **options)
    nobody = replace(preparation, seeds=Known.nothing().same)
    look = looks(Config())
    assert look is not None
    assert look(nobody, Known.nothing()) is None


def test_a_look_is_brief() -> None:
    brief = briefly(TrainingOptions(scorer_epochs=12, scorer_steps=2, rounds=3))
    assert (brief.rounds, brief.scorer_epochs, brief.scorer_steps) == (1, 4, 1)
