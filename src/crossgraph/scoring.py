"""A trained model on prepared candidates: raw scores, log-odds, probabilities."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
import torch

from crossgraph._space import IN_MEMORY, Space
from crossgraph._types import Bool, Float32, Float64
from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.blocking.names import name_keys
from crossgraph.calibration import Calibration, drifted, log_losses, probabilities, rival_leads
from crossgraph.checkpoint import ScoringRound, TrainedModel
from crossgraph.comparing import believed_evidence
from crossgraph.contest import Contest
from crossgraph.decisions import Lone
from crossgraph.engine import LOCAL, Engine
from crossgraph.evidence.table import EvidenceTable
from crossgraph.features.tokens import entity_tokens, number_scales, text_sketch
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.labels import Labels
from crossgraph.learning import opinions, raw_scores
from crossgraph.matches import Matches
from crossgraph.model.inputs import Likeness, PairTensors, SideTensors
from crossgraph.model.seen import See
from crossgraph.preparation import Preparation
from crossgraph.progress import SILENT, Progress
from crossgraph.sampling import Neighbourhoods, SamplingOptions, sample_neighbourhoods
from crossgraph.sampling.shared import echoed_shares
from crossgraph.schema.vocabulary import Vocabulary, attribute_slots, directed_slots, entity_type_slots


def sample_both(
    preparation: Preparation, *, sampling: SamplingOptions, seed: int
) -> tuple[Neighbourhoods, Neighbourhoods]:
    """The sampled neighbourhoods of both graphs."""
    graphs, shares = preparation.graphs, shares_of(preparation, sampling)
    left, right = (
        sample_neighbourhoods(
            graphs[side],
            preparation.adjacency[side],
            options=sampling,
            seed=seed,
            shares=shares[side],
        )
        for side in range(2)
    )
    return left, right


def shares_of(preparation: Preparation, sampling: SamplingOptions) -> tuple[Float64 | None, Float64 | None]:
    """What each directed relation's chance is multiplied by on either side; None where it is not."""
    if not sampling.shared:
        return None, None
    graphs, seeds = preparation.graphs, preparation.seeds
    names = name_keys(preparation.description, preparation.schema, (len(graphs[0]), len(graphs[1])))
    return echoed_shares(preparation.adjacency, names, (seeds.left, seeds.right))


def pair_tensors(
    preparation: Preparation,
    vocabulary: Vocabulary,
    around: tuple[Neighbourhoods, Neighbourhoods],
    *,
    device: str,
) -> PairTensors:
    """Both graphs as the network reads them: facts as tokens, sampled neighbourhoods, one vocabulary."""
    graphs, description = preparation.graphs, preparation.description
    slots = (
        attribute_slots(graphs[0].attribute_names, vocabulary.attributes_left),
        attribute_slots(graphs[1].attribute_names, vocabulary.attributes_right),
    )
    scales = number_scales(((description.left, slots[0]), (description.right, slots[1])))

    def side(at: int) -> SideTensors:
        columns = description.right if at else description.left
        relations = vocabulary.relations_right if at else vocabulary.relations_left
        directions = directed_slots(graphs[at].relation_names, relations, vocabulary.relation_slots)
        facts = entity_tokens(columns, slots[at], scales, len(graphs[at]))
        types = entity_type_slots(graphs[at], vocabulary.types_right if at else vocabulary.types_left)
        edges = np.diff(preparation.adjacency[at].indptr)
        return SideTensors.of(facts, types, around[at], edges=edges, directions=directions, device=device)

    sketch = torch.from_numpy(text_sketch(description.texts)).to(device)
    return PairTensors(side(0), side(1), sketch, Likeness.of(preparation.alike))


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


def score_candidates(
    model: TrainedModel,
    tensors: PairTensors,
    preparation: Preparation,
    evidence: EvidenceTable,
    contest: Contest,
    *,
    progress: Progress = SILENT,
    engine: Engine = LOCAL,
    space: Space = IN_MEMORY,
    see: See | None = None,
) -> Scored:
    """Score every candidate, round by round; ``see`` as of ``learning.heard``."""
    candidates = preparation.candidates
    heard = opinions(model.networks, tensors, candidates, progress=progress, hear=engine.hear, see=see)
    together = EvidenceTable.beside([evidence, heard])
    scored: Scored | None = None
    for step in model.rounds:
        read = together
        if scored is not None:
            read = EvidenceTable.beside(
                [together, believed_evidence(preparation, scored.probability, space=space)]
            )
        read = read.arranged(step.columns)
        raw = raw_scores(step.scorers, read, score=engine.score)
        scored = Scored(read, raw, *settled(step, raw, contest)).following(scored)
    if scored is None:
        raise ValueError("a model without rounds scores nothing")
    return scored


def calibrated(calibration: Calibration, raw: Float32, candidates: Candidates) -> Float64:
    """(P) log-odds of the candidates, before they are set against each other."""
    return calibration.scores(raw, rival_leads(raw, (candidates.left, candidates.right)))


def settled(step: ScoringRound, raw: Float32, contest: Contest) -> tuple[Float64, Float64]:
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
