"""Small graphs as sets of statements."""

from __future__ import annotations

import polars as pl
from hypothesis import strategies as st

from crossgraph.graphs import KnowledgeGraph
from crossgraph.graphs.changes import STATEMENT, tables_of

entities, names = st.sampled_from("abcdef"), st.sampled_from("xyz")
values, tags = st.sampled_from(["1", "2", "é", ""]), st.sampled_from(["", "@en"])
statements = st.sets(
    st.one_of(
        st.tuples(st.just("type"), entities, st.just(""), names, st.just("")),
        st.tuples(st.just("edge"), entities, names, entities, st.just("")),
        st.tuples(st.just("fact"), entities, names, values, tags),
    ),
    max_size=25,
)


def rows(of: set[tuple[str, ...]]) -> pl.DataFrame:
    return pl.DataFrame(sorted(of), schema=dict.fromkeys(STATEMENT, pl.String), orient="row")


def graph_of(of: set[tuple[str, ...]]) -> KnowledgeGraph:
    return KnowledgeGraph.from_tables(tables_of(rows(of)))
