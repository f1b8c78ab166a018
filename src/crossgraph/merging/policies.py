"""Which values stay where the two graphs give an entity different ones."""

from __future__ import annotations

from difflib import get_close_matches

import polars as pl

from crossgraph.errors import ConfigError
from crossgraph.features.values import days
from crossgraph.merging.options import MergeOptions, Policy

# A German name and an English one do not contradict each other, so each language is looked at alone.
QUESTION = ["entity", "attribute", "language"]


def policy_of_attributes(
    options: MergeOptions, names: tuple[dict[str, str], dict[str, str]]
) -> dict[str, Policy]:
    """The policy of each attribute that has one of its own, by its canonical IRI.

    names   for left and right: from the names that the graph gives its attributes to canonical IRIs

    Raises ConfigError naming every attribute that neither graph has.
    """
    known = {**names[0], **names[1]}
    require_attributes([*options.policies, *options.modified], known)
    return {side[name]: policy for name, policy in options.policies.items() for side in names if name in side}


def require_attributes(asked: list[str], known: dict[str, str]) -> None:
    """Raise ConfigError if an attribute is asked for that no graph has."""
    missing = [name for name in asked if name not in known]
    if not missing:
        return
    near = list(dict.fromkeys(one for name in missing for one in get_close_matches(name, known, 2)))
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "crossgraph check shows them"
    raise ConfigError(f"neither graph has the attribute {', '.join(map(repr, missing))}", hint=hint)


def resolve(
    facts: pl.DataFrame, policies: dict[str, Policy], *, modified: list[str], options: MergeOptions
) -> pl.DataFrame:
    """The facts with what became of them.

    facts      entity, attribute, value, tag, left, right (which graphs say so), stated (by how many records)
    policies   of attributes, by IRI; all others have ``options.policy``
    modified   IRIs of the attributes that tell when a record was changed
    returns    the facts with ``policy``, ``conflict`` (the graphs have different texts) and ``chosen``

    Where both graphs answer the same question, an attribute of an entity in one language, and not with the
    same texts, ``left`` and ``right`` keep what that graph says; ``most-frequent``, ``newest`` and
    ``longest`` keep one value, in a tie that of the preferred graph, then the first by text. Everything
    else stays whole.
    """
    asked = _with_conflicts(facts, policies, options.policy)
    worth = _worth(asked, modified)
    preferred = "right" if options.prefer == "right" else "left"
    ordered = worth.sort(
        [*QUESTION, "worth", preferred, "value", "tag"],
        descending=[False, False, False, True, True, False, False],
        nulls_last=[False, False, False, True, False, False, False],
    )
    first = pl.int_range(pl.len()).over(QUESTION) == 0
    policy = pl.col("policy")
    kept = (
        pl.when(policy == "keep-all")
        .then(pl.lit(True))
        .when(policy == "left")
        .then("left")
        .when(policy == "right")
        .then("right")
        .otherwise(first)
    )
    return ordered.with_columns(chosen=~pl.col("conflict") | kept).drop("worth")


def _with_conflicts(facts: pl.DataFrame, policies: dict[str, Policy], default: Policy) -> pl.DataFrame:
    tag = pl.col("tag")
    text = [*QUESTION, "value"]
    both = [pl.col(side).any().over(QUESTION) for side in ("left", "right")]
    agreed = pl.col("left").any().over(text) & pl.col("right").any().over(text)
    return facts.with_columns(
        language=pl.when(tag.str.starts_with("@")).then(tag).otherwise(pl.lit("")),
        policy=pl.col("attribute").replace_strict(policies, default=default, return_dtype=pl.String),
    ).with_columns(conflict=both[0] & both[1] & ~agreed.all().over(QUESTION))


def _worth(asked: pl.DataFrame, modified: list[str]) -> pl.DataFrame:
    """The facts with what their policy ranks them by, more is better; null where it cannot tell."""
    dates = _record_dates(asked, modified)
    worth = (
        pl.when(pl.col("policy") == "most-frequent")
        .then(pl.col("stated").cast(pl.Float64))
        .when(pl.col("policy") == "longest")
        .then(pl.col("value").str.len_chars().cast(pl.Float64))
        .when(pl.col("policy") == "newest")
        .then(pl.coalesce("record", "day"))
    )
    day = pl.when(pl.col("policy") == "newest").then("value")
    texts = asked.select(day)["value"]
    record = pl.max_horizontal(*(pl.when(side).then(f"{side}_date") for side in ("left", "right")))
    return (
        asked.join(dates, on="entity", how="left", maintain_order="left")
        .with_columns(day=days(texts), record=record)
        .with_columns(worth=worth)
        .drop("day", "record", "left_date", "right_date")
    )


def _record_dates(facts: pl.DataFrame, modified: list[str]) -> pl.DataFrame:
    """When the record of each entity in either graph was last changed."""
    rows = facts.filter(pl.col("attribute").is_in(modified))
    rows = rows.with_columns(date=days(rows["value"]))
    return rows.group_by("entity").agg(
        pl.col("date").filter(side).max().alias(f"{side}_date") for side in ("left", "right")
    )
