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
from crossgraph.graphs.adjacency import Adjacency, directed_names
from crossgraph.graphs.sorting import marked
from crossgraph.ground import Ground
from crossgraph.model.arrays import HeldLikeness, PairArrays, SideArrays
from crossgraph.plain.hearing import SeeAlone
from crossgraph.plain.model import PlainModel
from crossgraph.plain.network import PlainNetwork
from crossgraph.preparation import Preparation
from crossgraph.sampling import Neighbourhoods, Sampler
from crossgraph.sampling.shared import PRIOR_SHARE
from crossgraph.schema.vocabulary import Vocabulary, attribute_slots, directed_slots, entity_type_slots
from crossgraph.sights import Sights
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
class _Drawing:
    """The neighbourhoods of one graph, drawn for some entities after others; nobody is beside the others.

    done (E)   who is drawn for
    """

    sampler: Sampler
    around: Neighbourhoods
    done: Bool

    @staticmethod
    def of(sampler: Sampler) -> _Drawing:
        """Nobody yet."""
        count = len(sampler.graph)
        nobody = Neighbourhoods.none(count, sampler.options.neighbours)
        return _Drawing(sampler, nobody, np.zeros(count, dtype=bool))

    def add(self, who: Bool) -> None:
        """Draw for some (E) as well."""
        more = np.flatnonzero(who & ~self.done).astype(np.int32)
        found = self.sampler.draw(more)
        for out, part in zip(self.around.part(slice(None)), found.part(slice(None)), strict=True):
            out[more] = part
        self.done[more] = True

    def edges(self, entities: Int64) -> Int64:
        """(K, N) directed relation and neighbour as one number; -1 where padded, ascending."""
        around = self.around
        return _as_numbers(around.neighbours[entities], around.relations[entities], around.mask[entities])

    def beside(self, who: Bool) -> Bool:
        """(E) these, and all whom they drew; they are to be drawn for."""
        found = who.copy()
        found[self.around.neighbours[who][self.around.mask[who]]] = True
        return found

    def has_any(self, who: Bool) -> Bool:
        """(E) who drew one of some entities."""
        has: Bool = np.any(who[self.around.neighbours] & self.around.mask, axis=1)
        return has


def _as_numbers(neighbours: Int32, relations: Int32, real: Bool) -> Int64:
    """(K, N) relations and neighbours as one number, ascending in a row; -1 where there is none."""
    numbers: Int64 = np.where(real, relations.astype(np.int64) << 32 | neighbours, -1)
    numbers.sort(axis=1)
    return numbers


@dataclass(frozen=True, eq=False)
class Sight:
    """Changed graphs as networks see them: ``pair_tensors`` with scales, ranks and preferences as before.

    sights   what the networks saw of entities alone; None where all are to be seen anew
    """

    preparation: Preparation
    ground: Ground
    vocabulary: Vocabulary
    model: PlainModel
    touched: tuple[Touched, Touched]
    sights: Sights | None

    @cached_property
    def otherwise(self) -> _Sides:
        """(E) who tells other things of itself, or has other neighbours among those that networks look at."""
        return self._otherwise(0), self._otherwise(1)

    def _otherwise(self, side: int) -> Bool:
        touched = self.touched[side]
        other = touched.blocked | touched.edged
        if self._known is not None:
            self._drawings[side].add(other)
            edged = np.flatnonzero(other & ~touched.told)
            other[edged] = self._drew_others(side, edged)
        return other

    def _drew_others(self, side: int, entities: Int64) -> Bool:
        """(K) which entities look at others than before, of some that were there before and are drawn for."""
        assert self._known is not None
        touched, drawn, names = self.touched[side], self._known.drawn[side], self._directed(side)
        before = touched.former[entities]
        at = {name: place for place, name in enumerate(names)}
        known = np.array([at.get(name, -1) for name in drawn.names], dtype=np.int32)
        neighbours = _renumbered(touched.numbers, drawn.neighbours[before])
        relations = _renumbered(known, drawn.relations[before])
        # Who is gone, or a relation that is, is in nobody's neighbourhood now.
        gone = ((neighbours < 0) | (relations < 0)) & (drawn.neighbours[before] >= 0)
        then, now = _as_numbers(neighbours, relations, neighbours >= 0), self._drawings[side].edges(entities)
        if then.shape != now.shape:
            return np.ones(len(entities), dtype=bool)
        others: Bool = gone.any(axis=1) | (then != now).any(axis=1)
        return others

    def of(self, pairs: tuple[Int32, Int32], alike: sparse.csr_matrix) -> tuple[PairArrays, SeeAlone | None]:
        """Arrays that tell of all that networks read of some pairs, and who sees their entities alone.

        alike (E, E')   how surely two are one before they are scored
        """
        likeness = HeldLikeness.of(alike)
        asked = [marked(ends, len(graph)) for ends, graph in zip(pairs, self.preparation.graphs, strict=True)]
        if self._known is None:
            for drawing in self._drawings:
                drawing.add(np.ones_like(drawing.done))
            everybody = np.ones_like(asked[0]), np.ones_like(asked[1])
            return self._arrays(everybody, everybody, likeness), None
        anew = self._anew(0, asked[0]), self._anew(1, asked[1])
        arrays = self._arrays((asked[0], asked[1]), anew, likeness)
        former = self.touched[0].former, self.touched[1].former
        return arrays, SeenBefore(self.model.networks, arrays, self._known.vectors, former, anew)

    @property
    def _known(self) -> Sights | None:
        """What was seen of entities alone by these networks."""
        known = self.sights
        return known if known is not None and len(known.vectors) == len(self.model.networks) else None

    def _anew(self, side: int, asked: Bool) -> Bool:
        """(E) of those asked for and whom they look at, who is seen otherwise than before, or never was.

        So is who looks at somebody that tells other things of itself, or did: what an entity tells decides
        who looks at it.
        """
        assert self._known is not None
        drawing, touched = self._drawings[side], self.touched[side]
        drawing.add(asked)
        anew = self.otherwise[side].copy()
        for both in self._known.vectors:
            anew |= np.isnan(both[side][:, 0])[touched.former]
        reached = drawing.beside(asked)
        beside = reached & ~anew & _beside(touched.told, self.preparation.adjacency[side])
        drawing.add(reached & (anew | beside))
        looking = np.flatnonzero(beside)
        anew[looking] = drawing.has_any(touched.told)[looking] | self._drew_others(side, looking)
        return reached & anew

    def _arrays(self, asked: _Sides, anew: _Sides, likeness: HeldLikeness) -> PairArrays:
        """Arrays with what is read of some pairs' entities, and all that is to see some ``anew``."""
        left, right = (self._side(side) for side in range(2))
        read = []
        for side, arrays in enumerate((left, right)):
            seen = marked(arrays.with_neighbours(np.flatnonzero(anew[side])), len(arrays))
            read.append(arrays.facts.texts[seen | asked[side]].ravel())
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

    def _side(self, side: int) -> SideArrays:
        vocabulary, graph = self.vocabulary, self.preparation.graphs[side]
        relations = vocabulary.relations_right if side else vocabulary.relations_left
        return SideArrays.of(
            self._facts(side),
            entity_type_slots(graph, vocabulary.types_right if side else vocabulary.types_left),
            self._drawings[side].around,
            edges=np.diff(self.preparation.adjacency[side].indptr),
            directions=directed_slots(graph.relation_names, relations, vocabulary.relation_slots),
        )

    @cached_property
    def _drawings(self) -> tuple[_Drawing, _Drawing]:
        def of(side: int) -> _Drawing:
            graph, adjacency = self.preparation.graphs[side], self.preparation.adjacency[side]
            shares = _shares(self._directed(side), self.ground.shares[side])
            sampler = Sampler(graph, adjacency, self.model.sampling, self.model.seed, shares)
            return _Drawing.of(sampler)

        return of(0), of(1)

    def _directed(self, side: int) -> tuple[str, ...]:
        """(2R) the names of the directed relations of a graph."""
        return directed_names(self.preparation.graphs[side].relation_names)

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


def _renumbered(numbers: Int32, old: Int32) -> Int32:
    """What some old numbers are now; -1 where there is none, or was none."""
    found: Int32 = np.append(numbers, np.int32(-1))[old]
    return found


def _shares(directed: tuple[str, ...], told: dict[str, float]) -> Float64 | None:
    """(2R) what each directed relation's chance is multiplied by; a new one as one without an echo."""
    return np.array([told.get(name, PRIOR_SHARE) for name in directed]) if told else None
