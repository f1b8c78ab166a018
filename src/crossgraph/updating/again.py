"""Which pairs are decided again: those whose chances moved, and all that can move with them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crossgraph._types import Bool, Int64
from crossgraph.assignment import LEAST
from crossgraph.blocking.candidates import Candidates
from crossgraph.scoring import Scored
from crossgraph.updating.before import Before


def former_decisions(
    before: Before, candidates: Candidates, former: Int64, scored: Scored
) -> tuple[Bool, Bool]:
    """(P) what was decided before, and (P) what is to be decided again.

    Pairs that are less likely than any match take part in no assignment. The others hang together by their
    entities, and components of which no pair moved, came or went are assigned as they were.

    former (P)   the place of each candidate before; -1 for new ones
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
    lefts = (
        int(
            max(
                candidates.left.max(initial=-1),
                before.candidates.left.max(initial=-1),
                *before.left_alone[0],
                0,
            )
        )
        + 1
    )
    rights = (
        int(
            max(
                candidates.right.max(initial=-1),
                before.candidates.right.max(initial=-1),
                *before.left_alone[1],
                0,
            )
        )
        + 1
    )
    ends = candidates.left[likely], lefts + candidates.right[likely]
    edges = coo_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(lefts + rights, lefts + rights))
    component = connected_components(edges, directed=False)[1]
    touched = np.zeros(lefts + rights, dtype=bool)
    for left, right in (
        (candidates.left[moved], candidates.right[moved]),
        (before.candidates.left[dropped], before.candidates.right[dropped]),
        before.left_alone,
    ):
        touched[component[left]] = True
        touched[component[lefts + right]] = True
    again: Bool = touched[component[candidates.left]] | touched[component[lefts + candidates.right]]
    return matched & ~again, again
