"""The verbs merge, unmerge and export, as people call them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from crossgraph.cli import app
from crossgraph.graphs import ReadOptions, read_pair
from crossgraph.graphs.links import read_links
from crossgraph.merging.unmerging import same_graph
from crossgraph.workings import text_array

SSSOM = """#curie_map:
#  left: https://crossgraph.invalid/left/
#mapping_tool: crossgraph
subject_id\tpredicate_id\tobject_id\tmapping_justification\tconfidence
left:a\tskos:exactMatch\tright:x\tsemapv:CompositeMatching\t0.9
"""
SCHEMA = '[[types]]\nleft = "record"\nright = "record"\n[[attributes]]\nleft = "name"\nright = "title"\n'


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder with a RESULT of two small tables."""
    monkeypatch.chdir(tmp_path)
    Path("left.csv").write_text("id,name,year\na,Hamlet,1990\nb,Alien,1979\n")
    Path("right.csv").write_text("id,title\nx,Hamlet (film)\ny,aliens\n")
    folder = Path("RESULT")
    (folder / "model").mkdir(parents=True)
    (folder / "matches.sssom.tsv").write_text(SSSOM)
    (folder / "model" / "schema.toml").write_text(SCHEMA)
    tables = {"id_column": None, "entity_columns": [], "split": None, "type_name": "record"}
    card = {
        "left": str(Path("left.csv").absolute()),
        "right": str(Path("right.csv").absolute()),
        "read": {"tables": tables, "names_from_iri": True},
    }
    (folder / "report.json").write_text(json.dumps({"inputs": card}))
    return folder


def test_merge_then_unmerge_gives_both_tables_back(result: Path) -> None:
    done = run("merge", result, "--out", "m.nq", "--policy", "longest")
    assert done.exit_code == 0, done.output
    assert done.stdout == "m.nq\n"
    assert "united" in done.stderr
    report = json.loads(Path("m.report.json").read_text())
    assert report["clusters"]["count"] == 1
    assert report["conflicts"][0]["examples"][0]["kept"] == ["Hamlet (film)"]
    apart = run("unmerge", "m.nq", "--out", "parts")
    assert (apart.exit_code, apart.stdout) == (0, "parts\n")
    for one, two in zip(read_pair("parts"), read_pair("left.csv", "right.csv"), strict=True):
        assert same_graph(one.tables(), two.tables())


@pytest.mark.parametrize("name", ["found.csv", "found.parquet"])
def test_findings_are_listed_where_they_are_asked_for(result: Path, name: str) -> None:
    done = run("merge", result, "--out", "m.nq", "--policy", "longest", "--findings", name)
    assert done.exit_code == 0, done.output
    assert name in done.stderr
    found = pl.read_parquet(name) if name.endswith("parquet") else pl.read_csv(name)
    assert found.filter(finding="conflict")["kept"].to_list() == ['["Hamlet (film)"]']
    again = run("merge", result, "--out", "n.nq", "--findings", name)
    assert again.exit_code == 1
    assert "--force replaces it, or choose another --findings" in again.stderr
    assert not Path("n.nq").exists()


def test_findings_that_are_no_table_are_refused_before_anything_is_read(result: Path) -> None:
    done = run("merge", result, "--out", "m.nq", "--findings", "found.txt")
    assert done.exit_code == 1
    assert "name it .csv or .parquet" in done.stderr
    assert not Path("m.nq").exists()


def test_sources_in_statements_about_statements_come_apart_and_are_exported_alike(result: Path) -> None:
    assert run("merge", result, "--out", "m.nq").exit_code == 0
    assert run("merge", result, "--out", "s.nq", "--provenance", "rdf-star").exit_code == 0
    assert "<<(" in Path("s.nq").read_text()
    for name in ("m", "s"):
        assert run("unmerge", f"{name}.nq", "--out", f"parts-{name}").exit_code == 0
        assert run("export", f"{name}.nq", "--out", f"all-{name}.nq", "--format", "nquads").exit_code == 0
    for file in Path("parts-m").iterdir():
        assert (Path("parts-s") / file.name).read_bytes() == file.read_bytes()
    plain, starred = (sorted(Path(f"all-{name}.nq").read_text().splitlines()) for name in ("m", "s"))
    assert starred == plain


@pytest.mark.parametrize("form", ["sssom", "tsv", "csv"])
def test_two_graphs_without_a_match_lie_side_by_side(result: Path, form: str) -> None:
    matches = result / "matches.sssom.tsv"
    asked: tuple[str | Path, ...] = ("--reviewed",)
    matches.write_text(SSSOM.rpartition("left:a")[0])
    if form != "sssom":
        matches.write_text(SSSOM)
        asked = ("--matches", f"none.{form}")
        Path(f"none.{form}").write_text("left,right\n" if form == "csv" else "")
    done = run("merge", result, "--out", "m.nq", *asked)
    assert done.exit_code == 0, done.output
    report = json.loads(Path("m.report.json").read_text())
    assert (report["clusters"]["count"], report["merged"]["entities"]) == (0, 4)
    assert "nothing was united" in done.stderr
    assert run("unmerge", "m.nq", "--out", "parts").exit_code == 0
    for one, two in zip(read_pair("parts"), read_pair("left.csv", "right.csv"), strict=True):
        assert same_graph(one.tables(), two.tables())


def test_graphs_that_changed_since_they_were_aligned_are_refused_unless_they_are_named(result: Path) -> None:
    graphs = read_pair("left.csv", "right.csv", options=ReadOptions(names_from_iri=True))
    card = json.dumps({"graphs": [graph.fingerprint() for graph in graphs]})
    np.savez(result / "model" / "workings.npz", card=text_array(card))
    assert run("merge", result, "--out", "m.nq").exit_code == 0
    with Path("right.csv").open("a") as file:
        file.write("z,Heat\n")
    done = run("merge", result, "--out", "n.nq")
    assert done.exit_code == 1
    assert "the right graph has changed since RESULT was made of it" in done.stderr
    assert "--graphs LEFT RIGHT" in " ".join(done.stderr.split())
    assert not Path("n.nq").exists()
    assert run("merge", result, "--out", "n.nq", "--graphs", "left.csv", "right.csv").exit_code == 0
    (result / "model" / "workings.npz").write_bytes(b"PK")
    assert "workings.npz cannot be read" in run("merge", result, "--out", "o.nq").stderr


READING = [("--id-column", "id"), ("--entity-column", "name"), ("--split", ";")]


@pytest.mark.parametrize(
    ("verb", "option"),
    [
        *((verb, option) for verb in ("merge", "score", "review") for option in READING),
        *((verb, ("--names-from-iri",)) for verb in ("score", "review")),
    ],
)
def test_how_graphs_are_read_is_refused_where_none_are_named(
    result: Path, verb: str, option: tuple[str, ...]
) -> None:
    asked = {"merge": ("--out", "m.nq"), "score": ("--out", "m.tsv", "--pairs", "left.csv"), "review": ()}
    done = run(verb, result, *asked[verb], *option)
    assert done.exit_code == 2
    assert option[0] in done.stderr
    assert "--graphs is not given" in " ".join(done.stderr.replace("│", " ").split())


def test_equal_merges_are_equal_to_the_byte(result: Path) -> None:
    for name in ("one.trig", "two.trig"):
        assert (
            run("merge", result, "--out", name, "--prefer", "mint", "--base", "https://e.org/").exit_code == 0
        )
    assert Path("one.trig").read_bytes() == Path("two.trig").read_bytes()


def test_merge_takes_other_matches_graphs_and_names(result: Path) -> None:
    Path("known.tsv").write_text("b\ty\n")
    Path("l.csv").write_text("key,name\nb,Alien\n")
    asked = ("--matches", "known.tsv", "--graphs", "l.csv", "right.csv", "--id-column", "id")
    done = run("merge", result, "--out", "m.nq", *asked)
    assert done.exit_code == 1
    assert "has no column 'id'" in done.stderr
    Path("l.csv").write_text("id,name\nb,Alien\n")
    assert run("merge", result, "--out", "m.nq", *asked, "--prefer", "right").exit_code == 0
    text = Path("m.nq").read_text()
    assert "<https://crossgraph.invalid/right/y> <https://crossgraph.invalid/right/attribute/title> " in text


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--out", "m.ttl"), "name it .nq (N-Quads) or .trig (TriG)"),
        (("--out", "m.nq", "--policy", "best"), "no policy: 'best'"),
        (
            ("--out", "m.nq", "--policy", "longest", "--policy", "left"),
            "exclude each other: longest and left",
        ),
        (
            ("--out", "m.nq", "--policy", "name=left", "--policy", "left", "--policy", "name=right"),
            "exclude each other: left and right for 'name'",
        ),
        (("--out", "m.nq", "--policy", "tilte=left"), "did you mean 'title'"),
        (("--out", "m.nq", "--base", "nowhere"), "is no IRI"),
        (("--out", "m.nq", "--matches", "left.csv"), "does not name the two identifiers"),
        (("--out", "there.nq"), "there.nq exists already"),
    ],
)
def test_merge_tells_what_is_wrong_and_writes_nothing(result: Path, args: tuple[str, ...], told: str) -> None:
    Path("there.nq").write_text("")
    before = sorted(Path().iterdir())
    done = run("merge", result, *args)
    assert done.exit_code == 1
    assert told in done.stderr
    assert "Try: " in done.stderr or "(" in done.stderr
    assert sorted(Path().iterdir()) == before


def test_unmerge_refuses_what_is_no_merged_graph_and_folders_that_are_there(result: Path) -> None:
    Path("x.nq").write_text("<a:b> <a:c> <a:d> .\n")
    Path("broken.nq").write_text("<a:b> <a:c>\n")
    assert "no graph with the role 'left'" in run("unmerge", "x.nq", "--out", "p").stderr
    assert "cannot read broken.nq" in run("unmerge", "broken.nq", "--out", "p").stderr
    assert "its name is not that of a dataset" in run("unmerge", "left.csv", "--out", "p").stderr
    assert "is left alone" in run("unmerge", "x.nq", "--out", "RESULT").stderr
    assert not Path("p").exists()


@pytest.mark.parametrize("name", ["m.sssom.tsv", "m.nt", "m.rdf", "m.csv", "m.jsonl", "m.parquet"])
def test_exported_matches_are_links(result: Path, name: str) -> None:
    done = run("export", result, "--out", name)
    assert (done.exit_code, done.stdout) == (0, f"{name}\n"), done.output
    assert "1 matches as" in done.stderr
    links = read_links(name)
    assert (links.left.to_list(), links.right.to_list()) == (["a"], ["x"])
    assert run("export", result, "--out", name).exit_code == 1
    assert run("export", result, "--out", name, "--force").exit_code == 0


def test_export_says_owl_same_as_where_asked(result: Path) -> None:
    run("export", result, "--out", "m.txt", "--format", "sssom", "--predicate", "owl:sameAs")
    assert "\towl:sameAs\t" in Path("m.txt").read_text()


@pytest.mark.parametrize("given", ["RESULT", "m.nq"])
def test_export_refuses_a_predicate_that_the_form_does_not_have(result: Path, given: str) -> None:
    run("merge", result, "--out", "m.nq")
    out = "x.nt" if given == "RESULT" else "x.trig"
    done = run("export", given, "--out", out, "--predicate", "owl:sameAs")
    assert (done.exit_code, "only sssom has it" in done.stderr) == (2, True), done.stderr
    assert not Path(out).exists()


@pytest.mark.parametrize("out", ["m.csv", "m.ttl", "m.unknown"])
def test_export_tells_that_what_is_given_is_not_there(result: Path, out: str) -> None:
    done = run("export", "RESLT", "--out", out)
    assert (done.exit_code, "RESLT is not there" in done.stderr) == (1, True), done.stderr


def test_a_merged_graph_is_exported_as_file_or_folder(result: Path) -> None:
    run("merge", result, "--out", "m.nq")
    for name in ("again.nq", "again.trig", "m.ttl"):
        assert run("export", "m.nq", "--out", name).exit_code == 0
    for form in ("neo4j", "parquet", "kgx"):
        assert run("export", "m.nq", "--format", form, "--out", form).exit_code == 0
        assert Path(form).is_dir()
        assert "is left alone" in run("export", "m.nq", "--format", form, "--out", form).stderr


def test_merging_loads_no_torch(result: Path) -> None:
    code = """
import shlex, sys
from crossgraph.cli import app
for line in sys.stdin:
    app(shlex.split(line), standalone_mode=False)
    print("torch" in sys.modules)
"""
    lines = "merge RESULT --out m.nq\nunmerge m.nq --out p\nexport RESULT --out m.nt\n"
    done = subprocess.run(
        [sys.executable, "-c", code], input=lines, capture_output=True, text=True, check=False
    )
    told = ["m.nq", "False", "p", "False", "m.nt", "False"]
    assert (done.returncode, done.stdout.splitlines()) == (0, told), done.stderr
