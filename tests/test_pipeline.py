from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import polars as pl
import pytest

from crossgraph.config import Config, load_config
from crossgraph.errors import CheckpointError, ConfigError, CrossgraphError, InputError, ResultError
from crossgraph.graphs import read_pair
from crossgraph.layout import ResultFolder
from crossgraph.matches import Matches
from crossgraph.pipeline import (
    Inputs,
    Outcome,
    align,
    plan,
    propose_candidates,
    propose_schema,
    score_pairs,
    train_pairs,
)
from crossgraph.results import read_matches, read_scores
from crossgraph.schema.mapping import read_schema
from exchanged import apart, exchanged
from noted import Notes

if TYPE_CHECKING:
    from conftest import Pair

Pairs = set[tuple[str, str]]
QUICK = load_config(
    None,
    [
        *("training.steps=6", "training.epochs=1", "training.batch=128", "model.width=16"),
        *("training.scorer_steps=30", "training.scorer_epochs=1", "training.scorer_batch=128"),
        *("blocking.per_entity=8", "scorer.hidden=16"),
    ],
)


@dataclass(frozen=True)
class Case:
    """The generated pair on disk, 30% of its truth as links, and two pairs known not to match."""

    folder: Path
    links: Path
    known: Pairs
    refuted: Pairs
    truth: Pairs

    @property
    def inputs(self) -> Inputs:
        return Inputs(left=self.folder, links=(self.links,))


def write_pairs(file: Path, rows: list[tuple[object, ...]]) -> Path:
    file.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows), encoding="utf8")
    return file


@pytest.fixture(scope="module")
def case(mid_pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Case:
    here = tmp_path_factory.mktemp("pipeline")
    shuffled = random.Random(0).sample(mid_pair.truth, len(mid_pair.truth))
    known = shuffled[: len(shuffled) * 3 // 10]
    # The last two true pairs are, against the truth, said not to match: only the links can tell the tool so.
    refuted = shuffled[-2:]
    rows = [*((a, b, 1) for a, b in known), *((a, b, 0) for a, b in refuted)]
    links = write_pairs(here / "links.tsv", rows)
    return Case(mid_pair.write(here / "graphs"), links, set(known), set(refuted), set(mid_pair.truth))


@pytest.fixture(scope="module")
def linked(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return align(case.inputs, tmp_path_factory.mktemp("linked") / "RESULT", config=QUICK)


@pytest.fixture(scope="module")
def unlinked(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return align(Inputs(left=case.folder), tmp_path_factory.mktemp("unlinked") / "RESULT", config=QUICK)


def renamed(case: Case, to: Path) -> tuple[Inputs, dict[str, str]]:
    """The same graphs and links, other identifiers and orders of rows; and what each was called before."""
    rng = random.Random(5)
    identifiers = sorted({identifier for pair in case.truth for identifier in pair} | entities(case.folder))
    called = {old: f"{rng.getrandbits(60):x}" for old in identifiers}
    to.mkdir()
    for file in (*case.folder.iterdir(), case.links):
        lines = file.read_text(encoding="utf8").splitlines()
        ends = (0, 2) if file.name.startswith("rel") else (0, 1) if file == case.links else (0,)
        rows = [line.split("\t") for line in rng.sample(lines, len(lines))]
        told = [[called[cell] if at in ends else cell for at, cell in enumerate(row)] for row in rows]
        (to / file.name).write_text("".join("\t".join(row) + "\n" for row in told), encoding="utf8")
    inputs = Inputs(left=to, links=(to / case.links.name,))
    return inputs, {new: old for old, new in called.items()}


def entities(folder: Path) -> set[str]:
    graphs = read_pair(folder)
    return {*graphs[0].ids, *graphs[1].ids}


def matched(result: Path) -> Pairs:
    return set(read_matches(ResultFolder(result).matches_file).select("left", "right").iter_rows())


def f1(found: Pairs, truth: Pairs) -> float:
    return 2 * len(found & truth) / (len(found) + len(truth))


def assert_sound(result: Path) -> None:
    """A RESULT is whole, its scores are unique and in order, and its matches are among them."""
    folder = ResultFolder(result)
    report = json.loads(folder.report_file.read_text())
    assert {file.name for file in result.iterdir()} == {
        *("matches.sssom.tsv", "scores.parquet", "report.json", "config.toml", "model"),
        *(["reliability.svg"] if report["held_out"] else []),
    }
    assert {"model.safetensors", "model.json", "schema.toml"} <= {
        f.name for f in folder.model_folder.iterdir()
    }
    scores = read_scores(folder.scores_file)
    Matches(scores.with_columns(matched=pl.lit(value=False))).validate()
    assert scores["probability"].is_sorted(descending=True)
    decided = read_matches(folder.matches_file)
    assert len(decided.join(scores, on=["left", "right", "probability"])) == len(decided)
    assert decided["left"].is_unique().all()
    assert decided["right"].is_unique().all()
    assert report["counts"]["matches"] == len(decided)


def test_links_teach_an_alignment(case: Case, linked: Outcome) -> None:
    assert_sound(linked.path)
    assert f1(matched(linked.path) - case.known, case.truth - case.known - case.refuted) > 0.85


def test_memory_that_is_sure_to_be_too_little_is_refused_with_what_it_takes(
    case: Case, tmp_path: Path
) -> None:
    little = replace(QUICK, run=replace(QUICK.run, memory="500MB"))
    with pytest.raises(ConfigError, match=r"500MB is too little for \d+ entities, which take 0\.6 GB"):
        align(case.inputs, tmp_path / "RESULT", config=little)
    assert not (tmp_path / "RESULT").exists()


def test_little_memory_changes_nothing_and_is_told(
    case: Case, linked: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossgraph.pipeline.LEAST_BYTES", 0)
    monkeypatch.setattr("crossgraph.pipeline.LEAST_BYTES_PER_ENTITY", 0)
    notes = Notes()
    little = replace(QUICK, run=replace(QUICK.run, memory="1MB"))
    again = align(case.inputs, tmp_path / "RESULT", config=little, progress=notes)
    for file in ("scores.parquet", "matches.sssom.tsv"):
        assert (again.path / file).read_bytes() == (linked.path / file).read_bytes()
    assert [note for note in notes.notes if "more than --memory 1MB" in note]


def test_known_links_are_matches_and_known_non_matches_are_none(case: Case, linked: Outcome) -> None:
    assert case.known <= matched(linked.path)
    assert not case.refuted & matched(linked.path)
    scored = set(read_scores(linked.path / "scores.parquet").select("left", "right").iter_rows())
    assert case.known | case.refuted <= scored


def test_the_report_tells_the_run(case: Case, linked: Outcome) -> None:
    report = json.loads((linked.path / "report.json").read_text())
    assert report == json.loads(json.dumps(linked.report))
    counts = report["counts"]
    assert (counts["known_links"], counts["known_non_matches"]) == (len(case.known), len(case.refuted))
    assert counts["candidates"] == len(read_scores(linked.path / "scores.parquet"))
    assert 0 < report["blocking_recall_on_known_links"] <= 1
    assert report["held_out"]["prauc"] > report["held_out"]["name_only"]["prauc"]
    told = report["held_out"]["calibration"]
    assert told["pairs in doubt"]["pairs"] == sum(one["pairs"] for one in told["pairs in doubt"]["bins"])
    assert told["top candidates"]["expected_calibration_error"] < 0.2
    picture = ElementTree.parse(linked.path / "reliability.svg").getroot()
    drawn = picture.findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(drawn) == sum(len(kind["bins"]) for kind in told.values())
    assert report["seed"] == 0
    assert {"crossgraph", "python", "torch", "numpy"} <= set(report["versions"])
    assert "*" in report["thresholds"]
    for threshold in report["thresholds"].values():
        assert threshold["precision_low"] <= threshold["precision"] <= threshold["precision_high"]
    stages = [stage["stage"] for stage in report["stages"]]
    assert stages[0] == "read"
    assert {"train: network", "assign", "write"} <= set(stages)
    assert any(stage.startswith("train: scorer") for stage in stages)
    assert all(stage["seconds"] >= 0 and stage["peak_memory_mib"] > 0 for stage in report["stages"])
    assert report["inputs"]["links"] == [str(case.links)]
    assert load_config(linked.path / "config.toml") == QUICK


def test_the_same_seed_gives_the_same_bytes(case: Case, linked: Outcome, tmp_path: Path) -> None:
    again = align(case.inputs, tmp_path / "again", config=QUICK)
    for name in ("matches.sssom.tsv", "scores.parquet", "config.toml", "model/model.safetensors"):
        assert (again.path / name).read_bytes() == (linked.path / name).read_bytes(), name


def test_without_links_it_finds_its_own(case: Case, unlinked: Outcome) -> None:
    assert_sound(unlinked.path)
    assert unlinked.report["counts"]["known_links"] == 0
    assert unlinked.report["blocking_recall_on_known_links"] is None
    assert f1(matched(unlinked.path), case.truth) > 0.85


def test_gold_beside_the_graphs_is_not_read(mid_pair: Pair, unlinked: Outcome, tmp_path: Path) -> None:
    folder = mid_pair.write(tmp_path / "graphs")
    write_pairs(folder / "ent_links", [(a, mid_pair.truth[0][1]) for a, _ in mid_pair.truth])
    beside = align(Inputs(left=folder), tmp_path / "beside", config=QUICK)
    assert (beside.path / "scores.parquet").read_bytes() == (unlinked.path / "scores.parquet").read_bytes()


def test_a_model_is_applied_to_the_same_graphs(case: Case, linked: Outcome, tmp_path: Path) -> None:
    inputs = Inputs(left=case.folder, model=linked.path)
    outcome = align(inputs, tmp_path / "RESULT", config=QUICK)
    assert_sound(outcome.path)
    assert "train: network" not in [stage["stage"] for stage in outcome.report["stages"]]
    assert f1(matched(outcome.path), case.truth) > 0.85


def test_a_model_is_applied_to_graphs_it_never_saw(
    linked: Outcome, make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    other = make_pair(seed=99)
    inputs = Inputs(left=other.write(tmp_path / "graphs"), model=linked.path)
    outcome = align(inputs, tmp_path / "RESULT", config=QUICK)
    assert_sound(outcome.path)
    assert f1(matched(outcome.path), set(other.truth)) > 0.8


def test_an_existing_result_is_kept_unless_forced(case: Case, linked: Outcome, tmp_path: Path) -> None:
    out = tmp_path / "RESULT"
    inputs = Inputs(left=case.folder, model=linked.path)
    align(inputs, out, config=QUICK)
    before = (out / "report.json").read_bytes()
    with pytest.raises(ResultError, match="--force"):
        align(inputs, out, config=QUICK)
    assert (out / "report.json").read_bytes() == before
    align(inputs, out, config=replace(QUICK, run=replace(QUICK.run, seed=5)), force=True)
    assert json.loads((out / "report.json").read_text())["seed"] == 5
    assert_sound(out)
    assert [file.name for file in tmp_path.iterdir()] == ["RESULT"]


def test_resume_keeps_a_result_of_the_same_run_and_refuses_another(case: Case, linked: Outcome) -> None:
    before = (linked.path / "report.json").stat().st_mtime_ns
    again = align(case.inputs, linked.path, config=QUICK, resume=True)
    assert [row[0] for row in plan(case.inputs, linked.path, config=QUICK, resume=True)] == ["keep"]
    assert again.report == json.loads((linked.path / "report.json").read_text())
    assert (linked.path / "report.json").stat().st_mtime_ns == before
    with pytest.raises(ResultError, match="other settings"):
        align(case.inputs, linked.path, config=replace(QUICK, run=replace(QUICK.run, seed=7)), resume=True)
    with pytest.raises(ResultError, match="other inputs"):
        align(Inputs(left=case.folder), linked.path, config=QUICK, resume=True)


def test_a_plan_tells_what_would_run_and_writes_nothing(case: Case) -> None:
    beside = sorted(case.folder.parent.iterdir())
    out = case.folder.with_name("PLANNED")
    rows = dict(plan(case.inputs, out, config=QUICK))
    assert rows["write"].startswith(f"{out}: ")
    assert rows["know"] == f"{len(case.known)} links"
    assert rows["score"] == "learn from known links"
    assert " s on two cores" in rows["estimate"]
    assert sorted(case.folder.parent.iterdir()) == beside


RULES_OF_OTHERS = (
    'cardinality_of=["flim = free"]',
    'apart=["film = song"]',
    'apart=["song = film"]',
    'must_agree=["issn"]',
)


def test_what_a_run_refuses_its_plan_refuses_in_the_same_words(case: Case, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("words")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("words")
    little = replace(QUICK, run=replace(QUICK.run, memory="10MB"))
    free, graphs = tmp_path / "R", Inputs(left=case.folder)
    for inputs, out, options in (
        (graphs, free, {"config": little}),
        (replace(graphs, schema=tmp_path / "file"), free, {}),
        (graphs, free, {"cache": tmp_path / "file"}),
        (graphs, free, {"cache": tmp_path / "file" / "below"}),
        (graphs, tmp_path / "thesis", {}),
        (graphs, tmp_path / "file", {"force": True}),
        (graphs, free, {"config": load_config(None, ("run.engine=ray", "run.device=meta"))}),
        *((graphs, free, {"config": load_config(None, (f"decisions.{rule}",))}) for rule in RULES_OF_OTHERS),
    ):
        told = []
        for act in (align, plan):
            with pytest.raises(CrossgraphError) as caught:
                act(inputs, out, **{"config": QUICK, **options})
            told.append(str(caught.value))
        assert told[0] == told[1]
        assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "thesis"]


def test_the_option_is_named_where_stages_cannot_be_kept(case: Case, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("words")
    with pytest.raises(ResultError, match=r"--cache .*below cannot be written: .*file is no writable folder"):
        plan(case.inputs, tmp_path / "R", config=QUICK, cache=tmp_path / "file" / "below")


def test_a_failed_run_leaves_nothing(case: Case, tmp_path: Path) -> None:
    bad = write_pairs(tmp_path / "links.tsv", [("nobody", "nowhere")])
    with pytest.raises(CrossgraphError, match="nobody"):
        align(Inputs(left=case.folder, links=(bad,)), tmp_path / "RESULT", config=QUICK)
    with pytest.raises(CheckpointError):
        align(Inputs(left=case.folder, model=case.folder), tmp_path / "RESULT", config=QUICK)
    assert [file.name for file in tmp_path.iterdir()] == ["links.tsv"]


def labelled_rows(case: Case, result: Path, count: int) -> list[tuple[object, ...]]:
    """Scored pairs with their true labels: every known match, and as many others."""
    scores = read_scores(result / "scores.parquet").select("left", "right").iter_rows()
    others = [(a, b, 0) for a, b in scores if (a, b) not in case.truth][:count]
    return [*((a, b, 1) for a, b in sorted(case.known)), *others]


def test_neither_names_nor_orders_of_rows_nor_threads_carry_information(
    case: Case, linked: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, was = renamed(case, tmp_path / "graphs")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    other = align(inputs, tmp_path / "RESULT", config=QUICK)
    columns = ["left", "right", "score", "probability"]
    expected, found = (read_scores(ResultFolder(run.path).scores_file)[columns] for run in (linked, other))
    back = found.with_columns(pl.col("left", "right").replace_strict(was))
    assert sorted(back.rows()) == sorted(expected.rows())


def test_exchanged_sides_give_nearly_the_exchanged_result(
    case: Case, linked: Outcome, tmp_path: Path
) -> None:
    inputs = exchanged(case.folder, case.links, tmp_path / "graphs")
    found = apart(linked.path, align(inputs, tmp_path / "RESULT", config=QUICK).path)
    # docs/quality.md states these bounds. Of types with as many entities on both sides the left ones choose.
    assert found.candidates >= 0.5
    assert found.probability <= 0.02
    assert found.matches >= 0.97


def test_labelled_pairs_teach_too_and_scores_keep_the_order_of_rows(
    case: Case, linked: Outcome, tmp_path: Path
) -> None:
    rows = labelled_rows(case, linked.path, 150)
    random.Random(1).shuffle(rows)
    pairs = write_pairs(tmp_path / "pairs.tsv", rows[:-40])
    valid = write_pairs(tmp_path / "valid.tsv", rows[-40:])
    out = tmp_path / "RESULT"
    train_pairs(Inputs(left=case.folder), pairs, valid, out, config=QUICK)
    assert_sound(out)

    asked = [(a, b) for a, b, _ in rows]
    unlikely = (asked[0][0], asked[1][1])
    asked = [*asked[:30], asked[3], unlikely, asked[3], *asked[30:40]]
    file = tmp_path / "scores.tsv"
    assert score_pairs(out, write_pairs(tmp_path / "ask.tsv", asked), file) == len(asked)
    got = [line.split("\t") for line in file.read_text().splitlines()]
    assert [(a, b) for a, b, _, _ in got] == asked
    assert got[3] == got[30] == got[32]
    by_score = sorted((float(score), float(p)) for _, _, score, p in got)
    assert [p for _, p in by_score] == sorted(p for _, p in by_score)
    likely = {(a, b): float(p) for a, b, _, p in got}
    true = [p for pair, p in likely.items() if pair in case.truth]
    false = [p for pair, p in likely.items() if pair not in case.truth]
    assert sum(true) / len(true) > sum(false) / len(false) + 0.3


def test_scores_on_other_graphs(linked: Outcome, make_pair: Callable[..., Pair], tmp_path: Path) -> None:
    other = make_pair(seed=99)
    asked = [*other.truth[:20], *((a, other.truth[i][1]) for i, (a, _) in enumerate(other.truth[1:21]))]
    file = tmp_path / "scores.tsv"
    inputs = Inputs(left=other.write(tmp_path / "graphs"))
    score_pairs(linked.path, write_pairs(tmp_path / "ask.tsv", asked), file, graphs=inputs)
    probability = [float(line.split("\t")[3]) for line in file.read_text().splitlines()]
    assert sum(probability[:20]) > 3 * sum(probability[20:])


def test_labels_that_contradict_or_are_all_alike_are_refused(case: Case, tmp_path: Path) -> None:
    known = sorted(case.known)
    alike = write_pairs(tmp_path / "alike.tsv", [(a, b, 1) for a, b in known])
    with pytest.raises(InputError, match=r"labels of .* are 1"):
        train_pairs(Inputs(left=case.folder), alike, None, tmp_path / "R", config=QUICK)
    (a, b), (c, d) = known[:2]
    both = write_pairs(tmp_path / "both.tsv", [(a, b, 1), (c, d, 0)])
    other = write_pairs(tmp_path / "other.tsv", [(a, b, 0), (c, d, 0)])
    with pytest.raises(InputError, match=r"1 pairs of .* labelled both 0 and 1"):
        train_pairs(Inputs(left=case.folder), both, other, tmp_path / "R", config=QUICK)
    assert not (tmp_path / "R").exists()


def test_a_floor_of_precision_is_refused_beside_a_model(case: Case, linked: Outcome, tmp_path: Path) -> None:
    strict = replace(QUICK, decisions=replace(QUICK.decisions, precision=0.9))
    inputs = Inputs(left=case.folder, model=linked.path)
    with pytest.raises(ConfigError, match="cannot be kept with --model"):
        align(inputs, tmp_path / "R", config=strict)
    with pytest.raises(ConfigError, match="cannot be kept with --model"):
        plan(inputs, tmp_path / "R", config=strict)


def test_a_model_brings_its_schema_mapping_along(case: Case, linked: Outcome, tmp_path: Path) -> None:
    edited = read_schema(ResultFolder(linked.path).schema_file)
    assert edited.relations
    applied = align(Inputs(left=case.folder, model=linked.path), tmp_path / "R", config=QUICK)
    found = read_schema(ResultFolder(applied.path).schema_file)
    for table in ("types", "relations", "attributes"):
        rows = {(m.left, m.right) for m in getattr(found, table)}
        assert rows >= {(m.left, m.right) for m in getattr(edited, table)}


def test_resume_looks_at_what_the_files_hold(case: Case, linked: Outcome, tmp_path: Path) -> None:
    links = write_pairs(tmp_path / "links.tsv", sorted(case.known))
    inputs = Inputs(left=case.folder, links=(links,), model=linked.path)
    align(inputs, tmp_path / "R", config=QUICK)
    write_pairs(links, sorted(case.known)[:-5])
    with pytest.raises(ResultError, match="other inputs"):
        align(inputs, tmp_path / "R", config=QUICK, resume=True)


def test_resume_looks_at_what_the_model_holds(case: Case, linked: Outcome, tmp_path: Path) -> None:
    model = tmp_path / "MODEL"
    shutil.copytree(linked.path, model)
    inputs = Inputs(left=case.folder, model=model)
    align(inputs, tmp_path / "R", config=QUICK)
    align(inputs, tmp_path / "R", config=QUICK, resume=True)
    card = ResultFolder(model).model_files[1]
    card.write_text(card.read_text() + "\n")
    with pytest.raises(ResultError, match="other inputs"):
        align(inputs, tmp_path / "R", config=QUICK, resume=True)


def test_a_device_that_is_not_there_is_told_before_any_work(case: Case, tmp_path: Path) -> None:
    elsewhere = replace(QUICK, run=replace(QUICK.run, device="nowhere"))
    with pytest.raises(ConfigError, match="'nowhere' cannot be used"):
        align(Inputs(left=tmp_path / "absent"), tmp_path / "R", config=elsewhere)


def test_pairs_without_labels_teach_nothing(case: Case, tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs.tsv", sorted(case.known))
    with pytest.raises(InputError, match="no labels"):
        train_pairs(Inputs(left=case.folder), pairs, None, tmp_path / "RESULT", config=Config())


def test_schema_and_candidates_alone(case: Case) -> None:
    schema = propose_schema(case.inputs, config=QUICK)
    assert {(m.left, m.right) for m in schema.types} == {
        *(("film", "Movie"), ("person", "Human"), ("studio", "Company"), ("genre", "Category"))
    }
    assert ("directed_by", "director_of", True) in {(m.left, m.right, m.inverse) for m in schema.relations}
    table = propose_candidates(case.inputs, config=QUICK)
    assert table["prior"].is_sorted(descending=True)
    assert not table.select("left", "right").is_duplicated().any()
    proposed = set(table.select("left", "right").iter_rows())
    assert len(proposed & case.truth) > 0.95 * len(case.truth)
