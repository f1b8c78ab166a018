"""What may speak for a pair or against it: each value and each neighbour of its two entities, once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from crossgraph._types import AnyArray, Float64, Int64, Side
from crossgraph.blocking.names import name_attributes
from crossgraph.graphs.adjacency import directed_name
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.preparation import Preparation

# Two neighbours that are less likely the same are told apart.
LEAST_ECHO = 0.1
# So many neighbours at most get a line of their own; the others share one for each relation.
MOST_NEIGHBOURS = 30

SIDES: tuple[Side, Side] = ("left", "right")

Kind = Literal["attribute", "neighbour", "others", "rivals"]


@dataclass(frozen=True, slots=True)
class Part:
    """What a clue says on one side.

    by           the attribute, or the relations by which a neighbour is reached
    shown        values, or the neighbour's name
    entity       the neighbour; -1 where there is not one
    identifier   the neighbour's; empty where there is not one
    attributes   places of the attribute in the graph
    edges        places among the rows of the entity in ``Adjacency``
    """

    by: str = ""
    shown: str = ""
    entity: int = -1
    identifier: str = ""
    attributes: tuple[int, ...] = ()
    edges: tuple[int, ...] = ()

    @property
    def empty(self) -> bool:
        """True where the side has nothing of it."""
        return not self.attributes and not self.edges


@dataclass(frozen=True, slots=True)
class Clue:
    """Values of corresponding attributes, two neighbours that echo each other, or what one side alone has.

    The clue ``rivals`` is that there are other candidates of the two entities; it has no sides.

    echo   how likely two neighbours are the same; 0 where one side has none
    """

    kind: Kind
    left: Part = field(default_factory=Part)
    right: Part = field(default_factory=Part)
    echo: float = 0.0

    @property
    def both(self) -> bool:
        """True where both sides have it."""
        return not self.left.empty and not self.right.empty

    @property
    def parts(self) -> tuple[Part, Part]:
        """Both sides."""
        return self.left, self.right


@dataclass(frozen=True, eq=False)
class Describer:
    """Names of entities, and the clues of a pair.

    probability (P)   of each candidate: which neighbours echo each other
    """

    preparation: Preparation
    probability: Float64

    def clues(self, pair: tuple[int, int], sampled: tuple[set[int], set[int]]) -> tuple[Clue, ...]:
        """Every value and every edge of two entities in exactly one clue, and the clue that there are rivals.

        sampled   the neighbours that the network sees, which keep a line of their own
        """
        return (*self._attributes(pair), *self._neighbours(pair, sampled), Clue("rivals"))

    def name(self, side: Side, entity: int) -> str:
        """The value of an entity's most strongly mapped name; else its identifier."""
        graph = self.preparation.graphs[side == "right"]
        for name in self._names[side == "right"]:
            if values := values_of(graph, entity, name):
                return values[0]
        return str(graph.ids[entity])

    @cached_property
    def _names(self) -> tuple[list[str], list[str]]:
        """The attributes that name the entities of each side, the most strongly mapped first."""
        schema = self.preparation.schema
        lefts, rights = name_attributes(self.preparation.description, schema)
        return (
            list(dict.fromkeys([*(m.left for m in schema.attributes if m.left in lefts), *sorted(lefts)])),
            list(
                dict.fromkeys([*(m.right for m in schema.attributes if m.right in rights), *sorted(rights)])
            ),
        )

    def _attributes(self, pair: tuple[int, int]) -> list[Clue]:
        left, right = (self._valued(side, pair[side]) for side in (0, 1))
        clues = []
        for mapping in self.preparation.schema.attributes:
            if mapping.left in left and mapping.right in right:
                a, b = left.pop(mapping.left), right.pop(mapping.right)
                clues.append(Clue("attribute", a, b))
        alone = [Clue("attribute", left=part) for part in left.values()]
        alone += [Clue("attribute", right=part) for part in right.values()]
        return clues + alone

    def _valued(self, side: int, entity: int) -> dict[str, Part]:
        """The attributes of which an entity has a value."""
        graph = self.preparation.graphs[side]
        start, end = np.searchsorted(graph.fact_entities, [entity, entity + 1])
        codes = dict.fromkeys(graph.fact_attributes[start:end].tolist())
        return {
            graph.attribute_names[code]: Part(
                by=graph.attribute_names[code],
                shown=" · ".join(values_of(graph, entity, graph.attribute_names[code])),
                attributes=(code,),
            )
            for code in codes
        }

    def _neighbours(self, pair: tuple[int, int], sampled: tuple[set[int], set[int]]) -> list[Clue]:
        left, right = (self._reached(side, pair[side]) for side in (0, 1))
        clues = []
        for a, b, likely in self._echoes(tuple(left), tuple(right)):
            if a in left and b in right:
                clues.append(Clue("neighbour", left.pop(a), right.pop(b), likely))
        room = max(MOST_NEIGHBOURS - len(clues), 0)
        clues, rest = clues[:MOST_NEIGHBOURS], clues[MOST_NEIGHBOURS:]
        for clue in rest:
            left[clue.left.entity], right[clue.right.entity] = clue.left, clue.right
        order = [(at, e) for at, side in enumerate((left, right)) for e in side]
        order.sort(key=lambda one: one[1] not in sampled[one[0]])
        shown, hidden = order[:room], order[room:]
        sides = left, right
        clues += [_one_sided("neighbour", at, sides[at][entity]) for at, entity in shown]
        return [self._named(clue) for clue in clues] + self._grouped(hidden, sides)

    def _named(self, clue: Clue) -> Clue:
        """A clue of neighbours with their names."""
        left, right = (
            part if part.empty else replace(part, shown=self.name(side, part.entity))
            for side, part in zip(SIDES, clue.parts, strict=True)
        )
        return replace(clue, left=left, right=right)

    def _reached(self, side: int, entity: int) -> dict[int, Part]:
        """Each neighbour with the edges that lead to it."""
        adjacency, graph = self.preparation.adjacency[side], self.preparation.graphs[side]
        start, end = adjacency.indptr[entity], adjacency.indptr[entity + 1]
        edges: dict[int, list[int]] = defaultdict(list)
        for place, neighbour in enumerate(adjacency.neighbours[start:end].tolist()):
            edges[neighbour].append(place)
        return {
            neighbour: Part(
                by=", ".join(
                    directed_name(graph.relation_names, int(adjacency.relations[start + place]))
                    for place in places
                ),
                entity=neighbour,
                identifier=str(graph.ids[neighbour]),
                edges=tuple(places),
            )
            for neighbour, places in edges.items()
        }

    def _echoes(self, left: tuple[int, ...], right: tuple[int, ...]) -> list[tuple[int, int, float]]:
        """Pairs of neighbours that are probably the same, the surest first."""
        candidates = self.preparation.candidates
        rows = _rows_of(candidates.left, np.array(left, dtype=np.int64))
        rows = rows[np.isin(candidates.right[rows], np.array(right, dtype=np.int64))]
        rows = rows[self.probability[rows] >= LEAST_ECHO]
        rows = rows[np.argsort(-self.probability[rows], kind="stable")]
        return [
            (int(candidates.left[row]), int(candidates.right[row]), float(self.probability[row]))
            for row in rows
        ]

    def _grouped(
        self, hidden: list[tuple[int, int]], sides: tuple[dict[int, Part], dict[int, Part]]
    ) -> list[Clue]:
        """What is left, one clue for each side and relation."""
        groups: dict[tuple[int, str], list[Part]] = defaultdict(list)
        for at, entity in hidden:
            groups[at, sides[at][entity].by].append(sides[at][entity])
        return [
            _one_sided(
                "others",
                at,
                Part(by, f"{len(parts):,} more", edges=tuple(e for part in parts for e in part.edges)),
            )
            for (at, by), parts in groups.items()
        ]


def values_of(graph: KnowledgeGraph, entity: int, attribute: str) -> list[str]:
    """The values of an entity's attribute, sorted."""
    if attribute not in graph.attribute_names:
        return []
    start, end = np.searchsorted(graph.fact_entities, [entity, entity + 1])
    code = graph.attribute_names.index(attribute)
    facts = start + np.flatnonzero(graph.fact_attributes[start:end] == code)
    return list(dict.fromkeys(str(graph.fact_values[int(fact)]) for fact in facts))


def owners(clues: tuple[Clue, ...], side: int, *, attributes: int, edges: int) -> tuple[Int64, Int64]:
    """(A) and (T) which clue each attribute and each edge of a side belongs to; -1 for none."""
    of_attribute, of_edge = np.full(attributes, -1, dtype=np.int64), np.full(edges, -1, dtype=np.int64)
    for number, clue in enumerate(clues):
        of_attribute[list(clue.parts[side].attributes)] = number
        of_edge[list(clue.parts[side].edges)] = number
    return of_attribute, of_edge


def _one_sided(kind: Kind, side: int, part: Part) -> Clue:
    return Clue(kind, right=part) if side else Clue(kind, left=part)


def _rows_of(groups: AnyArray, wanted: Int64) -> Int64:
    """Places of the wanted entities in an ascending column."""
    starts, ends = (np.searchsorted(groups, wanted, side=side) for side in ("left", "right"))
    parts = [np.arange(a, b) for a, b in zip(starts, ends, strict=True)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])
