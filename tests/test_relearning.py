"""Learning from answers: what was said stands, what was taken back does not, and nothing else is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from crossgraph.cli import app
from crossgraph.config import load_config
from crossgraph.explaining.reopening import reopen
from crossgraph.graphs.links import Links
from crossgraph.layout import ResultFolder
from crossgraph.pipeline import Inputs, align, train_pairs
from crossgraph.preparation import Known
from crossgraph.relearning import learn
from crossgraph.results import read_matches
from crossgraph.reviewing.changes import calibration, read_changes
from crossgraph.reviewing.ledger import Ledger, Saying, Verdict
from crossgraph.schema.seeds import EntityPairs
from noted import Notes

if TYPE_CHECKING:
    from conftest import Pair

QUICK = load_config(
    None,
    [
        *("training.steps=2", "training.epochs=1", "training.batch=16", "model.width=16"),
        *("training.scorer_steps=4", "training.scorer_epochs=1", "training.scorer_batch=16"),
        *("blocking.per_entity=4", "scorer.hidden=8"),
    ],
)


@pytest.fixture(scope="module")
def graphs(tiny_pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_pair.write(tmp_path_factory.mktemp("graphs") / "g")


@pytest.fixture(scope="module")
def aligned(graphs: Path) -> Path:
    """Aligned with three links, one of them wrong: Ali is said to be Alien."""
    links = graphs.with_name("links.tsv")
    links.write_text("l:heat\tr:heat\nl:ronin\tr:ronin\nl:ali\tr:alien\n")
    return align(Inputs(left=graphs, links=(links,)), graphs.with_name("R"), config=QUICK).path


@pytest.fixture
def result(aligned: Path, tmp_path: Path) -> Path:
    """A copy to learn in."""
    return Path(shutil.copytree(aligned, tmp_path / "RESULT"))


def matched(result: Path) -> set[tuple[str, str]]:
    return set(read_matches(ResultFolder(result).matches_file).select("left", "right").iter_rows())


def say(result: Path, left: str, right: str, verdict: Verdict) -> None:
    Ledger(ResultFolder(result).ledger_file).record(
        Saying(who="ann", left=left, right=right, verdict=verdict)
    )


def test_without_an_answer_the_matches_are_the_same(result: Path, tmp_path: Path) -> None:
    learned = learn(result, tmp_path / "NEW")
    for name in ("matches.sssom.tsv", "scores.parquet", "config.toml", "model/model.safetensors"):
        assert (learned.path / name).read_bytes() == (result / name).read_bytes(), name
    assert len(learned.flipped) == 0
    assert not ResultFolder(learned.path).ledger_file.exists()


def test_what_was_said_stands_until_it_is_taken_back(result: Path) -> None:
    before = matched(result)
    assert ("l:ali", "r:alien") in before
    rejected = [("l:ali", "r:alien"), next(iter(sorted(before - {("l:ali", "r:alien")})))]
    accepted = ("l:lost", "r:warner")
    assert accepted not in before
    say(result, *accepted, "same")
    for pair in rejected:
        say(result, *pair, "different")
    say(result, "l:gone", "r:gone", "same")
    notes = Notes()
    learned = learn(result, progress=notes)
    assert learned.path == result
    assert accepted in matched(result)
    assert not set(rejected) & matched(result)
    assert any("1 answers name entities that the graphs do not have" in note for note in notes.notes)
    told = learned.report["learned"]
    assert told["answers"] == {"same": 1, "different": 2, "new": 3, "left_out": 1}
    assert told["matches"] == {"before": len(before), "after": len(matched(result))}
    assert json.loads((result / "report.json").read_text()) == learned.report
    flipped = read_changes(ResultFolder(result).changes_file)
    assert flipped.equals(learned.flipped)
    turned = {row["is_match"]: (row["left"], row["right"]) for row in flipped.iter_rows(named=True)}
    assert set(turned) == {True, False}
    assert set(flipped.filter("is_match").select("left", "right").iter_rows()) == matched(result) - before
    assert set(flipped.filter(~pl.col("is_match")).select("left", "right").iter_rows()) == before - matched(
        result
    )
    assert ("Ali", "Alien") in flipped.filter("answered").select("left_name", "right_name").rows()
    assert len(Ledger(ResultFolder(result).ledger_file).entries()) == 4

    notes = Notes()
    opened = reopen(result, progress=notes)
    assert not any("not those of" in note for note in notes.notes), "explain sees the scores as they are"
    assert (len(opened.known.same), len(opened.known.different)) == (3, 2)

    Ledger(ResultFolder(result).ledger_file).undo("ann")  # of l:gone
    for _ in rejected:
        Ledger(ResultFolder(result).ledger_file).undo("ann")
    again = learn(result)
    assert ("l:ali", "r:alien") in matched(result), "the link holds again"
    assert accepted in matched(result)
    assert again.report["learned"]["answers"] == {"same": 1, "different": 0, "new": 0, "left_out": 0}


def test_elsewhere_the_old_result_stays_and_the_ledger_goes_along(result: Path, tmp_path: Path) -> None:
    say(result, "l:lost", "r:warner", "same")
    before = {file: file.read_bytes() for file in result.rglob("*") if file.is_file()}
    new = tmp_path / "NEW"
    learned = learn(result, new)
    assert {file: file.read_bytes() for file in result.rglob("*") if file.is_file()} == before
    entries = Ledger(ResultFolder(result).ledger_file).entries()
    assert Ledger(ResultFolder(new).ledger_file).entries() == entries
    kept = (new / "report.json").stat().st_mtime_ns
    assert learn(result, new, resume=True).report == learned.report
    assert (new / "report.json").stat().st_mtime_ns == kept, "nothing was done again"
    say(new, "l:heat", "r:heat", "unsure")
    say(result, "l:heat", "r:ali", "different")
    run = CliRunner().invoke(app, ["learn", str(result), "--out", str(new)])
    assert (run.exit_code, "holds a result already" in run.stderr) == (1, True)
    learn(result, new, force=True)
    assert ("l:heat", "r:ali") not in matched(new)
    found = {(one.pair, one.verdict) for one in Ledger(ResultFolder(new).ledger_file).entries()}
    assert {(("l:heat", "r:heat"), "unsure"), (("l:heat", "r:ali"), "different")} < found


def test_a_result_of_train_learns_from_pairs(tiny_pair: Pair, graphs: Path, tmp_path: Path) -> None:
    rows = [(a, b, 1) for a, b in tiny_pair.truth[:5]] + [("l:heat", "r:ali", 0), ("l:ali", "r:heat", 0)]
    (tmp_path / "pairs.tsv").write_text("".join(f"{a}\t{b}\t{label}\n" for a, b, label in rows))
    result = train_pairs(
        Inputs(left=graphs), tmp_path / "pairs.tsv", None, tmp_path / "RESULT", config=QUICK
    ).path
    say(result, "l:ronin", "r:ronin", "different")
    say(result, "l:scott", "r:mann", "different")
    learn(result)
    report = json.loads((result / "report.json").read_text())
    assert report["inputs"]["verb"] == "train"
    assert report["counts"]["labelled_candidates"] == len(rows) + 1
    assert ("l:ronin", "r:ronin") not in matched(result)


def test_the_command_takes_answers_in_learns_and_tells(
    result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("left,right,label\nl:lost,r:warner,1\nl:ali,r:alien,0\nl:heat,r:heat,\n")
    run = CliRunner().invoke(app, ["learn", "RESULT", "--answers", "a.csv", "--name", "ann"])
    assert (run.exit_code, run.stdout) == (0, "RESULT\n")
    assert "2 of 2 answers are new" in run.stderr
    assert "Ali = Alien: no match any more, as answered" in run.stderr
    assert "not told: 1 new answers are too few" in " ".join(run.stderr.split())
    assert [one.who for one in Ledger(Path("RESULT/ledger.sqlite")).entries()] == ["ann", "ann"]


def test_calibration_needs_enough_answers_of_both_kinds() -> None:
    pairs = [(f"a{i}", f"x{i}") for i in range(40)]
    scored = pl.DataFrame(pairs, schema=["left", "right"], orient="row")
    before = scored.with_columns(probability=pl.lit(0.9))
    after = scored.with_columns(probability=pl.Series([1.0, 0.0] * 20))
    answers = Links.of([a for a, _ in pairs], [x for _, x in pairs], label=[True, False] * 20)
    found = calibration(before, after, answers)
    assert (found.answers, found.before, found.after) == (40, pytest.approx(0.4), 0.0)
    assert calibration(before, after.head(20), answers).before is None
    assert calibration(before, after, answers.take(np.arange(29))).before is None
    assert calibration(before, after, answers.positives()).after is None


def test_an_answer_holds_against_a_link() -> None:
    def pairs(*ends: tuple[int, int]) -> EntityPairs:
        return EntityPairs.of([a for a, _ in ends], [b for _, b in ends])

    links = Known(pairs((0, 0), (1, 1)), pairs((2, 2), (3, 3)))
    known = links.corrected(Known(pairs((2, 2), (4, 4)), pairs((1, 1))))
    assert list(zip(known.same.left, known.same.right, strict=True)) == [(0, 0), (2, 2), (4, 4)]
    assert list(zip(known.different.left, known.different.right, strict=True)) == [(3, 3), (1, 1)]
