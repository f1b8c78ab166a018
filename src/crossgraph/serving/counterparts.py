"""What the types, attributes and relations of the served graph are called on the side that asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crossgraph._types import Bool
from crossgraph.graphs.adjacency import directed_names
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.preparation import Graphs
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.schema.seeds import type_codes

# An attribute takes a value too if its mapping weighs at least this share of the strongest one's.
MUCH = 0.5


@dataclass(frozen=True, slots=True)
class Property:
    """A property of the served graph.

    id          the name of its attribute or relation; with a leading ``^`` a relation followed backwards
    attribute   its number among the attributes; -1 where it has none
    relation    its number as a directed relation, see ``Adjacency``; -1 where it is none
    """

    id: str
    attribute: int
    relation: int


@dataclass(frozen=True, eq=False)
class Counterparts:
    """A schema mapping read from the served side.

    types        served type -> asking types, strongest first
    attributes   served attribute -> asking attributes and their weights, likewise
    relations    served directed relation -> the strongest asking one and its weight
    holds        (types, attributes) whether entities of an asking type have an attribute
    """

    types: dict[int, tuple[int, ...]]
    attributes: dict[int, tuple[tuple[int, float], ...]]
    relations: dict[int, tuple[int, float]]
    holds: Bool

    @staticmethod
    def of(graphs: Graphs, schema: SchemaMapping, served: int) -> Counterparts:
        """From the side 0 (left) or 1 (right)."""
        asking = graphs[1 - served]
        types = [type_codes(graph)[0] for graph in graphs]
        attributes = [graph.attribute_names for graph in graphs]
        mapped = _numbered([(m.left, m.right, m.weight) for m in schema.types], types, served)
        return Counterparts(
            types={one: tuple(other for other, _ in others) for one, others in mapped.items()},
            attributes=_numbered(
                [(m.left, m.right, m.weight) for m in schema.attributes], attributes, served
            ),
            relations=_directed(graphs, schema, served),
            holds=_holds(asking),
        )

    @cached_property
    def values_of(self) -> dict[tuple[int, int], tuple[int, ...]]:
        """Served attribute, asking type -> where entities of that type have such values.

        In each attribute that is mapped nearly as surely as the surest: a year may stand alone and in a date.
        """
        found = {}
        for kind in range(len(self.holds)):
            for served, known in self.attributes.items():
                held = [(one, weight) for one, weight in known if self.holds[kind, one]]
                least = MUCH * max((weight for _, weight in held), default=0.0)
                found[served, kind] = tuple(one for one, weight in held if weight >= least)
        return found


def properties_of(graph: KnowledgeGraph) -> dict[str, Property]:
    """Every property of a graph by its id, in the order of the names."""
    relations = {name: number for number, name in enumerate(directed_names(graph.relation_names))}
    attributes = {name: number for number, name in enumerate(graph.attribute_names)}
    names = sorted({*attributes, *relations}, key=lambda name: (name.startswith("^"), name))
    return {name: Property(name, attributes.get(name, -1), relations.get(name, -1)) for name in names}


def _numbered(
    mapped: list[tuple[str, str, float]], names: list[tuple[str, ...]], served: int
) -> dict[int, tuple[tuple[int, float], ...]]:
    found: dict[int, tuple[tuple[int, float], ...]] = {}
    places = [{name: place for place, name in enumerate(side)} for side in names]
    for left, right, weight in mapped:
        if left in places[0] and right in places[1]:
            ends = places[0][left], places[1][right]
            found[ends[served]] = (*found.get(ends[served], ()), (ends[1 - served], weight))
    return found


def _directed(graphs: Graphs, schema: SchemaMapping, served: int) -> dict[int, tuple[int, float]]:
    left, right = (graph.relation_names for graph in graphs)
    n, m = len(left), len(right)
    found: dict[int, tuple[int, float]] = {}
    for mapping, a, b in schema.numbered_relations(left, right):
        turned = b + m if mapping.inverse else b
        for ends in ((a, turned), (a + n, (turned + m) % (2 * m))):
            found.setdefault(ends[served], (ends[1 - served], mapping.weight))
    return found


def _holds(graph: KnowledgeGraph) -> Bool:
    names, codes = type_codes(graph)
    holds = np.zeros((max(len(names), 1), max(len(graph.attribute_names), 1)), dtype=bool)
    holds[codes[graph.fact_entities], graph.fact_attributes] = True
    return holds
