"""What docs/threats.md promises: reading fetches nothing, models hold no code, names command no terminal."""

from __future__ import annotations

import pickle
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import crossgraph
from crossgraph.checkpoint import load_model
from crossgraph.cli import app
from crossgraph.errors import CheckpointError, CrossgraphError, ResultError
from crossgraph.features.description import describe
from crossgraph.graphs import read_graph
from crossgraph.graphs.links import read_links
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.workings import Workings

SECRET = "the words of a file beside"
RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/">'
    '<rdf:Description rdf:about="http://e/a"><e:p>{}</e:p></rdf:Description></rdf:RDF>'
)
# {url} is a server that counts who asks it, {file} a file on this machine.
REMOTE = {
    "a context": ("g.jsonld", '{"@context":"{url}","@id":"http://e/a","name":"x"}'),
    "an imported context": ("g.jsonld", '{"@context":{"@import":"{url}"},"@id":"http://e/a","name":"x"}'),
    "a context of a term": (
        "g.jsonld",
        '{"@context":{"t":{"@id":"http://e/t","@context":"{url}"}},"@id":"http://e/a","t":{"name":"x"}}',
    ),
    "a context in a file": ("g.jsonld", '{"@context":"file://{file}","@id":"http://e/a","name":"x"}'),
    "an entity": ("g.rdf", '<!DOCTYPE r [<!ENTITY x SYSTEM "{url}">]>' + RDF.format("&x;")),
    "an entity in a file": ("g.rdf", '<!DOCTYPE r [<!ENTITY x SYSTEM "file://{file}">]>' + RDF.format("&x;")),
    "a public entity": ("g.rdf", '<!DOCTYPE r [<!ENTITY x PUBLIC "-//x" "{url}">]>' + RDF.format("&x;")),
    "a parameter entity": ("g.rdf", '<!DOCTYPE r [<!ENTITY % x SYSTEM "{url}"> %x;]>' + RDF.format("y")),
    "a document type": ("g.rdf", '<!DOCTYPE r SYSTEM "{url}">' + RDF.format("y")),
    "an inclusion": (
        "g.rdf",
        RDF.format('<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{url}" parse="text"/>'),
    ),
    "an imported ontology": (
        "g.ttl",
        "<{url}> a <http://www.w3.org/2002/07/owl#Ontology> .\n"
        "<http://e/o> <http://www.w3.org/2002/07/owl#imports> <{url}> .\n",
    ),
    "a base": ("g.ttl", '@base <{url}> .\n<a> <p> "x" .\n'),
}


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and what it was asked for."""
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_given: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}/x", asked
    listening.shutdown()
    listening.server_close()


@pytest.mark.parametrize("what", REMOTE)
def test_reading_a_graph_or_links_fetches_nothing_and_opens_no_other_file(what, server, tmp_path):
    url, asked = server
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    name, content = REMOTE[what]
    path = tmp_path / name
    path.write_text(content.replace("{url}", url).replace("{file}", str(secret)))
    for read in (lambda: str(read_graph(path).tables()), lambda: str(read_links(path).table())):
        try:
            seen = read()
        except CrossgraphError as error:
            seen = str(error)
        assert SECRET not in seen
    assert asked == []


def test_the_server_would_have_noticed(server):
    from urllib.error import HTTPError
    from urllib.request import urlopen

    url, asked = server
    with pytest.raises(HTTPError):
        urlopen(url)
    assert asked.pop() == "/x"


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return (Path.touch, (Path("sprung"),))


def test_a_model_is_never_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.json").write_text('{"format": 2}')
    (tmp_path / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(CheckpointError):
        load_model(tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_no_code_reads_a_format_that_can_hold_code():
    source = Path(crossgraph.__file__).parent
    readers = re.compile(
        r"\b(pickle|marshal|shelve|joblib|dill|torch\.load|yaml)\b"
        r"|np\.load\((?!.*allow_pickle=False)|(?<!\.)\b(eval|exec)\("
    )
    found = [
        f"{path.relative_to(source)}: {line.strip()}"
        for path in source.rglob("*.py")
        for line in path.read_text(encoding="utf8").splitlines()
        if readers.search(line.partition("#")[0])
    ]
    assert found == []


def test_what_a_result_keeps_for_reasons_is_never_unpickled(tmp_path, monkeypatch, mid_pair):
    monkeypatch.chdir(tmp_path)
    graphs = mid_pair.left, mid_pair.right
    np.savez(tmp_path / "workings.npz", card=np.array([Trap()], dtype=object))
    with pytest.raises(ResultError, match="cannot be read"):
        Workings.load(tmp_path / "workings.npz", graphs, describe(*graphs), SchemaMapping((), (), ()))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("command", ["\x1b]0;title\x07", "\x1b[2J", "\x9b31m", "\u202e"])
def test_names_in_a_graph_command_no_terminal(command, tmp_path):
    path = tmp_path / "g.csv"
    path.write_text(f"id,na{command}me\n1,{command}x\n2,{command}x\n", encoding="utf8")
    done = CliRunner().invoke(app, ["check", str(path)])
    assert done.exit_code == 0
    assert "na�" in done.stdout
    assert not set(command) & {"\x1b", "\x07", "\x9b", "\u202e"} & set(done.stdout + done.stderr)
