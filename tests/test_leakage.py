"""Gold that hides in identifiers or in the order of rows gives no advantage: nothing that learns sees it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from crossgraph.graphs import KnowledgeGraph

if TYPE_CHECKING:
    from conftest import Pair, World


def renamed(pair: Pair, name: Callable[[int, int], str]) -> tuple[Pair, tuple[dict[str, str], ...]]:
    """A pair whose entities are called by side and by their place in the truth, and their old names."""
    to = [{ids[side]: name(side, place) for place, ids in enumerate(pair.truth)} for side in (0, 1)]
    graphs = []
    for graph, names in zip(pair.graphs, to, strict=True):
        names |= {one: name(2, at) for at, one in enumerate(graph.ids) if one not in names}
        tables = graph.tables()
        ends = [pl.col(column).replace_strict(names) for column in ("head", "tail")]
        entity = pl.col("entity").replace_strict(names)
        graphs.append(
            KnowledgeGraph.from_tables(
                replace(
                    tables,
                    types=tables.types.with_columns(entity),
                    edges=tables.edges.with_columns(ends),
                    facts=tables.facts.with_columns(entity),
                )
            )
        )
    truth = tuple((to[0][a], to[1][b]) for a, b in pair.truth)
    return replace(pair, left=graphs[0], right=graphs[1], truth=truth), tuple(
        {new: old for old, new in names.items()} for names in to
    )


def seen(world: World, old: tuple[dict[str, str], ...]) -> dict[tuple[str, str], tuple[float, ...]]:
    """All that learning is given of each candidate, by the names that its ends had first."""
    ids = [graph.ids.to_list() for graph in world.pair.graphs]
    candidates, labels = world.preparation.candidates, world.labels
    told = {
        int(row): (float(same), float(weight))
        for row, same, weight in zip(labels.places, labels.same, labels.weight, strict=True)
    }
    return {
        (old[0][ids[0][a]], old[1][ids[1][b]]): (
            *told.get(row, (-1.0, 0.0)),
            float(candidates.prior[row]),
            *world.evidence.values[row].tolist(),
        )
        for row, (a, b) in enumerate(zip(candidates.left, candidates.right, strict=True))
    }


def test_identifiers_and_orders_that_hold_the_gold_give_no_advantage(
    tiny_pair: Pair, make_world: Callable[..., World]
) -> None:
    shuffled = random.Random(5).sample(range(1000, 9999), 3 * len(tiny_pair.truth))
    plain, plain_names = renamed(tiny_pair, lambda side, place: f"{shuffled[3 * place + side]}")
    gold, gold_names = renamed(tiny_pair, lambda _side, place: f"{place:04}")
    one, two = (
        seen(make_world(pair, share=0.5), old) for pair, old in ((plain, plain_names), (gold, gold_names))
    )
    assert one.keys() == two.keys()
    for pair, values in one.items():
        assert values == pytest.approx(two[pair], nan_ok=True, abs=1e-4), pair
