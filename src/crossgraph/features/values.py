"""Literal values as numbers and days, and which kind an attribute is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import polars as pl

from crossgraph._types import Bool, Float64

Kind: TypeAlias = Literal["text", "number", "date"]

# A column is of the kind as which so many of its distinct values parse, or so many of its values.
KIND_SHARE, NEARLY_ALL = 0.85, 0.95
# Of a long column about so many values are looked at.
SAMPLE = 2_000
YEARS = (1400, 2100)
# Numbers are of many sizes if the largest tenth is beyond so many times the one in the middle.
MANY_TIMES = 10

_DATE_FORMATS = (
    "%Y-%m-%d",
    "%d-%b-%y",
    "%d-%b-%Y",
    "%B %d %Y",
    "%b %d %Y",
    "%d %B %Y",
    "%d %b %Y",
    "%d.%m.%Y",
    "%Y/%m/%d",
)
_FULL_YEAR = r"\b\d{4}\b"
# Of these, the first may be the month or the day. A year of two figures comes first: "%Y" takes it too.
_MONTH_FIRST, _DAY_FIRST = (
    tuple(f"%{first}{mark}%{second}{mark}%{year}" for mark, year in (("/", "y"), ("/", "Y"), ("-", "Y")))
    for first, second in (("m", "d"), ("d", "m"))
)
# With a time behind it. Shorter rows of numbers and dashes are codes.
_EITHER_FIRST = r"^(\d{1,2}/\d{1,2}/(?:\d{4}|\d{2})|\d{1,2}-\d{1,2}-\d{4})(?:[T ].*)?$"
# As Chinese, Japanese and Korean dates are written.
_MARKED = r"^(\d{4}) ?[年년] ?(\d{1,2}) ?[月월] ?(\d{1,2}) ?[日일]$"
_NUMBER = r"^[$€£¥\s]*([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*[%a-zA-Z$€£¥]{0,3}$"


def numbers(values: pl.Series) -> pl.Series:
    """Float64 of each text: plain and grouped numbers with a short unit, h:mm:ss and ISO durations (seconds).

    Null where the text is none of these, or is not finite.
    """
    text = pl.col("value").str.strip_chars()
    plain = text.str.extract(_NUMBER, 1).str.replace_all(",", "").cast(pl.Float64, strict=False)
    clock = text.str.extract_groups(r"^(?:(\d{1,3}):)?(\d{1,3}):(\d{2})$")
    spoken = text.str.extract_groups(r"^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$")
    number = pl.coalesce(plain, _seconds(clock), _seconds(spoken))
    return (
        pl.DataFrame({"value": values})
        .select(value=pl.when(number.is_finite()).then(number))["value"]
        .rename("number")
    )


def _seconds(groups: pl.Expr) -> pl.Expr:
    parts = [groups.struct.field(str(i)).cast(pl.Float64, strict=False) for i in (1, 2, 3)]
    total = parts[0].fill_null(0) * 3600 + parts[1].fill_null(0) * 60 + parts[2].fill_null(0)
    return pl.when(pl.any_horizontal(*[part.is_not_null() for part in parts])).then(total)


def are_of_many_sizes(values: Float64) -> bool:
    """Whether ratios of numbers tell more than their differences, as of towns' people; NaN says nothing."""
    known = values[np.isfinite(values)]
    if not len(known) or known.min() < 0:
        return False
    middle, large = np.quantile(known, [0.5, 0.9])
    return bool(large > MANY_TIMES * middle)


def reads_day_first(values: pl.Series) -> bool:
    """Whether dates of two numbers and a year begin with the day: more of them must than must not."""
    text = values.str.strip_chars().str.extract(_EITHER_FIRST, 1)
    parts = text.str.extract_groups(r"^(\d+)[/-](\d+)").struct.unnest()
    first, second = (int(parts[name].cast(pl.Int32).is_between(13, 31).sum()) for name in ("1", "2"))
    return first > second


def days(values: pl.Series, *, day_first: bool = False) -> pl.Series:
    """Float64 days since 1970-01-01 of each date; a bare year is its 1 July. Null where there is none.

    day_first   whether 4/7/1976 begins with the day; else it is the seventh of April
    """
    text = pl.col("value")
    either = _DAY_FIRST + _MONTH_FIRST if day_first else _MONTH_FIRST + _DAY_FIRST
    # "%Y" takes years of one figure too: 1-2-3 is a code.
    dated = pl.when(text.str.contains(_FULL_YEAR)).then(text)
    dates = [(dated if "%Y" in form else text).str.to_date(form, strict=False) for form in _DATE_FORMATS]
    unsure = text.str.extract(_EITHER_FIRST, 1)
    dates += [unsure.str.to_date(form, strict=False) for form in either]
    year = text.str.extract(r"^(\d{4})(?:\.0)?$", 1).cast(pl.Int32, strict=False)
    midyear = pl.when(year.is_between(*YEARS)).then(pl.date(year, 7, 1))
    # The epoch subtraction goes through days so that years before 1677 do not overflow nanoseconds.
    parsed = pl.coalesce(*dates, midyear)
    return (
        pl.DataFrame({"value": _plain(values)})
        .select(day=parsed.cast(pl.Int32).cast(pl.Float64))["day"]
        .rename("day")
    )


def _plain(values: pl.Series) -> pl.Series:
    """Dates without what stands behind them, with single blanks and without commas."""
    text = values.str.strip_chars().str.replace_all(r"\s*,\s*|\s+", " ")
    text = text.str.replace(r"^(\d{4}-\d{2}-\d{2})(?:[T ].*|Z|[+-]\d{2}:\d{2})$", "$1")
    # Looked for at first, as hardly any column has them.
    return text.str.replace(_MARKED, "$1-$2-$3") if text.str.contains("[年년]").any() else text


def kinds_of(columns: Sequence[pl.Series]) -> list[Kind]:
    """The kind that most of each column's values parse as; text where neither does.

    Most of its distinct values, or nearly all of its values: a placeholder that many have tells nothing
    about the others, and slips of the pen, each a value of its own, are many beside few years. All columns at
    once, since each of thousands would pay for a plan of its own.
    """
    if not columns:
        return []
    samples = [sample for values in columns for sample in (_distinct(values), _evenly(values))]
    together = pl.concat([pl.Series([], dtype=pl.String), *(sample.rename("") for sample in samples)])
    ends = np.cumsum([0, *map(len, samples)])
    sizes = np.maximum(np.diff(ends), 1)

    def most(parsed: pl.Series) -> Bool:
        sums = np.r_[0, np.cumsum(parsed.is_not_null().to_numpy())]
        shares = (np.diff(sums[ends]) / sizes).reshape(-1, 2)
        enough: Bool = (shares >= (KIND_SHARE, NEARLY_ALL)).any(axis=1)
        return enough

    kinds = zip(most(days(together)), most(numbers(together)), strict=True)
    return ["date" if date else "number" if number else "text" for date, number in kinds]


def _distinct(values: pl.Series) -> pl.Series:
    distinct = values.unique().sort()
    return distinct.gather_every(max(1, len(distinct) // SAMPLE))


def _evenly(values: pl.Series) -> pl.Series:
    """Every so-many-th of the values in order, so that each comes as often as it occurs."""
    counted = values.rename("value").value_counts().sort("value")
    ends = np.cumsum(counted["count"].to_numpy().astype(np.int64))
    wanted = np.arange(0, len(values), max(1, len(values) // SAMPLE))
    return counted["value"].gather(np.searchsorted(ends, wanted, side="right"))
