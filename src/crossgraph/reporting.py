"""What a run tells: report.json, and a few rows for people."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from crossgraph import __version__
from crossgraph._types import Bool, Float32, Float64, Vectors
from crossgraph.calibration import expected_calibration_error, reliability, told_apart
from crossgraph.cardinality import ANY_TYPE, Cardinality
from crossgraph.config import Config
from crossgraph.decisions import Threshold
from crossgraph.labels import Labels
from crossgraph.layout import ResultFolder
from crossgraph.matches import Matches
from crossgraph.metrics import hits_at_k, mean_ranks, pr_auc
from crossgraph.model.options import SAID
from crossgraph.preparation import Known, Preparation
from crossgraph.schema.seeds import type_codes
from crossgraph.scored import Scored
from crossgraph.stages import StageClock
from crossgraph.workings import Workings

_LIBRARIES = ("numpy", "polars", "scipy", "torch", "rapidfuzz", "pyoxigraph", "sparse-dot-topn", "numba")

# The pairs that calibration is told of: the likeliest of each left entity, and those that may be or not.
TOP_CANDIDATES, IN_DOUBT = "top candidates", "pairs in doubt"
KNOWN_LINKS = "known links"
# So many types of either side are told by name.
SHOWN_TYPES = 3
_SURE_ALONE = "(seeds are pairs that are sure: the others will be worse; 20 known links would tell)"


@dataclass(frozen=True, eq=False)
class Run:
    """All that a finished run can tell.

    labels       what was learned from; None where a model was applied
    thresholds   with their expectations; without a fit only the probabilities are known
    barred (P)   candidates that are not the same whatever their probability
    vectors      what the networks saw of entities alone
    """

    preparation: Preparation
    known: Known
    labels: Labels | None
    scored: Scored
    matches: Matches
    thresholds: dict[str, Threshold] | dict[str, float]
    cardinalities: dict[str, Cardinality]
    parameters: int
    barred: Bool
    vectors: Vectors = ()


def report_of(run: Run, *, inputs: dict[str, Any], config: Config, clock: StageClock) -> dict[str, Any]:
    """The content of ``report.json``."""
    left, right = run.preparation.graphs
    candidates = run.preparation.candidates
    return {
        "inputs": inputs,
        "counts": {
            "left": {"entities": len(left), "edges": len(left.heads), "facts": len(left.fact_values)},
            "right": {"entities": len(right), "edges": len(right.heads), "facts": len(right.fact_values)},
            "candidates": len(candidates),
            "known_links": len(run.known.same),
            "known_non_matches": len(run.known.different),
            "labelled_candidates": 0 if run.labels is None else len(run.labels),
            "matches": len(run.matches.decided()),
        },
        "not_compared": not_compared(run.preparation),
        "blocking_recall_on_known_links": _number(
            candidates.recall(run.known.same.left, run.known.same.right)
        ),
        "held_out": held_out_figures(run),
        "without_counterpart": round(run.scored.lone.share, 4),
        "thresholds": thresholds_told(run.thresholds),
        "cardinalities": run.cardinalities,
        "parameters": run.parameters,
        "stages": clock.stages,
        "seed": config.run.seed,
        "versions": versions(),
    }


def not_compared(preparation: Preparation) -> dict[str, dict[str, int]]:
    """For either side the types that correspond to none, most entities first, and how many have each."""
    found = {}
    for side, graph in zip(("left", "right"), preparation.graphs, strict=True):
        names, codes = type_codes(graph)
        mapped = {getattr(row, side) for row in preparation.schema.types}
        counts = np.bincount(codes, minlength=len(names)).tolist()
        rest = [(-count, name) for name, count in zip(names, counts, strict=True) if count]
        found[side] = {name: -count for count, name in sorted(rest) if name not in mapped}
    return found


def store_report(report: dict[str, Any], stage: ResultFolder) -> None:
    """Write ``report.json``."""
    text = json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False)
    stage.report_file.write_text(text + "\n", encoding="utf8")


def thresholds_told(thresholds: Mapping[str, Threshold | float]) -> dict[str, dict[str, float | None]]:
    """Thresholds for ``report.json``."""
    return {
        name: t.as_dict() if isinstance(t, Threshold) else {"probability": t}
        for name, t in thresholds.items()
    }


def workings_of(run: Run) -> Workings:
    """What the RESULT keeps for reasons."""
    preparation, scored = run.preparation, run.scored
    count = len(preparation.candidates)
    unlabelled = np.full(count, -1, dtype=np.int32)
    return Workings(
        candidates=preparation.candidates,
        weighing=preparation.weighing,
        said=scored.evidence.arranged(("collective:value", *SAID[1:])).values.T,
        raw=np.stack([raw for raw, _ in scored.rounds]),
        score=np.stack([score for _, score in scored.rounds]),
        folds=unlabelled if run.labels is None else run.labels.fold_of_each(count),
        matched=run.matches.table["matched"].to_numpy(),
    )


def held_out_figures(run: Run) -> dict[str, Any]:
    """Quality on labelled pairs by models that did not see their labels, and by names alone."""
    labels, candidates = run.labels, run.preparation.candidates
    if labels is None or not labels.same.any():
        return {}
    trusted = labels.trusted()
    judged_on_links = bool(trusted.known.all())
    places, same = trusted.places[trusted.found], trusted.same[trusted.found]
    total = max(trusted.matches if judged_on_links else int(trusted.same.sum()), int(same.sum()))
    probability = run.scored.probability[places]

    def figures(scores: Float64 | Float32) -> dict[str, float]:
        ranks = mean_ranks(candidates.left[places], scores.astype(np.float64), is_match=same)
        return {
            "prauc": round(pr_auc(scores.astype(np.float64), same, total=total), 6),
            "hits1": round(hits_at_k(ranks, 1, total=total), 6),
        }

    return {
        "labels": KNOWN_LINKS if judged_on_links else "seeds found without labels: optimistic",
        "pairs": len(places),
        "matches": total,
        **figures(probability),
        "name_only": figures(candidates.name[places]),
        "calibration": {
            name: _calibration(*told)
            for name, told in zip(
                (TOP_CANDIDATES, IN_DOUBT),
                told_apart(probability, same, candidates.left[places]),
                strict=True,
            )
        },
    }


def _calibration(probability: Float64, same: Bool) -> dict[str, Any]:
    """How far probabilities are from shares of matches, and what a reliability diagram is drawn from."""
    told = reliability(probability, same)
    return {
        "pairs": len(same),
        "expected_calibration_error": _number(expected_calibration_error(told)),
        "bins": [
            {"pairs": one.pairs, "probability": round(one.probability, 6), "share": round(one.share, 6)}
            for one in told
        ],
    }


def summary_of(report: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows that a person wants to see first."""
    counts, held = report["counts"], report["held_out"]
    rows = [
        ("entities", f"{counts['left']['entities']:,} left, {counts['right']['entities']:,} right"),
        ("candidates", f"{counts['candidates']:,}"),
        ("matches", f"{counts['matches']:,}"),
    ]
    if lone := _told_types(report.get("not_compared", {})):
        rows.append(("not compared", f"{lone} (types that correspond to none, see `crossgraph schema`)"))
    if report["blocking_recall_on_known_links"] is not None:
        rows.append(("blocking recall", f"{report['blocking_recall_on_known_links']:.4f} of the known links"))
    if held:
        rows.append(
            (
                "held-out PRAUC",
                f"{held['prauc']:.4f} (names alone {held['name_only']['prauc']:.4f}), on {held['labels']}",
            )
        )
        rows.append(
            ("held-out hits@1", f"{held['hits1']:.4f} (names alone {held['name_only']['hits1']:.4f})")
        )
        errors = {name: kind["expected_calibration_error"] for name, kind in held["calibration"].items()}
        rows.append(
            (
                "calibration error",
                ", ".join(f"{error:.3f} of {name}" for name, error in errors.items() if error is not None),
            )
        )
    known = bool(held) and held["labels"] == KNOWN_LINKS
    told = [
        _expectation(name, t, known=known) for name, t in report["thresholds"].items() if "precision" in t
    ]
    if told:
        rows += [*told, ("", _of_whom(report.get("without_counterpart", 0.0)) if known else _SURE_ALONE)]
    rows += [
        ("partners" if name == ANY_TYPE else f"partners, {name}", kind)
        for name, kind in report["cardinalities"].items()
        if kind != "one-to-one"
    ]
    seconds = sum(stage["seconds"] for stage in report["stages"])
    cpu = sum(stage["cpu_seconds"] for stage in report["stages"])
    peak = max((stage["peak_memory_mib"] for stage in report["stages"]), default=0.0)
    rows.append(("cost", f"{seconds:.0f} s, {cpu:.0f} CPU s, {peak / 1024:.1f} GiB peak"))
    return rows


def _told_types(types: Mapping[str, Mapping[str, int]]) -> str:
    """The largest of them on either side."""
    sides = []
    for side, counts in types.items():
        shown = [f"{count:,} {name}" for name, count in list(counts.items())[:SHOWN_TYPES]]
        more = [f"{len(counts) - SHOWN_TYPES} more types"] if len(counts) > SHOWN_TYPES else []
        if shown:
            sides.append(f"{side} {', '.join([*shown, *more])}")
    return "; ".join(sides)


def _of_whom(without_counterpart: float) -> str:
    if not without_counterpart:
        return "(expected among entities that have a counterpart)"
    return f"(with {without_counterpart:.2f} entities that have no counterpart for each one that has)"


def _expectation(name: str, t: dict[str, float | None], *, known: bool) -> tuple[str, str]:
    label = "expected" if name == ANY_TYPE else f"expected, {name}"
    if t["precision"] is None:
        return label, "too few held-out pairs to tell"
    if not known:
        return label, f"precision {t['precision']:.3f}, recall {t['recall']:.3f} of seeds"
    return (
        label,
        f"precision {t['precision']:.3f} [{t['precision_low']:.3f}, {t['precision_high']:.3f}], "
        f"recall {t['recall']:.3f} [{t['recall_low']:.3f}, {t['recall_high']:.3f}]",
    )


def versions() -> dict[str, str]:
    """Versions of what computed the result."""
    found = {"crossgraph": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 6)
