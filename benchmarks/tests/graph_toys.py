"""A small problem with namesakes: names tell some pairs, names of neighbours the others."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import polars as pl

from crossgraph.benchmarking.problem import Problem
from crossgraph.blocking.combine import BlockingOptions
from crossgraph.config import Config, RunOptions
from crossgraph.graphs import GraphTables, KnowledgeGraph
from crossgraph.graphs.content import content_keys
from crossgraph.labels import label_links
from crossgraph.preparation import Known
from crossgraph.proposing import prepare
from crossgraph.schema.seeds import EntityPairs

FILMS, PEOPLE = 60, 20
WORDS = ("amber", "river", "night", "garden", "winter", "crimson", "falcon", "lantern", "harbour", "glass")
Rows = list[tuple[str, str, str]]


def toy_problem(*, seed: int) -> Problem:
    """60 films by 20 people on either side; a film has no neighbour, and a person no facts."""
    graphs = toy_graph(seed, side="l"), toy_graph(seed, side="r")
    names = [f"f{i}" for i in range(FILMS)]
    parts = [_links(graphs, names[at::3]) for at in range(3)]
    known = Known(parts[0], Known.nothing().different)
    config = Config(run=RunOptions(seed=seed))
    # All pairs that look alike: what chance reaches shows only among many.
    blocking = BlockingOptions(least_chance=0.0)
    ready = prepare(graphs, known, schema_options=config.schema, blocking=blocking)
    none, keys = Known.nothing().same, (content_keys(graphs[0]), content_keys(graphs[1]))
    train, valid, test = (
        label_links(ready.candidates, (part, none), none, seed=seed, keys=keys) for part in parts
    )
    valid = valid.take(~np.isin(valid.places, train.places))
    asked = np.union1d(valid.places, np.setdiff1d(test.places, train.places))
    same = np.isin(asked, np.concatenate([part.places[part.same] for part in (valid, test)]))
    return Problem(
        name="toy",
        preparation=ready,
        train=train,
        valid=valid,
        asked=asked,
        same=same,
        total=len(parts[2]),
        config=replace(config, model=replace(config.model, width=16)),
    )


def toy_graph(seed: int, *, side: str) -> KnowledgeGraph:
    """One side; the names of the right one are cut."""
    rng = random.Random(seed)
    people = {f"p{i}": " ".join(rng.sample(WORDS, 3)) for i in range(PEOPLE)}
    films = {f"f{i}": " ".join(rng.sample(WORDS, 2)) for i in range(FILMS)}
    edges: Rows = [
        (f"{side}:{film}", relation, f"{side}:{rng.choice(list(people))}")
        for film in films
        for relation in ("directed_by", "stars", "stars")
        if film != "f0"
    ]
    facts = [
        (f"{side}:{key}", "name", name[: -2 if side == "r" else None])
        for key, name in {**people, **films}.items()
        if key != "p0"
    ]
    kinds = [(f"{side}:{key}", "film" if key[0] == "f" else "person") for key in (*people, *films)]
    rows = {"orient": "row"}
    return KnowledgeGraph.from_tables(
        GraphTables(
            types=pl.DataFrame(kinds, schema=["entity", "type"], **rows),
            edges=pl.DataFrame(sorted(set(edges)), schema=["head", "relation", "tail"], **rows),
            facts=pl.DataFrame(facts, schema=["entity", "attribute", "value"], **rows).with_columns(
                tag=pl.lit("")
            ),
        )
    )


def _links(graphs: tuple[KnowledgeGraph, KnowledgeGraph], names: list[str]) -> EntityPairs:
    left, right = (
        graph.positions(pl.Series([f"{side}:{name}" for name in names]))
        for graph, side in zip(graphs, "lr", strict=True)
    )
    return EntityPairs.of(left, right)
