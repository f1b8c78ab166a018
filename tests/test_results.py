from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from crossgraph.cli import app
from crossgraph.errors import FaultsError, ResultError
from crossgraph.graphs.links import read_links
from crossgraph.graphs.sssom_format import read_id, write_id, write_ids
from crossgraph.layout import ResultFolder
from crossgraph.matches import MATCH_SCHEMA, Matches
from crossgraph.results import (
    SssomOptions,
    prepare_result,
    read_matches,
    read_scores,
    staging,
    write_scores,
    write_sssom,
    write_together,
    write_whole,
)

IDS = [
    "tmdb:movie-1",
    "http://example.org/a/b?c=d#e",
    "http://example.org/é and | pipes",
    "https://例え.jp/",
    "urn:isbn:9780141036144",
    "left:x",
    "right:%20",
    "http:x",
    "plain",
    "1",
    "a\tb\nc\r\n",
    "50%",
    "日本:国",
    "#comment",
    '"quoted"',
    "no:1",
    "skos:exactMatch",
    "a:b:c",
    " ",
    "nan",
]
# The validators drop rows they cannot parse with no more than a warning, so the rows are counted too.
VALIDATOR = """
import json, sys
from sssom.constants import SchemaValidationType as Kind
from sssom.parsers import parse_sssom_table, to_mapping_set_document
from sssom.validators import validate
kinds = [Kind.JsonSchema, Kind.PrefixMapCompleteness, Kind.StrictCurieFormat]
for path in sys.argv[1:]:
    table = parse_sssom_table(path)
    reports = validate(table, kinds, fail_on_error=False)
    document = to_mapping_set_document(table).mapping_set
    print(json.dumps({
        "faults": [result.message for report in reports.values() for result in report.results],
        "ids": [[m.subject_id, m.object_id] for m in document.mappings or []],
        "tool": table.df["mapping_tool"].unique().tolist() if "mapping_tool" in table.df else [],
    }))
"""


def matches(pairs, *, decided=True) -> Matches:
    rows = [(left, right, "thing", float(-n), 1 / (n + 3), decided) for n, (left, right) in enumerate(pairs)]
    return Matches(pl.DataFrame(rows, schema=MATCH_SCHEMA, orient="row"))


def pairs_of(table: pl.DataFrame) -> list[tuple[str, str]]:
    return list(table.select("left", "right").iter_rows())


def test_sssom_passes_the_validators_with_every_row(tmp_path):
    found = matches(list(zip(IDS, reversed(IDS), strict=True)))
    paths = []
    for predicate in ("skos:exactMatch", "owl:sameAs"):
        paths.append(tmp_path / f"{predicate[:4]}.sssom.tsv")
        write_sssom(found, paths[-1], options=SssomOptions(predicate=predicate, mapping_date="2026-01-31"))
    run = [sys.executable, "-W", "ignore", "-c", VALIDATOR, *map(str, paths)]
    told = subprocess.run(run, check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(told) == len(paths)
    for report in map(json.loads, told):
        assert report["faults"] == []
        assert report["tool"] == ["crossgraph"]
        assert sorted((read_id(left), read_id(right)) for left, right in report["ids"]) == sorted(
            pairs_of(found.table)
        )


def test_ids_that_are_iri_or_curie_stand_as_they_are():
    kept = {text for text in IDS if write_id(text, "left") == text}
    assert kept == {
        "tmdb:movie-1",
        "http://example.org/a/b?c=d#e",
        "urn:isbn:9780141036144",
        "no:1",
        "skos:exactMatch",
    }
    assert write_id("a b", "right") == "right:a%20b"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.sampled_from(IDS))
def test_a_plain_reader_gets_every_id_back(text):
    written = write_id(text, "left")
    assert not set(written) & set('\t\r\n|" ')
    assert written.isascii()
    decoded = unquote(written.split(":", 1)[1]) if written.startswith(("left:", "right:")) else written
    assert decoded == text


PIECES = ("a", "no:", ":", "/", "//", "#", "%2", "%2f", "é", "\n", "urn:", "left:", "http:", "x://h", "-", "")


@given(
    st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join) | st.sampled_from(IDS), max_size=6)
)
def test_many_ids_are_written_as_each_is(texts):
    written = write_ids(pl.Series(texts, dtype=pl.String), "left")
    assert written.to_list() == [write_id(text, "left") for text in texts]


names = st.sampled_from(IDS) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.lists(st.tuples(names, names), unique=True, max_size=6))
def test_matches_and_scores_come_back(pairs):
    found = matches(pairs)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "m.sssom.tsv"
        write_sssom(found, path)
        back = read_matches(path)
        write_scores(found, Path(name) / "s.parquet")
        scores = read_scores(Path(name) / "s.parquet")
        links = read_links(path) if pairs else None
    assert back.rows() == found.table.select("left", "right", "probability").rows()
    assert scores.rows() == found.table.drop("matched").rows()
    assert links is None or list(zip(links.left, links.right, strict=True)) == pairs


def test_equal_matches_give_equal_bytes_in_order_of_probability(tmp_path):
    found = matches([("b", "x"), ("a", "y"), ("c", "z")])
    mixed = Matches(found.table.reverse())
    for number, given_matches in enumerate((found, mixed)):
        write_sssom(given_matches, tmp_path / f"{number}.tsv")
        write_scores(given_matches, tmp_path / f"{number}.parquet")
    assert (tmp_path / "0.tsv").read_bytes() == (tmp_path / "1.tsv").read_bytes()
    assert (tmp_path / "0.parquet").read_bytes() == (tmp_path / "1.parquet").read_bytes()
    assert read_scores(tmp_path / "1.parquet")["left"].to_list() == ["b", "a", "c"]


def test_only_decided_pairs_are_matches(tmp_path):
    write_sssom(matches([("a", "x")], decided=False), tmp_path / "m.tsv")
    assert read_matches(tmp_path / "m.tsv").is_empty()


def test_foreign_sssom_is_read_with_its_prefixes(tmp_path):
    path = tmp_path / "m.tsv"
    path.write_text("# curie_map:\n#   a: http://a.org/\nsubject_id\tobject_id\na:1\thttp://b.org/1\n")
    assert read_matches(path).rows() == [("http://a.org/1", "http://b.org/1", None)]


@pytest.mark.parametrize(
    ("text", "error", "problem"),
    [
        ("left\tright\n", ResultError, "no SSSOM"),
        ("subject_id\tobject_id\tconfidence\na:1\nb:1\tc:1\thigh\n", FaultsError, "2 faults"),
    ],
)
def test_files_that_are_no_matches_are_refused(tmp_path, text, error, problem):
    path = tmp_path / "m.tsv"
    path.write_text(text)
    with pytest.raises(error, match=problem):
        read_matches(path)


def test_missing_and_broken_files_are_result_errors(tmp_path):
    (tmp_path / "broken.parquet").write_text("no parquet")
    for name in ("missing.parquet", "broken.parquet"):
        with pytest.raises(ResultError, match=name):
            read_scores(tmp_path / name)
    with pytest.raises(ResultError, match="no such file"):
        read_matches(tmp_path / "missing.tsv")


@pytest.fixture
def result(tmp_path):
    folder = ResultFolder(tmp_path / "out")
    folder.path.mkdir()
    folder.report_file.write_text("{}")
    return folder


def test_an_existing_result_needs_force_or_resume(result):
    with pytest.raises(ResultError, match="--force") as caught:
        prepare_result(result.path, force=False, resume=False)
    assert "--resume" in str(caught.value)
    assert prepare_result(result.path, force=True, resume=False) == result
    assert prepare_result(result.path, force=False, resume=True) == result
    with pytest.raises(ResultError, match="exclude"):
        prepare_result(result.path, force=True, resume=True)


@pytest.mark.parametrize(
    "verb",
    [
        ("align", "l.csv", "r.csv", "--out"),
        ("align-many", "l.csv", "r.csv", "m.csv", "--out"),
        ("train", "l.csv", "r.csv", "--pairs", "p.csv", "--out"),
        ("demo", "--out"),
    ],
)
def test_the_way_out_names_options_of_the_verb_alone(result, verb):
    done = CliRunner().invoke(app, [*verb, str(result.path)])
    assert "holds a result already" in done.stderr
    hint = done.stderr.rpartition("Try: ")[2]
    options = CliRunner().invoke(app, [verb[0], "--help"], env={"COLUMNS": "200"}).stdout
    told = re.findall(r"--[a-z]+", hint)
    assert "--force" in told
    assert all(option in options for option in told)


def test_what_is_no_result_is_left_alone_even_with_force(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("words")
    (tmp_path / "file").write_text("words")
    for name in ("thesis", "file", "file/below"):
        with pytest.raises(ResultError, match="choose another"):
            prepare_result(tmp_path / name, force=True, resume=False)
    with pytest.raises(ResultError, match="left alone"), staging(tmp_path / "thesis", replace=True):
        pass


def test_new_and_empty_folders_are_free(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new", "far/away"):
        prepare_result(tmp_path / name, force=False, resume=False)
        with staging(tmp_path / name) as stage:
            stage.report_file.write_text("{}")
        assert ResultFolder(tmp_path / name).report_file.read_text() == "{}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "far", "new"]


def _half(path, **options):
    with staging(path, **options) as stage:
        stage.scores_file.write_text("half")
        raise KeyboardInterrupt


def _interrupted(path, **options):
    with pytest.raises(KeyboardInterrupt):
        _half(path, **options)


def test_an_interrupted_run_leaves_no_result(tmp_path):
    _interrupted(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_leaves_the_old_result(result):
    _interrupted(result.path, replace=True)
    assert [path.name for path in result.path.parent.iterdir()] == ["out"]
    assert [path.name for path in result.path.iterdir()] == ["report.json"]


def test_a_new_result_takes_the_place_of_the_old_one_whole(result):
    with pytest.raises(ResultError, match="exists already"), staging(result.path):
        pass
    with staging(result.path, replace=True) as stage:
        stage.config_file.write_text("")
    assert [path.name for path in result.path.parent.iterdir()] == ["out"]
    assert [path.name for path in result.path.iterdir()] == ["config.toml"]


def test_what_no_run_wrote_goes_over_into_a_new_result(result):
    (result.path / "merged" / "deep").mkdir(parents=True)
    (result.path / "merged" / "deep" / "graph.nq").write_text("mine")
    (result.path / "notes.txt").write_text("mine")
    (result.path / "gold.tsv").symlink_to("notes.txt")
    result.ledger_file.write_text("decisions")
    with staging(result.path, replace=True) as stage:
        stage.config_file.write_text("")
        (stage.path / "notes.txt").write_text("the run's own")
    assert (result.path / "merged" / "deep" / "graph.nq").read_text() == "mine"
    assert (result.path / "notes.txt").read_text() == "the run's own"
    assert (result.path / "gold.tsv").readlink() == Path("notes.txt")
    assert result.ledger_file.read_text() == "decisions"
    assert not result.report_file.exists()


@pytest.mark.parametrize("new", [True, False])
def test_a_result_that_a_dead_run_had_moved_aside_is_put_back(result, new):
    aside = result.path.with_name(".out.crossgraph-old")
    result.path.rename(aside)
    if new:
        result.path.mkdir()
        result.report_file.write_text("new")
    assert prepare_result(result.path, force=False, resume=True) == result
    assert result.report_file.read_text() == ("new" if new else "{}")
    assert [path.name for path in result.path.parent.iterdir()] == ["out"]


def test_what_a_dead_run_left_hidden_is_neither_kept_nor_taken_for_new(tmp_path):
    left = tmp_path / ".out.crossgraph"
    left.mkdir()
    (left / "scores.parquet").write_text("half")
    with staging(tmp_path / "out") as stage:
        stage.report_file.write_text("{}")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_files_that_belong_together_are_put_in_place_together(tmp_path):
    main, report = tmp_path / "main", tmp_path / "report"
    write_together({main: lambda part: part.write_text("1"), report: lambda part: part.write_text("1")})

    def fail(part):
        part.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_together({main: lambda part: part.write_text("2"), report: fail})
    assert (main.read_text(), report.read_text()) == ("1", "1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["main", "report"]


def _interrupted_with_stages(path):
    with suppress(KeyboardInterrupt), staging(path, resumable=True) as stage:
        stage.stages_folder.mkdir()
        (stage.stages_folder / "block.npz").write_text("whole")
        stage.model_folder.mkdir()
        stage.scores_file.write_text("half")
        raise KeyboardInterrupt


def test_a_resumable_run_finds_the_stages_of_the_one_before_and_nothing_else(tmp_path):
    _interrupted_with_stages(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with staging(tmp_path / "out", resumable=True) as stage:
        assert [path.name for path in stage.path.rglob("*")] == ["stages", "block.npz"]
        stage.report_file.write_text("{}")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_run_that_resumes_nothing_finds_no_stages(tmp_path):
    _interrupted_with_stages(tmp_path / "out")
    with staging(tmp_path / "out") as stage:
        assert list(stage.path.iterdir()) == []
        stage.report_file.write_text("{}")


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    write_whole(path, lambda part: part.write_text("first"))

    def fail(part):
        part.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, fail)
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]
