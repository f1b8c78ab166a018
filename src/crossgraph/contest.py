"""Who else wants a partner: how pairs stand when every entity has one partner or none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossgraph._types import Bool, Float64, Int32
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.ranking import scales
from crossgraph.deciding import contradicts
from crossgraph.preparation import Known
from crossgraph.schema.seeds import EntityPairs

# Log-odds beyond say no more: what is known stands there.
WIDEST = 20.0

Claims = tuple[Float64, Float64]


@dataclass(frozen=True, eq=False)
class Contest:
    """Candidates that compete for partners, beside what is known of them.

    alone    (P) whether the left and the right entity of each has at most one partner, ``single``
    barred   (P) those that a rule forbids
    folds    (P) the fold of a labelled candidate, which has to stand as if the links of its fold were not
             known; -1 for the others
    """

    candidates: Candidates
    known: Known
    alone: tuple[Bool, Bool]
    barred: Bool
    folds: Int32

    @staticmethod
    def free(candidates: Candidates) -> Contest:
        """One partner at most for everybody, and nothing known."""
        every = np.ones(len(candidates), dtype=bool)
        return Contest(
            candidates, Known.nothing(), (every, every), ~every, np.full(len(candidates), -1, dtype=np.int32)
        )

    def standings(self, score: Float64) -> Float64:
        """(P) log-odds of each pair, corrected by what its rivals leave over.

        A pair's odds are scaled by how much others want its right entity, and set against those of its left
        entity's other candidates, scaled likewise; the mean of that and of the same from the other side.
        Without rivals it is the score. Source: Sinkhorn and Knopp, 1967, with slack for having no partner;
        for entity alignment Mao et al., From Alignment to Assignment, EMNLP 2021.

        score (P)   calibrated log-odds
        """
        out = np.empty(len(score))
        for fold in np.unique(self.folds).tolist():
            bounded = self.bounded(score, fold)
            here = self.folds == fold
            out[here] = self._standing(bounded, self.claims(bounded))[here]
        return out

    def bounded(self, score: Float64, fold: int) -> Float64:
        """(P) the scores with what is known in their place, but for the links of a fold."""
        same, different = self.given(fold)
        out = np.clip(score, -WIDEST, WIDEST)
        out[different] = -WIDEST
        out[same] = WIDEST
        return out

    def claims(self, bounded: Float64) -> Claims:
        """(E), (E') log of what the candidates of each entity leave over for one more, at most 0."""
        sides, odds = (self.candidates.left, self.candidates.right), np.exp(bounded)
        # Neither side is the first: each is scaled last in one of the two orders.
        _, right = scales(sides, odds, self.alone)
        _, left = scales(sides[::-1], odds, self.alone[::-1])
        return np.log(left), np.log(right)

    def _standing(self, bounded: Float64, claims: Claims) -> Float64:
        ends = self.candidates.left, self.candidates.right
        halves = []
        for side in (0, 1):
            claimed = np.where(self.alone[1 - side], claims[1 - side][ends[1 - side]], 0.0)
            odds = np.where(self.alone[side], np.exp(bounded + claimed), 0.0)
            rivals = np.bincount(ends[side], odds)[ends[side]] - odds if len(odds) else odds
            halves.append(bounded + claimed - np.log1p(np.maximum(rivals, 0.0)))
        standing: Float64 = (halves[0] + halves[1]) / 2
        return standing

    def given(self, fold: int) -> tuple[Bool, Bool]:
        """(P) which candidates are known to be the same, and which are not, but for the links of a fold."""
        known = Known(self._outside(self.known.same, fold), self._outside(self.known.different, fold))
        same = np.zeros(len(self.candidates), dtype=bool)
        places = self.candidates.find(known.same.left, known.same.right)
        same[places[places >= 0]] = True
        return same, self.barred | contradicts(self.candidates, known, self.alone)

    def _outside(self, pairs: EntityPairs, fold: int) -> EntityPairs:
        if fold < 0:
            return pairs
        places = self.candidates.find(pairs.left, pairs.right)
        return pairs.take((places < 0) | (self.folds[places] != fold))
