"""One graph of a RESULT made ready to be asked for: all work that belongs to its entities, done once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from crossgraph._types import Bool, Float32, Int32, Side
from crossgraph.errors import ResultError
from crossgraph.evidence.namesakes import Namesakes
from crossgraph.explaining.backdrop import Backdrop
from crossgraph.explaining.reopening import Reopened, reopen
from crossgraph.features.description import AttributeColumn
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.model.arrays import SideArrays
from crossgraph.model.network import CollectiveNetwork
from crossgraph.plain.network import LowerRows, PlainNetwork, Ready
from crossgraph.progress import SILENT, Progress
from crossgraph.reviewing.views import GraphView
from crossgraph.schema.seeds import type_codes
from crossgraph.serving.counterparts import Counterparts, Property, properties_of
from crossgraph.serving.names import NameIndex, indexes_of

# Entities of whom the last layer is made ready at once.
CHUNK = 4096
# Sets of entities that may be found, kept ready: one for each type, or relation and direction, in use.
MOST_SETS = 256


@dataclass(frozen=True, eq=False)
class Served:
    """A graph that records are matched against, and the side of the RESULT whose place they take.

    side          0 if the left graph is served, 1 if the right one is
    around        what all pairs of the RESULT are scored against
    view          names and facts, to show
    names         the names that are looked up
    arrays        as the networks read it
    networks      on arrays: few pairs are compared at once, which costs torch more than the comparing
    ready         what the last layer of each needs of every entity
    pools (T, T') which weigher weighs pairs of an asking and a served type; -1 where blocking pairs none
    """

    side: int
    around: Backdrop
    view: GraphView
    names: tuple[NameIndex, ...]
    arrays: SideArrays
    networks: tuple[PlainNetwork, ...]
    ready: tuple[Ready, ...]
    counterparts: Counterparts
    properties: dict[str, Property]
    pools: Int32

    @staticmethod
    def open(result: Path, side: Side, *, progress: Progress = SILENT) -> Served:
        """Open a RESULT; raises as ``reopen``, and ResultError for a network that cannot be prepared."""
        opened = reopen(result, progress=progress)
        return Served.of(opened, int(side == "right"), progress=progress)

    @staticmethod
    def of(opened: Reopened, side: int, *, progress: Progress = SILENT) -> Served:
        """The side 0 (left) or 1 (right) of an open RESULT."""
        if opened.model.model.collective_layers == "both":
            raise ResultError(
                'a network with collective_layers = "both" has nothing that can be computed beforehand',
                hint="align again with --set model.collective_layers=last",
            )
        around = Backdrop(opened)
        preparation = opened.preparation
        graph = preparation.graphs[side]
        mapped = tuple((m.left, m.right)[side] for m in preparation.schema.attributes)
        arrays, networks = opened.tensors.sides[side].arrays(), tuple(map(_plain, opened.model.networks))
        return Served(
            side=side,
            around=around,
            view=GraphView.of(graph, mapped),
            names=indexes_of(around.name_rows[side], preparation.description.texts, type_codes(graph)[1]),
            arrays=arrays,
            networks=networks,
            ready=_ready(networks, arrays, opened.tensors.sketch.numpy(), progress),
            counterparts=Counterparts.of(preparation.graphs, preparation.schema, side),
            properties=properties_of(graph),
            pools=_pools(opened, side),
        )

    @property
    def opened(self) -> Reopened:
        """The RESULT."""
        return self.around.opened

    @property
    def asking(self) -> int:
        """The other side."""
        return 1 - self.side

    @property
    def graph(self) -> KnowledgeGraph:
        """The graph that is served."""
        return self.opened.preparation.graphs[self.side]

    @property
    def adjacency(self) -> Adjacency:
        """Its edges."""
        return self.opened.preparation.adjacency[self.side]

    def columns(self, side: int) -> tuple[AttributeColumn, ...]:
        """The attributes of a side."""
        description = self.opened.preparation.description
        return description.right if side else description.left

    @cached_property
    def types(self) -> tuple[tuple[str, ...], Int32]:
        """Names of types, and the (E) primary type of each entity."""
        return type_codes(self.graph)

    @cached_property
    def asking_types(self) -> tuple[str, ...]:
        """Names of the types of the asking side."""
        return type_codes(self.opened.preparation.graphs[self.asking])[0]

    @cached_property
    def matched_types(self) -> tuple[int, ...]:
        """Types with a counterpart, those of most entities first: who has none of them is never found."""
        counts = np.bincount(self.types[1], minlength=len(self.types[0]))
        known = np.flatnonzero((self.pools >= 0).any(axis=0))
        return tuple(known[np.argsort(-counts[known], kind="stable")].tolist())

    @cached_property
    def namesakes(self) -> Namesakes:
        """What its entities are beside those that have their names."""
        return Namesakes.of(self.around.name_rows[self.side], self.adjacency, self.graph.primary_types)

    @cached_property
    def usual_length(self) -> float:
        """What is added to the squared length of a row of the asking side, see ``row_lengths``."""
        # Who has no mapped edge has a row of nothing but this.
        return float(self.opened.preparation.weighing.lengths[self.asking].min(initial=np.inf) ** 2)

    @cached_property
    def called(self) -> tuple[list[str], list[str]]:
        """(E) identifiers and (E) names; looking one up in a column costs more than all else of an answer."""
        return self.graph.ids.to_list(), self.view.names.to_list()

    @cached_property
    def type_starts(self) -> list[int]:
        """(E + 1) where the types of each entity begin among the rows of ``typed``."""
        counts = np.bincount(self.graph.typed[:, 0], minlength=len(self.graph))
        return [0, *np.cumsum(counts).tolist()]

    @cached_property
    def sets(self) -> _Sets:
        """Who may be found."""
        return _Sets(self)


@dataclass(frozen=True, eq=False)
class Selection:
    """Entities that may be found: a mask (E), and the indexes of names that hold any of them."""

    mask: Bool
    indexes: tuple[NameIndex, ...]


class _Sets:
    """Who may be found; each selection is kept once it is made."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.nobody = self._selection(np.zeros(len(served.graph), dtype=bool))
        self.typed = lru_cache(MOST_SETS)(self._typed)
        self.reached = lru_cache(MOST_SETS)(self._reached)

    def _selection(self, mask: Bool) -> Selection:
        held = [index for index in self._served.names if mask[index.holders].any()]
        return Selection(mask, tuple(held))

    def _typed(self, types: tuple[int, ...]) -> Selection:
        """Entities with one of these types that blocking may pair; of all such types for none."""
        graph, (names, primary) = self._served.graph, self._served.types
        matched = np.isin(primary, self._served.matched_types)
        if not types:
            return self._selection(matched)
        found = np.isin(primary, types)
        known = [graph.type_names.index(names[one]) for one in types if names[one] in graph.type_names]
        found[graph.typed[np.isin(graph.typed[:, 1], known), 0]] = True
        return self._selection(found & matched)

    def _reached(self, relation: int) -> Selection:
        """Entities that a directed relation leads to."""
        adjacency = self._served.adjacency
        found = np.zeros(len(self._served.graph), dtype=bool)
        found[adjacency.neighbours[adjacency.relations == relation]] = True
        return self._selection(found)


def _plain(network: CollectiveNetwork) -> PlainNetwork:
    return PlainNetwork({name: one.numpy() for name, one in network.state_dict().items()}, network.options)


def _ready(
    networks: tuple[PlainNetwork, ...], arrays: SideArrays, sketch: Float32, progress: Progress
) -> tuple[Ready, ...]:
    everybody = np.arange(len(arrays))
    starts = range(0, max(len(arrays), 1), CHUNK)
    with progress.stage("prepare", len(arrays) * len(networks), "vectors") as advance:

        def ready(network: PlainNetwork) -> Iterator[Ready]:
            known = LowerRows(everybody, network.vectors(arrays, sketch, everybody))
            for start in starts:
                part = everybody[start : start + CHUNK]
                yield network.ready(arrays, sketch, known, part)
                advance(len(part))

        return tuple(Ready.stacked(ready(network), len(arrays)) for network in networks)


def _pools(opened: Reopened, side: int) -> Int32:
    """(T, T') see ``Served``."""
    graphs = opened.preparation.graphs
    (left, left_of), (right, right_of) = type_codes(graphs[0]), type_codes(graphs[1])
    pools = np.full((len(left), len(right)), -1, dtype=np.int32)
    for number, (sides, _) in enumerate(opened.preparation.weighing.pools):
        a, b = np.flatnonzero(sides[0])[:1], np.flatnonzero(sides[1])[:1]
        if len(a) and len(b):
            pools[left_of[a], right_of[b]] = number
    apart = opened.config.decisions.types_apart()
    for one, other in apart:
        pools[left.index(one), right.index(other)] = -1
    return pools if side else np.ascontiguousarray(pools.T)
