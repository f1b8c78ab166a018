"""learn(): a RESULT made anew with what people answered about it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from crossgraph.config import Config
from crossgraph.devices import require_device
from crossgraph.encoding import encoder_of
from crossgraph.errors import ResultError
from crossgraph.graphs.links import Links
from crossgraph.inputs import (
    Inputs,
    config_of,
    digest,
    inputs_of,
    links_known,
    read_card,
    store_links,
    stored_known,
    stored_links,
)
from crossgraph.labelling import labels_of
from crossgraph.layout import ResultFolder
from crossgraph.preparation import Graphs, Known
from crossgraph.progress import SILENT, Progress
from crossgraph.reporting import summary_of
from crossgraph.results import prepare_result, put_back, staging
from crossgraph.reviewing.changes import (
    Changes,
    Scores,
    read_changes,
    read_learned,
    told_calibration,
)
from crossgraph.reviewing.labels import about
from crossgraph.reviewing.labels import labels_of as answers_of
from crossgraph.reviewing.ledger import hand_on
from crossgraph.reviewing.material import SIDES
from crossgraph.reviewing.views import GraphView
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.session import Session
from crossgraph.stages import StageClock


@dataclass(frozen=True)
class Learned:
    """What learning leaves: the RESULT folder, rows to show, the report, and the pairs that flipped.

    ``read_changes`` tells the columns of ``flipped``.
    """

    path: Path
    summary: list[tuple[str, str]]
    report: dict[str, Any]
    flipped: pl.DataFrame


def learn(
    result: Path,
    out: Path | None = None,
    *,
    force: bool = False,
    resume: bool = False,
    progress: Progress = SILENT,
) -> Learned:
    """Make a RESULT anew from its graphs, its settings, the labels it had, and what its ledger settles.

    An answer holds against a label that says otherwise. Without ``out`` the new RESULT takes the place of
    the old one, whole and at once; the ledger goes along in any case.

    resume   keep a RESULT at ``out`` that has learned from these answers already
    raises   ResultError if ``result`` is none, or if the other RESULT is in the way
    """
    put_back(result)
    source = ResultFolder(result)
    config, card = config_of(source), read_card(source)
    require_device(config.run.device)
    inputs = _inputs(source, card)
    answers = answers_of(result)
    applied = bool(card.get("model"))
    card = card | {"model": None, "digest": _digest(inputs), "answers": _answers_card(answers)}
    target = result if out is None or out.absolute() == result.absolute() else out
    in_place = target == result
    folder = prepare_result(target, force=(force or in_place) and not resume, resume=resume)
    if resume and (done := _finished(folder, card, config)) is not None:
        return done
    if applied:
        progress.note(f"the model of {result} came from another result; the new one learns from these graphs")
    encoder = encoder_of(config.encoding, known=(source.vectors_folder,))
    session = Session(config, StageClock(), progress, encoder=encoder)
    with staging(folder.path, replace=force or in_place) as stage:
        lesson = _lesson(source, answers, session, inputs)
        keep = lesson.known.pairs
        verb = str(card["verb"])
        preparation, evidence = session.prepare(
            lesson.graphs, lesson.known, keep=keep, inputs=inputs, halves=verb != "train"
        )
        labels = labels_of(preparation, lesson.known, verb=verb, config=config)
        run, model = session.learn(preparation, evidence, lesson.known, labels)
        matches = run.matches.decided().select("left", "right")
        changes = Changes.between(
            Scores.of(source),
            Scores(run.matches.table.select("left", "right", "probability"), matches),
            new=lesson.new,
            answers=lesson.answers,
            views=_views(lesson.graphs, preparation.schema),
        )
        told = {"learned": {"answers": lesson.counts(), **changes.as_dict()}}
        report = session.write(run, model, stage, card, told=told)
        store_links(lesson.links, lesson.graphs, stage)
        changes.write(stage.changes_file)
        if not in_place:
            hand_on(source, folder, stage)
    return Learned(folder.path, summary_of_learning(report), report, changes.flipped)


@dataclass(frozen=True, eq=False)
class _Lesson:
    """What is learned from.

    links     what was known before anybody answered
    answers   those of the ledger that are about entities of the graphs, and ``new`` what the RESULT did
              not know of them
    known     both together
    left_out  how many answers name entities that the graphs do not have
    """

    graphs: Graphs
    links: Known
    answers: Links
    new: Links
    known: Known
    left_out: int

    def counts(self) -> dict[str, int]:
        """For ``report.json``."""
        same = int(self.answers.label.sum())
        return {
            "same": same,
            "different": len(self.answers) - same,
            "new": len(self.new),
            "left_out": self.left_out,
        }


def _lesson(source: ResultFolder, answers: Links, session: Session, inputs: Inputs) -> _Lesson:
    graphs = session.read(inputs)
    said = len(answers)
    answers = about(graphs, answers, session.progress)
    links = stored_links(source, graphs)
    known = links.corrected(links_known(answers, graphs, session.progress))
    new = _unknown(answers, graphs, stored_known(source, graphs))
    return _Lesson(graphs, links, answers, new, known, said - len(answers))


def _unknown(answers: Links, graphs: Graphs, known: Known) -> Links:
    """The answers that say what a RESULT did not know."""
    left, right = graphs[0].positions(answers.left), graphs[1].positions(answers.right)
    before = {
        (a, b, same)
        for same, pairs in ((True, known.same), (False, known.different))
        for a, b in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
    }
    said = zip(left.tolist(), right.tolist(), answers.label.tolist(), strict=True)
    return answers.take(np.flatnonzero([one not in before for one in said]))


def _inputs(source: ResultFolder, card: dict[str, Any]) -> Inputs:
    """The graphs of a RESULT; its mapping only where it was given one, for else it may improve."""
    inputs = inputs_of(source)
    for path in (inputs.left, inputs.right):
        if path is not None and not path.exists():
            raise ResultError(
                f"{path}, which {source.path} was made of, is not there any more", hint="put it back"
            )
    return inputs if card.get("schema") else replace(inputs, schema=None)


def _digest(inputs: Inputs) -> str:
    return digest([path for path in (inputs.left, inputs.right, inputs.schema) if path is not None])


def _answers_card(answers: Links) -> dict[str, Any]:
    rows = sorted(answers.table().select("left", "right", "label").iter_rows())
    told = json.dumps(rows, ensure_ascii=False).encode()
    return {"count": len(rows), "digest": hashlib.sha256(told).hexdigest()}


def _finished(folder: ResultFolder, card: dict[str, Any], config: Config) -> Learned | None:
    """A RESULT that has learned from these answers already; None where there is none to keep."""
    if read_learned(folder) is None or read_card(folder) != card or config_of(folder) != config:
        return None
    report = folder.read_report()
    return Learned(folder.path, summary_of_learning(report), report, read_changes(folder.changes_file))


def _views(graphs: Graphs, schema: SchemaMapping) -> tuple[GraphView, GraphView]:
    left, right = (
        GraphView.of(graph, tuple(getattr(row, side) for row in schema.attributes))
        for graph, side in zip(graphs, SIDES, strict=True)
    )
    return left, right


def summary_of_learning(report: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows that a person wants to see first: what was learned, what changed, and the new RESULT."""
    learned = report["learned"]
    answers, matches, flipped = learned["answers"], learned["matches"], learned["flipped"]
    return [
        (
            "answers",
            f"{answers['same']:,} same, {answers['different']:,} different; {answers['new']:,} of them new",
        ),
        ("matches before", f"{matches['before']:,}"),
        (
            "flipped",
            f"{flipped['to_match']:,} to match, {flipped['to_no_match']:,} to no match; "
            f"{flipped['answered']:,} of these were answered",
        ),
        ("calibration", told_calibration(learned["calibration"])),
        *summary_of(report),
    ]
