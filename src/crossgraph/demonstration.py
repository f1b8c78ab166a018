"""crossgraph demo: two real catalogues that come along, aligned, judged and explained."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl

from crossgraph._types import Int64
from crossgraph.blocking.ranking import lead, ranks
from crossgraph.config import Config
from crossgraph.demo import demo_folder
from crossgraph.drawing.texts import plain
from crossgraph.encoding import encoder_of
from crossgraph.evaluation import Evaluation, evaluate_result
from crossgraph.explaining.reasons import Explainer, Explanation
from crossgraph.explaining.reopening import Reopened, reopen
from crossgraph.explaining.wording import LEAST, signed, told
from crossgraph.graphs.links import Links, read_links, split_links
from crossgraph.inputs import inputs_card, links_known
from crossgraph.labelling import labels_for
from crossgraph.pipeline import Inputs, Outcome
from crossgraph.progress import SILENT, Progress
from crossgraph.reporting import summary_of
from crossgraph.results import (
    prepare_result,
    read_matches,
    read_name_scores,
    read_scores,
    staging,
    write_whole,
)
from crossgraph.session import Session
from crossgraph.stages import StageClock

KNOWN_SHARE = 0.3
# So many matches are explained, each by so many reasons.
EXPLAINED, REASONS = 3, 4


def run_demo(out: Path, *, config: Config, force: bool = False, progress: Progress = SILENT) -> Outcome:
    """Align GeoNames in English with CLDR in Russian, with 30% of the links known, and judge on the rest.

    Leaves in the RESULT, beside what ``align`` does, ``known_links.tsv`` and ``test_links.tsv``.
    """
    folder = prepare_result(out, force=force)
    inputs = Inputs(left=demo_folder(), verb="demo")
    known_part, test_part = split_links(
        read_links(demo_folder() / "ent_links.gz"), (KNOWN_SHARE, 1 - KNOWN_SHARE), seed=config.run.seed
    )
    session = Session(config, StageClock(), progress, encoder=encoder_of(config.encoding))
    with staging(folder.path, replace=force) as stage:
        graphs = session.read(inputs)
        known = links_known(known_part, graphs, progress)
        card = inputs_card(inputs)
        preparation, evidence = session.prepare(graphs, known, keep=known.same, inputs=inputs, halves=True)
        labels = labels_for(preparation, known, config)
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
    with progress.stage("explain", None):
        reasons = explained(folder.path, test_part)
    return Outcome(
        folder.path,
        summary=[*_judged_rows(judged, alone), *summary_of(report)],
        report={**report, "test": judged.as_dict(), "test_name_only": asdict(alone.overall)},
        reasons=_told(reasons, folder.path),
    )


def telling_places(opened: Reopened, gold: Links) -> Int64:
    """Right matches of the test that names alone would miss: another candidate's name is nearer.

    The surest of each type first, types by turns.
    """
    candidates, graphs = opened.preparation.candidates, opened.preparation.graphs
    found = candidates.find(graphs[0].positions(gold.left), graphs[1].positions(gold.right))
    right = np.zeros(len(candidates), dtype=bool)
    right[found[found >= 0]] = True
    missed = right & opened.matched & (lead(candidates.left, candidates.name) < 0)
    places = np.flatnonzero(missed)
    places = places[np.argsort(-opened.scored.probability[places], kind="stable")]
    types = graphs[0].primary_types[candidates.left[places]]
    turn = ranks(types, -np.arange(len(types), dtype=np.float32))
    return places[np.argsort(turn, kind="stable")][:EXPLAINED]


def explained(result: Path, gold: Links) -> list[Explanation]:
    """Why those of ``telling_places`` are the same."""
    opened = reopen(result)
    candidates, explainer = opened.preparation.candidates, Explainer(opened)
    return [
        explainer.explain(int(candidates.left[place]), int(candidates.right[place]))
        for place in telling_places(opened, gold)
    ]


def _told(found: list[Explanation], path: Path) -> list[str]:
    lines = ["", "Matches that names alone would miss, and what speaks for and against them most (log-odds):"]
    for one in found:
        strongest = [reason for reason in one.reasons[:REASONS] if abs(reason.share) >= LEAST]
        lines.append(f"  {plain(one.left.name)} = {plain(one.right.name)}, {signed(one.score)} in all")
        lines += [f"    {signed(reason.share)} {told(reason.clue)}" for reason in strongest]
    if found:
        first = found[0]
        ends = f"{first.left.identifier} {first.right.identifier}"
        lines += ["", f"All reasons: crossgraph explain {path} {ends} --html why.html"]
    return [*lines, f"Judge it again: crossgraph evaluate {path} --gold {path / 'test_links.tsv'}"]


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
