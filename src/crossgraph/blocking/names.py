"""Candidates whose names share rare character n-grams."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
from scipy import sparse

from crossgraph._types import Float32, Int32, Int64, UInt64
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.products import Nearest, nearest_rows
from crossgraph.features.closeness import best_of_pairs
from crossgraph.features.description import AttributeColumn, Description, combinations
from crossgraph.features.text import TextTable
from crossgraph.graphs.sorting import row_starts
from crossgraph.schema.mapping import SchemaMapping

# An n-gram held by more of the strings than this finds too much to be worth looking up.
COMMON_GRAM = 0.05
# Below this many strings even common n-grams are cheap, and short lists need them.
SMALL_TABLE = 5_000
# A name is short (mean bytes of its normalised form) ...
LONGEST_NAME = 64
# ... and its mapping at least this share of the strongest one's weight.
NAME_WEIGHT = 0.5
# A category has fewer different values than this share of all its values.
DISTINCT_SHARE = 0.3
# Two texts whose holders make more pairs than this ("unknown" twice) name nobody.
MOST_NAMESAKES = 2_500


def name_rows(description: Description, schema: SchemaMapping) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The names of both sides: (entity, text) of every name-like attribute, each pair once."""
    lefts, rights = name_attributes(description, schema)
    return names_in(description.left, lefts), names_in(description.right, rights)


def name_keys(
    description: Description, schema: SchemaMapping, sizes: tuple[int, int]
) -> tuple[UInt64, UInt64]:
    """(E) a number of each entity's name on both sides, 0 where it has none; of several, the least number.

    So two entities with the same set of names share it surely, others as likely as their sets overlap
    (min-wise hashing, Broder, 1997).
    """
    hashes = description.texts.strings.hash(7).to_numpy().astype(np.uint64)
    keys = []
    for rows, size in zip(name_rows(description, schema), sizes, strict=True):
        least = np.full(size, np.iinfo(np.uint64).max, dtype=np.uint64)
        np.minimum.at(least, rows["entity"].to_numpy(), hashes[rows["text"].to_numpy()])
        keys.append(np.where(least == np.iinfo(np.uint64).max, np.uint64(0), least))
    return keys[0], keys[1]


def name_attributes(description: Description, schema: SchemaMapping) -> tuple[set[str], set[str]]:
    """The name-like attributes of both sides: short texts that tell entities apart (no categories).

    Of those that are mapped to each other, the ones whose weight is at least half of the strongest; where
    none is mapped, all of them.
    """
    short_left = _telling(description.left, description.texts)
    short_right = _telling(description.right, description.texts)
    mapped = [m for m in schema.attributes if m.left in short_left and m.right in short_right]
    floor = NAME_WEIGHT * max((m.weight for m in mapped), default=0.0)
    lefts = {m.left for m in mapped if m.weight >= floor} or short_left
    rights = {m.right for m in mapped if m.weight >= floor} or short_right
    return lefts, rights


def _telling(columns: tuple[AttributeColumn, ...], texts: TextTable) -> set[str]:
    """Short text attributes with many different values; if there are none, all short ones."""
    lengths = texts.strings.str.len_bytes().to_numpy()
    short = [
        column
        for column in columns
        if column.kind == "text" and len(column.texts) and lengths[column.texts].mean() <= LONGEST_NAME
    ]
    telling = [c for c in short if c.distinct_share >= DISTINCT_SHARE]
    return {column.name for column in telling or short}


def names_in(columns: tuple[AttributeColumn, ...], names: set[str]) -> pl.DataFrame:
    """(entity, text) of the attributes of these names, each pair once."""
    chosen = [column for column in columns if column.name in names]
    if not chosen:
        return pl.DataFrame(schema={"entity": pl.Int32, "text": pl.Int32})
    return (
        pl.DataFrame(
            {
                "entity": np.concatenate([column.entities for column in chosen]),
                "text": np.concatenate([column.texts for column in chosen]),
            }
        )
        .unique()
        .filter(pl.col("text") > 0)
        .sort("entity", "text")
    )


def nearest_names(
    queries: pl.DataFrame,
    pool: pl.DataFrame,
    texts: TextTable,
    *,
    top: int,
    nearest: Nearest = nearest_rows,
) -> pl.DataFrame:
    """The pool entities whose names are nearest to each query entity's, by cosine.

    queries, pool   tables (entity, text)
    nearest         where the product is made
    returns         (query, found, name): at most ``top`` for each distinct query name, cosine > 0; with an
                    encoder as many again, by meaning
    """
    if queries.is_empty() or pool.is_empty():
        return pl.DataFrame(schema={"query": pl.Int32, "found": pl.Int32, "name": pl.Float32})
    asked, known = queries["text"].unique().sort(), pool["text"].unique().sort()
    rare = texts.grams
    if len(known) > SMALL_TABLE:
        rare = without_common(rare[known.to_numpy()], len(known))
    else:
        rare = rare[known.to_numpy()]
    rows, columns = nearest(texts.grams[asked.to_numpy()], rare, top)
    if texts.meanings is not None:
        meant = texts.meanings.nearest(asked.to_numpy(), known.to_numpy(), top)
        keys = np.unique(np.r_[rows << 32 | columns, meant[0] << 32 | meant[1]])
        rows, columns = keys >> 32, keys & 0xFFFFFFFF
    near = pl.DataFrame({"asked": asked.gather(rows), "known": known.gather(columns)}).with_columns(
        name=pl.Series(texts.nearness(_int32(asked, rows), _int32(known, columns)))
    )
    holders = queries.group_by("text").len("askers"), pool.group_by("text").len("knowers")
    near = (
        near.join(holders[0], left_on="asked", right_on="text")
        .join(holders[1], left_on="known", right_on="text")
        .filter(pl.col("askers").cast(pl.Int64) * pl.col("knowers").cast(pl.Int64) <= MOST_NAMESAKES)
    )
    return (
        near.join(queries.rename({"entity": "query", "text": "asked"}), on="asked")
        .join(pool.rename({"entity": "found", "text": "known"}), on="known")
        .group_by("query", "found")
        .agg(pl.col("name").max())
    )


def _int32(values: pl.Series, places: Int64) -> Int32:
    return values.gather(places).to_numpy().astype(np.int32)


def without_common(grams: sparse.csr_matrix, strings: int) -> sparse.csr_matrix:
    """The matrix without n-grams that more than ``COMMON_GRAM`` of so many strings hold."""
    held = np.bincount(grams.indices, minlength=grams.shape[1])
    keep = (held <= COMMON_GRAM * strings)[grams.indices]
    rows = np.repeat(np.arange(grams.shape[0]), np.diff(grams.indptr))[keep]
    return sparse.csr_matrix((grams.data[keep], (rows, grams.indices[keep])), shape=grams.shape)


def name_candidates(
    names: tuple[pl.DataFrame, pl.DataFrame], texts: TextTable, *, top: int, nearest: Nearest = nearest_rows
) -> Candidates:
    """The pairs of two sets of named entities whose names are nearest.

    The side with fewer entities asks, so that a large catalogue does not flood a small one; two sides of
    one size both ask.

    names     tables (entity, text) of the left and right entities to be compared
    top       partners for each distinct name of the asking side
    nearest   where the products are made
    """
    left, right = names
    ask = partial(nearest_names, texts=texts, top=top, nearest=nearest)
    sizes = left["entity"].n_unique(), right["entity"].n_unique()
    parts = []
    if sizes[0] <= sizes[1]:
        parts.append(ask(left, right).rename({"query": "left", "found": "right"}))
    if sizes[1] <= sizes[0]:
        parts.append(ask(right, left).rename({"query": "right", "found": "left"}))
    return Candidates.united_frame(pl.concat([part.select("left", "right", "name") for part in parts]))


def name_cosines(
    names: tuple[pl.DataFrame, pl.DataFrame], texts: TextTable, pairs: tuple[Int32, Int32]
) -> Float32:
    """(P) the best nearness over all names of each pair; 0 where either has none."""
    left, right = (_grouped(rows) for rows in names)
    number, first, second = combinations(left[0], right[0], pairs)
    best = best_of_pairs(len(pairs[0]), number, texts.nearness(left[1][first], right[1][second]))
    return np.nan_to_num(best, nan=0.0)


def _grouped(rows: pl.DataFrame) -> tuple[Int64, Int32]:
    entities = rows["entity"].to_numpy()
    size = int(entities.max()) + 1 if len(entities) else 0
    return row_starts(entities, size), rows["text"].to_numpy()
