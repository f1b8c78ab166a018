"""What trained networks say of pairs, on arrays: ``learning.heard`` where torch is not worth loading."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crossgraph._threads import side_by_side
from crossgraph._types import Float32, Int32, Int64
from crossgraph.labels import HALVES
from crossgraph.model.arrays import PairArrays
from crossgraph.model.options import SAID
from crossgraph.plain.network import LowerRows, PlainNetwork

# Pairs that are compared at once.
AT_ONCE = 4_096

SeeAlone = Callable[[int, int, Int64], Float32]
"""(K, I) what the lower layers of a network, by its number, say of distinct entities (ascending), by side."""


def heard(
    networks: tuple[PlainNetwork, ...],
    arrays: PairArrays,
    pairs: tuple[Int32, Int32],
    folds: Int32,
    see: SeeAlone | None = None,
) -> Float32:
    """(9, P) what the networks say of pairs in the order of ``SAID``, each as its fold hears it.

    folds (P)   of labelled pairs, which hear only who did not learn from their half; -1 for the others
    see         looks at entities alone; the networks themselves if not given
    """
    count = len(pairs[0])
    said = np.empty((len(networks), len(SAID), count), dtype=np.float32)
    parts = [(at, start) for at in range(len(networks)) for start in range(0, count, AT_ONCE)]

    def look(at: int) -> LowerRows:
        number, side = divmod(at, 2)
        return _known(networks, arrays, number, side, pairs[side], see)

    known = side_by_side(look, range(2 * len(networks)))

    def ask(at: int) -> None:
        number, start = parts[at]
        part = slice(start, start + AT_ONCE)
        ends = pairs[0][part], pairs[1][part]
        both = known[2 * number], known[2 * number + 1]
        said[number, :, part] = networks[number].said(arrays, both, ends)

    side_by_side(ask, range(len(parts)))
    mean: Float32 = said.mean(axis=0)
    for number in range(len(networks)):
        own = (folds >= 0) & (folds % HALVES == number)
        mean[:, own] = said[number][:, own]
    return mean


def _known(
    networks: tuple[PlainNetwork, ...],
    arrays: PairArrays,
    number: int,
    side: int,
    ends: Int32,
    see: SeeAlone | None,
) -> LowerRows:
    reached = arrays.sides[side].with_neighbours(np.unique(ends))
    if see is not None:
        return LowerRows(reached, see(number, side, reached))
    return LowerRows(reached, networks[number].vectors(arrays.sides[side], arrays.sketch, reached))
