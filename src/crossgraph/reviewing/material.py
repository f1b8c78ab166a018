"""What a review reads: both graphs, the scored pairs and the schema mapping of a RESULT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from crossgraph._types import Int32, Side
from crossgraph.cardinality import Cardinality
from crossgraph.errors import ResultError
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.links import Links
from crossgraph.graphs.readers import read_pair
from crossgraph.layout import ResultFolder
from crossgraph.progress import SILENT, Progress
from crossgraph.results import read_matches, read_scores
from crossgraph.reviewing.pairs import PairTable
from crossgraph.reviewing.views import GraphView
from crossgraph.schema.mapping import SchemaMapping, read_schema
from crossgraph.sources import Inputs, inputs_of

SIDES: tuple[Side, Side] = ("left", "right")


@dataclass(frozen=True, eq=False)
class Material:
    """All that is looked at, and nothing that is decided.

    folder   the RESULT        pairs   every scored pair
    known    what the model was told beforehand, and the answers that it learned from
    """

    folder: ResultFolder
    left: GraphView
    right: GraphView
    pairs: PairTable
    schema: SchemaMapping
    known: Links

    def view(self, side: Side) -> GraphView:
        """The graph of a side."""
        return self.left if side == "left" else self.right

    def ids(self, row: int) -> tuple[str, str]:
        """The identifiers of a scored pair."""
        return self.left.id(int(self.pairs.left[row])), self.right.id(int(self.pairs.right[row]))

    def row(self, pair: tuple[str, str]) -> int:
        """The row of a pair of identifiers, -1 if it was not scored."""
        return self.pairs.find(self.left.number(pair[0]), self.right.number(pair[1]))

    def rows(self, pairs: Sequence[tuple[str, str]]) -> list[int]:
        """``row`` of many pairs at once."""
        ends = (pl.Series([pair[side] for pair in pairs], dtype=pl.String) for side in (0, 1))
        left, right = (
            view.graph.positions(ids) for view, ids in zip((self.left, self.right), ends, strict=True)
        )
        return [self.pairs.find(*pair) for pair in zip(left.tolist(), right.tolist(), strict=True)]

    def numbers(self, links: Links) -> tuple[Int32, Int32]:
        """The entity numbers of links; -1 for what is in no graph."""
        return self.left.graph.positions(links.left), self.right.graph.positions(links.right)

    def renewed(self) -> Material:
        """The same graphs with what their RESULT holds now. Raises as ``load_material``."""
        both = self.left.graph, self.right.graph
        return replace(
            self,
            schema=read_schema(self.folder.schema_file),
            pairs=_pairs_of(self.folder, both),
            known=known_links(self.folder),
        )


def load_material(result: Path, *, graphs: Inputs | None = None, progress: Progress = SILENT) -> Material:
    """Read a RESULT and its graphs.

    graphs   where the graphs are now, if not where the RESULT says
    raises   ResultError if the folder is no RESULT or of other graphs, and what reading graphs raises
    """
    folder = ResultFolder(result)
    if not folder.scores_file.is_file():
        raise ResultError(
            f"{result} is no RESULT: it has no {folder.scores_file.name}",
            hint="give a folder of crossgraph align",
        )
    inputs = graphs or inputs_of(folder)
    with progress.stage("read"):
        both = read_pair(inputs.left, inputs.right, options=inputs.read)
        schema = read_schema(folder.schema_file)
        pairs, known = _pairs_of(folder, both), known_links(folder)
    with progress.stage("prepare"):
        mapped = [tuple(getattr(row, side) for row in schema.attributes) for side in SIDES]
        left, right = (GraphView.of(graph, names) for graph, names in zip(both, mapped, strict=True))
    return Material(folder, left, right, pairs, schema, known)


def graphs_of(folder: ResultFolder) -> tuple[KnowledgeGraph, KnowledgeGraph]:
    """The graphs of a RESULT as it keeps them; where it keeps none, as they are where it says.

    Raises what reading graphs raises, and ResultError if it does not say where they are.
    """
    left, right = (folder.ground_folder / side for side in SIDES)
    if left.is_dir() and right.is_dir():
        return read_pair(left, right)
    inputs = inputs_of(folder)
    return read_pair(inputs.left, inputs.right, options=inputs.read)


def known_links(folder: ResultFolder) -> Links:
    """What the model of a RESULT was told: pairs that are the same, and pairs that are not."""
    if not folder.known_file.is_file():
        return Links.of([], [])
    table = pl.read_parquet(folder.known_file)
    return Links.of(table["left"], table["right"], label=table["same"].to_numpy())


def _pairs_of(folder: ResultFolder, graphs: tuple[KnowledgeGraph, KnowledgeGraph]) -> PairTable:
    scores, matches = read_scores(folder.scores_file), read_matches(folder.matches_file)
    return PairTable.of(scores, matches, graphs, _cardinalities(folder))


def _cardinalities(folder: ResultFolder) -> dict[str, Cardinality]:
    """How many partners entities may have; nothing where the report does not tell, which means one."""
    try:
        found: dict[str, Cardinality] = folder.read_report().get("cardinalities", {})
    except ResultError:
        return {}
    return found
