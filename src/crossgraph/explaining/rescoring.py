"""The score of one pair, were some of its values and neighbours not there.

Everything that a score follows from is computed again for the two entities without the facts in question:
evidence, prior, neighbourhoods, the networks' opinions, every round of scoring, and the scores of the
rivals, which lose the same facts. What does not belong to the two entities stays as it is: the schema
mapping, the candidates, what is believed of other pairs, how rare a neighbour is, and the models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
import polars as pl
from scipy import sparse

from crossgraph._types import AnyArray, Bool, Float32, Float64, Int32, Int64
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.names import name_cosines, name_rows
from crossgraph.blocking.prior import Weigher
from crossgraph.blocking.ranking import FARTHEST
from crossgraph.calibration import LONGEST_LEAD, Calibration
from crossgraph.checkpoint import ScoringRound
from crossgraph.evidence.attributes import attribute_evidence
from crossgraph.evidence.echo import echo_evidence
from crossgraph.evidence.namesakes import Namesakes, connected, leads_over, name_counts, namesake_columns
from crossgraph.evidence.table import EvidenceTable
from crossgraph.explaining.backdrop import Backdrop, Contested
from crossgraph.explaining.clues import Clue, owners
from crossgraph.explaining.leads import Touched
from crossgraph.explaining.lengths import lengths_without, rarity, rarity_of_all, span_of
from crossgraph.explaining.rows import (
    Nearby,
    Variants,
    adjacency_of,
    beside,
    columns_of,
    first_drawn,
    nearby,
)
from crossgraph.features.description import AttributeColumn, Description, column_of
from crossgraph.features.tokens import entity_tokens
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.learning import heard, scored_by_folds
from crossgraph.model.inputs import PairTensors, SideTensors
from crossgraph.model.options import SAID
from crossgraph.sampling import Neighbourhoods

# Versions are scored in parts: so many edges, or rows of evidence, at once.
MOST_EDGES, MOST_ROWS = 4_000_000, 40_000

_Pairs: TypeAlias = tuple[AnyArray, AnyArray]


@dataclass(frozen=True, eq=False)
class Rescorer:
    """Scores a pair with some of its clues.

    clues   of ``Describer``: every value and edge of the pair belongs to one
    """

    around: Backdrop
    pair: tuple[int, int]
    clues: tuple[Clue, ...]

    def __call__(self, kept: Bool) -> Float64:
        """(K) log-odds of the pair with the clues that are True in each row of ``kept`` (K, C)."""
        degrees = [int(self._edges(side)) for side in (0, 1)]
        size = max(1, min(MOST_EDGES // max(*degrees, 1), MOST_ROWS // len(self.touched)))
        parts = [self._scores(kept[at : at + size]) for at in range(0, len(kept), size)]
        return np.concatenate([np.zeros(0), *parts])

    @cached_property
    def touched(self) -> Touched:
        """The pair and its rivals."""
        opened = self.around.opened
        return Touched.of(opened.preparation.candidates, self.pair, opened.scored.score)

    @cached_property
    def drawn(self) -> tuple[Int64, Int64]:
        """Both entities' edges in the order of the draws."""
        return self.around.drawn(0, self.pair[0]), self.around.drawn(1, self.pair[1])

    @cached_property
    def nearby(self) -> Nearby:
        """What the networks see of all candidates, whatever edges are left."""
        opened = self.around.opened
        ends, others = [], []
        for side, adjacency in enumerate(opened.preparation.adjacency):
            ends.append(np.unique([end[side] for end in self.touched.ends]).astype(np.int64))
            first = int(adjacency.indptr[self.pair[side]])
            others.append(adjacency.neighbours[first + self.drawn[side]].astype(np.int64))
        layers = opened.model.model.layers
        return nearby(opened.tensors, (ends[0], ends[1]), (others[0], others[1]), layers)

    def variants(self, side: int, kept: Bool) -> Variants:
        """The versions of one entity that some clues leave."""
        columns = self._description.right if side else self._description.left
        of_attribute, of_edge = owners(self.clues, side, attributes=len(columns), edges=self._edges(side))
        # A clue that is always there stands for what no clue owns.
        with_all = np.c_[kept, np.ones(len(kept), dtype=bool)]
        return Variants(self.pair[side], with_all[:, of_attribute], with_all[:, of_edge])

    @property
    def _description(self) -> Description:
        return self.around.opened.preparation.description

    def _edges(self, side: int) -> int:
        indptr = self.around.opened.preparation.adjacency[side].indptr
        return int(indptr[self.pair[side] + 1] - indptr[self.pair[side]])

    def _scores(self, kept: Bool) -> Float64:
        versions = self.variants(0, kept), self.variants(1, kept)
        rivals = np.array([clue.kind == "rivals" for clue in self.clues], dtype=bool)
        alone = np.zeros(len(kept), dtype=bool)
        alone[~kept[:, rivals].all(axis=1)] = True
        batch = Batch(self.around, self.touched, versions, self.drawn, self.nearby, alone)
        return batch.scores()


@dataclass(frozen=True, eq=False)
class Batch:
    """K versions of a pair with T candidates each: the pair itself first, then its rivals.

    alone (K)   True where a version is to have no rivals
    """

    around: Backdrop
    touched: Touched
    versions: tuple[Variants, Variants]
    drawn: tuple[Int64, Int64]
    nearby: Nearby
    alone: Bool

    def scores(self) -> Float64:
        """(K) log-odds of the pair."""
        step = self.around.opened.model.rounds[-1]
        read = [self._compared(), self._heard()]
        # Earlier rounds tell the last one what they believed of the neighbours, which stays as it is.
        if self.around.believed is not None:
            echo = self._echo(self.around.believed)
            read.append(echo.named("believed"))
        raw = self._raw(step, EvidenceTable.beside(read).arranged(step.columns))
        score = self._calibrated(step.calibration, raw, self.around.opened.scored.raw)
        return self._settled(step.settlement, score)

    @cached_property
    def pairs(self) -> _Pairs:
        """(K * T) rows of ``description`` on either side, version by version."""
        left, right = self.touched.rows(len(self.versions[0]))
        return left.ravel().astype(np.int32), right.ravel().astype(np.int32)

    @cached_property
    def description(self) -> Description:
        """The values of all rows."""
        whole = self.around.opened.preparation.description
        left = columns_of(whole.left, self.versions[0], self.touched.others[0])
        right = columns_of(whole.right, self.versions[1], self.touched.others[1])
        return Description(left, right, whole.texts)

    @cached_property
    def adjacency(self) -> tuple[Adjacency, Adjacency]:
        """The edges of all rows."""
        whole = self.around.opened.preparation.adjacency
        left, right = (
            adjacency_of(whole[side], self.versions[side], self.touched.others[side]) for side in (0, 1)
        )
        return left, right

    def _compared(self) -> EvidenceTable:
        """``gather_evidence`` of these rows."""
        opened = self.around.opened
        preparation, candidates = opened.preparation, opened.preparation.candidates
        names = name_rows(self.description, self.around.names)
        name = name_cosines(names, preparation.description.texts, self.pairs)
        structure = self._structure()
        prior = self._prior(name, structure)
        spread = np.log1p(10.0 * candidates.structure)
        return EvidenceTable.beside(
            [
                attribute_evidence(
                    self.description, preparation.schema, self.pairs, against=self.around.yardstick
                ),
                self._echo(self.around.alike),
                EvidenceTable.of(
                    {
                        **self._lead_columns("prior", prior, candidates.prior),
                        **self._lead_columns("names", name, candidates.name),
                        **self._lead_columns("structure", np.log1p(10.0 * structure), spread),
                        **namesake_columns(self._namesakes((names[0], names[1])), self.pairs),
                    }
                ),
            ]
        )

    def _namesakes(self, names: tuple[pl.DataFrame, pl.DataFrame]) -> tuple[Namesakes, Namesakes]:
        """Of these rows, beside all others as they are."""
        left, right = (
            Namesakes(
                np.log1p(name_counts(rows, len(graph.indptr) - 1, against=whole)),
                leads_over(rows, self._rivals(side, rows), connected(graph)),
            )
            for side, (rows, whole, graph) in enumerate(
                zip(names, self.around.name_rows, self.adjacency, strict=True)
            )
        )
        return left, right

    def _rivals(self, side: int, names: pl.DataFrame) -> Float32:
        """``best_rivals`` of the entities that these names are versions of."""
        pair, others = self.touched.pair[side], self.touched.others[side]
        who = np.r_[np.full(len(self.versions[side]), pair), others].astype(np.int32)
        asked = pl.DataFrame({"entity": who[names["entity"].to_numpy()], "text": names["text"]})
        known = self.around.rivals[side]
        found = asked.join(known, on=["entity", "text"], how="left", maintain_order="left")
        return found["rival"].to_numpy()

    def _echo(self, similarity: sparse.csr_matrix) -> EvidenceTable:
        return echo_evidence(
            self.adjacency, self.around.groups, similarity, self.pairs, rare=self.around.rare
        )

    def _structure(self) -> Float32:
        """(K * T) weight of the similar neighbours."""
        left, right = (one.edges.astype(np.float32) for one in self.versions)
        short = [lengths_without(self.around, side, one) for side, one in enumerate(self.versions)]
        usual = self.around.opened.preparation.weighing.lengths
        out = np.zeros((len(left), len(self.touched)), dtype=np.float32)
        for at, (i, k) in enumerate(self.touched.ends):
            weights = self._edge_weights(i, k)
            if at == 0:
                sums = np.asarray((sparse.csr_matrix(left) @ weights).multiply(right).sum(axis=1)).ravel()
                out[:, at] = sums / (short[0] * short[1])
            elif i == self.touched.pair[0]:
                out[:, at] = left @ np.asarray(weights.sum(axis=1)).ravel() / (short[0] * usual[1][k])
            else:
                out[:, at] = right @ np.asarray(weights.sum(axis=0)).ravel() / (usual[0][i] * short[1])
        return out.ravel()

    def _edge_weights(self, left: int, right: int) -> sparse.csr_matrix:
        """(T, T') what each two edges of a pair add to its structural weight, before rows are made short.

        See ``neighbour_products``.
        """
        preparation = self.around.opened.preparation
        sides = [(a, span_of(a, e)) for a, e in zip(preparation.adjacency, (left, right), strict=True)]
        reached = [a.neighbours[span] for a, span in sides]
        by = [a.relations[span] for a, span in sides]
        near = preparation.weighing.similarity[reached[0]][:, reached[1]].tocoo()
        weight = self.around.groups.between(by[0][near.row], by[1][near.col])
        values = np.zeros(len(near.data))
        for rare, factor in ((rarity, weight), (rarity_of_all, preparation.weighing.anyhow)):
            idf = [rare(a, span) for a, span in sides]
            values += near.data * factor * idf[0][near.row] * idf[1][near.col]
        return sparse.csr_matrix((values, (near.row, near.col)), shape=near.shape)

    def _prior(self, name: Float32, structure: Float32) -> Float32:
        """(K * T) quick log-odds, each candidate's as the pool that it is of was weighed."""
        candidates, weighing = (
            self.around.opened.preparation.candidates,
            self.around.opened.preparation.weighing,
        )
        rows = Candidates(*self.pairs, name, structure, structure, np.ones(len(name), dtype=bool))
        out = np.zeros((len(self.versions[0]), len(self.touched)), dtype=np.float32)
        numbers = np.arange(out.size).reshape(out.shape)
        for at, (i, k) in enumerate(self.touched.ends):
            proposed = bool(candidates.proposed[self.touched.places[at]])
            weigher = _of_rows(weighing.of(i, k, proposed=proposed), self.description)
            out[:, at] = weigher.log_odds(rows.take(numbers[:, at]))
        return out.ravel()

    def _lead_columns(self, name: str, values: Float32, known: AnyArray) -> dict[str, Float32]:
        """``lead_columns`` of these rows, where rivals that are not touched keep what they have."""
        left, right = self._leads(values.reshape(len(self.versions[0]), -1), known)
        out = {f"{name}:value": values.astype(np.float32)}
        for side, lead in (("left's", left), ("right's", right)):
            flat = lead.ravel()
            out[f"{name}:lead among {side}"] = np.where(np.isinf(flat), np.nan, flat).astype(np.float32)
        return out

    def _leads(self, values: AnyArray, known: AnyArray) -> tuple[Float64, Float64]:
        """(K, T) of each side: leads over rivals; infinite where there are to be none."""
        left, right = self.touched.leads(values, known)
        left[self.alone], right[self.alone] = np.inf, np.inf
        return left, right

    def _heard(self) -> EvidenceTable:
        """``opinions`` of these rows."""
        opened = self.around.opened
        tensors, ends = self._tensors()
        mean = heard(opened.model.networks, tensors, ends, self._folds)
        columns = self._lead_columns("collective", mean[0], opened.heard)
        return EvidenceTable.of({**columns, **dict(zip(SAID[1:], mean[1:], strict=True))})

    def _tensors(self) -> tuple[PairTensors, tuple[Int64, Int64]]:
        """Both graphs with the versions at their ends, and (K * T) entities of both sides in them."""
        tensors = self.nearby.tensors
        ends = self.touched.entities(len(self.versions[0]), self.nearby.kept)
        left, right = (beside(side, self._side(at)) for at, side in enumerate((tensors.left, tensors.right)))
        both = PairTensors(left, right, tensors.sketch, tensors.likeness)
        return both, (ends[0].ravel(), ends[1].ravel())

    def _side(self, side: int) -> SideTensors:
        """The versions of one entity as the network reads them."""
        opened, versions = self.around.opened, self.versions[side]
        whole = opened.tensors.right if side else opened.tensors.left
        description = opened.preparation.description
        columns = description.right if side else description.left
        none = np.zeros(0, dtype=np.int64)
        facts = entity_tokens(
            columns_of(columns, versions, none),
            self.around.slots[side],
            self.around.scales,
            len(versions),
            against=columns,
        )
        adjacency = opened.preparation.adjacency[side]
        chosen, mask = first_drawn(versions.edges, self.drawn[side], whole.mask.shape[1])
        rows = np.where(mask, adjacency.indptr[versions.entity] + chosen, 0)
        neighbours, relations = (
            (column[rows] * mask if len(column) else np.zeros_like(chosen)).astype(np.int32)
            for column in (adjacency.neighbours, adjacency.relations)
        )
        places = np.searchsorted(self.nearby.kept[side], neighbours) * mask
        around = Neighbourhoods(places.astype(np.int32), relations, mask)
        kinds = whole.types[versions.entity].expand(len(versions), -1).numpy()
        edges = np.full(len(versions), versions.edges.shape[1], dtype=np.int64)
        return SideTensors.of(
            facts, kinds, around, edges=edges, directions=self.around.directions[side], device="cpu"
        )

    def _raw(self, step: ScoringRound, read: EvidenceTable) -> Float32:
        """(K, T) mean score of the scorers; a labelled pair's comes from the one that did not see it."""
        return scored_by_folds(step.scorers, read, self._folds).reshape(len(self.versions[0]), -1)

    @property
    def _folds(self) -> Int32:
        """(K * T) the folds of the touched candidates, version by version."""
        return np.tile(self.around.opened.folds[self.touched.places], len(self.versions[0]))

    def _calibrated(self, calibration: Calibration, raw: Float32, known: Float32) -> Float64:
        """(K, T) log-odds of the pair and its rivals, whose raw scores moved together."""
        left, right = (np.clip(lead, -LONGEST_LEAD, LONGEST_LEAD) for lead in self._leads(raw, known))
        return calibration.scores(raw, left + right)

    def _settled(self, settlement: Calibration, score: Float64) -> Float64:
        """(K) log-odds of the pair when it is set against its rivals, see ``ranking.standings``.

        score (K, T)   calibrated log-odds
        """
        touched = self.touched
        contest = self.around.contested(int(self.around.opened.folds[touched.places[0]]))
        moved = np.clip(score, -FARTHEST, FARTHEST)
        given = contest.given[touched.places]
        moved[:, given] = contest.bounded[touched.places[given]]
        taken = sum(self._taken(side, moved, contest) for side in (0, 1))
        return settlement.scores(score[:, 0], moved[:, 0] - taken)

    def _taken(self, side: int, moved: Float64, contest: Contested) -> Float64:
        """(K) what the rivals of one of the two entities take from the pair's log-odds."""
        touched, alone = self.touched, self.around.opened.contest.alone[side]
        inside = np.flatnonzero([end[side] == touched.pair[side] for end in touched.ends])[1:]
        outside = np.array(touched.outside[side][0], dtype=np.int64)
        rivals = np.concatenate([touched.places[inside], outside])
        still = np.broadcast_to(contest.bounded[outside], (len(moved), len(outside)))
        odds = np.exp(np.concatenate([moved[:, inside], still], axis=1) + contest.claims[1 - side][rivals])
        wanted = (odds * alone[rivals]).sum(axis=1) * alone[touched.places[0]]
        taken: Float64 = np.log1p(np.where(self.alone, 0.0, wanted))
        return taken


def _of_rows(weigher: Weigher, description: Description) -> Weigher:
    """The same weights for the values of these rows."""

    def column(columns: tuple[AttributeColumn, ...], name: str) -> AttributeColumn:
        found = column_of(columns, name)
        assert found is not None
        return found

    tests = tuple(
        replace(
            test,
            left=column(description.left, test.left.name),
            right=column(description.right, test.right.name),
        )
        for test in weigher.tests
    )
    return replace(weigher, tests=tests)
