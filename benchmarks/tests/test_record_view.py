from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from baselines.records import RecordOptions, records
from graph_toys import toy_problem

from crossgraph.benchmarking.problem import Problem
from crossgraph.features.description import describe
from crossgraph.graphs import GraphTables, KnowledgeGraph
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.schema.mapping import AttributeMapping, RelationMapping, SchemaMapping, TypeMapping


def graph(relation: str, *, turned: bool, year: str) -> KnowledgeGraph:
    edges = [("film", relation, "bob"), ("film", relation, "ann"), ("film", relation, "cid")]
    if turned:
        edges = [(tail, relation, head) for head, _, tail in edges]
    facts = [("film", "title", "Big Fish"), ("film", "title", "Äpfel"), ("film", "year", year)]
    facts += [(who, "title", who.title()) for who in ("ann", "bob", "cid")]
    rows = {"orient": "row"}
    types = [("film", "film"), ("ann", "person"), ("bob", "person"), ("cid", "person")]
    return KnowledgeGraph.from_tables(
        GraphTables(
            types=pl.DataFrame(types, schema=["entity", "type"], **rows),
            edges=pl.DataFrame(edges, schema=["head", "relation", "tail"], **rows),
            facts=pl.DataFrame(facts, schema=["entity", "attribute", "value"], **rows).with_columns(
                tag=pl.lit("")
            ),
        )
    )


@pytest.fixture(scope="module")
def problem() -> Problem:
    graphs = graph("stars", turned=False, year="1999"), graph("plays_in", turned=True, year="2001")
    toy = toy_problem(seed=0)
    schema = SchemaMapping(
        types=(TypeMapping("film", "film"),),
        relations=(RelationMapping("stars", "plays_in", inverse=True),),
        attributes=(AttributeMapping("title", "title"), AttributeMapping("year", "year")),
    )
    film = graphs[0].ids.to_list().index("film")
    candidates = toy.candidates.of_pairs([film], [film])
    preparation = replace(
        toy.preparation,
        graphs=graphs,
        adjacency=(Adjacency.of(graphs[0]), Adjacency.of(graphs[1])),
        description=describe(*graphs),
        schema=schema,
        candidates=candidates,
    )
    nothing = toy.train.take(np.zeros(len(toy.train), dtype=bool))
    return replace(toy, preparation=preparation, train=nothing, valid=nothing, asked=np.array([0]))


def test_a_record_is_values_and_the_names_of_neighbours(problem: Problem) -> None:
    view = records(problem)
    film = problem.candidates.left[0]
    cells = {c.name: (view.texts[int(c.left[film])], view.texts[int(c.right[film])]) for c in view.columns}
    assert cells == {
        "title~title": ("apfel big fish", "apfel big fish"),
        "year~year": ("1999", "2001"),
        "stars~^plays_in": ("ann bob cid", "ann bob cid"),
    }
    years = next(c for c in view.columns if c.name == "year~year")
    days = [side[film] for side in years.numbers]
    assert years.kind == "date"
    assert days[1] - days[0] == 731  # 1 July 1999 to 1 July 2001, of which 2000 is a leap year


def test_a_cell_has_so_many_neighbours_and_no_more(problem: Problem) -> None:
    view = records(problem, RecordOptions(neighbours=2))
    cast = next(c for c in view.columns if c.name == "stars~^plays_in")
    assert view.texts[int(cast.left[problem.candidates.left[0]])] == "ann bob"


def test_only_entities_that_are_compared_have_cells(problem: Problem) -> None:
    for column in records(problem).columns:
        assert np.flatnonzero(column.left).tolist() == [problem.candidates.left[0]]
