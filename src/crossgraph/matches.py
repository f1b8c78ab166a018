"""The table that flows from scoring to decisions, results and merging."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from crossgraph.errors import Fault, FaultsError

MATCH_SCHEMA = {
    "left": pl.String,
    "right": pl.String,
    "type": pl.String,
    "score": pl.Float64,
    "probability": pl.Float64,
    "matched": pl.Boolean,
}
_MAX_FAULTS_OF_A_KIND = 100


@dataclass(frozen=True, eq=False)
class Matches:
    """Scored candidate pairs, each once, and which of them are decided to be the same.

    table (P)   left, right (String ids), type (String), score (any real number, higher is better),
                probability (in [0, 1], strictly increasing in the score within a type), matched (bool)

    ``validate`` holds a table to this.
    """

    table: pl.DataFrame

    @staticmethod
    def empty() -> Matches:
        """Matches without a pair."""
        return Matches(pl.DataFrame(schema=MATCH_SCHEMA))

    def __len__(self) -> int:
        return len(self.table)

    def decided(self) -> pl.DataFrame:
        """The rows decided to be the same."""
        return self.table.filter("matched")

    def ranked(self) -> pl.DataFrame:
        """All rows, highest probability first; equal ones by identifiers, so the order is always the same."""
        by_chance = self.table["probability"].arg_sort(descending=True, nulls_last=True)
        chances = self.table["probability"].gather(by_chance)
        # Hardly any are equal, and to sort all by their texts takes three times as long.
        again = chances.eq_missing(chances.shift())
        tied = (again | again.shift(-1, fill_value=False)).arg_true()
        if not len(tied):
            return self.table[by_chance]
        among = by_chance.gather(tied)
        rows = self.table[among].with_columns(at=among)
        rows = rows.sort("probability", "left", "right", descending=[True, False, False], nulls_last=True)
        return self.table[by_chance.scatter(tied, rows["at"])]

    def faults(self) -> tuple[Fault, ...]:
        """Everything that makes the table unfit, at most 100 faults of a kind; the line is the row from 1."""
        wrong = _wrong_columns(self.table)
        if wrong:
            return tuple(wrong)
        checks = (
            ("has an empty value", pl.any_horizontal(pl.all().is_null())),
            ("has an empty identifier", (pl.col("left") == "") | (pl.col("right") == "")),
            ("is given more than once", pl.struct("left", "right").is_duplicated()),
            ("has a score that is not finite", ~pl.col("score").is_finite()),
            ("has a probability outside [0, 1]", ~pl.col("probability").is_between(0, 1)),
        )
        found = [
            fault
            for problem, is_wrong in checks
            for fault in _row_faults(self.table, is_wrong, problem=problem)
        ]
        return tuple(found or _disorder(self.table))

    def validate(self) -> Matches:
        """These matches, if nothing is wrong with them. Raises FaultsError with all that is."""
        faults = self.faults()
        if faults:
            raise FaultsError("matches cannot be used", faults)
        return self


def _wrong_columns(table: pl.DataFrame) -> list[Fault]:
    return [
        Fault("matches", None, f"column {name} is {table.schema.get(name, 'missing')}", f"it must be {kind}")
        for name, kind in MATCH_SCHEMA.items()
        if table.schema.get(name) != kind
    ]


def _row_faults(table: pl.DataFrame, is_wrong: pl.Expr, *, problem: str) -> list[Fault]:
    rows = table.with_row_index("row", offset=1).filter(is_wrong.fill_null(value=False))
    columns = rows.head(_MAX_FAULTS_OF_A_KIND).select("row", "left", "right", "score", "probability")
    return [
        Fault(
            "matches",
            row,
            f"the pair {left!r}, {right!r} {problem}",
            f"score {score}, probability {probability}",
        )
        for row, left, right, score, probability in columns.iter_rows()
    ]


def _disorder(table: pl.DataFrame) -> list[Fault]:
    """Neighbours in the order of scores of one type whose probabilities do not follow."""
    rows = table.with_row_index("row", offset=1).sort("type", "score", "row")
    same_type = pl.col("type") == pl.col("type").shift()
    disagrees = pl.col("score").diff().sign() != pl.col("probability").diff().sign()
    wrong = rows.with_columns(before=pl.col("row").shift()).filter(same_type & disagrees)
    return [
        Fault(
            "matches",
            row,
            f"the probability of {left!r}, {right!r} does not rise with its score",
            f"compare row {before}, the next lower score of type {type_name!r}",
        )
        for row, left, right, before, type_name in wrong.head(_MAX_FAULTS_OF_A_KIND)
        .select("row", "left", "right", "before", "type")
        .iter_rows()
    ]
