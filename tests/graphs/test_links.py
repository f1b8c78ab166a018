from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.errors import LinksError
from crossgraph.graphs.graph import GraphTables, KnowledgeGraph
from crossgraph.graphs.links import Links, read_links, read_pairs, split_links

ALIGNMENT = """<?xml version='1.0' encoding='utf-8'?>
<rdf:RDF xmlns='http://knowledgeweb.semanticweb.org/heterogeneity/alignment{end}'
  xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
<Alignment><level>0</level>
<map><Cell><entity1 rdf:resource='http://a.org/1'/><entity2 rdf:resource='http://b.org/1'/>
  <relation>=</relation><measure rdf:datatype='http://www.w3.org/2001/XMLSchema#float'>1.0</measure></Cell></map>
<map><Cell><entity1 rdf:resource='http://a.org/2'/><entity2 rdf:resource='http://b.org/2'/>
  <relation>&lt;</relation><measure>1.0</measure></Cell></map>
<map><Cell><entity1 rdf:resource='http://a.org/3'/><entity2 rdf:resource='http://b.org/3'/>
  <relation>=</relation><measure>0.0</measure></Cell></map>
</Alignment></rdf:RDF>
"""

SSSOM = """#curie_map:
#  a: "http://a.org/"
#  b: http://b.org/
#mapping_set_id: https://example.org/set
subject_id\tpredicate_id\tobject_id\tmapping_justification\tpredicate_modifier
a:1\tskos:exactMatch\tb:1\tsemapv:ManualMappingCuration\t
a:2\towl:sameAs\thttp://b.org/2\tsemapv:ManualMappingCuration\t
a:3\tskos:broadMatch\tb:3\tsemapv:ManualMappingCuration\t
a:4\tskos:exactMatch\tb:4\tsemapv:ManualMappingCuration\tNot
left:x%20y\tskos:exactMatch\tright:%25\tsemapv:ManualMappingCuration\t
"""


def graph(*ids: str) -> KnowledgeGraph:
    types = pl.DataFrame({"entity": list(ids), "type": ["thing"] * len(ids)})
    return KnowledgeGraph.from_tables(
        GraphTables(types=types, edges=GraphTables.empty_edges(), facts=GraphTables.empty_facts())
    )


def rows(links: Links) -> list[tuple[str, str, bool]]:
    return list(zip(links.left, links.right, links.label.tolist(), strict=True))


@pytest.fixture
def write(tmp_path):
    def write(text: str, name: str = "links.tsv") -> Path:
        path = tmp_path / name
        data = text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


@pytest.mark.parametrize("name", ["links", "links.tsv", "links.gz"])
def test_a_third_column_that_is_no_label_is_a_type(write, name):
    links = read_links(write("a\tx\tfilm\nb\ty\t1\n\na\tx\tfilm\n", name))
    assert rows(links) == [("a", "x", True), ("b", "y", True)]
    assert links.types.to_list() == ["film", "1"]
    assert links.lines.tolist() == [1, 2]


def test_a_third_column_of_only_0_and_1_is_a_label(write):
    links = read_links(write("a\tx\t1\ttrain\r\nb\ty\t0\ttest\r\n"))
    assert rows(links) == [("a", "x", True), ("b", "y", False)]
    assert rows(links.positives()) == [("a", "x", True)]
    assert rows(links.negatives()) == [("b", "y", False)]


def test_files_are_read_together(write):
    first, second = write("a\tx\n", "one"), write("b\ty\t0\na\tx\t1\n", "two")
    assert rows(read_links(first, second)) == [("a", "x", True), ("b", "y", False)]


def test_magellan_csv(write):
    links = read_links(write('ltable_id,rtable_id,label\n1,2,0\n"a,b",3,1\n', "test.csv"))
    assert rows(links) == [("1", "2", False), ("a,b", "3", True)]


@pytest.mark.parametrize("end", ["", "#", "/"])
def test_alignments_give_equal_cells_with_a_measure(write, end):
    links = read_links(write(ALIGNMENT.format(end=end), "gold.rdf"))
    assert rows(links) == [("http://a.org/1", "http://b.org/1", True)]


def test_same_as_statements_are_links(write):
    text = "<http://a.org/1> <http://www.w3.org/2002/07/owl#sameAs> <http://b.org/1> .\n"
    assert rows(read_links(write(text, "links.nt"))) == [("http://a.org/1", "http://b.org/1", True)]


def test_sssom_expands_prefixes_and_filters_predicates(write):
    assert rows(read_links(write(SSSOM, "links.sssom.tsv"))) == [
        ("http://a.org/1", "http://b.org/1", True),
        ("http://a.org/2", "http://b.org/2", True),
        ("http://a.org/4", "http://b.org/4", False),
        ("x y", "%", True),
    ]


def test_every_bad_line_of_every_file_is_told_at_once(write):
    first = write("a\tx\t1\nalone\n\tx\t1\nb\ty\n", "one")
    second = write("c\t\n", "two")
    with pytest.raises(LinksError) as caught:
        read_links(first, second, "missing.tsv")
    found = [(Path(fault.path).name, fault.line) for fault in caught.value.faults]
    assert sorted(found[:-2], key=str) == [("one", 2), ("one", 3), ("one", 4)]
    assert found[-2:] == [("two", 1), ("missing.tsv", None)]


@pytest.mark.parametrize(
    ("text", "name", "problem"),
    [
        ("", "empty", "holds no links"),
        ("id1,id2\n1,2\n", "a.csv", "does not name the two identifiers"),
        ("ltable_id,rtable_id,label\n1,2,yes\n", "a.csv", "neither 0 nor 1"),
        ("#x: y\nsubject_id\tpredicate_id\na\tb\n", "a.tsv", "object_id"),
        ("<?xml version='1.0'?><a>", "a.rdf", "broken XML"),
        (ALIGNMENT.format(end="#").replace("<entity1 rdf:resource='http://a.org/1'/>", ""), "a.rdf", "lacks"),
        (ALIGNMENT.format(end="#").replace(">1.0<", ">high<"), "a.rdf", "not a number"),
        ("a\tx\t1\na\tx\t0\n", "a", "labelled both"),
    ],
)
def test_faults_say_what_is_wrong(write, text, name, problem):
    with pytest.raises(LinksError, match=problem):
        read_links(write(text, name))


def test_resolve_gives_entity_numbers_once():
    links = Links.of(["b", "a", "b"], ["x", "y", "x"], label=[True, False, True])
    resolved = links.resolve(graph("a", "b"), graph("x", "y"))
    assert resolved.left.dtype == resolved.right.dtype == np.int32
    assert resolved.positives().tolist() == [[1, 0]]
    assert resolved.negatives().tolist() == [[0, 1]]
    assert resolved.notes == ()


def test_resolve_takes_an_identifier_of_other_case_if_there_is_only_one():
    left = graph("http://a.org/Person1", "http://a.org/Person2", "http://a.org/person2")
    resolved = Links.of(["http://a.org/person1"], ["x"]).resolve(left, graph("x"))
    assert resolved.left.tolist() == [0]
    assert "only in case" in resolved.notes[0]
    with pytest.raises(LinksError, match="PERSON2"):
        Links.of(["http://a.org/PERSON2"], ["x"]).resolve(left, graph("x"))


def test_resolve_names_all_unknown_identifiers_with_their_lines(write):
    links = read_links(write("a\tx\nb\ty\nc\tx\n"))
    with pytest.raises(LinksError) as caught:
        links.resolve(graph("a"), graph("x"))
    assert [(fault.line, fault.problem) for fault in caught.value.faults] == [
        (2, "'b' is not in the left graph"),
        (3, "'c' is not in the left graph"),
        (2, "'y' is not in the right graph"),
    ]
    assert "1 of 3 left" in caught.value.hint


def test_resolve_sees_swapped_columns():
    with pytest.raises(LinksError) as caught:
        Links.of(["X", "y"], ["a", "b"]).resolve(graph("a", "b"), graph("x", "y"))
    problem, faults = caught.value.problem, caught.value.faults
    assert problem.startswith("the columns look swapped")
    assert len(faults) == 4
    assert [str(fault) in problem for fault in faults] == [True, True, True, False]
    assert "and 1 more" in problem
    assert "exchange" in caught.value.hint


def test_resolve_refuses_contradictions_that_only_numbers_show():
    links = Links.of(["A", "a"], ["x", "x"], label=[True, False])
    with pytest.raises(LinksError, match="labelled both"):
        links.resolve(graph("a"), graph("x"))


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="lengths differ"):
        Links.of(["a"], ["x", "y"])


def test_pairs_keep_order_and_repetitions(write):
    pairs = read_pairs(write("b\tx\t1\na\ty\t0\nb\tx\t0\n"))
    assert pairs.left.to_list() == ["b", "a", "b"]
    assert pairs.label is not None
    assert pairs.label.tolist() == [True, False, False]
    resolved = pairs.resolve(graph("a", "b"), graph("x", "y"))
    assert resolved.left.tolist() == [1, 0, 1]
    assert resolved.right.tolist() == [0, 1, 0]
    assert read_pairs(write("b\tx\na\ty\n")).label is None
    with pytest.raises(LinksError, match="not in the right graph"):
        pairs.resolve(graph("a", "b"), graph("x"))


some_links = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans()),
    unique_by=lambda row: row[:2],
    max_size=40,
).map(
    lambda found: Links.of(
        [f"l{a}" for a, _, _ in found], [f"r{b}" for _, b, _ in found], label=[c for *_, c in found]
    )
)


@given(some_links, st.integers(0, 5), st.booleans())
def test_no_entity_stands_on_both_sides_of_the_wall(links, seed, drop_crossing):
    parts = split_links(links, [0.5, 0.3, 0.2], seed=seed, drop_crossing=drop_crossing)
    for side in ("left", "right"):
        names = [set(getattr(part, side)) for part in parts]
        assert sum(map(len, names)) == len(set().union(*names))
    together = sorted(row for part in parts for row in rows(part))
    if drop_crossing:
        assert sum(part.label.sum() for part in parts) == links.label.sum()
        assert set(together) <= set(rows(links))
    else:
        assert together == sorted(rows(links))


@given(some_links, st.randoms())
def test_the_order_of_links_carries_nothing_into_a_split(links, random):
    order = list(range(len(links)))
    random.shuffle(order)
    shuffled = links.take(np.array(order, dtype=np.int64))
    first, second = (split_links(found, [0.7, 0.3], seed=3) for found in (links, shuffled))
    assert [rows(part) for part in first] == [rows(part) for part in second]


def test_parts_have_about_their_share_and_depend_on_the_seed():
    links = Links.of([f"l{i}" for i in range(1000)], [f"r{i}" for i in range(1000)])
    first, second = (split_links(links, [0.8, 0.2], seed=seed) for seed in (0, 1))
    assert [len(part) for part in first] == [800, 200]
    assert rows(first[1]) != rows(second[1])


@pytest.mark.parametrize("shares", [[], [1.0, 0.0], [0.5, 0.6]])
def test_shares_that_do_not_fit_are_refused(shares):
    with pytest.raises(ValueError, match="shares"):
        split_links(Links.of(["a"], ["x"]), shares, seed=0)


@pytest.mark.real
@pytest.mark.skipif("CROSSGRAPH_DATA" not in os.environ, reason="CROSSGRAPH_DATA names no folder")
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("rdf_restaurants/restaurant1_restaurant2_goldstandard.rdf", 112),
        ("rdf_person1/dataset11_dataset12_goldstandard_person.xml", 500),
        ("wordnet30_31/ent_links.gz", 117_511),
        ("dbp15k_zh_en/ent_links", 15_000),
    ],
)
def test_real_gold_files_are_read_whole(name, count):
    assert len(read_links(Path(os.environ["CROSSGRAPH_DATA"]) / name)) == count
