"""Estimate the schema mapping from names, values and known links."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Bool, Float32, Float64, Int32, Int64
from crossgraph.errors import ConfigError
from crossgraph.features.closeness import on_one_scale
from crossgraph.features.description import AttributeColumn, Description, value_pairs
from crossgraph.features.text import TextTable, normalise
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.schema.glance import likely_partners
from crossgraph.schema.mapping import AttributeMapping, RelationMapping, SchemaMapping, TypeMapping
from crossgraph.schema.seeds import BELIEVED, EntityPairs, type_codes

# A type is part of another one if so many of its entities bear that name too.
NEARLY_ALL = 0.9
# What corresponds by that weighs less than what bears the same name.
LESS = 0.8
# Pairs of attributes that are all compared; the value is far above what catalogues and their like have.
MOST_COMPARED = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaOptions:
    """How sure a correspondence must be.

    type_share       share of the better of both types' best partner that another partner needs
    relation_share   share of a relation's seeded edges that the other relation must echo
    attribute_gain   how much closer values of seed pairs must be than those of random pairs, in [0, 1]
    support          seed pairs (or edges) that must speak for a correspondence (count)
    attributes_kept  at most so many attribute correspondences (count)
    sample           seed pairs that attributes are compared on; of twice as many only some are (count)
    """

    type_share: float = 0.5
    relation_share: float = 0.05
    attribute_gain: float = 0.15
    support: int = 4
    attributes_kept: int = 32
    sample: int = 20_000

    def __post_init__(self) -> None:
        for name in ("type_share", "relation_share", "attribute_gain"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(f"[schema] {name} = {getattr(self, name)}", hint="use a number in (0, 1]")
        for name in ("support", "attributes_kept", "sample"):
            if getattr(self, name) < 1:
                raise ConfigError(f"[schema] {name} = {getattr(self, name)}", hint="use 1 or more")


def estimate_schema(
    left: KnowledgeGraph,
    right: KnowledgeGraph,
    description: Description,
    seeds: EntityPairs,
    *,
    options: SchemaOptions = SchemaOptions(),
) -> SchemaMapping:
    """Find what corresponds, from pairs believed or known to be the same."""
    return SchemaMapping(
        types=map_types(left, right, seeds, options=options),
        relations=map_relations(left, right, seeds, options=options),
        attributes=map_attributes(description, seeds, options=options),
    )


def map_types(
    left: KnowledgeGraph, right: KnowledgeGraph, seeds: EntityPairs, *, options: SchemaOptions
) -> tuple[TypeMapping, ...]:
    """Types that seed pairs connect, or that bear the same name.

    weight = sqrt(share of the left type's seeds * share of the right type's), so that a small type is
    not swallowed by a large one whose names it happens to share. A small type is part of a large one if most
    of its seeds are of that, and as many of its entities are seeds as elsewhere in the large one (the sixties
    among films), or if most known links (seeds of weight 1) of it are with that. Types of one name
    correspond, and then to no other, unless a known link says so. A type whose name the other graph lacks
    corresponds to that of the narrowest type which nearly all of it has besides (artists to people).
    """
    (left_names, left_of), (right_names, right_of) = type_codes(left), type_codes(right)
    counts, linked = np.zeros((2, len(left_names), len(right_names)))
    at = left_of[seeds.left], right_of[seeds.right]
    np.add.at(counts, at, seeds.weight)
    np.add.at(linked, at, seeds.weight >= 1.0)
    weights = _mutual_share(counts)
    best = np.maximum(*(weights.max(axis=axis, keepdims=True, initial=0.0) for axis in (1, 0)))
    namesakes = _namesakes(left_names, right_names)
    taken = namesakes.any(axis=1, keepdims=True) | namesakes.any(axis=0, keepdims=True)
    held = np.bincount(left_of, minlength=len(left_names)), np.bincount(right_of, minlength=len(right_names))
    parts = _parts(counts, held[0], options=options) | _parts(counts.T, held[1], options=options).T
    parts |= _linked(linked, options=options) | _linked(linked.T, options=options).T
    alike = (weights > 0) & ((weights >= options.type_share * best) | parts)
    kept = alike & (~taken | namesakes | (linked > 0))
    wider = _wider(left, namesakes) | _wider(right, namesakes.T).T
    for which, least in ((namesakes, options.type_share), (wider, LESS * options.type_share)):
        weights = np.where(which, np.maximum(weights, least), weights)
    rows = [
        TypeMapping(left_names[i], right_names[j], _weight(weights[i, j]))
        for i, j in np.argwhere(kept | namesakes | wider)
    ]
    return tuple(sorted(rows, key=lambda m: (-m.weight, m.left, m.right)))


def _parts(counts: Float64, sizes: Int64, *, options: SchemaOptions) -> Bool:
    """(K, L) whether each of K types is part of each of L types, by the seeds that they share.

    sizes (K)   entities of each
    """
    if not counts.size:
        return np.zeros(counts.shape, dtype=bool)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
    covered = counts / np.maximum(sizes, 1)[:, None]
    of_largest = covered[counts.argmax(axis=0), np.arange(counts.shape[1])]
    enough = counts >= options.support * BELIEVED
    parts: Bool = enough & (share >= options.type_share) & (covered >= options.type_share * of_largest)
    return parts


def _linked(linked: Float64, *, options: SchemaOptions) -> Bool:
    """(K, L) whether most known links of each of K types, and enough of them, are with each of L types."""
    told: Bool = (linked >= options.support) & (
        linked >= options.type_share * linked.sum(axis=1, keepdims=True)
    )
    return told


def _wider(graph: KnowledgeGraph, namesakes: Bool) -> Bool:
    """(K, L) to which of L types each of K types of a graph corresponds by a wider one that has a namesake.

    namesakes (K, L)   who has one has no need of it
    """
    entities, codes = graph.typed[:, 0], graph.typed[:, 1]
    _, primary = type_codes(graph)
    found, count = np.zeros(namesakes.shape, dtype=bool), len(namesakes)
    called = np.asarray(namesakes.any(axis=1))
    rows = np.flatnonzero(~called[primary[entities]] & called[codes])
    pairs, held = np.unique(
        primary[entities[rows]].astype(np.int64) * count + codes[rows], return_counts=True
    )
    narrow, wide = np.divmod(pairs, max(count, 1))
    enough = held >= NEARLY_ALL * np.bincount(primary, minlength=count)[narrow]
    sizes = np.bincount(codes, minlength=count)
    # The narrowest one comes last, and stays.
    for at in np.flatnonzero(enough)[np.argsort(-sizes[wide[enough]], kind="stable")]:
        found[narrow[at]] = namesakes[wide[at]]
    return found


def _weight(value: float) -> float:
    """A weight in (0, 1] of four decimals: what is used is what the file says."""
    return min(max(round(float(value), 4), 0.0001), 1.0)


def _namesakes(left: tuple[str, ...], right: tuple[str, ...]) -> Bool:
    """(types, types) whether two types bear the same name (the local part of an IRI)."""
    names = [
        np.array(normalise(pl.Series([local_name(n) for n in side], dtype=pl.String)).to_list(), dtype=object)
        for side in (left, right)
    ]
    return np.asarray((names[0][:, None] == names[1][None, :]) & (names[0][:, None] != ""), dtype=bool)


def local_name(name: str) -> str:
    """The part of an IRI after its last ``#``, ``/`` or ``:``; any other name as it is."""
    return name.rstrip("#/").replace("#", "/").replace(":", "/").rsplit("/", 1)[-1]


def _mutual_share(counts: Float64) -> Float64:
    rows, columns = counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
    total = np.sqrt(rows * columns)
    share: Float64 = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    return share


def map_relations(
    left: KnowledgeGraph, right: KnowledgeGraph, seeds: EntityPairs, *, options: SchemaOptions
) -> tuple[RelationMapping, ...]:
    """Relations, in either direction, that connect the same seed pairs.

    weight = the larger of P(right edge | left edge) and P(left edge | right edge), over the edges whose
    ends are both seeds.
    """
    partner = np.full(len(left), -1, dtype=np.int64)
    partner[seeds.left] = seeds.right
    image = np.full(len(right), False)
    image[seeds.right] = True
    edges = pl.DataFrame(
        {"head": partner[left.heads], "left": left.relations, "tail": partner[left.tails]}
    ).filter(pl.col("head") >= 0, pl.col("tail") >= 0, pl.col("head") != pl.col("tail"))
    inside = image[right.heads] & image[right.tails]
    others = pl.DataFrame(
        {
            "head": right.heads[inside].astype(np.int64),
            "right": right.relations[inside],
            "tail": right.tails[inside].astype(np.int64),
        }
    )
    scored = _echoed(edges, others).filter(
        pl.col("len") >= options.support, pl.col("weight") >= options.relation_share
    )
    rows = [
        RelationMapping(left.relation_names[a], right.relation_names[b], inverse, _weight(weight))
        for a, b, inverse, weight in scored.select("left", "right", "inverse", "weight").iter_rows()
    ]
    return tuple(sorted(rows, key=lambda m: (-m.weight, m.left, m.right, m.inverse)))


def _echoed(edges: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """How many edges of each two relations connect the same ends, either way round, and their share."""
    turned = others.rename({"head": "tail", "tail": "head"})
    found = pl.concat(
        [
            edges.join(others, on=["head", "tail"]).select("left", "right", inverse=pl.lit(False)),
            edges.join(turned, on=["head", "tail"]).select("left", "right", inverse=pl.lit(True)),
        ]
    )
    counts = found.group_by("left", "right", "inverse").len()
    return (
        counts.join(edges.group_by("left").len("left_edges"), on="left")
        .join(others.group_by("right").len("right_edges"), on="right")
        .with_columns(weight=pl.max_horizontal(pl.col("len") / "left_edges", pl.col("len") / "right_edges"))
    )


def map_attributes(
    description: Description, seeds: EntityPairs, *, options: SchemaOptions
) -> tuple[AttributeMapping, ...]:
    """Attributes whose values are closer for seed pairs than for the same pairs shuffled.

    weight = (closeness of seeds - closeness of shuffled) / (1 - closeness of shuffled). The order is by
    weight times the number of seeds that have both values: what speaks for the most entities comes first.
    """
    pairs = _sampled(seeds, options.sample)
    rows = []
    for i, j in _comparable(description, pairs, least=max(options.support, 2)):
        a, b = description.left[i], description.right[j]
        gain, support = _gain(a, b, pairs, description.texts)
        if gain >= options.attribute_gain:
            rows.append((gain * support, AttributeMapping(a.name, b.name, _weight(gain))))
    rows.sort(key=lambda row: (-row[0], row[1].left, row[1].right))
    return tuple(mapping for _, mapping in rows[: options.attributes_kept])


def _comparable(description: Description, pairs: EntityPairs, *, least: int) -> Int64:
    """(K, 2) attributes of one kind that enough seed pairs both have; of too many, the likely partners."""
    left, right = description.left, description.right
    together = _presence(left, pairs.left) @ _presence(right, pairs.right).T
    kinds = [np.array([column.kind for column in side]) for side in (left, right)]
    possible = (together >= least) & (kinds[0][:, None] == kinds[1][None, :])
    if possible.sum() > MOST_COMPARED:
        possible &= likely_partners(left, right, pairs, description.texts)
    return np.argwhere(possible)


def _presence(columns: tuple[AttributeColumn, ...], entities: Int32) -> Float32:
    """(A, S) 1 where an attribute has a value of the entity."""
    has = np.zeros((len(columns), len(entities)), dtype=np.float32)
    for row, column in enumerate(columns):
        has[row] = np.diff(column.indptr)[entities] > 0
    return has


def _sampled(seeds: EntityPairs, most: int) -> EntityPairs:
    step = max(1, len(seeds) // most)
    return EntityPairs(seeds.left[::step], seeds.right[::step], seeds.weight[::step])


def _gain(a: AttributeColumn, b: AttributeColumn, pairs: EntityPairs, texts: TextTable) -> tuple[float, int]:
    has_a, has_b = np.diff(a.indptr)[pairs.left] > 0, np.diff(b.indptr)[pairs.right] > 0
    both = has_a & has_b
    support = int(both.sum())
    left, right = pairs.left[both], pairs.right[both]
    shuffled = np.roll(right, support // 2)
    near, far = (_closeness(a, b, (left, other), texts) for other in (right, shuffled))
    if a.kind != "text":
        near, far = _nearer(near, far)
    chance = float(far.mean())
    return float((near.mean() - chance) / max(1e-6, 1.0 - chance)), support


def _closeness(
    a: AttributeColumn, b: AttributeColumn, pairs: tuple[Int32, Int32], texts: TextTable
) -> Float64:
    """(P) best cosine of two texts, or minus the least distance of two numbers, over all value pairs."""
    number, left, right = value_pairs(a, b, pairs)
    starts = np.flatnonzero(np.r_[True, np.diff(number) != 0])
    if a.kind == "text":
        close: AnyArray = texts.nearness(a.texts[left], b.texts[right]).astype(np.float64)
    else:
        of_left, of_right = on_one_scale(a, b)
        with np.errstate(over="ignore"):
            close = -np.abs(of_left[left] - of_right[right])
        close[np.isnan(close)] = -np.inf
    return np.maximum.reduceat(close, starts)


def _nearer(near: Float64, far: Float64) -> tuple[Float64, Float64]:
    """Distances as the share of shuffled pairs that are farther (ties count half)."""
    ordered = np.sort(far)

    def share(values: Float64) -> Float64:
        below = np.searchsorted(ordered, values, side="left")
        upto = np.searchsorted(ordered, values, side="right")
        return (below + upto) / (2.0 * len(ordered))

    return share(near), share(far)
