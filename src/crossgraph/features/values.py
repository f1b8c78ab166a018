"""Literal values as numbers and days, and which kind an attribute is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import polars as pl

Kind: TypeAlias = Literal["text", "number", "date"]

# Most values of a column must parse before the column counts as that kind.
KIND_SHARE = 0.85
YEARS = (1400, 2100)

_DATE_FORMATS = (
    "%Y-%m-%d",
    "%d-%b-%y",
    "%d-%b-%Y",
    "%B %d %Y",
    "%b %d %Y",
    "%d %B %Y",
    "%d %b %Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%Y/%m/%d",
)
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


def days(values: pl.Series) -> pl.Series:
    """Float64 days since 1970-01-01 of each date; a bare year is its 1 July. Null where there is none."""
    text = pl.col("value").str.strip_chars().str.replace_all(r"\s*,\s*|\s+", " ")
    text = text.str.replace(r"^(\d{4}-\d{2}-\d{2})[T ].*$", "$1")
    dates = [text.str.to_date(form, strict=False) for form in _DATE_FORMATS]
    year = text.str.extract(r"^(\d{4})(?:\.0)?$", 1).cast(pl.Int32, strict=False)
    midyear = pl.when(year.is_between(*YEARS)).then(pl.date(year, 7, 1))
    # The epoch subtraction goes through days so that years before 1677 do not overflow nanoseconds.
    parsed = pl.coalesce(*dates, midyear)
    return (
        pl.DataFrame({"value": values})
        .select(day=parsed.cast(pl.Int32).cast(pl.Float64))["day"]
        .rename("day")
    )


def kinds_of(columns: Sequence[pl.Series]) -> list[Kind]:
    """The kind that most of each column's distinct values parse as; text where neither does.

    All at once, since each of thousands of columns would pay for a plan of its own.
    """
    samples = [_sample(values) for values in columns]
    together = pl.concat([pl.Series([], dtype=pl.String), *(sample.rename("") for sample in samples)])
    missing = [parse(together).is_null().to_numpy() for parse in (days, numbers)]
    kinds: list[Kind] = []
    start = 0
    for sample in samples:
        part = slice(start, start + len(sample))
        date, number = (
            len(sample) > 0 and 1.0 - int(one[part].sum()) / len(sample) >= KIND_SHARE for one in missing
        )
        kinds.append("date" if date else "number" if number else "text")
        start = part.stop
    return kinds


def _sample(values: pl.Series) -> pl.Series:
    distinct = values.unique().sort()
    return distinct.gather_every(max(1, len(distinct) // 2000))
