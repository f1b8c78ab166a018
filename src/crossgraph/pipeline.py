"""align() and its siblings, made of the steps of a session."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from crossgraph._space import Space
from crossgraph.blocking.candidates import PairTypes
from crossgraph.caching import StageCache
from crossgraph.cardinality import singles_of
from crossgraph.checkpoint import load_model
from crossgraph.cluster import engine_of, require_engine
from crossgraph.config import Config, load_config
from crossgraph.deciding import refuse_unknown, refuse_unmapped
from crossgraph.devices import require_device
from crossgraph.encoding import EncodingOptions, encoder_of, require_encoder
from crossgraph.errors import ConfigError, ResultError
from crossgraph.features.meaning import TextEncoder
from crossgraph.graphs import read_pair
from crossgraph.graphs.content import content_keys
from crossgraph.graphs.links import Pairs, read_pairs
from crossgraph.inputs import (
    Inputs,
    config_of,
    encoder_for,
    finished_report,
    inputs_card,
    inputs_of,
    known_links,
    labelled_pairs,
    stored_known,
)
from crossgraph.labelling import cardinalities_of, labels_for
from crossgraph.labels import label_pairs
from crossgraph.layout import ResultFolder
from crossgraph.preparation import Graphs, Known
from crossgraph.progress import SILENT, Progress
from crossgraph.redeciding import KeptRun
from crossgraph.reporting import summary_of, versions
from crossgraph.results import prepare_result, staging, write_whole
from crossgraph.schema.mapping import SchemaMapping, read_schema
from crossgraph.schema.seeds import EntityPairs
from crossgraph.session import Session
from crossgraph.stages import StageClock

__all__ = [
    "Inputs",
    "Outcome",
    "align",
    "load_config",
    "propose_candidates",
    "propose_schema",
    "score_pairs",
    "scores_of",
    "train_pairs",
]

# Rough fits to the reports of runs on 2,000 to two million entities, of both sides together, on two cores.
SECONDS_PER_ENTITY, BYTES_PER_ENTITY = 6e-4, 5_000
# The least that runs took, and what they took for each entity, where all goes into files that can.
LEAST_BYTES, LEAST_BYTES_PER_ENTITY = 0.6e9, 3_000


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: the RESULT folder, rows to show, the report, and reasons of some matches."""

    path: Path
    summary: list[tuple[str, str]]
    report: dict[str, Any]
    reasons: list[str] = field(default_factory=list)


def align(
    inputs: Inputs,
    out: Path,
    *,
    config: Config,
    force: bool = False,
    resume: bool = False,
    cache: Path | None = None,
    progress: Progress = SILENT,
) -> Outcome:
    """Two graphs in, one alignment out: the whole path, written to the RESULT folder ``out``.

    With links it learns from them; without, from seeds that it finds; with a model it applies that.

    resume   keep a RESULT that is there already, if it is of the same inputs and settings; without one, go on
             behind the last stage that a run to this place finished, or the last epoch that it kept
    cache    a folder for the outputs of stages, which stay for later runs; without it, they go with the run
    """
    folder = prepare_result(out, force=force, resume=resume)
    _refuse_early(inputs, config, cache)
    config = _encoding_of_model(inputs, config)
    if resume and (report := finished_report(folder, inputs, config)) is not None:
        return Outcome(folder.path, summary_of(report), report)
    model = (
        load_model(ResultFolder(inputs.model).model_folder, device=config.run.device)
        if inputs.model
        else None
    )
    # Claimed from the start: hours of work for a place that another run fills would be lost.
    with (
        staging(folder.path, replace=force, resumable=resume) as stage,
        engine_of(
            config.run.engine, stage.stages_folder, device=config.run.device, budget=config.run.budget
        ) as engine,
    ):
        if cache is not None:
            cache.mkdir(parents=True, exist_ok=True)
        made_of = StageCache(cache or stage.stages_folder).on(versions())
        encoder = encoder_of(config.encoding, keep=made_of.folder)
        if model is not None:
            require_encoder(encoder, model.encoder, f"the model of {inputs.model}")
        clock = StageClock()
        kept = _kept(cache, inputs, config, encoder)
        if kept is not None and (report := kept.decided_again(stage, config, clock)) is not None:
            return Outcome(folder.path, summary_of(report), report)
        space = Space(stage.path, config.run.budget)
        session = Session(config, clock, progress, made_of, engine, space, encoder)
        graphs = session.read(inputs)
        _refuse_small_budget(config, graphs)
        refuse_unknown(graphs, config.decisions)
        known = known_links(inputs.links, graphs, progress)
        card = inputs_card(inputs)
        if model is not None:
            model = replace(model, cardinalities=config.decisions.cardinalities(model.cardinalities))
        preparation, evidence = session.prepare(
            graphs,
            known,
            keep=known.pairs,
            inputs=inputs,
            halves=model is None,
            singles=singles_of(model.cardinalities) if model else None,
        )
        refuse_unmapped(preparation.schema, graphs[1], config.decisions)
        if model is not None:
            run = session.apply(model, preparation, evidence, known)
        else:
            labels = labels_for(preparation, known, config)
            run, model = session.learn(preparation, evidence, known, labels)
        report = session.write(run, model, stage, card)
        # Files that changed before they were read would be found again by what they held.
        if kept is not None and kept.card == card:
            kept.keep(run, stage)
    _tell_of_memory(config, report, progress)
    return Outcome(folder.path, summary_of(report), report)


def _kept(cache: Path | None, inputs: Inputs, config: Config, encoder: TextEncoder | None) -> KeptRun | None:
    """The run in whose place others with other thresholds go; None with a model, which brings its own."""
    if cache is None or inputs.model is not None:
        return None
    # What cannot be read is told by who reads it.
    with suppress(OSError):
        return KeptRun.of(cache, inputs, config, encoder)
    return None


def _refuse_small_budget(config: Config, graphs: Graphs) -> None:
    """A budget that a run of such graphs is sure to exceed: hours later the system might end it."""
    entities = len(graphs[0]) + len(graphs[1])
    least = LEAST_BYTES + LEAST_BYTES_PER_ENTITY * entities
    if config.run.budget is not None and config.run.budget < least:
        raise ConfigError(
            f"--memory {config.run.memory} is too little for {entities:,} entities, "
            f"which take {least / 1e9:.1f} GB at least",
            hint="give more, or leave it out: the run takes what it needs then",
        )


def _tell_of_memory(config: Config, report: dict[str, Any], progress: Progress) -> None:
    """Whether a run took more than it was to take."""
    peak = max(row["peak_memory_mib"] for row in report["stages"]) / 1024
    if config.run.budget is not None and peak * 2**30 > config.run.budget:
        progress.note(f"the run took {peak:.1f} GiB, more than --memory {config.run.memory}")


def train_pairs(
    inputs: Inputs,
    pairs: Path,
    valid: Path | None,
    out: Path,
    *,
    config: Config,
    force: bool = False,
    progress: Progress = SILENT,
) -> Outcome:
    """Learn from labelled pairs; the RESULT holds the model, and an alignment made with it.

    Pairs of ``valid`` join those of ``pairs``: cross-fitting scores each of them by models that did not
    learn from it, and calibrates and chooses on all.
    """
    folder = prepare_result(out, force=force)
    require_device(config.run.device)
    session = Session(config, StageClock(), progress, encoder=encoder_of(config.encoding))
    inputs = replace(inputs, verb="train", pairs=tuple(path for path in (pairs, valid) if path))
    with staging(folder.path, replace=force) as stage:
        graphs = session.read(inputs)
        refuse_unknown(graphs, config.decisions)
        left, right, same = labelled_pairs(inputs.pairs, graphs, progress)
        card = inputs_card(inputs)
        given = EntityPairs.of(left, right)
        known = Known(given.take(same), given.take(~same))
        preparation, evidence = session.prepare(graphs, known, keep=given, inputs=inputs)
        refuse_unmapped(preparation.schema, graphs[1], config.decisions)
        labels = label_pairs(
            preparation.candidates, (left, right), same, seed=config.run.seed, keys=content_keys(graphs[0])
        )
        run, model = session.learn(preparation, evidence, known, labels)
        report = session.write(run, model, stage, card)
    return Outcome(folder.path, summary_of(report), report)


def score_pairs(
    result: Path, pairs: Path, out: Path, *, graphs: Inputs | None = None, progress: Progress = SILENT
) -> int:
    """Write ``scores_of`` the pairs of a file, tab-separated without header; returns the rows written."""
    table = scores_of(result, read_pairs(pairs), graphs=graphs, progress=progress)
    write_whole(
        out, lambda part: table.write_csv(part, separator="\t", include_header=False, quote_style="never")
    )
    return len(table)


def scores_of(
    result: Path, asked: Pairs, *, graphs: Inputs | None = None, progress: Progress = SILENT
) -> pl.DataFrame:
    """Score given pairs with the model of a RESULT, on its own graphs or on others.

    One row for each pair, in their order: left, right, score, probability.
    """
    folder = ResultFolder(result)
    config = config_of(folder)
    model = load_model(folder.model_folder, device=config.run.device)
    inputs = replace(graphs, model=result) if graphs else inputs_of(folder)
    encoder = encoder_for(folder, config, model.encoder)
    session = Session(config, StageClock(), progress, encoder=encoder)
    both = session.read(inputs)
    places = asked.resolve(*both)
    for note in places.notes:
        progress.note(note)
    known = Known.nothing() if graphs else stored_known(folder, both)
    keep = EntityPairs.of(places.left, places.right).and_also(known.same).and_also(known.different)
    preparation, evidence = session.prepare(
        both, known, keep=keep, inputs=inputs, singles=singles_of(model.cardinalities)
    )
    scored = session.apply(model, preparation, evidence, known).scored
    rows = preparation.candidates.find(places.left, places.right)
    ends = {"left": asked.left, "right": asked.right}
    return pl.DataFrame({**ends, "score": scored.score[rows], "probability": scored.probability[rows]})


def plan(
    inputs: Inputs,
    out: Path,
    *,
    config: Config,
    force: bool = False,
    resume: bool = False,
    cache: Path | None = None,
) -> list[tuple[str, str]]:
    """What ``align`` would do, with an estimate of its time and memory from the size of the graphs.

    Raises what ``align`` raises before its work begins, so that what is planned is not refused.
    """
    folder = prepare_result(out, force=force, resume=resume)
    _refuse_early(inputs, config, cache)
    config = _encoding_of_model(inputs, config)
    if resume and finished_report(folder, inputs, config) is not None:
        return [("keep", f"{folder.path}, which is of these inputs and settings")]
    if inputs.schema:
        read_schema(inputs.schema)
    encoder = encoder_of(config.encoding)
    if inputs.model:
        model = load_model(ResultFolder(inputs.model).model_folder)
        require_encoder(encoder, model.encoder, f"the model of {inputs.model}")
    graphs = read_pair(inputs.left, inputs.right, options=inputs.read)
    _refuse_small_budget(config, graphs)
    refuse_unknown(graphs, config.decisions)
    known = known_links(inputs.links, graphs, SILENT)
    entities = len(graphs[0]) + len(graphs[1])
    cardinalities = (
        config.decisions.cardinalities(model.cardinalities)
        if inputs.model
        else cardinalities_of(graphs[0], known, config)
    )
    # Where many of one side may have one partner, they have room, who may be more.
    room = min if set(cardinalities.values()) <= {"one-to-one", "free"} else max
    candidates = config.blocking.per_entity * room(len(graphs[0]), len(graphs[1]))
    learned = "learn from known links" if len(known.same) else "learn from seeds found without labels"
    seconds = 10 + SECONDS_PER_ENTITY * entities
    gib = 0.9 + BYTES_PER_ENTITY * entities / 2**30
    return [
        ("read", f"{len(graphs[0]):,} left and {len(graphs[1]):,} right entities"),
        ("know", f"{len(known.same):,} links"),
        ("block", f"at most {candidates:,} candidates"),
        ("score", "apply the model" if inputs.model else learned),
        ("write", f"{folder.path}: matches.sssom.tsv, scores.parquet, report.json, config.toml, model/"),
        ("estimate", f"about {seconds:.0f} s on two cores, {gib:.1f} GiB"),
    ]


def propose_schema(inputs: Inputs, *, config: Config, progress: Progress = SILENT) -> SchemaMapping:
    """Only read, describe and map the schemas."""
    session = Session(config, StageClock(), progress, encoder=encoder_of(config.encoding))
    graphs = session.read(inputs)
    known = known_links(inputs.links, graphs, progress)
    return session.prepare(graphs, known, keep=known.same, inputs=inputs, evidence=False)[0].schema


def propose_candidates(inputs: Inputs, *, config: Config, progress: Progress = SILENT) -> pl.DataFrame:
    """Read, describe, map and block: the candidates as a table of identifiers, best prior first."""
    session = Session(config, StageClock(), progress, encoder=encoder_of(config.encoding))
    graphs = session.read(inputs)
    known = known_links(inputs.links, graphs, progress)
    candidates = session.prepare(graphs, known, keep=None, inputs=inputs, evidence=False)[0].candidates
    return pl.DataFrame(
        {
            "left": graphs[0].ids.gather(candidates.left.astype(np.int64)),
            "right": graphs[1].ids.gather(candidates.right.astype(np.int64)),
            "type": PairTypes.of(candidates, graphs[0]).series(),
            "name": candidates.name,
            "structure": candidates.structure,
            "prior": candidates.prior,
        }
    ).sort(["prior", "left", "right"], descending=[True, False, False])


def _encoding_of_model(inputs: Inputs, config: Config) -> Config:
    """A model brings its encoder along, unless another place of it is named."""
    if inputs.model is None or config.encoding != EncodingOptions():
        return config
    folder = ResultFolder(inputs.model)
    return replace(config, encoding=config_of(folder).encoding) if folder.config_file.is_file() else config


def _refuse_early(inputs: Inputs, config: Config, cache: Path | None) -> None:
    """Refuse what options alone show to be impossible."""
    _refuse_floor_of_model(inputs, config)
    _refuse_cache(cache)
    require_device(config.run.device)
    require_engine(config.run.engine, device=config.run.device)


def _refuse_floor_of_model(inputs: Inputs, config: Config) -> None:
    if inputs.model and config.decisions.precision > 0:
        raise ConfigError(
            f"--precision {config.decisions.precision} cannot be kept with --model: a model's thresholds are "
            "chosen when it is trained",
            hint="train the model with --precision, or give links instead of --model",
        )


def _refuse_cache(cache: Path | None) -> None:
    if cache is None:
        return
    if cache.is_file():
        raise ResultError(
            f"{cache} is a file, and a folder is to keep finished stages", hint="choose another --cache"
        )
    above = next(one for one in (cache.absolute(), *cache.absolute().parents) if one.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ResultError(
            f"--cache {cache} cannot be written: {above} is no writable folder", hint="choose another --cache"
        )
