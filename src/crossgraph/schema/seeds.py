"""Pairs of entities that are probably the same, found without labels: what schema mapping starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Bool, Float32, Int32, Int64
from crossgraph.features.description import AttributeColumn, Description
from crossgraph.features.serial import is_serial
from crossgraph.features.text import TextTable
from crossgraph.graphs.graph import UNTYPED, KnowledgeGraph

# Shorter shared texts (initials, digits) say little.
SHORTEST_SEED_TEXT = 3
BELIEVED = 0.5


@dataclass(frozen=True, eq=False)
class EntityPairs:
    """Entity pairs with a weight each: left (P), right (P) entity numbers, weight (P) in (0, 1].

    Known links weigh 1, pairs that are only believed ``BELIEVED``.
    """

    left: Int32
    right: Int32
    weight: Float32

    def __len__(self) -> int:
        return len(self.left)

    @staticmethod
    def of(left: AnyArray, right: AnyArray, weight: AnyArray | float = 1.0) -> EntityPairs:
        """Pairs from any integer arrays; one weight for all, or one each."""
        weights = np.broadcast_to(np.asarray(weight, dtype=np.float32), np.shape(left)).copy()
        return EntityPairs(np.asarray(left, dtype=np.int32), np.asarray(right, dtype=np.int32), weights)

    def take(self, kept: Bool | Int64) -> EntityPairs:
        """Some of the pairs."""
        return EntityPairs(self.left[kept], self.right[kept], self.weight[kept])

    def moved(self, left: int, right: int) -> EntityPairs:
        """The same with so much added to the numbers of either side."""
        return EntityPairs(self.left + np.int32(left), self.right + np.int32(right), self.weight)

    def and_also(self, other: EntityPairs) -> EntityPairs:
        """Both sets, one after the other."""
        return EntityPairs(
            np.r_[self.left, other.left], np.r_[self.right, other.right], np.r_[self.weight, other.weight]
        )

    def without(self, other: EntityPairs) -> EntityPairs:
        """These pairs, less those that are in ``other`` too."""
        gone = np.isin(_keys(self), _keys(other))
        return self.take(~gone)

    def joined(self, other: EntityPairs) -> EntityPairs:
        """Both sets; where an entity of ``self`` occurs in ``other`` too, only ``self``'s pair stays."""
        free = ~np.isin(other.left, self.left) & ~np.isin(other.right, self.right)
        return EntityPairs(
            np.r_[self.left, other.left[free]],
            np.r_[self.right, other.right[free]],
            np.r_[self.weight, other.weight[free]],
        )


NO_PAIRS = EntityPairs.of(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32))


def _keys(pairs: EntityPairs) -> Int64:
    keys: Int64 = pairs.left.astype(np.int64) << 32 | pairs.right
    return keys


def type_codes(graph: KnowledgeGraph) -> tuple[tuple[str, ...], Int32]:
    """Type names and the (E) primary type of each entity; entities without one are of type ``entity``."""
    codes = graph.primary_types
    if (codes >= 0).all():
        return graph.type_names, codes
    names = graph.type_names
    if UNTYPED not in names:
        names = (*names, UNTYPED)
    return names, np.where(codes >= 0, codes, names.index(UNTYPED)).astype(np.int32)


def shared_rare_values(description: Description) -> EntityPairs:
    """Pairs of entities that alone, each on its side, hold a text that both graphs have.

    Serial numbers are no such texts. An entity whose shared texts point to several partners is left out.
    """
    left = _owners(description.left, description.texts).rename({"entity": "left"})
    right = _owners(description.right, description.texts).rename({"entity": "right"})
    pairs = left.join(right, on="text").select("left", "right").unique()
    pairs = pairs.filter(pl.len().over("left") == 1, pl.len().over("right") == 1).sort("left")
    return EntityPairs.of(pairs["left"].to_numpy(), pairs["right"].to_numpy(), BELIEVED)


def _owners(columns: tuple[AttributeColumn, ...], table: TextTable) -> pl.DataFrame:
    texts = [column for column in columns if column.kind == "text" and not is_serial(column, table)]
    if not texts:
        return pl.DataFrame(schema={"text": pl.Int32, "entity": pl.Int32})
    held = pl.DataFrame(
        {
            "text": np.concatenate([column.texts for column in texts]),
            "entity": np.concatenate([column.entities for column in texts]),
        }
    ).unique()
    held = held.filter(pl.Series(table.lengths[held["text"].to_numpy()] >= SHORTEST_SEED_TEXT))
    return held.filter(pl.len().over("text") == 1)
