"""What all pairs of a RESULT are scored against; made once for any number of explanations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from scipy import sparse

from crossgraph._types import AnyArray, Bool, Float32, Float64, Int64
from crossgraph.blocking.names import name_rows
from crossgraph.blocking.ranking import Claims, claims
from crossgraph.blocking.structure import surest_partners
from crossgraph.comparing import believed_pairs
from crossgraph.evidence.attributes import Yardstick
from crossgraph.evidence.echo import RelationGroups, neighbour_rarity, relation_groups
from crossgraph.evidence.namesakes import best_rivals, connected
from crossgraph.explaining.reopening import Reopened
from crossgraph.features.tokens import number_scales
from crossgraph.sampling import Sampler
from crossgraph.schema.vocabulary import attribute_slots, directed_slots
from crossgraph.scoring import shares_of

# Of an entity with more edges only the first so many draws are looked at.
MOST_DRAWS = 400


@dataclass(frozen=True, eq=False)
class Contested:
    """What the last round's log-odds of all candidates were set against.

    bounded (P)     log-odds, with what is known in their place, see ``Contest.bounded``
    claims (P)(P)   what rivals take, see ``ranking.claims``
    given (P)       those of which something is known
    """

    bounded: Float64
    claims: Claims
    given: Bool


@dataclass(frozen=True, eq=False)
class Backdrop:
    """What all pairs of a RESULT are scored against; made once."""

    opened: Reopened

    @cached_property
    def groups(self) -> RelationGroups:
        """Which relations may echo each other."""
        preparation = self.opened.preparation
        return relation_groups(*preparation.graphs, preparation.schema)

    @cached_property
    def edge_weights(self) -> tuple[Float64, Float64]:
        """(2R) of each side: by how much an edge's directed relation counts in a squared row length."""
        preparation = self.opened.preparation
        graphs = preparation.graphs
        counts = [np.zeros(2 * len(graph.relation_names)) for graph in graphs]
        for mapping, a, b in preparation.schema.numbered_relations(
            graphs[0].relation_names, graphs[1].relation_names
        ):
            counts[0][[a, a + len(graphs[0].relation_names)]] += mapping.weight
            counts[1][[b, b + len(graphs[1].relation_names)]] += mapping.weight
        return counts[0], counts[1]

    @cached_property
    def partnered(self) -> tuple[Float32, Float32]:
        """(E), (E') how surely each entity has a partner, by what blocking thought."""
        return surest_partners(self.opened.preparation.weighing.similarity)

    @cached_property
    def alike(self) -> sparse.csr_matrix:
        """How surely two neighbours are one before they are scored."""
        return self.opened.preparation.alike

    @cached_property
    def believed(self) -> sparse.csr_matrix | None:
        """What the round before the last believed; None where there was one round."""
        candidates, rounds = self.opened.preparation.candidates, self.opened.rounds
        if len(rounds) == 1:
            return None
        return believed_pairs(candidates, rounds[-2].probability, self.sizes)

    def contested(self, fold: int) -> Contested:
        """The contest as the labelled pairs of a fold saw it; -1 for all others."""
        if fold not in self._contested:
            contest = self.opened.contest
            bounded = contest.bounded(self.opened.scored.calibrated, fold)
            same, different = contest.given(fold)
            told = claims(contest.sides, bounded, contest.alone)
            self._contested[fold] = Contested(bounded, told, same | different)
        return self._contested[fold]

    @cached_property
    def _contested(self) -> dict[int, Contested]:
        return {}

    @cached_property
    def sizes(self) -> tuple[int, int]:
        """Entities of both sides."""
        graphs = self.opened.preparation.graphs
        return len(graphs[0]), len(graphs[1])

    @cached_property
    def names(self) -> tuple[set[str], set[str]]:
        """The attributes that name."""
        return self.yardstick.names

    @cached_property
    def yardstick(self) -> Yardstick:
        """What is usual of values."""
        return Yardstick.of(self.opened.preparation.description, self.opened.preparation.schema)

    @cached_property
    def rare(self) -> tuple[Float32, Float32]:
        """How telling each entity is as a neighbour."""
        left, right = self.opened.preparation.adjacency
        return neighbour_rarity(left), neighbour_rarity(right)

    @cached_property
    def name_rows(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The names of both sides."""
        return name_rows(self.opened.preparation.description, self.names)

    @cached_property
    def rivals(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The names of both sides, each with the best connected other entity that has it."""
        prepared = self.opened.preparation
        left, right = (
            rows.with_columns(rival=pl.Series(best_rivals(rows, connected(adjacency), graph.primary_types)))
            for rows, adjacency, graph in zip(
                self.name_rows, prepared.adjacency, prepared.graphs, strict=True
            )
        )
        return left, right

    @cached_property
    def slots(self) -> tuple[AnyArray, AnyArray]:
        """The network's slot of each attribute."""
        graphs, words = self.opened.preparation.graphs, self.opened.vocabulary
        return (
            attribute_slots(graphs[0].attribute_names, words.attributes_left),
            attribute_slots(graphs[1].attribute_names, words.attributes_right),
        )

    @cached_property
    def scales(self) -> dict[int, tuple[float, float]]:
        """How the network scales numbers."""
        description = self.opened.preparation.description
        return number_scales(((description.left, self.slots[0]), (description.right, self.slots[1])))

    @cached_property
    def directions(self) -> tuple[AnyArray, AnyArray]:
        """The network's direction of each directed relation."""
        graphs, words = self.opened.preparation.graphs, self.opened.vocabulary
        relations = words.relations_left, words.relations_right
        left, right = (
            directed_slots(graph.relation_names, known, words.relation_slots)
            for graph, known in zip(graphs, relations, strict=True)
        )
        return left, right

    @cached_property
    def shares(self) -> tuple[Float64 | None, Float64 | None]:
        """What sampling multiplies the chances of relations by."""
        return shares_of(self.opened.preparation, self.opened.model.sampling)

    def drawn(self, side: int, entity: int) -> Int64:
        """(D) an entity's edges in the order of the draws, as places among its rows."""
        preparation, model = self.opened.preparation, self.opened.model
        adjacency = preparation.adjacency[side]
        start, end = int(adjacency.indptr[entity]), int(adjacency.indptr[entity + 1])
        if start == end:
            return np.zeros(0, dtype=np.int64)
        options = replace(model.sampling, neighbours=min(end - start, MOST_DRAWS))
        sampler = Sampler(preparation.graphs[side], adjacency, options, model.seed, self.shares[side])
        around = sampler.draw(np.array([entity], dtype=np.int32))
        order = zip(around.relations[0].tolist(), around.neighbours[0].tolist(), strict=True)
        ends = adjacency.relations[start:end].tolist(), adjacency.neighbours[start:end].tolist()
        at = {edge: place for place, edge in enumerate(zip(*ends, strict=True))}
        return np.array([at[edge] for edge in order], dtype=np.int64)
