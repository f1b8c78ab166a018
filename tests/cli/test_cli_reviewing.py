"""The verb review, as people call it, without a browser; and merging with what was decided."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from crossgraph.cli import app
from crossgraph.graphs import read_graph
from crossgraph.graphs.links import read_links
from crossgraph.graphs.parquet import write_parquet_graph
from crossgraph.ground import SIDES
from crossgraph.layout import ResultFolder
from crossgraph.reviewing.labels import labels_of
from crossgraph.reviewing.ledger import Ledger, Saying, Verdict
from reviewing.samples import BASE, make_result


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CROSSGRAPH_REVIEW_TOKEN", raising=False)
    return make_result(tmp_path / "r", ("Vertigo", "Alien", "Ran"), ("Vertigo", "Aliens", "Ran"))


def decide(result: Path, who: str, i: int, j: int, verdict: Verdict) -> None:
    ledger = Ledger(ResultFolder(result).ledger_file)
    pair = f"{BASE}left/film{i}", f"{BASE}right/film{j}"
    ledger.record(Saying(who=who, left=pair[0], right=pair[1], verdict=verdict))


def test_decisions_travel_from_result_to_result(result: Path, tmp_path: Path) -> None:
    other = make_result(tmp_path / "other", ("Vertigo",), ("Vertigo",))
    decide(result, "ann", 0, 0, "same")
    decide(other, "bob", 0, 0, "different")
    decide(other, "bob", 1, 2, "different")
    done = run("review", result, "--export", "all.jsonl")
    assert (done.exit_code, done.stdout) == (0, "all.jsonl\n")
    done = run("review", other, "--import", "all.jsonl", "--import", result, "--export", "labels.csv")
    assert (done.exit_code, done.stdout) == (0, "labels.csv\n")
    assert "1 of 2 entries are new" in done.stderr
    labels = read_links("labels.csv")
    assert (labels.left.to_list(), labels.label.tolist()) == ([f"{BASE}left/film1"], [False])
    assert labels_of(other).left.to_list() == labels.left.to_list()
    told = run("review", other, "--agreement").stdout
    assert re.search(r"ann +1 same", told)
    assert re.search(r"ann and bob +0 of 1 alike, kappa 0.000", told)
    assert re.search(r"disputed pairs +1", told)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--export", "x.txt"], "does not tell what to write"),
        (["--export", "there.csv"], "--force replaces it"),
        (["--import", "gone.jsonl"], "gone.jsonl is missing"),
        (["--import", "gone.csv"], "gone.csv is missing"),
        (["--import", "none.csv"], "none.csv: the file is empty"),
        (["--import", "there.csv"], "there.csv has no column 'left'"),
        (["--token", "short"], "too short"),
        (["--name", " "], "--name is empty"),
        (["--host", "999.1.1.1"], "cannot listen at 999.1.1.1"),
        (["--graphs", "gone", "gone"], "gone"),
    ],
)
def test_review_tells_what_is_wrong(result: Path, args: list[str], told: str) -> None:
    Path("there.csv").write_text("something\n")
    Path("none.csv").write_text("")
    done = run("review", result, "--port", "0", *args)
    assert done.exit_code == 1
    assert told in done.stderr
    assert not ResultFolder(result).ledger_file.exists()
    assert Path("there.csv").read_text() == "something\n"


def answers(path: str, *pairs: tuple[str, str]) -> str:
    Path(path).write_text("left,right,label\n" + "".join(f"{a},{b},1\n" for a, b in pairs))
    return path


def test_answers_about_nobody_are_told_line_by_line_and_none_is_taken(result: Path) -> None:
    left, right = f"{BASE}left/film0", f"{BASE}right/film0"
    given = (
        answers("good.csv", (left, right)),
        answers("bad.csv", ("nope", right), (left, "no")),
    )
    done = run("review", result, "--import", given[0], "--import", given[1])
    assert done.exit_code == 1
    assert "bad.csv:2: 'nope' is not in the left graph" in done.stderr
    assert "bad.csv:3: 'no' is not in the right graph" in done.stderr
    assert not ResultFolder(result).ledger_file.exists()
    done = run("review", result, "--import", answers("turned.csv", (right, left)))
    assert "the columns look swapped" in done.stderr
    assert not ResultFolder(result).ledger_file.exists()


def test_answers_about_entities_that_may_still_come_are_taken_beside_others(result: Path) -> None:
    left, right = f"{BASE}left/film0", f"{BASE}right/film0"
    done = run("review", result, "--import", answers("some.csv", (left, right), ("new", f"{right}1")))
    assert "2 of 2 answers are new" in done.stderr
    told = "1 of 2 answers name entities that the graphs do not have, and count once an update brings these"
    assert f"Note: {told}, such as some.csv:3: 'new' is not in the left graph" in done.stderr


def test_answers_are_held_against_what_a_result_keeps_of_its_graphs(result: Path) -> None:
    for side in SIDES:
        kept = ResultFolder(result).ground_folder / side
        kept.mkdir(parents=True)
        write_parquet_graph(read_graph(result.parent / f"{side}.nt").tables(), kept)
        (result.parent / f"{side}.nt").unlink()
    pair = f"{BASE}left/film0", f"{BASE}right/film0"
    done = run("review", result, "--import", answers("upper.csv", (pair[0].upper(), pair[1])))
    assert "differ from the graph's only in case" in done.stderr
    assert "1 of 1 answers are new" in done.stderr
    assert labels_of(result).table().select("left", "right").rows() == [pair]


def test_only_a_result_is_reviewed(tmp_path: Path) -> None:
    assert "is no RESULT" in run("review", tmp_path).stderr


def test_without_the_extra_the_way_to_get_it_is_told(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    done = run("review", result)
    assert done.exit_code == 1
    assert "uvicorn is not installed" in done.stderr
    assert "pip install 'crossgraph[review]'" in done.stderr
    assert run("review", result, "--agreement").exit_code == 0, "which needs no web"


@contextmanager
def served(*args: str | Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server as people start it, and the address that it tells."""
    command = [sys.executable, "-m", "crossgraph", "review", *map(str, args), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_it_listens_on_this_machine_alone_and_ends_when_interrupted(result: Path) -> None:
    with served(result) as (address, process):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        assert status(address) == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0, "as it announced"
        assert process.stderr
        said = process.stderr.read()
        assert "Ctrl+C ends" in said
        assert "Error" not in said
        assert "Traceback" not in said


def test_elsewhere_it_makes_up_a_token(result: Path) -> None:
    with served(result, "--host", "0.0.0.0") as (address, _):
        found = re.fullmatch(r"http://0\.0\.0\.0:(\d+)/\?token=([\w-]{32})", address)
        assert found
        assert status(f"http://127.0.0.1:{found[1]}/") == 401
        assert status(f"http://127.0.0.1:{found[1]}/?token=x{found[2]}") == 401


def test_merge_follows_the_reviewers_if_asked(result: Path) -> None:
    decide(result, "ann", 0, 0, "different")
    decide(result, "ann", 1, 2, "same")

    def united(*args: str) -> set[tuple[str, ...]]:
        assert run("merge", result, "--out", "m.nq", "--force", *args).exit_code == 0
        same = "<http://www.w3.org/2002/07/owl#sameAs>"
        lines = [
            line for line in Path("m.nq").read_text().splitlines() if "graph/matches" in line and same in line
        ]
        return {tuple(re.findall(r"(film\d)>", line)) for line in lines if "film" in line}

    assert united() == {("film0", "film0"), ("film1", "film1"), ("film2", "film2")}
    assert united("--reviewed") == {("film1", "film2")}


def test_merge_leaves_out_what_was_decided_about_entities_that_are_gone(result: Path) -> None:
    decide(result, "ann", 0, 0, "different")
    decide(result, "ann", 1, 9, "same")
    decide(result, "ann", 9, 2, "different")
    done = run("merge", result, "--out", "m.nq", "--reviewed")
    assert done.exit_code == 0, done.stderr
    assert "Note: 2 answers name entities that the graphs do not have, and are left out" in done.stderr
    ResultFolder(result).ledger_file.unlink()
    decide(result, "ann", 0, 0, "different")
    assert run("merge", result, "--out", "without.nq", "--reviewed").exit_code == 0
    assert Path("without.nq").read_bytes() == Path("m.nq").read_bytes()
