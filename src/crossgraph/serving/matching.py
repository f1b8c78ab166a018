"""Records matched against the served graph by the model of a RESULT.

Many records are worked on at once, and each gets the answer that it would get alone. Everything that a score
follows from is as ``preparation`` and ``scoring`` make it, with records as entities more of the asking side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossgraph._types import Bool, Float32, Float64
from crossgraph.blocking.ranking import ranks
from crossgraph.calibration import LONGEST_LEAD, Calibration, probabilities
from crossgraph.cardinality import ANY_TYPE
from crossgraph.evidence.table import EvidenceTable
from crossgraph.learning import SAID
from crossgraph.serving.asking import Asked, Asker
from crossgraph.serving.evidence import compared, echoed, priors, record_leads, standing
from crossgraph.serving.hearing import heard
from crossgraph.serving.pooling import Pool, Pooler
from crossgraph.serving.records import Candidate, Record
from crossgraph.serving.served import Served

# Candidates of a record that are scored: the best by their prior.
MOST_SCORED = 8
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
        self._asker, self._pooler = Asker(served), Pooler(served)

    def match(self, records: Sequence[Record]) -> list[list[Candidate]]:
        """The candidates of each record, the likeliest first, at most as many as it wants."""
        found: list[list[Candidate]] = [[] for _ in records]
        asked = self._asker.ask(records)
        pool = self._pooler.pool(asked)
        if not len(pool):
            return found
        pool, evidence, score = self.scored(asked, pool)
        probability = probabilities(score)
        matched = self._matched(asked, pool, probability)
        shown = _Shown(evidence)
        for row in np.lexsort((pool.entity, -score, pool.record)).tolist():
            own = found[pool.record[row]]
            if len(own) < records[pool.record[row]].limit:
                own.append(
                    Candidate(
                        entity=int(pool.entity[row]),
                        probability=float(probability[row]),
                        match=bool(matched[row]),
                        features=shown.of(row),
                    )
                )
        return found

    def scored(self, asked: Asked, pool: Pool) -> tuple[Pool, EvidenceTable, Float64]:
        """The best of the pairs, what is known of them, and their (P) log-odds."""
        served = self._served
        columns = asked.columns(served.columns(served.asking))
        own = tuple(columns.values())
        prior = priors(served, asked, own, pool)
        best = ranks(pool.record, prior) < MOST_SCORED
        pool, prior = pool.take(best), prior[best]
        said = heard(served, asked, columns, pool)
        echo = echoed(served, asked, pool)
        evidence = EvidenceTable.beside(
            [
                compared(served, asked, own, pool),
                echo,
                standing(served, pool, prior, said[0]),
                EvidenceTable(SAID[1:], said[1:].T),
                # What a neighbour is called is all that is known of it, and so all that can be believed.
                EvidenceTable(tuple(f"believed {name}" for name in echo.names), echo.values),
            ]
        )
        step = served.opened.model.rounds[-1]
        read = evidence.arranged(step.columns).values
        raw = np.mean([scorer.score(read) for scorer in step.scorers], axis=0)
        return pool, evidence, _calibrated(step.calibration, pool, raw)

    def _matched(self, asked: Asked, pool: Pool, probability: Float64) -> Bool:
        """Which pairs the RESULT's thresholds call the same; one for each record, where such have one partner."""
        served, model = self._served, self._served.opened.model
        if served.side:
            types = [served.asking_types[one] for one in asked.types[pool.record].tolist()]
        else:
            types = [served.types[0][one] for one in served.types[1][pool.entity].tolist()]
        least = np.array([model.thresholds.get(one, model.thresholds.get(ANY_TYPE, 0.5)) for one in types])
        many = ("one-to-many", "free") if served.side else ("many-to-one", "free")
        usual = model.cardinalities.get(ANY_TYPE, "one-to-one")
        several = np.array([model.cardinalities.get(one, usual) in many for one in types])
        first = ranks(pool.record, probability) == 0
        matched: Bool = (probability >= least) & (first | several)
        return matched


def _calibrated(calibration: Calibration, pool: Pool, raw: Float32) -> Float64:
    """See ``Calibration.scores``."""
    leads = np.clip(record_leads(pool.record, raw), -LONGEST_LEAD, LONGEST_LEAD)
    score: Float64 = (
        calibration.slope * raw.astype(np.float64) + calibration.rivals * 2.0 * leads + calibration.offset
    )
    return score


class _Shown:
    """Evidence as features."""

    def __init__(self, evidence: EvidenceTable) -> None:
        self._columns = [
            (FEATURES.get(name, name), at)
            for at, name in enumerate(evidence.names)
            if name in FEATURES or "~" in name or (name.startswith("echo of ") and name.endswith(":shared"))
        ]
        self._values = evidence.values

    def of(self, row: int) -> dict[str, float]:
        """What is known of a pair; what is not is left out."""
        values = self._values[row].tolist()
        return {name: round(values[at], 4) for name, at in self._columns if values[at] == values[at]}
