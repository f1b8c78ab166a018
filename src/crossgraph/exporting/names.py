"""Short names for IRIs, where a form has no room for long ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from urllib.parse import quote, unquote

import polars as pl

from crossgraph.graphs.sssom_format import LOCAL_NAMESPACE, WELL_KNOWN_PREFIXES
from crossgraph.schema.estimate import local_name

# What stands for an IRI of which no CURIE can hold the end: the whole of it, percent-encoded.
_WHOLE = f"{LOCAL_NAMESPACE}iri/"
_BREAKS = re.compile(r"[\t\r\n]+")


def short_names(
    iris: Iterable[str], *, languages: Iterable[tuple[str, str]] = (), taken: Collection[str] = ()
) -> dict[str, str]:
    """The last part of each IRI, decoded; where two share it, with its side, or else the whole IRI.

    No two are the same, none is blank, and none holds a tab or the end of a line.

    languages   what else stands behind the name of an IRI: with it, too, names are told apart
    taken       what no name may be; ``original_`` is put before it
    """
    distinct = sorted(set(iris))
    ends: dict[str, set[str]] = {iri: {""} for iri in distinct}
    for iri, language in languages:
        ends[iri].add(language)
    forms = {iri: _forms(iri, taken) for iri in distinct}
    names = {iri: own.pop() for iri, own in forms.items()}
    while True:
        count = Counter([*taken, *(name + end for iri, name in names.items() for end in ends[iri])])
        unclear = [
            iri
            for iri, name in names.items()
            if forms[iri] and (not name or any(count[name + end] > 1 for end in ends[iri]))
        ]
        if not unclear:
            return names
        names |= {iri: forms[iri].pop() for iri in unclear}


def curies(iris: pl.Series) -> tuple[pl.Series, dict[str, str]]:
    """Each IRI as a CURIE, and the prefixes with what they stand for.

    A prefix and what follows it make the IRI. Namespaces end at the last ``/``, ``#`` or ``:``; well-known
    ones and those of the two graphs have their usual prefix, others are called ``ns1``, ``ns2``, ... in the
    order of their names. An IRI that ends with one of these three leaves nothing to follow a prefix, so the
    whole of it is percent-encoded behind ``iri``.
    """
    whole = (pl.col("iri").str.contains(r"[/#:]$") | pl.col("iri").str.starts_with(_WHOLE)).alias("whole")
    space = pl.col("iri").str.extract(r"^(.*[/#:])", 1).fill_null("")
    parts = pl.DataFrame({"iri": iris}).with_columns(
        pl.when(whole).then(pl.lit(_WHOLE)).otherwise(space).alias("space"), whole
    )
    spaces = parts["space"].unique().sort()
    known = {space: prefix for prefix, space in WELL_KNOWN_PREFIXES.items()}
    known |= {f"{LOCAL_NAMESPACE}{side}/": side for side in ("left", "right")} | {_WHOLE: "iri"}
    others = (space for space in spaces if space not in known)
    prefixes = {space: known[space] for space in spaces if space in known}
    prefixes |= {space: f"ns{number}" for number, space in enumerate(others, start=1)}
    rests = [
        quote(iri, safe="") if whole else iri[len(space) :]
        for iri, space, whole in parts.select("iri", "space", "whole").iter_rows()
    ]
    prefix = parts["space"].replace_strict(prefixes, return_dtype=pl.String)
    found = pl.DataFrame({"p": prefix, "r": pl.Series(rests, dtype=pl.String)})
    return found.select(curie=pl.col("p") + ":" + pl.col("r"))["curie"], {p: s for s, p in prefixes.items()}


def _forms(iri: str, taken: Collection[str]) -> list[str]:
    """What an IRI may be called, from the last resort, which no two have in common, to the shortest."""
    last = unquote(local_name(iri))
    first = f"original_{last}" if last in taken else last
    return [quote(iri, safe=""), *(_BREAKS.sub(" ", one).strip() for one in (iri, _long_name(iri), first))]


def _long_name(iri: str) -> str:
    for side in ("left", "right"):
        prefix = f"{LOCAL_NAMESPACE}{side}/"
        if iri.startswith(prefix):
            return f"{side}:{unquote(iri.removeprefix(prefix).partition('/')[2])}"
    return iri
