"""One numbering of relations, attributes and types for both graphs, so that one network reads both.

A slot stands for a left relation (or attribute, or type) together with the right ones that correspond to it,
or for a right one alone. Slot 0 takes all that is rare or new. Nothing requires equal vocabularies.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from crossgraph._types import AnyArray, Int32
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.schema.mapping import AttributeMapping, RelationMapping, SchemaMapping, TypeMapping

RELATION_SLOTS = 32
ATTRIBUTE_SLOTS = 16
TYPE_SLOTS = 32
# Types of one entity that are told apart; the rarest, which say most.
MOST_TYPES = 4
OTHER = 0

Mappings: TypeAlias = Sequence[AttributeMapping] | Sequence[TypeMapping]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Slots of relations, attributes and types by name.

    relations_left, relations_right    name -> (slot, turned round?)
    attributes_left, attributes_right  name -> slot
    types_left, types_right            name -> slot
    """

    relations_left: Mapping[str, tuple[int, bool]]
    relations_right: Mapping[str, tuple[int, bool]]
    attributes_left: Mapping[str, int]
    attributes_right: Mapping[str, int]
    types_left: Mapping[str, int]
    types_right: Mapping[str, int]

    @property
    def relation_slots(self) -> int:
        """Number of relation slots, the shared slot 0 among them (a network has twice as many directions)."""
        used = [slot for slot, _ in (*self.relations_left.values(), *self.relations_right.values())]
        return 1 + max(used, default=0)

    @property
    def attribute_slots(self) -> int:
        """Number of attribute slots, the shared slot 0 among them."""
        return 1 + max((*self.attributes_left.values(), *self.attributes_right.values()), default=0)

    @property
    def type_slots(self) -> int:
        """Number of type slots, the shared slot 0 among them."""
        return 1 + max((*self.types_left.values(), *self.types_right.values()), default=0)

    def turned(self) -> Vocabulary:
        """The same of exchanged graphs."""
        return Vocabulary(
            relations_left=self.relations_right,
            relations_right=self.relations_left,
            attributes_left=self.attributes_right,
            attributes_right=self.attributes_left,
            types_left=self.types_right,
            types_right=self.types_left,
        )


def build_vocabulary(left: KnowledgeGraph, right: KnowledgeGraph, schema: SchemaMapping) -> Vocabulary:
    """Number the most used relations, attributes and types of both graphs, mapped ones alike and first.

    What is used less than others, but has a counterpart, tells more of who is the same.
    """
    left_relations = _most_used(
        left.relation_names, left.relations, RELATION_SLOTS // 2, first=_mapped(schema.relations)
    )
    relations_left = {name: (slot, False) for slot, name in enumerate(left_relations, start=1)}
    relations_right = _through(schema, relations_left)
    for name in _most_used(right.relation_names, right.relations, RELATION_SLOTS // 2):
        if name not in relations_right:
            relations_right[name] = (
                1 + max((s for s, _ in (*relations_left.values(), *relations_right.values())), default=0),
                False,
            )
    attributes_left, attributes_right = _numbered(
        _most_used(
            left.attribute_names,
            left.fact_attributes,
            ATTRIBUTE_SLOTS // 2,
            first=_mapped(schema.attributes),
        ),
        _most_used(right.attribute_names, right.fact_attributes, ATTRIBUTE_SLOTS // 2),
        schema.attributes,
    )
    types_left, types_right = _numbered(
        _most_used(left.type_names, left.typed[:, 1], TYPE_SLOTS // 2, first=_mapped(schema.types)),
        _most_used(right.type_names, right.typed[:, 1], TYPE_SLOTS // 2),
        schema.types,
    )
    return Vocabulary(
        relations_left, relations_right, attributes_left, attributes_right, types_left, types_right
    )


def extended(vocabulary: Vocabulary, schema: SchemaMapping) -> Vocabulary:
    """The same slots with names of other graphs added where the schema maps them to known ones."""
    relations_right = {**_through(schema, vocabulary.relations_left), **vocabulary.relations_right}
    relations_left = dict(vocabulary.relations_left)
    for m in schema.relations:
        if m.left not in relations_left and m.right in relations_right:
            slot, turned = relations_right[m.right]
            relations_left[m.left] = (slot, turned != m.inverse)
    attributes_left, attributes_right = _more(
        vocabulary.attributes_left, vocabulary.attributes_right, schema.attributes
    )
    types_left, types_right = _more(vocabulary.types_left, vocabulary.types_right, schema.types)
    return Vocabulary(
        relations_left, relations_right, attributes_left, attributes_right, types_left, types_right
    )


def directed_slots(names: tuple[str, ...], slots: Mapping[str, tuple[int, bool]], slot_count: int) -> Int32:
    """(2R) the network's direction (0 .. 2 * slot_count - 1) of each directed relation of ``Adjacency``."""
    forward = np.array([slots.get(name, (OTHER, False)) for name in names], dtype=np.int32).reshape(-1, 2)
    slot, turned = forward[:, 0], forward[:, 1]
    both = [slot + turned * slot_count, slot + (1 - turned) * slot_count]
    return np.concatenate(both).astype(np.int32)


def entity_type_slots(graph: KnowledgeGraph, slots: Mapping[str, int]) -> Int32:
    """(E, T) the slots of each entity's types, rarest first, at most ``MOST_TYPES``; -1 where padded."""
    entities, codes = graph.typed[:, 0], graph.typed[:, 1]
    counts = np.bincount(codes, minlength=len(graph.type_names))
    order = np.lexsort((codes, counts[codes], entities))
    starts = np.searchsorted(entities[order], np.arange(len(graph) + 1))
    place = np.arange(len(order)) - np.repeat(starts[:-1], np.diff(starts))
    kept, place = order[place < MOST_TYPES], place[place < MOST_TYPES]
    table = np.full((len(graph), 1 + int(place.max(initial=0))), -1, dtype=np.int32)
    table[entities[kept], place] = attribute_slots(graph.type_names, slots)[codes[kept]]
    return table


def attribute_slots(names: tuple[str, ...], slots: Mapping[str, int]) -> Int32:
    """(A) the slot of each attribute."""
    return np.array([slots.get(name, OTHER) for name in names], dtype=np.int32)


def _mapped(mappings: Mappings | Sequence[RelationMapping]) -> set[str]:
    """The left names that have a counterpart."""
    return {one.left for one in mappings}


def _most_used(
    names: tuple[str, ...], codes: AnyArray, most: int, *, first: Collection[str] = ()
) -> list[str]:
    counts = np.bincount(codes, minlength=len(names))
    later = np.array([name not in first for name in names], dtype=bool)
    return [names[i] for i in np.lexsort((-counts, later))[:most]]


def _through(
    schema: SchemaMapping, relations_left: Mapping[str, tuple[int, bool]]
) -> dict[str, tuple[int, bool]]:
    found: dict[str, tuple[int, bool]] = {}
    for m in schema.relations:
        if m.left in relations_left and m.right not in found:
            slot, turned = relations_left[m.left]
            found[m.right] = (slot, turned != m.inverse)
    return found


def _numbered(left: list[str], right: list[str], mappings: Mappings) -> tuple[dict[str, int], dict[str, int]]:
    """Slots from 1 on: the left names', which right names that are mapped to them share, then new ones."""
    slots_left = {name: slot for slot, name in enumerate(left, start=1)}
    slots_right = _shared(mappings, slots_left)
    for name in right:
        if name not in slots_right:
            slots_right[name] = 1 + max((*slots_left.values(), *slots_right.values()), default=0)
    return slots_left, slots_right


def _more(
    left: Mapping[str, int], right: Mapping[str, int], mappings: Mappings
) -> tuple[dict[str, int], dict[str, int]]:
    """The same slots, and those of new names that are mapped to a name that has one."""
    more_right = {**_shared(mappings, left), **right}
    more_left = dict(left)
    for m in mappings:
        if m.left not in more_left and m.right in more_right:
            more_left[m.left] = more_right[m.right]
    return more_left, more_right


def _shared(mappings: Mappings, left: Mapping[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for m in mappings:
        if m.left in left and m.right not in found:
            found[m.right] = left[m.left]
    return found
