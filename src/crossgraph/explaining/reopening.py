"""A RESULT opened again: its graphs, candidates and model, and every score as it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from crossgraph._types import AnyArray, Bool, Float32, Float64, Int32
from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.calibration import probabilities
from crossgraph.cardinality import single
from crossgraph.checkpoint import TrainedModel, load_model
from crossgraph.config import Config
from crossgraph.contest import Contest
from crossgraph.deciding import contradicts, forbidden
from crossgraph.errors import ResultError
from crossgraph.features.description import describe
from crossgraph.graphs import read_pair
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.inputs import config_of, encoder_for, inputs_of, read_card, stored_known
from crossgraph.layout import ResultFolder
from crossgraph.model.inputs import PairTensors
from crossgraph.preparation import Graphs, Known, Preparation, Proposed, prepared
from crossgraph.progress import SILENT, Progress
from crossgraph.schema.mapping import read_schema
from crossgraph.schema.seeds import EntityPairs
from crossgraph.schema.vocabulary import Vocabulary, extended
from crossgraph.scored import calibrated
from crossgraph.scoring import pair_tensors, sample_both
from crossgraph.workings import Workings


@dataclass(frozen=True, eq=False)
class Round:
    """What one round of scoring said of every candidate.

    raw          before calibration
    calibrated   in log-odds, before pairs were set against each other
    score        in log-odds
    """

    raw: Float32
    calibrated: Float64
    score: Float64
    probability: Float64


@dataclass(frozen=True, eq=False)
class Reopened:
    """All that a score of a RESULT follows from.

    heard (P)    the networks' score of each candidate
    contest      whose candidates are each other's rivals
    rounds       what each round of scoring said of every candidate; the last one counts
    worth (P)    probabilities with what is known to differ or forbidden at zero: what the assignment sees
    matched (P)  which candidates are called the same
    strange (P)  pairs that the RESULT did not score and somebody asks for; their log-odds are minus infinity,
                 so that they are no rivals of others
    """

    config: Config
    model: TrainedModel
    vocabulary: Vocabulary
    known: Known
    preparation: Preparation
    tensors: PairTensors
    heard: Float32
    contest: Contest
    rounds: tuple[Round, ...]
    worth: Float64
    matched: Bool
    strange: Bool

    @property
    def folds(self) -> Int32:
        """(P) the fold of a labelled candidate, which the models that saw its label do not score; -1."""
        return self.contest.folds

    @property
    def scored(self) -> Round:
        """The last round."""
        return self.rounds[-1]

    def place(self, left: int, right: int) -> int:
        """Where a pair stands among the candidates; -1 where it is none."""
        return int(self.preparation.candidates.find(np.array([left]), np.array([right]))[0])


def reopen(
    result: Path,
    wanted: Callable[[Graphs], Iterable[tuple[str, str]]] = lambda _graphs: (),
    *,
    graphs: Graphs | None = None,
    progress: Progress = SILENT,
) -> Reopened:
    """Read a RESULT's graphs, its model, and what it keeps of its candidates.

    wanted   tells pairs of identifiers that are to be candidates in any case
    graphs   those of the RESULT, where they are read already

    Raises ResultError where the graphs or the model of the RESULT are not where it says or have changed
    since, and for an identifier that a graph does not have.
    """
    folder = ResultFolder(result)
    config, model = config_of(folder), load_model(folder.model_folder)
    if graphs is None:
        with progress.stage("read", None):
            graphs = _read(folder)
    asked = _numbers(graphs, tuple(wanted(graphs)))
    known = stored_known(folder, graphs)
    with progress.stage("describe", None):
        encoder = encoder_for(folder, config, model.encoder)
        description = describe(*graphs, encoder=encoder, progress=progress)
        schema = read_schema(folder.schema_file)
    kept = Workings.load(folder.workings_file, graphs, description, schema)
    proposed = Proposed(schema, kept.candidates, kept.weighing)
    adjacency = Adjacency.of(graphs[0]), Adjacency.of(graphs[1])
    preparation = prepared(graphs, adjacency, description, known, proposed)
    vocabulary = extended(model.vocabulary, schema) if _applied(folder) else model.vocabulary
    with progress.stage("sample", None):
        around = sample_both(preparation, sampling=model.sampling, seed=model.seed)
        tensors = pair_tensors(preparation, vocabulary, around, device="cpu")
    alone = single(model.cardinalities, PairTypes.of(kept.candidates, graphs[0]))
    forbade = forbidden(preparation, config.decisions)
    contest = Contest(kept.candidates, known, alone, forbade, kept.folds)
    rounds = _rounds(model, kept)
    barred = contradicts(kept.candidates, known, alone) | forbade
    opened = Reopened(
        config=config,
        model=model,
        vocabulary=vocabulary,
        known=known,
        preparation=preparation,
        tensors=tensors,
        heard=kept.said[0],
        contest=contest,
        rounds=rounds,
        worth=np.where(barred, 0.0, rounds[-1].probability),
        matched=kept.matched,
        strange=np.zeros(len(kept.candidates), dtype=bool),
    )
    return with_strangers(opened, asked)


def entity_number(graphs: Graphs, side: int, identifier: str) -> int:
    """The number of an entity. Raises ResultError naming an identifier that the graph does not have."""
    number = graphs[side].position(identifier)
    if number < 0:
        sides, hint = ("left", "right"), "identifiers are written as in scores.parquet"
        if graphs[1 - side].position(identifier) >= 0:
            hint = f"it is an entity of the {sides[1 - side]} graph: exchange the two"
        raise ResultError(f"the {sides[side]} graph has no entity {identifier!r}", hint=hint)
    return number


def _numbers(graphs: Graphs, pairs: tuple[tuple[str, str], ...]) -> EntityPairs:
    left = [entity_number(graphs, 0, a) for a, _ in pairs]
    right = [entity_number(graphs, 1, b) for _, b in pairs]
    return EntityPairs.of(np.array(left, dtype=np.int32), np.array(right, dtype=np.int32))


def _read(folder: ResultFolder) -> Graphs:
    inputs = inputs_of(folder)
    for path in (inputs.left, inputs.right):
        if path is not None and not path.exists():
            raise ResultError(
                f"{path}, which {folder.path} was made of, is not there any more", hint="put it back"
            )
    return read_pair(inputs.left, inputs.right, options=inputs.read)


def _applied(folder: ResultFolder) -> bool:
    """True where the model was trained on other graphs."""
    return bool(read_card(folder).get("model"))


def _rounds(model: TrainedModel, kept: Workings) -> tuple[Round, ...]:
    return tuple(
        Round(raw, calibrated(step.calibration, raw, kept.candidates), score, probabilities(score))
        for step, raw, score in zip(model.rounds, kept.raw, kept.score, strict=True)
    )


def with_strangers(opened: Reopened, asked: EntityPairs) -> Reopened:
    """The same with these pairs among the candidates, those that the RESULT did not score as strangers."""
    candidates = opened.preparation.candidates
    missing = candidates.without(asked)
    if not len(missing):
        return opened
    united = Candidates.stacked([candidates, missing])
    places = united.find(candidates.left, candidates.right)

    def spread(values: AnyArray, fill: float) -> AnyArray:
        out = np.full(len(united), fill, dtype=values.dtype)
        out[places] = values
        return out

    never, contest = -np.inf, opened.contest
    return replace(
        opened,
        preparation=replace(opened.preparation, candidates=united),
        heard=spread(opened.heard, never),
        contest=Contest(
            candidates=united,
            known=opened.known,
            alone=(spread(contest.alone[0], True), spread(contest.alone[1], True)),
            barred=spread(contest.barred, False),
            folds=spread(opened.folds, -1),
        ),
        rounds=tuple(
            Round(
                spread(one.raw, never),
                spread(one.calibrated, never),
                spread(one.score, never),
                spread(one.probability, 0.0),
            )
            for one in opened.rounds
        ),
        worth=spread(opened.worth, 0.0),
        matched=spread(opened.matched, False),
        strange=spread(opened.strange, True),
    )
