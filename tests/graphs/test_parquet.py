from __future__ import annotations

import polars as pl
import pytest

from crossgraph.errors import GraphFormatError
from crossgraph.graphs import GraphTables, KnowledgeGraph, ReadOptions, read_graph
from crossgraph.graphs.changes import Changes, statements_of
from crossgraph.graphs.parquet import CHANGES, store_aside, store_parquet, write_parquet_graph
from crossgraph.graphs.readers import is_rdf, whole


def tables() -> GraphTables:
    return KnowledgeGraph.from_tables(
        GraphTables(
            types=pl.DataFrame({"entity": ["a", "a"], "type": ["t", "u;v"]}),
            edges=pl.DataFrame({"head": ["a"], "relation": ["r\n"], "tail": ["b"]}),
            facts=pl.DataFrame({"entity": ["b"], "attribute": ["x"], "value": ["1\t2"], "tag": ["@de"]}),
        )
    ).tables()


def test_what_is_written_is_read_again_and_further_columns_are_passed_over(tmp_path):
    more = pl.DataFrame({"id": ["a"], "same_as": [["z"]]})
    write_parquet_graph(tables(), tmp_path, nodes=more)
    found = read_graph(tmp_path).tables()
    assert found.types.equals(tables().types)
    assert found.edges.equals(tables().edges)
    assert found.facts.equals(tables().facts)
    assert not is_rdf(tmp_path)


def test_whose_identifiers_are_known_is_written_as_if_they_were_looked_for(tmp_path):
    graph = KnowledgeGraph.from_tables(tables())
    folders = tmp_path / "known", tmp_path / "looked_for"
    for folder, ids in zip(folders, (graph.sorted_ids, None), strict=True):
        folder.mkdir()
        write_parquet_graph(graph.tables(), folder, ids=ids)
    for file in folders[0].iterdir():
        assert pl.read_parquet(file).equals(pl.read_parquet(folders[1] / file.name))


def declared() -> GraphTables:
    facts = pl.DataFrame(
        [("t", "label", "thing", ""), ("t", "label", "Ding", "@de")],
        schema=GraphTables.empty_facts().schema,
        orient="row",
    )
    return GraphTables(GraphTables.empty_types(), GraphTables.empty_edges(), facts)


def test_what_is_aside_is_a_part_of_the_graph_only_where_declarations_are(tmp_path):
    write_parquet_graph(tables(), tmp_path)
    store_aside(declared(), tmp_path)
    graph = read_graph(tmp_path)
    assert graph.fingerprint() == KnowledgeGraph.from_tables(tables()).fingerprint()
    everything = read_graph(tmp_path, options=ReadOptions(declarations=True))
    assert len(everything.fact_values) == 3
    assert whole(graph, names_from_iri=False).fingerprint() == everything.fingerprint()
    gone = statements_of(declared()).head(1)
    store_parquet(Changes(Changes.nothing().added, gone).rows(), tmp_path / CHANGES)
    assert read_graph(tmp_path).aside.facts["value"].to_list() == ["Ding"]
    assert len(read_graph(tmp_path, options=ReadOptions(declarations=True)).fact_values) == 2


def test_names_made_of_iris_are_no_statements_and_those_of_the_files_are(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("id,iri_name,n\nhttp://e.org/a,a,1\nhttp://e.org/b,B,2\nhttp://e.org/c,,3\n")
    plain = read_graph(file)
    named = read_graph(file, options=ReadOptions(names_from_iri=True))
    assert len(named.fact_values) == len(plain.fact_values) + 2
    assert whole(named, names_from_iri=True).fingerprint() == plain.fingerprint()


def test_all_faults_of_the_tables_are_told(tmp_path):
    write_parquet_graph(tables(), tmp_path)
    (tmp_path / "nodes.parquet").write_bytes(b"no")
    pl.DataFrame({"head": ["a"], "tail": ["b"]}).write_parquet(tmp_path / "edges.parquet")
    pl.DataFrame(
        {"entity": ["a"], "attribute": ["x"], "value": [None], "tag": [""]},
        schema_overrides={"value": pl.String},
    ).write_parquet(tmp_path / "facts.parquet")
    with pytest.raises(GraphFormatError, match="3 faults") as told:
        read_graph(tmp_path)
    assert "nodes.parquet: cannot be read as Parquet" in str(told.value)
    assert "edges.parquet: lacks the columns relation" in str(told.value)
    assert "facts.parquet:1: has an empty cell" in str(told.value)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["a.ttl", "b.nt.gz"], True),
        (["a.ttl", "b.csv"], False),
        (["rel_triples_1", "a.nt"], False),
        ([], False),
    ],
)
def test_a_folder_is_rdf_if_all_its_graph_files_are(tmp_path, files, expected):
    for name in files:
        (tmp_path / name).write_text("")
    assert is_rdf(tmp_path) == expected
    assert is_rdf(tmp_path / "x.owl")
    assert not is_rdf(tmp_path / "x.csv")
