"""What the networks say of pairs of records and served entities."""

from __future__ import annotations

import numpy as np

from crossgraph._types import Float32, Int64
from crossgraph.features.description import AttributeColumn
from crossgraph.features.tokens import entity_tokens, sketch_of
from crossgraph.model.arrays import HeldLikeness, PairArrays, SideArrays
from crossgraph.model.options import SAID
from crossgraph.plain.network import LowerRows
from crossgraph.sampling import Neighbourhoods
from crossgraph.schema.vocabulary import attribute_slots
from crossgraph.serving.asking import Asked
from crossgraph.serving.pooling import Pool
from crossgraph.serving.served import Served


def heard(served: Served, asked: Asked, columns: dict[int, AttributeColumn], pool: Pool) -> Float32:
    """(9, P) mean of the networks' opinions, in the order of ``model.options.SAID``."""
    side, sketch = side_of(served, asked, columns), sketch_of(asked.words.table.grams)
    # A network says the same of a pair turned round, so the record may always come first.
    arrays = PairArrays(side, served.arrays, sketch, likeness_of(asked))
    pairs = pool.record, pool.entity
    rows = pool.record.astype(np.int64), pool.entity.astype(np.int64)
    everybody, records = np.arange(len(side)), np.arange(len(asked))
    said = np.zeros((len(SAID), len(pool)), dtype=np.float32)
    for network, ready in zip(served.networks, served.ready, strict=True):
        known = LowerRows(everybody, network.vectors(side, sketch, everybody))
        own = network.ready(side, sketch, known, records)
        said += network.compared(arrays, (own, ready), rows, pairs)
    said /= len(served.networks)
    return said


def likeness_of(asked: Asked) -> HeldLikeness:
    """Who the neighbours of records may be, by their number among all of the asking side."""
    likely = asked.likely
    keys = (len(asked) + likely.neighbour).astype(np.int64) << 32 | likely.entity
    order = np.argsort(keys)
    return HeldLikeness(keys[order], likely.sure[order])


def side_of(served: Served, asked: Asked, columns: dict[int, AttributeColumn]) -> SideArrays:
    """Records and their neighbours as a network reads them."""
    around, asking = served.around, served.asking
    whole = served.columns(asking)
    facts = entity_tokens(
        tuple(columns.values()),
        around.slots[asking][list(columns)],
        around.scales,
        len(asked.types),
        against=tuple(whole[number] for number in columns),
    )
    words = served.opened.vocabulary
    slots = attribute_slots(served.asking_types, words.types_right if asking else words.types_left)
    kinds = np.where(asked.types >= 0, slots[asked.types], -1).astype(np.int32)
    return SideArrays.of(
        facts,
        kinds[:, None],
        _neighbourhoods(served, asked),
        edges=_edge_counts(served, asked),
        directions=around.directions[asking],
    )


def _neighbourhoods(served: Served, asked: Asked) -> Neighbourhoods:
    """The first edges of each record, and of each neighbour the one that leads back."""
    edges, first = asked.edges, len(asked)
    count = len(served.opened.preparation.graphs[served.asking].relation_names)
    held = int(np.bincount(edges.records, minlength=1).max())
    shape = len(asked.types), max(1, min(held, served.opened.model.sampling.neighbours))
    neighbours, relations = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    mask = np.zeros(shape, dtype=bool)
    numbers = np.arange(len(edges.records))
    place = numbers - np.searchsorted(edges.records, edges.records)
    kept = place < shape[1]
    at = edges.records[kept], place[kept]
    neighbours[at], relations[at], mask[at] = first + numbers[kept], edges.asking[kept], True
    neighbours[first:, 0], mask[first:, 0] = edges.records, True
    relations[first:, 0] = (edges.asking + count) % max(2 * count, 1)
    return Neighbourhoods(neighbours, relations, mask)


def _edge_counts(served: Served, asked: Asked) -> Int64:
    """How many edges everybody has; a neighbour as many as whom it most surely is."""
    adjacency, likely = served.adjacency, asked.likely
    counts = np.ones(len(asked.types), dtype=np.int64)
    counts[: len(asked)] = np.bincount(asked.edges.records, minlength=len(asked))
    degrees = adjacency.indptr[likely.entity + 1] - adjacency.indptr[likely.entity]
    counts[len(asked) + likely.neighbour[::-1]] = degrees[::-1]
    return counts
