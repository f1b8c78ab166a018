"""What is known, and two graphs made ready for learning: what all that follows blocking reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.combine import Weighing, name_similarity
from crossgraph.blocking.mutual import mutual_seeds
from crossgraph.features.description import Description
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.sorting import marked
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.schema.seeds import NO_PAIRS, EntityPairs, type_codes

Graphs = tuple[KnowledgeGraph, KnowledgeGraph]

# Names say nothing where a smaller share of those who have candidates has one by a name.
HARDLY = 0.02


@dataclass(frozen=True, eq=False)
class Known:
    """What is known beforehand, as entity numbers: pairs that are the same, and pairs that are not."""

    same: EntityPairs
    different: EntityPairs

    @staticmethod
    def nothing() -> Known:
        """No links."""
        return Known(NO_PAIRS, NO_PAIRS)

    @cached_property
    def pairs(self) -> EntityPairs:
        """Whom somebody told of: the same first, then the others."""
        return self.same.and_also(self.different)

    def corrected(self, answers: Known) -> Known:
        """This and what people answered; an answer holds against a link that says otherwise."""
        answered = answers.pairs
        return Known(
            self.same.without(answered).and_also(answers.same),
            self.different.without(answered).and_also(answers.different),
        )


@dataclass(frozen=True, eq=False)
class Preparation:
    """Two graphs made ready for learning.

    seeds      known links, and mutual, unique, well-supported pairs of the rest
    judged     pairs that scorers were sure of before blocking ended, as long as that is known
    weighing   what blocking weighed the candidates by
    unseen     links that blocking proposes only because they are known, as far as that was looked for
    """

    graphs: Graphs
    adjacency: tuple[Adjacency, Adjacency]
    description: Description
    schema: SchemaMapping
    candidates: Candidates
    seeds: EntityPairs
    weighing: Weighing
    judged: EntityPairs = NO_PAIRS
    unseen: EntityPairs = NO_PAIRS

    @cached_property
    def alike(self) -> sparse.csr_matrix:
        """(E, E') see ``alike_unscored``."""
        return alike_unscored(self.candidates, self.weighing.similarity)

    @property
    def teaching(self) -> EntityPairs:
        """The pairs that may teach beside known links: seeds alone teach that names must be equal."""
        return self.judged.joined(self.seeds)


def alike_unscored(candidates: Candidates, thought: sparse.csr_matrix) -> sparse.csr_matrix:
    """(E, E') how surely two neighbours are one before they are scored: by their names.

    thought (E, E')   by what blocking weighed them at last, which tells where hardly anybody has a name
    """
    if nameless(candidates):
        return thought
    return name_similarity(candidates, thought.shape)


def nameless(candidates: Candidates) -> bool:
    """Whether hardly any left entity is called as a candidate is."""
    left = candidates.left
    count = int(left.max(initial=-1)) + 1
    everybody, called = (np.count_nonzero(marked(one, count)) for one in (left, left[candidates.name > 0]))
    return bool(called < HARDLY * everybody or not called)


def seeds_of(known: Known, candidates: Candidates, left: KnowledgeGraph) -> EntityPairs:
    """Known links, and of the rest mutual, well-supported candidates that nobody said are different."""
    believed = mutual_seeds(candidates, known.same, type_codes(left)[1])
    return known.same.joined(believed.without(known.different))


@dataclass(frozen=True, eq=False)
class Proposed:
    """A schema mapping, the candidates found by it, and what they were weighed by.

    judged, unseen   as of ``Preparation``
    """

    schema: SchemaMapping
    candidates: Candidates
    weighing: Weighing
    judged: EntityPairs = NO_PAIRS
    unseen: EntityPairs = NO_PAIRS


def prepared(
    graphs: Graphs,
    adjacency: tuple[Adjacency, Adjacency],
    description: Description,
    known: Known,
    proposed: Proposed,
) -> Preparation:
    """Everything of a ``Preparation`` from its parts."""
    return Preparation(
        graphs=graphs,
        adjacency=adjacency,
        description=description,
        schema=proposed.schema,
        candidates=proposed.candidates,
        seeds=seeds_of(known, proposed.candidates, graphs[0]),
        weighing=proposed.weighing,
        judged=proposed.judged,
        unseen=proposed.unseen,
    )
