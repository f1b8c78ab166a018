"""The facts of two graphs as PARIS reads them: literals are nodes, and every relation has an inverse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Float64, Int32, Int64
from crossgraph.features.text import normalise
from crossgraph.features.values import numbers
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.preparation import Graphs

# Numbers that agree in so many figures are the same literal.
FIGURES = 9


@dataclass(frozen=True, eq=False)
class Facts:
    """All facts of one graph, each from both its ends, sorted by head, tail and relation.

    entities                  E; further nodes are literals, numbered alike in both graphs
    relations                 2R: relations, then attributes, then the inverse of each in the same order
    indptr (nodes + 1)        where each node's facts begin
    relation, tail (2F)
    functionality (2R)        heads of a relation for each of its facts
    inverse_functionality     the functionality of the inverse: tails for each fact
    """

    entities: int
    relations: int
    indptr: Int64
    relation: Int32
    tail: Int32
    functionality: Float64

    @property
    def inverse_functionality(self) -> Float64:
        """(2R) of each relation, the functionality of its inverse."""
        return np.roll(self.functionality, self.relations // 2)

    @staticmethod
    def of(triples: AnyArray, *, entities: int, nodes: int, relations: int) -> Facts:
        """From distinct rows (head, relation, tail); relations counts one direction."""
        head, relation, tail = np.unique(triples, axis=0).T
        heads = np.r_[head, tail].astype(np.int64)
        both = np.r_[relation, relation + relations].astype(np.int32)
        tails = np.r_[tail, head].astype(np.int32)
        order = np.lexsort((both, tails, heads))
        held = np.unique(np.stack([both.astype(np.int64), heads]), axis=1)[0]
        facts = np.bincount(both, minlength=2 * relations)
        functionality = np.bincount(held, minlength=2 * relations) / np.maximum(facts, 1)
        indptr = np.r_[0, np.cumsum(np.bincount(heads, minlength=nodes))].astype(np.int64)
        return Facts(entities, 2 * relations, indptr, both[order], tails[order], functionality)


def facts_of(graphs: Graphs) -> tuple[Facts, Facts]:
    """Both graphs over one set of literals."""
    keys = [literal_keys(graph.fact_values) for graph in graphs]
    literals = pl.concat(keys).unique().sort()
    literals = literals.filter(literals != "")
    left, right = (_facts(graph, key, literals) for graph, key in zip(graphs, keys, strict=True))
    return left, right


def literal_keys(values: pl.Series) -> pl.Series:
    """Equal texts for equal literals: numbers by their first figures, others normalised; "" says nothing."""
    distinct = values.unique()
    number = numbers(distinct).round_sig_figs(FIGURES)
    text = normalise(distinct)
    table = pl.DataFrame({"raw": distinct, "number": number, "text": text}).select(
        "raw", key=pl.coalesce(pl.lit("#") + pl.col("number").cast(pl.String), "text")
    )
    joined = pl.DataFrame({"raw": values}).join(table, on="raw", how="left", maintain_order="left")
    return joined["key"]


def _facts(graph: KnowledgeGraph, keys: pl.Series, literals: pl.Series) -> Facts:
    said = np.flatnonzero((keys != "").to_numpy())
    known = literals.search_sorted(keys.gather(said)).to_numpy() + len(graph)
    relations = len(graph.relation_names)
    triples = np.concatenate(
        [
            np.stack([graph.heads, graph.relations, graph.tails], axis=1),
            np.stack([graph.fact_entities[said], graph.fact_attributes[said] + relations, known], axis=1),
        ]
    )
    return Facts.of(
        triples,
        entities=len(graph),
        nodes=len(graph) + len(literals),
        relations=relations + len(graph.attribute_names),
    )
