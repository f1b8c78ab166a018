"""How good a result is against gold links, overall and for each type.

The protocol: a gold pair that was never scored counts as missed. A pair counts only if its left or its
right entity occurs in the gold, because of the others nobody knows. What was known before and is not in
the gold is left out: to find it is no merit, and no fault. Equal probabilities share their place.
Ranks are by probability; hits and MRR are out of all left entities of the gold.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from crossgraph import metrics
from crossgraph._types import Bool, Float64, Int64
from crossgraph.calibration import error_by_chance, expected_calibration_error, reliability, told_apart
from crossgraph.errors import Fault, FaultsError, InputError
from crossgraph.graphs._reading import MAX_FAULTS, quoted, read_text
from crossgraph.graphs.graph import UNTYPED
from crossgraph.graphs.links import Links, Pairs

_PAIR = ["left", "right"]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The figures of one set of gold links; all but the counts are in [0, 1].

    prauc, f1_best, r_at_p95      of the ranking by probability; recall is out of all gold pairs
    recall_blocking               the share of gold pairs that were scored at all
    hits1, hits10, mrr            of the true partner among its left entity's candidates
    precision, recall, f1         of the decided pairs
    calibration_top               expected calibration error of the top candidate of each left entity
    calibration_doubt             of its pairs in doubt (``calibration.DOUBT``); both None without any
    calibration_chance            what that would be by chance if all their probabilities were true
    gold, gold_left               gold pairs, and their distinct left entities
    scored, scored_gold           scored pairs that count, and those of them that are gold
    matched, matched_gold         decided pairs that count, and those of them that are gold
    """

    prauc: float
    f1_best: float
    r_at_p95: float
    recall_blocking: float
    hits1: float
    hits10: float
    mrr: float
    precision: float
    recall: float
    f1: float
    calibration_top: float | None
    calibration_doubt: float | None
    calibration_chance: float | None
    gold: int
    gold_left: int
    scored: int
    scored_gold: int
    matched: int
    matched_gold: int


@dataclass(frozen=True)
class Evaluation:
    """A result against gold links: all of them, and those of each type (in the order of their names)."""

    overall: Figures
    by_type: dict[str, Figures]

    def as_dict(self) -> dict[str, object]:
        """The overall figures by name, and under ``types`` the same for each type; ready for JSON."""
        return {**asdict(self.overall), "types": {name: asdict(one) for name, one in self.by_type.items()}}


@dataclass(frozen=True, kw_only=True)
class PairEvaluation:
    """Scores of given pairs against their labels.

    prauc, f1_best, r_at_p95   of the ranking by probability
    f1_half                    F1 of saying same from probability 0.5 on
    pairs, positives           counts
    """

    prauc: float
    f1_best: float
    r_at_p95: float
    f1_half: float
    pairs: int
    positives: int

    def as_dict(self) -> dict[str, object]:
        """The figures by name, ready for JSON."""
        return asdict(self)


def evaluate_result(
    scores: pl.DataFrame, matched: pl.DataFrame, *, gold: Links, known: Links | None = None
) -> Evaluation:
    """Judge scored pairs and decided pairs by gold links.

    scores    left, right, probability, and type where a gold without types should be judged by type
    matched   left, right; a repeated pair counts once
    gold      its positives are the gold; its negatives count neither way
    known     links that were given: its positives that are not gold count neither way

    A gold pair's type is the one the gold names; else the one it is scored under; else the first type (by
    name) its left or right entity is scored under; else ``entity``. A type's figures are those of the
    protocol with only that type's pairs as gold.

    Raises InputError if the gold has no positive, and FaultsError naming the rows of scores with a repeated
    pair or a probability that is not in [0, 1].
    """
    _refuse_bad_scores(scores)
    table = gold.positives().table().select(*_PAIR, "type").unique(_PAIR, keep="first", maintain_order=True)
    if table.is_empty():
        raise InputError("the gold holds no pair that is the same", hint="check that it is the right file")
    types = _types_of_gold(table, scores)
    if known is not None:
        beside = known_beside(known, gold)
        scores, matched = (
            rows.join(beside, on=_PAIR, how="anti", maintain_order="left") for rows in (scores, matched)
        )
    places = _locate(table, table)
    ranked, decided = _locate(scores, table), _locate(matched.select(_PAIR).unique(), table)
    probability = scores["probability"].to_numpy()

    def figures(chosen: Bool) -> Figures:
        wanted = _Gold(chosen, places)
        return _figures(wanted, wanted.of(ranked), decided=wanted.of(decided), probability=probability)

    by_type = {name: figures((types == name).to_numpy()) for name in types.unique().sort()}
    return Evaluation(figures(np.ones(len(table), dtype=np.bool_)), by_type)


def known_beside(known: Links, gold: Links) -> pl.DataFrame:
    """Known links that are not gold, though their left or right entity is in it: left, right."""
    table = gold.positives().table()
    other = known.positives().table().select(_PAIR).join(table, on=_PAIR, how="anti", maintain_order="left")
    return other.filter(pl.any_horizontal(pl.col(side).is_in(table[side].implode()) for side in _PAIR))


def evaluate_pairs(scores: pl.DataFrame, gold: Pairs) -> PairEvaluation:
    """Judge the scores of given pairs by their labels; scored pairs that the gold lacks are passed over.

    scores    left, right, probability
    gold      labelled pairs; equal repetitions collapse

    Raises InputError if the gold has no labels, and FaultsError naming pairs labelled both 0 and 1, pairs
    scored twice or with a probability that is not in [0, 1], and gold pairs without a score.
    """
    table = _labelled(gold)
    chosen = scores.with_row_index("row", offset=1).join(table.select(_PAIR), on=_PAIR, how="semi")
    _refuse_bad_scores(chosen)
    joined = table.join(chosen, on=_PAIR, how="left", maintain_order="left")
    missing = joined.filter(pl.col("row").is_null())
    if len(missing):
        raise FaultsError("gold pairs have no score", _pair_faults(missing, "has no score"))
    probability, same = joined["probability"].to_numpy(), joined["label"].to_numpy()
    total, said = int(same.sum()), probability >= 0.5
    return PairEvaluation(
        prauc=metrics.pr_auc(probability, same, total=total),
        f1_best=metrics.best_f1(probability, same, total=total),
        r_at_p95=metrics.recall_at_precision(probability, same, total=total),
        f1_half=2 * int((said & same).sum()) / max(int(said.sum()) + total, 1),
        pairs=len(joined),
        positives=total,
    )


def read_pair_scores(path: Path | str) -> pl.DataFrame:
    """The TSV of scored pairs: left, right, score, probability, in the order of the file.

    Raises FaultsError with every line that has not two identifiers and two numbers.
    """
    text, problems = read_text(Path(path))
    faults, rows = list(problems), []
    for number, line in enumerate(text.split("\n"), start=1):
        cells = line.split("\t")
        try:
            if line:
                rows.append((cells[0], cells[1], float(cells[2]), float(cells[3])))
        except (IndexError, ValueError):
            hint = "a line is left, right, score and probability, with tabs between them"
            faults.append(Fault(str(path), number, f"no scored pair: {quoted(line)}", hint))
    if faults:
        raise FaultsError("the scores cannot be read", faults[:MAX_FAULTS])
    schema = {"left": pl.String, "right": pl.String, "score": pl.Float64, "probability": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@dataclass(frozen=True, eq=False)
class _Places:
    """Pairs by their place in the gold, -1 where it is not in it.

    left, right (P)   place of the entity among the gold's distinct ones      row (P)   place of the pair
    """

    left: Int64
    right: Int64
    row: Int64


@dataclass(frozen=True, eq=False)
class _Judged:
    """Of some pairs (P): which count, which are gold, and the place of the left entity, -1 if not gold."""

    counts: Bool
    hits: Bool
    left: Int64


@dataclass(frozen=True, eq=False)
class _Gold:
    """The chosen part of the gold pairs (G)."""

    chosen: Bool
    places: _Places

    def of(self, pairs: _Places) -> _Judged:
        left = self._has(self.places.left)[pairs.left]
        right = self._has(self.places.right)[pairs.right]
        # Place -1, for what is not gold, reads the False at the end.
        hits = np.append(self.chosen, np.False_)[pairs.row]
        return _Judged(counts=left | right, hits=hits, left=np.where(left, pairs.left, -1))

    def _has(self, places: Int64) -> Bool:
        has = np.zeros(places.max() + 2, dtype=np.bool_)
        has[places[self.chosen]] = True
        return has


def _figures(gold: _Gold, ranked: _Judged, *, decided: _Judged, probability: Float64) -> Figures:
    total, total_left = int(gold.chosen.sum()), len(np.unique(gold.places.left[gold.chosen]))
    scores, hits = probability[ranked.counts], ranked.hits[ranked.counts]
    asked = ranked.left >= 0
    ranks = metrics.mean_ranks(ranked.left[asked], probability[asked], is_match=ranked.hits[asked])
    top, doubt = told_apart(probability[asked], ranked.hits[asked], ranked.left[asked])
    said, said_gold = int(decided.counts.sum()), int(decided.hits.sum())
    return Figures(
        prauc=metrics.pr_auc(scores, hits, total=total),
        f1_best=metrics.best_f1(scores, hits, total=total),
        r_at_p95=metrics.recall_at_precision(scores, hits, total=total),
        recall_blocking=int(hits.sum()) / total,
        hits1=metrics.hits_at_k(ranks, 1, total=total_left),
        hits10=metrics.hits_at_k(ranks, 10, total=total_left),
        mrr=metrics.mean_reciprocal_rank(ranks, total=total_left),
        precision=said_gold / max(said, 1),
        recall=said_gold / total,
        f1=2 * said_gold / (said + total),
        calibration_top=_error(*top),
        calibration_doubt=_error(*doubt),
        calibration_chance=error_by_chance(doubt[0]) if len(doubt[0]) else None,
        gold=total,
        gold_left=total_left,
        scored=len(scores),
        scored_gold=int(hits.sum()),
        matched=said,
        matched_gold=said_gold,
    )


def _error(probability: Float64, same: Bool) -> float | None:
    return expected_calibration_error(reliability(probability, same)) if len(same) else None


def _locate(pairs: pl.DataFrame, gold: pl.DataFrame) -> _Places:
    rows = gold.select(_PAIR).with_row_index("row")
    found = pairs.select(_PAIR).join(rows, on=_PAIR, how="left", maintain_order="left")["row"]
    return _Places(
        left=_place(pairs["left"], gold["left"]),
        right=_place(pairs["right"], gold["right"]),
        row=_with_none(found),
    )


def _place(ids: pl.Series, gold: pl.Series) -> Int64:
    index = pl.DataFrame({"id": gold.unique().sort()}).with_row_index("place")
    found = pl.DataFrame({"id": ids}).join(index, on="id", how="left", maintain_order="left")
    return _with_none(found["place"])


def _with_none(places: pl.Series) -> Int64:
    return places.cast(pl.Int64).fill_null(-1).to_numpy()


def _types_of_gold(gold: pl.DataFrame, scores: pl.DataFrame) -> pl.Series:
    named = pl.when(pl.col("type") != "").then(pl.col("type"))
    if "type" not in scores.columns:
        return gold.select(pl.coalesce(named, pl.lit(UNTYPED)))["type"]
    found = gold
    for number, keys in enumerate((_PAIR, ["left"], ["right"])):
        types = scores.group_by(keys).agg(pl.col("type").min().alias(f"type{number}"))
        found = found.join(types, on=keys, how="left", maintain_order="left")
    return found.select(pl.coalesce(named, "type0", "type1", "type2", pl.lit(UNTYPED)))["type"]


def _labelled(gold: Pairs) -> pl.DataFrame:
    if gold.label is None:
        raise InputError("the gold pairs have no labels", hint="a third column says 0 or 1 for each pair")
    table = pl.DataFrame({"left": gold.left, "right": gold.right, "label": gold.label}).unique(
        maintain_order=True
    )
    both = table.filter(pl.struct(_PAIR).is_duplicated()).unique(_PAIR, maintain_order=True)
    if len(both):
        raise FaultsError("gold pairs contradict each other", _pair_faults(both, "is labelled both 0 and 1"))
    return table


def _refuse_bad_scores(scores: pl.DataFrame) -> None:
    """Raise FaultsError if a pair repeats or a probability is not in [0, 1]; rows count from 1."""
    rows = scores if "row" in scores.columns else scores.with_row_index("row", offset=1)
    repeated = rows.filter(pl.struct(_PAIR).is_duplicated())
    outside = rows.filter(~pl.col("probability").is_between(0, 1).fill_null(value=False))
    faults = _pair_faults(repeated, "is scored more than once")
    faults += _pair_faults(outside, "has a probability that is not in [0, 1]")
    if faults:
        raise FaultsError("the scores cannot be judged", faults)


def _pair_faults(rows: pl.DataFrame, problem: str) -> list[Fault]:
    lines = rows["row"].to_list() if "row" in rows.columns else [None] * len(rows)
    return [
        Fault("scores", line, f"the pair {left!r}, {right!r} {problem}")
        for line, (left, right) in zip(
            lines[:MAX_FAULTS], rows.select(_PAIR).head(MAX_FAULTS).iter_rows(), strict=True
        )
    ]
