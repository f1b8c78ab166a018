from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import polars as pl
import pyoxigraph as ox
import pytest

from crossgraph.errors import GraphFormatError
from crossgraph.graphs import ReadOptions, read_graph, read_pair

TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
FILM, PERSON, NAME, CAST = (f"http://e/{name}" for name in ("Film", "Person", "name", "cast"))
ALIEN, WEAVER = "http://e/alien", "http://e/weaver"
TYPES = [(ALIEN, FILM), (WEAVER, PERSON)]
EDGES = [(ALIEN, CAST, WEAVER)]
FACTS = [(ALIEN, NAME, 'Alien; Großfilm, "8"', ""), (WEAVER, NAME, "Sigourney", "")]


def triples() -> list[ox.Triple]:
    node = ox.NamedNode
    links = [*((head, TYPE, tail) for head, tail in TYPES), *EDGES]
    facts = [ox.Triple(node(entity), node(name), ox.Literal(value)) for entity, name, value, _ in FACTS]
    return [ox.Triple(node(head), node(name), node(tail)) for head, name, tail in links] + facts


def write_rdf(folder: Path, name: str, form: ox.RdfFormat) -> Path:
    statements = triples()
    data = ox.serialize(
        [ox.Quad(*triple) for triple in statements] if form.supports_datasets else statements, format=form
    )
    path = folder / name
    path.write_bytes(gzip.compress(data or b"") if name.endswith(".gz") else data or b"")
    return path


def write_openea(folder: Path) -> Path:
    for stem, rows in (
        ("types", TYPES),
        ("rel_triples", EDGES),
        ("attr_triples", [row[:3] for row in FACTS]),
    ):
        (folder / f"{stem}_1").write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def write_neo4j(folder: Path) -> Path:
    types = dict(TYPES)
    rows = [
        f'{entity},"{value.replace(chr(34), chr(34) * 2)}",{types[entity]}' for entity, _, value, _ in FACTS
    ]
    # The name of a property may hold colons: the type comes after the last one.
    (folder / "nodes.csv").write_text("\n".join([f":ID,{NAME}:string,:LABEL", *rows]), encoding="utf-8")
    edges = [f"{head},{tail},{relation}" for head, relation, tail in EDGES]
    (folder / "edges.csv").write_text("\n".join([":START_ID,:END_ID,:TYPE", *edges]), encoding="utf-8")
    return folder


def write_split(folder: Path) -> Path:
    for number, triple in enumerate(triples()):
        (folder / f"part{number}.nt").write_bytes(
            ox.serialize([triple], format=ox.RdfFormat.N_TRIPLES) or b""
        )
    return folder


CONTRACT = {
    "N-Triples": lambda folder: write_rdf(folder, "g.nt", ox.RdfFormat.N_TRIPLES),
    "N-Triples, zipped": lambda folder: write_rdf(folder, "g.nt.gz", ox.RdfFormat.N_TRIPLES),
    "N-Quads": lambda folder: write_rdf(folder, "g.nq", ox.RdfFormat.N_QUADS),
    "Turtle": lambda folder: write_rdf(folder, "g.ttl", ox.RdfFormat.TURTLE),
    "TriG": lambda folder: write_rdf(folder, "g.trig", ox.RdfFormat.TRIG),
    "RDF/XML": lambda folder: write_rdf(folder, "g.rdf", ox.RdfFormat.RDF_XML),
    "RDF/XML, zipped": lambda folder: write_rdf(folder, "g.owl.gz", ox.RdfFormat.RDF_XML),
    "JSON-LD": lambda folder: write_rdf(folder, "g.jsonld", ox.RdfFormat.JSON_LD),
    "OpenEA": write_openea,
    "Neo4j": write_neo4j,
    "several files": write_split,
}


@pytest.mark.parametrize("form", CONTRACT)
def test_one_graph_reads_alike_from_every_format(tmp_path, form):
    tables = read_graph(CONTRACT[form](tmp_path)).tables()
    assert tables.types.rows() == TYPES
    assert tables.edges.rows() == EDGES
    assert tables.facts.rows() == FACTS


def test_one_record_table_reads_alike_from_every_format(write):
    frame = pl.DataFrame({"id": ["1", "2"], "name": ["a", 'b "x"'], "n": ["7", None]})
    frame.write_parquet(write("a.parquet", b""))
    lines = "\n".join(json.dumps(row) for row in frame.to_dicts())
    paths = [write("a.csv", frame.write_csv()), write("b.csv.gz", frame.write_csv()), write("a.jsonl", lines)]
    read = [read_graph(path).tables().facts.rows() for path in (*paths, paths[0].parent / "a.parquet")]
    assert read[0] == [("1", "n", "7", ""), ("1", "name", "a", ""), ("2", "name", 'b "x"', "")]
    assert all(facts == read[0] for facts in read)


@pytest.mark.parametrize("suffix", ["nt", "ttl", "rdf", "jsonld", "csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff\xfe\x80 garbage \xc3\x28" * 9, gzip.compress(b"<a> " * 999)[:-9], b"\xff\xfea\x00"],
    ids=["empty", "binary", "gzip cut short", "UTF-16"],
)
def test_unreadable_files_are_faults_and_never_tracebacks(write, suffix, content):
    with pytest.raises(GraphFormatError) as caught:
        read_graph(write(f"a.{suffix}", content))
    assert caught.value.faults
    assert all(fault.path.endswith(f"a.{suffix}") for fault in caught.value.faults)


def test_a_file_that_is_no_gzip_is_a_fault(tmp_path):
    path = tmp_path / "a.nt.gz"
    path.write_text("<http://e/a> <http://e/p> <http://e/b> .\n")
    with pytest.raises(GraphFormatError, match="broken gzip"):
        read_graph(path)


def test_missing_unknown_and_empty_paths_say_what_is_allowed(tmp_path, write):
    for path in (tmp_path / "nowhere.nt", write("a.docx", "x"), write("folder/readme.md", "x").parent):
        with pytest.raises(GraphFormatError) as caught:
            read_graph(path)
        (fault,) = caught.value.faults
        assert fault.path == str(path)
        assert ".nt .ttl" in fault.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission_is_a_fault(write):
    path = write("a.nt", "x")
    path.chmod(0)
    with pytest.raises(GraphFormatError, match="permission"):
        read_graph(path)


def test_no_permission_is_a_fault_whoever_runs_this(write, monkeypatch):
    path = write("a.nt", "x")

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(GraphFormatError, match="permission denied"):
        read_graph(path)


def test_faults_of_both_graphs_are_told_together(write):
    left, right = write("l.nt", "rubbish\n"), write("r.csv", "id,x\n1\n")
    with pytest.raises(GraphFormatError) as caught:
        read_pair(left, right)
    assert [(fault.path, fault.line) for fault in caught.value.faults] == [(str(left), 1), (str(right), 2)]


def test_left_takes_the_first_side_of_a_folder_and_right_the_second(write):
    folder = write("both/rel_triples_1", "a1\tr\tb1\n").parent
    write("both/rel_triples_2", "a2\tr\tb2\n")
    other = write("other.nt", "<http://e/a> <http://e/p> <http://e/b> .\n")
    assert sorted(read_pair(folder, other)[0].ids) == ["a1", "b1"]
    assert sorted(read_pair(other, folder)[1].ids) == ["a2", "b2"]
    assert sorted(read_graph(folder, side="right").ids) == ["a2", "b2"]
    with pytest.raises(GraphFormatError, match="side 'left' or 'right'"):
        read_graph(folder)


def test_a_folder_with_one_side_is_one_graph_on_either_side(write):
    folder = write("one/rel_triples_1", "a\tr\tb\n").parent
    assert sorted(read_pair(folder, folder)[1].ids) == ["a", "b"]
    with pytest.raises(GraphFormatError, match="the right graph is missing"):
        read_pair(folder)


def test_blank_nodes_of_several_files_stay_apart_and_alignments_are_passed_over(write):
    folder = write("one.nt", '_:x <http://e/n> "1" .\n').parent
    write("two.nt", '_:x <http://e/n> "2" .\n')
    write("gold.rdf", '<rdf:RDF xmlns="http://knowledgeweb.semanticweb.org/heterogeneity/alignment#"/>')
    assert sorted(read_graph(folder).ids) == ["_:one.x", "_:two.x"]


def test_names_from_iris_only_when_asked(write):
    path = write(
        "a.nt",
        "<http://e/wiki/Sigourney_Weaver> <http://e/p> <http://e/x#J%C3%BCrgen> .\n"
        "<urn:isbn:1> <http://e/p> <http://e/> .\n<http://e#top> <http://e/p> _:b .\n",
    )
    assert len(read_graph(path).fact_entities) == 0
    facts = read_graph(path, options=ReadOptions(names_from_iri=True)).tables().facts.rows()
    assert facts == [
        ("http://e#top", "iri_name", "top", ""),
        ("http://e/wiki/Sigourney_Weaver", "iri_name", "Sigourney Weaver", ""),
        ("http://e/x#J%C3%BCrgen", "iri_name", "Jürgen", ""),
        ("urn:isbn:1", "iri_name", "1", ""),
    ]


def test_notes_go_to_the_log(write, caplog):
    read_graph(write("a.csv", "kind\nx\nx\n"))
    assert "number of the row" in caplog.text
