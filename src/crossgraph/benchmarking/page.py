"""The page of a suite: Markdown that its finished runs alone decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from crossgraph.benchmarking.records import Record
from crossgraph.benchmarking.suite import Suite
from crossgraph.benchmarking.table import COLUMNS, Row, count_missing, rows_of, told, told_interval

_LEGEND = """\
Each row is the mean over its seeds, ± their standard deviation; the best PRAUC of a data set is bold. The
interval is a 95% bootstrap of the lowest seed's PRAUC over left entities of the test. A test match that
blocking never proposed counts as missed; only pairs with an entity of the test count; equal scores share
their place. R@P95 is the recall at precision .95; F1 is at the threshold that is best on the validation
pairs. Seconds are CPU seconds of all threads, of pairs/s those of scoring; training counts the features that
a method makes for it, and not blocking. Parameters are without a text embedding; peak memory is that of a
whole run, with libraries and the prepared data."""


def page_of(suite: Suite, records: Sequence[Record], *, figure: str | None = None) -> str:
    """The page as Markdown.

    figure   file name of the figure, where there is one
    """
    rows = rows_of(suite, records)
    parts = [f"# {suite.title}", suite.question.strip(), _command(suite)]
    if figure is not None:
        parts.append(f"![{suite.title}]({figure})")
    for name, group in groupby(rows, key=lambda row: row.dataset):
        same = list(group)
        parts += [f"## {name}", _facts(same), "\n".join(_table(same, suite))]
    missing = count_missing(suite, records)
    if missing:
        parts.append(f"{missing:,} of the suite's runs are missing.")
    parts += [_LEGEND, _versions(rows)]
    if suite.findings.strip():
        parts += ["## Findings", suite.findings.strip()]
    return "\n\n".join(part for part in parts if part) + "\n"


def _command(suite: Suite) -> str:
    file = suite.file
    # What lies outside of where the command was typed is nobody else's path.
    if file.is_absolute():
        here = Path.cwd()
        file = file.relative_to(here) if file.is_relative_to(here) else Path(file.name)
    return f"```sh\ncrossgraph benchmark {file.as_posix()} --data DATA --out OUT\n```"


def _facts(rows: Sequence[Row]) -> str:
    judged = [record.judgement for row in rows for record in row.records]
    matches, pairs = ({getattr(one, name) for one in judged} for name in ("matches", "pairs"))
    return f"{_range(matches)} test matches, {_range(pairs)} judged pairs."


def _range(numbers: set[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _table(rows: Sequence[Row], suite: Suite) -> Iterator[str]:
    swept = any(row.x is not None for row in rows)
    x = [suite.figure.x if suite.figure and suite.figure.x else "x"] if swept else []
    titles = ["method", *x, "seeds", "PRAUC", "95% interval", *COLUMNS.values()]
    yield f"| {' | '.join(map(_cell, titles))} |"
    yield "|---" * (1 + len(x)) + "|---:" * (len(titles) - 1 - len(x)) + "|"
    for row in rows:
        prauc = told(row, "prauc")
        cells = [row.method, *([told_x(row)] if swept else []), str(len(row.records))]
        cells += [f"**{prauc}**" if row.best else prauc, told_interval(row)]
        cells += [told(row, measure) for measure in COLUMNS]
        yield f"| {' | '.join(map(_cell, cells))} |"


def told_x(row: Row) -> str:
    """The value of a sweep, or nothing."""
    return "" if row.x is None else str(row.x)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _versions(rows: Sequence[Row]) -> str:
    found: dict[str, set[str]] = {}
    for row in rows:
        for record in row.records:
            for name, version in record.versions.items():
                found.setdefault(name, set()).add(version)
    told_all = [f"{name} {' and '.join(sorted(found[name]))}" for name in sorted(found)]
    return f"Versions: {', '.join(told_all)}." if told_all else ""
