"""Pairs that changes touch are scored again by the model as it is; all others keep their raw scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from scipy import sparse

from crossgraph._threads import side_by_side
from crossgraph._types import Bool, Float32, Float64, Int32, Int64
from crossgraph.blocking.ranking import lead
from crossgraph.calibration import bounded
from crossgraph.comparing import believed_pairs
from crossgraph.contest import Contest
from crossgraph.evidence.attributes import attribute_evidence
from crossgraph.evidence.competition import told_of_leads
from crossgraph.evidence.echo import RelationGroups, echo_evidence, neighbour_rarity, relation_groups
from crossgraph.evidence.folds import by_folds
from crossgraph.evidence.namesakes import Namesakes, namesake_columns, namesakes_of
from crossgraph.evidence.table import EvidenceTable
from crossgraph.model.arrays import PairArrays
from crossgraph.model.options import SAID
from crossgraph.plain.hearing import SeeAlone
from crossgraph.plain.model import PlainModel
from crossgraph.preparation import Preparation
from crossgraph.scored import Scored, settled
from crossgraph.updating.before import Before
from crossgraph.updating.seeing import Sight
from crossgraph.updating.touched import Touched, around

Hear: TypeAlias = Callable[[PairArrays, tuple[Int32, Int32], Int32, SeeAlone | None], Float32]
"""``plain.hearing.heard`` of some networks, or what does the same."""

_Leads: TypeAlias = tuple[Float32, Float64, Float64]

# Pairs of touched entities are scored again if they were at least so likely, or if what speaks for them at a
# glance (their prior, in log-odds) rose by so much.
LEAST_LIKELY, RISEN = 0.01, 0.25
# Pairs beside others that moved, if they were at least so likely.
LEAST_BESIDE = 0.001
# Beliefs, likenesses and leads that moved less leave other pairs as they are; so do leads that rose, but not
# to within so much of the best rival.
MOVED, LEAD_MOVED, NEAR = 0.05, 0.5, 2.0


@dataclass(frozen=True, eq=False)
class Rescored:
    """All pairs with their scores, and how many of them are new ones.

    said (9, P)    as in ``Workings``
    asked, again   how many pairs the networks were asked about, and how many were scored again
    """

    scored: Scored
    said: Float32
    asked: int
    again: int


@dataclass(frozen=True, eq=False)
class Rescorer:
    """Scores the touched pairs again.

    former (P)   the place of each candidate before; -1 for new ones
    contest      all pairs, which are set against each other in every round
    sight        both graphs as the networks see them, if they are asked anything
    hear         tells what the networks say
    everything   score all again
    """

    preparation: Preparation
    before: Before
    former: Int64
    contest: Contest
    touched: tuple[Touched, Touched]
    model: PlainModel
    sight: Sight
    hear: Hear
    everything: bool = False

    def rescored(self) -> Rescored:
        """Two hops: names and edges move the pairs beside them, and so do beliefs of each round."""
        candidates = self.preparation.candidates
        asked, again = self._asked()
        said = self._spread(self.before.said)
        said[:, asked] = self._heard(asked)
        leads = self._leads_of(said[0])
        again = again | self._moved_leads(leads)
        together = self._together(again, said, leads)
        scored: Scored | None = None
        for number, step in enumerate(self.model.rounds):
            if scored is not None:
                further = self._around_beliefs(scored.probability, number - 1) & ~again
                if further.any():
                    together = _beside(together, again, self._together(further, said, leads), further)
                    again = again | further
            read = together
            if scored is not None:
                echo = self._echo(again, believed_pairs(candidates, scored.probability, self._shape))
                believed = echo.named("believed")
                read = EvidenceTable.beside([together, believed])
            raw = self._spread(self.before.raw[number])
            read_again = read.arranged(step.columns)
            raw[again] = by_folds(step.scorers, read_again, self.contest.folds[again], side_by_side)
            scored = Scored(read, raw, *settled(step, raw, self.contest)).following(scored)
        assert scored is not None  # a model has a round at least
        return Rescored(scored, said, int(asked.sum()), int(again.sum()))

    @property
    def _pairs(self) -> tuple[Int32, Int32]:
        return self.preparation.candidates.left, self.preparation.candidates.right

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self.preparation.graphs[0]), len(self.preparation.graphs[1])

    @cached_property
    def _old(self) -> Bool:
        return self.former >= 0

    def _spread(self, values: Float32) -> Float32:
        """(..., P) what each pair had before; 0 for new ones."""
        out = np.zeros((*values.shape[:-1], len(self.former)), dtype=values.dtype)
        out[..., self._old] = values[..., self.former[self._old]]
        return out

    def _asked(self) -> tuple[Bool, Bool]:
        """(P) pairs that the networks see otherwise, and (P) these and others of whom more or less is known.

        Networks look at few neighbours of each entity: those that they look at are often the same as before.
        """
        if self.everything:
            everybody = np.ones(len(self.former), dtype=bool)
            return everybody, everybody
        one, two = self.touched
        told = one.blocked | one.edged, two.blocked | two.edged
        worth = self._likely(-1) >= LEAST_LIKELY
        before, now = self.before.candidates.prior, self.preparation.candidates.prior
        worth[self._old] |= now[self._old] >= before[self.former[self._old]] + RISEN
        moved = abs(self.preparation.alike - self.before.alike).tocoo()
        far = moved.data >= MOVED
        pairs = moved.row[far].astype(np.int32), moved.col[far].astype(np.int32)
        beside = around(pairs, self.preparation.adjacency, self.preparation.candidates)
        always = ~self._old | (beside & (self._likely(-1) >= LEAST_BESIDE))
        return always | (worth & self._of(self.sight.otherwise)), always | (worth & self._of(told))

    def _of(self, some: tuple[Bool, Bool]) -> Bool:
        """(P) pairs that have one of some entities."""
        held: Bool = some[0][self._pairs[0]] | some[1][self._pairs[1]]
        return held

    def _likely(self, number: int) -> Float64:
        """(P) probabilities of a round before; 0 for new pairs."""
        out = np.zeros(len(self.former))
        out[self._old] = self.before.probability[number][self.former[self._old]]
        return out

    def _leads_of(self, opinion: Float32) -> dict[str, _Leads]:
        """Of each quantity (P), it and its leads over the rivals of both sides; ``opinion`` of networks."""
        candidates = self.preparation.candidates
        quantities = {
            "prior": candidates.prior,
            "names": candidates.name,
            "structure": np.log1p(10.0 * candidates.structure),
            "collective": opinion,
        }
        return {
            name: (values, lead(self._pairs[0], values), lead(self._pairs[1], values))
            for name, values in quantities.items()
        }

    def _moved_leads(self, leads: dict[str, _Leads]) -> Bool:
        """(P) pairs whose rivals came, went or moved; one that was unlikely only if they leave it room."""
        found = np.zeros(len(self.former), dtype=bool)
        likely = self._likely(-1)[self._old] >= LEAST_LIKELY
        for name, before in (("prior", "prior"), ("collective", "said")):
            now = [bounded(one[self._old]) for one in leads[name][1:]]
            then = [one[self.former[self._old]] for one in self.before.leads[before]]
            # Who is far behind on one side is no match, however it stands on the other.
            near = np.minimum(*now) >= -NEAR
            for a, b in zip(now, then, strict=True):
                found[self._old] |= (near & (a - b >= LEAD_MOVED)) | (likely & (np.abs(a - b) >= LEAD_MOVED))
        return found

    def _around_beliefs(self, probability: Float64, number: int) -> Bool:
        """(P) pairs beside those of which a round thinks otherwise now."""
        far = np.abs(probability - self._likely(number)) >= MOVED
        pairs = self._pairs[0][far], self._pairs[1][far]
        return around(pairs, self.preparation.adjacency, self.preparation.candidates)

    @cached_property
    def _groups(self) -> RelationGroups:
        return relation_groups(*self.preparation.graphs, self.preparation.schema)

    def _echo(self, rows: Bool, similarity: sparse.csr_matrix) -> EvidenceTable:
        pairs = self._pairs[0][rows], self._pairs[1][rows]
        left, right = (one.around(ends) for one, ends in zip(self.preparation.adjacency, pairs, strict=True))
        return echo_evidence((left, right), self._groups, similarity, pairs, rare=self._rarity)

    @cached_property
    def _rarity(self) -> tuple[Float32, Float32]:
        """(E) of each side, by all edges."""
        left, right = self.preparation.adjacency
        return neighbour_rarity(left), neighbour_rarity(right)

    @cached_property
    def _namesakes(self) -> tuple[Namesakes, Namesakes]:
        """Of each side."""
        return namesakes_of(self.before.names, self.preparation.adjacency, self.preparation.graphs)

    def _together(self, rows: Bool, said: Float32, leads: dict[str, _Leads]) -> EvidenceTable:
        """``gather_evidence`` and ``opinions`` of some pairs."""
        preparation = self.preparation
        now = preparation.description
        pairs = self._pairs[0][rows], self._pairs[1][rows]
        columns: dict[str, Float32] = {}
        for name, (values, *over) in leads.items():
            columns |= told_of_leads(name, values[rows], (over[0][rows], over[1][rows]))
        return EvidenceTable.beside(
            [
                attribute_evidence(now, preparation.schema, pairs, against=self.before.usual),
                self._echo(rows, self.preparation.alike),
                EvidenceTable.of(
                    {
                        **columns,
                        **namesake_columns(self._namesakes, pairs),
                        **dict(zip(SAID[1:], said[1:, rows], strict=True)),
                    }
                ),
            ]
        )

    def _heard(self, rows: Bool) -> Float32:
        """(9, K) what the networks say of some pairs; a labelled one hears who did not learn from it."""
        if not rows.any():
            return np.zeros((len(SAID), 0), dtype=np.float32)
        pairs = self._pairs[0][rows], self._pairs[1][rows]
        arrays, see = self.sight.of(pairs, self.preparation.alike)
        return self.hear(arrays, pairs, self.contest.folds[rows], see)


def _beside(one: EvidenceTable, first: Bool, other: EvidenceTable, second: Bool) -> EvidenceTable:
    """The evidence of two sets of pairs in the order of the pairs."""
    places = np.r_[np.flatnonzero(first), np.flatnonzero(second)]
    values = np.concatenate([one.values, other.arranged(one.names).values])
    return EvidenceTable(one.names, (values[np.argsort(places)],))
