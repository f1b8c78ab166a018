from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.graphs import GraphTables, KnowledgeGraph
from crossgraph.graphs.graph import numbered, positions_in

# Few names, so that repetitions and shared entities are common; any Unicode but surrogates.
names = st.one_of(
    st.sampled_from("abcde"), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
)


def rows(width: int) -> st.SearchStrategy[list[tuple[str, ...]]]:
    return st.lists(st.tuples(*[names] * width), max_size=12)


def tables_of(
    types: list[tuple[str, ...]], edges: list[tuple[str, ...]], facts: list[tuple[str, ...]]
) -> GraphTables:
    return GraphTables(
        types=pl.DataFrame(types, schema=GraphTables.empty_types().schema, orient="row"),
        edges=pl.DataFrame(edges, schema=GraphTables.empty_edges().schema, orient="row"),
        facts=pl.DataFrame(facts, schema=GraphTables.empty_facts().schema, orient="row"),
    )


@given(rows(2), rows(3), rows(4))
def test_tables_come_back_sorted_and_without_repetitions(types, edges, facts):
    back = KnowledgeGraph.from_tables(tables_of(types, edges, facts)).tables()
    # Code point order is what polars sorts by and what Python compares by.
    assert back.types.rows() == sorted(set(types))
    assert back.edges.rows() == sorted(set(edges))
    assert back.facts.rows() == sorted(set(facts))


@given(rows(2), rows(3), rows(4), st.randoms(use_true_random=False))
def test_the_order_of_rows_carries_no_information(types, edges, facts, random):
    one = KnowledgeGraph.from_tables(tables_of(types, edges, facts))
    shuffled = [random.sample(table, len(table)) for table in (types, edges, facts)]
    other = KnowledgeGraph.from_tables(tables_of(*shuffled))
    assert one.ids.to_list() == other.ids.to_list()
    assert (one.type_names, one.relation_names) == (other.type_names, other.relation_names)
    assert (one.attribute_names, one.tag_names) == (other.attribute_names, other.tag_names)
    for column in ("typed", "heads", "relations", "tails", "fact_entities", "fact_attributes", "fact_tags"):
        np.testing.assert_array_equal(getattr(one, column), getattr(other, column))
    assert one.fact_values.to_list() == other.fact_values.to_list()


def test_the_rarest_type_is_primary_and_positions_find_ids():
    types = [("a", "thing"), ("b", "thing"), ("a", "film")]
    graph = KnowledgeGraph.from_tables(tables_of(types, [("a", "knows", "c")], []))
    kinds = {name: graph.entity_type(graph.position(name)) for name in "abc"}
    assert kinds == {"a": "film", "b": "thing", "c": "entity"}
    places = graph.positions(pl.Series(["c", "x", "a"])).tolist()
    assert places == [graph.position(name) for name in ("c", "x", "a")]
    assert places[1] == -1
    assert [graph.ids[place] for place in (places[0], places[2])] == ["c", "a"]
    assert len(graph) == 3


@given(rows(2), st.lists(names, max_size=6))
def test_many_are_looked_up_as_each_is(types, wanted):
    graph = KnowledgeGraph.from_tables(tables_of(types, [], []))
    asked = [*wanted, *(entity for entity, _ in types)]
    assert graph.looked_up(asked).tolist() == [graph.position(one) for one in asked]


@given(rows(2), rows(3), rows(4), st.randoms(use_true_random=False))
def test_names_of_entities_carry_no_information_where_they_differ(types, edges, facts, random):
    graph = KnowledgeGraph.from_tables(tables_of(types, edges, facts))
    called = dict(zip(graph.ids, random.sample(range(100, 1000), len(graph)), strict=True))
    other = KnowledgeGraph.from_tables(
        tables_of(
            [(f"{called[entity]}", kind) for entity, kind in types],
            [(f"{called[head]}", relation, f"{called[tail]}") for head, relation, tail in edges],
            [(f"{called[entity]}", *fact) for entity, *fact in facts],
        )
    )
    for column in ("typed", "relations", "fact_entities", "fact_attributes", "fact_tags"):
        np.testing.assert_array_equal(getattr(graph, column), getattr(other, column))
    assert graph.fact_values.to_list() == other.fact_values.to_list()


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(0, 30))
def test_places_are_found_in_long_and_short_vocabularies(wanted, size):
    vocabulary = [str(number) for number in range(size)]
    found = positions_in(pl.Series(vocabulary, dtype=pl.String), pl.Series(map(str, wanted), dtype=pl.String))
    assert found.tolist() == [number if number < size else -1 for number in wanted]


@given(st.lists(st.lists(names, max_size=8), min_size=1, max_size=3))
def test_texts_are_numbered_in_the_order_of_their_letters(columns):
    texts, found = numbered(*(pl.Series(column, dtype=pl.String) for column in columns))
    assert texts.to_list() == sorted(set().union(*columns))
    assert [texts.gather(places).to_list() for places in found] == columns


def test_texts_that_share_a_hash_are_different_texts(monkeypatch):
    asked, hashed = [], pl.Series.hash

    def clumsy(series, seed=0):
        asked.append(seed)
        return hashed(series if seed else series.str.slice(0, 1), seed)

    monkeypatch.setattr(pl.Series, "hash", clumsy)
    texts, (places,) = numbered(pl.Series(["Ann", "Bob", "Anton", "Ann"]))
    assert (texts.to_list(), places.tolist(), asked) == (["Ann", "Anton", "Bob"], [0, 2, 1, 0], [0, 1])
