from __future__ import annotations

import gc
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import polars as pl
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

import crossgraph
from crossgraph.cli import app
from crossgraph.cli.console import ConsoleProgress, duration
from crossgraph.cli.running import loading
from crossgraph.errors import InputError
from crossgraph.evaluation import evaluate_pairs, evaluate_result, read_pair_scores
from crossgraph.graphs import read_graph
from crossgraph.graphs.links import read_links, read_pairs
from crossgraph.graphs.parquet import store_parquet, write_parquet_graph
from crossgraph.graphs.readers import ReadOptions
from crossgraph.graphs.tabular import TableOptions
from crossgraph.layout import ResultFolder
from crossgraph.matches import MATCH_SCHEMA, Matches
from crossgraph.results import read_matches, read_scores, write_scores, write_sssom
from crossgraph.schema.mapping import SchemaMapping, TypeMapping

VERBS = ["demo", "check", "audit", "schema", "block", "train", "align", "align-many", "score"]
VERBS += [
    "evaluate",
    "explain",
    "ask",
    "review",
    "learn",
    "update",
    "merge",
    "unmerge",
    "export",
    "serve",
    "generate",
    "benchmark",
]
HEAVY = ["torch", "numba", "polars", "scipy", "sklearn", "pyoxigraph", "numpy", "rich"]
HEAVY += ["starlette", "jinja2", "uvicorn"]
# The same as running the program with each line of stdin, but telling how it ended and what it imported.
IMPORTED = f"""
import shlex, sys
from crossgraph.cli import main
for line in sys.stdin:
    sys.argv[1:] = shlex.split(line)
    try:
        main()
    except SystemExit as ended:
        print(line.strip(), ended.code, *(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    left: Path
    right: Path | None = None
    links: tuple[Path, ...] = ()
    schema: Path | None = None
    model: Path | None = None
    read: ReadOptions = field(default_factory=ReadOptions)


@dataclass
class Fake:
    """Stands for the pipeline: keeps what it was asked, and does what a test says."""

    calls: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)
    act: Callable[[Any], None] = lambda _progress: None

    def verb(self, name: str, result: object) -> Callable[..., object]:
        def call(*args: Any, **options: Any) -> object:
            self.calls[name] = (args, options)
            if "progress" in options:
                self.act(options["progress"])
            return result

        return call


def outcome(path: Path) -> SimpleNamespace:
    return SimpleNamespace(summary=[("pairs", "12")], report={}, path=path, reasons=["few links"])


CANDIDATES = pl.DataFrame(
    {
        "left": ["a", "a", "b"],
        "right": ["x", "y", "y"],
        "type": ["film", "film", "person"],
        "name": [1.0, 0.5, 0.2],
        "structure": [0.0, 1.0, 2.0],
        "prior": [1.0, 2.0, 3.0],
    }
)
MAPPING = SchemaMapping(types=(TypeMapping("film", "movie"),), relations=(), attributes=())


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """A pipeline that records its calls, in place of the real one."""
    made = Fake()
    module = ModuleType("crossgraph.pipeline")
    results: dict[str, object] = {
        "load_config": "the config",
        "align": outcome(Path("RESULT")),
        "plan": [("read", "2 graphs")],
        "train_pairs": outcome(Path("TRAINED")),
        "score_pairs": 7,
        "propose_schema": MAPPING,
        "propose_candidates": CANDIDATES,
    }
    for name, result in results.items():
        setattr(module, name, made.verb(name, result))
    module.Inputs = Inputs  # type: ignore[attr-defined]  # an empty module
    monkeypatch.setitem(sys.modules, "crossgraph.pipeline", module)
    monkeypatch.setattr(crossgraph, "pipeline", module, raising=False)
    demonstration = ModuleType("crossgraph.demonstration")
    demonstration.run_demo = made.verb("run_demo", outcome(Path("DEMO")))  # type: ignore[attr-defined]  # too
    monkeypatch.setitem(sys.modules, "crossgraph.demonstration", demonstration)
    monkeypatch.setattr(crossgraph, "demonstration", demonstration, raising=False)
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with two small tables and links between them."""
    monkeypatch.chdir(tmp_path)
    Path("left.csv").write_text("id,name,year\na,Hamlet,1990\nb,Alien,1979\n")
    Path("right.csv").write_text("id,title\nx,hamlet\ny,aliens\n")
    Path("links.tsv").write_text("a\tx\n")
    return tmp_path


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def process(*args: str, code: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    start = ["-c", code] if code else ["-m", "crossgraph"]
    return subprocess.run(
        [sys.executable, *start, *args], capture_output=True, text=True, timeout=60, check=False, **options
    )


def test_help_lists_the_verbs_in_working_order() -> None:
    lines = run("--help").output.split("Commands:")[1].splitlines()
    assert [line.split()[0] for line in lines if line.strip()] == VERBS
    assert not any(line.endswith("...") for line in lines)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_tells_what_it_reads_and_writes_and_the_order_of_work(verb: str) -> None:
    text = run(verb, "--help").output
    assert "Reads " in text
    assert "Writes " in text or "Prints " in text
    assert f"  Example:\n      crossgraph {verb}" in text
    assert "Before: " in text


def test_help_imports_nothing_heavy() -> None:
    lines = ["--help", "--version", *(f"{verb} --help" for verb in VERBS)]
    done = process(code=IMPORTED, input="\n".join(lines))
    assert done.stderr.splitlines() == [f"{line} 0" for line in lines]


def test_version_is_that_of_the_package() -> None:
    assert run("--version").output == f"crossgraph {crossgraph.__version__}\n"


def test_align_hands_over_what_it_is_given(fake: Fake) -> None:
    done = run(
        *("align", "L", "R", "--out", "RESULT", "--links", "a.tsv", "--links", "b.tsv", "--model", "M"),
        *(
            "--schema",
            "s.toml",
            "--precision",
            "0.9",
            "--device",
            "cpu",
            "--engine",
            "ray",
            "--memory",
            "8GB",
            "--resume",
            "--cache",
            "C",
            "--names-from-iri",
        ),
        *(
            "--id-column",
            "key",
            "--id-column",
            "code",
            "--entity-column",
            "artist",
            "--entity-column",
            "label",
            "--split",
            "|",
        ),
        *("--config", "c.toml", "--set", "blocking.per_entity=3", "--set", "run.x=y", "--seed", "7"),
    )
    assert done.exit_code == 0, done.output
    tables = TableOptions(id_columns=("key", "code"), entity_columns=("artist", "label"), split="|")
    read = ReadOptions(tables=tables, names_from_iri=True)
    inputs = Inputs(
        left=Path("L"),
        right=Path("R"),
        links=(Path("a.tsv"), Path("b.tsv")),
        schema=Path("s.toml"),
        model=Path("M"),
        read=read,
    )
    args, options = fake.calls["load_config"]
    assert args == (Path("c.toml"), ["blocking.per_entity=3", "run.x=y"])
    expected = {
        "seed": 7,
        "device": "cpu",
        "engine": "ray",
        "memory": "8GB",
        "encoder": None,
        "precision": 0.9,
    }
    assert options == expected
    args, options = fake.calls["align"]
    assert args == (inputs, Path("RESULT"))
    assert isinstance(options.pop("progress"), ConsoleProgress)
    assert options == {"config": "the config", "force": False, "resume": True, "cache": Path("C")}


def test_align_tells_people_on_stderr_and_scripts_the_folder_on_stdout(fake: Fake) -> None:
    done = run("align", "L", "--out", "RESULT")
    assert done.stdout == "RESULT\n"
    assert "pairs  12" in done.stderr
    assert "few links" in done.stderr
    quiet = run("align", "L", "--out", "RESULT", "--quiet")
    assert (quiet.stdout, quiet.stderr) == ("RESULT\n", "")


def test_a_dry_run_only_plans(fake: Fake) -> None:
    done = run("align", "L", "--out", "RESULT", "--dry-run")
    assert done.stdout == "read  2 graphs\n"
    assert set(fake.calls) == {"load_config", "plan"}


def test_train_and_demo_hand_over_what_they_are_given(fake: Fake) -> None:
    done = run("train", "DIR", "--pairs", "train.csv", "--valid", "valid.csv", "--out", "R", "--force")
    assert done.stdout == "TRAINED\n"
    args, options = fake.calls["train_pairs"]
    assert args == (Inputs(left=Path("DIR")), Path("train.csv"), Path("valid.csv"), Path("R"))
    assert options["force"] is True
    assert run("demo").stdout == "DEMO\n"
    assert fake.calls["run_demo"][0] == (Path("crossgraph-demo"),)


def test_score_hands_over_the_graphs_if_they_are_given(fake: Fake, folder: Path) -> None:
    done = run("score", "RESULT", "--pairs", "p.csv", "--out", "s.tsv")
    assert (done.stdout, done.stderr) == ("s.tsv\n", "7 pairs scored\n")
    assert fake.calls["score_pairs"][0] == (Path("RESULT"), Path("p.csv"), Path("s.tsv"))
    assert fake.calls["score_pairs"][1]["graphs"] is None
    run("score", "RESULT", "--pairs", "p.csv", "--out", "s.tsv", "--graphs", "L", "R")
    assert fake.calls["score_pairs"][1]["graphs"] == Inputs(left=Path("L"), right=Path("R"))


def test_schema_prints_a_mapping_or_writes_it_and_keeps_what_people_edited(fake: Fake, folder: Path) -> None:
    assert run("schema", "L").stdout == MAPPING.to_toml()
    assert run("schema", "L", "--out", "s.toml").stdout == "s.toml\n"
    assert Path("s.toml").read_text() == MAPPING.to_toml()
    Path("s.toml").write_text("edited")
    refused = run("schema", "L", "--out", "s.toml")
    assert (refused.exit_code, Path("s.toml").read_text()) == (1, "edited")
    assert "--force replaces it" in refused.stderr
    assert run("schema", "L", "--out", "s.toml", "--force").exit_code == 0
    assert Path("s.toml").read_text() == MAPPING.to_toml()


@pytest.mark.parametrize("suffix", [".parquet", ".tsv", ".csv"])
def test_block_writes_the_pairs_in_the_format_of_the_name(fake: Fake, folder: Path, suffix: str) -> None:
    done = run("block", "L", "R", "--out", f"pairs{suffix}")
    assert done.stdout == f"pairs{suffix}\n"
    assert "recall" not in done.stderr
    read: dict[str, Callable[[str], pl.DataFrame]] = {
        ".parquet": pl.read_parquet,
        ".csv": pl.read_csv,
        ".tsv": lambda path: pl.read_csv(path, separator="\t"),
    }
    assert read[suffix](f"pairs{suffix}").equals(CANDIDATES)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["left.csv", "right.csv", "links.tsv", f"pairs{suffix}"]
    )


def test_block_tells_counts_and_the_recall_of_the_links(fake: Fake, folder: Path) -> None:
    Path("more.tsv").write_text("A\ty\nb\tx\nb\ty\t\n")
    Path("no.tsv").write_text("a\ty\t0\nq\tq\t1\n")
    told = run("block", "L", "--out", "p.csv", "--links", "links.tsv", "--links", "more.tsv").stderr
    assert "recall" in told
    assert "75.0% of the links: 3 of 4" in told
    assert "film" in told
    assert "0.0% of the links: 0 of 1" in run("block", "L", "--out", "p.csv", "--links", "no.tsv").stderr


@pytest.mark.parametrize("verb", ["block", "schema"])
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    fake: Fake, folder: Path, verb: str
) -> None:
    for out, why in (("absent/p.csv", "absent is no folder"), ("sub.csv", "is a folder")):
        Path("sub.csv").mkdir(exist_ok=True)
        done = run(verb, "L", "--out", out)
        assert done.exit_code == 1
        assert why in done.stderr
    assert fake.calls == {}


@pytest.mark.parametrize(
    "args",
    [
        ["chek"],
        ["check"],
        ["align", "L"],
        ["align", "L", "--out", "R", "--precision", "1.5"],
        ["align", "L", "--out", "R", "--precision", "nan"],
        ["align", "L", "--out", "R", "--device", "tpu"],
        ["align", "L", "--out", "R", "--seed", "-1"],
        ["align", "L", "--out", "R", "--split", ""],
        ["align", "L", "--out", "R", "--unknown"],
        ["block", "L", "--out", "pairs.xlsx"],
        ["score", "R", "--pairs", "p", "--out", "o", "--graphs", "L"],
        ["evaluate", "--gold", "g"],
        ["evaluate", "RESULT", "--scores", "s", "--gold", "g"],
        ["evaluate", "RESULT"],
    ],
)
def test_wrong_usage_ends_with_2(args: list[str], fake: Fake) -> None:
    done = run(*args)
    assert done.exit_code == 2
    assert "Error: " in done.stderr
    assert done.stdout == ""


def test_a_problem_is_told_with_the_way_out_and_no_traceback(fake: Fake) -> None:
    def fail(_progress: object) -> None:
        raise InputError("the disc is square", hint="use a round one")

    fake.act = fail
    for flags in ([], ["--quiet"], ["--verbose"]):
        done = run("align", "L", "--out", "R", *flags)
        assert done.exit_code == 1
        assert done.stderr == "Error: the disc is square\n  Try: use a round one\n"


def test_an_unexpected_error_is_called_a_bug_and_shown_only_if_verbose(fake: Fake) -> None:
    def fail(_progress: object) -> None:
        raise ZeroDivisionError("division by zero")

    fake.act = fail
    done = run("align", "L", "--out", "R")
    assert done.exit_code == 1
    assert "this is a bug in crossgraph: ZeroDivisionError: division by zero" in done.stderr
    assert "--verbose" in done.stderr
    assert "Traceback" not in done.stderr
    assert "in fail" in run("align", "L", "--out", "R", "--verbose").stderr


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "memory is not enough"),
        (OSError(28, "No space left on device", "scores.parquet"), 1, "scores.parquet: No space left"),
    ],
)
def test_what_the_machine_does_is_told_plainly(
    fake: Fake, error: BaseException, code: int, told: str
) -> None:
    def fail(_progress: object) -> None:
        raise error

    fake.act = fail
    done = run("align", "L", "--out", "R")
    assert done.exit_code == code
    assert told in done.stderr
    assert "bug" not in done.stderr


def test_warnings_of_python_and_of_other_packages_do_not_leak(fake: Fake) -> None:
    def warn(_progress: object) -> None:
        warnings.warn("an old function", DeprecationWarning, stacklevel=1)
        logging.getLogger("someone.else").warning("a foreign warning")
        logging.getLogger("crossgraph.stage").info("a detail")

    fake.act = warn
    done = run("align", "L", "--out", "R")
    assert done.exit_code == 0
    for text in ("an old function", "a foreign warning", "a detail"):
        assert text not in done.stderr
    told = run("align", "L", "--out", "R", "--verbose").stderr
    assert "an old function" in told
    assert "info crossgraph.stage: a detail" in told


def test_a_session_leaves_logging_as_it_was(fake: Fake) -> None:
    names = ("crossgraph", "py.warnings", None)

    def state() -> list[tuple[list[logging.Handler], int]]:
        return [(list(logging.getLogger(name).handlers), logging.getLogger(name).level) for name in names]

    before = state()
    run("align", "L", "--out", "R", "--verbose")
    assert state() == before


def test_notes_of_the_readers_are_told_unless_quiet(fake: Fake) -> None:
    def warn(_progress: object) -> None:
        logging.getLogger("crossgraph.graphs").warning("3 rows are blank")

    fake.act = warn
    assert "Note: 3 rows are blank\n" in run("align", "L", "--out", "R").stderr
    assert run("align", "L", "--out", "R", "-q").stderr == ""


def test_stages_are_one_line_each_where_there_is_no_terminal(fake: Fake) -> None:
    def work(progress: Any) -> None:
        with progress.stage("score", 5000, "pairs") as advance:
            advance(2000)
            advance(3000)
            with progress.stage("inner"):
                pass

    fake.act = work
    told = run("align", "L", "--out", "R").stderr
    assert "inner: 0.0 s\n" in told
    assert "score: 5,000 pairs in 0.0 s\n" in told
    assert "\x1b" not in told


def on_terminal(*, quiet: bool = False) -> tuple[ConsoleProgress, io.StringIO]:
    progress, shown = ConsoleProgress(quiet=quiet), io.StringIO()
    progress.err = Console(file=shown, force_terminal=True, width=120, highlight=False)
    return progress, shown


def test_stages_are_bars_on_a_terminal_and_end_as_lines() -> None:
    progress, shown = on_terminal()
    with progress.stage("score", 10, "pairs") as advance:
        advance(4)
        with progress.stage("guess") as advance_inner:
            advance_inner(3)
            time.sleep(0.3)
    drawn = shown.getvalue()
    assert "4/10 pairs" in drawn
    assert "guess" in drawn
    assert "━" in drawn
    assert re.search(r"score: 4 pairs in \d\.\d s\n", drawn.replace("\r", ""))
    assert drawn.count("\x1b[?25l") == drawn.count("\x1b[?25h") == 1


def test_a_stage_that_fails_has_no_line_and_frees_the_terminal() -> None:
    progress, shown = on_terminal()
    with pytest.raises(ZeroDivisionError), progress.stage("score", 10):
        raise ZeroDivisionError
    assert "score:" not in shown.getvalue()
    assert shown.getvalue().count("\x1b[?25h") == 1


def test_quiet_draws_nothing() -> None:
    progress, shown = on_terminal(quiet=True)
    with progress.stage("score", 10) as advance:
        advance(1)
    progress.note("kept for JSON")
    assert (shown.getvalue(), progress.notes) == ("", ["kept for JSON"])


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.44, "0.4 s"), (75.2, "75 s"), (119.6, "120 s"), (725.9, "12 min 5 s")]
)
def test_durations_are_told_as_people_say_them(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_check_lists_every_fault_of_both_graphs_and_the_links_at_once(folder: Path) -> None:
    Path("left.csv").write_text("id,name\na,x\na,y\n")
    Path("right.nt").write_text("<http://x/a> <http://x/p> .\n")
    Path("links.tsv").write_text("only\n")
    done = run("check", "left.csv", "right.nt", "--links", "links.tsv")
    assert (done.exit_code, done.stdout) == (1, "")
    for place in ("left.csv:3: ", "right.nt:1: ", "links.tsv:1: "):
        assert place in done.stderr
    assert done.stderr.count("left.csv:3") == 1
    found = json.loads(run("check", "left.csv", "right.nt", "--links", "links.tsv", "--json").stdout)
    assert found["ok"] is False
    assert [fault["line"] for fault in found["faults"]] == [3, 1, 1]


def test_check_looks_the_links_up_in_the_graphs(folder: Path) -> None:
    Path("links.tsv").write_text("a\tnobody\n")
    done = run("check", "left.csv", "right.csv", "--links", "links.tsv")
    assert done.exit_code == 1
    assert "links.tsv:1: 'nobody' is not in the right graph" in done.stderr


def test_check_shows_what_is_in_the_graphs_on_stdout(folder: Path) -> None:
    done = run("check", "left.csv", "right.csv", "--links", "links.tsv")
    assert done.exit_code == 0
    for text in ("left.csv (left)", "right.csv (right)", "2 entities", "Hamlet", "Looks odd: the graph has"):
        assert text in done.stdout
    assert "links: 1 the same, 0 known not to match" in done.stdout
    assert "Hamlet" not in done.stderr


def test_check_in_json_has_the_whole_profile_and_what_looks_odd(folder: Path) -> None:
    found = json.loads(run("check", "left.csv", "right.csv", "--links", "links.tsv", "--json").stdout)
    assert found["ok"] is True
    assert found["links"] == {"same": 1, "different": 0}
    assert [graph["entities"] for graph in found["graphs"]] == [2, 2]
    assert "no edges" in found["graphs"][0]["warnings"][0]


def test_check_takes_one_graph_but_then_no_links(folder: Path) -> None:
    assert "left.csv\n2 entities" in run("check", "left.csv").stdout
    done = run("check", "left.csv", "--links", "links.tsv")
    assert done.exit_code == 1
    assert "give RIGHT as well" in done.stderr


def test_check_takes_one_folder_for_both_graphs(folder: Path) -> None:
    Path("left.csv").rename("tableA.csv")
    Path("right.csv").rename("tableB.csv")
    assert [name in run("check", folder).stdout for name in ("(left)", "(right)")] == [True, True]


def test_check_shows_iris_by_their_last_part_where_that_is_clear(folder: Path) -> None:
    rows = [("a", "http://x/p#name"), ("a", "http://x/q#name"), ("a", "http://x/q#year")]
    Path("g.nt").write_text("".join(f'<http://x/{one}> <{key}> "v" .\n' for one, key in rows))
    lines = [line.split(" ")[0] for line in run("check", "g.nt").stdout.splitlines()]
    assert {"http://x/p#name", "http://x/q#name", "year"} <= set(lines)
    assert "http://x/q#year" not in lines


def test_check_shows_no_more_rows_than_fit(folder: Path) -> None:
    names = [f"c{number}" for number in range(33)]
    Path("wide.csv").write_text(f"id,{','.join(names)}\n" + f"a{',v' * 33}\n")
    assert "and 3 more; --json shows all of them" in run("check", "wide.csv").stdout
    found = json.loads(run("check", "wide.csv", "--json").stdout)
    assert len(found["graphs"][0]["attributes"]) == 33


@pytest.fixture
def result(folder: Path) -> Path:
    """A RESULT with two types."""
    rows = [
        ("a", "x", "film", 2.0, 0.9, True),
        ("a", "y", "film", 1.0, 0.4, False),
        ("b", "y", "person", 1.5, 0.8, True),
    ]
    matches = Matches(pl.DataFrame(rows, schema=MATCH_SCHEMA, orient="row"))
    path = folder / "RESULT"
    path.mkdir()
    write_scores(matches, path / "scores.parquet")
    write_sssom(matches, path / "matches.sssom.tsv")
    Path("gold.tsv").write_text("a\tx\nb\tz\n")
    return path


def test_evaluate_says_what_evaluation_says(result: Path) -> None:
    expected = evaluate_result(
        read_scores(result / "scores.parquet"),
        read_matches(result / "matches.sssom.tsv"),
        gold=read_links("gold.tsv"),
    )
    found = json.loads(run("evaluate", result, "--gold", "gold.tsv", "--json").stdout)
    assert found == expected.as_dict()
    table = run("evaluate", result, "--gold", "gold.tsv").stdout
    lines = {line.split("  ")[0]: line.split() for line in table.splitlines()}
    assert lines["PRAUC"][1:] == [
        f"{one.prauc:.4f}" for one in (expected.overall, *expected.by_type.values())
    ]
    assert lines["gold pairs"][2:] == ["2", "1", "1"]


def graphs_of_result(result: Path, left: str, right: str) -> None:
    """Graphs of entities with a name each, as a RESULT keeps them."""
    for side, names in (("left", left), ("right", right)):
        kept = ResultFolder(result).ground_folder / side
        kept.mkdir(parents=True)
        Path("graph.csv").write_text("id,name\n" + "".join(f"{name},{name}\n" for name in names))
        write_parquet_graph(read_graph("graph.csv").tables(), kept)


def test_evaluate_refuses_gold_of_other_graphs(result: Path) -> None:
    graphs_of_result(result, "abc", "xyz")
    for text, told in (
        ("z\tc\n", "the columns look swapped"),
        ("p\tq\n", "gold.tsv:1: 'p' is not in the left graph"),
        ("A\tX\n", "differ from the graph's only in case"),
    ):
        Path("gold.tsv").write_text(text)
        done = run("evaluate", result, "--gold", "gold.tsv")
        assert (done.exit_code, done.stdout) == (1, "")
        assert told in done.stderr
    Path("gold.tsv").write_text("c\tz\n")
    done = run("evaluate", result, "--gold", "gold.tsv", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["recall"] == 0
    assert "2 of the 2 gold identifiers occur in no scored pair" in done.stderr


def test_evaluate_leaves_out_what_was_given_and_is_not_gold(result: Path) -> None:
    table = pl.DataFrame({"left": ["b", "a"], "right": ["y", "x"], "same": [True, True]})
    ResultFolder(result).model_folder.mkdir()
    store_parquet(table, ResultFolder(result).known_file)
    done = run("evaluate", result, "--gold", "gold.tsv", "--json")
    assert "1 of the gold pairs were known to this run, and count as found" in done.stderr
    assert "1 pairs that were known to this run are not in the gold, and do not count" in done.stderr
    found = json.loads(done.stdout)
    assert (found["matched"], found["matched_gold"], found["precision"]) == (1, 1, 1.0)


def test_evaluate_judges_scored_pairs(folder: Path) -> None:
    Path("scores.tsv").write_text("a\tx\t2.0\t0.9\nb\ty\t-1.0\t0.6\n")
    Path("pairs.tsv").write_text("a\tx\t1\nb\ty\t0\n")
    expected = evaluate_pairs(read_pair_scores("scores.tsv"), read_pairs("pairs.tsv"))
    found = json.loads(run("evaluate", "--scores", "scores.tsv", "--gold", "pairs.tsv", "--json").stdout)
    assert found == expected.as_dict()
    table = run("evaluate", "--scores", "scores.tsv", "--gold", "pairs.tsv").stdout
    assert ["best", "F1", f"{expected.f1_best:.4f}"] in [line.split() for line in table.splitlines()]


def test_evaluate_tells_what_is_missing(folder: Path) -> None:
    done = run("evaluate", "RESULT", "--gold", "links.tsv")
    assert done.exit_code == 1
    assert "RESULT/scores.parquet is missing" in done.stderr


def test_numbers_that_json_does_not_know_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    from crossgraph.cli.console import print_json

    print_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": -float("inf")}})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5], "c": {"d": None}}


@pytest.mark.parametrize(
    ("args", "code"),
    [(["check", "left.csv"], 0), (["check", "absent.csv"], 1), (["chek"], 2), (["align", "left.csv"], 2)],
)
def test_a_process_ends_with_its_exit_code_and_without_traceback(
    folder: Path, args: list[str], code: int
) -> None:
    done = process(*args, cwd=folder)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


SLEEPER = """
import sys, time, types
import crossgraph
from crossgraph.cli import main
fake, config = types.ModuleType("crossgraph.demonstration"), types.ModuleType("crossgraph.config")
config.load_config = lambda *args, **options: None
def run_demo(*args, **options):
    print("ready", flush=True)
    time.sleep(60)
fake.run_demo = run_demo
sys.modules |= {"crossgraph.demonstration": fake, "crossgraph.config": config}
crossgraph.demonstration, crossgraph.config = fake, config
main()
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SLEEPER, "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        yield running
        running.kill()


def test_an_interrupted_process_says_so_and_ends_with_130(sleeper: subprocess.Popen[str]) -> None:
    assert sleeper.stdout is not None
    assert sleeper.stdout.readline() == "ready\n"
    sleeper.send_signal(signal.SIGINT)
    _, told = sleeper.communicate(timeout=30)
    assert sleeper.returncode == 130
    assert told.count("\n") == 1
    assert "interrupted" in told


def test_a_reader_that_leaves_early_is_no_error(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "crossgraph", "check", "left.csv"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert done.stderr.startswith("read graphs: ")
    assert done.stderr.count("\n") == 1


def test_what_could_go_is_looked_for_again_after_libraries_are_loaded_or_not():
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), loading():
        raise ImportError("not installed")
    assert gc.isenabled()
