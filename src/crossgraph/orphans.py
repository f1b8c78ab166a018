"""Entities without a counterpart: how the rivals of known matches would stand if these were not there.

Whoever is linked has a partner, so among labelled pairs the best candidate of an entity nearly always is the
right one, and a scorer learns that to lead is to be the same. An entity without a counterpart has a best
candidate too. The like of it is made of what is known: the match of an entity is taken away, and its rivals
are told that they lead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossgraph._types import AnyArray, Bool, Float32, Float64, Int32, Int64
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.ranking import largest, lead, ranks
from crossgraph.calibration import Calibration, calibrate, probabilities, rival_leads
from crossgraph.contest import Contest
from crossgraph.decisions import Lone
from crossgraph.evidence.competition import AMONG, VALUE
from crossgraph.graphs.sorting import marked
from crossgraph.labels import Labels

# By these values a rival may lead.
BY = ("prior", "collective")
# There are taken to be at most so many times as many entities without a counterpart as with one.
MOST = 2.0
# In training they weigh as so many entities for each one with a counterpart.
TAUGHT = 0.5
# So many entities that nobody labelled tell how many have a counterpart.
FEWEST = 50
# Mean best probabilities with and without the match differ by so much where they are wholly believed.
TELLING = 0.2
# Times that the share of them and the probabilities tell each other.
TURNS = 4


@dataclass(frozen=True, eq=False)
class Orphans:
    """Rivals of labelled matches that lead where the matches are not there: none of them is the same.

    labels (K)        of the rivals
    values (K, F)     their evidence, where the matches are not there
    matches (M)       places of the matches among all candidates
    """

    labels: Labels
    values: Float32
    matches: Int64

    def __len__(self) -> int:
        return len(self.labels)

    @staticmethod
    def of(names: tuple[str, ...], values: Float32, labels: Labels, candidates: Candidates) -> Orphans:
        """From labels, and their evidence (L, F) in columns of such names."""
        told, leading = values.copy(), np.zeros(len(labels), dtype=bool)
        column = {name: place for place, name in enumerate(names)}
        ends = candidates.left[labels.places], candidates.right[labels.places]
        for side, among in zip(ends, AMONG, strict=True):
            rivals = np.flatnonzero(~labels.same & np.isin(side, side[labels.same]))
            if not len(rivals):
                continue
            for name in [one.removesuffix(VALUE) for one in names if one.endswith(VALUE)]:
                if name + among not in column:
                    continue
                ahead = lead(side[rivals], values[rivals, column[name + VALUE]])
                told[rivals, column[name + among]] = np.where(np.isinf(ahead), np.nan, ahead)
                leading[rivals] |= (ahead > 0) & (name in BY)
        return Orphans(labels.take(leading), told[leading], labels.places[labels.same])

    def beside(self, values: Float32, labels: Labels) -> tuple[Float32, Labels]:
        """Evidence and labels with these after them."""
        each = TAUGHT * len(self.matches) / max(len(self), 1)
        own = replace(self.labels, weight=(each * self.labels.weight).astype(np.float32))
        return np.concatenate([values, self.values]), labels.and_also(own)

    def standing(self, raw: Float32, own: Float32, candidates: Candidates) -> Standing:
        """How all candidates stand where the matches are not there.

        raw (P)   raw scores where they are there
        own (K)   of these
        """
        told = raw.copy()
        told[self.labels.places] = own
        there = np.flatnonzero(~marked(self.matches, len(raw)))
        leads = np.zeros(len(raw))
        leads[there] = rival_leads(told[there], (candidates.left[there], candidates.right[there]))
        return Standing(told, leads)


@dataclass(frozen=True, eq=False)
class Standing:
    """Scores (N) of pairs, and how they stand (N) beside their rivals."""

    raw: AnyArray
    leads: Float64

    def take(self, places: Bool | Int64) -> Standing:
        """Of some of the pairs."""
        return Standing(self.raw[places], self.leads[places])


@dataclass(frozen=True, eq=False)
class Missing:
    """What the candidates would be without the labelled matches, and how often that is so.

    share         how many entities there are without a counterpart for each one with one
    known         labels that calibrate
    raw (P)       scores of all beside the matches
    own (K)       scores of the orphans
    without (K)   how the orphans stand
    """

    orphans: Orphans
    share: float
    known: Labels
    raw: Float32
    own: Float32
    without: Standing
    candidates: Candidates

    @staticmethod
    def of(
        orphans: Orphans, own: Float32, raw: Float32, labels: Labels, candidates: Candidates, kinds: Int32
    ) -> Missing | None:
        """From the raw scores (P) of all, and ``own`` (K) of the orphans; None where only seeds tell.

        The more entities lack a counterpart, the lower are probabilities, and by these they are counted: in
        turns (Saerens, Latinne and Decaestecker, Neural Computation, 2002).

        kinds (P)   of which type the left entity of each candidate is
        """
        known = labels.telling()
        if not len(orphans) or not known.known.all():
            return None
        without = orphans.standing(raw, own, candidates).take(orphans.labels.places)
        there = Standing(raw, rival_leads(raw, (candidates.left, candidates.right)))
        missing = Missing(orphans, 0.0, known, raw, own, without, candidates)
        for _ in range(TURNS):
            calibration = missing.calibration(there, without)
            thought = probabilities(calibration.scores(there.raw, there.leads))
            lonely = probabilities(calibration.scores(without.raw, without.leads))
            share = orphans_for_each(thought, lonely, orphans.labels, candidates, labels, kinds)
            missing = replace(missing, share=share)
        return missing

    def calibration(self, there: Standing, without: Standing) -> Calibration:
        """What fits the known pairs, and the orphans among them as often as there are such.

        there (P)     how candidates stand beside the matches
        without (K)   how the orphans stand
        """
        among = np.isin(self.orphans.labels.places, self.known.places)
        lone, without, there = (
            self.orphans.labels.take(among),
            without.take(among),
            there.take(self.known.places),
        )
        # An entity may have several that lead, by one value or another, and count as one.
        each = self.share * int(self.known.same.sum()) / max(len(lone), 1)
        return calibrate(
            np.r_[there.raw, without.raw],
            np.r_[there.leads, without.leads],
            np.r_[self.known.same, lone.same],
            np.r_[self.known.weight, each * lone.weight].astype(np.float32),
        )

    def contested(self, calibration: Calibration, contest: Contest) -> Standing:
        """(K) log-odds of the orphans by a calibration, and how they stand in the contest."""
        standing = self.orphans.standing(self.raw, self.own, self.candidates)
        odds = calibration.scores(standing.raw, standing.leads)
        del standing
        places = self.orphans.labels.places
        return Standing(odds[places], contest.standings_without(self.orphans.matches, odds)[places])

    def taken_for(self, settled: Float64, *, half: float) -> Lone:
        """The best of each left entity whose match is not there, by log-odds (K); ``half`` as of ``Lone``."""
        left, places = self.candidates.left, self.orphans.labels.places
        lonely = np.isin(left[places], left[self.orphans.matches])
        places, settled = places[lonely], settled[lonely]
        best = ranks(left[places], settled) == 0
        return Lone(
            places[best], probabilities(settled[best]), self.share, float(probabilities(np.array(half)))
        )


def orphans_for_each(
    thought: Float64, lonely: Float64, orphans: Labels, candidates: Candidates, labels: Labels, kinds: Int32
) -> float:
    """How many entities without a counterpart there are for each one that has one, by what is thought so far.

    Told by the best probability of each entity of linked types that nobody labelled, on the side that has
    fewer: in the mean it lies between that of entities whose match is known and is not there, and that of
    those whose match is there (adjusted counts: Forman, Data Mining and Knowledge Discovery, 2008). The less
    these two differ, the more is whoever is in doubt taken to have none.

    thought, kinds (P)   probability of each candidate, and the type of its left entity
    lonely (K)           probability of the orphans
    """
    known = labels.places[labels.known]
    matches = labels.places[labels.same & labels.known]
    # Seeds of other types are found because they are sure.
    free = np.isin(kinds, np.unique(kinds[matches])) & ~marked(known, len(kinds))
    side = min((candidates.left, candidates.right), key=lambda one: len(np.unique(one[free])))
    best = _best(side[free], thought[free])
    if len(best) < FEWEST:
        return 0.0
    there = thought.copy()
    there[labels.places[labels.same & ~labels.found]] = 0.0
    linked = np.isin(side, side[matches])
    lone = linked[orphans.places] & orphans.known
    highest = float(_best(side[linked], there[linked]).mean())
    lowest = float(_best(side[orphans.places[lone]], lonely[lone]).mean()) if lone.any() else 0.0
    told = min(1.0, max(0.0, highest - lowest) / TELLING)
    highest, lowest = 1.0 - told * (1.0 - highest), told * lowest
    share = (float(best.mean()) - lowest) / (highest - lowest)
    return float(np.clip(1.0 / max(share, 1e-9) - 1.0, 0.0, MOST))


def _best(side: Int32, probability: Float64) -> Float64:
    """The highest probability of each entity (K) that is there; ``side`` and probability (P)."""
    best: Float64 = largest(side, probability, int(side.max(initial=-1)) + 1, none=-1.0)
    return best[best >= 0]
