"""Of graphs without names, too, an update and an explanation hear what the alignment heard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from crossgraph.comparing import gather_evidence
from crossgraph.config import load_config
from crossgraph.explaining.answer import explain
from crossgraph.explaining.reopening import reopen
from crossgraph.graphs.changes import Changes, statements_of
from crossgraph.labelling import labels_found
from crossgraph.layout import ResultFolder
from crossgraph.pipeline import Inputs, align
from crossgraph.results import read_scores
from crossgraph.schema.seeds import BELIEVED, EntityPairs
from crossgraph.updating.update import ChangeFiles, update

if TYPE_CHECKING:
    from conftest import Pair

QUICK = load_config(
    None,
    [
        *("training.steps=4", "training.epochs=1", "training.batch=32", "model.width=16"),
        *("training.scorer_steps=20", "training.scorer_epochs=1", "training.scorer_batch=32"),
        *("blocking.per_entity=8", "scorer.hidden=8"),
    ],
)


@pytest.fixture(scope="module")
def aligned(mid_pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nameless")
    graphs = mid_pair.write(folder / "g")
    for file in graphs.glob("attr_triples_*"):
        file.unlink()
    links = folder / "links.tsv"
    links.write_text("".join(f"{a}\t{b}\n" for a, b in mid_pair.truth[::2]))
    return align(Inputs(left=graphs, links=(links,)), folder / "R", config=QUICK).path


def raw(result: Path) -> np.ndarray:
    with np.load(ResultFolder(result).workings_file) as stored:
        return stored["raw"]


def test_neighbours_that_blocking_thought_one_are_an_echo(aligned):
    with np.load(ResultFolder(aligned).workings_file) as stored:
        assert not stored["name"].any()
        assert len(stored["alike"])
    preparation = reopen(aligned).preparation
    echo = gather_evidence(preparation)
    shared = echo.values[:, echo.names.index("echo:shared")]
    assert np.nanmax(shared) > 0.5
    assert (preparation.alike != preparation.weighing.similarity).nnz == 0


def test_a_changed_year_leaves_what_was_thought(mid_pair, tmp_path):
    graphs = mid_pair.write(tmp_path / "g")
    for side in "12":
        file = graphs / f"attr_triples_{side}"
        rows = [line.split("\t") for line in file.read_text(encoding="utf8").splitlines()]
        file.write_text("".join("\t".join(row) + "\n" for row in rows if row[2].isdigit()), encoding="utf8")
    links = tmp_path / "links.tsv"
    links.write_text("".join(f"{a}\t{b}\n" for a, b in mid_pair.truth[::2]))
    result = align(Inputs(left=graphs, links=(links,)), tmp_path / "R", config=QUICK).path
    tables = mid_pair.graphs[0].tables()
    numbers = tables.facts.filter(pl.col("value").str.contains(r"^\d+$"))
    who = next(one for one, _ in mid_pair.truth[1::2] if one in set(numbers["entity"]))
    old = numbers.filter(entity=who).select(
        kind=pl.lit("fact"), entity="entity", name="attribute", value="value", tag="tag"
    )
    Changes(old.with_columns(value=pl.lit("1234")).unique(), old).rows().write_csv(tmp_path / "left.csv")
    new = update(result, ChangeFiles(left=tmp_path / "left.csv"), tmp_path / "U").path
    before, after = (reopen(one).preparation for one in (result, new))
    assert before.weighing.similarity.nnz == after.weighing.similarity.nnz


def test_no_change_changes_nothing_and_all_scored_again_comes_near(aligned, tmp_path):
    same = update(aligned, ChangeFiles(), tmp_path / "U").path
    np.testing.assert_array_equal(raw(same), raw(aligned))
    again = update(aligned, ChangeFiles(), tmp_path / "E", everything=True).path
    np.testing.assert_allclose(raw(again), raw(aligned), atol=1e-4)


def test_a_lost_edge_is_followed(aligned, mid_pair, tmp_path):
    who = pl.Series([mid_pair.truth[1][0]])
    edge = statements_of(mid_pair.graphs[0].about(who)).filter(pl.col("kind") == "edge").head(1)
    changes = Changes(Changes.nothing().added, edge)
    changes.rows().write_csv(tmp_path / "left.csv")
    new = update(aligned, ChangeFiles(left=tmp_path / "left.csv"), tmp_path / "U").path
    both = read_scores(ResultFolder(aligned).scores_file).join(
        read_scores(ResultFolder(new).scores_file), on=["left", "right"]
    )
    apart = (both["probability"] - both["probability_right"]).abs()
    assert apart.max() > 0
    assert apart.median() < 0.01


def test_a_reason_starts_from_the_same_probability(aligned):
    left, right, probability = (
        read_scores(ResultFolder(aligned).scores_file)
        .sort("probability")
        .select("left", "right", "probability")
        .row(-1)
    )
    assert explain(aligned, left, right).explanation.probability == pytest.approx(probability, abs=1e-6)


def test_pairs_that_are_sure_teach_beside_links_where_nobody_has_a_name(aligned, monkeypatch):
    monkeypatch.setattr("crossgraph.labels.TEACHING_LINKS", 1)
    opened = reopen(aligned)
    preparation, known = opened.preparation, opened.known
    judged = preparation.candidates.take(preparation.candidates.prior > 0)
    believed = EntityPairs.of(judged.left, judged.right, BELIEVED)
    preparation = replace(preparation, judged=believed)
    named = replace(preparation.candidates, name=np.ones_like(preparation.candidates.name))
    beside = labels_found(preparation, known, QUICK)
    alone = labels_found(replace(preparation, candidates=named), known, QUICK)
    assert (~beside.known).sum() > (~alone.known).sum()
    assert beside.known.sum() == alone.known.sum() > 0
    assert not beside.judging[~beside.known].any()
