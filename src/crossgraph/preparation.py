"""From two graphs to candidates with evidence: everything before learning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np
from scipy import sparse

from crossgraph._space import IN_MEMORY, Space
from crossgraph._types import Float64, Side
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.combine import (
    Blocked,
    BlockingOptions,
    Weighing,
    block,
    mutual_seeds,
    name_similarity,
)
from crossgraph.blocking.names import NameLookups, name_rows
from crossgraph.blocking.products import Nearest, nearest_rows
from crossgraph.errors import Fault, GraphFormatError, NoCandidatesError
from crossgraph.evidence.attributes import Yardstick, attribute_evidence
from crossgraph.evidence.competition import lead_columns
from crossgraph.evidence.echo import Echo, relation_groups
from crossgraph.evidence.namesakes import namesake_columns, namesakes_of
from crossgraph.evidence.table import EvidenceTable
from crossgraph.features.description import Description, describe
from crossgraph.features.meaning import TextEncoder
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.graphs.content import content_keys
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.labels import drawn
from crossgraph.progress import SILENT, Advance, Progress, unwatched
from crossgraph.schema.estimate import SchemaOptions, estimate_schema
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.schema.seeds import NO_PAIRS, EntityPairs, shared_rare_values, type_codes

Graphs = tuple[KnowledgeGraph, KnowledgeGraph]

# Neighbours that are less likely the same are no echo.
LEAST_BELIEF = 0.05
# So many links, and such a share of the entities, are worth knowing how well unknown ones are blocked.
LEAST_LINKS, LEAST_SHARE = 100, 0.05
# Blocking goes on as long as each round has so many times the seeds of the one before.
GROWS = 1.05


@dataclass(frozen=True, eq=False)
class Known:
    """What is known beforehand, as entity numbers: pairs that are the same, and pairs that are not."""

    same: EntityPairs
    different: EntityPairs

    @staticmethod
    def nothing() -> Known:
        """No links."""
        return Known(NO_PAIRS, NO_PAIRS)

    def corrected(self, answers: Known) -> Known:
        """This and what people answered; an answer holds against a link that says otherwise."""
        answered = answers.same.and_also(answers.different)
        return Known(
            self.same.without(answered).and_also(answers.same),
            self.different.without(answered).and_also(answers.different),
        )


@dataclass(frozen=True, eq=False)
class Preparation:
    """Two graphs made ready for learning.

    seeds      known links, and mutual, unique, well-supported pairs of the rest
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
    unseen: EntityPairs = NO_PAIRS


def first_schema(
    graphs: Graphs, description: Description, known: Known, *, options: SchemaOptions
) -> tuple[SchemaMapping, EntityPairs]:
    """A first mapping, from known links and from values that one entity of each side alone holds."""
    seeds = known.same.joined(shared_rare_values(description).without(known.different))
    return estimate_schema(*graphs, description, seeds, options=options), seeds


def seeds_of(known: Known, candidates: Candidates, left: KnowledgeGraph) -> EntityPairs:
    """Known links, and of the rest mutual, well-supported candidates that nobody said are different."""
    believed = mutual_seeds(candidates, known.same, type_codes(left)[1])
    return known.same.joined(believed.without(known.different))


def refuse_unknown_names(schema: SchemaMapping, graphs: Graphs) -> None:
    """Raise GraphFormatError with every name of a schema mapping that its graph does not have."""
    faults = []
    for side, graph in zip(("left", "right"), graphs, strict=True):
        for table, known in (
            ("types", type_codes(graph)[0]),
            ("relations", graph.relation_names),
            ("attributes", graph.attribute_names),
        ):
            names = dict.fromkeys(getattr(row, side) for row in getattr(schema, table))
            faults += [_unknown(table, side, name, known) for name in names if name not in known]
    if faults:
        raise GraphFormatError("the schema mapping names what the graphs do not have", faults)


def _unknown(table: str, side: str, name: str, known: tuple[str, ...]) -> Fault:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`crossgraph schema LEFT RIGHT` writes what there is"
    return Fault(f"[[{table}]]", None, f"the {side} graph has no {name!r}", hint)


def prepare(
    graphs: Graphs,
    known: Known,
    *,
    keep: EntityPairs | None = None,
    schema: SchemaMapping | None = None,
    inherited: SchemaMapping | None = None,
    schema_options: SchemaOptions,
    blocking: BlockingOptions,
    encoder: TextEncoder | None = None,
    halves: bool = False,
    progress: Progress = SILENT,
) -> Preparation:
    """Describe both graphs, map their schemas and block.

    keep        pairs that are to be candidates in any case
    schema      taken as it is, where given
    inherited   what an earlier run mapped; holds here too as far as the names exist
    halves      block each half of the links by the other too, to know which of them are ``unseen``

    Raises NoCandidatesError where blocking proposes nothing, and GraphFormatError where a given schema
    names what neither graph has.
    """
    with progress.stage("describe", None):
        description = describe(*graphs, encoder=encoder, progress=progress)
    proposed = propose(
        graphs,
        description,
        known,
        keep=keep,
        schema=schema,
        inherited=inherited,
        schema_options=schema_options,
        blocking=blocking,
        halves=halves,
        progress=progress,
    )
    return prepared(graphs, description, known, proposed)


@dataclass(frozen=True, eq=False)
class Proposed:
    """A schema mapping, the candidates found by it, and what they were weighed by.

    unseen   as of ``Preparation``
    """

    schema: SchemaMapping
    candidates: Candidates
    weighing: Weighing
    unseen: EntityPairs = NO_PAIRS


def prepared(graphs: Graphs, description: Description, known: Known, proposed: Proposed) -> Preparation:
    """Everything of a ``Preparation`` from its parts."""
    return Preparation(
        graphs=graphs,
        adjacency=(Adjacency.of(graphs[0]), Adjacency.of(graphs[1])),
        description=description,
        schema=proposed.schema,
        candidates=proposed.candidates,
        seeds=seeds_of(known, proposed.candidates, graphs[0]),
        weighing=proposed.weighing,
        unseen=proposed.unseen,
    )


def propose(
    graphs: Graphs,
    description: Description,
    known: Known,
    *,
    keep: EntityPairs | None,
    schema: SchemaMapping | None,
    inherited: SchemaMapping | None,
    schema_options: SchemaOptions,
    blocking: BlockingOptions,
    halves: bool = False,
    progress: Progress = SILENT,
    nearest: Nearest = nearest_rows,
) -> Proposed:
    """Map the schemas of two described graphs and block, in rounds; ``prepare`` says what is given."""
    if schema is not None:
        refuse_unknown_names(schema, graphs)
    lookups = NameLookups(description.texts, blocking.name_pool, nearest)
    rounds = _Rounds(
        graphs, description, schema, inherited, schema_options, blocking, lookups, nearest, progress
    )
    proposed = rounds.proposed(known, keep=keep)
    if not proposed.candidates.proposed.any():
        raise NoCandidatesError(
            "no two entities have similar names, values or neighbours",
            hint="see `crossgraph schema`: which types and attributes correspond? --names-from-iri may help",
        )
    return replace(proposed, unseen=rounds.unseen(known)) if halves else proposed


@dataclass(frozen=True, eq=False)
class _Rounds:
    """The rounds of blocking; ``prepare`` says what is given."""

    graphs: Graphs
    description: Description
    schema: SchemaMapping | None
    inherited: SchemaMapping | None
    schema_options: SchemaOptions
    blocking: BlockingOptions
    lookups: NameLookups
    nearest: Nearest
    progress: Progress

    def proposed(self, known: Known, *, keep: EntityPairs | None, told: str = "block") -> Proposed:
        """The candidates by what is known.

        A round needs but a glance at few candidates to find surer seeds, and more of them, than the one
        before: their neighbours, and the relations and attributes that they share, give the next ones. Rounds
        end when there are hardly more.
        """
        graphs, blocking, options = self.graphs, self.blocking, self.schema_options
        mapping, seeds = first_schema(graphs, self.description, known, options=options)
        mapping = mapping if self.schema is None else self.schema
        glance = replace(blocking, per_entity=5, name_pool=5, structure_pool=20)
        candidates: Candidates | None = None
        for number in range(1, blocking.rounds + 1):
            before = len(seeds)
            name = f"{told}: round {number}"
            candidates = self._block(mapping, seeds, candidates, glance, name).candidates
            seeds = seeds_of(known, candidates, graphs[0])
            if self.schema is None:
                mapping = estimate_schema(*graphs, self.description, seeds, options=options)
            if len(seeds) < GROWS * before:
                break
        if self.schema is None and self.inherited is not None:
            mapping = mapping.inheriting(self.inherited, lambda table, side: names_of(graphs, table, side))
        blocked = self._block(mapping, seeds, candidates, blocking, told, keep=keep)
        return Proposed(mapping, blocked.candidates, blocked.weighing)

    def unseen(self, known: Known) -> EntityPairs:
        """The links that blocking would not propose if they were not known, by what the others tell it.

        Blocking starts from the links, so it proposes more of them than of the pairs that nobody knows: a
        neighbour that is believed because of a link speaks for that link in turn. Each half of the links is
        blocked by the other. Nobody where links are too few to be blocked by halves of them, or to matter.
        """
        links, (left, right) = known.same, self.graphs
        if len(links) < max(LEAST_LINKS, LEAST_SHARE * _of_linked_types(self.graphs, links)):
            return NO_PAIRS
        half = drawn(links, 0, (content_keys(left), content_keys(right))) % np.uint64(2) == 0
        missed = []
        for number, hidden in enumerate((half, ~half), start=1):
            told = f"block, half {number} of the links"
            found = self.proposed(replace(known, same=links.take(~hidden)), keep=None, told=told).candidates
            asked = links.take(hidden)
            missed.append(asked.take(found.find(asked.left, asked.right) < 0))
        return missed[0].and_also(missed[1])

    def _block(
        self,
        mapping: SchemaMapping,
        seeds: EntityPairs,
        former: Candidates | None,
        options: BlockingOptions,
        told: str,
        *,
        keep: EntityPairs | None = None,
    ) -> Blocked:
        return block(
            self.graphs,
            self.description,
            mapping,
            seeds,
            former=former,
            keep=keep,
            options=options,
            progress=self.progress,
            told=told,
            lookups=self.lookups,
            nearest=self.nearest,
        )


def _of_linked_types(graphs: Graphs, links: EntityPairs) -> int:
    """How many entities have a type that is linked, on the side where they are fewer."""
    sizes = []
    for graph, ends in zip(graphs, (links.left, links.right), strict=True):
        codes = type_codes(graph)[1]
        sizes.append(int(np.isin(codes, codes[ends]).sum()))
    return min(sizes)


def names_of(graphs: Graphs, table: str, side: Side) -> set[str]:
    """The types, relations or attributes of one side, by name."""
    graph = graphs[side == "right"]
    if table == "types":
        return set(type_codes(graph)[0])
    return set(graph.relation_names if table == "relations" else graph.attribute_names)


def gather_evidence(
    preparation: Preparation, *, progress: Progress = SILENT, space: Space = IN_MEMORY
) -> EvidenceTable:
    """Everything that is known of each candidate before any learning."""
    left, right = preparation.graphs
    candidates, description, schema = preparation.candidates, preparation.description, preparation.schema
    pairs = candidates.left, candidates.right
    usual = Yardstick.of(description, schema)
    with progress.stage("compare: attributes", len(candidates), "pairs") as advance:

        def compared(part: slice) -> EvidenceTable:
            found = attribute_evidence(description, schema, (pairs[0][part], pairs[1][part]), against=usual)
            advance(len(found))
            return found

        attributes = EvidenceTable.by_parts(compared, len(candidates), space=space)
    with progress.stage("compare: neighbours", len(candidates), "pairs") as advance:
        similarity = name_similarity(candidates, (len(left), len(right)))
        echo = _echoed(preparation, similarity, advance, space)
    names = name_rows(description, schema)
    namesakes = namesakes_of(names, preparation.adjacency, preparation.graphs)
    return EvidenceTable.beside(
        [
            attributes,
            echo,
            EvidenceTable.of(
                {
                    **lead_columns("prior", pairs, candidates.prior),
                    **lead_columns("names", pairs, candidates.name),
                    **lead_columns("structure", pairs, np.log1p(10.0 * candidates.structure)),
                    **namesake_columns(namesakes, pairs),
                },
                space=space,
            ),
        ]
    )


def _echoed(
    preparation: Preparation, similarity: sparse.csr_matrix, advance: Advance, space: Space
) -> EvidenceTable:
    candidates = preparation.candidates
    echo = Echo.of(preparation.adjacency, relation_groups(*preparation.graphs, preparation.schema))

    def heard(part: slice) -> EvidenceTable:
        found = echo.evidence(similarity, (candidates.left[part], candidates.right[part]))
        advance(len(found))
        return found

    return EvidenceTable.by_parts(heard, len(candidates), space=space)


def believed_pairs(candidates: Candidates, probability: Float64, sizes: tuple[int, int]) -> sparse.csr_matrix:
    """(E, E') the probabilities that are worth an echo."""
    kept = probability > LEAST_BELIEF
    values = probability[kept].astype(np.float32)
    return sparse.csr_matrix((values, (candidates.left[kept], candidates.right[kept])), shape=sizes)


def believed_evidence(
    preparation: Preparation, probability: Float64, *, space: Space = IN_MEMORY
) -> EvidenceTable:
    """How much of each pair's neighbourhood a former round believes to be the same.

    The echo of ``gather_evidence``, with the probability that two neighbours are the same in the place of
    the nearness of their names.
    """
    left, right = preparation.graphs
    believed = believed_pairs(preparation.candidates, probability, (len(left), len(right)))
    return _echoed(preparation, believed, unwatched, space).named("believed")
