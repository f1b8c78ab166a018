"""From prepared candidates and labels to a trained model with honest probabilities and thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache as once
from functools import partial
from typing import TypeAlias

import numpy as np

from crossgraph._space import IN_MEMORY, Space
from crossgraph._types import AnyArray, Bool, Float32, Float64, Int32, Vectors
from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.caching import NO_CACHE, Arrays, Form, StageCache, evidence_form, modules_form, opinions_form
from crossgraph.calibration import Calibration, calibrate, probabilities, rival_leads
from crossgraph.cardinality import ONE_TO_ONE, Cardinality, single
from crossgraph.checkpoint import ScoringRound, TrainedModel
from crossgraph.comparing import believed_evidence
from crossgraph.config import Config
from crossgraph.contest import Contest
from crossgraph.deciding import assignable, fit_thresholds
from crossgraph.decisions import LONE, Lone, Threshold
from crossgraph.engine import LOCAL, Engine
from crossgraph.evidence.table import EvidenceTable
from crossgraph.labels import FOLDS, HALVES, Labels
from crossgraph.learning import (
    LearningOptions,
    fit_networks,
    fit_scorers,
    opinions,
    raw_scores,
    scored_by_folds,
    untrained,
)
from crossgraph.model.inputs import PairTensors
from crossgraph.model.network import CollectiveNetwork
from crossgraph.model.options import TrainingOptions
from crossgraph.model.scorer import EvidenceScorer
from crossgraph.model.seen import Seen
from crossgraph.orphans import Missing, Orphans, Standing
from crossgraph.preparation import Known, Preparation
from crossgraph.progress import SILENT, Progress
from crossgraph.schema.vocabulary import Vocabulary, build_vocabulary
from crossgraph.scored import Scored, drifts
from crossgraph.scoring import pair_tensors, sample_both
from crossgraph.stages import StageClock

Weighed: TypeAlias = tuple[ScoringRound, Scored]
"""A trained and calibrated round, and what it says of every candidate."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained model, what it says of every candidate, and what the held-out labels say of it.

    scored       labelled candidates by the models that did not learn from them
    thresholds   type -> threshold with its expected precision and recall
    vectors      what the networks saw of entities alone
    """

    model: TrainedModel
    scored: Scored
    thresholds: dict[str, Threshold]
    vectors: Vectors = ()


def fit(
    preparation: Preparation,
    evidence: EvidenceTable,
    labels: Labels,
    *,
    config: Config,
    clock: StageClock,
    known: Known | None = None,
    barred: Bool | None = None,
    cardinalities: Mapping[str, Cardinality] = ONE_TO_ONE,
    progress: Progress = SILENT,
    cache: StageCache = NO_CACHE,
    engine: Engine = LOCAL,
    space: Space = IN_MEMORY,
) -> Fitted:
    """Train networks and scorers by cross-fitting, calibrate, and choose thresholds.

    known           links, which take their entities from others
    barred          (P) candidates that a rule forbids, see ``deciding.forbidden``
    cardinalities   how many partners entities of each type may have
    cache           where the outputs of stages that were finished before are, and those of this run go
    engine          where networks learn, and pairs are scored
    space           where large tables lie
    """
    candidates = preparation.candidates
    vocabulary = build_vocabulary(*preparation.graphs, preparation.schema)
    around = Around(
        clock, progress, cache.on(*_contents(preparation, labels), config.run.content), engine, space
    )
    networks, heard, vectors = fit_network(preparation, labels, vocabulary, config, around)
    types = PairTypes.of(candidates, preparation.graphs[0])
    contest = Contest.of(
        candidates, known or Known.nothing(), single(cardinalities, types), labels, barred=barred
    )
    pool = Pool.of(preparation, EvidenceTable.beside([evidence, heard]), contest, space=space)
    rounds, scored = fit_rounds(pool, labels, config, around)
    thresholds = fit_thresholds(
        scored.probability,
        assignable(candidates, scored.probability, types, cardinalities),
        candidates,
        labels,
        types,
        options=config.decisions,
        seed=config.run.seed,
        lone=scored.lone,
    )
    model = TrainedModel(
        networks=networks,
        rounds=rounds,
        thresholds={name: threshold.probability for name, threshold in thresholds.items()},
        cardinalities=dict(cardinalities),
        vocabulary=vocabulary,
        model=config.model,
        scorer=config.scorer,
        sampling=config.sampling,
        seed=config.run.seed,
        encoder=preparation.description.texts.encoder,
    )
    return Fitted(model, scored, thresholds, vectors)


def learning_options(config: Config) -> LearningOptions:
    """The settings of everything that is trained."""
    return LearningOptions(
        model=config.model, scorer=config.scorer, training=config.training, seed=config.run.seed
    )


def network_input(preparation: Preparation, config: Config) -> tuple[Vocabulary, PairTensors]:
    """A vocabulary of both graphs, and the graphs in it with sampled neighbourhoods, for a new network."""
    vocabulary = build_vocabulary(*preparation.graphs, preparation.schema)
    return vocabulary, network_tensors(preparation, vocabulary, config)


def network_tensors(preparation: Preparation, vocabulary: Vocabulary, config: Config) -> PairTensors:
    """The graphs in a vocabulary, with sampled neighbourhoods."""
    around = sample_both(preparation, sampling=config.sampling, seed=config.run.seed)
    return pair_tensors(preparation, vocabulary, around, device=config.run.device)


def apply_scorers(
    scorers: tuple[EvidenceScorer, ...], evidence: EvidenceTable, candidates: Candidates, labels: Labels
) -> Weighed:
    """Score every candidate with trained scorers, and calibrate on the labelled ones."""
    raw = raw_scores(scorers, evidence, labels)
    return weighed(scorers, raw, evidence, labels, contest=Contest.free(candidates))


def weighed(
    scorers: tuple[EvidenceScorer, ...],
    raw: Float32,
    evidence: EvidenceTable,
    labels: Labels,
    *,
    contest: Contest,
    missing: Missing | None = None,
) -> Weighed:
    """Calibrate a round on the labelled candidates: raw scores first, then how pairs stand in the contest.

    How much it counts to lead is told by entities without a counterpart too, as far as there are such. What
    is calibrated in the end are pairs of entities that have one: who has none is for the threshold to tell.

    raw (P)   what the scorers say of every candidate
    missing   what the labelled candidates would be without the matches; None where that tells nothing
    """
    leads = rival_leads(raw, contest.sides)
    if missing is None or missing.share <= 0:
        calibration = fit_calibration(raw, leads, labels)
        score = calibration.scores(raw, leads)
        standings = contest.standings(score)
        settlement, lone = fit_calibration(score, standings, labels), Lone.nobody()
    else:
        calibration = missing.calibration(Standing(raw, leads), missing.without)
        score = calibration.scores(raw, leads)
        # Here as below: of millions of pairs, no table stays longer than it is read.
        del leads
        orphans = missing.contested(calibration, contest)
        standings = contest.standings(score)
        aware = missing.calibration(Standing(score, standings), orphans)
        settlement, half = _as_known(aware, Standing(score, standings), labels)
        lone = missing.taken_for(settlement.scores(orphans.raw, orphans.leads), half=half)
    step = ScoringRound(scorers, evidence.names, calibration, settlement)
    score = settlement.scores(score, standings)
    return step, Scored(evidence, raw, score, probabilities(score), lone=lone)


def _as_known(aware: Calibration, standing: Standing, labels: Labels) -> tuple[Calibration, float]:
    """One that knows of orphans as one of pairs that have a counterpart, and the log-odds between."""
    telling = labels.telling()
    told = standing.take(telling.places)
    odds = aware.scores(told.raw, told.leads)
    own = calibrate(odds, np.zeros_like(odds), telling.same, telling.weight)
    return aware.then(own), own.offset


def fit_calibration(scores: AnyArray, standings: Float64, labels: Labels) -> Calibration:
    """Calibrate on the known pairs, or on all with the seeds where too few are known."""
    telling = labels.telling()
    return calibrate(scores[telling.places], standings[telling.places], telling.same, telling.weight)


@dataclass(frozen=True)
class Around:
    """Where a fit is measured, told, kept and done."""

    clock: StageClock
    progress: Progress
    cache: StageCache = NO_CACHE
    engine: Engine = LOCAL
    space: Space = IN_MEMORY


@dataclass(frozen=True, eq=False)
class Pool:
    """All candidates that scorers learn from and score.

    evidence     what the first round reads
    contest      whose pairs are each other's rivals
    kinds (P)    of which type the left entity of each is
    believed     what a later round reads besides, from the (P) probabilities of the one before
    """

    evidence: EvidenceTable
    contest: Contest
    kinds: Int32
    believed: Callable[[Float64], EvidenceTable]

    @staticmethod
    def of(preparation: Preparation, evidence: EvidenceTable, contest: Contest, *, space: Space) -> Pool:
        """Of what is prepared."""
        kinds = PairTypes.of(preparation.candidates, preparation.graphs[0]).codes
        return Pool(evidence, contest, kinds, partial(believed_evidence, preparation, space=space))


def fit_network(
    preparation: Preparation, labels: Labels, vocabulary: Vocabulary, config: Config, around: Around
) -> tuple[tuple[CollectiveNetwork, ...], EvidenceTable, Vectors]:
    """The trained networks, what they say of every candidate, and what they saw of entities alone."""
    options, clock, progress = learning_options(config), around.clock, around.progress
    candidates, schema = preparation.candidates, preparation.schema
    cache = around.cache.on(*_of_network(config))
    epochs = cache.epochs("network", HALVES)

    @once
    def tensors() -> PairTensors:
        with clock.stage("sample"):
            return network_tensors(preparation, vocabulary, config)

    def fresh() -> list[CollectiveNetwork]:
        return [untrained(vocabulary, schema, options, half) for half in range(HALVES)]

    def train() -> tuple[CollectiveNetwork, ...]:
        return fit_networks(
            tensors(),
            candidates,
            labels,
            vocabulary,
            schema=schema,
            options=options,
            progress=progress,
            teach=around.engine.teach,
            kept=epochs,
        )

    def opine() -> tuple[EvidenceTable, Vectors]:
        see, hear = Seen(networks, tensors()), around.engine.hear
        said = opinions(networks, tensors(), candidates, labels, progress=progress, hear=hear, see=see)
        return said.held(around.space), see.vectors

    if not (cache.has("network") and cache.has("opinions")):
        tensors()
    with clock.stage("train: network") as row:
        networks = cache.recall("network", train, modules_form(fresh, config.run.device), row=row)
        for one in epochs:
            one.drop()
    with clock.stage("score: network") as row:
        form = opinions_form(len(candidates), around.space)
        heard, vectors = cache.recall("opinions", opine, form, row=row)
    return networks, heard, vectors


def fit_rounds(
    pool: Pool, labels: Labels, config: Config, around: Around
) -> tuple[tuple[ScoringRound, ...], Scored]:
    """The rounds of scoring, each with its scorers, and what the last says; none from one on that drifts."""
    options, clock = learning_options(config), around.clock
    together = pool.evidence
    cache = around.cache.on(together.fingerprint(), *_of_scorers(config))
    cache = cache.on(*_of_contest(pool.contest))
    beliefs = evidence_form(len(pool.contest.candidates), around.space)
    rounds: list[ScoringRound] = []
    read, scored = together, None
    for number in range(1, config.training.rounds + 1):
        if scored is not None:
            with clock.stage(f"compare: believed, round {number}") as row:
                believe = partial(pool.believed, scored.probability)
                believed = cache.recall(f"believed{number}", believe, beliefs, row=row)
            read = EvidenceTable.beside([together, believed])
        with clock.stage(f"train: scorer, round {number}") as row:
            train = partial(_round, read, labels, pool, options, around)
            step, told = cache.recall(f"round{number}", train, _round_form(read, options), row=row)
        if scored is not None and drifts(told.score, scored.score, labels):
            around.progress.note(f"round {number} is left out: held-out pairs are told worse than before it")
            break
        scored = told.following(scored)
        rounds.append(step)
    assert scored is not None  # at least one round, see TrainingOptions
    return tuple(rounds), scored


def _round(
    evidence: EvidenceTable, labels: Labels, pool: Pool, options: LearningOptions, around: Around
) -> Weighed:
    values = evidence.rows(labels.places)
    orphans = Orphans.of(evidence.names, values, labels, pool.contest.candidates)
    scorers = fit_scorers(*orphans.beside(values, labels), options=options, progress=around.progress)
    raw = raw_scores(scorers, evidence, labels, score=around.engine.score)
    own = scored_by_folds(scorers, EvidenceTable(evidence.names, (orphans.values,)), orphans.labels.folds)
    missing = Missing.of(orphans, own, raw, labels, pool.contest.candidates, pool.kinds)
    return weighed(scorers, raw, evidence, labels, contest=pool.contest, missing=missing)


def _round_form(evidence: EvidenceTable, options: LearningOptions) -> Form[Weighed]:
    """Of a round that reads this evidence."""
    columns = len(evidence.names)
    scorers = modules_form(
        lambda: [EvidenceScorer(columns, options.scorer) for _ in range(FOLDS)], device="cpu"
    )

    def pack(weighed: Weighed) -> Arrays:
        step, told = weighed
        fitted = [list(asdict(one).values()) for one in (step.calibration, step.settlement)]
        return {
            **scorers.pack(step.scorers),
            "raw": told.raw,
            "score": told.score,
            "fitted": np.array(fitted),
            **{f"lone.{name}": np.asarray(getattr(told.lone, name)) for name in LONE},
        }

    def unpack(arrays: Arrays) -> Weighed:
        raw, score, fitted = (arrays.pop(name) for name in ("raw", "score", "fitted"))
        if not len(raw) == len(score) == len(evidence):
            raise ValueError(f"{len(raw)} scores for {len(evidence)} pairs")
        calibration, settlement = (Calibration(*map(float, one)) for one in fitted)
        lone = Lone.of(*(arrays.pop(f"lone.{name}") for name in LONE))
        step = ScoringRound(scorers.unpack(arrays), evidence.names, calibration, settlement)
        return step, Scored(evidence, raw, score, probabilities(score), lone=lone)

    return Form(pack, unpack)


def _contents(preparation: Preparation, labels: Labels) -> tuple[object, ...]:
    """All that training reads, but for settings: what a cache knows its outputs by."""
    candidates, seeds = preparation.candidates, preparation.seeds
    return (
        *(graph.fingerprint() for graph in preparation.graphs),
        preparation.schema,
        *(candidates.left, candidates.right, candidates.name, seeds.left, seeds.right),
        *(labels.places, labels.same, labels.weight, labels.folds, labels.known),
    )


def _of_network(config: Config) -> tuple[object, ...]:
    """The settings that a trained network depends on."""
    return config.model, config.sampling, _training(config.training, scorer=False)


def _of_scorers(config: Config) -> tuple[object, ...]:
    """The settings that trained scorers depend on, beside what they read."""
    return config.scorer, _training(config.training, scorer=True)


def _of_contest(contest: Contest) -> tuple[object, ...]:
    known = contest.known
    pairs = (known.same.left, known.same.right, known.different.left, known.different.right)
    return (*pairs, *contest.alone, contest.barred, contest.folds)


def _training(options: TrainingOptions, *, scorer: bool) -> dict[str, object]:
    """The settings of training of the scorers, or of the network; rounds change neither."""
    return {
        name: value
        for name, value in asdict(options).items()
        if name != "rounds" and (name == "weight_decay" or name.startswith("scorer_") == scorer)
    }
