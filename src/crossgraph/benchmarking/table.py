"""The rows of a comparison: each method on each case, over its seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import mean, stdev

from crossgraph.benchmarking.records import Record
from crossgraph.benchmarking.runner import Run, plan
from crossgraph.benchmarking.suite import Measure, Suite, Value

COLUMNS: dict[Measure, str] = {
    "hits1": "hits@1",
    "mrr": "MRR",
    "r_at_p95": "R@P95",
    "f1": "F1",
    "recall_blocking": "blocking recall",
    "training_seconds": "training s",
    "pairs_per_second": "pairs/s",
    "parameters": "parameters",
    "peak_mib": "peak MiB",
}
TITLES: dict[Measure, str] = {
    "prauc": "PRAUC",
    "precision": "precision",
    "recall": "recall",
    "scoring_seconds": "scoring s",
    **COLUMNS,
}
# Measures in [0, 1]; the others are told in whole numbers, or in three digits.
_SHARES = ("prauc", "hits1", "mrr", "r_at_p95", "precision", "recall", "f1", "recall_blocking")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method on one case.

    line      its line of the figure
    x         the value of a sweep
    records   one for each seed, the lowest seed first
    best      whether its mean PRAUC is the best of those that it is compared with
    """

    dataset: str
    method: str
    line: str
    x: Value | None
    records: tuple[Record, ...]
    best: bool = False

    def mean(self, measure: Measure) -> float | None:
        """Over the seeds; None if a run has none."""
        values = self._values(measure)
        return mean(values) if values else None

    def spread(self, measure: Measure) -> float | None:
        """Standard deviation over the seeds; None for a single one."""
        values = self._values(measure)
        return stdev(values) if len(values) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The bootstrap interval of PRAUC with the lowest seed."""
        judged = self.records[0].judgement
        if judged.prauc_low is None or judged.prauc_high is None:
            return None
        return judged.prauc_low, judged.prauc_high

    def _values(self, measure: Measure) -> list[float]:
        values = [record.value(measure) for record in self.records]
        known = [value for value in values if value is not None]
        return known if len(known) == len(values) else []


def rows_of(suite: Suite, records: Sequence[Record]) -> list[Row]:
    """All rows that have a record, in the order of the suite.

    PRAUC is compared among the methods of one case: a sweep of a data set is a case for each value.
    """
    found = {record.key: record for record in records}
    rows: list[tuple[object, Row]] = []
    for _, runs in groupby(plan(suite), key=lambda run: replace(run.key, seed=0)):
        same = sorted(runs, key=lambda run: run.seed)
        done = tuple(found[run.key] for run in same if run.key in found)
        if done:
            rows.append((same[0].dataset, _row(same[0], done)))
    highest: dict[object, float] = {}
    for case, row in rows:
        highest[case] = max(highest.get(case, 0.0), row.mean("prauc") or 0.0)
    return [replace(row, best=row.mean("prauc") == highest[case]) for case, row in rows]


def count_missing(suite: Suite, records: Sequence[Record]) -> int:
    """How many runs of the suite have no record."""
    done = {record.key for record in records}
    return sum(run.key not in done for run in plan(suite))


def told(row: Row, measure: Measure) -> str:
    """Mean and spread in words: 0.8123 ±0.0042 with four digits for shares; - for nothing."""
    value, spread = row.mean(measure), row.spread(measure)
    if value is None:
        return "-"
    if measure not in _SHARES:
        return _number(value)
    return f"{value:.4f}" + (f" ±{spread:.4f}" if spread else "")


def told_interval(row: Row) -> str:
    """The bootstrap interval of PRAUC."""
    return "-" if row.interval is None else f"{row.interval[0]:.3f}–{row.interval[1]:.3f}"


def _row(run: Run, records: tuple[Record, ...]) -> Row:
    method = run.method
    return Row(
        dataset=run.dataset.name,
        method=method.name,
        line=method.line or method.name,
        x=run.x,
        records=records,
    )


def _number(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1e6:,.3g} M"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
