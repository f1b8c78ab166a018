"""Every row of docs/faults.md: what is wrong, what is told, what to do, and the exit code."""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from crossgraph.cli import app

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "faults.md").read_text(encoding="utf8")
QUICK = [
    f"--set={setting}"
    for setting in (
        *("training.steps=2", "training.epochs=1", "training.batch=16", "model.width=16"),
        *("training.scorer_steps=4", "training.scorer_epochs=1", "blocking.per_entity=4", "scorer.hidden=8"),
    )
]
TRIPLE = '<http://e/a> <http://e/p> "x" .\n'
XML = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/">'
    '<rdf:Description rdf:about="http://e/a"><e:p>{}</e:p></rdf:Description></rdf:RDF>'
)
CELLS = (
    '<?xml version="1.0" encoding="iso-8859-1"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    ' xmlns="http://knowledgeweb.semanticweb.org/heterogeneity/alignment#"><Alignment><name>é</name><map><Cell>'
    "<entity1>a</entity1><entity2>x</entity2><relation>=</relation><measure>{}</measure></Cell></map>"
    "</Alignment></rdf:RDF>"
)
SSSOM = "subject_id\tpredicate_id\tobject_id\n"
SAME = "<{}> <http://www.w3.org/2002/07/owl#sameAs> <{}> .\n"
SWELLING = '<!ENTITY l0 "lollollollol">' + "".join(
    f'<!ENTITY l{number} "{f"&l{number - 1};" * 10}">' for number in range(1, 10)
)
TYPED = "<http://{0}/{1}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://{0}/T> .\n"

Content = str | bytes
Files = dict[str, Content]


def damaged(data: bytes) -> bytes:
    return data[:40] + bytes([data[40] ^ 0xFF]) + data[41:]


def parquet(table: pl.DataFrame, *, size: int | None = None) -> bytes:
    written = io.BytesIO()
    table.write_parquet(written)
    return written.getvalue()[:size]


def graph(name: str, content: Content, *args: str) -> tuple[Files, list[str]]:
    """One file, checked."""
    return {name: content}, ["check", name, *args]


def folder(**files: Content) -> tuple[Files, list[str]]:
    """A folder of files, checked."""
    return {f"g/{name.replace('__', '.')}": content for name, content in files.items()}, ["check", "g"]


def links(content: Content, name: str = "links.tsv") -> tuple[Files, list[str]]:
    """A file of links between two tables, checked."""
    tables: Files = {"l.csv": "id,name\na,one\nb,two\n", "r.csv": "id,name\nx,one\ny,two\n"}
    return tables | {name: content}, ["check", "l.csv", "r.csv", "--links", name]


def written(option: str, content: str) -> tuple[Files, list[str]]:
    """A graph with itself, aligned by what stands in a file of TOML."""
    return {"g.nt": TRIPLE, "s.toml": content}, ["align", "g.nt", "g.nt", option, "s.toml", "--out", "R"]


def aligned(left: str, right: str | None = None, known: str = "") -> tuple[Files, list[str]]:
    """Two graphs in N-Triples, aligned; the right one like the left one if it is not given."""
    files: Files = {"l.nt": left, "r.nt": right or left.replace("http://l/", "http://r/")}
    args = ["align", "l.nt", "r.nt", "--out", "R", *QUICK]
    if not known:
        return files, args
    return files | {"links.tsv": known}, [*args, "--links", "links.tsv"]


def changes(content: Content | None, name: str = "c.csv") -> tuple[Files, list[str]]:
    """A file of changes, followed by the RESULT of ``settled``; None where there is none."""
    files = {} if content is None else {name: content}
    return files, ["update", "R", "--left-changes", name, "--out", "N"]


def each(count: int, *lines: str) -> str:
    """Statements about left entities 0, 1, ...; ``#`` is the number of the entity."""
    return "".join(f"{line} .\n".replace("#", str(number)) for number in range(count) for line in lines)


KNOWN = "".join(f"http://l/{number}\thttp://r/{number}\n" for number in range(12))
NAMED = '<http://l/#> <http://l/name> "Name number #"'
NUMBERS = ("NaN", "INF", "-INF", "1e308", "-1e308", "1e-320", "1e400")
CHANGES = "change,kind,entity,name,value\n"
CHANGED = pl.DataFrame(
    {"change": ["added"], "kind": ["fact"], "entity": ["http://l/1"], "name": ["n"], "value": [[1]]}
)
NESTED = "<http://e/a> <http://e/p> <<( " * 30000 + TRIPLE[:-2] + " )>>" * 30000 + " .\n"
DATES = ("0000-00-00", "9999-12-31", "-4000-01-01", "2020-02-30", "99999-01-01", "0001-01-01", "31/31/2000")

FAULTS: dict[str, tuple[Files, list[str]]] = {
    "a gzip file cut short": graph("g.nt.gz", gzip.compress(TRIPLE.encode() * 100)[:-5]),
    "a gzip file that is damaged inside": graph("g.nt.gz", damaged(gzip.compress(TRIPLE.encode() * 1000))),
    "a name that ends in .gz, and no gzip": graph("g.nt.gz", TRIPLE),
    "a small gzip file that holds a huge one": graph("g.nt.gz", gzip.compress(b"x" * 1_000_000) * 140),
    "text that is not UTF-8": graph("g.csv", "id,x\n1,é\n".encode("latin-1")),
    "UTF-16": graph("g.csv", "id,x\n1,y\n".encode("utf-16")),
    "UTF-16 without a mark": graph("g.csv", "id,x\n1,y\n".encode("utf-16-le")),
    "Parquet under the name of a text": graph("g.csv", parquet(pl.DataFrame({"id": ["1"]}))),
    "bytes that are no text": graph("g.csv", b"\x89\x00\xff\n" * 40),
    "XML that is not in the encoding it declares": graph(
        "g.rdf", ('<?xml version="1.0" encoding="us-ascii"?>' + XML.format("é")).encode("latin-1")
    ),
    "an encoding that does not exist": graph(
        "g.rdf", '<?xml version="1.0" encoding="latin-99"?>' + XML.format("x")
    ),
    "a file that is not there": ({}, ["check", "g.nt"]),
    "a kind of file that nobody reads": graph("g.docx", "words"),
    "an empty file": graph("g.nt", ""),
    "a folder without a graph": folder(readme__md="words"),
    "a graph of schema alone": graph(
        "g.nt", TYPED.format("e", "a").replace("http://e/T", "http://www.w3.org/2002/07/owl#Class")
    ),
    "one side of two": ({"g/rel_triples_1": "a\tr\tb\n"}, ["align", "g", "--out", "R"]),
    "Turtle cut short": graph("g.ttl", f"{TRIPLE}_:b a "),
    "N-Triples cut short": graph("g.nt", TRIPLE + '<http://e/a> <http://e/p> "x'),
    "JSON-LD cut short": graph("g.jsonld", '[{"@id":"http://e/a","http://e/p":[{"@value":"x"}]},'),
    "RDF/XML cut short": graph("g.rdf", XML.format("x")[:-12]),
    "Parquet cut short": graph("g.parquet", parquet(pl.DataFrame({"id": ["1"]}), size=-20)),
    "Parquet that makes its reader panic": graph(
        "g.parquet", (HERE / "seeds" / "panic1.parquet").read_bytes()
    ),
    "an IRI with a forbidden character": graph("g.nt", TRIPLE.replace("/a>", "/a b>")),
    "a relative IRI where none may be": graph("g.nt", TRIPLE.replace("http://e/a", "a")),
    "a context that would have to be fetched": graph(
        "g.jsonld", '{"@context":"http://127.0.0.1:9/c","@id":"http://e/a","name":"x"}'
    ),
    "an XML entity in another file": graph(
        "g.rdf", '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + XML.format("&x;")
    ),
    "XML entities that swell without end": graph(
        "g.rdf", f'<?xml version="1.0"?><!DOCTYPE r [{SWELLING}]>' + XML.format("&l9;")
    ),
    "JSON-LD nested too deeply for its parser": graph(
        "g.jsonld", '{"@id":"http://e/a","http://e/p":' * 9000 + "1" + "}" * 9000
    ),
    "triples about triples, nested too deeply": graph("g.nt", NESTED),
    "a quote that is never closed": graph("g.csv", 'id,x\n1,"a\n2,b\n'),
    "a row with too few cells": graph("g.csv", "id,x\n1,a\n2\n"),
    "two columns of one name": graph("g.csv", "id,x,x\n1,a,b\n"),
    "one id used twice": graph("g.csv", "id,x\n1,a\n1,b\n"),
    "an empty id": graph("g.csv", "id,x\n ,a\n"),
    "a header alone": graph("g.csv", "id,x\n"),
    "a column that options name and no table has": graph("g.csv", "id,x\n1,a\n", "--entity-column", "actor"),
    "a column of ids that options name and no table has": graph(
        "g.csv", "id,x\n1,a\n", "--id-column", "id", "--id-column", "sku"
    ),
    "two columns of ids that options name and a table has": graph(
        "g.csv", "id,x\n1,a\n", "--id-column", "id", "--id-column", "x"
    ),
    "a column that options name where no graph is a table": graph("g.nt", TRIPLE, "--entity-column", "actor"),
    "a line that is no JSON": graph("g.jsonl", "words\n"),
    "a JSON key that comes twice": graph("g.jsonl", '{"id":1,"x":1,"x":2}\n'),
    "half a surrogate pair in JSON": graph("g.jsonl", '{"id":1,"x":"\\ud800"}\n'),
    "a number of thousands of digits": graph("g.jsonl", f'{{"id":1,"x":{"9" * 5000}}}\n'),
    "JSON nested too deeply": graph("g.jsonl", "[" * 100_000),
    "a Parquet column that holds no texts": graph(
        "g.parquet", parquet(pl.DataFrame({"id": [1], "x": [timedelta(1)]}))
    ),
    "an empty cell in tables of nodes, edges and facts": folder(
        nodes__parquet=parquet(pl.DataFrame({"id": ["a"], "types": [["T"]]})),
        edges__parquet=parquet(pl.DataFrame(schema=dict.fromkeys(("head", "relation", "tail"), pl.String))),
        facts__parquet=parquet(
            pl.DataFrame({"entity": ["a"], "attribute": ["n"], "value": [None], "tag": [""]}).cast(pl.String)
        ),
    ),
    "an edge to a node that is not there": folder(
        nodes__csv=":ID,name\na,x\n", edges__csv=":START_ID,:END_ID,:TYPE\na,c,knows\n"
    ),
    "an OpenEA line with too few columns": folder(rel_triples_1="a\tr\tb\na\tr\n"),
    "an OpenEA line with an empty identifier": folder(rel_triples_1="a\tr\t\n"),
    "two thousand faults in one file": folder(rel_triples_1="lonely\n" * 2000),
    "links to unknown entities": links("a\tx\nq\ty\n"),
    "the columns the wrong way round": links("x\ta\ny\tb\n"),
    "a pair that is labelled both 0 and 1": links("a\tx\t1\na\tx\t0\n"),
    "a file without links": links("\n"),
    "one column where two are needed": links("a x\n"),
    "a pair without a label beside pairs with one": links("a\tx\t1\nb\ty\n"),
    "a label that is neither 0 nor 1": links("left,right,label\na,x,2\n", "links.csv"),
    "a header without the two columns": links("a,b\nc,d\n", "links.csv"),
    "a quote that is never closed in CSV links": links('left,right\n"a,x\nb,y\n', "links.csv"),
    "a quote that is never closed in SSSOM": links(
        f'{SSSOM}"a\tskos:exactMatch\tx\nb\tskos:exactMatch\ty\n', "links.sssom.tsv"
    ),
    "an SSSOM row with too few cells": links(f"{SSSOM}a\nb\tskos:exactMatch\ty\n", "links.sssom.tsv"),
    "bad lines of owl:sameAs": links(SAME.format("a", "x") + "words\nmore words\n", "links.nt"),
    "an alignment cut short": links(CELLS.format("1.0")[:-20].encode("latin-1"), "links.rdf"),
    "a measure that is no number": links(CELLS.format("nan").encode("latin-1"), "links.rdf"),
    "half a surrogate pair in JSON links": links('{"left":"\\ud800","right":"x"}\n', "links.jsonl"),
    "changes that are not there": changes(None),
    "changes without even a header": changes(""),
    "changes without one of their columns": changes("change,kind,entity,value\nadded,fact,http://l/1,x\n"),
    "changes with a column that nobody reads": changes(
        "change,kind,entity,name,value,lang\nadded,fact,http://l/1,n,x,en\n"
    ),
    "a change that is neither added nor deleted": changes(f"{CHANGES}removed,fact,http://l/1,n,x\n"),
    "a change of an unknown kind": changes(f"{CHANGES}added,node,http://l/1,n,x\n"),
    "a change of nobody": changes(f"{CHANGES}added,fact,,n,x\n"),
    "an entity that is added without a word on it": changes(f"{CHANGES}added,entity,http://l/99,,\n"),
    "a statement that is added and deleted": changes(
        f"{CHANGES}added,fact,http://l/1,n,x\ndeleted,fact,http://l/1,n,x\n"
    ),
    "changes that are not UTF-8": changes(f"{CHANGES}added,fact,http://l/1,n,café\n".encode("latin-1")),
    "a Parquet column of changes that holds no texts": changes(parquet(CHANGED), "c.parquet"),
    "another kind of file in the place of changes": changes("@prefix e: <http://e/> .\n", "c.ttl"),
    "an RDF Patch with a transaction that was given up": changes("TX .\nTA .\n", "c.rdfp"),
    "a line of an RDF Patch cut short": changes('A <http://l/1> <http://l/n> "x', "c.rdfp"),
    "an RDF Patch that is not UTF-8": changes(
        'A <http://l/1> <http://l/n> "é" .\n'.encode("latin-1"), "c.rdfp"
    ),
    "an RDF Patch nested too deeply": changes(f"A {NESTED}", "c.rdfp"),
    "changes that leave nobody to compare": changes(
        CHANGES + "".join(f"deleted,entity,http://l/{number},,\n" for number in range(14))
    ),
    "a schema mapping that is no TOML": written("--schema", "[[types]"),
    "a schema mapping nested too deeply": written("--schema", "types = " + "[" * 100_000),
    "a setting of thousands of digits": written("--config", f"[run]\nseed = {'9' * 5000}\n"),
    "settings nested too deeply": written("--config", "[run]\nseed = " + "[" * 100_000),
    "zero candidates": aligned('<http://l/1> <http://l/n> "one" .\n', '<http://r/1> <http://r/n> "zzz" .\n'),
    "entities with types alone": aligned(
        "".join(TYPED.format("l", number) for number in range(20)), known=KNOWN
    ),
    "nothing to learn from": aligned(
        '<http://l/1> <http://l/n> "one" .\n', known="http://l/1\thttp://r/1\t0\n"
    ),
}

ODD: dict[str, tuple[Files, list[str]]] = {
    "a literal of 10 MB in N-Triples": graph("g.nt", TRIPLE.replace("x", "x" * 10_000_000)),
    "a literal of 10 MB in CSV": graph("g.csv", f'id,x\n1,"{"x" * 10_000_000}"\n'),
    "a literal of 10 MB in JSON Lines": graph("g.jsonl", json.dumps({"id": 1, "x": "x" * 10_000_000})),
    "old line ends of a Mac": graph("g.csv", "id,x\r1,a\r2,b\r"),
    "declared encodings of links in XML": links(CELLS.format("1.0").encode("latin-1"), "links.rdf"),
    "NaN and infinities as numbers": aligned(
        each(14, NAMED) + "".join(f'<http://l/{at}> <http://l/n> "{n}" .\n' for at, n in enumerate(NUMBERS)),
        known=KNOWN,
    ),
    "absurd dates": aligned(
        each(14, NAMED) + "".join(f'<http://l/{at}> <http://l/d> "{d}" .\n' for at, d in enumerate(DATES)),
        known=KNOWN,
    ),
    "right-to-left and control characters": aligned(
        each(14, '<http://l/#> <http://l/n> "\u202e\u05d0\u05d1 number # \\u0007\\u0000\u200f"'), known=KNOWN
    ),
    "self-loops": aligned(each(14, NAMED, "<http://l/#> <http://l/is> <http://l/#>"), known=KNOWN),
    "a hub": aligned(each(120, NAMED, "<http://l/hub> <http://l/has> <http://l/#>"), known=KNOWN),
    "a relation for each edge": aligned(
        each(60, NAMED, "<http://l/#> <http://l/is#> <http://l/1>"), known=KNOWN
    ),
    "entities without name, type or edge": aligned(
        each(14, NAMED, '<http://l/bare#> <http://l/height> "#"') + TYPED.format("l", "typed"), known=KNOWN
    ),
    "one entity on each side": aligned('<http://l/1> <http://l/n> "one" .\n'),
    "one entity linked to two": aligned(each(14, NAMED), known=KNOWN + "http://l/0\thttp://r/1\n"),
    "a change that deletes what is not there": changes(
        f"{CHANGES}deleted,fact,http://l/1,n,x\ndeleted,entity,http://l/99,,\n"
    ),
    "a fact of an entity that the graph lacks": changes(f"{CHANGES}added,fact,http://l/99,n,x\n"),
    "changes with a header alone": changes(CHANGES),
    "an empty RDF Patch": changes("", "c.rdfp"),
    "a new fact of 1 MB": changes(f'A <http://l/1> <http://l/n> "{"x" * 1_000_000}" .\n', "c.rdfp"),
    "all scores equal": (
        {"s.tsv": "a\tx\t0\t0.5\nb\ty\t0\t0.5\n", "gold.tsv": "a\tx\t1\nb\ty\t0\n"},
        ["evaluate", "--scores", "s.tsv", "--gold", "gold.tsv"],
    ),
}


def rows(title: str) -> list[list[str]]:
    """The cells of the rows of the tables whose first column is called so."""
    tables = re.findall(rf"^\| {title} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small RESULT, to which changes come."""
    folder = tmp_path_factory.mktemp("settled")
    files, args = aligned(each(14, NAMED), known=KNOWN)
    for name, content in files.items():
        (folder / name).write_text(str(content), encoding="utf8")
    args = [str(folder / one) if one in (*files, "R") else one for one in args]
    assert CliRunner().invoke(app, args).exit_code == 0
    return folder / "R"


@pytest.fixture
def tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[[Files, list[str]], tuple[int, str]]:
    """Make files in a folder of their own, run a command there without any network, and give what it told."""

    def refuse(*_given: object) -> None:
        raise AssertionError("somebody opened a connection")

    def run(files: Files, args: list[str]) -> tuple[int, str]:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        if args[0] == "update":
            shutil.copytree(request.getfixturevalue("settled"), tmp_path / "R")
        before = set(tmp_path.iterdir())
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(socket.socket, "connect", refuse)
        done = CliRunner().invoke(app, args)
        if done.exit_code:
            assert set(tmp_path.iterdir()) == before, "something was left"
        return done.exit_code, done.stderr

    return run


@pytest.mark.parametrize(("fault", "told", "remedy", "code"), rows("fault"))
def test_a_fault_is_told_as_the_page_says(tell, fault, told, remedy, code):
    found, said = tell(*FAULTS[fault])
    assert told.strip("`").replace("\\\\", "\\") in said
    assert remedy in said
    assert found == int(code)
    assert "bug" not in said


@pytest.mark.parametrize("name", [row[0] for row in rows("odd")])
def test_what_is_odd_goes_through_as_the_page_says(tell, name):
    code, said = tell(*ODD[name])
    assert code == 0, said


def test_what_has_one_cause_is_told_by_it_and_three_examples(tell):
    code, said = tell(*FAULTS["the columns the wrong way round"])
    first, *rest = said.splitlines()[1:] if said.startswith("read") else said.splitlines()
    assert code == 1
    assert first.startswith("Error: the columns look swapped: ")
    assert [line for line in rest if "is not in the" in line] == rest[:3]
    assert "... and 1 more" in rest[3]


def test_every_case_has_its_row_and_none_twice():
    assert [row[0] for row in rows("fault")] == list(FAULTS)
    assert [row[0] for row in rows("odd")] == list(ODD)
