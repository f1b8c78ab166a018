"""What is said of candidates: raw scores, log-odds, probabilities."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import polars as pl

from crossgraph._types import Bool, Float32, Float64
from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.calibration import Calibration, drifted, log_losses, probabilities, rival_leads
from crossgraph.contest import Contest
from crossgraph.decisions import Lone
from crossgraph.evidence.table import EvidenceTable
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.labels import Labels
from crossgraph.matches import Matches


class Settling(Protocol):
    """What makes log-odds of raw scores in one round, see ``RoundCard``."""

    @property
    def calibration(self) -> Calibration:
        """Raw score, and its lead over rivals, to log-odds."""

    @property
    def settlement(self) -> Calibration:
        """These, and the pair's standing, to the log-odds of the round."""


@dataclass(frozen=True, eq=False)
class Scored:
    """What a model says of every candidate.

    evidence      with the networks' opinions beside it
    raw (P)       before calibration
    score (P)     log-odds
    probability (P)
    earlier       raw (P) and score (P) of the rounds before
    lone          whom entities without a counterpart would be taken for, as far as labels tell
    """

    evidence: EvidenceTable
    raw: Float32
    score: Float64
    probability: Float64
    earlier: tuple[tuple[Float32, Float64], ...] = ()
    lone: Lone = field(default_factory=Lone.nobody)

    def following(self, before: Scored | None) -> Scored:
        """The same with the scores of the rounds before, if there were any."""
        return self if before is None else replace(self, earlier=before.rounds)

    @property
    def rounds(self) -> tuple[tuple[Float32, Float64], ...]:
        """Raw (P) and score (P) of all rounds."""
        return (*self.earlier, (self.raw, self.score))


def drifts(now: Float64, before: Float64, labels: Labels) -> bool:
    """Whether a round tells the held-out labels worse than the one before, by more than chance.

    now, before (P)   log-odds; a labelled pair's are of models that did not learn from it
    """
    telling = labels.telling()
    losses = [telling.weight * log_losses(score[telling.places], telling.same) for score in (now, before)]
    return drifted(*losses)


def calibrated(calibration: Calibration, raw: Float32, candidates: Candidates) -> Float64:
    """(P) log-odds of the candidates, before they are set against each other."""
    return calibration.scores(raw, rival_leads(raw, (candidates.left, candidates.right)))


def settled(step: Settling, raw: Float32, contest: Contest) -> tuple[Float64, Float64]:
    """(P) log-odds and probabilities of the candidates in one round."""
    score = calibrated(step.calibration, raw, contest.candidates)
    score = step.settlement.scores(score, contest.standings(score))
    return score, probabilities(score)


def matches_of(
    candidates: Candidates, graphs: tuple[KnowledgeGraph, KnowledgeGraph], scored: Scored, *, matched: Bool
) -> Matches:
    """The carrier of results: every candidate once, with its score, and whether it is a match."""
    return Matches(
        pl.DataFrame(
            {
                "left": graphs[0].ids.gather(candidates.left.astype(np.int64)),
                "right": graphs[1].ids.gather(candidates.right.astype(np.int64)),
                "type": PairTypes.of(candidates, graphs[0]).series(),
                "score": scored.score,
                "probability": scored.probability,
                "matched": matched,
            }
        )
    )
