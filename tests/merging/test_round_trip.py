"""What goes into a merge comes out of it exactly."""

from __future__ import annotations

import gzip
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pyoxigraph as ox
import pytest
from hostile import NO_SCHEMA, TAGS, hostile_graphs, merge_films, names
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.demo import demo_folder
from crossgraph.errors import GraphFormatError
from crossgraph.graphs import KnowledgeGraph, ReadOptions, read_graph, read_pair
from crossgraph.graphs.links import Links, read_links
from crossgraph.graphs.terms import from_iri, to_iri, to_tag
from crossgraph.merging.dataset import read_merged, write_merged
from crossgraph.merging.merge import SIDES, merge
from crossgraph.merging.options import MergeOptions
from crossgraph.merging.source import Source, tables_of
from crossgraph.merging.unmerging import same_graph, unmerge
from crossgraph.schema.mapping import AttributeMapping, RelationMapping, SchemaMapping, TypeMapping

BASE = "https://crossgraph.invalid/"
EVERYTHING = ReadOptions(declarations=True)
FORMS = {".nq": ox.RdfFormat.N_QUADS, ".trig": ox.RdfFormat.TRIG}


def merged_file(
    folder: Path, sources, links, *, end: str = ".nq", schema: SchemaMapping = NO_SCHEMA, **options
) -> Path:
    path = folder / f"merged{end}"
    write_merged(merge(sources, links, schema, options=MergeOptions(**options)), path, FORMS[end])
    return path


def read_back(folder: Path, path: Path) -> tuple[KnowledgeGraph, KnowledgeGraph]:
    left, right = unmerge(read_merged(path), folder / "parts")
    one, two = (
        read_graph(file, side=side, options=EVERYTHING)
        for file, side in zip((left, right), SIDES, strict=True)
    )
    return one, two


@given(
    names, st.sampled_from(SIDES), st.sampled_from(["entity", "type", "relation", "attribute"]), st.booleans()
)
def test_a_name_becomes_an_iri_and_a_name_again(name, side, role, rdf):
    iri = to_iri(name, side, role=role, rdf=rdf)
    assert ox.NamedNode(iri).value == iri
    assert from_iri(iri, side, role=role) == name


@given(names, names, st.sampled_from(SIDES))
def test_different_names_become_different_iris(one, two, side):
    assert (to_iri(one, side) == to_iri(two, side)) == (one == two)


@given(st.one_of(st.sampled_from(TAGS), names), st.sampled_from(SIDES))
def test_a_tag_becomes_one_that_rdf_holds_and_a_tag_again(tag, side):
    written = to_tag(tag, side)
    if written.startswith("@"):
        assert ox.Literal("x", language=written[1:]).language == written[1:]
    elif written:
        assert ox.NamedNode(written)
    assert from_iri(written, side, role="datatype") == tag


@given(hostile_graphs(), st.sampled_from(SIDES))
def test_a_graph_as_iris_is_the_graph_again(graph, side):
    assert same_graph(tables_of(Source(graph).iris(side), side), graph.tables())


@given(hostile_graphs(), hostile_graphs(), st.data())
def test_any_two_graphs_come_back_through_a_file(left, right, data):
    pairs = data.draw(
        st.lists(st.tuples(*(st.sampled_from(one.ids.to_list()) for one in (left, right))), max_size=3)
    )
    links = Links.of([one for one, _ in pairs], [two for _, two in pairs])
    options = {
        "prefer": data.draw(st.sampled_from(["left", "right", "mint"])),
        "policy": data.draw(st.sampled_from(["keep-all", "longest", "right"])),
        "provenance": data.draw(st.sampled_from(["graphs", "rdf-star"])),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = merged_file(
            Path(folder),
            (Source(left), Source(right)),
            links,
            end=data.draw(st.sampled_from([".nq", ".trig"])),
            **options,
        )
        found = read_merged(path)
        assert same_graph(found.source("left"), left.tables())
        assert same_graph(found.source("right"), right.tables())
        one, two = read_back(Path(folder), path)
        assert same_graph(one.tables(), left.tables())
        assert same_graph(two.tables(), right.tables())


IRIS = [ox.NamedNode(f"http://example.org/{name}") for name in ("a", "b", "é", "a/../b")] + [
    ox.NamedNode("ex:c")
]
NODES = [*IRIS, *(ox.BlankNode(label) for label in ("b1", "b2", "0123456789abcdef0123456789abcdef"))]
WORDS = [
    ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type"),
    ox.NamedNode("http://www.w3.org/2002/07/owl#sameAs"),
    *IRIS,
]
CLASSES = [
    ox.NamedNode(f"http://www.w3.org/2002/07/owl#{name}") for name in ("Class", "Thing", "ObjectProperty")
]
literals = st.one_of(
    st.text(max_size=4).map(ox.Literal),
    st.text(max_size=4).map(lambda text: ox.Literal(text, language="de")),
    st.text(max_size=4).map(lambda text: ox.Literal(text, datatype=IRIS[0])),
    st.sampled_from(["1", "01", "1.0"]).map(
        lambda text: ox.Literal(text, datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#integer"))
    ),
)
triples = st.builds(
    ox.Triple,
    st.sampled_from(NODES),
    st.sampled_from(WORDS),
    st.one_of(st.sampled_from([*NODES, *CLASSES]), literals),
)


def statements(path: Path) -> set[ox.Triple]:
    return {quad.triple for quad in ox.parse(path=str(path))}


@given(st.sets(triples, min_size=1, max_size=8), st.sets(triples, min_size=1, max_size=8), st.booleans())
def test_rdf_comes_back_triple_by_triple_declarations_and_blank_nodes_included(left, right, same):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for side, rows in zip(SIDES, (left, right), strict=True):
            ox.serialize(rows, str(folder / f"{side}.in.nt"), ox.RdfFormat.N_TRIPLES)
        graphs = [read_graph(folder / f"{side}.in.nt", options=EVERYTHING) for side in SIDES]
        both = [graph.ids[0] for graph in graphs]
        links = Links.of(both[:1] if same else [], both[1:] if same else [])
        path = merged_file(folder, tuple(Source(graph, rdf=True) for graph in graphs), links)
        unmerge(read_merged(path), folder / "parts")
        for side, rows in zip(SIDES, (left, right), strict=True):
            assert statements(folder / "parts" / f"{side}.nt") == rows


@pytest.mark.parametrize("provenance", ["graphs", "rdf-star"])
def test_a_store_that_renames_blank_nodes_gives_back_the_same_inputs(tmp_path, provenance):
    graph = read_from(tmp_path, '_:x <http://e.org/p> _:y . _:y <http://e.org/q> "1"@de .')
    sources = Source(graph, rdf=True), Source(graph, rdf=True)
    path = merged_file(tmp_path, sources, Links.of(["_:x"], ["_:y"]), provenance=provenance)
    store = ox.Store()
    store.load(path=str(path))
    dumped = tmp_path / "dumped.nq"
    store.dump(str(dumped), ox.RdfFormat.N_QUADS)
    one, two = read_back(tmp_path, dumped)
    assert same_graph(one.tables(), graph.tables())
    assert same_graph(two.tables(), graph.tables())


@pytest.mark.parametrize("end", [".nq", ".trig"])
def test_statements_about_statements_say_what_graphs_say(tmp_path, end):
    files = []
    for provenance in ("graphs", "rdf-star"):
        (tmp_path / provenance).mkdir()
        files.append(tmp_path / provenance / f"merged{end}")
        write_merged(merge_films(policy="longest", provenance=provenance), files[-1], FORMS[end])
    graphs, stars = (read_merged(file).statements for file in files)
    assert stars.sort(stars.columns).equals(graphs.sort(graphs.columns))


def test_a_statement_is_asked_for_its_sources(tmp_path):
    path = tmp_path / "merged.nq"
    write_merged(merge_films(provenance="rdf-star"), path, FORMS[".nq"])
    store = ox.Store()
    store.load(path=str(path))
    asked = store.query(
        """
        PREFIX prov: <http://www.w3.org/ns/prov#>
        BASE <https://crossgraph.invalid/>
        SELECT ?object ?source FROM <graph/merged> WHERE {
          <left/f1> <left/relation/directed%20by> ?object {| prov:wasDerivedFrom ?source |} }
        """
    )
    found = {(row["object"].value, row["source"].value) for row in asked}
    assert found == {(f"{BASE}left/p1", f"{BASE}graph/{side}") for side in SIDES}


def test_a_statement_without_a_source_is_refused(tmp_path):
    path = tmp_path / "merged.nq"
    write_merged(merge_films(provenance="rdf-star"), path, FORMS[".nq"])
    with path.open("a") as file:
        file.write(f"<{BASE}left/f1> <{BASE}x> <{BASE}y> <{BASE}graph/merged> .\n")
    with pytest.raises(GraphFormatError, match="1 statements of the merged graph have no source"):
        read_merged(path)


def read_from(folder: Path, text: str) -> KnowledgeGraph:
    (folder / "in.nt").write_text(text.replace(" . ", " .\n") + "\n")
    return read_graph(folder / "in.nt")


def lines(path: Path) -> list[str]:
    content = path.read_bytes()
    return sorted((gzip.decompress(content) if path.suffix == ".gz" else content).decode().splitlines())


@pytest.mark.parametrize(
    ("end", "options"),
    [
        (".nq", {"prefer": "mint", "policy": "longest"}),
        (".trig", {"prefer": "right", "policy": "most-frequent", "provenance": "rdf-star"}),
    ],
    ids=["graphs", "rdf-star"],
)
def test_the_demo_comes_back_line_by_line(tmp_path, end, options):
    """Two real catalogues, united by all their links and by what is called alike of their vocabularies."""
    graphs = read_pair(demo_folder())
    links = read_links(demo_folder() / "ent_links.gz")
    left, right = (graph.attribute_names for graph in graphs)
    schema = SchemaMapping(
        types=(TypeMapping("country", "страна"), TypeMapping("city", "город")),
        relations=tuple(map(RelationMapping, graphs[0].relation_names, graphs[1].relation_names)),
        attributes=tuple(map(AttributeMapping, left, right)),
    )
    sources = Source(graphs[0]), Source(graphs[1])
    merged = merge(sources, links, schema, options=MergeOptions(**options))
    assert (~merged.facts["chosen"]).sum() > 0
    assert merged.clusters.members["cluster"].n_unique() > 0.9 * len(links)
    path = tmp_path / f"merged{end}"
    write_merged(merged, path, FORMS[end])
    for one, two in zip(read_back(tmp_path, path), graphs, strict=True):
        assert one.fingerprint() == two.fingerprint()
    for file in (tmp_path / "parts").iterdir():
        assert lines(file) == lines(demo_folder() / f"{file.name}.gz")
    assert len(list((tmp_path / "parts").iterdir())) == 6


@pytest.fixture
def real() -> Path:
    folder = os.environ.get("CROSSGRAPH_DATA")
    if not folder:
        pytest.skip("CROSSGRAPH_DATA is not set: it names the folder of real data sets")
    return Path(folder)


REAL = [
    (
        "rdf_restaurants/restaurant1.rdf",
        "rdf_restaurants/restaurant2.rdf",
        "rdf_restaurants/restaurant1_restaurant2_goldstandard.rdf",
    ),
    (
        "rdf_person1/person11.rdf",
        "rdf_person1/person12.rdf",
        "rdf_person1/dataset11_dataset12_goldstandard_person.xml",
    ),
    ("countries_en_de", None, "countries_en_de/ent_links"),
    ("dbp15k_zh_en", None, "dbp15k_zh_en/ent_links"),
    ("airports_openflights_ourairports", None, "airports_openflights_ourairports/ent_links"),
    ("tables_dblp_acm", None, "tables_dblp_acm/train.csv"),
]


@pytest.mark.real
@pytest.mark.parametrize(("left", "right", "links"), REAL, ids=[row[0].partition("/")[0] for row in REAL])
def test_real_graphs_come_back_exactly(real, tmp_path, left, right, links):
    rdf = right is not None
    graphs = read_pair(real / left, real / right if right else None, options=EVERYTHING)
    sources = Source(graphs[0], rdf=rdf), Source(graphs[1], rdf=rdf)
    path = merged_file(tmp_path, sources, read_links(real / links), policy="longest")
    one, two = read_back(tmp_path, path)
    assert same_graph(one.tables(), graphs[0].tables())
    assert same_graph(two.tables(), graphs[1].tables())
    plain = replace(EVERYTHING, declarations=False)
    without = read_pair(real / left, real / right if right else None, options=plain)
    again = read_pair(
        *((tmp_path / "parts" / f"{side}.nt" for side in SIDES) if rdf else (tmp_path / "parts",))
    )
    assert same_graph(again[0].tables(), without[0].tables())
    assert same_graph(again[1].tables(), without[1].tables())
    if rdf:
        for side, source in zip(SIDES, (left, right), strict=True):
            text = (real / source).read_bytes().decode("windows-1252").replace("windows-1252", "utf-8")
            given_in = {
                quad.triple
                for quad in ox.parse(text, ox.RdfFormat.RDF_XML, base_iri=f"file:///{Path(source).name}")
            }
            assert statements(tmp_path / "parts" / f"{side}.nt") == given_in
