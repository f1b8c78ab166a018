"""Decisions as what everything else can use: labelled pairs, and the matches of a result revised by them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from crossgraph._types import Bool
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.links import Links
from crossgraph.layout import ResultFolder
from crossgraph.progress import Progress
from crossgraph.results import write_whole
from crossgraph.reviewing.book import Book
from crossgraph.reviewing.ledger import Ledger


def labels_of(result: Path) -> Links:
    """What the reviewers of a RESULT settled, as labelled pairs: True is the same, False is not.

    A pair has the label of the majority of those who are sure; a pair that nobody is sure of, or on which
    as many say this as that, has none. Empty where nobody reviewed.
    """
    return settled_links(Book(Ledger(ResultFolder(result).ledger_file).entries()))


def settled_links(book: Book) -> Links:
    """The settled pairs of a book, in the order in which they were first spoken of."""
    found = [(pair, book.settled(pair)) for pair in book.pairs()]
    sure = [(pair, same) for pair, same in found if same is not None]
    return Links.of(
        [pair[0] for pair, _ in sure], [pair[1] for pair, _ in sure], label=[same for _, same in sure]
    )


def are_about(graphs: tuple[KnowledgeGraph, KnowledgeGraph], answers: Links) -> Bool:
    """(K) whether the graphs have both entities of each answer."""
    there: Bool = (graphs[0].positions(answers.left) >= 0) & (graphs[1].positions(answers.right) >= 0)
    return there


def about(graphs: tuple[KnowledgeGraph, KnowledgeGraph], answers: Links, progress: Progress) -> Links:
    """The answers whose entities these graphs have; a note tells how many others there are.

    A ledger outlives the entities that an update deletes.
    """
    there = are_about(graphs, answers)
    if left_out := int((~there).sum()):
        progress.note(f"{left_out:,} answers name entities that the graphs do not have, and are left out")
    return answers.take(np.flatnonzero(there))


def revise(matches: Links, labels: Links) -> Links:
    """Matches after review: without the rejected ones, with the confirmed ones.

    A match of the model that shares an entity with a confirmed pair gives way to it.
    """
    said = labels.table().select("left", "right", "label")
    yes = said.filter(pl.col("label") == 1)
    kept = (
        matches.positives()
        .table()
        .select("left", "right")
        .join(said, on=["left", "right"], how="anti", maintain_order="left")
        .join(yes, on="left", how="anti", maintain_order="left")
        .join(yes, on="right", how="anti", maintain_order="left")
    )
    both = pl.concat([kept, yes.select("left", "right")])
    return Links.of(both["left"], both["right"])


def write_labels(labels: Links, path: Path) -> None:
    """Labelled pairs as a CSV that ``--links`` reads: left, right, label (1 or 0)."""
    table = labels.table().select("left", "right", "label")
    write_whole(path, lambda part: table.write_csv(part))
