"""What is in a graph: counts, fill rates, kinds of values, and what looks wrong though it is legal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Int32
from crossgraph.graphs.graph import UNTYPED, KnowledgeGraph

Kind: TypeAlias = Literal["text", "number", "date"]

EXAMPLES = 3
KIND_SHARE = 0.95
HUB_SHARE = 0.01
HUB_DEGREE = 10_000
_DATE = r"^[+-]?\d{4,}-\d{2}(-\d{2})?([T ]\d{2}:\d{2}.*)?Z?$|^\d{1,2}[./]\d{1,2}[./]\d{4}$"
_NOT_A_NUMBER = r"(?i)^[+-]?(nan|inf|infinity)$"


@dataclass(frozen=True)
class TypeProfile:
    """entities: how many have this as their primary type."""

    name: str
    entities: int


@dataclass(frozen=True)
class RelationProfile:
    """One relation.

    heads, tails     distinct entities at either end
    forward          mean edges of a head;  backward: mean edges of a tail
    head_type, tail_type   the commonest pair of primary types at the ends
    """

    name: str
    edges: int
    heads: int
    tails: int
    forward: float
    backward: float
    head_type: str
    tail_type: str


@dataclass(frozen=True)
class AttributeProfile:
    """One attribute.

    facts      how many
    fill       share in [0, 1] of the entities of its types (all primary types it occurs with) that have it
    distinct   different values
    examples   the commonest values, at most EXAMPLES, ties in alphabetical order
    kind       number or date if at least KIND_SHARE of the facts look like it, otherwise text
    """

    name: str
    facts: int
    fill: float
    distinct: int
    examples: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True)
class GraphProfile:
    """The counts of a graph and of its types, relations and attributes, each sorted by name."""

    entities: int
    edges: int
    facts: int
    types: tuple[TypeProfile, ...]
    relations: tuple[RelationProfile, ...]
    attributes: tuple[AttributeProfile, ...]

    def as_dict(self) -> dict[str, Any]:
        """The profile as dicts, lists, strings and numbers, as JSON takes them."""
        return asdict(self)


def profile(graph: KnowledgeGraph) -> GraphProfile:
    """Count what a graph holds; entities without a type count as type ``entity``."""
    return GraphProfile(
        entities=len(graph),
        edges=len(graph.heads),
        facts=len(graph.fact_entities),
        types=_types(graph),
        relations=_relations(graph),
        attributes=_attributes(graph),
    )


def warnings(graph: KnowledgeGraph) -> list[str]:
    """What is legal and still looks wrong, one sentence each; empty if nothing does."""
    return [*_one_sided(graph), *_bare_entities(graph), *_odd_edges(graph), *_odd_numbers(graph)]


def _types(graph: KnowledgeGraph) -> tuple[TypeProfile, ...]:
    counts = np.bincount(_type_codes(graph), minlength=len(graph.type_names) + 1)
    names = (*graph.type_names, UNTYPED)
    # Types that are never primary are listed with 0; "entity" only if something has no type.
    shown = [(name, int(count)) for name, count in zip(names[:-1], counts, strict=False)]
    shown += [(UNTYPED, int(counts[-1]))] if counts[-1] else []
    return tuple(TypeProfile(name, count) for name, count in sorted(shown))


def _type_codes(graph: KnowledgeGraph) -> Int32:
    """(E) Primary types, with one code more for entities without any."""
    return np.where(graph.primary_types < 0, len(graph.type_names), graph.primary_types).astype(np.int32)


def _relations(graph: KnowledgeGraph) -> tuple[RelationProfile, ...]:
    codes = _type_codes(graph)
    edges = pl.DataFrame(
        {
            "relation": graph.relations,
            "head": graph.heads,
            "tail": graph.tails,
            "head_type": codes[graph.heads],
            "tail_type": codes[graph.tails],
        }
    )
    counts = edges.group_by("relation").agg(
        pl.len().alias("edges"),
        pl.col("head").n_unique().alias("heads"),
        pl.col("tail").n_unique().alias("tails"),
    )
    names = (*graph.type_names, UNTYPED)
    rows = counts.join(_ends(edges), on="relation").sort("relation")
    return tuple(
        RelationProfile(
            name=graph.relation_names[row["relation"]],
            edges=row["edges"],
            heads=row["heads"],
            tails=row["tails"],
            forward=row["edges"] / row["heads"],
            backward=row["edges"] / row["tails"],
            head_type=names[row["head_type"]],
            tail_type=names[row["tail_type"]],
        )
        for row in rows.iter_rows(named=True)
    )


def _ends(edges: pl.DataFrame) -> pl.DataFrame:
    """Relation and its commonest pair of types; ties go to the types that come first."""
    return (
        edges.group_by("relation", "head_type", "tail_type")
        .len()
        .sort("len", "head_type", "tail_type", descending=[True, False, False])
        .unique("relation", keep="first", maintain_order=True)
    )


def _attributes(graph: KnowledgeGraph) -> tuple[AttributeProfile, ...]:
    facts = _facts(graph)
    value = pl.col("value")
    rows = (
        facts.group_by("attribute")
        .agg(
            pl.len().alias("facts"),
            value.n_unique().alias("distinct"),
            value.str.strip_chars().cast(pl.Float64, strict=False).is_not_null().mean().alias("number"),
            value.str.strip_chars().str.contains(_DATE).mean().alias("date"),
        )
        .join(_fill(facts, _type_codes(graph)), on="attribute")
        .join(_examples(facts), on="attribute")
        .sort("attribute")
    )
    return tuple(
        AttributeProfile(
            name=graph.attribute_names[row["attribute"]],
            facts=row["facts"],
            fill=row["fill"],
            distinct=row["distinct"],
            examples=tuple(row["examples"]),
            kind=_kind(number=row["number"], date=row["date"]),
        )
        for row in rows.iter_rows(named=True)
    )


def _facts(graph: KnowledgeGraph) -> pl.DataFrame:
    return pl.DataFrame(
        {"entity": graph.fact_entities, "attribute": graph.fact_attributes, "value": graph.fact_values}
    )


def _kind(*, number: float, date: float) -> Kind:
    if number >= KIND_SHARE:
        return "number"
    return "date" if date >= KIND_SHARE else "text"


def _fill(facts: pl.DataFrame, codes: Int32) -> pl.DataFrame:
    """Attribute and the share of the entities of its types that have it."""
    sizes = np.bincount(codes)
    having = facts.select("attribute", "entity").unique()
    having = having.with_columns(pl.Series("type", codes[having["entity"].to_numpy()], dtype=pl.Int32))
    per_type = having.group_by("attribute", "type").len()
    per_type = per_type.with_columns(pl.Series("size", sizes[per_type["type"].to_numpy()], dtype=pl.Int64))
    share = pl.col("len").sum() / pl.col("size").sum()
    return per_type.group_by("attribute").agg(share.alias("fill"))


def _examples(facts: pl.DataFrame) -> pl.DataFrame:
    """Attribute and its commonest values."""
    counted = facts.group_by("attribute", "value").len()
    ranked = counted.sort("attribute", "len", "value", descending=[False, True, False])
    return ranked.group_by("attribute").agg(pl.col("value").head(EXAMPLES).alias("examples"))


def _one_sided(graph: KnowledgeGraph) -> list[str]:
    found = []
    if not len(graph.heads):
        found.append("the graph has no edges: only facts can tell entities apart")
    if not len(graph.fact_entities):
        found.append("the graph has no facts: only its structure can tell entities apart")
    if not graph.type_names:
        found.append("the graph has no types: every entity is compared with every other")
    return found


def _bare_entities(graph: KnowledgeGraph) -> list[str]:
    found = []
    bare = np.setdiff1d(np.arange(len(graph)), graph.fact_entities)
    if len(bare) and len(graph.fact_entities):
        found.append(_told(graph, bare, what="without any fact, not even a name"))
    untyped = np.flatnonzero(graph.primary_types < 0)
    if len(untyped) and graph.type_names:
        found.append(_told(graph, untyped, what="without a type"))
    return found


def _odd_edges(graph: KnowledgeGraph) -> list[str]:
    found = []
    loops = np.unique(graph.heads[graph.heads == graph.tails])
    if len(loops):
        found.append(_told(graph, loops, what="with an edge to themselves"))
    degrees = np.bincount(graph.heads, minlength=len(graph)) + np.bincount(graph.tails, minlength=len(graph))
    hubs = np.flatnonzero((degrees > HUB_DEGREE) & (degrees > HUB_SHARE * len(graph)))
    if len(hubs):
        found.append(_told(graph, hubs, what=f"that are hubs of more than {HUB_DEGREE:,} edges"))
    return found


def _odd_numbers(graph: KnowledgeGraph) -> list[str]:
    odd = _facts(graph).filter(pl.col("value").str.contains(_NOT_A_NUMBER))
    numbers = (
        {attribute.name for attribute in _attributes(graph) if attribute.kind == "number"}
        if len(odd)
        else set()
    )
    counts = odd.group_by("attribute").len().sort("attribute").iter_rows()
    return [
        f"attribute {graph.attribute_names[code]!r} has {count:,} values that are NaN or infinite"
        for code, count in counts
        if graph.attribute_names[code] in numbers
    ]


def _told(graph: KnowledgeGraph, entities: AnyArray, *, what: str) -> str:
    share = len(entities) / len(graph)
    examples = ", ".join(graph.ids.gather(entities[:EXAMPLES]).to_list())
    return f"{len(entities):,} of {len(graph):,} entities ({share:.1%}) {what}, for example {examples}"
