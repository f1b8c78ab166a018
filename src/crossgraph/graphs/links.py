"""Known links between two graphs, and pairs to be scored: read, checked against the graphs, and split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crossgraph._types import AnyArray, Bool, Int32, Int64, Side
from crossgraph.errors import Fault, LinksError
from crossgraph.graphs._reading import MAX_FAULTS, quoted
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.link_files import ROW_SCHEMA, read_link_rows

_PAIR = ("left", "right")
# What has one cause needs no more examples.
_SAMPLES = 3


@dataclass(frozen=True, eq=False)
class Links:
    """Pairs of identifiers known to be the same, or known not to be.

    left, right (L)   String series, identifiers as the graphs have them
    label (L)         bool, True = same, False = known not to match
    types (L)         String series, the type a gold file names for the pair; "" where it names none
    paths, lines (L)  where each link stood; "" and 0 where that is not known

    ``Links.of`` fills what a caller does not have.
    """

    left: pl.Series
    right: pl.Series
    label: Bool
    types: pl.Series
    paths: pl.Series
    lines: Int64

    @staticmethod
    def of(
        left: Sequence[str] | pl.Series, right: Sequence[str] | pl.Series, *, label: object = None
    ) -> Links:
        """Links from two columns of identifiers; without labels every pair is the same.

            >>> links = Links.of(["m1", "m2"], ["q7", "q8"], label=[True, False])
            >>> links.positives().left.to_list()
            ['m1']

        Raises ValueError if the lengths differ.
        """
        size = len(left)
        labels = np.ones(size, dtype=np.bool_) if label is None else np.asarray(label, dtype=np.bool_)
        if not len(right) == len(labels) == size:
            raise ValueError(f"lengths differ: left {size}, right {len(right)}, label {len(labels)}")
        table = pl.DataFrame({"left": left, "right": right}, schema={"left": pl.String, "right": pl.String})
        blank = table.with_columns(
            pl.lit("").alias("path"),
            pl.lit(0, pl.Int64).alias("line"),
            pl.Series("label", labels.astype(np.int8)),
            pl.lit("").alias("type"),
        )
        return _links(blank)

    def __len__(self) -> int:
        return len(self.left)

    def positives(self) -> Links:
        """The links that say same."""
        return self.take(np.flatnonzero(self.label))

    def negatives(self) -> Links:
        """The links that say different."""
        return self.take(np.flatnonzero(~self.label))

    def take(self, rows: AnyArray) -> Links:
        """The links of these row numbers, in their order."""
        return _links(self.table()[rows])

    def table(self) -> pl.DataFrame:
        """The links as one table: path, line, left, right, label (1 or 0), type."""
        columns = {
            "path": self.paths,
            "line": self.lines,
            "left": self.left,
            "right": self.right,
            "label": self.label.astype(np.int8),
            "type": self.types,
        }
        return pl.DataFrame(columns, schema=ROW_SCHEMA)

    def resolve(self, left_graph: KnowledgeGraph, right_graph: KnowledgeGraph) -> ResolvedLinks:
        """The links as entity numbers, in the order of these; repeated pairs collapse.

        An identifier that differs from exactly one entity's only in case is taken for it, with a note.
        Raises LinksError naming all unknown identifiers, and all pairs labelled both 0 and 1.
        """
        table = self.table()
        found = _locate(table, left_graph, right_graph=right_graph)
        numbered = table.with_columns(l=pl.Series(found.left), r=pl.Series(found.right))
        faults = _contradictions(numbered, ("l", "r"))
        if faults:
            raise LinksError("links contradict each other", faults, hint="keep one label for each pair")
        once = numbered.unique(("l", "r"), keep="first").sort("l", "r")
        return ResolvedLinks(
            left=once["l"].to_numpy(),
            right=once["r"].to_numpy(),
            label=once["label"].to_numpy().astype(np.bool_),
            notes=found.notes,
        )


@dataclass(frozen=True, eq=False)
class ResolvedLinks:
    """Links as entity numbers, each pair once.

    left, right (L)   int32      label (L)   bool, True = same      notes   guesses made, one sentence each
    """

    left: Int32
    right: Int32
    label: Bool
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.left)

    def positives(self) -> Int32:
        """(K, 2) the pairs that are the same."""
        return np.stack([self.left, self.right], axis=1)[self.label]

    def negatives(self) -> Int32:
        """(K, 2) the pairs known not to match."""
        return np.stack([self.left, self.right], axis=1)[~self.label]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs to be scored, in the order of their file and with its repetitions.

    left, right (P)    String series
    label (P)          bool, or None if the file has no labels
    paths, lines (P)   where each pair stood; line 0 where that is not known
    """

    left: pl.Series
    right: pl.Series
    label: Bool | None
    paths: pl.Series
    lines: Int64

    @staticmethod
    def of(left: Sequence[str] | pl.Series, right: Sequence[str] | pl.Series) -> Pairs:
        """Pairs without labels from two columns of identifiers. Raises ValueError if the lengths differ."""
        links = Links.of(left, right)
        return Pairs(links.left, links.right, None, links.paths, links.lines)

    def __len__(self) -> int:
        return len(self.left)

    def resolve(self, left_graph: KnowledgeGraph, right_graph: KnowledgeGraph) -> ResolvedPairs:
        """The pairs as entity numbers, row by row. Raises LinksError naming all unknown identifiers."""
        columns = {"path": self.paths, "line": self.lines, "left": self.left, "right": self.right}
        return _locate(pl.DataFrame(columns), left_graph, right_graph=right_graph)


@dataclass(frozen=True, eq=False)
class ResolvedPairs:
    """Pairs as entity numbers: left, right (P) int32, and notes on guesses made."""

    left: Int32
    right: Int32
    notes: tuple[str, ...] = ()


def read_links(*paths: Path | str, empty: bool = False) -> Links:
    """The links of one or more files, each pair once, in the order of the files.

    Formats, told apart by content, ``.gz`` allowed: TSV (left, right[, label or type[, ...]]), Magellan CSV
    (ltable_id, rtable_id, label), OAEI Alignment or owl:sameAs in RDF, SSSOM, and JSON Lines or Parquet with
    left, right[, label, type]. A third column of a TSV is a
    label only if all its values in the file are 0 or 1, otherwise a type.

    empty   a file may hold none, as the matches of two graphs that have nothing in common

    Raises LinksError with every fault of every file: unreadable lines, empty identifiers, missing labels, a
    pair labelled both 0 and 1, a file without links.
    """
    table = _read_tables([Path(path) for path in paths], empty=empty)
    labelled = table.with_columns(pl.col("label").fill_null(1))
    faults = _contradictions(labelled, _PAIR)
    if faults:
        raise LinksError("links contradict each other", faults, hint="keep one label for each pair")
    return _links(labelled.unique(_PAIR, keep="first", maintain_order=True))


def read_pairs(path: Path | str) -> Pairs:
    """The pairs of one file, every row of it in its order. Formats and errors as ``read_links``.

    Labels are given if the file labels every pair; a pair may repeat, with either label.
    """
    table = _read_tables([Path(path)])
    label = table["label"].to_numpy().astype(np.bool_) if table["label"].null_count() == 0 else None
    return Pairs(
        left=table["left"],
        right=table["right"],
        label=label,
        paths=table["path"],
        lines=table["line"].to_numpy(),
    )


def split_links(
    links: Links, shares: Sequence[float], *, seed: int, drop_crossing: bool = False
) -> tuple[Links, ...]:
    """Split links at random into parts such that no entity stands in two of them.

    Links that share an entity, directly or through others, stay together, so a part's size is only near
    its share. The order of the links carries nothing: equal links and seed give equal parts.

    shares          the size of each part, positive, adding up to 1
    drop_crossing   join links into blocks by positives only and drop the negatives that would then cross
                    between parts; for labelled pairs whose negatives tie everything into one block
    raises          ValueError if shares are not positive or do not add up to 1
    """
    if not shares or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"shares must be positive and add up to 1: {list(shares)}")
    ordered = links.take(links.table().with_row_index().sort(*_PAIR, "label")["index"].to_numpy())
    ends = _codes(ordered)
    blocks = _blocks(ends, ordered.label if drop_crossing else np.ones(len(ordered), dtype=np.bool_))
    part_of_block = _parts(
        np.bincount(blocks[ends[:, 0]], minlength=int(blocks.max(initial=0)) + 1), shares, seed=seed
    )
    parts = part_of_block[blocks[ends]]
    kept = parts[:, 0] == parts[:, 1]
    return tuple(ordered.take(np.flatnonzero(kept & (parts[:, 0] == part))) for part in range(len(shares)))


def _codes(links: Links) -> Int64:
    """(L, 2) one number for each entity, left ones before right ones."""
    left = links.left.rank("dense").to_numpy().astype(np.int64) - 1
    right = links.right.rank("dense").to_numpy().astype(np.int64) - 1
    return np.stack([left, right + left.max(initial=-1) + 1], axis=1)


def _blocks(ends: Int64, joins: Bool) -> Int64:
    """The block of each entity: entities joined by the chosen links, directly or through others."""
    size = int(ends.max(initial=-1)) + 1
    joined = ends[joins]
    edges = coo_array((np.ones(len(joined), dtype=np.int8), (joined[:, 0], joined[:, 1])), shape=(size, size))
    return np.asarray(connected_components(edges, directed=False)[1], dtype=np.int64)


def _parts(sizes: Int64, shares: Sequence[float], *, seed: int) -> Int64:
    """The part of each block: blocks in random order, each put where its middle falls."""
    order = np.random.default_rng(seed).permutation(len(sizes))
    middles = np.cumsum(sizes[order]) - sizes[order] / 2
    walls = np.cumsum(shares)[:-1] * sizes.sum()
    parts = np.empty(len(sizes), dtype=np.int64)
    parts[order] = np.searchsorted(walls, middles, side="right")
    return parts


def _links(table: pl.DataFrame) -> Links:
    return Links(
        left=table["left"],
        right=table["right"],
        label=table["label"].to_numpy().astype(np.bool_),
        types=table["type"].rename("types"),
        paths=table["path"].rename("paths"),
        lines=table["line"].to_numpy(),
    )


def _read_tables(paths: Sequence[Path], *, empty: bool = False) -> pl.DataFrame:
    files = [read_link_rows(path) for path in paths]
    faults = [fault for file in files for fault in file.faults]
    faults += [
        Fault(str(file.path), None, "holds no links", "check that it is the right file")
        for file in files
        if not (file.lines or file.faults or empty)
    ]
    if faults:
        raise LinksError("the links cannot be read", faults)
    return pl.concat([pl.DataFrame(schema=ROW_SCHEMA), *(file.table() for file in files)])


def _contradictions(table: pl.DataFrame, keys: tuple[str, str]) -> list[Fault]:
    """A fault for each pair, by these two columns, that is labelled both 0 and 1."""
    both = table.filter(pl.col("label").n_unique().over(keys) > 1)
    last = both.unique(keys, keep="last", maintain_order=True).head(MAX_FAULTS)
    return [
        _fault(path, line, problem=f"the pair {quoted(left)}, {quoted(right)} is labelled both 0 and 1")
        for path, line, left, right in last.select("path", "line", *_PAIR).iter_rows()
    ]


def _fault(path: str, line: int, *, problem: str) -> Fault:
    return Fault(path or "links", line or None, problem)


def _locate(table: pl.DataFrame, left_graph: KnowledgeGraph, *, right_graph: KnowledgeGraph) -> ResolvedPairs:
    """The entity numbers of both columns. Raises LinksError if either graph lacks one."""
    left, left_notes = _numbers(table["left"], left_graph, side="left")
    right, right_notes = _numbers(table["right"], right_graph, side="right")
    faults = _unknown(table, left, side="left") + _unknown(table, right, side="right")
    if faults:
        if _swapped(table, left_graph, right_graph=right_graph):
            raise LinksError(
                "the columns look swapped: left ones are in the right graph, and right ones in the left",
                faults[:MAX_FAULTS],
                hint="exchange LEFT and RIGHT, or left and right in the file",
                samples=_SAMPLES,
            )
        known = (
            f"{int((left >= 0).sum())} of {len(left)} left and {int((right >= 0).sum())} right ones are known"
        )
        raise LinksError(
            "links name entities that the graphs do not have",
            faults[:MAX_FAULTS],
            hint=f"check that the links belong to these graphs; {known}",
        )
    return ResolvedPairs(left, right, left_notes + right_notes)


def _numbers(ids: pl.Series, graph: KnowledgeGraph, *, side: Side) -> tuple[Int32, tuple[str, ...]]:
    found = graph.positions(ids)
    missing = np.flatnonzero(found < 0)
    if not len(missing):
        return found, ()
    lowered = pl.DataFrame(
        {"key": graph.ids.str.to_lowercase(), "position": np.arange(len(graph), dtype=np.int32)}
    ).filter(pl.len().over("key") == 1)
    wanted = pl.DataFrame({"key": ids.gather(missing).str.to_lowercase()})
    guesses = (
        wanted.join(lowered, on="key", how="left", maintain_order="left")["position"].fill_null(-1).to_numpy()
    )
    found = found.copy()
    found[missing] = guesses
    right_ones = missing[guesses >= 0]
    if not len(right_ones):
        return found, ()
    count, first = ids.gather(right_ones).n_unique(), int(right_ones[0])
    example = f"{quoted(ids[first])} taken for {quoted(graph.ids[int(found[first])])}"
    return found, (f"{count} {side} identifiers differ from the graph's only in case: {example}",)


def _unknown(table: pl.DataFrame, positions: Int32, *, side: Side) -> list[Fault]:
    missing = table.filter(pl.Series(positions < 0)).unique(side, keep="first", maintain_order=True)
    return [
        _fault(path, line, problem=f"{quoted(name)} is not in the {side} graph")
        for path, line, name in missing.head(MAX_FAULTS).select("path", "line", side).iter_rows()
    ]


def _swapped(table: pl.DataFrame, left_graph: KnowledgeGraph, *, right_graph: KnowledgeGraph) -> bool:
    lefts, _ = _numbers(table["left"], right_graph, side="left")
    rights, _ = _numbers(table["right"], left_graph, side="right")
    return all(float((positions >= 0).mean()) > 0.5 for positions in (lefts, rights))
