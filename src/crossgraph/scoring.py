"""A trained model on prepared candidates: raw scores, log-odds, probabilities."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import torch

from crossgraph._space import IN_MEMORY, Space
from crossgraph._types import Float64
from crossgraph.blocking.names import name_keys
from crossgraph.checkpoint import TrainedModel
from crossgraph.comparing import believed_evidence
from crossgraph.contest import Contest
from crossgraph.engine import LOCAL, Engine
from crossgraph.evidence.table import EvidenceTable
from crossgraph.features.tokens import entity_tokens, number_scales, text_sketch
from crossgraph.learning import opinions, raw_scores
from crossgraph.model.inputs import Likeness, PairTensors, SideTensors
from crossgraph.model.seen import See
from crossgraph.preparation import Preparation
from crossgraph.progress import SILENT, Progress
from crossgraph.sampling import Neighbourhoods, SamplingOptions, sample_neighbourhoods
from crossgraph.sampling.shared import echoed_shares
from crossgraph.schema.vocabulary import Vocabulary, attribute_slots, directed_slots, entity_type_slots
from crossgraph.scored import Scored, settled

Shares: TypeAlias = tuple[Float64 | None, Float64 | None]
"""(2R) what each directed relation's chance is multiplied by on either side; None where it is not."""


def sample_both(
    preparation: Preparation, *, sampling: SamplingOptions, seed: int, shares: Shares | None = None
) -> tuple[Neighbourhoods, Neighbourhoods]:
    """The sampled neighbourhoods of both graphs; ``shares`` as of ``shares_of``, found if not given."""
    found = shares or shares_of(preparation, sampling)
    left, right = (
        sample_neighbourhoods(graph, adjacency, options=sampling, seed=seed, shares=own)
        for graph, adjacency, own in zip(preparation.graphs, preparation.adjacency, found, strict=True)
    )
    return left, right


def shares_of(preparation: Preparation, sampling: SamplingOptions) -> Shares:
    """What sampling multiplies the chances of relations by."""
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
