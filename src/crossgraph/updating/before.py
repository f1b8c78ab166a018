"""The RESULT as it was aligned, in the numbers of the graphs that its graphs became."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from crossgraph._types import Float32, Float64, Int32
from crossgraph.blocking.candidates import Candidates, pair_keys
from crossgraph.blocking.combine import mapped_types
from crossgraph.blocking.names import name_rows
from crossgraph.blocking.prior import Weigher
from crossgraph.calibration import bounded_leads, probabilities
from crossgraph.evidence.attributes import Yardstick
from crossgraph.features.description import Description, Moved, column_of, redescribe
from crossgraph.graphs.changes import Changes
from crossgraph.ground import Ground
from crossgraph.preparation import Graphs, alike_unscored
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.workings import PAIRS, read_arrays, weigher_from


@dataclass(frozen=True, eq=False)
class Before:
    """What was known of the pairs that are still there, as numbers of the new graphs.

    description         what the new graphs say
    similarity, anyhow  see ``Weighing``
    lengths (E), (E')   likewise; NaN for new entities
    weighers            of each pair of types, by name, and of pairs that were only asked for (None)
    candidates          those of which both entities are still there
    said (9, P), raw (R, P), folds (P)   as in ``Workings``
    probability (R, P)  of each round
    alike (E, E')       how surely two were one before they were scored
    leads (P)           by quantity (``prior``, ``said``): over the rivals of both sides, each within +-8
    usual               what values usually are, and which attributes are names, as it was
    """

    description: Description
    similarity: sparse.csr_matrix
    anyhow: float
    lengths: tuple[Float32, Float32]
    weighers: Mapping[tuple[str, str] | None, Weigher]
    candidates: Candidates
    said: Float32
    raw: Float32
    folds: Int32
    probability: Float64
    alike: sparse.csr_matrix
    leads: Mapping[str, tuple[Float64, Float64]]
    usual: Yardstick

    @cached_property
    def names(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What entities are called now, by the attributes that were names: ``name_rows``."""
        return name_rows(self.description, self.usual.names)


def moved_of(
    numbers: tuple[Int32, Int32], graphs: Graphs, changes: tuple[Changes, Changes]
) -> tuple[Moved, Moved]:
    """Where the entities went (E, E'), and whose facts changed."""

    def one(side: int) -> Moved:
        graph = graphs[side]
        retold = np.ones(len(graph), dtype=bool)
        retold[numbers[side][numbers[side] >= 0]] = False
        rows = (changes[side].added, changes[side].deleted)
        for facts in (part.filter(part["kind"] == "fact") for part in rows):
            places = graph.positions(facts["entity"])
            retold[places[places >= 0]] = True
        return Moved(numbers[side], retold)

    return one(0), one(1)


def before(
    ground: Ground,
    workings: Path,
    graphs: Graphs,
    moved: tuple[Moved, Moved],
    schema: SchemaMapping,
) -> Before:
    """Read the workings of the RESULT as it was aligned. Raises ResultError where they cannot be read."""
    arrays, card = read_arrays(workings)
    description = redescribe(ground.description, graphs, moved)
    whole = Candidates(*(arrays[name] for name in PAIRS))
    numbers = moved[0].numbers, moved[1].numbers
    left, right = numbers[0][whole.left], numbers[1][whole.right]
    kept = np.flatnonzero((left >= 0) & (right >= 0))
    kept = kept[np.argsort(pair_keys(left[kept], right[kept]), kind="stable")]
    shape = len(numbers[0]), len(numbers[1])
    pairs = whole.left, whole.right
    similar = sparse.csr_matrix((arrays["alike"], arrays["alike_right"], arrays["alike_starts"]), shape=shape)
    sizes = len(graphs[0]), len(graphs[1])
    return Before(
        description=description,
        similarity=_moved(similar, numbers, sizes),
        anyhow=float(card["anyhow"]),
        # Of two sides, which a type cannot say of a generator.
        lengths=tuple(  # type: ignore[arg-type]
            _lengths(arrays[f"{side}_lengths"], numbers[at], sizes[at])
            for at, side in enumerate(("left", "right"))
        ),
        weighers=_weighers(card, ground, description, schema),
        candidates=replace(
            whole.take(kept), left=left[kept].astype(np.int32), right=right[kept].astype(np.int32)
        ),
        said=arrays["said"][:, kept],
        raw=arrays["raw"][:, kept],
        folds=arrays["folds"][kept].astype(np.int32),
        probability=probabilities(arrays["score"][:, kept]),
        alike=_moved(alike_unscored(whole, similar), numbers, sizes),
        leads={
            name: (both[0][kept], both[1][kept])
            for name, both in (
                ("prior", bounded_leads(whole.prior, pairs)),
                ("said", bounded_leads(arrays["said"][0], pairs)),
            )
        },
        usual=Yardstick.of(ground.description, schema),
    )


def _weighers(
    card: dict[str, Any], ground: Ground, description: Description, schema: SchemaMapping
) -> dict[tuple[str, str] | None, Weigher]:
    cards: dict[tuple[str, str] | None, Any] = dict(
        zip(mapped_types(schema, ground.types), card["pools"], strict=True)
    )
    if card["asked"] is not None:
        cards[None] = card["asked"]
    return {
        types: of_description(weigher_from(one, ground.description), description)
        for types, one in cards.items()
    }


def of_description(weigher: Weigher, description: Description) -> Weigher:
    """The same weights for other values; a test of an attribute that is gone says nothing."""
    tests = []
    for test in weigher.tests:
        left = column_of(description.left, test.left.name)
        right = column_of(description.right, test.right.name)
        if left is not None and right is not None:
            tests.append(replace(test, left=left, right=right))
    return replace(weigher, tests=tuple(tests))


def _moved(
    matrix: sparse.csr_matrix, numbers: tuple[Int32, Int32], sizes: tuple[int, int]
) -> sparse.csr_matrix:
    held = matrix.tocoo()
    rows, columns = numbers[0][held.row], numbers[1][held.col]
    kept = (rows >= 0) & (columns >= 0)
    return sparse.csr_matrix((held.data[kept], (rows[kept], columns[kept])), shape=sizes)


def _lengths(lengths: Float32, numbers: Int32, size: int) -> Float32:
    out = np.full(size, np.nan, dtype=np.float32)
    there = numbers >= 0
    out[numbers[there]] = lengths[there]
    return out
