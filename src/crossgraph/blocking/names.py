"""Candidates whose names share rare character n-grams."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import polars as pl
from scipy import sparse

from crossgraph._types import Bool, Float32, Int32, Int64, UInt64
from crossgraph.blocking.candidates import Candidates, pair_keys
from crossgraph.blocking.products import Nearest, nearest_rows, turned_rows, within_reach
from crossgraph.blocking.ranking import ranks
from crossgraph.blocking.singles import fewer
from crossgraph.features.closeness import best_of_pairs
from crossgraph.features.description import AttributeColumn, Description, combinations
from crossgraph.features.serial import is_serial
from crossgraph.features.text import TextTable
from crossgraph.graphs.sorting import distinct_rows, firsts, marked, row_starts, sorted_rows
from crossgraph.schema.mapping import SchemaMapping

# An n-gram held by more of the strings than this finds too much to be worth looking up.
COMMON_GRAM = 0.05
# Below this many strings even common n-grams are cheap, and short lists need them.
SMALL_TABLE = 5_000
# How many times the partners of a name are looked at if not all of its n-grams are looked up.
FARTHER = 3
# So many names are looked up at once.
AT_ONCE = 100_000
# A name is short (mean bytes of its normalised form) ...
LONGEST_NAME = 64
# ... and its mapping at least this share of the strongest one's weight.
NAME_WEIGHT = 0.5
# Entities without any such name go by weaker ones where there are so many of them (share of those with one).
NAMELESS = 0.02
# A category has fewer different values than this share of all its values.
DISTINCT_SHARE = 0.3
_SIDES = ("left", "right")
# Two texts whose holders make more pairs than this ("unknown" twice) name nobody.
MOST_NAMESAKES = 2_500


def name_rows(
    description: Description, names: tuple[set[str], set[str]]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The names of both sides: (entity, text) of the attributes that name, each pair once.

    names   of the attributes, see ``name_attributes``
    """
    return _names_in(description.left, names[0]), _names_in(description.right, names[1])


def name_keys(
    description: Description, schema: SchemaMapping, sizes: tuple[int, int]
) -> tuple[UInt64, UInt64]:
    """(E) a number of each entity's name on both sides, 0 where it has none; of several, the least number.

    So two entities with the same set of names share it surely, others as likely as their sets overlap
    (min-wise hashing, Broder, 1997).
    """
    hashes = description.texts.strings.hash(7).to_numpy().astype(np.uint64)
    names, keys = name_rows(description, name_attributes(description, schema)), []
    for rows, size in zip(names, sizes, strict=True):
        least = np.full(size, np.iinfo(np.uint64).max, dtype=np.uint64)
        np.minimum.at(least, rows["entity"].to_numpy(), hashes[rows["text"].to_numpy()])
        keys.append(np.where(least == np.iinfo(np.uint64).max, np.uint64(0), least))
    return keys[0], keys[1]


def name_attributes(description: Description, schema: SchemaMapping) -> tuple[set[str], set[str]]:
    """The name-like attributes of both sides: texts that tell entities apart, short ones first.

    Of those that are mapped to each other, the ones whose weight is at least half of the strongest, and also
    weaker ones by which many more entities have a name (a title beside a phone number that not all have); a
    title that is mapped to a whole citation where no two short texts are mapped. Where none is mapped, all of
    them but serial numbers, which two catalogues give to anything.
    """
    texts = description.texts
    left, right = _telling(description.left, texts), _telling(description.right, texts)
    mapped = [m for m in schema.attributes if m.left in left and m.right in right]
    shorts = [(left[m.left] <= LONGEST_NAME) + (right[m.right] <= LONGEST_NAME) for m in mapped]
    mapped = [m for m, short in zip(mapped, shorts, strict=True) if short == max(shorts)]
    floor = NAME_WEIGHT * max((m.weight for m in mapped), default=0.0)
    names = _with_nameless(
        (description.left, description.right),
        [(m.left, m.right) for m in mapped if m.weight >= floor],
        [(m.left, m.right) for m in sorted(mapped, key=lambda m: -m.weight) if m.weight < floor],
    )
    lefts, rights = ({pair[side] for pair in names} for side in (0, 1))
    return lefts or _unmapped(description.left, left, texts), rights or _unmapped(
        description.right, right, texts
    )


def _with_nameless(
    columns: tuple[tuple[AttributeColumn, ...], tuple[AttributeColumn, ...]],
    chosen: list[tuple[str, str]],
    others: list[tuple[str, str]],
) -> list[tuple[str, str]]:
    """Pairs of attributes, and of others, in their order, those by which entities have a name at all."""
    held = [{column.name: column for column in side} for side in columns]

    def named_by(pair: tuple[str, str]) -> list[Bool]:
        own = [side[name] for side, name in zip(held, pair, strict=True)]
        return [marked(one.entities[one.texts > 0], len(one.indptr) - 1) for one in own]

    found = list(chosen)
    named = [np.logical_or.reduce(one) for one in zip(*map(named_by, chosen), strict=True)]
    for pair in others if chosen else ():
        own = named_by(pair)
        if any((new & ~old).sum() >= NAMELESS * old.sum() for new, old in zip(own, named, strict=True)):
            found.append(pair)
            named = [new | old for new, old in zip(own, named, strict=True)]
        if not any((~old).sum() >= NAMELESS * old.sum() for old in named):
            break
    return found


def _telling(columns: tuple[AttributeColumn, ...], texts: TextTable) -> dict[str, float]:
    """Mean bytes of texts with many different values; if no short ones are such, of all short ones too."""
    held = [column for column in columns if column.kind == "text" and len(column.texts)]
    lengths = {column.name: float(texts.lengths[column.texts].mean()) for column in held}
    telling = {column.name for column in held if column.distinct_share >= DISTINCT_SHARE}
    short = {name for name, length in lengths.items() if length <= LONGEST_NAME}
    wanted = telling if telling & short else telling | short
    return {name: length for name, length in lengths.items() if name in wanted}


def _unmapped(columns: tuple[AttributeColumn, ...], telling: dict[str, float], texts: TextTable) -> set[str]:
    serial = {column.name for column in columns if column.name in telling and is_serial(column, texts)}
    return telling.keys() - serial or set(telling)


def _names_in(columns: tuple[AttributeColumn, ...], names: set[str]) -> pl.DataFrame:
    """(entity, text) of the attributes of these names, each pair once."""
    chosen = [column for column in columns if column.name in names]
    if not chosen:
        return pl.DataFrame(schema={"entity": pl.Int32, "text": pl.Int32})
    rows = (np.concatenate([getattr(column, what) for column in chosen]) for what in ("entities", "texts"))
    entities, texts = distinct_rows(*rows)
    return pl.DataFrame({"entity": entities[texts > 0], "text": texts[texts > 0]})


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
    returns         (query, found, name, place): at most ``top`` for each distinct query name, cosine > 0, and
                    with an encoder as many again, by meaning; the nearest name has place 0
    """
    if queries.is_empty() or pool.is_empty():
        return pl.DataFrame(
            schema={"query": pl.Int32, "found": pl.Int32, "name": pl.Float32, "place": pl.Int32}
        )
    asking, knowing = _holders(queries), _holders(pool)
    grams = texts.grams[knowing.texts]
    looked_up = marked(texts.grams[asking.texts].indices, grams.shape[1])
    if len(knowing.texts) > SMALL_TABLE:
        looked_up &= ~common_grams(grams, len(knowing.texts))
    turned = turned_rows(with_grams(grams, looked_up))
    parts = []
    for start in range(0, len(asking.texts), AT_ONCE):
        span = asking.texts[start : start + AT_ONCE]
        near = _nearest_texts(span, knowing.texts, turned, texts, top=top, nearest=nearest)
        at = (near.asked + start).astype(np.int32), near.known.astype(np.int32)
        few = asking.counts[at[0]] * knowing.counts[at[1]] <= MOST_NAMESAKES
        number, one, other = combinations(asking.starts, knowing.starts, (at[0][few], at[1][few]))
        keys = pair_keys(asking.entities[one], knowing.entities[other])
        parts.append((keys, near.name[few][number], near.place[few][number]))
    keys, name, place = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _each_pair_once(keys, name, place)


@dataclass(frozen=True, eq=False)
class _Holders:
    """Entities by their names.

    texts (K)        the different names, ascending
    starts (K + 1)   where those of each begin among the entities (N)
    """

    texts: Int32
    starts: Int64
    entities: Int32

    @property
    def counts(self) -> Int64:
        """(K) how many have each name."""
        return np.diff(self.starts)


def _holders(rows: pl.DataFrame) -> _Holders:
    texts, entities = sorted_rows(rows["text"].to_numpy(), rows["entity"].to_numpy())
    first = firsts(texts)
    return _Holders(texts[first], np.append(first, len(texts)), entities)


def _each_pair_once(keys: Int64, name: Float32, place: Int32) -> pl.DataFrame:
    """(query, found, name, place) with the largest name and the first place of pairs that are there twice.

    keys (K)   query and found as one number
    """
    order = np.argsort(keys)
    keys, name, place = keys[order], name[order], place[order]
    first = firsts(keys)
    return pl.DataFrame(
        {
            "query": (keys[first] >> 32).astype(np.int32),
            "found": keys[first].astype(np.int32),
            "name": np.maximum.reduceat(name, first) if len(first) else name,
            "place": np.minimum.reduceat(place, first) if len(first) else place,
        }
    )


@dataclass(frozen=True, eq=False)
class _Near:
    """Pairs (S) of texts that are near, by their places among those asked and those known.

    name, place (S)   how near, and how many are nearer to the one that is asked
    """

    asked: Int64
    known: Int64
    name: Float32
    place: Int32


def _nearest_texts(
    asked: Int32,
    known: Int32,
    turned: sparse.csr_matrix,
    texts: TextTable,
    *,
    top: int,
    nearest: Nearest,
) -> _Near:
    """The known texts (Q), of these n-grams, nearest to each asked one (P)."""
    asking = texts.grams[asked]
    rarest = within_reach(asking, turned)
    rows, columns, _ = nearest(rarest, turned, top if rarest is asking else FARTHER * top)
    name = texts.cosines(asked[rows], known[columns])
    place = ranks(rows.astype(np.int32), name)
    kept = place < top
    rows, columns, name, place = rows[kept], columns[kept], name[kept], place[kept]
    if texts.meanings is not None:
        meant = texts.meanings.nearest(asked.astype(np.int64), known.astype(np.int64), top)
        keys = np.r_[pair_keys(rows, columns), pair_keys(*meant)]
        place = np.r_[place, np.arange(len(meant[0])) - np.searchsorted(meant[0], meant[0])].astype(np.int32)
        order = np.lexsort((place, keys))
        keys, first = np.unique(keys[order], return_index=True)
        rows, columns, place = keys >> 32, keys & 0xFFFFFFFF, place[order][first]
        name = texts.nearness(asked[rows], known[columns])
    return _Near(rows, columns, name, place)


def common_grams(grams: sparse.csr_matrix, strings: int) -> Bool:
    """(K) the n-grams that more than ``COMMON_GRAM`` of so many strings hold."""
    common: Bool = np.bincount(grams.indices, minlength=grams.shape[1]) > COMMON_GRAM * strings
    return common


def with_grams(grams: sparse.csr_matrix, some: Bool) -> sparse.csr_matrix:
    """The matrix with nothing but some (K) of the n-grams."""
    keep = some[grams.indices]
    starts = np.concatenate([[0], np.cumsum(keep)])[grams.indptr]
    return sparse.csr_matrix((grams.data[keep], grams.indices[keep], starts), shape=grams.shape)


@dataclass(frozen=True, eq=False)
class NameLookups:
    """Who is near to whom by name: looked up once for all rounds of blocking that ask the same.

    top       partners for each distinct name of the asking side, at most
    nearest   where the products are made
    """

    texts: TextTable
    top: int
    nearest: Nearest = nearest_rows
    _found: dict[tuple[tuple[int, ...], bytes, bytes], pl.DataFrame] = field(default_factory=dict)

    def candidates(
        self, names: tuple[pl.DataFrame, pl.DataFrame], *, top: int, ask: tuple[int, ...] | None = None
    ) -> Candidates:
        """The pairs of two sets of named entities whose names are nearest.

        names   tables (entity, text) of the left and right entities to be compared
        top     partners for each distinct name of the asking side, no more than the lookups have
        ask     the sides (0 is left) that ask; that with fewer named entities, or both, if not given
        """
        if ask is None:
            left, right = (side["entity"].n_unique() for side in names)
            ask = fewer(left, right)
        rows = [side.hash_rows(seed=1).to_numpy().tobytes() for side in names]
        asked = ask, rows[0], rows[1]
        if asked not in self._found:
            self._found[asked] = self._looked_up(names, ask)
        return Candidates.united_frame(self._found[asked].filter(pl.col("place") < top))

    def _looked_up(self, names: tuple[pl.DataFrame, pl.DataFrame], ask: tuple[int, ...]) -> pl.DataFrame:
        parts = []
        for mine in ask:
            found = nearest_names(
                names[mine], names[1 - mine], self.texts, top=self.top, nearest=self.nearest
            )
            called = {"query": _SIDES[mine], "found": _SIDES[1 - mine]}
            parts.append(found.rename(called).select("left", "right", "name", "place"))
        return pl.concat(parts)


Grouped: TypeAlias = tuple[Int64, Int32]
"""Where the names of each entity begin, and the names as texts."""


def name_cosines(
    names: tuple[pl.DataFrame, pl.DataFrame], texts: TextTable, pairs: tuple[Int32, Int32]
) -> Float32:
    """(P) the best nearness over all names of each pair; 0 where either has none."""
    left, right = (grouped(rows) for rows in names)
    return cosines_of((left, right), texts, pairs)


def cosines_of(names: tuple[Grouped, Grouped], texts: TextTable, pairs: tuple[Int32, Int32]) -> Float32:
    """``name_cosines`` of names by their entities, where it is asked again and again."""
    left, right = names
    number, first, second = combinations(left[0], right[0], pairs)
    best = best_of_pairs(len(pairs[0]), number, texts.nearness(left[1][first], right[1][second]))
    return np.nan_to_num(best, nan=0.0)


def grouped(rows: pl.DataFrame) -> Grouped:
    """The names (entity, text) of a side by entity."""
    entities = rows["entity"].to_numpy()
    size = int(entities.max()) + 1 if len(entities) else 0
    return row_starts(entities, size), rows["text"].to_numpy()
