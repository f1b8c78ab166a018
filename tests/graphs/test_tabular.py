from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest

from crossgraph.errors import Fault, GraphFormatError
from crossgraph.graphs import ReadOptions, TableOptions, read_graph, read_pair
from crossgraph.graphs._reading import Reading
from crossgraph.graphs.neo4j import read_neo4j
from crossgraph.graphs.tabular import read_table


def places(faults: tuple[Fault, ...]) -> list[tuple[int | None, str]]:
    return [(fault.line, fault.problem) for fault in faults]


def read(path: Path, **options: object) -> Reading:
    return read_table(path, TableOptions(**options))  # type: ignore[arg-type]  # options of any type


def test_rows_are_records_and_cells_are_facts(write):
    path = write("films.csv", 'Id,title,note\n1,Alien,"two\nlines, one cell"\n2,, \n')
    tables = read(path, type_name="film").tables
    assert tables.types.rows() == [("1", "film"), ("2", "film")]
    assert set(tables.facts.rows()) == {
        ("1", "title", "Alien", ""),
        ("1", "note", "two\nlines, one cell", ""),
    }


@pytest.mark.parametrize("separator", [";", "\t"])
def test_the_header_tells_the_separator(write, separator):
    path = write("a.csv", f"id{separator}name\n1{separator}a, b\n")
    assert read(path).tables.facts.rows() == [("1", "name", "a, b", "")]


def test_chosen_columns_become_entities(write):
    path = write("a.csv", "id,authors\n1,ann ; bob\n2,bob;\n3,\n")
    tables = read(path, entity_columns=("authors",), split=";").tables
    assert set(tables.edges.rows()) == {
        ("1", "authors", "authors:ann"),
        ("1", "authors", "authors:bob"),
        ("2", "authors", "authors:bob"),
    }
    assert set(tables.facts.rows()) == {
        ("authors:ann", "name", "ann", ""),
        ("authors:bob", "name", "bob", ""),
    }
    assert ("authors:bob", "authors") in tables.types.rows()


def test_without_an_id_column_the_first_unique_one_identifies_and_stays_a_fact(write):
    reading = read(write("a.csv", "kind,code\nx,p\nx,q\n"))
    assert set(reading.tables.types["entity"]) == {"p", "q"}
    assert ("p", "code", "p", "") in reading.tables.facts.rows()
    assert "'code'" in reading.notes[0]


def test_without_any_unique_column_rows_are_numbered(write):
    reading = read(write("a.csv", "kind,code\nx,p\nx,\n"))
    assert reading.tables.types["entity"].to_list() == ["1", "2"]
    assert "number of the row" in reading.notes[0]


def test_all_faults_of_a_table_at_once(write):
    path = write("a.csv", 'id,name\n1,a\n2\n,c\n"x\ny",d\n1,e\n3,f,g\n4,"h"i\n5,j\n')
    reading = read(path)
    assert places(reading.faults) == [
        (3, "1 cells where the header has 2"),
        (4, "empty id in column 'id'"),
        (7, "id '1' is already used on line 2"),
        (8, "3 cells where the header has 2"),
        (9, "broken CSV: ',' expected after '\"'"),
    ]
    assert reading.tables.facts["value"].to_list()[-1] == "j"


def test_a_quote_that_never_closes_is_a_fault_on_the_line_where_it_opens(write):
    faults = read(write("a.csv", 'id,name\n1,a\n2,"b\n3,c\n')).faults
    assert places(faults) == [(3, "broken CSV: unexpected end of data")]


def test_headers_must_name_each_column_once(write):
    faults = read(write("a.csv", "id,name,,name\n1,a,b,c\n")).faults
    assert places(faults) == [(1, "column 3 has no name"), (1, "two columns have the name 'name'")]


def test_a_named_id_column_must_exist(write):
    (fault,) = read(write("a.csv", "id,name\n1,a\n"), id_columns=("key",)).faults
    assert "no column 'key'" in fault.problem
    assert "id, name" in fault.hint


def test_json_lines_flatten_objects_and_spread_lists(write):
    path = write("a.jsonl.gz", '{"id": 7, "at": {"city": "Bonn"}, "tags": ["x", true, null], "n": 1.5}\n\n')
    tables = read(path).tables
    assert tables.types.rows() == [("7", "record")]
    assert [row[1:3] for row in tables.facts.rows()] == [
        ("at.city", "Bonn"),
        ("tags", "x"),
        ("tags", "true"),
        ("n", "1.5"),
    ]


def test_json_faults_have_their_lines(write):
    path = write(
        "a.jsonl",
        '{"id": 1}\n{"id": \n[1]\n{"id": 2, "x": [{"y": 1}]}\n{"id": 1}\n{"id": 3, "x": "\\ud800"}\n',
    )
    faults = read(path).faults
    assert [fault.line for fault in faults] == [2, 3, 4, 5, 6]
    assert "not a JSON object" in faults[1].problem
    assert "'x' is a list of objects" in faults[2].problem
    assert "already used on line 1" in faults[3].problem


def test_parquet_columns_of_any_type(write):
    frame = pl.DataFrame(
        {
            "id": [1, 2],
            "when": [None, "2020-01-02"],
            "size": [1.5, float("nan")],
            "tags": [["a", "b"], []],
            "at": [{"city": "Bonn", "zip": None}, None],
        }
    ).with_columns(pl.col("when").str.to_date())
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    tables = read(write("a.parquet", buffer.getvalue())).tables
    assert sorted(tables.facts.rows()) == [
        ("1", "at.city", "Bonn", ""),
        ("1", "size", "1.5", ""),
        ("1", "tags", "a", ""),
        ("1", "tags", "b", ""),
        ("2", "when", "2020-01-02", ""),
    ]


def test_broken_parquet_is_a_fault(write):
    (fault,) = read(write("a.parquet", b"PAR1 and then garbage")).faults
    assert "Parquet" in fault.problem


def test_options_refuse_an_empty_separator():
    with pytest.raises(ValueError, match="split"):
        TableOptions(split="")


def test_a_chosen_column_may_be_missing_from_one_table_of_a_pair(write):
    folder = write("tableA.csv", "id,authors\n1,ann\n").parent
    write("tableB.csv", "id,writer\n1,ann\n")
    write("train.csv", "ltable_id,rtable_id,label\n1,1,1\n")
    options = ReadOptions(tables=TableOptions(entity_columns=("authors", "writer")))
    left, right = read_pair(folder, options=options)
    assert (left.relation_names, right.relation_names) == (("authors",), ("writer",))
    with pytest.raises(GraphFormatError) as caught:
        read_pair(folder, options=ReadOptions(tables=TableOptions(entity_columns=("authors", "editor"))))
    assert {fault.problem for fault in caught.value.faults} == {"has no column 'editor'"}
    with pytest.raises(GraphFormatError, match="no column 'writer'"):
        read_graph(folder, side="left", options=options)


def columns(*ids: str, **options: bool) -> ReadOptions:
    return ReadOptions(tables=TableOptions(id_columns=ids), **options)


def test_tables_of_a_pair_may_name_their_records_by_different_columns(write):
    left, right = write("l.csv", "sku,id\na,1\n"), write("r.jsonl", '{"part": "x", "id": 1}\n')
    one, two = read_pair(left, right, options=columns("sku", "part"))
    assert (one.ids.to_list(), two.ids.to_list()) == (["a"], ["x"])
    one, two = read_pair(left, right, options=columns("id"))
    assert (one.ids.to_list(), two.ids.to_list()) == (["1"], ["1"])
    for names, told in (
        (("sku",), {"r.jsonl: has no column 'sku'"}),
        (("foo", "bar"), {"l.csv: has no column 'foo' or 'bar'", "r.jsonl: has no column 'foo' or 'bar'"}),
        (("id", "foo"), {"l.csv: has no column 'foo'", "r.jsonl: has no column 'foo'"}),
        (("sku", "id"), {"l.csv: has the id columns 'sku' and 'id'"}),
    ):
        with pytest.raises(GraphFormatError) as caught:
            read_pair(left, right, options=columns(*names))
        assert {f"{Path(one.path).name}: {one.problem}" for one in caught.value.faults} == told


def test_a_chosen_column_is_missing_where_nothing_is_a_table_unless_a_result_is_opened_again(write):
    folder = write("rel_triples_1", "a\tr\tb\n").parent
    write("rel_triples_2", "x\tr\ty\n")
    with pytest.raises(GraphFormatError, match=r"1 fault\n.*has no column 'key'"):
        read_pair(folder, options=columns("key"))
    assert len(read_pair(folder, options=columns("key", all_columns=False))[0]) == 2


def test_cells_of_tsv_are_parted_by_tabs_whatever_else_is_in_them(write):
    path = write("a.tsv.gz", "id\tname, first; last\n1\tHeat; Mann, Michael\n")
    graph = read_graph(path)
    assert graph.attribute_names == ("name, first; last",)
    assert graph.tables().facts["value"].to_list() == ["Heat; Mann, Michael"]


def test_a_tsv_in_a_folder_is_no_graph(write):
    folder = write("g.csv", "id,name\n1,a\n").parent
    write("links.tsv", "1\tx\n")
    assert read_graph(folder).ids.to_list() == ["1"]


NODES = "personId:ID,name:string,nick:string[],age:int,:IGNORE,:IGNORE,:LABEL\n"


def test_neo4j_nodes_and_relationships(write):
    people = write("people.csv", NODES + "p1,Ann,A;Annie,7,x,y,Person;Actor\np2,Bob,,,,,\n")
    roles = write("roles.csv.gz", ":START_ID,role,:END_ID,:TYPE\np1,Neo,p2,KNOWS\n")
    reading = read_neo4j([people, roles])
    assert reading.faults == ()
    assert reading.tables.types.rows() == [("p1", "Person"), ("p1", "Actor")]
    assert reading.tables.edges.rows() == [("p1", "KNOWS", "p2")]
    assert set(reading.tables.facts.rows()) == {
        ("p1", "name", "Ann", ""),
        ("p1", "nick", "A", ""),
        ("p1", "nick", "Annie", ""),
        ("p1", "age", "7", ""),
        ("p2", "name", "Bob", ""),
    }
    assert "left out: role" in reading.notes[0]


def test_id_spaces_keep_equal_ids_apart(write):
    people = write("people.csv", ":ID(Person),name\n1,Ann\n")
    films = write("films.csv", ":ID(Film){id-type: int},name\n1,Alien\n")
    roles = write("roles.csv", ":START_ID(Person),:END_ID(Film),:TYPE\n1,1,ACTED_IN\n")
    assert read_neo4j([people, films, roles]).tables.edges.rows() == [("Person:1", "ACTED_IN", "Film:1")]


def test_all_neo4j_faults_at_once(write):
    nodes = write("a_nodes.csv", ":ID,name\n1,a\n,b\n1,c\n2\n")
    more = write("b_nodes.csv", ":ID,name\n1,d\n")
    edges = write("c_edges.csv", ":START_ID,:END_ID,:TYPE\n1,9,R\n8,1,R\n1,1,\n,1,R\n")
    odd = write("d_odd.csv", ":ID,:ID,size:huge\n1,2,3\n")
    headless = write("e_edges.csv", ":START_ID,:TYPE\n1,R\n")
    faults = read_neo4j([nodes, more, edges, odd, headless]).faults
    assert [(Path(fault.path).name, fault.line, fault.problem) for fault in faults] == [
        ("a_nodes.csv", 3, "empty :ID"),
        ("a_nodes.csv", 4, f"id '1' is already used in {nodes}:2"),
        ("a_nodes.csv", 5, "1 cells where the header has 2"),
        ("b_nodes.csv", 2, f"id '1' is already used in {nodes}:2"),
        ("c_edges.csv", 2, ":END_ID '9' is in no node table"),
        ("c_edges.csv", 3, ":START_ID '8' is in no node table"),
        ("c_edges.csv", 4, "empty :TYPE"),
        ("c_edges.csv", 5, "empty :START_ID"),
        ("d_odd.csv", 1, "two columns have the name ':ID'"),
        ("d_odd.csv", 1, "unknown field type 'huge'"),
        ("d_odd.csv", 1, "the header has 2 ID fields"),
        ("e_edges.csv", 1, "the header has no :END_ID"),
    ]


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "sizes"), [("tables_dblp_acm", (2_616, 2_294)), ("tables_amazon_google", (1_363, 3_226))]
)
def test_real_tables_hold_what_their_readme_says(real, name, sizes):
    left, right = read_pair(real / name)
    assert (len(left), len(right)) == sizes
