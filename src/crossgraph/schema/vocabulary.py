"""One numbering of relations and attributes for both graphs, so that one network reads both.

A slot stands for a left relation (or attribute) together with the right ones that correspond to it, or for a
right one alone. Slot 0 takes all that is rare or new. Nothing requires equal vocabularies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossgraph._types import AnyArray, Int32
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.schema.mapping import SchemaMapping

RELATION_SLOTS = 32
ATTRIBUTE_SLOTS = 16
OTHER = 0


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Slots of relations and attributes by name.

    relations_left, relations_right    name -> (slot, turned round?)
    attributes_left, attributes_right  name -> slot
    """

    relations_left: Mapping[str, tuple[int, bool]]
    relations_right: Mapping[str, tuple[int, bool]]
    attributes_left: Mapping[str, int]
    attributes_right: Mapping[str, int]

    @property
    def relation_slots(self) -> int:
        """Number of relation slots, the shared slot 0 among them (a network has twice as many directions)."""
        used = [slot for slot, _ in (*self.relations_left.values(), *self.relations_right.values())]
        return 1 + max(used, default=0)

    @property
    def attribute_slots(self) -> int:
        """Number of attribute slots, the shared slot 0 among them."""
        return 1 + max((*self.attributes_left.values(), *self.attributes_right.values()), default=0)


def build_vocabulary(left: KnowledgeGraph, right: KnowledgeGraph, schema: SchemaMapping) -> Vocabulary:
    """Number the most used relations and attributes of both graphs, corresponding ones alike."""
    left_relations = _most_used(left.relation_names, left.relations, RELATION_SLOTS // 2)
    relations_left = {name: (slot, False) for slot, name in enumerate(left_relations, start=1)}
    relations_right = _through(schema, relations_left)
    for name in _most_used(right.relation_names, right.relations, RELATION_SLOTS // 2):
        if name not in relations_right:
            relations_right[name] = (
                1 + max((s for s, _ in (*relations_left.values(), *relations_right.values())), default=0),
                False,
            )
    left_attributes = _most_used(left.attribute_names, left.fact_attributes, ATTRIBUTE_SLOTS // 2)
    attributes_left = {name: slot for slot, name in enumerate(left_attributes, start=1)}
    attributes_right = _attributes_through(schema, attributes_left)
    for name in _most_used(right.attribute_names, right.fact_attributes, ATTRIBUTE_SLOTS // 2):
        if name not in attributes_right:
            attributes_right[name] = 1 + max(
                (*attributes_left.values(), *attributes_right.values()), default=0
            )
    return Vocabulary(relations_left, relations_right, attributes_left, attributes_right)


def extended(vocabulary: Vocabulary, schema: SchemaMapping) -> Vocabulary:
    """The same slots with names of other graphs added where the schema maps them to known ones."""
    relations_right = {**_through(schema, vocabulary.relations_left), **vocabulary.relations_right}
    relations_left = dict(vocabulary.relations_left)
    for m in schema.relations:
        if m.left not in relations_left and m.right in relations_right:
            slot, turned = relations_right[m.right]
            relations_left[m.left] = (slot, turned != m.inverse)
    attributes_right = {
        **_attributes_through(schema, vocabulary.attributes_left),
        **vocabulary.attributes_right,
    }
    attributes_left = dict(vocabulary.attributes_left)
    for a in schema.attributes:
        if a.left not in attributes_left and a.right in attributes_right:
            attributes_left[a.left] = attributes_right[a.right]
    return Vocabulary(relations_left, relations_right, attributes_left, attributes_right)


def directed_slots(names: tuple[str, ...], slots: Mapping[str, tuple[int, bool]], slot_count: int) -> Int32:
    """(2R) the network's direction (0 .. 2 * slot_count - 1) of each directed relation of ``Adjacency``."""
    forward = np.array([slots.get(name, (OTHER, False)) for name in names], dtype=np.int32).reshape(-1, 2)
    slot, turned = forward[:, 0], forward[:, 1]
    both = [slot + turned * slot_count, slot + (1 - turned) * slot_count]
    return np.concatenate(both).astype(np.int32)


def attribute_slots(names: tuple[str, ...], slots: Mapping[str, int]) -> Int32:
    """(A) the slot of each attribute."""
    return np.array([slots.get(name, OTHER) for name in names], dtype=np.int32)


def _most_used(names: tuple[str, ...], codes: AnyArray, most: int) -> list[str]:
    counts = np.bincount(codes, minlength=len(names))
    return [names[i] for i in np.argsort(-counts, kind="stable")[:most]]


def _through(
    schema: SchemaMapping, relations_left: Mapping[str, tuple[int, bool]]
) -> dict[str, tuple[int, bool]]:
    found: dict[str, tuple[int, bool]] = {}
    for m in schema.relations:
        if m.left in relations_left and m.right not in found:
            slot, turned = relations_left[m.left]
            found[m.right] = (slot, turned != m.inverse)
    return found


def _attributes_through(schema: SchemaMapping, attributes_left: Mapping[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for m in schema.attributes:
        if m.left in attributes_left and m.right not in found:
            found[m.right] = attributes_left[m.left]
    return found
