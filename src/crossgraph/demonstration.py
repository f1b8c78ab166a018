"""crossgraph demo: two real catalogues that come along, aligned, judged and explained."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl

from crossgraph._types import Bool, Int64
from crossgraph.blocking.ranking import lead, ranks
from crossgraph.checkpoint import TrainedModel
from crossgraph.config import Config
from crossgraph.demo import demo_folder
from crossgraph.evaluation import Evaluation, evaluate_result
from crossgraph.explanation import Explainer, Reasons
from crossgraph.graphs.links import Links, read_links, split_links
from crossgraph.inputs import inputs_card
from crossgraph.pipeline import Inputs, Outcome, Session, labels_for, links_known
from crossgraph.progress import SILENT, Progress
from crossgraph.reporting import Run, summary_of
from crossgraph.results import (
    prepare_result,
    read_matches,
    read_name_scores,
    read_scores,
    staging,
    write_whole,
)
from crossgraph.schema.vocabulary import extended
from crossgraph.scoring import pair_tensors, sample_both
from crossgraph.stages import StageClock

KNOWN_SHARE = 0.3
REASONS = 3


def run_demo(out: Path, *, config: Config, force: bool = False, progress: Progress = SILENT) -> Outcome:
    """Align GeoNames in English with CLDR in Russian, with 30% of the links known, and judge on the rest.

    Leaves in the RESULT, beside what ``align`` does, ``known_links.tsv`` and ``test_links.tsv``.
    """
    folder = prepare_result(out, force=force, resume=False)
    inputs = Inputs(left=demo_folder(), verb="demo")
    known_part, test_part = split_links(
        read_links(demo_folder() / "ent_links.gz"), (KNOWN_SHARE, 1 - KNOWN_SHARE), seed=config.run.seed
    )
    session = Session(config, StageClock(), progress)
    with staging(folder.path, replace=force) as stage:
        graphs = session.read(inputs)
        known = links_known(known_part, graphs, progress)
        card = inputs_card(inputs)
        preparation, evidence = session.prepare(graphs, known, keep=known.same, inputs=inputs)
        labels = labels_for(preparation, known, config.run.seed)
        run, model = session.learn(preparation, evidence, known, labels)
        report = session.write(run, model, stage, card)
        for name, part in (("known_links.tsv", known_part), ("test_links.tsv", test_part)):
            _write_links(part, stage.path / name)
    judged = evaluate_result(
        read_scores(folder.scores_file), read_matches(folder.matches_file), gold=test_part
    )
    names = read_name_scores(folder.scores_file)
    assert names is not None
    alone = evaluate_result(names, read_matches(folder.matches_file).clear(), gold=test_part)
    places = telling_places(run, test_part)
    reasons = reasons_of(run, model, places)
    return Outcome(
        folder.path,
        summary=[*_judged_rows(judged, alone), *summary_of(report)],
        report={**report, "test": judged.as_dict(), "test_name_only": asdict(alone.overall)},
        reasons=_told(reasons, folder.path),
    )


def telling_places(run: Run, gold: Links) -> Int64:
    """Right matches of the test that names alone would miss: another candidate's name is nearer.

    The surest of each type first, types by turns.
    """
    candidates, graphs = run.preparation.candidates, run.preparation.graphs
    right = _gold_mask(run, gold) & run.matches.table["matched"].to_numpy()
    missed = right & (lead(candidates.left, candidates.name) < 0)
    places = np.flatnonzero(missed)
    places = places[np.argsort(-run.scored.probability[places], kind="stable")]
    types = graphs[0].primary_types[candidates.left[places]]
    turn = ranks(types, -np.arange(len(types), dtype=np.float32))
    return places[np.argsort(turn, kind="stable")][:REASONS]


def _gold_mask(run: Run, gold: Links) -> Bool:
    graphs, candidates = run.preparation.graphs, run.preparation.candidates
    mask = np.zeros(len(candidates), dtype=bool)
    places = candidates.find(graphs[0].positions(gold.left), graphs[1].positions(gold.right))
    mask[places[places >= 0]] = True
    return mask


def reasons_of(run: Run, model: TrainedModel, places: Int64) -> list[Reasons]:
    """Why the candidates at some places are the same, by the first network of a model."""
    around = sample_both(run.preparation, sampling=model.sampling, seed=model.seed)
    vocabulary = extended(model.vocabulary, run.preparation.schema)
    tensors = pair_tensors(run.preparation, vocabulary, around, device="cpu")
    explainer = Explainer(run.preparation, run.scored.probability, model.networks[0].cpu(), tensors, around)
    return explainer.explain(places.tolist())


def _told(reasons: list[Reasons], path: Path) -> list[str]:
    lines = ["", "Matches that names alone would miss:"]
    for one in reasons:
        lines += [f"  {one.left} = {one.right}", *(f"    {line}" for line in one.lines())]
    return [
        *lines,
        "",
        f"Judge it again: crossgraph evaluate {path} --gold {path / 'test_links.tsv'}",
    ]


def _judged_rows(judged: Evaluation, alone: Evaluation) -> list[tuple[str, str]]:
    ours, names = judged.overall, alone.overall
    return [
        ("test PRAUC", f"{ours.prauc:.4f} (names alone {names.prauc:.4f})"),
        ("test hits@1", f"{ours.hits1:.4f} (names alone {names.hits1:.4f})"),
        ("test F1", f"{ours.f1:.4f} (precision {ours.precision:.4f}, recall {ours.recall:.4f})"),
    ]


def _write_links(links: Links, path: Path) -> None:
    table = pl.DataFrame({"left": links.left, "right": links.right})
    write_whole(path, lambda part: table.write_csv(part, separator="\t", include_header=False))
