"""Short names for IRIs, where a form has no room for long ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from urllib.parse import quote, unquote

import polars as pl

from crossgraph.graphs.sssom_format import LOCAL_NAMESPACE, WELL_KNOWN_PREFIXES
from crossgraph.schema.estimate import local_name

# What a CURIE's second part may hold for every reader of CURIEs.
_SAFE = "-._~"


def short_names(iris: Iterable[str]) -> dict[str, str]:
    """The last part of each IRI, decoded; where two share it, with its side, or else the whole IRI."""
    distinct = sorted(set(iris))
    last = {iri: unquote(local_name(iri)) for iri in distinct}
    taken = Counter(last.values())
    return {iri: name if taken[name] == 1 and name else _long_name(iri) for iri, name in last.items()}


def curies(iris: pl.Series) -> tuple[pl.Series, dict[str, str]]:
    """Each IRI as a CURIE, and the prefixes with what they stand for.

    Namespaces end at the last ``/`` or ``#``; well-known ones and those of the two graphs have their usual
    prefix, others are called ``ns1``, ``ns2``, ... in the order of their names.
    """
    parts = pl.DataFrame({"iri": iris}).with_columns(
        pl.col("iri").str.extract(r"^(.*[/#])", 1).fill_null("").alias("space")
    )
    spaces = parts["space"].unique().sort()
    known = {space: prefix for prefix, space in WELL_KNOWN_PREFIXES.items()}
    known |= {f"{LOCAL_NAMESPACE}{side}/": side for side in ("left", "right")}
    others = (space for space in spaces if space not in known)
    prefixes = {space: known[space] for space in spaces if space in known}
    prefixes |= {space: f"ns{number}" for number, space in enumerate(others, start=1)}
    # Percent signs stay, so that a prefix and what follows it still make the IRI.
    locals_ = [
        quote(iri[len(space) :], safe=f"{_SAFE}%") or "_"
        for iri, space in parts.select("iri", "space").iter_rows()
    ]
    prefix = parts["space"].replace_strict(prefixes, return_dtype=pl.String)
    found = pl.DataFrame({"p": prefix, "l": pl.Series(locals_, dtype=pl.String)})
    return found.select(curie=pl.col("p") + ":" + pl.col("l"))["curie"], {p: s for s, p in prefixes.items()}


def _long_name(iri: str) -> str:
    for side in ("left", "right"):
        prefix = f"{LOCAL_NAMESPACE}{side}/"
        if iri.startswith(prefix):
            return f"{side}:{unquote(iri.removeprefix(prefix).partition('/')[2])}"
    return iri
