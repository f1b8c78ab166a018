from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossgraph.errors import GraphFormatError
from crossgraph.graphs import KnowledgeGraph, read_graph, read_pair
from crossgraph.graphs.rdf import rdf_format, read_rdf

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/"'
XSD = "http://www.w3.org/2001/XMLSchema#"
iris = st.sampled_from([ox.NamedNode(f"http://e/{name}") for name in "abcd"])
blanks = st.sampled_from([ox.BlankNode("b1"), ox.BlankNode("b2")])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
literals = st.one_of(
    st.builds(ox.Literal, texts),
    st.builds(lambda text: ox.Literal(text, language="de"), texts),
    st.builds(lambda text: ox.Literal(text, datatype=ox.NamedNode(XSD + "integer")), texts),
)
triples = st.builds(ox.Triple, st.one_of(iris, blanks), iris, st.one_of(iris, blanks, literals))


def entity(node: ox.NamedNode | ox.BlankNode) -> str:
    return node.value if isinstance(node, ox.NamedNode) else f"_:{node.value}"


def tag(literal: ox.Literal) -> str:
    if literal.language:
        return f"@{literal.language}"
    return "" if literal.datatype.value == XSD + "string" else literal.datatype.value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(triples, max_size=8))
def test_what_is_written_is_read(write, written):
    path = write("graph.nt", ox.serialize(written, format=ox.RdfFormat.N_TRIPLES) or b"")
    tables = KnowledgeGraph.from_tables(read_rdf(path).tables).tables()
    edges, facts = set(), set()
    for subject, predicate, value in written:
        if isinstance(value, ox.Literal):
            facts.add((entity(subject), predicate.value, value.value, tag(value)))
        else:
            edges.add((entity(subject), predicate.value, entity(value)))
    assert set(tables.edges.rows()) == edges
    assert set(tables.facts.rows()) == facts


@pytest.mark.parametrize("encoding", ["windows-1252", "iso-8859-15", "utf-8", "utf-16"])
def test_declared_encodings_are_honoured_and_relative_iris_resolved(write, encoding):
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<rdf:RDF {RDF}>'
        '<rdf:Description rdf:about="#a"><e:name>Café 5 €</e:name></rdf:Description></rdf:RDF>'
    )
    path = write("my graph.rdf", text.encode(encoding))
    facts = read_graph(path).tables().facts.rows()
    assert facts == [("file:///my%20graph.rdf#a", "http://e/name", "Café 5 €", "")]


@pytest.mark.parametrize(
    ("name", "text", "line", "problem"),
    [
        ("a.ttl", "@prefix e: <http://e/> .\ne:a e:p e:b .\ne:a e:p\n", 4, "Unexpected end"),
        ("a.trig", "<http://e/g> {\n rubbish }", 2, ""),
        ("a.rdf", f"<rdf:RDF {RDF}>\n<e:T>\n</e:U></rdf:RDF>", 3, "mismatched tag"),
        ("a.rdf", f"<rdf:RDF {RDF}>\n<e:T rdf:about='http://e/a'>\n", 3, ""),
        ("a.rdf", '<?xml version="1.0" encoding="klingon"?><a/>', 1, "'klingon'"),
        ("a.rdf", b'<?xml version="1.0" encoding="ascii"?>\n<a>\xe9</a>', 2, "0xe9"),
        ("a.rdf", b"<a>\n\xe9</a>", 2, "0xe9"),
        ("a.jsonld", '{\n"@id": "x",\n"http://e/n": ]}', 3, ""),
        ("a.jsonld", '{"@context": "http://schema.org/", "name": "x"}', None, "nothing is ever fetched"),
    ],
)
def test_a_syntax_error_is_told_with_its_line(write, name, text, line, problem):
    with pytest.raises(GraphFormatError) as caught:
        read_graph(write(name, text))
    (fault,) = caught.value.faults
    assert fault.line == line
    assert problem in fault.problem


@pytest.mark.parametrize("suffix", ["nt", "nq", "nt.gz"])
def test_line_based_formats_go_on_after_bad_lines(write, suffix):
    good = b'<http://e/a> <http://e/p> "%d" .\n'
    lines = [
        good % 1,
        b"rubbish\n",
        good % 2,
        b'<http://e/a> <http://e/p> "\xff" .\n',
        good % 3,
        b"<http://e/a\n",
    ]
    reading = read_rdf(write(f"a.{suffix}", b"".join([*lines, good % 4])))
    assert [fault.line for fault in reading.faults] == [2, 4, 6]
    assert reading.tables.facts["value"].to_list() == ["1", "2", "3", "4"]


def test_faults_stop_at_a_thousand(write):
    faults = read_rdf(write("a.nt", "rubbish\n" * 1200)).faults
    assert len(faults) == 1001
    assert faults[-1].problem == "stopped after 1,000 faults"


def test_schema_declarations_are_no_entities(write):
    path = write(
        "a.ttl",
        """@prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix e: <http://e/> .
        @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
        e:Film a owl:Class ; rdfs:label "Film" ; rdfs:subClassOf [ a owl:Restriction ; owl:onProperty e:p ],
            [ owl:unionOf (e:Film e:Other) ] .
        e:Other a rdfs:Class . e:p a owl:ObjectProperty ; rdfs:domain e:Film . e: a owl:Ontology .
        e:alien a e:Film, owl:NamedIndividual, owl:Thing ; e:p e:ripley .
        e:ripley a owl:Thing . e:pun a owl:Class, e:Film .
        """,
    )
    reading = read_rdf(path)
    graph = KnowledgeGraph.from_tables(reading.tables)
    assert sorted(graph.ids) == ["http://e/alien", "http://e/pun", "http://e/ripley"]
    assert graph.type_names == ("http://e/Film", "http://www.w3.org/2002/07/owl#Thing")
    assert len(graph.typed) == 3
    assert "5 schema declarations" in reading.notes[0]
    everything = KnowledgeGraph.from_tables(read_rdf(path, declarations=True).tables)
    both = KnowledgeGraph.from_tables(reading.tables.and_also(reading.aside))
    assert both.fingerprint() == everything.fingerprint()
    assert len(reading.tables) + len(reading.aside) == len(read_rdf(path, declarations=True).tables)


def test_a_graph_of_schema_alone_says_so(write):
    path = write("a.ttl", "<http://e/A> a <http://www.w3.org/2002/07/owl#Class> .")
    with pytest.raises(GraphFormatError, match="schema only"):
        read_graph(path)


def test_blank_nodes_are_numbered_alike_in_every_run(write):
    path = write(
        "a.ttl", '@prefix e: <http://e/> . e:a e:p [ e:n "1" ], [ e:n "2" ], _:mine . _:mine e:n "3" .'
    )
    one, two = read_rdf(path).tables, read_rdf(path).tables
    assert one.facts.rows() == two.facts.rows()
    assert set(one.edges["tail"]) == {"_:anonymous-1", "_:anonymous-2", "_:mine"}


def test_a_label_that_looks_drawn_at_random_is_kept_if_it_is_written(write):
    label = "cb2ee31fabd41765b7b24a7747c5ad0b"
    path = write("a.nt", f'_:{label} <http://e/n> "1" .\n')
    assert read_graph(path).ids.to_list() == [f"_:{label}"]


def test_triples_about_triples_are_left_out_with_a_note(write):
    path = write("a.ttl", '@prefix e: <http://e/> . e:a e:n "1" . << e:a e:p e:b >> e:sure "yes" .')
    reading = read_rdf(path)
    assert "1 triples about triples" in reading.notes[0]
    assert "http://e/n" in reading.tables.facts["attribute"].to_list()


def test_an_alignment_is_not_a_graph(write):
    path = write(
        "a.rdf", f'<rdf:RDF {RDF} xmlns="http://knowledgeweb.semanticweb.org/heterogeneity/alignment"/>'
    )
    with pytest.raises(GraphFormatError, match="links"):
        read_graph(path)


def test_formats_go_by_the_last_extension(tmp_path):
    assert rdf_format(tmp_path / "a.b.TTL.gz") == ox.RdfFormat.TURTLE
    assert rdf_format(tmp_path / "ttl") is None
    with pytest.raises(ValueError, match="no RDF extension"):
        read_rdf(tmp_path / "a.csv")


@pytest.mark.real
@pytest.mark.parametrize(
    ("left", "right", "sizes"),
    [
        ("rdf_restaurants/restaurant1.rdf", "rdf_restaurants/restaurant2.rdf", (339, 2_256)),
        ("rdf_person1/person11.rdf", "rdf_person1/person12.rdf", (2_000, 1_000)),
    ],
)
def test_real_rdf_holds_what_its_readme_says(real, left, right, sizes):
    one, two = read_pair(real / left, real / right)
    assert (len(one), len(two)) == sizes
