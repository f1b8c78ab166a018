"""Which pairs are decided again: those whose chances moved, and all that can move with them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crossgraph._types import Bool, Int32, Int64
from crossgraph.assignment import LEAST
from crossgraph.blocking.candidates import Candidates
from crossgraph.scoring import Scored
from crossgraph.updating.before import Before


def former_decisions(
    before: Before, candidates: Candidates, former: Int64, scored: Scored, told: tuple[Bool, Bool]
) -> tuple[Bool, Bool]:
    """(P) what was decided before, and (P) what is to be decided again.

    Pairs that are less likely than any match take part in no assignment. The others hang together by their
    entities, and components of which no pair moved, came or went are assigned as they were.

    former (P)         the place of each candidate before; -1 for new ones
    told (E), (E')     entities with other facts or types, by which rules may hold for them that did not
    """
    old = former >= 0
    matched, then = np.zeros(len(old), dtype=bool), np.zeros(len(old))
    matched[old], then[old] = before.matched[former[old]], before.probability[-1][former[old]]
    now = scored.probability
    likely = now >= LEAST
    moved = (now != then) & (likely | (then >= LEAST))
    dropped = np.ones(len(before.matched), dtype=bool)
    dropped[former[old]] = False
    dropped &= before.matched | (before.probability[-1] >= LEAST)
    component = _components(candidates.take(likely), (len(told[0]), len(told[1])))
    touched = np.zeros(len(told[0]) + len(told[1]), dtype=bool)
    for left, right in (
        (candidates.left[moved], candidates.right[moved]),
        (before.candidates.left[dropped], before.candidates.right[dropped]),
        before.left_alone,
        (np.flatnonzero(told[0]), np.flatnonzero(told[1])),
    ):
        touched[component[left]] = True
        touched[component[len(told[0]) + right]] = True
    again: Bool = touched[component[candidates.left]] | touched[component[len(told[0]) + candidates.right]]
    return matched & ~again, again


def _components(pairs: Candidates, sizes: tuple[int, int]) -> Int32:
    """(E + E') the component of each left and then of each right entity."""
    ends = pairs.left, sizes[0] + pairs.right
    edges = coo_array((np.ones(len(pairs), dtype=np.int8), ends), shape=(sum(sizes), sum(sizes)))
    found: Int32 = connected_components(edges, directed=False)[1]
    return found
