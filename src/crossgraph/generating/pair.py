"""Both graphs and what is true of them, written piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from crossgraph._types import Int64
from crossgraph.generating.naming import Naming
from crossgraph.generating.sides import LEFT, SIDES, Side
from crossgraph.generating.words import Words
from crossgraph.generating.world import FILM, World
from crossgraph.progress import SILENT, Advance, Progress

# Entities that are told of at once; about 250 MB.
PIECE = 50_000
_LETTERS = ("m", "q")


@dataclass(frozen=True)
class Generated:
    """How many entities and edges the left and the right graph have, and how many links there are."""

    entities: tuple[int, int]
    edges: tuple[int, int]
    links: int


def generate(
    folder: Path,
    *,
    entities: int,
    seed: int = 0,
    known: float = 0.01,
    piece: int = PIECE,
    progress: Progress = SILENT,
) -> Generated:
    """Write a pair of graphs with their truth into an empty folder, in the OpenEA layout.

    Besides the graphs: ``ent_links`` (left, right, type: all that are the same), and the same divided into
    ``train_links`` (a random share ``known`` of them) and ``test_links``.

    entities   about so many a side, with ten times as many edges
    piece      how many entities are told of at once; decides over memory alone, not over what is written

    Raises ConfigError for too few entities.
    """
    world = World.of(entities, seed)
    naming = Naming(world, Words.load())
    edges = []
    for side in SIDES:
        total = int(world.present[side.number].sum())
        with progress.stage(f"write {('left', 'right')[side.number]}", total, "entities") as advance:
            edges.append(_write_side(folder, side, naming, piece, advance))
    links = _write_links(folder, world, known)
    counts = world.present.sum(axis=1)
    return Generated((int(counts[0]), int(counts[1])), (edges[0], edges[1]), links)


def _write_side(folder: Path, side: Side, naming: Naming, piece: int, advance: Advance) -> int:
    """One graph; how many edges it has."""
    count = 0
    at = side.number + 1
    with (
        (folder / f"types_{at}").open("wb") as types,
        (folder / f"attr_triples_{at}").open("wb") as facts,
        (folder / f"rel_triples_{at}").open("wb") as edges,
    ):
        for kind, members in _pieces(naming.world, side, piece):
            ids = _identifiers(naming.world, side.number, members)
            rows = pl.DataFrame({"entity": ids}).with_columns(type=pl.lit(side.types[kind]))
            types.write(_lines(rows))
            facts.write(_lines(_facts(side, naming, kind, members, ids)))
            if kind == FILM:
                told = side.edges(naming, members)
                count += len(told)
                ends = {
                    end: _identifiers(naming.world, side.number, told[end].to_numpy())
                    for end in ("head", "tail")
                }
                edges.write(_lines(told.with_columns(**ends)))
            advance(len(members))
    return count


def _pieces(world: World, side: Side, piece: int) -> Iterator[tuple[int, Int64]]:
    for kind in range(len(side.types)):
        members = world.of_kind(kind, side.number)
        for start in range(0, len(members), piece):
            yield kind, members[start : start + piece]


def _identifiers(world: World, side: int, entities: Int64) -> pl.Series:
    return _LETTERS[side] + pl.Series(world.numbers[side, entities]).cast(pl.String)


def _facts(side: Side, naming: Naming, kind: int, members: Int64, ids: pl.Series) -> pl.DataFrame:
    """entity, attribute, value; attributes of one entity beside each other."""
    table = pl.DataFrame({"entity": ids, **side.facts(naming, kind, members)}).with_row_index("row")
    names = table.columns[2:]
    places = dict(zip(names, range(len(names)), strict=True))
    long = table.unpivot(names, index=["row", "entity"], variable_name="attribute", value_name="value")
    long = long.drop_nulls("value").sort("row", pl.col("attribute").replace_strict(places))
    return long.select("entity", "attribute", "value")


def _write_links(folder: Path, world: World, known: float) -> int:
    """All links by the left identifier's number, and which of them are known; how many there are."""
    both = np.flatnonzero(world.present.all(axis=0))
    both = both[np.argsort(world.numbers[0, both])]
    kinds = np.searchsorted(world.starts, both, side="right") - 1
    links = pl.DataFrame(
        {
            "left": _identifiers(world, 0, both),
            "right": _identifiers(world, 1, both),
            "type": pl.Series(LEFT.types).gather(kinds),
        }
    )
    train = pl.Series(world.draws.uniform("known", both) < known)
    for name, part in (("ent", links), ("train", links.filter(train)), ("test", links.filter(~train))):
        (folder / f"{name}_links").write_bytes(_lines(part))
    return len(links)


def _lines(rows: pl.DataFrame) -> bytes:
    return rows.write_csv(separator="\t", include_header=False, quote_style="never").encode()
