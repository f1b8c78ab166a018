"""update(): a RESULT that follows the changes of its graphs, at the cost of what they touch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from crossgraph._memory import keep_freed_memory
from crossgraph._types import Int32, Int64
from crossgraph.blocking.candidates import PairTypes
from crossgraph.cardinality import single, singles_of
from crossgraph.concluding import concluded
from crossgraph.config import Config
from crossgraph.contest import Contest
from crossgraph.deciding import forbidden
from crossgraph.errors import NoCandidatesError
from crossgraph.features.meaning import TextEncoder
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.graphs.changes import Changes, Since, read_changes
from crossgraph.graphs.evolved import evolved
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.parquet import store_parquet
from crossgraph.graphs.readers import with_iri_names
from crossgraph.ground import SIDES, Ground, keep_ground, store_vectors
from crossgraph.inputs import config_of, digest, encoder_for, read_card, stored_known
from crossgraph.layout import ResultFolder
from crossgraph.plain.hearing import heard
from crossgraph.plain.model import PlainModel, load_plain
from crossgraph.plain.network import PlainNetwork
from crossgraph.preparation import Graphs, Preparation
from crossgraph.progress import SILENT, Progress
from crossgraph.reporting import Run, report_of, store_report, summary_of
from crossgraph.results import (
    existing_result,
    name_again,
    prepare_result,
    put_back,
    staging,
    write_scores,
    write_sssom,
)
from crossgraph.reviewing.labels import labels_of as answers_of
from crossgraph.reviewing.ledger import hand_on
from crossgraph.schema.mapping import read_schema
from crossgraph.schema.vocabulary import extended
from crossgraph.sights import stored_sights
from crossgraph.stages import StageClock
from crossgraph.updating.before import Before, before, moved_of
from crossgraph.updating.blocking import Reblocker
from crossgraph.updating.rescoring import Hear, Rescored, Rescorer
from crossgraph.updating.seeing import Sight
from crossgraph.updating.touched import Touched
from crossgraph.workings import Workings


@dataclass(frozen=True)
class Updated:
    """What an update leaves: the RESULT folder, rows to show, and the report."""

    path: Path
    summary: list[tuple[str, str]]
    report: dict[str, Any]


@dataclass(frozen=True)
class ChangeFiles:
    """What changed on either side; None where nothing did."""

    left: Path | None = None
    right: Path | None = None


def update(
    result: Path,
    files: ChangeFiles,
    out: Path | None = None,
    *,
    force: bool = False,
    everything: bool = False,
    progress: Progress = SILENT,
) -> Updated:
    """Make a RESULT follow the changes of its graphs, with the model as it is.

    Who is touched is blocked again and its pairs are scored again; all others keep their raw scores. All are
    set against each other and decided anew. What comes out depends on the graphs as they were aligned and as
    they are now, not on the steps in between. Without ``out`` the new RESULT takes the place of the old one,
    whole and at once; the ledger goes along anyway.

    Few pairs are scored on arrays. BLAS has threads of its own for their matrices, which cost more than they
    save: the verb says ``OPENBLAS_NUM_THREADS=1`` before numpy is loaded, and so may you.

    everything   score all candidates again, to see what was saved and what that changes
    raises       ResultError if ``result`` is none or keeps nothing for updates, GraphFormatError with all
                 faults of the files
    """
    keep_freed_memory()
    put_back(result)
    source = existing_result(result)
    config, card = config_of(source), read_card(source)
    target = result if out is None or out.absolute() == result.absolute() else out
    in_place = target == result
    folder = prepare_result(target, force=force or in_place)
    model = _model(source, config)
    encoder = encoder_for(source, config, model.encoder)
    with staging(folder.path, replace=force or in_place) as stage:
        stage.model_folder.mkdir()
        _keep_known(source, stage)
        work = _Work(source, card, config, StageClock(), progress, encoder)
        state = work.changed(files)
        preparation, contest, rescored, counts = work.scored(state, model, stage, everything=everything)
        run = concluded(preparation, contest.known, rescored.scored, model, contest.barred, work.clock)
        report = work.write(state, run, contest, rescored, stage, counts)
        if not in_place:
            hand_on(source, folder, stage)
    return Updated(folder.path, summary_of_update(report), report)


def _model(source: ResultFolder, config: Config) -> PlainModel:
    model = load_plain(source.model_folder)
    return replace(model, cardinalities=config.decisions.cardinalities(model.cardinalities))


def _keep_known(source: ResultFolder, stage: ResultFolder) -> None:
    """What was known, with what people answered since; also of entities that are gone, who may come back."""
    links = source.linked_file if source.linked_file.is_file() else source.known_file
    answers = answers_of(source.path).table().select("left", "right", same=pl.col("label") == 1)
    if not len(answers):
        # What was answered and taken back is known no more.
        name_again(links, stage.known_file)
        return
    table = pl.read_parquet(links)
    store_parquet(table, stage.linked_file)
    rest = table.join(answers, on=["left", "right"], how="anti", maintain_order="left")
    store_parquet(pl.concat([rest, answers]), stage.known_file)


@dataclass(frozen=True, eq=False)
class _State:
    """The graphs as they are now.

    changes          since they were aligned
    latest           how many statements the files of this update added and deleted
    numbers (E)      of each side: what the entities are now as they were aligned; -1 for those that are gone
    """

    ground: Ground
    changes: tuple[Changes, Changes]
    latest: list[dict[str, int]]
    graphs: Graphs
    numbers: tuple[Int32, Int32]


@dataclass(frozen=True, eq=False)
class _Work:
    """One update of a RESULT."""

    source: ResultFolder
    card: dict[str, Any]
    config: Config
    clock: StageClock
    progress: Progress
    encoder: TextEncoder | None

    def changed(self, files: ChangeFiles) -> _State:
        """Read the changes and apply them."""
        with self.clock.stage("read"), self.progress.stage("read", None):
            ground = Ground.load(self.source.ground_folder, self.encoder)
            changes, latest, graphs, numbers = [], [], [], []
            given = ground.graphs, ground.asides, ground.changes, ground.ids, (files.left, files.right)
            for first, aside, former, ids, file in zip(*given, strict=True):
                later, notes = read_changes(file, Since(first, aside, former))
                for note in notes:
                    self.progress.note(note)
                changes.append(former.then(later))
                latest.append({"added": len(later.added), "deleted": len(later.deleted)})
                graph, places = evolved(first, changes[-1])
                if self.card["read"]["names_from_iri"]:
                    graph = KnowledgeGraph.from_tables(with_iri_names(graph.tables()))
                    places = graph.positions(ids)
                graphs.append(graph)
                numbers.append(places)
        pairs = (changes[0], changes[1]), latest, (graphs[0], graphs[1]), (numbers[0], numbers[1])
        return _State(ground, *pairs)

    def scored(
        self, state: _State, model: PlainModel, stage: ResultFolder, *, everything: bool
    ) -> tuple[Preparation, Contest, Rescored, dict[str, Any]]:
        """Block and score what is touched."""
        clock, graphs = self.clock, state.graphs
        schema = read_schema(self.source.schema_file)
        with clock.stage("describe"):
            known = stored_known(stage, graphs)
            adjacency = Adjacency.of(graphs[0]), Adjacency.of(graphs[1])
            moved = moved_of(state.numbers, graphs, state.changes)
            former = before(state.ground, _workings(self.source), graphs, moved, schema)
            touched = tuple(
                Touched.of(*parts) for parts in zip(graphs, adjacency, moved, state.changes, strict=True)
            )
            both = touched[0], touched[1]
        with clock.stage("block"):
            blocked = Reblocker(
                graphs,
                schema,
                former,
                both,
                known,
                self.config.blocking,
                singles_of(model.cardinalities),
            ).reblocked()
        if not len(blocked.candidates):
            raise NoCandidatesError(
                "the changes leave no two entities to compare", hint="align the graphs as they are now"
            )
        preparation = Preparation(
            graphs=graphs,
            adjacency=adjacency,
            description=former.description,
            schema=schema,
            candidates=blocked.candidates,
            seeds=known.same,
            weighing=blocked.weighing,
        )
        vocabulary = model.vocabulary
        if self.card.get("model"):
            vocabulary = extended(vocabulary, schema)

        with clock.stage("score"):
            contest = Contest(
                candidates=blocked.candidates,
                known=known,
                alone=single(model.cardinalities, PairTypes.of(blocked.candidates, graphs[0])),
                barred=forbidden(preparation, self.config.decisions),
                folds=_folds(former, blocked.former),
            )
            ids = state.ground.ids
            sizes = len(ids[0]), len(ids[1])
            sights = None if everything else stored_sights(self.source.ground_folder, sizes)
            sight = Sight(preparation, state.ground, vocabulary, model, both, sights)
            rescorer = Rescorer(
                preparation,
                former,
                blocked.former,
                contest,
                both,
                model,
                sight,
                self._hear(model),
                everything=everything,
            )
            rescored = rescorer.rescored()
        return preparation, contest, rescored, _counts(both, former, blocked.former, rescored)

    def _hear(self, model: PlainModel) -> Hear:
        """By arrays, which need no torch, or where these cannot tell what networks say, by tensors."""
        if PlainNetwork.can(model.model):
            return partial(heard, model.networks)
        from crossgraph.updating.tensors import heard_by_tensors

        return partial(heard_by_tensors, self.source.model_folder)

    def write(
        self,
        state: _State,
        run: Run,
        contest: Contest,
        rescored: Rescored,
        stage: ResultFolder,
        counts: dict[str, Any],
    ) -> dict[str, Any]:
        """Write all of the new RESULT; its report."""
        source, preparation = self.source, run.preparation
        with self.clock.stage("write"):
            write_scores(run.matches, stage.scores_file, names=preparation.candidates.name)
            write_sssom(run.matches, stage.matches_file)
            for file in (
                source.config_file,
                source.reliability_file,
                source.schema_file,
                *(file for file in source.model_folder.iterdir() if file.name.startswith("model.")),
            ):
                if file.is_file():
                    name_again(file, stage.path / file.relative_to(source.path))
            Workings(
                candidates=preparation.candidates,
                weighing=preparation.weighing,
                said=rescored.said,
                raw=np.stack([raw for raw, _ in run.scored.rounds]),
                score=np.stack([score for _, score in run.scored.rounds]),
                folds=contest.folds,
                matched=run.matches.table["matched"].to_numpy(),
            ).save(stage.workings_file, preparation.graphs)
            keep_ground(source.ground_folder, stage.ground_folder, state.changes, name_again)
            store_vectors(preparation.description.texts.meanings, stage.vectors_folder)
            if not _workings(stage).is_relative_to(stage.ground_folder):
                name_again(source.workings_file, stage.ground_folder / stage.workings_file.name)
        old = source.read_report()
        paths = [stage.ground_folder / side for side in SIDES]
        card = self.card | {
            "left": str(paths[0].relative_to(stage.path)),
            "right": str(paths[1].relative_to(stage.path)),
            "digest": digest(paths),
        }
        report = report_of(run, inputs=card, config=self.config, clock=self.clock)
        report["counts"]["labelled_candidates"] = int((contest.folds >= 0).sum())
        report |= {name: old[name] for name in ("held_out", "thresholds")}
        report["without_counterpart"] = old.get("without_counterpart", 0.0)
        report["updated"] = {
            "changes": dict(zip(SIDES, state.latest, strict=True)),
            "since_aligned": {
                side: {"added": len(one.added), "deleted": len(one.deleted)}
                for side, one in zip(SIDES, state.changes, strict=True)
            },
            **counts,
        }
        store_report(report, stage)
        return report


def _workings(source: ResultFolder) -> Path:
    """Those of the RESULT as it was aligned."""
    first = source.ground_folder / source.workings_file.name
    return first if first.is_file() else source.workings_file


def _folds(former: Before, places: Int64) -> Int32:
    """(P) of labelled pairs, also where their facts changed: a label is about who they are."""
    folds, old = np.full(len(places), -1, dtype=np.int32), places >= 0
    folds[old] = former.folds[places[old]]
    return folds


def _counts(
    touched: tuple[Touched, Touched], former: Before, places: Int64, rescored: Rescored
) -> dict[str, Any]:
    kept = int((places >= 0).sum())
    return {
        "touched": {
            side: {
                "new": int(one.new.sum()),
                "blocked_again": int(one.blocked.sum()),
                "few_other_edges": int(one.edged.sum()),
            }
            for side, one in zip(SIDES, touched, strict=True)
        },
        "candidates": {
            "new": len(places) - kept,
            "gone": len(former.candidates) - kept,
            "seen_again_by_networks": rescored.asked,
            "scored_again": rescored.again,
            "reused": len(places) - rescored.again,
        },
    }


def summary_of_update(report: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows that a person wants to see first: what changed, and what that touched."""
    updated = report["updated"]
    pairs = updated["candidates"]
    rows = []
    for side in SIDES:
        said, touched = updated["changes"][side], updated["touched"][side]
        rows.append(
            (
                f"{side} changes",
                f"{said['added']:,} added, {said['deleted']:,} deleted; since it was aligned, "
                f"{touched['blocked_again']:,} entities to be blocked again, {touched['new']:,} of them new",
            )
        )
    rows.append(
        ("scored again", f"{pairs['scored_again']:,} candidates; {pairs['reused']:,} keep their raw scores")
    )
    return [*rows, *summary_of(report)]
