"""A look at few candidates before blocking ends: what scorers say of them without any network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossgraph._space import IN_MEMORY, Space
from crossgraph.blocking.candidates import PairTypes
from crossgraph.calibration import log_losses
from crossgraph.cardinality import single
from crossgraph.comparing import gather_evidence
from crossgraph.config import Config
from crossgraph.contest import Contest
from crossgraph.decisions import DecisionOptions
from crossgraph.engine import LOCAL, Engine
from crossgraph.errors import NonFiniteLossError
from crossgraph.fitting import Around, Pool, fit_rounds
from crossgraph.labelling import cardinalities_of, labels_found
from crossgraph.model.options import TrainingOptions
from crossgraph.preparation import Known, Preparation
from crossgraph.progress import SILENT
from crossgraph.proposing import Judged, Look
from crossgraph.stages import StageClock


def looks(config: Config, *, engine: Engine = LOCAL, space: Space = IN_MEMORY) -> Look | None:
    """What judges candidates by their evidence alone; None where the settings want none.

    Names and neighbours that a quick estimate adds up are weighed here by what labels tell, so that the next
    round of blocking believes the right ones of namesakes. Where a graph has no edges, and so nobody has
    neighbours to believe in, it is looked for pairs that teach beside known links, and not at all
    where these alone teach. One round of scorers that see their pairs a few times is enough for that, and
    takes a fraction of what networks take. Of all settings only those that say how many partners an entity
    may have count: blocking is the same for all others, and for all seeds.
    """
    if not config.blocking.looks:
        return None
    around = Around(StageClock(), SILENT, engine=engine, space=space)
    return lambda preparation, known: _look(preparation, known, config.decisions, around)


def _look(
    preparation: Preparation, known: Known, decisions: DecisionOptions, around: Around
) -> Judged | None:
    config = Config(decisions=decisions, training=briefly(TrainingOptions()))
    labels = labels_found(preparation, known, config)
    linked = all(len(graph.heads) for graph in preparation.graphs)
    if not labels.same.any() or (labels.known.all() and not linked):
        return None
    candidates = preparation.candidates
    evidence = gather_evidence(preparation, space=around.space)
    types = PairTypes.of(candidates, preparation.graphs[0])
    alone = single(cardinalities_of(preparation.graphs[0], known, config), types)
    contest = Contest.of(candidates, known, alone, labels)
    pool = Pool.of(preparation, evidence, contest, space=around.space)
    try:
        _, scored = fit_rounds(pool, labels, config, around)
    except NonFiniteLossError:
        # Blocking does without; no setting would mend it.
        return None
    loss, same = np.full(len(candidates), np.nan), np.zeros(len(candidates), dtype=bool)
    telling = labels.telling()
    same[telling.places] = telling.same
    loss[telling.places] = telling.weight * log_losses(scored.score[telling.places], telling.same)
    return Judged(candidates, scored.probability, loss, same)


def briefly(training: TrainingOptions) -> TrainingOptions:
    """The same for a single round of scorers, with a third of the steps."""
    return replace(
        training,
        rounds=1,
        scorer_epochs=max(1, training.scorer_epochs // 3),
        scorer_steps=max(1, training.scorer_steps // 3),
    )
