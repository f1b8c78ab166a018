"""What a pair's decision hangs on: the log-odds from which on it would be called the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from crossgraph._types import Bool
from crossgraph.assignment import LEAST, one_to_one
from crossgraph.decisions import ANY_TYPE
from crossgraph.explaining.reopening import Reopened


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision of a pair.

    same        what was decided
    known       True where a link that was given decided it, whatever the score
    threshold   least probability of its type
    rivals      least probability at which the one-to-one assignment takes it, its rivals being what they are
    needed      the log-odds from which on it is the same; infinite where no probability is enough
    """

    same: bool
    known: bool
    threshold: float
    rivals: float
    needed: float

    def turned(self, score: float) -> bool:
        """True where the pair, scored so, would be decided otherwise."""
        return not self.known and (score >= self.needed) != self.same


def verdict(opened: Reopened, place: int, score: float) -> Verdict:
    """The decision of the candidate at a place; for one that the RESULT did not score, what it would be."""
    candidates = opened.preparation.candidates
    kind = opened.preparation.graphs[0].entity_type(int(candidates.left[place]))
    threshold = opened.model.thresholds.get(kind, opened.model.thresholds.get(ANY_TYPE, 0.5))
    rivals = assigned_from(opened, place) if opened.config.decisions.one_to_one else 0.0
    needed, known = _log_odds(max(threshold, rivals)), _known(opened, place)
    would = opened.strange[place] and not known and score >= needed
    return Verdict(
        same=bool(opened.matched[place] or would),
        known=known,
        threshold=float(threshold),
        rivals=rivals,
        needed=needed,
    )


def assigned_from(opened: Reopened, place: int) -> float:
    """The least probability at which the best one-to-one assignment takes a candidate.

    With the pair, the others are worth what they are without its two entities; without it, what they are
    when all may be assigned. The difference is what the pair must bring.
    """
    candidates, worth = opened.preparation.candidates, opened.worth
    left, right = candidates.left, candidates.right
    others = _connected(opened, place) & (worth >= LEAST)
    others[place] = False
    free = others & (left != left[place]) & (right != right[place])

    def best(kept: Bool) -> float:
        chosen = one_to_one(left[kept], right[kept], worth[kept])
        return float(worth[kept][chosen].sum())

    return max(LEAST, best(others) - best(free))


def _connected(opened: Reopened, place: int) -> Bool:
    """(P) candidates that a change of one may move: those in its part of the candidate graph."""
    candidates, sizes = opened.preparation.candidates, [len(g) for g in opened.preparation.graphs]
    worth = opened.worth >= LEAST
    worth[place] = True
    ends = candidates.left[worth].astype(np.int64), candidates.right[worth].astype(np.int64) + sizes[0]
    edges = sparse.coo_matrix((np.ones(len(ends[0])), ends), shape=(sum(sizes), sum(sizes)))
    part = connected_components(edges, directed=False)[1]
    together: Bool = part[candidates.left] == part[candidates.left[place]]
    return together


def _known(opened: Reopened, place: int) -> bool:
    """True where a link decides: the pair is linked, known to differ, or a rival of a link."""
    candidates, known = opened.preparation.candidates, opened.known
    left, right = candidates.left[place], candidates.right[place]
    if (known.same.left == left).any() or (known.same.right == right).any():
        return True
    return bool(((known.different.left == left) & (known.different.right == right)).any())


def _log_odds(probability: float) -> float:
    if probability >= 1.0:
        return float("inf")
    return float(np.log(probability) - np.log1p(-probability)) if probability > 0 else float("-inf")
