"""The object for Python does what the verbs do."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from crossgraph import Aligner, MergeOptions, load_config
from crossgraph.errors import InputError, LinksError, ResultError
from crossgraph.graphs.links import Links

NAMES = ("Amara", "Bela", "Chidi", "Dora", "Emil", "Freya", "Goran", "Hana", "Ivo", "Jana", "Karim", "Lena")
QUICK = load_config(
    None,
    [
        "training.steps=6",
        "training.epochs=1",
        "training.batch=64",
        "model.width=16",
        "training.rounds=1",
        "training.scorer_steps=30",
        "training.scorer_epochs=1",
        "scorer.hidden=16",
        "decisions.precision=0.5",
    ],
)


def write_catalogues(folder: Path, born: int) -> tuple[Path, Path, Path]:
    """Two tables of the same twelve people, and half of the links between them."""
    folder.mkdir()
    left, right, links = (folder / name for name in ("left.csv", "right.csv", "known.tsv"))
    people = [(f"{i}", f"{name} {NAMES[-i]}son", born + 3 * i) for i, name in enumerate(NAMES)]
    left.write_text("id,name,born\n" + "".join(f"l{i},{name},{year}\n" for i, name, year in people))
    right.write_text("id,label,year\n" + "".join(f"r{i},{name.upper()},{year}\n" for i, name, year in people))
    links.write_text("".join(f"l{i}\tr{i}\n" for i, _, _ in people[::2]))
    return left, right, links


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Aligner:
    here = tmp_path_factory.mktemp("aligner")
    left, right, links = write_catalogues(here / "people", 1950)
    aligner = Aligner(here / "RESULT", config=QUICK)
    assert aligner.fit(str(left), right, links=[links]) is aligner
    return aligner


def test_what_is_fitted_can_be_opened_and_read(fitted: Aligner):
    opened = Aligner(str(fitted.folder))
    assert opened.matches.equals(fitted.matches)
    assert set(opened.matches.select("left", "right").iter_rows()) <= set(
        opened.scores.select("left", "right").iter_rows()
    )
    assert opened.report["counts"]["known_links"] == 6
    assert [len(graph) for graph in opened.graphs] == [12, 12]
    gold = Links.of([f"l{i}" for i in range(1, 12, 2)], [f"r{i}" for i in range(1, 12, 2)])
    assert opened.evaluate(gold).overall.gold == 6


def test_given_pairs_are_scored_row_by_row(fitted: Aligner):
    pairs = pl.DataFrame({"left": ["l3", "l3", "l2"], "right": ["r4", "r3", "r2"]})
    scored = fitted.score(pairs)
    assert scored.columns == ["left", "right", "score", "probability"]
    assert scored.select("left", "right").equals(pairs)
    assert scored["probability"][1] > scored["probability"][0]
    with pytest.raises(LinksError, match="nobody"):
        fitted.score(pl.DataFrame({"left": ["nobody"], "right": ["r1"]}))


def test_other_graphs_are_aligned_by_the_same_model(fitted: Aligner, tmp_path: Path):
    left, right, _ = write_catalogues(tmp_path / "others", 1900)
    other = fitted.predict(left, right, out=tmp_path / "OTHER")
    assert other.folder == tmp_path / "OTHER"
    assert other.report["inputs"]["model"] == str(fitted.folder)
    assert other.report["parameters"] == fitted.report["parameters"]
    assert other.report["counts"]["labelled_candidates"] == 0
    assert len(other.scores) >= 12


def test_reasons_sum_to_the_score_that_the_table_has(fitted: Aligner):
    left, right = fitted.matches.select("left", "right").row(0)
    found = fitted.explain(left, right).explanation
    score = fitted.scores.filter(left=left, right=right)["score"].item()
    assert found.score == pytest.approx(score)
    assert found.rest + sum(reason.share for reason in found.reasons) == pytest.approx(score)


def test_a_merge_takes_options(fitted: Aligner, tmp_path: Path):
    report = fitted.merge(tmp_path / "merged.nq", options=MergeOptions(prefer="right", provenance="rdf-star"))
    assert report.content["options"]["prefer"] == "right"
    assert "<<(" in (tmp_path / "merged.nq").read_text()
    with pytest.raises(InputError, match="not named as a dataset"):
        fitted.merge(tmp_path / "merged.ttl")


def test_a_folder_that_is_no_result_is_refused_and_a_result_is_not_replaced_unasked(
    fitted: Aligner, tmp_path: Path
):
    with pytest.raises(ResultError, match="is no RESULT"):
        _ = Aligner(tmp_path).matches
    with pytest.raises(ResultError, match="holds a result already"):
        fitted.fit(tmp_path / "left.csv", tmp_path / "right.csv")
