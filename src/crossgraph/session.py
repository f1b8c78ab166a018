"""The steps that the verbs share, from reading to writing a RESULT."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crossgraph._memory import keep_freed_memory, one_heap
from crossgraph._space import IN_MEMORY, Space
from crossgraph._types import Bool
from crossgraph.blocking.candidates import PairTypes
from crossgraph.blocking.singles import Singles
from crossgraph.caching import NO_CACHE, StageCache, evidence_form, proposed_form
from crossgraph.cardinality import single, singles_of
from crossgraph.checkpoint import TrainedModel, save_model
from crossgraph.comparing import gather_evidence
from crossgraph.concluding import concluded
from crossgraph.config import Config
from crossgraph.contest import Contest
from crossgraph.deciding import forbidden
from crossgraph.drawing.reliability import reliability_diagram
from crossgraph.encoding import require_encoder
from crossgraph.engine import LOCAL, Engine
from crossgraph.evidence.table import EvidenceTable
from crossgraph.features.description import describe
from crossgraph.features.meaning import TextEncoder
from crossgraph.fitting import fit
from crossgraph.graphs import read_pair
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.ground import store_ground
from crossgraph.inputs import Inputs, store_known
from crossgraph.labelling import cardinalities_of
from crossgraph.labels import Labels
from crossgraph.layout import ResultFolder
from crossgraph.looking import looks
from crossgraph.model.seen import Seen
from crossgraph.preparation import Graphs, Known, Preparation, prepared
from crossgraph.progress import Progress
from crossgraph.proposing import propose
from crossgraph.reporting import Run, report_of, store_report, workings_of
from crossgraph.results import write_scores, write_sssom
from crossgraph.schema.mapping import read_schema
from crossgraph.schema.seeds import EntityPairs
from crossgraph.schema.vocabulary import extended
from crossgraph.scored import Scored
from crossgraph.scoring import Shares, pair_tensors, sample_both, score_candidates, shares_of
from crossgraph.sights import Drawn, Sights, store_sights
from crossgraph.stages import StageClock


@dataclass(frozen=True)
class Session:
    """The steps that the verbs share, with one config, one clock, one place to report, and one for stages.

    engine    where the heavy work is done
    space     where large tables lie
    encoder   says what texts mean; None where n-grams alone count
    """

    config: Config
    clock: StageClock
    progress: Progress
    cache: StageCache = NO_CACHE
    engine: Engine = LOCAL
    space: Space = IN_MEMORY
    encoder: TextEncoder | None = None

    def _heap(self) -> AbstractContextManager[None]:
        """Keeps the memory of arrays that come and go, which may take more, unless there is a budget."""
        return one_heap() if self.space.budget is None else nullcontext()

    def read(self, inputs: Inputs) -> Graphs:
        """Read both graphs."""
        keep_freed_memory()
        with self.clock.stage("read"), self.progress.stage("read", None), one_heap():
            return read_pair(inputs.left, inputs.right, options=inputs.read)

    def prepare(
        self,
        graphs: Graphs,
        known: Known,
        *,
        keep: EntityPairs | None,
        inputs: Inputs,
        evidence: bool = True,
        halves: bool = False,
        singles: Singles | None = None,
    ) -> tuple[Preparation, EvidenceTable]:
        """Describe, map, block, and compare unless no evidence is wanted.

        halves    as of ``proposing.prepare``: where links are learned from
        singles   who has one partner at most; as settings say and known links show if not given
        """
        if singles is None:
            singles = singles_of(cardinalities_of(graphs[0], known, self.config))
        schema = read_schema(inputs.schema) if inputs.schema else None
        inherited = read_schema(ResultFolder(inputs.model).schema_file) if inputs.model else None
        cache = self.cache.on(*(graph.fingerprint() for graph in graphs), schema, inherited)
        for pairs in (known.same, known.different, *([] if keep is None else [keep])):
            cache = cache.on(pairs.left, pairs.right)
        cache = cache.on(self.config.schema, self.config.blocking, halves, singles)
        # Where a model is applied, nothing is learned.
        look = None if inputs.model else looks(self.config, engine=self.engine, space=self.space)
        if self.encoder is not None:
            cache = cache.on(self.encoder.fingerprint)
        with self.clock.stage("describe"), self.progress.stage("describe", None), one_heap():
            description = describe(*graphs, encoder=self.encoder, progress=self.progress)
        # What blocking needs no more is used by what compares: the system clears what it gives out again.
        with self._heap() if evidence else nullcontext():
            with self.clock.stage("block") as row:
                adjacency = Adjacency.of(graphs[0]), Adjacency.of(graphs[1])
                proposed = cache.recall(
                    "block",
                    lambda: propose(
                        graphs,
                        adjacency,
                        description,
                        known,
                        keep=keep,
                        schema=schema,
                        inherited=inherited,
                        schema_options=self.config.schema,
                        blocking=self.config.blocking,
                        halves=halves,
                        look=look,
                        singles=singles,
                        progress=self.progress,
                        nearest=self.engine.nearest,
                    ),
                    proposed_form(graphs, description),
                    row=row,
                )
                preparation = prepared(graphs, adjacency, description, known, proposed)
            if not evidence:
                return preparation, EvidenceTable.none(len(preparation.candidates))
            return preparation, self._compared(preparation, cache)

    def _compared(self, preparation: Preparation, cache: StageCache) -> EvidenceTable:
        with self.clock.stage("compare") as row:
            return cache.recall(
                "compare",
                lambda: gather_evidence(preparation, progress=self.progress, space=self.space),
                evidence_form(len(preparation.candidates), self.space),
                row=row,
            )

    def learn(
        self, preparation: Preparation, evidence: EvidenceTable, known: Known, labels: Labels
    ) -> tuple[Run, TrainedModel]:
        """Train on labels and decide."""
        barred = forbidden(preparation, self.config.decisions)
        with self._heap():
            fitted = fit(
                preparation,
                evidence,
                labels,
                config=self.config,
                clock=self.clock,
                known=known,
                barred=barred,
                cardinalities=cardinalities_of(preparation.graphs[0], known, self.config),
                progress=self.progress,
                cache=self.cache,
                engine=self.engine,
                space=self.space,
            )
            run = self.decide(preparation, known, fitted.scored, fitted.model, barred)
        run = replace(run, labels=labels, thresholds=fitted.thresholds, vectors=fitted.vectors)
        return run, fitted.model

    def apply(
        self, model: TrainedModel, preparation: Preparation, evidence: EvidenceTable, known: Known
    ) -> Run:
        """Score with a trained model and decide.

        Raises CheckpointError where the model knows texts by another encoder.
        """
        require_encoder(self.encoder, model.encoder, "the model")
        barred = forbidden(preparation, self.config.decisions)
        with self.clock.stage("sample"):
            vocabulary = extended(model.vocabulary, preparation.schema)
            around = sample_both(preparation, sampling=model.sampling, seed=model.seed)
            tensors = pair_tensors(preparation, vocabulary, around, device=self.config.run.device)
        with self._heap(), self.clock.stage("score"):
            candidates = preparation.candidates
            alone = single(model.cardinalities, PairTypes.of(candidates, preparation.graphs[0]))
            unlabelled = np.full(len(candidates), -1, dtype=np.int32)
            contest, see = (
                Contest(candidates, known, alone, barred, unlabelled),
                Seen(model.networks, tensors),
            )
            scored = score_candidates(
                model,
                tensors,
                preparation,
                evidence,
                contest,
                progress=self.progress,
                engine=self.engine,
                space=self.space,
                see=see,
            )
        return replace(self.decide(preparation, known, scored, model, barred), vectors=see.vectors)

    def decide(
        self, preparation: Preparation, known: Known, scored: Scored, model: TrainedModel, barred: Bool
    ) -> Run:
        """Decide which of the scored candidates are the same.

        barred (P)   those that a rule forbids, see ``deciding.forbidden``
        """
        return concluded(preparation, known, scored, model, barred, self.clock)

    def write(
        self,
        run: Run,
        model: TrainedModel,
        stage: ResultFolder,
        card: dict[str, Any],
        *,
        told: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Write all of a RESULT; its report.

        card   what was read, as ``inputs_card`` told it at that time: files may change or vanish meanwhile
        told   what the report says besides
        """
        with self.clock.stage("write"):
            write_scores(run.matches, stage.scores_file, names=run.preparation.candidates.name)
            write_sssom(run.matches, stage.matches_file)
            stage.config_file.write_text(self.config.to_toml(), encoding="utf8")
            stage.model_folder.mkdir()
            save_model(model, stage.model_folder)
            stage.schema_file.write_text(run.preparation.schema.to_toml(), encoding="utf8")
            store_known(run.known, run.preparation.graphs, stage)
            workings_of(run).save(stage.workings_file, run.preparation.graphs)
            shares = shares_of(run.preparation, model.sampling)
            description = run.preparation.description
            store_ground(
                run.preparation.graphs,
                description,
                shares,
                stage.ground_folder,
                names_from_iri=card["read"]["names_from_iri"],
            )
            if run.vectors:
                store_sights(_sights(run, model, shares), stage.ground_folder)
        report = report_of(run, inputs=card, config=self.config, clock=self.clock) | (told or {})
        store_report(report, stage)
        if report["held_out"]:
            picture = reliability_diagram(report["held_out"]["calibration"])
            stage.reliability_file.write_text(picture, encoding="utf8")
        return report


def _sights(run: Run, model: TrainedModel, shares: Shares) -> Sights:
    """What the networks of a run saw of entities alone, and whom they looked at beside them."""
    preparation = run.preparation
    around = sample_both(preparation, sampling=model.sampling, seed=model.seed, shares=shares)
    left, right = (Drawn.of(one, graph) for one, graph in zip(around, preparation.graphs, strict=True))
    return Sights(run.vectors, (left, right))
