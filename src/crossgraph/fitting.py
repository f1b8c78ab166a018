"""From prepared candidates and labels to a trained model with honest probabilities and thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from crossgraph._types import Bool, Float32, Float64
from crossgraph.blocking.candidates import Candidates
from crossgraph.calibration import Calibration, calibrate, probabilities, rival_leads
from crossgraph.cardinality import ANY_TYPE, ONE_TO_ONE, Cardinality
from crossgraph.checkpoint import ScoringRound, TrainedModel
from crossgraph.config import Config
from crossgraph.deciding import Rules, decide, pair_types
from crossgraph.decisions import HeldOut, Threshold, thresholds_by_type
from crossgraph.evidence.table import EvidenceTable
from crossgraph.labels import Labels
from crossgraph.learning import LearningOptions, fit_networks, fit_scorers, opinions, raw_scores
from crossgraph.model.inputs import PairTensors
from crossgraph.model.scorer import EvidenceScorer
from crossgraph.preparation import Preparation, believed_evidence
from crossgraph.progress import SILENT, Progress
from crossgraph.schema.vocabulary import Vocabulary, build_vocabulary
from crossgraph.scoring import Scored, pair_tensors, sample_both
from crossgraph.stages import StageClock


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained model, what it says of every candidate, and what the held-out labels say of it.

    scored       labelled candidates by the models that did not learn from them
    thresholds   type -> threshold with its expected precision and recall
    """

    model: TrainedModel
    scored: Scored
    thresholds: dict[str, Threshold]


def fit(
    preparation: Preparation,
    evidence: EvidenceTable,
    labels: Labels,
    *,
    config: Config,
    clock: StageClock,
    cardinalities: Mapping[str, Cardinality] = ONE_TO_ONE,
    progress: Progress = SILENT,
) -> Fitted:
    """Train networks and scorers by cross-fitting, calibrate, and choose thresholds.

    cardinalities   how many partners entities of each type may have
    """
    options = learning_options(config)
    candidates = preparation.candidates
    with clock.stage("sample"):
        vocabulary, tensors = network_input(preparation, config)
    with clock.stage("train: network"):
        networks = fit_networks(
            tensors,
            candidates,
            labels,
            vocabulary,
            schema=preparation.schema,
            options=options,
            progress=progress,
        )
    with clock.stage("score: network"):
        heard = opinions(networks, tensors, candidates, labels, progress=progress)
        together = EvidenceTable.beside([evidence, heard])
    rounds: list[ScoringRound] = []
    read = together
    scored: Scored | None = None
    for number in range(config.training.rounds):
        with clock.stage(f"train: scorer, round {number + 1}"):
            if scored is not None:
                read = EvidenceTable.beside([together, believed_evidence(preparation, scored.probability)])
            step, told = fit_round(read, candidates, labels, options=options, progress=progress)
            scored = told.following(scored)
            rounds.append(step)
    assert scored is not None  # at least one round, see TrainingOptions
    types = pair_types(candidates, preparation.graphs[0])
    assigned = decide(candidates, scored.probability, types, Rules({ANY_TYPE: 0.0}, cardinalities))
    thresholds = fit_thresholds(scored.probability, assigned, candidates, labels, types, config=config)
    model = TrainedModel(
        networks=networks,
        rounds=tuple(rounds),
        thresholds={name: threshold.probability for name, threshold in thresholds.items()},
        cardinalities=dict(cardinalities),
        vocabulary=vocabulary,
        model=config.model,
        scorer=config.scorer,
        sampling=config.sampling,
        seed=config.run.seed,
    )
    return Fitted(model, scored, thresholds)


def learning_options(config: Config) -> LearningOptions:
    """The settings of everything that is trained."""
    return LearningOptions(
        model=config.model, scorer=config.scorer, training=config.training, seed=config.run.seed
    )


def network_input(preparation: Preparation, config: Config) -> tuple[Vocabulary, PairTensors]:
    """A vocabulary of both graphs, and the graphs in it with sampled neighbourhoods, for a new network."""
    vocabulary = build_vocabulary(*preparation.graphs, preparation.schema)
    around = sample_both(preparation, sampling=config.sampling, seed=config.run.seed)
    return vocabulary, pair_tensors(preparation, vocabulary, around, device=config.run.device)


def fit_round(
    evidence: EvidenceTable,
    candidates: Candidates,
    labels: Labels,
    *,
    options: LearningOptions,
    progress: Progress = SILENT,
) -> tuple[ScoringRound, Scored]:
    """Train and calibrate the scorers of one round, and score every candidate with them."""
    scorers = fit_scorers(evidence, labels, options=options, progress=progress)
    return apply_scorers(scorers, evidence, candidates, labels)


def apply_scorers(
    scorers: tuple[EvidenceScorer, ...], evidence: EvidenceTable, candidates: Candidates, labels: Labels
) -> tuple[ScoringRound, Scored]:
    """Score every candidate with trained scorers, and calibrate on the labelled ones."""
    raw = raw_scores(scorers, evidence, labels)
    calibration = fit_calibration(raw, candidates, labels)
    score = calibration.scores(raw, (candidates.left, candidates.right))
    scored = Scored(evidence, raw, score, probabilities(score))
    return ScoringRound(scorers, evidence.names, calibration), scored


def fit_calibration(raw: Float32, candidates: Candidates, labels: Labels) -> Calibration:
    """Calibrate on the known pairs, or on all with the seeds where too few are known."""
    trusted = labels.trusted()
    leads = rival_leads(raw, (candidates.left, candidates.right))
    return calibrate(raw[trusted.places], leads[trusted.places], trusted.same, trusted.weight)


def fit_thresholds(
    probability: Float64,
    assigned: Bool,
    candidates: Candidates,
    labels: Labels,
    types: pl.Series,
    *,
    config: Config,
) -> dict[str, Threshold]:
    """Choose the least probability of each type on pairs whose labels were held out.

    Known pairs decide; seeds only where too few are known.

    assigned (P)   pairs that are the same if they are sure enough
    """
    trusted = labels.trusted()
    kept = assigned[trusted.places] & candidates.proposed[trusted.places]
    kinds = types.gather(trusted.places).to_numpy()
    held_out = {}
    for name in np.unique(kinds):
        of_type = kinds == name
        chosen = of_type & kept
        places = trusted.places[chosen]
        held_out[str(name)] = HeldOut(
            probability=probability[places],
            same=trusted.same[chosen],
            groups=candidates.left[places].astype(np.int64),
            matches=int(trusted.same[of_type].sum()),
        )
    return thresholds_by_type(held_out, options=config.decisions, seed=config.run.seed)
