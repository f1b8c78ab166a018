"""Maps the schemas of two graphs and proposes candidates, in rounds that build on each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TypeAlias

import numpy as np

from crossgraph._types import Bool, Float64, Side
from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.blocking.combine import Blocked, BlockingOptions, Former, block
from crossgraph.blocking.mutual import SURE
from crossgraph.blocking.names import NameLookups
from crossgraph.blocking.products import Nearest, nearest_rows
from crossgraph.blocking.singles import ONE_EACH, Singles
from crossgraph.calibration import drifted
from crossgraph.errors import Fault, GraphFormatError, NoCandidatesError
from crossgraph.features.description import Description, describe
from crossgraph.features.meaning import TextEncoder
from crossgraph.graphs.adjacency import Adjacency
from crossgraph.graphs.content import content_keys
from crossgraph.labels import drawn
from crossgraph.preparation import Graphs, Known, Preparation, Proposed, prepared, seeds_of
from crossgraph.progress import SILENT, Progress
from crossgraph.schema.context import context_seeds
from crossgraph.schema.estimate import SchemaOptions, estimate_schema
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.schema.seeds import BELIEVED, NO_PAIRS, EntityPairs, shared_rare_values, type_codes

Look: TypeAlias = Callable[[Preparation, Known], "Judged | None"]
"""Judges candidates before blocking ends, see ``looking.looks``; None where nothing known teaches it."""

# So many links, and such a share of the entities, are worth knowing how well unknown ones are blocked.
LEAST_LINKS, LEAST_SHARE = 100, 0.05
# Blocking goes on as long as each round has so many times the seeds of the one before.
GROWS = 1.05
# What is likelier than not.
LIKELY = 0.5
# Looks go on as long as such a share of what is believed is new.
MOVES = 0.05
# Whom scorers are so sure of may teach beside known links.
TEACHING = 0.95
# A look with fewer seeds than this share of those before knows too little to be believed.
FEWEST = 0.5


@dataclass(frozen=True, eq=False)
class Judged:
    """What scorers say of candidates before the last round of blocking.

    probability (P)
    loss (P)         what was wrong with it: of labelled candidates, by scorers that did not learn from them,
                     the log-loss; NaN of others
    same (P)         the label; False of others
    """

    candidates: Candidates
    probability: Float64
    loss: Float64
    same: Bool

    def denying(self, different: EntityPairs) -> Judged:
        """The same, but of pairs that are known not to be the same."""
        places, probability = self.candidates.find(different.left, different.right), self.probability.copy()
        probability[places[places >= 0]] = 0.0
        return replace(self, probability=probability)

    def seeds_among(self, guessed: EntityPairs) -> EntityPairs:
        """Whom scorers are sure of, and of a quick estimate's seeds the others that are likely."""
        sure, likely = (self.probability >= least for least in (SURE, LIKELY))
        places = self.candidates.find(guessed.left, guessed.right)
        kept = guessed.take((places >= 0) & likely[places])
        own = EntityPairs.of(self.candidates.left[sure], self.candidates.right[sure], BELIEVED)
        return own.joined(kept)

    def upon(self, candidates: Candidates) -> Judged:
        """The same, said of other candidates; of those that were not judged nothing is believed."""
        places = self.candidates.find(candidates.left, candidates.right)
        there = places >= 0
        return Judged(
            candidates,
            probability=np.where(there, self.probability[places], 0.0),
            loss=np.where(there, self.loss[places], np.nan),
            same=there & self.same[places],
        )

    def moved_from(self, before: Judged) -> float:
        """The share of what is believed that was not, of the same candidates; in [0, 1]."""
        more = np.maximum(self.probability - before.probability, 0.0)
        return float(more.sum() / max(self.probability.sum(), 1e-12))

    def worse_than(self, before: Judged) -> bool:
        """Whether those of the same candidates that are labelled alike are told worse, not by chance."""
        both = ~np.isnan(self.loss) & ~np.isnan(before.loss) & (self.same == before.same)
        return drifted(self.loss[both], before.loss[both])


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


@dataclass(frozen=True, eq=False)
class _Beginning:
    """What a round of blocking begins with; ``former`` is None for the first.

    seeds     with ``context`` at their end: those of types that have no others, see ``context_seeds``
    """

    schema: SchemaMapping
    seeds: EntityPairs
    context: EntityPairs
    former: Former | None = None


def first_beginning(
    graphs: Graphs,
    description: Description,
    known: Known,
    schema: SchemaMapping | None,
    *,
    options: SchemaOptions,
) -> _Beginning:
    """By known links and values that one entity of each side alone holds, and the schema that these tell."""
    seeds = known.same.joined(shared_rare_values(description).without(known.different))
    context = context_seeds(graphs, description, seeds, different=known.different)
    seeds = seeds.and_also(context)
    schema = schema or estimate_schema(*graphs, description, seeds, options=options)
    return _Beginning(schema, seeds, context)


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
    look: Look | None = None,
    singles: Singles = ONE_EACH,
    progress: Progress = SILENT,
) -> Preparation:
    """Describe both graphs, map their schemas and block.

    keep        pairs that are to be candidates in any case
    schema      taken as it is, where given
    inherited   what an earlier run mapped; holds here too as far as the names exist
    halves      block each half of the links by the other too, to know which of them are ``unseen``
    look        judges candidates, whom blocking then believes (``looking.looks`` makes one); without it
                blocking goes by quick estimates
    singles     who has one partner at most

    Raises NoCandidatesError where blocking proposes nothing, and GraphFormatError where a given schema
    names what neither graph has.
    """
    with progress.stage("describe", None):
        description = describe(*graphs, encoder=encoder, progress=progress)
    adjacency = Adjacency.of(graphs[0]), Adjacency.of(graphs[1])
    proposed = propose(
        graphs,
        adjacency,
        description,
        known,
        keep=keep,
        schema=schema,
        inherited=inherited,
        schema_options=schema_options,
        blocking=blocking,
        halves=halves,
        look=look,
        singles=singles,
        progress=progress,
    )
    return prepared(graphs, adjacency, description, known, proposed)


def propose(
    graphs: Graphs,
    adjacency: tuple[Adjacency, Adjacency],
    description: Description,
    known: Known,
    *,
    keep: EntityPairs | None,
    schema: SchemaMapping | None,
    inherited: SchemaMapping | None,
    schema_options: SchemaOptions,
    blocking: BlockingOptions,
    halves: bool = False,
    look: Look | None = None,
    singles: Singles = ONE_EACH,
    progress: Progress = SILENT,
    nearest: Nearest = nearest_rows,
) -> Proposed:
    """Map the schemas of two described graphs and block, in rounds; ``prepare`` says what is given."""
    if schema is not None:
        refuse_unknown_names(schema, graphs)
    lookups = NameLookups(description.texts, blocking.name_pool, nearest)
    rounds = _Rounds(
        graphs,
        adjacency,
        description,
        schema,
        inherited,
        schema_options,
        blocking,
        singles,
        lookups,
        nearest,
        progress,
    )
    proposed = rounds.proposed(known, keep=keep, look=look)
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
    adjacency: tuple[Adjacency, Adjacency]
    description: Description
    schema: SchemaMapping | None
    inherited: SchemaMapping | None
    schema_options: SchemaOptions
    blocking: BlockingOptions
    singles: Singles
    lookups: NameLookups
    nearest: Nearest
    progress: Progress

    def proposed(
        self, known: Known, *, keep: EntityPairs | None, look: Look | None = None, told: str = "block"
    ) -> Proposed:
        """The candidates by what is known.

        A round needs but a glance at few candidates to find surer seeds, and more of them, than the one
        before: their neighbours, and the relations and attributes that they share, give the next ones. Rounds
        end when there are hardly more. Then scorers judge what a glance finds, and it is looked again with
        what they believe, until that is hardly new.
        """
        at = first_beginning(self.graphs, self.description, known, self.schema, options=self.schema_options)
        # Scorers are to judge whatever is known.
        asked = None if look is None else known.pairs
        for number in range(1, self.blocking.rounds + 1):
            glanced = self._block(at, self._glance, f"{told}: round {number}", keep=asked)
            found = glanced.candidates.take(glanced.candidates.proposed)
            former = Former.guessed(found, self.singles.of_pairs(PairTypes.of(found, self.graphs[0])))
            before, at = at, self._after(at, seeds_of(known, found, self.graphs[0]), known, former)
            if len(at.seeds) < GROWS * len(before.seeds):
                break
        if look is not None:
            at = self._looked(at, glanced, known, look)
        mapping = at.schema
        if self.schema is None and self.inherited is not None:
            mapping = mapping.inheriting(
                self.inherited, lambda table, side: names_of(self.graphs, table, side)
            )
        blocked = self._block(replace(at, schema=mapping), self.blocking, told, keep=keep)
        return Proposed(mapping, blocked.candidates, blocked.weighing, _judged(at.former, known.same))

    def _looked(self, at: _Beginning, glanced: Blocked, known: Known, look: Look) -> _Beginning:
        """Where the last round begins: with what scorers believe, as long as they do not tell it worse."""
        asked = known.pairs
        last: Judged | None = None
        for number in range(1, self.blocking.looks + 1):
            if last is not None:
                glanced = self._block(at, self._glance, f"block: look {number}", keep=asked)
            found = Proposed(at.schema, glanced.candidates, glanced.weighing)
            preparation = prepared(self.graphs, self.adjacency, self.description, known, found)
            with self.progress.stage(f"block: look {number}: judge", None):
                judged = look(preparation, known)
            if judged is None:
                break
            before = None if last is None else last.upon(judged.candidates)
            if before is not None and judged.worse_than(before):
                break
            judged = judged.denying(known.different)
            seeds = known.same.joined(judged.seeds_among(preparation.seeds))
            if len(seeds) < FEWEST * (len(at.seeds) - len(at.context)):
                break
            at = self._after(at, seeds, known, Former(judged.candidates, judged.probability, judged=True))
            if before is not None and judged.moved_from(before) < MOVES:
                break
            last = judged
        return at

    @property
    def _glance(self) -> BlockingOptions:
        """Few candidates."""
        return replace(self.blocking, per_entity=5, name_pool=5, structure_pool=20)

    def _after(self, at: _Beginning, seeds: EntityPairs, known: Known, former: Former) -> _Beginning:
        """Where a round begins after another one, which found these seeds."""
        context = context_seeds(
            self.graphs, self.description, seeds, different=known.different, former=at.context
        )
        seeds, schema = seeds.and_also(context), self.schema
        if schema is None:
            schema = estimate_schema(*self.graphs, self.description, seeds, options=self.schema_options)
        return _Beginning(schema, seeds, context, former)

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
        at: _Beginning,
        options: BlockingOptions,
        told: str,
        *,
        keep: EntityPairs | None = None,
    ) -> Blocked:
        return block(
            self.graphs,
            self.description,
            at.schema,
            at.seeds,
            former=at.former,
            keep=keep,
            options=options,
            singles=self.singles,
            progress=self.progress,
            told=told,
            lookups=self.lookups,
            nearest=self.nearest,
        )


def _judged(former: Former | None, known: EntityPairs) -> EntityPairs:
    """The pairs that scorers were sure of, of entities without a known link; nobody where none judged."""
    if former is None or not former.judged:
        return NO_PAIRS
    pairs = former.candidates
    sure = (former.shares >= TEACHING) & ~np.isin(pairs.left, known.left) & ~np.isin(pairs.right, known.right)
    return EntityPairs.of(pairs.left[sure], pairs.right[sure], BELIEVED)


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
