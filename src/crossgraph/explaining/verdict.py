"""What a pair's decision hangs on: the log-odds from which on it would be called the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from crossgraph._types import Bool
from crossgraph.assignment import LEAST, one_to_one
from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.cardinality import ANY_TYPE, single
from crossgraph.deciding import contradicts, forbidden
from crossgraph.explaining.reopening import Reopened
from crossgraph.graphs._reading import quoted
from crossgraph.schema.seeds import EntityPairs


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision of a pair.

    same        what was decided
    because     what decided it whatever the score, a given link or a rule; empty where the score did
    threshold   least probability of its type
    rivals      least probability at which the assignment takes it, its rivals being what they are
    needed      the log-odds from which on it is the same; infinite where no probability is enough
    """

    same: bool
    because: str
    threshold: float
    rivals: float
    needed: float

    def turned(self, score: float) -> bool:
        """True where the pair, scored so, would be decided otherwise."""
        return not self.because and (score >= self.needed) != self.same


def verdict(opened: Reopened, place: int, score: float) -> Verdict:
    """The decision of the candidate at a place; for one that the RESULT did not score, what it would be."""
    candidates = opened.preparation.candidates
    kind = opened.preparation.graphs[0].entity_type(int(candidates.left[place]))
    threshold = opened.model.thresholds.get(kind, opened.model.thresholds.get(ANY_TYPE, 0.5))
    rivals = least_of_rivals(opened, place)
    needed, because = _log_odds(max(threshold, rivals)), _because(opened, place)
    would = opened.strange[place] and not because and score >= needed
    return Verdict(
        same=bool(opened.matched[place] or would),
        because=because,
        threshold=float(threshold),
        rivals=rivals,
        needed=needed,
    )


def least_of_rivals(opened: Reopened, place: int) -> float:
    """The least probability at which a candidate is taken, as its type allows partners."""
    candidates, worth = opened.preparation.candidates, opened.worth
    left, right = single(opened.model.cardinalities, PairTypes.of(candidates, opened.preparation.graphs[0]))
    if left[place] and right[place]:
        return _assigned_from(opened, place, left & right)
    for ends, mine, other in ((candidates.left, left, right), (candidates.right, right, left)):
        if mine[place]:
            rivals = mine & ~other & (ends == ends[place])
            rivals[place] = False
            return float(worth[rivals].max(initial=0.0))
    return 0.0


def _assigned_from(opened: Reopened, place: int, among: Bool) -> float:
    """The least probability at which the best one-to-one assignment takes a candidate.

    With the pair, the others are worth what they are without its two entities; without it, what they are
    when all may be assigned. The difference is what the pair must bring.

    among (P)   the candidates that share the assignment
    """
    candidates, worth = opened.preparation.candidates, opened.worth
    left, right = candidates.left, candidates.right
    others = _connected(opened, place) & (worth >= LEAST) & among
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


def _because(opened: Reopened, place: int) -> str:
    preparation, known = opened.preparation, opened.known
    alone = preparation.candidates.take(np.array([place]))
    single_ends = single(opened.model.cardinalities, PairTypes.of(alone, preparation.graphs[0]))
    if any(_holds(pairs, alone) for pairs in (known.same, known.different)):
        return "a known link says so"
    if contradicts(alone, known, single_ends)[0]:
        return " and ".join(_taken(opened, alone, single_ends))
    if forbidden(replace(preparation, candidates=alone), opened.config.decisions)[0]:
        return "a rule of the settings forbids it"
    return ""


def _holds(pairs: EntityPairs, alone: Candidates) -> bool:
    return bool(((pairs.left == alone.left[0]) & (pairs.right == alone.right[0])).any())


def _taken(opened: Reopened, alone: Candidates, single_ends: tuple[Bool, Bool]) -> list[str]:
    """Whose place at either entity of a candidate a known link takes, since it may have one partner alone."""
    graphs, same = opened.preparation.graphs, opened.known.same
    told = []
    ends = ((alone.left, same.left, same.right), (alone.right, same.right, same.left))
    for side, (mine, own, others) in enumerate(ends):
        partners = others[own == mine[0]]
        if single_ends[side][0] and len(partners):
            entity = quoted(graphs[side].ids[int(mine[0])])
            partner = quoted(graphs[1 - side].ids[int(partners[0])])
            told.append(f"{entity} is known to be the same as {partner}")
    return told


def _log_odds(probability: float) -> float:
    if probability >= 1.0:
        return float("inf")
    return float(np.log(probability) - np.log1p(-probability)) if probability > 0 else float("-inf")
