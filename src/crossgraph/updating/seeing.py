"""Changed graphs as the networks read them, with what was usual before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from crossgraph._types import Bool, Float32, Float64, Int32, Int64, Vectors
from crossgraph.features.description import AttributeColumn, column_of
from crossgraph.features.tokens import EntityTokens, entity_tokens, number_scales, sketch_of
from crossgraph.graphs.adjacency import Adjacency, directed_name
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.sorting import marked
from crossgraph.ground import Ground
from crossgraph.model.arrays import HeldLikeness, PairArrays, SideArrays
from crossgraph.plain.hearing import SeeAlone
from crossgraph.plain.model import PlainModel
from crossgraph.plain.network import PlainNetwork
from crossgraph.preparation import Preparation
from crossgraph.sampling import Neighbourhoods, sample_neighbourhoods
from crossgraph.sampling.shared import PRIOR_SHARE
from crossgraph.schema.vocabulary import Vocabulary, attribute_slots, directed_slots, entity_type_slots
from crossgraph.updating.touched import Touched

_Sides = tuple[Bool, Bool]


@dataclass(frozen=True, eq=False)
class SeenBefore:
    """Sees entities alone as they were seen when the graphs were aligned, and anew only whom changes reach.

    vectors         of the graphs as they were aligned
    former (E)      of each side: the number that an entity had then; -1 for a new one
    anew (E)        of each side: who is seen as the graphs are now
    """

    networks: tuple[PlainNetwork, ...]
    arrays: PairArrays
    vectors: Vectors
    former: tuple[Int32, Int32]
    anew: _Sides

    def __call__(self, number: int, side: int, entities: Int64) -> Float32:
        """``PlainNetwork.vectors`` of a network."""
        h = self.vectors[number][side][self.former[side][entities]].astype(np.float32)
        anew = self.anew[side][entities]
        if anew.any():
            read = self.arrays.sides[side], self.arrays.sketch
            h[anew] = self.networks[number].vectors(*read, entities[anew])
        return h


@dataclass(frozen=True, eq=False)
class Sight:
    """Changed graphs as networks see them: ``pair_tensors`` with scales, ranks and preferences as before.

    vectors   what the networks saw of entities alone; none where all are to be seen anew
    """

    preparation: Preparation
    ground: Ground
    vocabulary: Vocabulary
    model: PlainModel
    touched: tuple[Touched, Touched]
    vectors: Vectors

    def of(self, pairs: tuple[Int32, Int32], alike: sparse.csr_matrix) -> tuple[PairArrays, SeeAlone | None]:
        """Arrays that tell of all that networks read of some pairs, and who sees their entities alone.

        alike (E, E')   how surely two are one before they are scored
        """
        likeness = HeldLikeness.of(alike)
        asked = [marked(ends, len(graph)) for ends, graph in zip(pairs, self.preparation.graphs, strict=True)]
        networks = self.model.networks
        if not networks or len(self.vectors) != len(networks):
            everybody = np.ones_like(asked[0]), np.ones_like(asked[1])
            return self._arrays(everybody, everybody, likeness), None
        anew = [
            self._seen_otherwise(side) & _beside(asked[side], self.preparation.adjacency[side])
            for side in range(2)
        ]
        sides = anew[0], anew[1]
        arrays = self._arrays((asked[0] | anew[0], asked[1] | anew[1]), sides, likeness)
        former = self.touched[0].former, self.touched[1].former
        return arrays, SeenBefore(networks, arrays, self.vectors, former, sides)

    def _seen_otherwise(self, side: int) -> Bool:
        """(E) who has other facts, types or edges, or a neighbour with other facts or types; or is unseen."""
        touched = self.touched[side]
        changed = touched.blocked | touched.edged | _beside(touched.told, self.preparation.adjacency[side])
        for both in self.vectors:
            changed |= np.isnan(both[side][:, 0])[touched.former]
        return changed

    def _arrays(self, drawn: _Sides, anew: _Sides, likeness: HeldLikeness) -> PairArrays:
        """Arrays with neighbourhoods of ``drawn`` entities, and all that is read to see some ``anew``."""
        left, right = (self._side(side, drawn[side]) for side in range(2))
        read = []
        for side, arrays in enumerate((left, right)):
            seen = marked(arrays.with_neighbours(np.flatnonzero(anew[side])), len(arrays))
            read.append(arrays.facts.texts[seen | drawn[side]].ravel())
        texts = self.preparation.description.texts
        wanted = marked(np.concatenate(read), len(texts.strings))
        # The first one is empty, which is of all who have no text.
        wanted[0] = True
        places = np.where(wanted, np.cumsum(wanted, dtype=np.int32) - 1, 0).astype(np.int32)
        sketch = sketch_of(texts.grams[np.flatnonzero(wanted)])
        left, right = (
            replace(one, facts=replace(one.facts, texts=places[one.facts.texts])) for one in (left, right)
        )
        return PairArrays(left, right, sketch, likeness)

    def _facts(self, side: int) -> EntityTokens:
        description, told = self.preparation.description, self.ground.description
        columns = (description.left, description.right)[side]
        graph, slots = self.preparation.graphs[side], self._attributes[side]
        return entity_tokens(
            columns,
            attribute_slots(graph.attribute_names, slots),
            self._scales,
            len(graph),
            against=_as_before(columns, (told.left, told.right)[side]),
        )

    def _side(self, side: int, drawn: Bool) -> SideArrays:
        vocabulary, graph = self.vocabulary, self.preparation.graphs[side]
        relations = vocabulary.relations_right if side else vocabulary.relations_left
        return SideArrays.of(
            self._facts(side),
            entity_type_slots(graph, vocabulary.types_right if side else vocabulary.types_left),
            self._sampled(side, drawn),
            edges=np.diff(self.preparation.adjacency[side].indptr),
            directions=directed_slots(graph.relation_names, relations, vocabulary.relation_slots),
        )

    def _sampled(self, side: int, drawn: Bool) -> Neighbourhoods:
        """The neighbourhoods of some entities; nobody is beside the others."""
        graph, adjacency = self.preparation.graphs[side], self.preparation.adjacency[side]
        who = np.flatnonzero(drawn).astype(np.int32)
        found = sample_neighbourhoods(
            graph,
            adjacency,
            options=self.model.sampling,
            seed=self.model.seed,
            shares=_shares(graph, self.ground.shares[side]),
            entities=who,
        )
        whole = Neighbourhoods.none(len(graph), self.model.sampling.neighbours)
        for out, part in zip(whole.part(slice(None)), found.part(slice(None)), strict=True):
            out[who] = part
        return whole

    @cached_property
    def _attributes(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        return self.vocabulary.attributes_left, self.vocabulary.attributes_right

    @cached_property
    def _scales(self) -> dict[int, tuple[float, float]]:
        told = self.ground.description
        return number_scales(
            tuple(
                (columns, attribute_slots(tuple(column.name for column in columns), slots))
                for columns, slots in zip((told.left, told.right), self._attributes, strict=True)
            )
        )


def _beside(who: Bool, adjacency: Adjacency) -> Bool:
    """(E) some entities and all their neighbours."""
    found = who.copy()
    found[adjacency.neighbours[np.repeat(who, np.diff(adjacency.indptr))]] = True
    return found


def _as_before(
    columns: tuple[AttributeColumn, ...], told: tuple[AttributeColumn, ...]
) -> tuple[AttributeColumn, ...]:
    return tuple(column_of(told, column.name) or column for column in columns)


def _shares(graph: KnowledgeGraph, told: dict[str, float]) -> Float64 | None:
    """(2R) what each directed relation's chance is multiplied by; a new one as one without an echo."""
    if not told:
        return None
    directed = range(2 * len(graph.relation_names))
    return np.array([told.get(directed_name(graph.relation_names, one), PRIOR_SHARE) for one in directed])
