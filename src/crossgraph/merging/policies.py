"""Which values stay where the two graphs give an entity different ones."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl

from crossgraph._types import Side
from crossgraph.errors import ConfigError
from crossgraph.features.values import days, reads_day_first
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
    same texts, ``left`` and ``right`` keep what that graph says; ``most-frequent`` (a text counts with
    all its datatypes), ``newest`` and ``longest`` keep one value, in a tie that of the preferred graph, then
    the first by text. Everything else stays whole.
    """
    tag = pl.col("tag")
    asked = facts.with_columns(
        language=pl.when(tag.str.starts_with("@")).then(tag).otherwise(pl.lit("")),
        policy=pl.col("attribute").replace_strict(policies, default=options.policy, return_dtype=pl.String),
    )
    open_questions = _conflicts(asked)
    quiet = asked.join(open_questions, on=QUESTION, how="anti")
    disputed = asked.join(open_questions, on=QUESTION, how="semi")
    reading = _Reading(asked, "right" if options.prefer == "right" else "left")
    dates = _record_dates(asked, modified, reading)
    parts = [
        quiet.with_columns(conflict=pl.lit(False), chosen=pl.lit(True)),
        _settled(disputed, dates, reading)
        .with_columns(conflict=pl.lit(True))
        .select(*asked.columns, "conflict", "chosen"),
    ]
    return pl.concat(parts).sort("entity", "attribute", "value", "tag")


@dataclass(frozen=True, eq=False)
class _Reading:
    """How dates are read: as each graph writes those of an attribute.

    facts       all of both graphs, with the columns left and right that tell who says so
    preferred   the graph whose way counts for what both say
    """

    facts: pl.DataFrame
    preferred: Side

    def days(self, rows: pl.DataFrame, attributes: list[str]) -> pl.Series:
        """(K) the days that values of these attributes are; null where they are none, and of other ones."""
        own = self.facts.filter(pl.col("attribute").is_in(attributes))
        day_first = {
            side: [
                name
                for (name,), said in own.filter(side).group_by("attribute")
                if reads_day_first(said["value"])
            ]
            for side in ("left", "right")
        }
        other: Side = "left" if self.preferred == "right" else "right"
        name = pl.col("attribute")
        first, second = (name.is_in(day_first[side]) for side in (self.preferred, other))
        return rows.select(
            day=pl.when(~name.is_in(attributes))
            .then(None)
            .when(pl.when(self.preferred).then(first).otherwise(second))
            .then(days(rows["value"], day_first=True))
            .otherwise(days(rows["value"]))
        )["day"]


def _conflicts(facts: pl.DataFrame) -> pl.DataFrame:
    """The questions that both graphs answer, and not with the same texts."""
    texts = facts.group_by(*QUESTION, "value").agg(pl.col("left").any(), pl.col("right").any())
    both = pl.col("left") & pl.col("right")
    answers = texts.group_by(QUESTION).agg(pl.col("left").any(), pl.col("right").any(), agreed=both.all())
    return answers.filter(both & ~pl.col("agreed")).select(QUESTION)


def _settled(disputed: pl.DataFrame, dates: pl.DataFrame, reading: _Reading) -> pl.DataFrame:
    """Facts in conflict with ``chosen``."""
    ordered = _with_worth(disputed, dates, reading).sort(
        [*QUESTION, "worth", reading.preferred, "value", "tag"],
        descending=[False, False, False, True, True, False, False],
        nulls_last=[False, False, False, True, False, False, False],
    )
    policy = pl.col("policy")
    first = pl.struct(QUESTION).is_first_distinct()
    kept = (
        pl.when(policy == "keep-all")
        .then(pl.lit(True))
        .when(policy == "left")
        .then("left")
        .when(policy == "right")
        .then("right")
        .otherwise(first)
    )
    return ordered.with_columns(chosen=kept)


def _with_worth(disputed: pl.DataFrame, dates: pl.DataFrame, reading: _Reading) -> pl.DataFrame:
    """Facts with what their policy ranks them by, more is better; null where it cannot tell."""
    policy = pl.col("policy")
    # As in conflicts, a text is one value whatever datatypes it is written with.
    stated = pl.col("stated").sum().over(*QUESTION, "value")
    worth = (
        pl.when(policy == "most-frequent")
        .then(stated.cast(pl.Float64))
        .when(policy == "longest")
        .then(pl.col("value").str.len_chars().cast(pl.Float64))
        .when(policy == "newest")
        .then(pl.coalesce("record", "day"))
    )
    newest = disputed.filter(policy == "newest")["attribute"].unique().to_list()
    record = pl.max_horizontal(*(pl.when(side).then(f"{side}_date") for side in ("left", "right")))
    return (
        disputed.join(dates, on="entity", how="left", maintain_order="left")
        .with_columns(day=reading.days(disputed, newest), record=record)
        .with_columns(worth=worth)
    )


def _record_dates(facts: pl.DataFrame, modified: list[str], reading: _Reading) -> pl.DataFrame:
    """When the record of each entity in either graph was last changed."""
    rows = facts.filter(pl.col("attribute").is_in(modified))
    rows = rows.with_columns(date=reading.days(rows, modified))
    return rows.group_by("entity").agg(
        pl.col("date").filter(side).max().alias(f"{side}_date") for side in ("left", "right")
    )
