from __future__ import annotations

from dataclasses import replace

import pytest

from crossgraph.benchmarking.judging import Judgement
from crossgraph.benchmarking.records import Cost, Key, Record, append_record, case_text, read_records
from crossgraph.errors import FaultsError

RECORD = Record(
    key=Key(method="GÄT", dataset="films", x=0.5, seed=3, settings=("a.b=1",), case=case_text({"left": "f"})),
    judgement=Judgement(
        prauc=0.5, hits1=0.25, mrr=0.4, r_at_p95=0.0, recall_blocking=0.9, pairs=9, matches=3
    ),
    cost=Cost(training_seconds=1.5, scoring_seconds=0.0, parameters=7, peak_mib=80.5),
    versions={"python": "3"},
)
FULL = replace(
    RECORD,
    key=replace(RECORD.key, x=None, settings=()),
    judgement=replace(RECORD.judgement, prauc_low=0.4, prauc_high=0.6, threshold=-1.5, f1=0.5),
    cost=replace(RECORD.cost, pairs_per_second=12.0),
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "runs.jsonl"


def test_lines_are_read_back_as_they_were(file):
    for record in (RECORD, FULL):
        append_record(file, record)
    assert read_records(file) == [RECORD, FULL]
    assert len(file.read_text(encoding="utf8").splitlines()) == 2


def test_no_file_holds_no_runs(file):
    assert read_records(file) == []


def test_an_unfinished_line_is_no_run_and_makes_room_for_the_next(file):
    append_record(file, RECORD)
    with file.open("a") as out:
        out.write(FULL.line()[:40])
    assert read_records(file) == [RECORD]
    append_record(file, FULL)
    assert read_records(file) == [RECORD, FULL]


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", '{"case": {}, "method": 3}', FULL.line().replace("0.25", '"x"')]
)
def test_lines_that_are_no_run_are_told_by_their_number(file, line):
    append_record(file, RECORD)
    with file.open("a") as out:
        out.write(line.strip() + "\n")
    with pytest.raises(FaultsError, match=r"runs\.jsonl:2: no finished run"):
        read_records(file)


def test_figures_and_costs_are_found_by_name():
    assert [FULL.value(name) for name in ("prauc", "pairs_per_second", "precision")] == [0.5, 12.0, None]


def test_a_disk_that_is_full_leaves_the_lines_as_they_were(file, monkeypatch):
    append_record(file, RECORD)
    monkeypatch.setattr("os.fsync", lambda _number: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        append_record(file, FULL)
    assert file.read_text(encoding="utf8") == RECORD.line()
