"""What a RESULT keeps of the graphs that it was made of, so that it can follow their changes.

Tables and numbers only, no code. An update starts from here again and again: what it makes depends on these
graphs and on what they became, not on the steps in between.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import polars as pl
from scipy import sparse

from crossgraph._types import AnyArray, Float64, Side
from crossgraph.errors import ResultError
from crossgraph.features.description import AttributeColumn, Description
from crossgraph.features.meaning import Meanings, TextEncoder
from crossgraph.features.text import GRAM_BITS, TextTable
from crossgraph.features.vectors import VectorStore
from crossgraph.graphs.adjacency import directed_names
from crossgraph.graphs.changes import Changes
from crossgraph.graphs.graph import GraphTables, KnowledgeGraph
from crossgraph.graphs.parquet import (
    CHANGES,
    read_aside,
    read_numbered,
    store_aside,
    store_numbers,
    store_parquet,
    write_parquet_graph,
)
from crossgraph.graphs.readers import said_by_files
from crossgraph.graphs.sorting import row_starts
from crossgraph.schema.seeds import type_codes
from crossgraph.workings import array_text, text_array

FORMAT = 4
SIDES: tuple[Side, Side] = ("left", "right")
_ARRAYS, _TEXTS = "arrays.npz", "texts.parquet"


@dataclass(frozen=True, eq=False)
class Ground:
    """Two graphs as they were aligned, and what has changed since.

    graphs        as they were then, without names made of IRIs
    asides        what their files say besides now, such as declarations of classes
    changes       since they were aligned
    types         the names of the types of their entities, see ``type_codes``
    ids           their entities, in the order of their numbers
    description   of both
    shares        of each side: by what sampling multiplies the chance of a directed relation; none where it
                  does not
    """

    graphs: tuple[KnowledgeGraph, KnowledgeGraph]
    asides: tuple[GraphTables, GraphTables]
    changes: tuple[Changes, Changes]
    types: tuple[frozenset[str], frozenset[str]]
    ids: tuple[pl.Series, pl.Series]
    description: Description
    shares: tuple[dict[str, float], dict[str, float]]

    @staticmethod
    def load(folder: Path, encoder: TextEncoder | None = None) -> Ground:
        """Read what ``store_ground`` wrote. Raises ResultError where it is missing or damaged.

        encoder   the one of the description that was written
        """
        if not (folder / _ARRAYS).is_file():
            raise ResultError(
                f"{folder} is missing: the RESULT is of a version that kept nothing for updates",
                hint="align again",
            )
        try:
            with (folder / _ARRAYS).open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
                arrays = dict(stored)
            texts = pl.read_parquet(folder / _TEXTS)
            meanings = None if encoder is None else Meanings.of(encoder, texts["said"])
            ids = [stored_ids(folder, side) for side in SIDES]
            card = json.loads(array_text(arrays["card"]))
            if card["format"] != FORMAT:
                raise ValueError(f"it is of format {card['format']!r}; this version reads {FORMAT}")
            graphs = [read_numbered(folder / side) for side in SIDES]
            changes = [_changes(folder / side / CHANGES) for side in SIDES]
            asides = [
                one.left_of(read_aside(folder / side)) for one, side in zip(changes, SIDES, strict=True)
            ]
            return Ground(
                (graphs[0], graphs[1]),
                (asides[0], asides[1]),
                (changes[0], changes[1]),
                (frozenset(card["types"][0]), frozenset(card["types"][1])),
                (ids[0], ids[1]),
                _described(arrays, card, (texts["text"], meanings), ids),
                (card["shares"][0], card["shares"][1]),
            )
        except (
            OSError,
            EOFError,
            ValueError,
            KeyError,
            TypeError,
            BadZipFile,
            pl.exceptions.PolarsError,
        ) as error:
            raise ResultError(f"{folder} cannot be read: {error}", hint="align again") from error


def keep_ground(
    before: Path, folder: Path, changes: tuple[Changes, Changes], name_again: Callable[[str, str], object]
) -> None:
    """The same graphs in a new folder, as second names of the same files, with other changes."""
    shutil.copytree(before, folder, copy_function=name_again)
    for side, one in zip(SIDES, changes, strict=True):
        file = folder / side / CHANGES
        # Written anew and not over the old one, which it may be a second name of.
        file.unlink(missing_ok=True)
        if len(one):
            store_parquet(one.rows(), file)


def stored_ids(folder: Path, side: Side) -> pl.Series:
    """The entities of one side in the order of their numbers."""
    return pl.read_parquet(folder / f"{side}_ids.parquet")["id"]


def store_vectors(meanings: Meanings | None, folder: Path) -> None:
    """Keep the vectors of texts, so that nobody who opens the RESULT encodes them again."""
    if meanings is not None:
        some = np.flatnonzero((meanings.said != "").to_numpy())
        store = VectorStore(meanings.encoder.fingerprint, keep=folder)
        store.add(meanings.said.gather(some).to_list(), meanings.vectors[some])


def _changes(file: Path) -> Changes:
    return Changes.from_rows(pl.read_parquet(file)) if file.is_file() else Changes.nothing()


def store_ground(
    graphs: tuple[KnowledgeGraph, KnowledgeGraph],
    description: Description,
    shares: tuple[Float64 | None, Float64 | None],
    folder: Path,
    *,
    names_from_iri: bool,
) -> None:
    """Write graphs and their description into a new folder.

    shares           (2R) of each side, as sampling takes them
    names_from_iri   the graphs were read with names made of IRIs, which are not kept but made again
    """
    folder.mkdir()
    columns: dict[str, AnyArray] = {}
    told = [
        {} if own is None else dict(zip(directed_names(graph.relation_names), own.tolist(), strict=True))
        for graph, own in zip(graphs, shares, strict=True)
    ]
    types = [type_codes(graph)[0] for graph in graphs]
    card: dict[str, Any] = {"format": FORMAT, "shares": told, "types": types}
    for side, graph, own in zip(SIDES, graphs, (description.left, description.right), strict=True):
        (folder / side).mkdir()
        tables, aside = said_by_files(graph, names_from_iri=names_from_iri)
        kept = KnowledgeGraph.from_tables(tables) if names_from_iri else graph
        write_parquet_graph(tables, folder / side, ids=kept.sorted_ids)
        store_aside(aside, folder / side)
        store_numbers(kept, folder / side)
        store_parquet(graph.ids.to_frame("id"), folder / f"{side}_ids.parquet")
        card[side] = [[one.name, one.kind, one.day_first, one.skewed] for one in own]
        for at, column in enumerate(own):
            columns[f"{side}.{at}.entities"] = column.entities
            columns[f"{side}.{at}.texts"] = column.texts
            if column.kind != "text":
                columns[f"{side}.{at}.values"] = column.values
    texts = description.texts.strings.to_frame("text")
    if description.texts.meanings is not None:
        texts = texts.with_columns(said=description.texts.meanings.said)
    store_parquet(texts, folder / _TEXTS)
    store_vectors(description.texts.meanings, folder / "vectors")
    grams = description.texts.grams
    arrays = {"grams": grams.data, "of": grams.indices, "starts": grams.indptr, **columns}
    # Not compressed: that would take longer than all else that is written.
    with (folder / _ARRAYS).open("wb") as out:
        np.savez(out, allow_pickle=False, card=text_array(json.dumps(card, ensure_ascii=False)), **arrays)


def _described(
    arrays: dict[str, AnyArray],
    card: dict[str, Any],
    texts: tuple[pl.Series, Meanings | None],
    ids: list[pl.Series],
) -> Description:
    strings, meanings = texts
    shape = len(strings), 1 << GRAM_BITS
    grams = sparse.csr_matrix((arrays["grams"], arrays["of"], arrays["starts"]), shape=shape)
    left, right = (
        tuple(_column(arrays, f"{side}.{at}", told, entities=len(own)) for at, told in enumerate(card[side]))
        for side, own in zip(SIDES, ids, strict=True)
    )
    return Description(left, right, TextTable(strings, grams, meanings))


def _column(arrays: dict[str, AnyArray], key: str, told: list[Any], *, entities: int) -> AttributeColumn:
    name, kind, day_first, skewed = told
    own, texts = arrays[f"{key}.entities"], arrays[f"{key}.texts"]
    return AttributeColumn(
        name=name,
        kind=kind,
        indptr=row_starts(own, entities),
        entities=own,
        texts=texts,
        values=arrays[f"{key}.values"] if kind != "text" else np.full(len(texts), np.nan),
        day_first=day_first,
        skewed=skewed,
    )
