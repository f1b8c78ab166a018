"""Readers on files that are nearly right: each is read or told to be faulty, and nothing else happens."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crossgraph.errors import FaultsError, InputError
from crossgraph.graphs import read_graph
from crossgraph.graphs.links import read_links, read_pairs
from crossgraph.results import read_matches
from crossgraph.schema.mapping import read_schema

MANY = 3000
SEEDS = Path(__file__).with_name("seeds")
TRIPLES = (
    '<http://e/a> <http://e/p> "x"@en .\n'
    "_:b1 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://e/T> .\n"
    "<http://e/a> <http://www.w3.org/2002/07/owl#sameAs> <http://f/a> .\n"
)
XML = (
    '<?xml version="1.0" encoding="utf-8"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    ' xmlns="http://knowledgeweb.semanticweb.org/heterogeneity/alignment#"><Alignment><map><Cell>'
    '<entity1 rdf:resource="http://e/a"/><entity2 rdf:resource="http://e/b"/><relation>=</relation>'
    "<measure>1.0</measure></Cell></map></Alignment></rdf:RDF>\n"
)
SSSOM = (
    '#curie_map:\n#  l: "http://l/"\n#mapping_tool: x\nsubject_id\tpredicate_id\tobject_id\tconfidence\n'
    'l:1\tskos:exactMatch\thttp://r/1\t0.9\n"l:2"\towl:sameAs\tright:%20\t1\n'
)
SCHEMA = (
    '[[types]]\nleft = "a"\nright = "b"\nweight = 0.5\n'
    '[[relations]]\nleft = "r"\nright = "s"\ninverse = true\n'
)


@dataclass(frozen=True)
class Reader:
    """A reader, the name of a file for it, and a file that is right."""

    read: Callable[[Path], object]
    name: str
    right: str


READERS = {
    "OpenEA": Reader(
        lambda path: read_graph(path.parent), "attr_triples_1", 'a\tn\t"x"^^<http://t>\nb\tm\ty\tz\n'
    ),
    "records in CSV": Reader(read_graph, "g.csv", 'id,name,"tags, all"\n1,"a ""b""\nc",x;y\n2,,z\n'),
    "records in JSON": Reader(read_graph, "g.jsonl", '{"id":1,"a":{"b":[1,null,"x"]},"c":1.5}\n{"id":"2"}\n'),
    "Neo4j": Reader(read_graph, "g.csv", "p:ID(S),name:string[],age:int,:LABEL\n1,a;b,7,T;U\n2,c,,T\n"),
    "N-Triples": Reader(read_graph, "g.nt", TRIPLES),
    "Turtle": Reader(read_graph, "g.ttl", f"@prefix e: <http://e/> .\n{TRIPLES}e:a e:p [ e:q ( 1 2 ) ] .\n"),
    "RDF/XML": Reader(read_graph, "g.rdf", XML.replace("heterogeneity/alignment", "x")),
    "JSON-LD": Reader(
        read_graph, "g.jsonld", '{"@id":"http://e/a","http://e/p":[{"@value":"x"},{"@list":[1]}]}'
    ),
    "links in TSV": Reader(read_links, "l.tsv", "a\tx\t1\nb\ty\t0\n"),
    "links in CSV": Reader(read_links, "l.csv", 'ltable_id,rtable_id,label\n1,"a,b",1\n2,x,0\n'),
    "links in JSON": Reader(read_links, "l.jsonl", '{"left":"a","right":"x","label":1}\n'),
    "links in SSSOM": Reader(read_links, "l.sssom.tsv", SSSOM),
    "links in RDF": Reader(read_links, "l.nt", TRIPLES),
    "an alignment": Reader(read_links, "l.rdf", XML),
    "pairs": Reader(read_pairs, "p.tsv", "a\tx\t1\nb\ty\t0\n"),
    "matches": Reader(read_matches, "m.sssom.tsv", SSSOM),
    "a schema mapping": Reader(read_schema, "schema.toml", SCHEMA),
}

# What has broken readers, here or elsewhere.
TOKENS = [
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b\x08", b"\xe2\x80\xae"),
    *(b"\r", b"\r\n", b"\n", b"\n\n", b"\t", b'"', b"'", b"\\", b",", b";", b":", b"#", b"<", b">"),
    *(b"[", b"]", b"{", b"}", b"&x;", b"%zz", b"\\u0000", b"\\ud800", b"\\x", b"_:b", b"@base <x> ."),
    *(b"NaN", b"-Infinity", b"1e999", b"= inf\n", b"9" * 5000, b"[" * 3000, b"<<" * 600),
    *(b"left:", b"id", b":ID", b":START_ID", b"<!ENTITY x SYSTEM 'file:///dev/null'>"),
]
NASTY = st.sampled_from(TOKENS)
EDITS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 30), st.one_of(NASTY, st.binary(max_size=4))), max_size=5
)


def edited(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """A file with some bytes put in the place of others."""
    for at, gone, new in edits:
        place = at % (len(data) + 1)
        data = data[:place] + new + data[place + gone :]
    return data


def read_or_told(reader: Reader, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / reader.name
        path.write_bytes(data)
        if reader.name.startswith("attr_triples"):
            path.with_name("rel_triples_1").write_bytes(b"")
        told = complaint(reader, path)
    if isinstance(told, FaultsError):
        assert told.faults
        assert all(fault.problem and "\n" not in str(fault) for fault in told.faults)
        assert all(fault.path.startswith(name) for fault in told.faults)


def complaint(reader: Reader, path: Path) -> InputError | None:
    """What a reader has to say against a file."""
    try:
        reader.read(path)
    except InputError as error:
        return error
    return None


@pytest.mark.parametrize("kind", READERS)
@given(edits=EDITS)
@example(edits=[(1, 0, b"\r\n")])  # a line end in the parser's own message
@settings(max_examples=15)
def test_a_file_that_is_nearly_right_is_read_or_told_to_be_faulty(kind, edits):
    read_or_told(READERS[kind], edited(READERS[kind].right.encode(), edits))


@pytest.mark.long
@pytest.mark.parametrize("kind", READERS)
@given(edits=EDITS)
@settings(max_examples=MANY)
def test_thousands_of_files_that_are_nearly_right_are_read_or_told_to_be_faulty(kind, edits):
    read_or_told(READERS[kind], edited(READERS[kind].right.encode(), edits))


@pytest.mark.parametrize("kind", READERS)
def test_the_files_to_begin_with_are_right(kind, tmp_path):
    reader = READERS[kind]
    (tmp_path / reader.name).write_text(reader.right, encoding="utf8")
    (tmp_path / "rel_triples_1").write_text("")
    reader.read(tmp_path / reader.name)


@pytest.mark.parametrize("seed", sorted(SEEDS.iterdir()), ids=lambda seed: seed.name)
@pytest.mark.parametrize("read", [read_graph, read_links])
def test_a_file_that_once_broke_a_reader_is_read_or_told_to_be_faulty(read, seed):
    read_or_told(Reader(read, seed.name, ""), seed.read_bytes())


letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")
cells = st.text(letters, min_size=1, max_size=9).filter(lambda text: text.strip() != "")


@given(values=st.lists(cells, min_size=1, max_size=6), delimiter=st.sampled_from(",;\t"))
def test_whatever_stands_in_a_cell_of_csv_is_a_fact(values, delimiter):
    written = io.StringIO(newline="")
    rows = csv.writer(written, delimiter=delimiter, lineterminator="\n")
    rows.writerows([("id", "value", "more"), *((str(at), value, "m") for at, value in enumerate(values))])
    assert facts_of("g.csv", written.getvalue()) == values


@given(values=st.lists(cells, min_size=1, max_size=6), escape=st.booleans())
def test_whatever_stands_in_a_field_of_json_is_a_fact(values, escape):
    lines = [json.dumps({"id": str(at), "value": one}, ensure_ascii=escape) for at, one in enumerate(values)]
    assert facts_of("g.jsonl", "\n".join(lines)) == values


def facts_of(name: str, text: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text.encode())
        facts = read_graph(path).tables().facts
    values = facts.filter(attribute="value")
    return values.sort(values["entity"].cast(int))["value"].to_list() if len(values) else []
