"""What learning from answers has changed: two alignments of the same graphs beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from crossgraph.calibration import expected_calibration_error, reliability
from crossgraph.errors import ResultError
from crossgraph.graphs.links import Links
from crossgraph.layout import ResultFolder
from crossgraph.results import read_matches, read_scores, write_whole
from crossgraph.reviewing.views import GraphView

# Fewer answers than these tell nothing about calibration; each bin of its error has a third of them.
ENOUGH = 30
PER_BIN = 10
_KEYS = ("left", "right")
_SCHEMA = {
    "left": pl.String,
    "right": pl.String,
    "left_name": pl.String,
    "right_name": pl.String,
    "is_match": pl.Boolean,
    "answered": pl.Boolean,
    "probability_before": pl.Float64,
    "probability": pl.Float64,
}
Views: TypeAlias = tuple[GraphView, GraphView]


@dataclass(frozen=True, eq=False)
class Scores:
    """An alignment: every scored pair (left, right, probability) and the matches among them (left, right)."""

    scored: pl.DataFrame
    matches: pl.DataFrame

    @staticmethod
    def of(folder: ResultFolder) -> Scores:
        """Those of a RESULT."""
        matches = read_matches(folder.matches_file).select(_KEYS)
        return Scores(read_scores(folder.scores_file).select(*_KEYS, "probability"), matches)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Expected calibration error on answers that neither model learned from; None where they are too few.

    answers   how many of them both models scored
    """

    answers: int
    before: float | None = None
    after: float | None = None


@dataclass(frozen=True, eq=False)
class Changes:
    """What is otherwise after learning.

    flipped       pairs whose decision turned, the largest change of probability first; see ``read_changes``
    matches       numbers of matches, before and after
    calibration   on the answers that are new
    """

    flipped: pl.DataFrame
    matches: tuple[int, int]
    calibration: Calibration

    @staticmethod
    def between(before: Scores, after: Scores, *, new: Links, answers: Links, views: Views) -> Changes:
        """Compare two alignments.

        new       answers that the former model did not know
        answers   all of them
        """
        return Changes(
            flipped=_flipped(before, after, answers, views),
            matches=(len(before.matches), len(after.matches)),
            calibration=calibration(before.scored, after.scored, new),
        )

    def as_dict(self) -> dict[str, Any]:
        """For ``report.json``: numbers only."""
        turned = self.flipped["is_match"].to_numpy()
        return {
            "matches": {"before": self.matches[0], "after": self.matches[1]},
            "flipped": {
                "to_match": int(turned.sum()),
                "to_no_match": int((~turned).sum()),
                "answered": int(self.flipped["answered"].sum()),
            },
            "calibration": asdict(self.calibration),
        }

    def write(self, path: Path) -> None:
        """The flipped pairs as a table."""
        write_whole(path, lambda part: self.flipped.write_csv(part, separator="\t"))


def read_changes(path: Path) -> pl.DataFrame:
    """Flipped pairs as they were written; none where nothing was.

    left, right, their names, is_match (now), answered (by a person), probability_before and probability
    (null for a pair that was not scored)
    """
    if not path.is_file():
        return pl.DataFrame(schema=_SCHEMA)
    return pl.read_csv(path, separator="\t", schema=_SCHEMA)


def read_learned(folder: ResultFolder) -> dict[str, Any] | None:
    """What the report of a RESULT says of learning from answers; None where it has learned from none."""
    try:
        found: dict[str, Any] | None = folder.read_report().get("learned")
    except ResultError:
        return None
    return found


def told_calibration(found: dict[str, Any]) -> str:
    """Calibration before and after, in words."""
    if found["before"] is None:
        return f"not told: {found['answers']:,} new answers are too few, or all alike"
    return (
        f"expected error {found['before']:.3f} before, {found['after']:.3f} after, "
        f"on the {found['answers']:,} new answers"
    )


def calibration(before: pl.DataFrame, after: pl.DataFrame, answers: Links) -> Calibration:
    """How far probabilities were from the shares of same answers, before and after learning from them.

    Before, the model did not know the answers; after, an answered pair is scored by models that did not
    learn from it. People are asked about doubtful pairs, so it is the error where the model doubts.
    """
    asked = answers.table().select(*_KEYS, "label")
    both = asked.join(before, on=_KEYS).join(after, on=_KEYS, suffix="_after")
    same = both["label"].to_numpy() == 1
    if len(both) < ENOUGH or same.all() or not same.any():
        return Calibration(answers=len(both))
    bins = min(15, len(both) // PER_BIN)
    old, new = (
        expected_calibration_error(reliability(both[name].to_numpy(), same, bins=bins))
        for name in ("probability", "probability_after")
    )
    return Calibration(answers=len(both), before=round(old, 6), after=round(new, 6))


def _flipped(before: Scores, after: Scores, answers: Links, views: Views) -> pl.DataFrame:
    gone = before.matches.join(after.matches, on=_KEYS, how="anti").with_columns(is_match=False)
    come = after.matches.join(before.matches, on=_KEYS, how="anti").with_columns(is_match=True)
    asked = answers.table().select(*_KEYS, answered=pl.lit(value=True))
    table = (
        pl.concat([gone, come])
        .join(asked, on=_KEYS, how="left")
        .join(before.scored.rename({"probability": "probability_before"}), on=_KEYS, how="left")
        .join(after.scored, on=_KEYS, how="left")
        .with_columns(pl.col("answered").fill_null(value=False))
    )
    named = table.with_columns(
        pl.Series(f"{side}_name", _names(view, table[side]), dtype=pl.String)
        for side, view in zip(_KEYS, views, strict=True)
    )
    change = (pl.col("probability").fill_null(0.0) - pl.col("probability_before").fill_null(0.0)).abs()
    return named.sort(change, "left", "right", descending=[True, False, False]).select(*_SCHEMA)


def _names(view: GraphView, identifiers: pl.Series) -> Sequence[str]:
    places = view.graph.positions(identifiers).astype(np.int64)
    return [view.name(int(place)) for place in places]
