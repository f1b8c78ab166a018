"""Who else wants a partner: how pairs stand when every entity has one partner or none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crossgraph._types import Bool, Float64, Int32, Int64
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.ranking import FARTHEST, standings
from crossgraph.deciding import contradicts
from crossgraph.graphs.sorting import marked
from crossgraph.labels import Labels
from crossgraph.preparation import Known
from crossgraph.schema.seeds import EntityPairs


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
    def of(
        candidates: Candidates,
        known: Known,
        alone: tuple[Bool, Bool],
        labels: Labels,
        *,
        barred: Bool | None = None,
    ) -> Contest:
        """Of what is prepared; ``barred`` as of ``deciding.forbidden``, nobody if not given."""
        return Contest(
            candidates=candidates,
            known=known,
            alone=alone,
            barred=np.zeros(len(candidates), dtype=bool) if barred is None else barred,
            folds=labels.fold_of_each(len(candidates)),
        )

    @staticmethod
    def free(candidates: Candidates) -> Contest:
        """One partner at most for everybody, and nothing known."""
        every = np.ones(len(candidates), dtype=bool)
        return Contest(
            candidates, Known.nothing(), (every, every), ~every, np.full(len(candidates), -1, dtype=np.int32)
        )

    def standings(self, score: Float64) -> Float64:
        """(P) log-odds of each pair, corrected by its rivals and by what is known, see ``ranking.standings``.

        score (P)   calibrated log-odds
        """
        out = np.empty(len(score))
        for fold in np.unique(self.folds).tolist():
            here = self.folds == fold
            out[here] = standings(self.sides, self.bounded(score, fold), self.alone)[here]
        return out

    def standings_without(self, absent: Int64, score: Float64) -> Float64:
        """(P) the same of labelled pairs, each as if some pairs of its own fold were not there; others 0.

        absent   places
        """
        out = np.zeros(len(score))
        for fold in np.unique(self.folds[absent]).tolist():
            here, odds = self.folds == fold, self.bounded(score, fold)
            odds[absent[here[absent]]] = -FARTHEST
            out[here] = standings(self.sides, odds, self.alone)[here]
        return out

    def bounded(self, score: Float64, fold: int) -> Float64:
        """(P) the scores with what is known in their place, but for the links of a fold."""
        same, different = self.given(fold)
        out = np.clip(score, -FARTHEST, FARTHEST)
        out[different] = -FARTHEST
        out[same] = FARTHEST
        return out

    @property
    def sides(self) -> tuple[Int32, Int32]:
        """(P), (P) the entities of the candidates."""
        return self.candidates.left, self.candidates.right

    def given(self, fold: int) -> tuple[Bool, Bool]:
        """(P) which candidates are known to be the same, and which are not, but for the links of a fold."""
        same, different = (
            pairs.take(self._outside(places, fold))
            for pairs, places in zip(self._pairs, self._places, strict=True)
        )
        places = self._places[0][self._outside(self._places[0], fold)]
        ruled_out = contradicts(self.candidates, Known(same, different), self.alone)
        return marked(places[places >= 0], len(self.candidates)), self.barred | ruled_out

    def _outside(self, places: Int64, fold: int) -> Bool:
        """(K) known pairs, by their places, that are not of a fold."""
        if fold < 0:
            return np.ones(len(places), dtype=bool)
        outside: Bool = (places < 0) | (self.folds[places] != fold)
        return outside

    @property
    def _pairs(self) -> tuple[EntityPairs, EntityPairs]:
        return self.known.same, self.known.different

    @cached_property
    def _places(self) -> tuple[Int64, Int64]:
        """Where known pairs stand among the candidates; -1 for those that are none."""
        same, different = (self.candidates.find(pairs.left, pairs.right) for pairs in self._pairs)
        return same, different
