"""From scores to decisions: the end of every run that scores."""

from __future__ import annotations

from typing import Protocol

from crossgraph._types import Bool
from crossgraph.blocking.candidates import PairTypes
from crossgraph.cardinality import Cardinality
from crossgraph.deciding import Rules, called_same
from crossgraph.preparation import Known, Preparation
from crossgraph.reporting import Run
from crossgraph.scored import Scored, matches_of
from crossgraph.stages import StageClock


class Decisive(Protocol):
    """What a model decides by, see ``TrainedModel``."""

    @property
    def thresholds(self) -> dict[str, float]:
        """Type -> least probability of a match."""

    @property
    def cardinalities(self) -> dict[str, Cardinality]:
        """Type -> how many partners its entities may have."""

    @property
    def parameters(self) -> int:
        """Trained numbers of one network and of one scorer of each round."""


def concluded(
    preparation: Preparation, known: Known, scored: Scored, model: Decisive, barred: Bool, clock: StageClock
) -> Run:
    """Decide which of the scored candidates are the same.

    barred (P)   those that a rule forbids, see ``deciding.forbidden``
    """
    with clock.stage("assign"):
        candidates = preparation.candidates
        types = PairTypes.of(candidates, preparation.graphs[0])
        rules = Rules(model.thresholds, model.cardinalities)
        matched = called_same(candidates, scored.probability, types, rules, known, barred)
    return Run(
        preparation=preparation,
        known=known,
        labels=None,
        scored=scored,
        matches=matches_of(candidates, preparation.graphs, scored, matched=matched),
        thresholds=model.thresholds,
        cardinalities=model.cardinalities,
        parameters=model.parameters,
        barred=barred,
    )
