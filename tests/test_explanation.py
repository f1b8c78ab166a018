"""Reasons of a pair: the values that agree, and the neighbours that attention and belief name."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from crossgraph.blocking.combine import BlockingOptions
from crossgraph.explanation import Explainer, Reasons
from crossgraph.graphs import GraphTables, KnowledgeGraph
from crossgraph.model.network import CollectiveNetwork, Slots
from crossgraph.model.options import ModelOptions
from crossgraph.preparation import Known, prepare
from crossgraph.sampling import SamplingOptions
from crossgraph.schema.estimate import SchemaOptions
from crossgraph.schema.vocabulary import build_vocabulary
from crossgraph.scoring import pair_tensors, sample_both


def graph(side: str, relation: str, name: str) -> KnowledgeGraph:
    """Two films that share a title, each with a director of its own; years on both sides."""
    films = [
        ("f1", "Solaris", "1972"),
        ("f2", "Solaris", "2002"),
        ("f3", "Stalker", "1979"),
        ("f4", "Traffic", "2000"),
    ]
    people = [("p1", "Andrei Tarkovsky"), ("p2", "Steven Soderbergh")]
    edges = [("f1", "p1"), ("f3", "p1"), ("f2", "p2"), ("f4", "p2")]
    facts = [(f, name, title) for f, title, _ in films] + [(f, "year", y) for f, _, y in films]
    facts += [(p, name, who) for p, who in people]
    return KnowledgeGraph.from_tables(
        GraphTables(
            types=pl.DataFrame(
                {
                    "entity": [f"{side}{x[0]}" for x in (*films, *people)],
                    "type": ["film"] * len(films) + ["person"] * len(people),
                }
            ),
            edges=pl.DataFrame(
                {
                    "head": [f"{side}{f}" for f, _ in edges],
                    "relation": [relation] * len(edges),
                    "tail": [f"{side}{p}" for _, p in edges],
                }
            ),
            facts=pl.DataFrame(
                {
                    "entity": [f"{side}{e}" for e, _, _ in facts],
                    "attribute": [a for _, a, _ in facts],
                    "value": [v for _, _, v in facts],
                    "tag": [""] * len(facts),
                }
            ),
        )
    )


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    graphs = graph("l", "director", "title"), graph("r", "directedBy", "name")
    ready = prepare(
        graphs, Known.nothing(), schema_options=SchemaOptions(support=2), blocking=BlockingOptions()
    )
    vocabulary = build_vocabulary(*graphs, ready.schema)
    around = sample_both(ready, sampling=SamplingOptions(), seed=0)
    torch.manual_seed(0)
    network = CollectiveNetwork(Slots.of(vocabulary), ModelOptions())
    same = [
        graphs[0].ids[int(a)][1:] == graphs[1].ids[int(b)][1:]
        for a, b in zip(ready.candidates.left, ready.candidates.right, strict=True)
    ]
    probability = np.where(same, 0.9, 0.1)
    return Explainer(
        ready, probability, network.eval(), pair_tensors(ready, vocabulary, around, device="cpu"), around
    )


def reasons(explainer: Explainer, left: str, right: str) -> Reasons:
    graphs, candidates = explainer.preparation.graphs, explainer.preparation.candidates
    place = candidates.find(graphs[0].positions(pl.Series([left])), graphs[1].positions(pl.Series([right])))
    assert place[0] >= 0
    return explainer.explain(place.tolist())[0]


def test_the_right_pair_has_its_title_and_its_director_as_reasons(explainer: Explainer) -> None:
    found = reasons(explainer, "lf1", "rf1")
    assert (found.left, found.right) == ("Solaris", "Solaris")
    titles = [a for a in found.attributes if a.left == "title"]
    assert [(a.left_value, a.right_value, a.closeness) for a in titles] == [
        ("Solaris", "Solaris", pytest.approx(1.0))
    ]
    (director,) = found.neighbours
    assert (director.left, director.right) == ("director", "directedBy")
    assert (director.left_neighbour, director.right_neighbour) == ("Andrei Tarkovsky", "Andrei Tarkovsky")
    assert director.weight == pytest.approx(1.0)
    assert director.probability == 0.9


def test_a_namesake_has_its_title_alone(explainer: Explainer) -> None:
    found = reasons(explainer, "lf1", "rf2")
    assert [a.left for a in found.attributes if a.closeness > 0.999] == ["title"]
    assert found.neighbours == ()


def test_a_person_is_explained_by_films(explainer: Explainer) -> None:
    found = reasons(explainer, "lp1", "rp1")
    assert {n.left_neighbour for n in found.neighbours} == {"Solaris", "Stalker"}
    assert {n.left for n in found.neighbours} == {"^director"}
    weights = [n.weight for n in found.neighbours]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) == pytest.approx(1.0, abs=1e-5)


def test_lines_name_both_values_and_shorten_long_ones(explainer: Explainer) -> None:
    found = reasons(explainer, "lf1", "rf1")
    assert "title 'Solaris' ~ name 'Solaris', 1.00 alike" in found.lines()
    assert any("100% of the attention" in line for line in found.lines())
