"""Records matched against the served graph by the model of a RESULT.

Many records are worked on at once, and each gets the answer that it would get alone. Everything that a score
follows from is as ``blocking``, ``comparing`` and ``scoring`` make it, with records as entities more of the
asking side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossgraph._types import Bool, Float32, Float64, Int32
from crossgraph.blocking.ranking import FARTHEST, ranks, standings
from crossgraph.calibration import LONGEST_LEAD, probabilities
from crossgraph.cardinality import ANY_TYPE
from crossgraph.checkpoint import ScoringRound
from crossgraph.evidence.table import EvidenceTable
from crossgraph.model.options import SAID
from crossgraph.serving.asking import Asked, Asker, Reader
from crossgraph.serving.evidence import echoed, priors, record_leads, standing, values_of
from crossgraph.serving.hearing import heard
from crossgraph.serving.pooling import Pool, Pooler
from crossgraph.serving.records import Candidate, Record
from crossgraph.serving.served import Served

# Candidates of a record that are scored: the best by their prior.
MOST_SCORED = 8
# Who is called so nearly what a record is called is meant by it, whatever identifiers say.
SAME_NAME = 0.999
# Comparisons that every pair has, and what they are called as features.
FEATURES = {
    "names:value": "name",
    "structure:value": "neighbours",
    "prior:value": "prior",
    "collective:value": "network",
}


class Matcher:
    """Finds and scores candidates of records. Not for several threads at once."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._asker, self._pooler, self._reader = Asker(served), Pooler(served), Reader()
        model = served.opened.model
        self._scorers = [scorer.curves() for scorer in model.rounds[-1].scorers]
        # Both are told for types of the left graph.
        types = served.asking_types if served.side else served.types[0]
        many = ("one-to-many", "free") if served.side else ("many-to-one", "free")
        usual = model.thresholds.get(ANY_TYPE, 0.5), model.cardinalities.get(ANY_TYPE, "one-to-one")
        self._least = np.array([model.thresholds.get(one, usual[0]) for one in types])
        self._several = np.array([model.cardinalities.get(one, usual[1]) in many for one in types])

    def match(self, records: Sequence[Record]) -> list[list[Candidate]]:
        """The candidates of each record, the likeliest first, at most as many as it wants."""
        asked = self._asker.ask(records)
        pool = self._pooler.pool(asked)
        found = self._identified(asked, pool)
        if not len(pool):
            return found
        scored = self.scored(asked, pool)
        pool, probability = scored.pool, probabilities(scored.score)
        matched = self._matched(asked, pool, np.where(scored.barred, 0.0, probability))
        shown = _Shown(scored.evidence)
        for row in np.lexsort((pool.entity, -scored.score, pool.record)).tolist():
            own, entity = found[pool.record[row]], int(pool.entity[row])
            sure = bool(own) and not own[0].features
            if len(own) >= records[pool.record[row]].limit or (sure and own[0].entity == entity):
                continue
            match = bool(matched[row]) and not sure
            own.append(Candidate(entity, float(probability[row]), match, shown.of(row)))
        return found

    def _identified(self, asked: Asked, pool: Pool) -> list[list[Candidate]]:
        """Who has the identifier that a record is called by, and may be meant by it.

        A film "1917" is not an entity of another type with identifier 1917, nor any beside a film so called.
        """
        held = self._served.graph.looked_up([record.name for record in asked.records])
        called = (pool.name >= SAME_NAME) & (pool.entity != held[pool.record])
        others = np.bincount(pool.record[called], minlength=len(asked))
        told: list[list[Candidate]] = []
        for at, (record, entity) in enumerate(zip(asked.records, held.tolist(), strict=True)):
            meant = entity >= 0 and not others[at]
            if meant and record.types:
                meant = not set(record.types).isdisjoint(self._served.view.types(entity))
            told.append([Candidate(entity, 1.0, True, {})] if meant else [])
        return told

    def scored(self, asked: Asked, pool: Pool) -> Scored:
        """The best of the pairs, and the model's word on them."""
        served = self._served
        columns = asked.columns(served.columns(served.asking), self._reader)
        # Neighbours have columns too, and are compared by nothing but their names.
        own = tuple(column for column in columns.values() if column.entities[0] < len(asked))
        prior = priors(served, asked, own, pool)
        wanted = np.array([max(MOST_SCORED, record.limit) for record in asked.records])
        best = ranks(pool.record, prior) < wanted[pool.record]
        pool, prior = pool.take(best), prior[best]
        said = heard(served, asked, columns, pool)
        echo, values = echoed(served, asked, pool), values_of(served, asked, own, pool)
        evidence = EvidenceTable.beside(
            [
                values.compared(served),
                echo,
                standing(served, pool, prior, said[0]),
                EvidenceTable(SAID[1:], (said[1:].T,)),
                # What a neighbour is called is all that is known of it, and so all that can be believed.
                echo.named("believed"),
            ]
        )
        step = served.opened.model.rounds[-1]
        read = evidence.arranged(step.columns).values
        raw = np.mean([scorer.score(read) for scorer in self._scorers], axis=0)
        return Scored(pool, evidence, self._settled(step, asked, pool, raw), values.disagree(served))

    def _settled(self, step: ScoringRound, asked: Asked, pool: Pool, raw: Float32) -> Float64:
        """(P) log-odds: a record's candidates are each other's rivals, and nobody else wants them."""
        leads = np.clip(record_leads(pool.record, raw), -LONGEST_LEAD, LONGEST_LEAD)
        score = step.calibration.scores(raw, 2.0 * leads)
        alone = ~self._several[self._types(asked, pool)], np.zeros(len(pool), dtype=bool)
        bounded = np.clip(score, -FARTHEST, FARTHEST)
        return step.settlement.scores(score, standings((pool.record, pool.entity), bounded, alone))

    def _types(self, asked: Asked, pool: Pool) -> Int32:
        """(P) the type of each pair, which is that of the left graph."""
        return asked.types[pool.record] if self._served.side else self._served.types[1][pool.entity]

    def _matched(self, asked: Asked, pool: Pool, worth: Float64) -> Bool:
        """Which pairs the thresholds of the RESULT call the same; one of a record that has one partner."""
        types = self._types(asked, pool)
        first = ranks(pool.record, worth) == 0
        matched: Bool = (worth >= self._least[types]) & (worth > 0) & (first | self._several[types])
        return matched


@dataclass(frozen=True, eq=False)
class Scored:
    """What the model says of pairs.

    score (P)    log-odds
    barred (P)   pairs that a rule of the settings forbids, whatever the score
    """

    pool: Pool
    evidence: EvidenceTable
    score: Float64
    barred: Bool


class _Shown:
    """Evidence as features."""

    def __init__(self, evidence: EvidenceTable) -> None:
        told = [at for at, name in enumerate(evidence.names) if _is_shown(name)]
        values = np.round(evidence.values[:, told].astype(np.float64), 4)
        known = np.flatnonzero(~np.isnan(values).all(axis=0))
        self._names = [FEATURES.get(evidence.names[told[at]], evidence.names[told[at]]) for at in known]
        self._values = values[:, known].tolist()

    def of(self, row: int) -> dict[str, float]:
        """What is known of a pair; what is not is left out."""
        told = zip(self._names, self._values[row], strict=True)
        return {name: value for name, value in told if value == value}


def _is_shown(name: str) -> bool:
    return name in FEATURES or "~" in name or (name.startswith("echo of ") and name.endswith(":shared"))
