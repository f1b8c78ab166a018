"""What networks saw of graphs that were aligned, kept: whom no change reaches looks the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from crossgraph._types import AnyArray, Float16, Int32, Vectors
from crossgraph.errors import ResultError
from crossgraph.graphs.adjacency import directed_names
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.ground import SIDES
from crossgraph.sampling import Neighbourhoods
from crossgraph.workings import array_text, text_array


@dataclass(frozen=True, eq=False)
class Drawn:
    """The sampled neighbourhoods of one graph.

    neighbours, relations (E, N)   as of ``Neighbourhoods``; -1 where padded
    names (2R)                     of the directed relations
    """

    neighbours: Int32
    relations: Int32
    names: tuple[str, ...]

    @staticmethod
    def of(around: Neighbourhoods, graph: KnowledgeGraph) -> Drawn:
        """Those of a graph."""
        neighbours, relations = (
            np.where(around.mask, one, np.int32(-1)) for one in (around.neighbours, around.relations)
        )
        return Drawn(neighbours, relations, directed_names(graph.relation_names))


@dataclass(frozen=True, eq=False)
class Sights:
    """What networks read and said of entities alone.

    vectors   of all networks, which see entities alone
    drawn     whom they looked at beside each entity
    """

    vectors: Vectors
    drawn: tuple[Drawn, Drawn]


def store_sights(sights: Sights, folder: Path) -> None:
    """Write them into a folder that is there."""
    for number, both in enumerate(sights.vectors):
        for side, own in zip(SIDES, both, strict=True):
            with (folder / f"seen_{number}_{side}.npy").open("wb") as out:
                np.save(out, own, allow_pickle=False)
    for side, one in zip(SIDES, sights.drawn, strict=True):
        with (folder / f"drawn_{side}.npz").open("wb") as out:
            np.savez(
                out,
                allow_pickle=False,
                neighbours=one.neighbours,
                relations=one.relations,
                names=text_array(json.dumps(one.names, ensure_ascii=False)),
            )


def stored_sights(folder: Path, entities: tuple[int, int]) -> Sights | None:
    """What ``store_sights`` kept of so many entities; None where it kept nothing.

    Raises ResultError where it is damaged.
    """
    found: list[list[Float16]] = []
    while (folder / f"seen_{len(found)}_{SIDES[0]}.npy").is_file():
        files = [folder / f"seen_{len(found)}_{side}.npy" for side in SIDES]
        found.append([_vectors(*of) for of in zip(files, entities, strict=True)])
    if not found:
        return None
    left, right = (
        _drawn(folder / f"drawn_{side}.npz", count) for side, count in zip(SIDES, entities, strict=True)
    )
    return Sights(tuple((both[0], both[1]) for both in found), (left, right))


def _vectors(file: Path, entities: int) -> Float16:
    try:
        with file.open("rb") as opened:
            vectors: Float16 = np.load(opened, allow_pickle=False)
        if vectors.dtype != np.float16 or vectors.ndim != 2 or len(vectors) != entities:
            raise ValueError(f"no vectors of {entities} entities")
    except (OSError, EOFError, ValueError) as error:
        raise ResultError(f"{file} cannot be read: {error}", hint="align again") from error
    return vectors


def _drawn(file: Path, entities: int) -> Drawn:
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            arrays: dict[str, AnyArray] = dict(stored)
        found = Drawn(
            arrays["neighbours"], arrays["relations"], tuple(json.loads(array_text(arrays["names"])))
        )
        tables = found.neighbours, found.relations
        shape = entities, found.neighbours.shape[-1]
        if any(one.dtype != np.int32 or one.shape != shape for one in tables):
            raise ValueError(f"no neighbourhoods of {entities} entities")
        limits = (entities, len(found.names))
        if any((one >= limit).any() or (one < -1).any() for one, limit in zip(tables, limits, strict=True)):
            raise ValueError("neighbours that there are not")
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise ResultError(f"{file} cannot be read: {error}", hint="align again") from error
    return found
