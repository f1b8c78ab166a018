"""block(): names, shared neighbours and close values, united under a budget for each entity."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from crossgraph._types import Bool, Float32, Float64
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.keys import KeyLookups, poorly_named
from crossgraph.blocking.names import NameLookups, name_attributes, name_rows
from crossgraph.blocking.pool import (
    Clues,
    Searching,
    asking_pieces,
    pool_of,
    weighed,
)
from crossgraph.blocking.prior import Weigher
from crossgraph.blocking.products import Nearest, nearest_rows
from crossgraph.blocking.ranking import partner_shares, ranks
from crossgraph.blocking.singles import (
    ONE_EACH,
    Alone,
    Sides,
    Singles,
    askers,
    asking_sides,
    left_has_room,
    shares_among,
)
from crossgraph.blocking.structure import echoed_share, neighbour_products
from crossgraph.blocking.values import ValueLookups
from crossgraph.errors import ConfigError
from crossgraph.features.description import Description
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.sorting import marked
from crossgraph.progress import SILENT, Progress
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.schema.seeds import BELIEVED, EntityPairs, type_codes

# So many of an entity's best are candidates however unlikely they are.
ALWAYS = 2
# A pool of several pieces has room for so many times the candidates of an entity, while shares are told.
POOLED = 4
# Who has a partner with such a share needs no long search for others.
SETTLED = 0.99
# Less likely neighbours say nothing.
LEAST_SURE = 0.05
NOTHING_MAPPED = SchemaMapping((), (), ())


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockingOptions:
    """How many pairs to propose.

    per_entity        candidates kept for each entity of the side of a type that asks, at most (count)
    least_chance      how likely a pair beyond an entity's two best must be, beside its rivals; in [0, 1)
    name_pool         partners looked up for each name, before the cut
    structure_pool    partners looked up by shared neighbours, before the cut
    rounds            times that the surest candidates become seeds of the next round, at most (count)
    looks             times that scorers judge a few candidates, whom the next round believes, at most
                      (count); none where a model is applied, or a graph without edges has links enough
    """

    per_entity: int = 25
    least_chance: float = 0.001
    name_pool: int = 20
    structure_pool: int = 150
    rounds: int = 6
    looks: int = 6

    def __post_init__(self) -> None:
        for name in ("per_entity", "name_pool", "structure_pool", "rounds"):
            if getattr(self, name) < 1:
                raise ConfigError(f"[blocking] {name} = {getattr(self, name)}", hint="use 1 or more")
        if self.looks < 0:
            raise ConfigError(f"[blocking] looks = {self.looks}", hint="use 0 or more")
        if not 0 <= self.least_chance < 1:
            raise ConfigError(f"[blocking] least_chance = {self.least_chance}", hint="use a number in [0, 1)")


@dataclass(frozen=True, eq=False)
class Former:
    """What the round before says of its candidates.

    shares (P)   how likely each is, beside its rivals
    judged       whether scorers say so, who know the names already; else a quick estimate
    """

    candidates: Candidates
    shares: Float64
    judged: bool = False

    @staticmethod
    def guessed(candidates: Candidates, alone: tuple[Bool, Bool] | None = None) -> Former:
        """By their priors alone; ``alone`` (P) as of ``partner_shares``."""
        return Former(
            candidates, partner_shares(candidates.left, candidates.right, candidates.prior, alone=alone)
        )


@dataclass(frozen=True, eq=False)
class Weighing:
    """What candidates were weighed by, so that a pair can be weighed again with other facts.

    similarity (E, E')   how surely two neighbours are one entity, see ``likeness``
    anyhow               weight of edges whatever their relations, see ``neighbour_products``
    lengths (E), (E')    what the structural weights of each entity were divided by, see ``row_lengths``
    pools                members of each pair of types, and what weighed its pairs
    asked                what weighs pairs that blocking did not propose; None where none may be asked for
    """

    similarity: sparse.csr_matrix
    anyhow: float
    lengths: tuple[Float32, Float32]
    pools: tuple[tuple[Sides, Weigher], ...]
    asked: Weigher | None

    def of(self, left: int, right: int, *, proposed: bool) -> Weigher:
        """The weigher of a candidate."""
        if not proposed and self.asked is not None:
            return self.asked
        return next(weigher for sides, weigher in self.pools if sides[0][left] and sides[1][right])


@dataclass(frozen=True, eq=False)
class Blocked:
    """Candidates, and what weighed them."""

    candidates: Candidates
    weighing: Weighing


def block(
    graphs: tuple[KnowledgeGraph, KnowledgeGraph],
    description: Description,
    schema: SchemaMapping,
    seeds: EntityPairs,
    *,
    former: Former | None = None,
    keep: EntityPairs | None = None,
    options: BlockingOptions = BlockingOptions(),
    singles: Singles = ONE_EACH,
    progress: Progress = SILENT,
    told: str = "block",
    lookups: NameLookups | None = None,
    nearest: Nearest = nearest_rows,
) -> Blocked:
    """Propose the pairs worth scoring, of every mapped pair of types.

    seeds   pairs known or believed to be the same: neighbours that are, speak for a pair as those of one name
            do, and they teach how telling names, neighbours and close values are
    former  what the round before says: neighbours that may be the same speak for a pair too, and where
            scorers judged them, in the place of those of one name
    keep    pairs that are to be candidates whatever their names, neighbours and types
    singles who has one partner at most
    told    what people are told is going on
    lookups what other rounds found by names
    nearest where the products of names and of neighbours are made

    Returns at most ``per_entity`` candidates for each entity of the side of a type that asks, see ``askers``,
    best prior first, and those to keep.
    """
    left, right = graphs
    types = type_members(left, right, schema)
    members, lone = [sides for _, sides in types], [singles.of(name) for (name, _), _ in types]
    called = name_attributes(description, schema)
    names = name_rows(description, called)
    if lookups is None:
        lookups = NameLookups(description.texts, options.name_pool, nearest)
    valued = ValueLookups.of(description, schema, (len(left), len(right)))
    keyed = KeyLookups(description, schema, called, (len(left), len(right)))
    with progress.stage(f"{told}: names", len(members), "types") as advance:
        named = []
        for sides, alone in zip(members, lone, strict=True):
            rows = _rows_of(names[0], sides[0]), _rows_of(names[1], sides[1])
            # Of sides that are alike, the one with fewer names asks.
            ask = None if alone[0] == alone[1] else askers(sides, alone)
            by_name = lookups.candidates(rows, top=options.name_pool, ask=ask)
            by_value = valued.candidates(names, sides, top=options.name_pool)
            asks = asking_sides(poorly_named(by_name, sides), sides, alone)
            by_key = keyed.candidates(sides, asks, nearest=nearest)
            named.append(Candidates.united(by_name, by_value, by_key, keyed.by_rare_values(sides, alone)))
            advance(1)
    similarity = likeness(
        named, seeds, (len(left), len(right)), former=former, alone=singles.of_entities(left)
    )
    settled = None if former is None else settled_by(former, (len(left), len(right)))
    # Beside names an edge of mapped relations may count as any edge too: they weigh more than either.
    beyond = NOTHING_MAPPED if any(one.name.any() for one in named) else schema
    anyhow = echoed_share(left, right, beyond, seeds)
    factors, lengths = neighbour_products(left, right, schema, similarity, anyhow=anyhow)
    clues = Clues(description, schema, names, factors, seeds)
    kept: list[Candidates] = []
    pools: list[tuple[Sides, Weigher]] = []
    pieces = [asking_pieces(sides, seeds, alone) for sides, alone in zip(members, lone, strict=True)]
    asking = sum(len(one) for own in pieces for _, one in own)
    with progress.stage(f"{told}: neighbours", asking, "entities") as advance:
        room = POOLED * options.per_entity
        held = None if former is None else former.candidates
        searching = Searching(options.structure_pool, room, held, settled, nearest, advance)
        for sides, alone, by_name, own in zip(members, lone, named, pieces, strict=True):
            pool, weigher = pool_of(by_name, clues, sides, searching, own)
            pools.append((sides, weigher))
            by_left = left_has_room(graphs, sides, alone)
            kept.append(best_of_each(pool, options, by_left=by_left, alone=alone))
            # The next one, of another two types, takes as much.
            del pool
    proposed = Candidates.stacked(kept)
    if keep is None:
        return Blocked(proposed, Weighing(similarity, anyhow, lengths, tuple(pools), None))
    everyone = np.ones(len(left), dtype=bool), np.ones(len(right), dtype=bool)
    asked = clues.of(proposed.without(keep))
    # A pair that is only asked for must not weigh otherwise for the sake of the others that are asked for.
    weigher = clues.weigher(proposed if len(proposed) else asked, everyone)
    return Blocked(
        Candidates.stacked([proposed, weighed(asked, weigher)]),
        Weighing(similarity, anyhow, lengths, tuple(pools), weigher),
    )


def type_members(
    left: KnowledgeGraph, right: KnowledgeGraph, schema: SchemaMapping
) -> list[tuple[tuple[str, str], Sides]]:
    """The ``mapped_types`` by name, with their (E) and (E') members."""
    (left_names, left_of), (right_names, right_of) = type_codes(left), type_codes(right)
    return [
        ((a, b), (left_of == left_names.index(a), right_of == right_names.index(b)))
        for a, b in mapped_types(schema, (left_names, right_names))
    ]


def mapped_types(
    schema: SchemaMapping, known: tuple[Container[str], Container[str]]
) -> list[tuple[str, str]]:
    """The pairs of types that correspond, each once, where both graphs have them."""
    pairs = dict.fromkeys((m.left, m.right) for m in schema.types)
    return [(a, b) for a, b in pairs if a in known[0] and b in known[1]]


def _rows_of(names: pl.DataFrame, member: Bool) -> pl.DataFrame:
    return names.filter(pl.Series(member[names["entity"].to_numpy()]))


def likeness(
    named: list[Candidates],
    seeds: EntityPairs,
    shape: tuple[int, int],
    *,
    former: Former | None = None,
    alone: tuple[Bool, Bool] | None = None,
) -> sparse.csr_matrix:
    """(E, E') how surely two entities are one before any is scored: the most that speaks for it.

    Seeds by their weight, others by their names and by how likely the round before thinks they are: by half
    of it where there are names, for it may think so of a namesake. Of pairs both of whose entities scorers
    judged somebody for, what they say alone counts. Who has a known link is nobody else, whatever the names.

    named   pairs by their names, of each pair of types
    alone   (E) of left entities: whether they have one partner at most, and whether theirs have
    """
    known = seeds.weight >= 1.0
    lefts, rights = alone or (np.ones(shape[0], dtype=bool), np.ones(shape[0], dtype=bool))
    guessed = _guessed(Candidates.united(*named), shape, former).tocoo()
    free = ~(np.isin(guessed.row, seeds.left[known]) & lefts[guessed.row])
    free &= ~(np.isin(guessed.col, seeds.right[known]) & rights[guessed.row])
    others = sparse.csr_matrix(
        (guessed.data[free], (guessed.row[free], guessed.col[free])), shape=shape, dtype=np.float32
    )
    believed = sparse.csr_matrix((seeds.weight, (seeds.left, seeds.right)), shape=shape, dtype=np.float32)
    return others.maximum(believed).tocsr()


def _guessed(by_names: Candidates, shape: tuple[int, int], former: Former | None) -> sparse.csr_matrix:
    named = name_similarity(by_names, shape)
    if former is None:
        return named
    pairs = former.candidates
    if former.judged:
        named, seen = named.tocoo(), (marked(pairs.left, shape[0]), marked(pairs.right, shape[1]))
        named.data[seen[0][named.row] & seen[1][named.col]] = 0.0
        named.eliminate_zeros()
        return named.tocsr().maximum(_likely(pairs, former.shares, shape))
    trust = BELIEVED if by_names.name.any() else 1.0
    return named.maximum(_likely(pairs, trust * former.shares, shape))


def settled_by(former: Former, sizes: tuple[int, int]) -> tuple[Bool, Bool]:
    """(E), (E') entities of which the round before knew the partner, as good as surely."""
    sure, pairs = former.shares >= SETTLED, former.candidates
    return marked(pairs.left[sure], sizes[0]), marked(pairs.right[sure], sizes[1])


def name_similarity(named: Candidates, shape: tuple[int, int]) -> sparse.csr_matrix:
    """(E, E') how surely two names mean one entity: near, and without a rival that is as near.

    The sixth power of the cosine, divided by its sum over the rivals of either side (the larger sum).
    """
    near = named.name.astype(np.float64) ** 6
    rivals = np.maximum(
        np.bincount(named.left, near, minlength=shape[0])[named.left],
        np.bincount(named.right, near, minlength=shape[1])[named.right],
    )
    sure = np.divide(near * near, rivals, out=np.zeros_like(near), where=rivals > 0)
    return _likely(named, sure, shape)


def _likely(pairs: Candidates, sure: Float64, shape: tuple[int, int]) -> sparse.csr_matrix:
    kept = sure > LEAST_SURE
    return sparse.csr_matrix(
        (sure[kept].astype(np.float32), (pairs.left[kept], pairs.right[kept])), shape=shape
    )


def best_of_each(
    pool: Candidates,
    options: BlockingOptions,
    *,
    by_left: bool,
    alone: Alone = (True, True),
    held: Bool | None = None,
    shares: Float64 | None = None,
) -> Candidates:
    """The best candidates of each left (or right) entity: by prior and by share in turn (``partner_shares``).

    By the prior alone, entities that are near to everybody take the places of true partners; by shares
    alone, a partner is lost to whom a wrong one seems sure. Who has a sure partner needs no twenty others:
    but for the first, pairs without a chance are left out.

    alone      who has one partner at most: others are no rivals
    held (P)   pairs that had a chance once, and stay while there is room
    shares (P) as of ``shares_among``, of the pool if not given
    """
    if shares is None:
        shares = shares_among(pool, alone)
    entity = pool.left if by_left else pool.right
    by_prior = ranks(entity, pool.prior)
    in_turn = np.minimum(2 * by_prior, 2 * ranks(entity, shares) + 1)
    likely = (by_prior < ALWAYS) | (shares >= options.least_chance)
    if held is not None:
        likely |= held
    return pool.take(likely & (ranks(entity, -in_turn) < options.per_entity))
