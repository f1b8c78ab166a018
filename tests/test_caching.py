"""A run that was stopped goes on behind its last finished stage, and ends like an unbroken one."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from crossgraph import caching, training
from crossgraph.caching import NO_CACHE, StageCache, evidence_form
from crossgraph.config import Config, load_config
from crossgraph.decisions import DecisionOptions
from crossgraph.errors import ResultError
from crossgraph.evidence.table import EvidenceTable
from crossgraph.pipeline import Inputs, align

QUICK = load_config(
    None,
    [
        *("training.steps=2", "training.epochs=1", "training.batch=16", "model.width=16", "scorer.hidden=8"),
        *("training.scorer_steps=4", "training.scorer_epochs=1", "training.scorer_batch=16"),
        "blocking.per_entity=4",
    ],
)
SURER = replace(QUICK, decisions=DecisionOptions(precision=0.99))
STAGES = (
    *("block", "compare", "train: network", "score: network", "train: scorer, round 1"),
    *("compare: believed, round 2", "train: scorer, round 2"),
)


@pytest.fixture(scope="module")
def inputs(tiny_pair, tmp_path_factory) -> Inputs:
    folder = tmp_path_factory.mktemp("inputs")
    links = folder / "links.tsv"
    links.write_text("".join(f"{left}\t{right}\n" for left, right in tiny_pair.truth[:9]))
    return Inputs(left=tiny_pair.write(folder / "graphs"), links=(links,))


@pytest.fixture(scope="module")
def unbroken(inputs, tmp_path_factory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("unbroken") / "RESULT"
    report = align(inputs, out, config=QUICK).report
    assert reused(report) == []
    return content(out)


def content(result: Path) -> dict[str, Any]:
    """All that a RESULT holds, but for what its run cost."""
    found: dict[str, Any] = {
        str(file.relative_to(result)): file.read_bytes() for file in result.rglob("*") if file.is_file()
    }
    report = json.loads(found["report.json"])
    return found | {"report.json": {key: value for key, value in report.items() if key != "stages"}}


def reused(report: dict[str, Any]) -> list[str]:
    return [row["stage"] for row in report["stages"] if row.get("reused")]


def stopped(inputs: Inputs, out: Path, monkeypatch: pytest.MonkeyPatch, after: int = 1) -> None:
    """Interrupt a run when it has finished so many stages anew."""
    store, left = caching._store, [after]

    def stop(*given: Any) -> None:
        store(*given)
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(caching, "_store", stop)
        with pytest.raises(KeyboardInterrupt):
            align(inputs, out, config=QUICK, resume=True)


def test_a_run_that_is_stopped_after_every_stage_ends_like_an_unbroken_one(
    inputs, unbroken, tmp_path, monkeypatch
):
    out = tmp_path / "RESULT"
    for _ in STAGES:
        stopped(inputs, out, monkeypatch)
    report = align(inputs, out, config=QUICK, resume=True).report
    assert reused(report) == list(STAGES)
    assert "sample" not in [row["stage"] for row in report["stages"]]
    assert content(out) == unbroken
    assert [path.name for path in tmp_path.iterdir()] == ["RESULT"]


def test_training_that_is_stopped_in_its_midst_goes_on_behind_its_last_epoch(inputs, tmp_path, monkeypatch):
    longer, draw = changed("training.epochs=4"), training.draw_pairs
    monkeypatch.setattr(caching, "LEAST_SECONDS", 0.0)
    align(inputs, tmp_path / "unbroken", config=longer)
    out = tmp_path / "RESULT"
    # Two networks of four epochs each, side by side.
    for most, ends in ((3, False), (1, False), (2, False), (2, True)):
        begun = count()

        def drawn(*given: Any, most: int = most, begun: Any = begun, **options: Any) -> Any:
            if next(begun) >= most:
                raise KeyboardInterrupt
            return draw(*given, **options)

        monkeypatch.setattr(training, "draw_pairs", drawn)
        with suppress(KeyboardInterrupt):
            align(inputs, out, config=longer, resume=True)
        assert out.exists() == ends
    assert content(out) == content(tmp_path / "unbroken")


def test_epochs_are_kept_until_their_training_is_finished(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(caching, "LEAST_SECONDS", 0.0)
    written, write = [], caching._write
    monkeypatch.setattr(caching, "_write", lambda *given: (written.append(given[1].name), write(*given)))
    align(inputs, tmp_path / "R", config=QUICK, cache=tmp_path / "cache")
    assert any(name.endswith(".unfinished") for name in written)
    assert not list((tmp_path / "cache").glob("*.unfinished"))


def test_epochs_of_other_networks_are_not_taken(inputs, unbroken, tmp_path, monkeypatch):
    had = {"network": {"weight": torch.ones(3)}, "optimiser": {}, "schedule": {}, "chance": {}, "epochs": 1}
    monkeypatch.setattr(caching.EpochFile, "had", lambda self: had)
    align(inputs, tmp_path / "R", config=QUICK)
    assert content(tmp_path / "R") == unbroken


def test_epochs_that_a_kill_has_damaged_are_learned_again(tmp_path, monkeypatch):
    monkeypatch.setattr(caching, "LEAST_SECONDS", 0.0)
    (kept,) = StageCache(tmp_path, "these").epochs("network", 1)
    assert kept.had() is None
    kept.keep(lambda: {"epochs": 3, "chance": {"state": 1 << 100}, "weight": torch.ones(300)})
    assert kept.had()["chance"] == {"state": 1 << 100}
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for share in (0, 1, 2, 3):
        file.write_bytes(whole[: len(whole) * share // 4])
        assert kept.had() is None
    monkeypatch.setattr(caching, "LEAST_SECONDS", 60.0)
    kept.keep(lambda: {"epochs": 4})
    assert kept.had() is None
    # Where there is no room for it, a run goes on without.
    monkeypatch.setattr(caching, "LEAST_SECONDS", 0.0)
    caching.EpochFile(tmp_path / "no" / "folder" / "file").keep(lambda: {"epochs": 5})


def test_outputs_that_a_kill_has_damaged_are_made_anew(inputs, unbroken, tmp_path, monkeypatch):
    out = tmp_path / "RESULT"
    stopped(inputs, out, monkeypatch, after=4)
    files = sorted(tmp_path.rglob("*.npz"))
    assert len(files) == 4
    for number, file in enumerate(files):
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) * number // 4])
    assert reused(align(inputs, out, config=QUICK, resume=True).report) == []
    assert content(out) == unbroken


def test_a_run_that_changes_the_threshold_alone_only_decides(inputs, unbroken, tmp_path):
    cache = tmp_path / "cache"
    assert reused(align(inputs, tmp_path / "one", config=QUICK, cache=cache).report) == []
    assert content(tmp_path / "one") == unbroken
    report = align(inputs, tmp_path / "two", config=SURER, cache=cache).report
    assert [row["stage"] for row in report["stages"]] == ["all but decisions", "assign", "write"]
    assert reused(report) == ["all but decisions"]
    align(inputs, tmp_path / "three", config=SURER)
    assert content(tmp_path / "two") == content(tmp_path / "three") != unbroken
    assert content(tmp_path / "one") == unbroken


def test_a_kept_run_is_not_that_of_other_inputs_or_rules(inputs, tmp_path):
    cache = tmp_path / "cache"
    align(inputs, tmp_path / "one", config=QUICK, cache=cache)
    rules = replace(QUICK, decisions=DecisionOptions(apart=("film = Human",)))
    assert reused(align(inputs, tmp_path / "two", config=rules, cache=cache).report) == list(STAGES)
    # Blocking asks how many partners an entity may have.
    free = replace(QUICK, decisions=DecisionOptions(cardinality="free"))
    assert reused(align(inputs, tmp_path / "four", config=free, cache=cache).report) == []
    fewer = tmp_path / "fewer.tsv"
    fewer.write_text("".join(inputs.links[0].read_text().splitlines(keepends=True)[:-1]))
    other = replace(inputs, links=(fewer,))
    assert reused(align(other, tmp_path / "three", config=QUICK, cache=cache).report) == []


@pytest.mark.parametrize("hurt", ["workings.npz", "standing.npz", "model.json"])
def test_a_kept_run_that_is_damaged_is_made_anew(inputs, unbroken, tmp_path, hurt):
    cache = tmp_path / "cache"
    align(inputs, tmp_path / "one", config=QUICK, cache=cache)
    (file,) = cache.glob(f"run-*/model/{hurt}")
    whole = file.read_bytes()
    file.unlink()  # as it has other names
    file.write_bytes(whole[: len(whole) // 2])
    assert reused(align(inputs, tmp_path / "two", config=QUICK, cache=cache).report) == list(STAGES)
    assert content(tmp_path / "two") == unbroken
    report = align(inputs, tmp_path / "three", config=QUICK, cache=cache).report
    assert reused(report) == ["all but decisions"]
    assert content(tmp_path / "three") == unbroken


@pytest.mark.parametrize(
    ("change", "repeated"),
    [
        ("blocking.per_entity=1", STAGES),
        ("model.width=8", STAGES[2:]),
        ("scorer.hidden=4", STAGES[4:]),
        ("training.scorer_steps=5", STAGES[4:]),
        ("run.seed=1", STAGES[2:]),
    ],
)
def test_a_setting_repeats_what_it_changes_and_no_more(inputs, tmp_path_factory, change, repeated):
    cache = tmp_path_factory.getbasetemp() / "shared cache"
    if not cache.exists():
        align(inputs, tmp_path_factory.mktemp("first") / "R", config=QUICK, cache=cache)
    report = align(inputs, tmp_path_factory.mktemp("other") / "R", config=changed(change), cache=cache).report
    assert reused(report) == [stage for stage in STAGES if stage not in repeated]


def changed(setting: str) -> Config:
    table, _, rest = setting.partition(".")
    key, _, value = rest.partition("=")
    return replace(QUICK, **{table: replace(getattr(QUICK, table), **{key: int(value)})})


def test_outputs_are_told_apart_by_everything_that_they_are_made_of(tmp_path):
    cache = StageCache(tmp_path)
    column = np.arange(6, dtype=np.int32)
    made = [
        cache,
        *(cache.on(part) for part in (column, column.astype(np.int64), column.reshape(2, 3), column[::-1])),
        *(cache.on(part) for part in ("a", 1, 1.0, None, QUICK.model, replace(QUICK.model, width=32))),
        cache.on("a", "b"),
        cache.on("ab"),
    ]
    assert len({one.made_of for one in made}) == len(made)
    assert cache.on(column).made_of == cache.on(column.copy()).made_of


def test_an_output_of_other_pairs_is_not_taken(tmp_path):
    cache, rows = StageCache(tmp_path), {"stage": "compare"}
    three = EvidenceTable.of({"x": np.array([1.0, np.nan, 3.0], dtype=np.float32)})
    cache.recall("compare", lambda: three, evidence_form(3), row=rows)
    again = cache.recall("compare", EvidenceTable.none, evidence_form(3), row=rows)
    assert again.names == ("x",)
    assert np.array_equal(again.values, three.values, equal_nan=True)
    fewer = cache.recall("compare", lambda: EvidenceTable.none(2), evidence_form(2), row={})
    assert len(fewer.values) == 2


def test_a_file_in_the_place_of_the_folder_is_refused_before_the_work(inputs, tmp_path):
    with pytest.raises(ResultError, match="is a file, and a folder is to keep"):
        align(inputs, tmp_path / "R", config=QUICK, cache=inputs.links[0])
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_nothing_is_kept():
    row: dict[str, Any] = {}
    for number in range(2):
        assert NO_CACHE.on("a").recall("x", lambda: number, evidence_form(0), row=row) == number  # noqa: B023 - asked at once
    assert row == {}
    assert not NO_CACHE.has("x")
