"""A graph that follows changes is the one that is read from the changed tables, number for number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.graphs import GraphTables, KnowledgeGraph
from crossgraph.graphs.changes import Changes, Since, statements_of, tables_of
from crossgraph.graphs.evolved import evolved
from crossgraph.graphs.parquet import read_numbered, store_numbers, write_parquet_graph
from graphs.statements import entities, graph_of, rows, statements

ARRAYS = ("typed", "heads", "relations", "tails", "fact_entities", "fact_attributes", "fact_tags")
NAMES = ("type_names", "relation_names", "attribute_names", "tag_names")


def said(tables: GraphTables) -> set[tuple[str, ...]]:
    return set(statements_of(tables).iter_rows())


def assert_same(found: KnowledgeGraph, expected: KnowledgeGraph) -> None:
    for name in ARRAYS:
        one, other = getattr(found, name), getattr(expected, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other, err_msg=name)
    for name in NAMES:
        assert getattr(found, name) == getattr(expected, name)
    assert found.ids.to_list() == expected.ids.to_list()
    assert found.fact_values.to_list() == expected.fact_values.to_list()


@given(statements, statements)
def test_it_is_what_reading_the_changed_tables_gives(then, now):
    before, after = graph_of(then), graph_of(now)
    found, numbers = evolved(before, Changes(rows(now - then), rows(then - now)))
    assert_same(found, after)
    assert numbers.tolist() == after.positions(before.ids).tolist()


@given(statements, statements, statements, st.lists(entities))
def test_it_says_of_entities_what_all_of_it_says(then, now, aside, asked):
    changes = Changes(rows(now - then), rows(then - now))
    wanted = pl.Series(asked, dtype=pl.String)
    since = Since(graph_of(then), tables_of(rows(aside)), changes)
    for led_to in (True, False):
        about = {
            one for one in now | aside if one[1] in asked or (led_to and one[0] == "edge" and one[3] in asked)
        }
        assert said(graph_of(now | aside).about(wanted, led_to=led_to)) == about
        assert about <= said(since.about(wanted, led_to=led_to)) <= now | aside


@given(statements)
def test_its_numbers_are_kept_beside_its_tables(tmp_path_factory: pytest.TempPathFactory, then):
    folder: Path = tmp_path_factory.mktemp("kept")
    graph = graph_of(then)
    write_parquet_graph(graph.tables(), folder)
    store_numbers(graph, folder)
    assert_same(read_numbered(folder), graph)


def test_numbers_that_are_not_of_the_tables_are_refused(tmp_path):
    graph = graph_of({("edge", "a", "x", "b", ""), ("fact", "a", "n", "1", ""), ("type", "b", "", "y", "")})
    write_parquet_graph(graph.tables(), tmp_path)
    store_numbers(graph, tmp_path)
    with np.load(tmp_path / "numbers.npz") as stored:
        good = dict(stored)
    for name, wrong in (
        ("ids", good["ids"][:1]),
        ("heads", good["heads"] + 2),
        ("relations", good["relations"] - 1),
        ("fact_tags", good["fact_tags"].astype(np.int64)),
        ("typed", good["typed"][:, :1]),
        ("typed", good["typed"] + 1),
    ):
        np.savez(tmp_path / "numbers.npz", **(good | {name: wrong}))
        with pytest.raises(ValueError, match=r"numbers\.npz has"):
            read_numbered(tmp_path)
    np.savez(tmp_path / "numbers.npz", **(good | {"names": np.frombuffer(b"[]", dtype=np.uint8)}))
    with pytest.raises(KeyError):
        read_numbered(tmp_path)
