"""All that a merge report counts, one by one: a table to work through."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from crossgraph.errors import InputError
from crossgraph.merging.merge import SIDES, Merged
from crossgraph.merging.policies import QUESTION
from crossgraph.merging.report import Found

COLUMNS = ("finding", "entity", "name", "language", "left", "right", "kept")
_SUFFIXES = (".csv", ".parquet")


def require_table(path: Path) -> None:
    """Raise InputError unless findings can be written under this name."""
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{path}: findings are a table", hint="name it .csv or .parquet")


def write_findings(merged: Merged, found: Found, path: Path, *, suffix: str) -> None:
    """Write ``findings_of`` as a table: ``.csv``, or ``.parquet``."""
    table = findings_of(merged, found)
    if suffix.lower() == ".parquet":
        table.write_parquet(path)
    else:
        table.write_csv(path)


def findings_of(merged: Merged, found: Found) -> pl.DataFrame:
    """Every conflict, functional property with two values, cluster with several of one graph, and gain.

    finding   ``conflict``, ``functional``, ``several`` or ``gained``
    entity    its name in the merged graph; all names are IRIs, as in the report
    name      the attribute or relation; empty where the finding is about the entity as a whole
    language  of the values in conflict, as ``@en``; else empty
    left      what the graph says, a JSON list: values or neighbours; of ``several`` its entities. Of
              ``gained`` a number: the statements that its entity has from the other graph alone
    right     the same of the right graph
    kept      what the merged graph says, a JSON list; empty where the finding is about the entity as a whole
    """
    others = _doubled(merged, found), _several(merged, found), _gained(found)
    of_all = [one.with_columns(language=pl.lit("")) for one in others]
    return pl.concat([one.select(COLUMNS) for one in (_conflicts(merged), *of_all)])


def _listed(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Rows of ``keys``, ``value``, ``left``, ``right``, ``chosen`` as one row for each of the keys."""
    value = pl.col("value")
    lists = {
        "left": value.filter(pl.col("left")),
        "right": value.filter(pl.col("right")),
        "kept": value.filter(pl.col("chosen")),
    }
    told = rows.group_by(keys).agg(**{name: one.unique().sort() for name, one in lists.items()}).sort(keys)
    return told.with_columns(_json(pl.col(name)) for name in lists)


def _json(lists: pl.Expr) -> pl.Expr:
    return lists.map_elements(
        lambda told: json.dumps(told.to_list(), ensure_ascii=False), return_dtype=pl.String
    )


def _conflicts(merged: Merged) -> pl.DataFrame:
    rows = _listed(merged.facts.filter("conflict"), QUESTION)
    return rows.with_columns(finding=pl.lit("conflict"), name="attribute")


def _doubled(merged: Merged, found: Found) -> pl.DataFrame:
    edges = merged.edges.select(
        "left", "right", entity="head", name="relation", value="tail", chosen=pl.lit(True)
    )
    facts = merged.facts.filter("chosen").select(
        "entity", "left", "right", "value", "chosen", name="attribute"
    )
    rows = []
    for part, said in (("relation", edges), ("attribute", facts)):
        own = found.functional.filter(part=part)
        rows.append(said.join(own, on=["entity", "name"], how="semi"))
    return _listed(pl.concat(one.select(rows[0].columns) for one in rows), ["entity", "name"]).with_columns(
        finding=pl.lit("functional")
    )


def _several(merged: Merged, found: Found) -> pl.DataFrame:
    own = merged.clusters.members.join(found.several, on="cluster", how="semi").select(
        entity="canonical",
        value="iri",
        left=pl.col("side") == "left",
        right=pl.col("side") == "right",
        chosen=pl.lit(False),
    )
    told = _listed(own, ["entity"])
    return told.with_columns(finding=pl.lit("several"), name=pl.lit(""), kept=pl.lit(""))


def _gained(found: Found) -> pl.DataFrame:
    """An entity of the merged graph has one row, whatever it was made of."""
    sides = [
        one.group_by("canonical").agg(pl.col("gained").first().cast(pl.Int64).cast(pl.String).alias(side))
        for side, one in zip(SIDES, found.gained, strict=True)
    ]
    both = sides[0].join(sides[1], on="canonical", how="full", coalesce=True).sort("canonical")
    return both.select(
        "left",
        "right",
        entity="canonical",
        finding=pl.lit("gained"),
        name=pl.lit(""),
        kept=pl.lit(""),
    )
