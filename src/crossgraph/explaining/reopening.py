"""A RESULT opened again: its graphs, candidates and model, and every score as it was made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from crossgraph._types import Bool, Float64
from crossgraph.calibration import probabilities
from crossgraph.checkpoint import TrainedModel, load_model
from crossgraph.config import Config
from crossgraph.errors import ResultError
from crossgraph.evidence.table import EvidenceTable
from crossgraph.graphs.content import content_keys
from crossgraph.inputs import Inputs, config_of, inputs_of, stored_known
from crossgraph.labels import Labels, label_pairs
from crossgraph.learning import opinions, raw_scores
from crossgraph.model.inputs import PairTensors
from crossgraph.pipeline import Session, labels_for
from crossgraph.preparation import Graphs, Known, Preparation, believed_evidence
from crossgraph.progress import SILENT, Progress
from crossgraph.results import ResultFolder, read_scores
from crossgraph.schema.seeds import EntityPairs
from crossgraph.schema.vocabulary import Vocabulary, extended
from crossgraph.scoring import (
    Scored,
    contradicts,
    decide,
    keep_known,
    pair_tensors,
    pair_types,
    sample_both,
)
from crossgraph.stages import StageClock

# Scores further apart than this (log-odds) are not of the same graphs or libraries.
TOLERANCE = 0.05


@dataclass(frozen=True, eq=False)
class Reopened:
    """All that a score of a RESULT follows from.

    labels      what was learned from: a labelled pair is scored by the models that did not see its label
    rounds      what each round of scoring read and said of every candidate; the last one counts
    worth (P)   probabilities with what is known to differ at zero: what the assignment sees
    matched     (P) which candidates are called the same
    """

    config: Config
    model: TrainedModel
    vocabulary: Vocabulary
    known: Known
    preparation: Preparation
    labels: Labels | None
    tensors: PairTensors
    rounds: tuple[Scored, ...]
    worth: Float64
    matched: Bool

    @property
    def scored(self) -> Scored:
        """The last round."""
        return self.rounds[-1]

    def place(self, left: int, right: int) -> int:
        """Where a pair stands among the candidates; -1 where it is none."""
        return int(self.preparation.candidates.find(np.array([left]), np.array([right]))[0])


def reopen(
    result: Path,
    wanted: Callable[[Graphs], Iterable[tuple[str, str]]] = lambda _graphs: (),
    *,
    progress: Progress = SILENT,
) -> Reopened:
    """Read a RESULT's graphs and model, and score all its candidates as they were scored.

    wanted   tells pairs of identifiers that are to be candidates in any case

    Raises ResultError where the graphs or the model of the RESULT are not where it says, and for an
    identifier that a graph does not have.
    """
    folder = ResultFolder(result)
    config, card = config_of(folder), _card(folder)
    inputs = _inputs(folder, card)
    session = Session(config, StageClock(), progress)
    graphs = session.read(inputs)
    asked = _numbers(graphs, tuple(wanted(graphs)))
    known = stored_known(folder, graphs)
    keep = known.same.and_also(known.different)
    preparation, evidence = session.prepare(graphs, known, keep=keep, inputs=inputs)
    if (preparation.candidates.find(asked.left, asked.right) < 0).any():
        keep = keep.and_also(asked)
        preparation, evidence = session.prepare(graphs, known, keep=keep, inputs=inputs)
    model = load_model(folder.model_folder)
    opened = _scored(config, model, known, (preparation, evidence), card, progress)
    _note_other_scores(opened, folder, progress)
    return opened


def entity_number(graphs: Graphs, side: int, identifier: str) -> int:
    """The number of an entity. Raises ResultError naming an identifier that the graph does not have."""
    number = int(graphs[side].positions(pl.Series([identifier], dtype=pl.String))[0])
    if number < 0:
        raise ResultError(
            f"the {('left', 'right')[side]} graph has no entity {identifier!r}",
            hint="identifiers are written as in scores.parquet",
        )
    return number


def _numbers(graphs: Graphs, pairs: tuple[tuple[str, str], ...]) -> EntityPairs:
    left = [entity_number(graphs, 0, a) for a, _ in pairs]
    right = [entity_number(graphs, 1, b) for _, b in pairs]
    return EntityPairs.of(np.array(left, dtype=np.int32), np.array(right, dtype=np.int32))


def _card(folder: ResultFolder) -> dict[str, Any]:
    """What the report says of the inputs."""
    try:
        card: dict[str, Any] = json.loads(folder.report_file.read_text(encoding="utf8"))["inputs"]
    except (OSError, ValueError, KeyError) as error:
        raise ResultError(f"{folder.report_file} does not tell what the result is of: {error}") from error
    return card


def _inputs(folder: ResultFolder, card: dict[str, Any]) -> Inputs:
    """The inputs as the run had them: a mapping only where it was given one."""
    schema, model = (Path(card[key]) if card.get(key) else None for key in ("schema", "model"))
    if model is not None and not ResultFolder(model).schema_file.is_file():
        raise ResultError(
            f"{folder.path} was made with the model of {model}, which is not there any more",
            hint="put it back, or align again",
        )
    inputs = replace(inputs_of(folder), schema=schema, model=model, verb=str(card["verb"]))
    for path in (inputs.left, inputs.right, inputs.schema):
        if path is not None and not path.exists():
            raise ResultError(
                f"{path}, which {folder.path} was made of, is not there any more", hint="put it back"
            )
    return inputs


def _scored(
    config: Config,
    model: TrainedModel,
    known: Known,
    prepared: tuple[Preparation, EvidenceTable],
    card: dict[str, Any],
    progress: Progress,
) -> Reopened:
    preparation, evidence = prepared
    labels = None if card.get("model") else _labels(preparation, known, config, verb=str(card["verb"]))
    vocabulary = extended(model.vocabulary, preparation.schema) if labels is None else model.vocabulary
    around = sample_both(preparation, sampling=model.sampling, seed=model.seed)
    tensors = pair_tensors(preparation, vocabulary, around, device="cpu")
    heard = opinions(model.networks, tensors, preparation.candidates, labels, progress=progress)
    rounds = _rounds(model, preparation, EvidenceTable.beside([evidence, heard]), labels)
    candidates = preparation.candidates
    worth = np.where(contradicts(candidates, known), 0.0, rounds[-1].probability)
    matched = decide(
        candidates,
        worth,
        pair_types(candidates, preparation.graphs[0]),
        model.thresholds,
        assign=config.decisions.one_to_one,
    )
    matched = keep_known(candidates, matched, known)
    return Reopened(config, model, vocabulary, known, preparation, labels, tensors, rounds, worth, matched)


def _labels(preparation: Preparation, known: Known, config: Config, *, verb: str) -> Labels:
    if verb != "train":
        return labels_for(preparation, known, config.run.seed)
    pairs = known.same.and_also(known.different)
    same = np.arange(len(pairs)) < len(known.same)
    keys = content_keys(preparation.graphs[0])
    ends = pairs.left, pairs.right
    return label_pairs(preparation.candidates, ends, same, seed=config.run.seed, keys=keys)


def _rounds(
    model: TrainedModel, preparation: Preparation, together: EvidenceTable, labels: Labels | None
) -> tuple[Scored, ...]:
    candidates = preparation.candidates
    rounds: list[Scored] = []
    for step in model.rounds:
        read = together
        if rounds:
            believed = believed_evidence(preparation, rounds[-1].probability)
            read = EvidenceTable.beside([together, believed])
        read = read.arranged(step.columns)
        raw = raw_scores(step.scorers, read, labels)
        score = step.calibration.scores(raw, (candidates.left, candidates.right))
        rounds.append(Scored(read, raw, score, probabilities(score)))
    return tuple(rounds)


def _note_other_scores(opened: Reopened, folder: ResultFolder, progress: Progress) -> None:
    """Tell where the scores are not those that the RESULT holds."""
    stored = read_scores(folder.scores_file)
    graphs, candidates = opened.preparation.graphs, opened.preparation.candidates
    places = candidates.find(graphs[0].positions(stored["left"]), graphs[1].positions(stored["right"]))
    there = places >= 0
    apart = np.abs(opened.scored.score[places[there]] - stored["score"].to_numpy()[there])
    other = int((apart > TOLERANCE).sum()) + int((~there).sum())
    if other:
        progress.note(
            f"{other:,} of {len(stored):,} scores are not those of {folder.path}: "
            "its graphs or the libraries have changed since; what follows explains the new ones"
        )
