"""Two graphs of a shape that nobody draws on purpose, and a program that does with them all but learning.

    python shapes.py SIZE SECONDS SHAPE...

It ends itself after so many CPU seconds, and prints for each shape a line of JSON: CPU seconds,
candidates, and the peak of its memory so far in MiB.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np
import polars as pl

from crossgraph.blocking.combine import BlockingOptions
from crossgraph.comparing import gather_evidence
from crossgraph.graphs import GraphTables, KnowledgeGraph
from crossgraph.preparation import Known
from crossgraph.proposing import prepare
from crossgraph.sampling import SamplingOptions, sample_neighbourhoods
from crossgraph.schema.estimate import SchemaOptions
from crossgraph.schema.seeds import EntityPairs
from crossgraph.stages import peak_memory_mib

PEOPLE = 60
WORDS = [a + b + c for a in "bdklmr" for b in "aeiou" for c in "nstvz"]


def tables(types: pl.DataFrame, edges: pl.DataFrame, facts: pl.DataFrame) -> GraphTables:
    return GraphTables(types=types, edges=edges, facts=facts.with_columns(tag=pl.lit("")))


def named(prefix: str, count: int) -> pl.Series:
    return pl.select(pl.lit(prefix) + pl.int_range(count).cast(pl.String).str.zfill(7)).to_series()


def people(side: str) -> GraphTables:
    """What is ordinary beside it: people with names of their own, each a friend of the next."""
    ids = named(f"{side}:person", PEOPLE)
    rng = np.random.default_rng(0)
    names = [" ".join(WORDS[code] for code in row) for row in rng.integers(0, len(WORDS), (PEOPLE, 3))]
    return tables(
        pl.DataFrame({"entity": ids, "type": "person"}),
        pl.DataFrame({"head": ids[:-1], "relation": "friend", "tail": ids[1:]}),
        pl.DataFrame({"entity": ids, "attribute": "name", "value": names}),
    )


def hub(side: str, size: int) -> GraphTables:
    """Everybody and ``size`` nameless things hang on one thing."""
    ends = pl.concat([named(f"{side}:thing", size), named(f"{side}:person", PEOPLE)])
    return tables(
        GraphTables.empty_types(),
        pl.DataFrame({"head": ends, "relation": "in", "tail": f"{side}:hub"}),
        pl.DataFrame({"entity": [f"{side}:hub"], "attribute": ["name"], "value": ["The hub"]}),
    )


def namesakes(side: str, size: int) -> GraphTables:
    """``size`` people of one name, and nothing else."""
    ids = named(f"{side}:smith", size)
    return tables(
        pl.DataFrame({"entity": ids, "type": "person"}),
        GraphTables.empty_edges(),
        pl.DataFrame({"entity": ids, "attribute": "name", "value": "John Smith"}),
    )


def chain(side: str, size: int) -> GraphTables:
    """Each of ``size`` things leads to the next; every hundredth has a name."""
    ids = named(f"{side}:stop", size)
    some = ids.gather_every(100)
    return tables(
        pl.DataFrame({"entity": ids, "type": "stop"}),
        pl.DataFrame({"head": ids[:-1], "relation": "next", "tail": ids[1:]}),
        pl.DataFrame({"entity": some, "attribute": "name", "value": "stop " + some.str.slice(-7)}),
    )


def attributes(side: str, size: int) -> GraphTables:
    """``size`` attributes of a tenth as many things, all with values."""
    things, rng = size // 10, np.random.default_rng(1)
    words = np.array(WORDS)[rng.integers(0, len(WORDS), (size * things, 2))]
    return tables(
        pl.DataFrame({"entity": named(f"{side}:item", things), "type": "item"}),
        GraphTables.empty_edges(),
        pl.DataFrame(
            {
                "entity": pl.concat([named(f"{side}:item", things)] * size),
                "attribute": named(f"{side}:a", size).gather(np.repeat(np.arange(size), things)),
                "value": [" ".join(pair) for pair in words],
            }
        ),
    )


def relations(side: str, size: int) -> GraphTables:
    """``size`` edges, each by a relation of its own."""
    ids = named(f"{side}:part", size)
    return tables(
        pl.DataFrame({"entity": ids, "type": "part"}),
        pl.DataFrame({"head": ids, "relation": named("is", size), "tail": f"{side}:part0000000"}),
        pl.DataFrame({"entity": ids[:100], "attribute": "name", "value": "part " + ids[:100].str.slice(-3)}),
    )


SHAPES = {
    "hub": hub,
    "namesakes": namesakes,
    "chain": chain,
    "relations": relations,
    "attributes": attributes,
}


def pair_of(shape: str, size: int) -> tuple[KnowledgeGraph, KnowledgeGraph]:
    """Both graphs, ordinary people included."""
    graphs = []
    for side in "lr":
        parts = people(side), SHAPES[shape](side, size)
        graphs.append(
            KnowledgeGraph.from_tables(
                GraphTables(
                    **{name: pl.concat([vars(part)[name] for part in parts]) for name in vars(parts[0])}
                )
            )
        )
    return graphs[0], graphs[1]


def known_of(graphs: tuple[KnowledgeGraph, KnowledgeGraph]) -> Known:
    """Half of the people, linked."""
    ends = [
        graph.positions(named(f"{side}:person", PEOPLE)[::2])
        for graph, side in zip(graphs, "lr", strict=True)
    ]
    return Known(EntityPairs.of(*ends), Known.nothing().different)


def main(size: int, seconds: int, shapes: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    for shape in shapes:
        start = time.process_time()
        graphs = pair_of(shape, size)
        known = known_of(graphs)
        ready = prepare(
            graphs, known, keep=known.same, schema_options=SchemaOptions(), blocking=BlockingOptions()
        )
        gather_evidence(ready)
        for graph, adjacency in zip(graphs, ready.adjacency, strict=True):
            sample_neighbourhoods(graph, adjacency, options=SamplingOptions(), seed=0)
        told = {
            "shape": shape,
            "seconds": round(time.process_time() - start, 1),
            "candidates": len(ready.candidates),
            "attributes": len(ready.schema.attributes),
            "mib": round(peak_memory_mib()),
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
