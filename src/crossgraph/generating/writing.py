"""How names are written down: each graph has its habits, and makes slips of its own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from crossgraph._types import Int64
from crossgraph.generating.naming import Naming

Ways = Mapping[str, float]
"""Ways to write a name, with their shares; what is left of 1 is written in full."""

_ARTICLE = r"^The "


def people_written(naming: Naming, people: Int64, side: int, ways: Ways) -> pl.Series:
    """bare: without the middle name; initial; turned: surname first; other: under another surname; slip."""
    names = naming.people(people).with_columns(way=_ways(naming, people, side, ways))
    other = naming.people(people, f" of {side}")["surname"]
    given, middle, surname = (pl.col(name) for name in ("given", "middle", "surname"))
    between = pl.when(middle == "").then(pl.lit(" ")).otherwise(" " + middle.str.slice(0, 1) + ". ")
    written = names.with_columns(other=other).select(
        pl.when(pl.col("way") == "bare")
        .then(given + " " + surname)
        .when(pl.col("way") == "initial")
        .then(given.str.slice(0, 1) + ". " + surname)
        .when(pl.col("way") == "turned")
        .then(surname + ", " + given)
        .when(pl.col("way") == "other")
        .then(given + " " + pl.col("other"))
        .otherwise(given + between + surname)
    )
    return _with_slips(naming, written.to_series(), names["way"], people, side)


def titles_written(naming: Naming, films: Int64, side: int, ways: Ways) -> pl.DataFrame:
    """main, subtitle (null where there is none); main is null where it is missing.

    turned: the article at the end; short: without it; other: another title, as in another country; slip;
    missing.
    """
    titles = naming.titles(films).with_columns(way=_ways(naming, films, side, ways))
    other = naming.titles(films, f" of {side}")["main"]
    main, part = pl.col("main"), pl.col("part")
    numbered = part.cast(pl.String) if side == 0 else part.replace_strict(_ROMAN, return_dtype=pl.String)
    number = pl.when(part == 0).then(pl.lit("")).otherwise(" " + numbered)
    bare = main.str.replace(_ARTICLE, "")
    written = titles.with_columns(other=other).select(
        "subtitle",
        main=pl.when(pl.col("way") == "missing")
        .then(None)
        .when((pl.col("way") == "turned") & main.str.contains(_ARTICLE))
        .then(bare + ", The" + number)
        .when(pl.col("way") == "short")
        .then(bare + number)
        .when(pl.col("way") == "other")
        .then(pl.col("other") + number)
        .otherwise(main + number),
    )
    return written.with_columns(
        main=_with_slips(naming, written["main"], titles["way"], films, side),
        subtitle=pl.when(pl.col("subtitle") != "").then("subtitle"),
    )


def companies_written(naming: Naming, companies: Int64, side: int, ways: Ways) -> pl.Series:
    """bare: what is its own alone; short: Pict. for Pictures; legal: with Inc.; slip."""
    names = naming.companies(companies).with_columns(way=_ways(naming, companies, side, ways))
    own, what = pl.col("own"), pl.col("what")
    written = names.select(
        pl.when(pl.col("way") == "bare")
        .then(own)
        .when(pl.col("way") == "short")
        .then(own + " " + what.str.slice(0, 4) + ".")
        .when(pl.col("way") == "legal")
        .then(own + " " + what + " Inc.")
        .otherwise(own + " " + what)
    )
    return _with_slips(naming, written.to_series(), names["way"], companies, side)


def keywords_written(naming: Naming, keywords: Int64, side: int, ways: Ways) -> pl.Series:
    """other: another word for it; slip."""
    way = _ways(naming, keywords, side, ways)
    frame = pl.DataFrame(
        {"own": naming.keywords(keywords), "other": naming.keywords(keywords, f" of {side}")}
    )
    written = frame.select(pl.when(pl.Series(way) == "other").then("other").otherwise("own")).to_series()
    return _with_slips(naming, written, way, keywords, side)


_ROMAN = dict(enumerate(("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII")))


def _ways(naming: Naming, entities: Int64, side: int, ways: Ways) -> pl.Series:
    """How each name is written."""
    drawn = naming.draws.uniform(f"way {side}", entities)
    bounds = np.cumsum(list(ways.values()))
    return pl.Series([*ways, "full"]).gather(np.searchsorted(bounds, drawn, side="right"))


def _with_slips(naming: Naming, names: pl.Series, ways: pl.Series, entities: Int64, side: int) -> pl.Series:
    """The names, with one slip in those that are to have one: a letter lost, doubled, or two exchanged."""
    draws = naming.draws
    lengths = names.str.len_chars().fill_null(0).cast(pl.Int64)
    at = pl.Series(1 + draws.uniform(f"slip at {side}", entities) * (lengths.to_numpy() - 2)).cast(pl.Int64)
    frame = pl.DataFrame(
        {"name": names, "way": ways, "at": at, "kind": draws.below(3, f"slip {side}", entities)}
    )
    name, place, kind = pl.col("name"), pl.col("at"), pl.col("kind")
    before, here, after = name.str.slice(0, place), name.str.slice(place, 1), name.str.slice(place + 1)
    following = after.str.slice(0, 1)
    slipped = (
        pl.when(kind == 0)
        .then(before + after)
        .when(kind == 1)
        .then(before + here + here + after)
        .otherwise(before + following + here + after.str.slice(1))
    )
    slips = (pl.col("way") == "slip") & (name.str.len_chars() > 3)
    return frame.select(pl.when(slips).then(slipped).otherwise(name)).to_series()
