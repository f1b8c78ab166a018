"""Cross-fitting: every labelled pair gets a score from models that never saw its label.

Two networks, each trained on half of the labels, lend the other half their opinion; the pair scorers then
learn, fold by fold, from evidence and opinions that are as honest as they will be on new pairs. The
out-of-fold scores calibrate probabilities and choose thresholds, so no label is spent on holding out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from crossgraph._types import Float32
from crossgraph.blocking.candidates import Candidates
from crossgraph.evidence.competition import lead_columns
from crossgraph.evidence.table import EvidenceTable
from crossgraph.labels import FOLDS, Labels
from crossgraph.model.encoder import ModelOptions
from crossgraph.model.inputs import PairTensors
from crossgraph.model.network import CollectiveNetwork
from crossgraph.model.scorer import EvidenceScorer, ScorerOptions
from crossgraph.progress import SILENT, Progress
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.schema.vocabulary import Vocabulary
from crossgraph.training import TrainingOptions, train_network, train_scorer

# How much more an attribute with a counterpart weighs in an entity's vector at the start (log).
MAPPED_IMPORTANCE = 4.0
HALVES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class LearningOptions:
    """The options of everything that is trained."""

    model: ModelOptions = field(default_factory=ModelOptions)
    scorer: ScorerOptions = field(default_factory=ScorerOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    seed: int = 0


def fit_networks(
    tensors: PairTensors,
    candidates: Candidates,
    labels: Labels,
    vocabulary: Vocabulary,
    *,
    schema: SchemaMapping,
    options: LearningOptions,
    progress: Progress = SILENT,
) -> tuple[CollectiveNetwork, ...]:
    """One network for each half of the labels, trained on the other half."""
    networks = []
    for half in range(HALVES):
        torch.manual_seed(options.seed * HALVES + half)
        network = CollectiveNetwork(
            2 * vocabulary.relation_slots, vocabulary.attribute_slots, options.model
        ).to(tensors.sketch.device)
        network.level0.weigh(attribute_importance(vocabulary, schema))
        rng = np.random.default_rng((options.seed, half))
        seen = labels.take(labels.folds % HALVES != half)
        train_network(
            network, tensors, candidates, seen, options=options.training, rng=rng, progress=progress
        )
        networks.append(network)
    return tuple(networks)


def attribute_importance(vocabulary: Vocabulary, schema: SchemaMapping) -> Float32:
    """(slots) how much each attribute should weigh at first: those with a counterpart more, by its weight."""
    importance = np.zeros(vocabulary.attribute_slots, dtype=np.float32)
    for mapping in schema.attributes:
        for slot in (
            vocabulary.attributes_left.get(mapping.left, 0),
            vocabulary.attributes_right.get(mapping.right, 0),
        ):
            importance[slot] = max(importance[slot], MAPPED_IMPORTANCE * mapping.weight)
    return importance


def opinions(
    networks: tuple[CollectiveNetwork, ...],
    tensors: PairTensors,
    candidates: Candidates,
    labels: Labels | None = None,
    *,
    progress: Progress = SILENT,
) -> EvidenceTable:
    """What the networks say of every candidate, as columns ``collective:...``.

    A labelled pair hears only the network that did not learn from its half; all others their mean.
    """
    device = tensors.sketch.device
    left = torch.from_numpy(candidates.left).long().to(device)
    right = torch.from_numpy(candidates.right).long().to(device)
    said = np.zeros((len(networks), 3, len(candidates)), dtype=np.float32)
    with progress.stage("score: network", len(networks) * len(candidates), "pairs") as advance:
        for number, network in enumerate(networks):
            at = 0
            for out in network.compare_all(tensors, left, right):
                part = slice(at, at + len(out.logits))
                said[number, :, part] = torch.stack([out.logits, -out.distance, out.cosine]).cpu().numpy()
                at = part.stop
                advance(len(out.logits))
    mean = said.mean(axis=0)
    if labels is not None:
        mean[:, labels.places] = said[labels.folds % HALVES, :, labels.places].T
    pairs = (candidates.left, candidates.right)
    columns = lead_columns("collective", pairs, mean[0])
    return EvidenceTable.of({**columns, "collective:nearness": mean[1], "collective:cosine": mean[2]})


def fit_scorers(
    evidence: EvidenceTable, labels: Labels, *, options: LearningOptions, progress: Progress = SILENT
) -> tuple[EvidenceScorer, ...]:
    """One scorer for each fold, trained on the others."""
    values = evidence.values[labels.places]
    scorers = []
    with progress.stage("train: scorer", FOLDS, "folds") as advance:
        for fold in range(FOLDS):
            torch.manual_seed(options.seed * FOLDS + fold)
            scorer = EvidenceScorer(values.shape[1], options.scorer)
            seen = labels.folds != fold
            rng = np.random.default_rng((options.seed, fold))
            train_scorer(scorer, values[seen], labels.take(seen), options=options.training, rng=rng)
            scorers.append(scorer)
            advance(1)
    return tuple(scorers)


def raw_scores(
    scorers: tuple[EvidenceScorer, ...], evidence: EvidenceTable, labels: Labels | None = None
) -> Float32:
    """(P) mean score of the scorers; a labelled pair's comes from the one that did not learn from it."""
    said = np.stack([scorer.score(evidence.values) for scorer in scorers])
    mean: Float32 = said.mean(axis=0)
    if labels is not None:
        mean[labels.places] = said[labels.folds, labels.places]
    return mean
