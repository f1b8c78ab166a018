"""Files of changes: what they say, whatever their form, and all that is wrong with them at once."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.errors import GraphFormatError
from crossgraph.graphs import GraphTables, KnowledgeGraph
from crossgraph.graphs.changes import STATEMENT, Changes, inverse, read_changes, tables_of

EX, TYPE = "http://example.org/", "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
GRAPH = [
    ("type", "heat", "", "film", ""),
    ("edge", "heat", "made_by", "mann", ""),
    ("fact", "heat", "title", "Heat", "@en"),
    ("fact", "mann", "name", "Mann, Michael", ""),
]
HEAD = "change,kind,entity,name,value,tag\n"


def tables(statements: list[tuple[str, str, str, str, str]]) -> GraphTables:
    return tables_of(pl.DataFrame(statements, schema=dict.fromkeys(STATEMENT, pl.String), orient="row"))


def graph(statements: list[tuple[str, str, str, str, str]]) -> KnowledgeGraph:
    return KnowledgeGraph.from_tables(tables(statements))


def said(changes: Changes) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
    return set(changes.added.iter_rows()), set(changes.deleted.iter_rows())


def read(folder: Path, text: str, name: str = "c.csv") -> tuple[Changes, list[str]]:
    (folder / name).write_text(text)
    return read_changes(folder / name, graph(GRAPH))


def test_no_file_is_no_change():
    assert len(read_changes(None, graph(GRAPH))[0]) == 0


def test_a_table_says_what_came_and_went(tmp_path):
    text = HEAD + (
        "added,fact,heat,year,1995,\n"
        "added,type,mann,,person,\n"
        "deleted,fact,heat,title,Heat,@en\n"
        "deleted,edge,heat,made_by,mann,\n"
    )
    changes, notes = read(tmp_path, text)
    added = {("fact", "heat", "year", "1995", ""), ("type", "mann", "", "person", "")}
    assert said(changes) == (added, {GRAPH[1], GRAPH[2]})
    assert notes == []
    pl.read_csv(tmp_path / "c.csv").write_parquet(tmp_path / "c.parquet")
    again = read_changes(tmp_path / "c.parquet", graph(GRAPH))[0]
    assert said(again) == said(changes)
    assert said(read(tmp_path, text.replace(",", "\t"), "c.tsv")[0]) == said(changes)


def test_an_entity_goes_with_all_that_is_said_of_it(tmp_path):
    changes, _ = read(tmp_path, HEAD + "deleted,entity,mann,,,\n")
    assert said(changes) == (set(), {GRAPH[1], GRAPH[3]})


def test_an_entity_that_goes_and_is_told_anew_is_what_is_told(tmp_path):
    text = HEAD + 'deleted,entity,mann,,,\nadded,fact,mann,name,"Mann, Michael",\nadded,type,mann,,person,\n'
    changes, _ = read(tmp_path, text)
    assert said(changes) == ({("type", "mann", "", "person", "")}, {GRAPH[1]})


def test_what_is_so_already_is_passed_over_with_a_note(tmp_path):
    text = HEAD + "added,type,heat,,film,\ndeleted,fact,heat,title,Heat,\ndeleted,entity,nobody,,,\n"
    changes, notes = read(tmp_path, text)
    assert said(changes) == (set(), set())
    file = tmp_path / "c.csv"
    assert notes == [
        f"{file}:2: 1 added statements are there already",
        f"{file}:3: 1 deleted statements are not there",
        f"{file}: 1 deleted entities are not there, as 'nobody'",
    ]


def test_an_rdf_patch_says_the_same(tmp_path):
    rows = [
        ("type", f"{EX}heat", "", f"{EX}film", ""),
        ("fact", f"{EX}heat", f"{EX}title", "Heat", "@en"),
        ("edge", f"{EX}heat", f"{EX}by", "_:b", ""),
    ]
    (tmp_path / "c.rdfp").write_text(
        f'H id <uuid:0> .\nTX .\n\nD <{EX}heat> <{EX}title> "Heat"@en .\nA <{EX}heat> <{EX}year> "1995" .\n'
        f"D <{EX}heat> <{TYPE}> <{EX}film> .\n"
        f"A <{EX}heat> <{EX}at> _:b <{EX}some-graph> .\nD <{EX}heat> <{EX}by> _:b .\nTC .\n"
    )
    changes, notes = read_changes(tmp_path / "c.rdfp", graph(rows))
    added = {("fact", f"{EX}heat", f"{EX}year", "1995", ""), ("edge", f"{EX}heat", f"{EX}at", "_:b", "")}
    assert said(changes) == (added, set(rows))
    assert notes == []


def test_prefixes_and_transactions_of_an_rdf_patch_are_passed_over_however_they_are_written(tmp_path):
    added = f"A <{EX}heat> <{EX}year> <{EX}y1995> ."
    bare = read_changes(write(tmp_path, added), graph(GRAPH))
    for around in (
        'TX .\nPA "ex" <http://example.org/> .\n{}\nPD "ex" .\nTC .\n',
        "TX.\nPA ex: <http://example.org/> .\n{}\nTC.\n",
        'H prev <uuid:0>.\r\nTX .\r\nPA rdf "http://www.w3.org/".\r\n{}\r\nTC .\r\n',
        "TX\n\tPD ex.\n{}\n# the end\nTC",
    ):
        changes, notes = read_changes(write(tmp_path, around.format(added)), graph(GRAPH))
        assert (said(changes), notes) == (said(bare[0]), [])
    tabs = added.replace(" ", "\t")
    assert said(read_changes(write(tmp_path, tabs), graph(GRAPH))[0]) == said(bare[0])


def write(folder: Path, patch: str) -> Path:
    (folder / "c.rdfp").write_bytes(patch.encode())
    return folder / "c.rdfp"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "c.csv",
            HEAD + "add,type,a,,x,\nadded,node,a,,x,\nadded,edge,,r,b,\nadded,fact,a,,v,\nadded,entity,a,,,\n"
            "deleted,type,a,n,x,\nadded,edge,a,r,b,@en\nadded,fact,a,n,v\nadded,type,a,,,\n",
            [
                *(
                    "c.csv:2: the change is neither added nor deleted",
                    "c.csv:3: the kind is none of type, edge",
                ),
                *("c.csv:4: no entity", "c.csv:5: no name", "c.csv:6: an entity is added by a type"),
                *("c.csv:7: a type and an entity have no name", "c.csv:8: only a fact has a tag"),
                *("c.csv:9: 5 cells where the header has 6", "c.csv:10: no value"),
            ],
        ),
        ("c.csv", "kind,entity\nfact,a\n", ["c.csv:1: has no column 'change', 'name', 'value'"]),
        (
            "c.csv",
            HEAD + "added,type,a,,x,\ndeleted,type,a,,x,\n",
            ["c.csv:3: the same statement is added and"],
        ),
        ("c.csv", "", ["the file is empty"]),
        (
            "c.rdfp",
            'A <http://a> <http://b> .\nX <http://a> .\nA <http://a> <http://b> "c" .\nTA .\nA a b c .\n',
            [
                "c.rdfp:1:",
                "c.rdfp:2: 'X <http://a> .' is no change",
                "c.rdfp:4: 'TA .' is no change: the transaction that ends here was given up",
                "c.rdfp:5:",
            ],
        ),
        ("c.rdfp", "A " + "<< " * 600 + "<http://a> .\n", ["c.rdfp:1: nested more than 500 deep"]),
        ("c.parquet", "x", ["c.parquet: cannot be read as Parquet"]),
        ("absent/c.csv", None, ["no such file"]),
    ],
)
def test_all_faults_are_told_at_once_with_their_lines(tmp_path, name, text, told):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(GraphFormatError, match="cannot read the changes") as caught:
        read_changes(tmp_path / name, graph(GRAPH))
    assert len(caught.value.faults) == len(told)
    assert all(one in str(caught.value) for one in told), caught.value


words = st.sampled_from(["a", "b", "c"])
statements = st.lists(
    st.tuples(st.sampled_from(["edge", "fact"]), words, words, words, st.just("")), unique=True, max_size=8
)


@given(statements, statements, statements)
def test_changes_follow_one_another_and_are_taken_back(first, second, third):
    def between(old: list[tuple[str, ...]], new: list[tuple[str, ...]]) -> Changes:
        rows = [("added", *one) for one in new if one not in old]
        rows += [("deleted", *one) for one in old if one not in new]
        schema = dict.fromkeys(("change", *STATEMENT), pl.String)
        return Changes.from_rows(pl.DataFrame(rows, schema=schema, orient="row"))

    one, two = between(first, second), between(second, third)
    assert said(one.then(two)) == said(between(first, third))
    assert len(one.then(inverse(one))) == 0
    after = one.then(two).applied(tables(first))
    for table, wanted in (("edges", tables(third).edges), ("facts", tables(third).facts)):
        assert sorted(getattr(after, table).rows()) == sorted(wanted.rows())
    assert said(Changes.from_rows(one.rows())) == said(one)
