"""What is exported is what other tools, and crossgraph itself, read."""

from __future__ import annotations

import csv
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlencode
from urllib.request import Request, urlopen
from xml.etree import ElementTree

import polars as pl
import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.blocking.combine import NOTHING_MAPPED
from crossgraph.errors import ConfigError, ResultError
from crossgraph.exporting.files import export_graph, export_matches, graph_format, match_format
from crossgraph.exporting.matches import write_matches
from crossgraph.exporting.names import curies, short_names
from crossgraph.exporting.tables import view_of
from crossgraph.graphs import GraphTables, KnowledgeGraph, read_graph
from crossgraph.graphs._csv import first_header
from crossgraph.graphs.links import Links, read_links
from crossgraph.graphs.quads import tables_from
from crossgraph.merging.dataset import MERGED_ROLES, dataset_form, read_merged, write_merged
from crossgraph.merging.merge import merge
from crossgraph.merging.options import MergeOptions
from crossgraph.merging.source import Source
from crossgraph.merging.unmerging import same_graph
from crossgraph.results import read_matches
from crossgraph.schema.mapping import AttributeMapping, SchemaMapping, TypeMapping
from features.plain import graph_of

NAMES = [
    "plain",
    "two words",
    "a:b",
    "_:b1",
    "http://e.org/é",
    "urn:x:1",
    "https://crossgraph.invalid/left/x",
    '"q"',
    "#c",
]
ENDS = {
    "sssom": ".sssom.tsv",
    "sameas": ".nt",
    "alignment": ".rdf",
    "csv": ".csv",
    "parquet": ".parquet",
    "jsonl": ".jsonl",
}
BASE = "https://crossgraph.invalid/"
# After https://neo4j.com/docs/operations-manual/current/import/#import-tool-header-format
NEO4J_FIELD = re.compile(r"[^:].*:(ID|string|string\[\])|:(LABEL|START_ID|END_ID|TYPE)")
# After the validator of kgx.
CURIE = re.compile(r"[^ <()>:]*:[^/ :]+")


def table(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    rows = [(left, right, 1 / (n + 2)) for n, (left, right) in enumerate(pairs)]
    return pl.DataFrame(
        rows, schema={"left": pl.String, "right": pl.String, "probability": pl.Float64}, orient="row"
    )


def tables(types, edges, facts) -> GraphTables:
    return GraphTables(
        types=pl.DataFrame(types, schema=GraphTables.empty_types().schema, orient="row"),
        edges=pl.DataFrame(edges, schema=GraphTables.empty_edges().schema, orient="row"),
        facts=pl.DataFrame(facts, schema=GraphTables.empty_facts().schema, orient="row"),
    )


LEFT = tables(
    [("f1", "film"), ("http://e.org/p/1", "person"), ("http://e.org/p/1", "a;b")],
    [("f1", "directed by", "http://e.org/p/1")],
    [
        ("f1", "title", "Heat", ""),
        ("f1", "title", "Hitze|warm", "@de"),
        ("f1", "id", "7\t8\n9", ""),
        ("http://e.org/p/1", "name", "Mann; Michael", ""),
        ("http://e.org/p/1", "name", "M. Mann", ""),
    ],
)
RIGHT = tables(
    [("m 1", "movie")],
    [("m 1", "cast", "h1")],
    [("m 1", "title", "Heat (film)", ""), ("m 1", "name", "Heat", ""), ("h1", "name", 'A "quoted" name', "")],
)
SCHEMA = SchemaMapping(
    types=(TypeMapping("film", "movie"),), relations=(), attributes=(AttributeMapping("title", "title"),)
)


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    """Two small graphs merged into a file."""
    sources = tuple(Source(KnowledgeGraph.from_tables(one)) for one in (LEFT, RIGHT))
    found = merge(
        (sources[0], sources[1]), Links.of(["f1"], ["m 1"]), SCHEMA, options=MergeOptions(policy="longest")
    )
    path = tmp_path / "merged.nq"
    write_merged(found, path, ox.RdfFormat.N_QUADS)
    return path


@given(
    st.lists(
        st.tuples(*[st.one_of(st.sampled_from(NAMES), st.text(min_size=1, max_size=4))] * 2),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    st.sampled_from(["skos:exactMatch", "owl:sameAs"]),
)
def test_matches_in_every_form_are_read_again_as_links(pairs, predicate):
    with tempfile.TemporaryDirectory() as folder:
        for form, end in ENDS.items():
            path = Path(folder) / f"matches{end}"
            write_matches(table(pairs), path, form, predicate=predicate)
            links = read_links(path)
            assert links.label.all()
            assert sorted(zip(links.left, links.right, strict=True)) == sorted(pairs), form


@pytest.mark.parametrize("form", ENDS)
def test_matches_of_rdf_graphs_keep_every_iri(tmp_path, form):
    path = tmp_path / f"matches{ENDS[form]}"
    write_matches(table([("ex:a", "_:b")]), path, form, rdf=(True, True))
    assert list(read_links(path).table().select("left", "right").iter_rows()) == [("ex:a", "_:b")]
    if form == "sameas":
        assert path.read_text().startswith(
            "<ex:a> <http://www.w3.org/2002/07/owl#sameAs> <https://crossgraph.invalid/.well"
        )


def test_the_alignment_is_nested_as_its_readers_want_it(tmp_path):
    write_matches(table([("a&b", 'c"d'), ("e", "f")]), tmp_path / "m.rdf", "alignment")
    names = {"a": "http://knowledgeweb.semanticweb.org/heterogeneity/alignment#"}
    cells = ElementTree.parse(tmp_path / "m.rdf").findall("a:Alignment/a:map/a:Cell", names)
    assert [float(cell.findtext("a:measure", namespaces=names)) for cell in cells] == [1 / 2, 1 / 3]
    assert {cell.findtext("a:relation", namespaces=names) for cell in cells} == {"="}


def test_a_match_of_unknown_probability_comes_last_and_has_no_confidence(tmp_path):
    rows = {"left": ["a", "b"], "right": ["c", "d"], "probability": [None, 1e-5]}
    path = tmp_path / "m.sssom.tsv"
    write_matches(pl.DataFrame(rows), path, "sssom")
    assert [line.split("\t")[-1] for line in path.read_text().splitlines()[-2:]] == ["0.00001", ""]
    assert read_matches(path).rows() == [("b", "d", 1e-5), ("a", "c", None)]


def test_sssom_passes_its_validator_with_either_predicate(tmp_path):
    code = (
        "import sys\nfrom sssom.parsers import parse_sssom_table\nfrom sssom.validators import validate\n"
        "from sssom.constants import SchemaValidationType as Kind\n"
        "kinds = [Kind.JsonSchema, Kind.PrefixMapCompleteness, Kind.StrictCurieFormat]\n"
        "for path in sys.argv[1:]:\n"
        "    found = parse_sssom_table(path)\n"
        "    reports = validate(found, kinds, fail_on_error=False)\n"
        "    print([r.message for one in reports.values() for r in one.results], len(found.df))\n"
    )
    paths = []
    for predicate in ("skos:exactMatch", "owl:sameAs"):
        paths.append(tmp_path / f"{predicate[:4]}.sssom.tsv")
        write_matches(table([(name, name) for name in NAMES]), paths[-1], "sssom", predicate=predicate)
        assert paths[-1].read_text().count(predicate) == len(NAMES)
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, paths)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [f"[] {len(NAMES)}"] * len(paths)


def test_the_form_is_told_by_the_name_or_asked_for():
    for form, end in ENDS.items():
        assert match_format(Path(f"x{end}"), None) == match_format(Path("x.y"), form) == form
    assert [graph_format(Path(f"x.{end}"), None) for end in ("nq", "trig", "ttl")] == [
        "nquads",
        "trig",
        "turtle",
    ]
    with pytest.raises(ConfigError, match=r"does not tell.*\n.*neo4j"):
        graph_format(Path("x.csv"), None)
    with pytest.raises(ConfigError, match=r"matches have no form 'turtle'"):
        match_format(Path("x"), "turtle")
    with pytest.raises(ConfigError, match=r"does not tell"):
        match_format(Path("x.tsv"), None)


def test_a_folder_without_matches_is_no_result(tmp_path):
    with pytest.raises(ResultError, match="is no RESULT"):
        export_matches(tmp_path, tmp_path / "x.nt", "sameas")


def view(path: Path) -> GraphTables:
    return tables_from(read_merged(path).view())


@pytest.mark.parametrize(("form", "name"), [("nquads", "again.nq"), ("trig", "again.trig")])
def test_the_whole_dataset_is_written_in_either_form(merged, tmp_path, form, name):
    export_graph(merged, tmp_path / name, form)
    assert set(ox.parse(path=str(tmp_path / name))) == set(ox.parse(path=str(merged)))


def test_turtle_is_the_merged_graph_alone(merged, tmp_path):
    export_graph(merged, tmp_path / "m.ttl", "turtle")
    assert same_graph(read_graph(tmp_path / "m.ttl").tables(), view(merged))


def test_parquet_tables_are_read_as_the_merged_graph_and_tell_sources(merged, tmp_path):
    export_graph(merged, tmp_path / "tables", "parquet")
    assert same_graph(read_graph(tmp_path / "tables").tables(), view(merged))
    nodes = pl.read_parquet(tmp_path / "tables" / "nodes.parquet")
    assert nodes.filter(id=f"{BASE}left/f1")["same_as"].to_list() == [[f"{BASE}right/m%201"]]
    assert set(pl.read_parquet(tmp_path / "tables" / "facts.parquet")["source"]) <= {"left", "right", "both"}


def test_neo4j_files_keep_to_the_grammar_and_are_read_as_the_graph(merged, tmp_path):
    export_graph(merged, tmp_path / "neo", "neo4j")
    for name in ("nodes.csv", "relationships.csv"):
        assert all(NEO4J_FIELD.fullmatch(cell) for cell in first_header(tmp_path / "neo" / name))
    found = read_graph(tmp_path / "neo")
    expected = KnowledgeGraph.from_tables(view(merged))
    assert sorted(found.ids) == sorted(expected.ids)
    named = {
        row["iri"]: row["name"] for row in pl.read_csv(tmp_path / "neo" / "names.csv").iter_rows(named=True)
    }
    edges = {(head, named[relation], tail) for head, relation, tail in expected.tables().edges.iter_rows()}
    assert set(found.tables().edges.iter_rows()) == edges
    facts = {
        (entity, named[attribute] + (tag if tag[:1] == "@" else ""), value.replace("Mann;", "Mann；"))
        for entity, attribute, value, tag in expected.tables().facts.iter_rows()
    }
    assert {row[:3] for row in found.tables().facts.iter_rows()} == facts
    labels = set(pl.read_csv(tmp_path / "neo" / "names.csv").filter(part="label")["name"])
    assert {"film", "person", "a；b"} <= labels == set(found.tables().types["type"])


def test_labels_that_differ_by_the_delimiter_stay_two(tmp_path):
    types = [("1", "a;b"), ("2", "a；b"), ("3", "a；b；")]
    path = tmp_path / "merged.nq"
    one = graph_of(types, [], [(name, "name", name) for name in "123"])
    merged = merge((Source(one), Source(one)), Links.of([], []), NOTHING_MAPPED, options=MergeOptions())
    write_merged(merged, path, dataset_form(path))
    export_graph(path, tmp_path / "neo", "neo4j")
    labels = pl.read_csv(tmp_path / "neo" / "names.csv").filter(part="label")["name"]
    assert labels.n_unique() == len(labels) == 6


def test_kgx_has_the_columns_that_its_validator_requires(merged, tmp_path):
    export_graph(merged, tmp_path / "kgx", "kgx")
    nodes, edges = (
        pl.read_csv(tmp_path / "kgx" / f"{name}.tsv", separator="\t", quote_char=None, infer_schema=False)
        for name in ("nodes", "edges")
    )
    assert {"id", "category"} <= set(nodes.columns)
    required = {"id", "subject", "predicate", "object", "knowledge_level", "agent_type"}
    assert required <= set(edges.columns)
    prefixes = json.loads((tmp_path / "kgx" / "prefixes.json").read_text())
    for cell in [*nodes["id"], *edges["subject"], *edges["object"], *edges["original_predicate"]]:
        assert CURIE.fullmatch(cell)
        assert cell.partition(":")[0] in prefixes
    assert set(nodes["category"]) == {"biolink:NamedThing"}
    assert nodes["id"].n_unique() == len(nodes) == 3
    assert set(edges["subject"]) | set(edges["object"]) <= set(nodes["id"])
    back = {prefixes[cell.partition(":")[0]] + cell.partition(":")[2] for cell in nodes["id"]}
    assert back == set(nodes["iri"])
    assert "original_id" in nodes.columns


def test_kgx_has_one_name_and_the_others_as_synonyms(tmp_path):
    facts = [("f", "name", name, "") for name in ("Heat", "Hitze", "Calor")]
    graphs = (tables([("f", "film")], [], facts), tables([("m", "film")], [], [("m", "name", "n", "")]))
    left, right = (Source(KnowledgeGraph.from_tables(one)) for one in graphs)
    schema = SchemaMapping((), (), (AttributeMapping("name", "name"),))
    found = merge((left, right), Links.of([], []), schema, options=MergeOptions())
    write_merged(found, tmp_path / "m.nq", ox.RdfFormat.N_QUADS)
    export_graph(tmp_path / "m.nq", tmp_path / "kgx", "kgx")
    nodes = pl.read_csv(tmp_path / "kgx" / "nodes.tsv", separator="\t", quote_char=None)
    assert sorted(nodes.select("name", "synonym").rows()) == [("Calor", "Heat|Hitze"), ("n", None)]


def test_kgx_has_one_value_in_each_column_and_the_others_beside_it(tmp_path):
    facts = [("f", "title", title, "") for title in ("Heat|95", "Hitze", "Calor|c")]
    facts += [("f", "other_title", "mine", ""), ("f", "title", "Wärme", "@de")]
    graphs = (tables([("f", "film")], [], facts), tables([("m", "film")], [], [("m", "year", "1995", "")]))
    left, right = (Source(KnowledgeGraph.from_tables(one)) for one in graphs)
    found = merge((left, right), Links.of(["f"], ["m"]), SchemaMapping((), (), ()), options=MergeOptions())
    write_merged(found, tmp_path / "m.nq", ox.RdfFormat.N_QUADS)
    export_graph(tmp_path / "m.nq", tmp_path / "kgx", "kgx")
    (node,) = pl.read_csv(tmp_path / "kgx" / "nodes.tsv", separator="\t", quote_char=None).to_dicts()
    assert (node["title"], node["other_other_title"]) == ("Calor¦c", "Heat¦95|Hitze")
    assert (node["other_title"], node["title@de"], node["year"]) == ("mine", "Wärme", 1995)


# Names that columns of every node have, that become one another, and that no header can hold.
ATTRIBUTES = [
    *("entity", "iri", "id", "original_id", "category", "type", "xref", "original_xref", "curie", "value"),
    *("key", "name", "name@de", "two\twords", "two words", "two\nlines", ":LABEL", "iri:ID", "\tentity", " "),
]


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A merged node with a value of its own for each of ``ATTRIBUTES``, and a name in German."""
    facts = [("f", name, f"value {at}", "") for at, name in enumerate(ATTRIBUTES)]
    graphs = (
        tables([("f", "film")], [], [*facts, ("f", "name", "value @de", "@de")]),
        tables([("m", "film")], [], [("m", "name", "n", "")]),
    )
    left, right = (Source(KnowledgeGraph.from_tables(one)) for one in graphs)
    found = merge((left, right), Links.of(["f"], ["m"]), SchemaMapping((), (), ()), options=MergeOptions())
    write_merged(found, tmp_path / "odd.nq", ox.RdfFormat.N_QUADS)
    return tmp_path / "odd.nq"


def _column(cell: str, form: str) -> str:
    """What a cell of a header calls its column, less the type."""
    return cell.rpartition(":")[0] if form == "neo4j" else cell


@pytest.mark.parametrize(("form", "name"), [("neo4j", "nodes.csv"), ("kgx", "nodes.tsv")])
def test_every_attribute_has_a_column_of_its_own_whatever_it_is_called(odd, tmp_path, form, name):
    export_graph(odd, tmp_path / form, form)
    separator = "\t" if form == "kgx" else ","
    with (tmp_path / form / name).open(newline="", encoding="utf8") as file:
        header, row = csv.reader(file, delimiter=separator)
    assert len(row) == len(header) == len({_column(cell, form) for cell in header})
    assert not any(letter in cell for cell in header for letter in "\t\r\n")
    wanted = {f"value {at}" for at in range(len(ATTRIBUTES))} | {"value @de"}
    assert {cell for cell in row if cell.startswith("value ")} == wanted
    if form == "neo4j":
        held = set(read_graph(tmp_path / form).tables().facts["value"])
        assert wanted <= held
        named = pl.read_csv(tmp_path / form / "names.csv").filter(part="property")
        assert named["name"].n_unique() == named["iri"].n_unique() == len(named)


IRIS = st.text(alphabet="ab/#:@%?=é", max_size=6).map("http://e/".__add__)


@given(st.lists(st.tuples(IRIS, st.sampled_from(["", "@de", "@a"])), unique=True, max_size=8))
def test_names_of_columns_are_told_apart_with_their_languages_too(used):
    names = short_names([iri for iri, _ in used], languages=used, taken=("id", "a"))
    columns = [names[iri] + language for iri, language in used]
    assert len(set(columns)) == len(columns)
    assert not {"id", "a"} & set(columns)


@given(st.lists(IRIS | IRIS.map(f"{BASE}iri/".__add__) | IRIS.map("urn:".__add__), min_size=1, max_size=8))
def test_every_iri_has_a_curie_that_makes_it_again(iris):
    short, prefixes = curies(pl.Series(iris))
    for iri, one in zip(iris, short, strict=True):
        assert CURIE.fullmatch(one)
        prefix, _, rest = one.partition(":")
        assert iri == (unquote(rest) if prefix == "iri" else prefixes[prefix] + rest)
    assert short.n_unique() == len(set(iris))


def test_short_names_are_unique():
    names = [
        f"{BASE}left/relation/name",
        f"{BASE}right/relation/name",
        "http://e.org/name",
        "http://e.org/x#age",
        "http://e.org/",
    ]
    short = short_names(names)
    assert short == {
        names[0]: "left:name",
        names[1]: "right:name",
        names[2]: names[2],
        names[3]: "age",
        names[4]: "e.org",
    }


def test_curies_and_prefixes_make_the_iris_again():
    iris = pl.Series(
        ["http://e.org/a", "http://e.org/b#c", f"{BASE}left/x%20y", "http://www.w3.org/2002/07/owl#Thing"]
    )
    short, prefixes = curies(iris)
    assert [prefixes[one.partition(":")[0]] + one.partition(":")[2] for one in short] == iris.to_list()
    assert short.to_list()[2:] == ["left:x%20y", "owl:Thing"]


QUERY = f"""
PREFIX m: <{BASE}graph/merged/>
SELECT ?value ?graph FROM NAMED m:left FROM NAMED m:right FROM NAMED m:both
WHERE {{ GRAPH ?graph {{ <{BASE}left/f1> <{BASE}left/attribute/title> ?value }} }}
"""


def test_a_store_loads_the_merged_graph_and_tells_the_source_of_a_value(merged):
    store = ox.Store()
    store.load(path=str(merged))
    found = {(row["value"].value, row["graph"].value) for row in store.query(QUERY)}
    assert found == {
        ("Heat (film)", f"{BASE}graph/merged/right"),
        ("Hitze|warm", f"{BASE}graph/merged/left"),
    }
    both = ox.NamedNode(f"{BASE}graph/merged/both")
    asked = f"SELECT ?origin {{ {both} <http://www.w3.org/ns/prov#wasDerivedFrom> ?origin }}"
    found = store.query(asked)
    assert {row["origin"].value for row in found} == {f"{BASE}graph/left", f"{BASE}graph/right"}
    aside = f"ASK {{ GRAPH <{BASE}graph/set-aside/left> {{ <{BASE}left/f1> ?p 'Heat' }} }}"
    assert store.query(aside)


def test_every_statement_is_in_a_graph_whose_origin_is_told(merged):
    quads = list(ox.parse(path=str(merged)))
    prov = "http://www.w3.org/ns/prov#"
    about = [quad for quad in quads if isinstance(quad.graph_name, ox.DefaultGraph)]
    entities = {q.subject for q in about if q.object == ox.NamedNode(f"{prov}Entity")}
    derived = {q.subject for q in about if q.predicate == ox.NamedNode(f"{prov}wasDerivedFrom")}
    graphs = {quad.graph_name for quad in quads} - {ox.DefaultGraph()}
    assert graphs <= entities
    assert {ox.NamedNode(f"{BASE}graph/{role}") for role in MERGED_ROLES} <= derived


@pytest.fixture
def server(merged: Path, tmp_path: Path) -> Iterator[str]:
    """The address of an Oxigraph server that holds the merged graph."""
    program = shutil.which("oxigraph", path=str(Path(sys.executable).parent)) or shutil.which("oxigraph")
    assert program, "the extra test installs it"
    subprocess.run(
        [program, "load", "--location", tmp_path / "db", "--file", merged], check=True, capture_output=True
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [program, "serve-read-only", "--location", tmp_path / "db", "--bind", address]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(address)
            yield f"http://{address}/query"
        finally:
            process.terminate()


def _wait_for(address: str) -> None:
    host, _, port = address.partition(":")
    for _ in range(200):
        with socket.socket() as client:
            if client.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(address)


def test_a_server_answers_sparql_over_http(server):
    headers = {"Accept": "application/sparql-results+json"}
    request = Request(server, data=urlencode({"query": QUERY}).encode(), headers=headers)
    with urlopen(request, timeout=30) as answer:
        rows = json.load(answer)["results"]["bindings"]
    assert {row["value"]["value"] for row in rows} == {"Heat (film)", "Hitze|warm"}


def test_the_view_of_a_file_is_sorted(merged):
    found = view_of(read_merged(merged)).tables
    assert found.edges.equals(found.edges.sort(pl.all()))
