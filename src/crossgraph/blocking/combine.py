"""block(): names, shared neighbours and close values, united under a budget for each entity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy import sparse

from crossgraph._types import Bool, Float32, Int32
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.names import name_candidates, name_cosines, name_rows
from crossgraph.blocking.prior import Weigher, value_tests, weigher_of
from crossgraph.blocking.ranking import lead, ranks
from crossgraph.blocking.structure import neighbour_products, structural_candidates, weights_of
from crossgraph.errors import ConfigError
from crossgraph.features.description import Description
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.progress import SILENT, Progress
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.schema.seeds import BELIEVED, EntityPairs, type_codes


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockingOptions:
    """How many pairs to propose.

    per_entity        candidates kept for each entity of the smaller side of a type (count)
    name_pool         partners looked up for each name, before the cut
    structure_pool    partners looked up by shared neighbours, before the cut
    """

    per_entity: int = 20
    name_pool: int = 20
    structure_pool: int = 150

    def __post_init__(self) -> None:
        for name in ("per_entity", "name_pool", "structure_pool"):
            if getattr(self, name) < 1:
                raise ConfigError(f"[blocking] {name} = {getattr(self, name)}", hint="use 1 or more")


@dataclass(frozen=True, eq=False)
class Weighing:
    """What candidates were weighed by, so that a pair can be weighed again with other facts.

    similarity (E, E')   how surely the names of two neighbours mean one entity
    lengths (E), (E')    what the structural weights of each entity were divided by, see ``row_lengths``
    pools                members of each pair of types, and what weighed its pairs
    asked                what weighs pairs that blocking did not propose; None where none may be asked for
    """

    similarity: sparse.csr_matrix
    lengths: tuple[Float32, Float32]
    pools: tuple[tuple[tuple[Bool, Bool], Weigher], ...]
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
    keep: EntityPairs | None = None,
    options: BlockingOptions = BlockingOptions(),
    progress: Progress = SILENT,
) -> Candidates:
    """The candidates of ``block_and_weigh``, which says what is given."""
    return block_and_weigh(
        graphs, description, schema, seeds, keep=keep, options=options, progress=progress
    ).candidates


def block_and_weigh(
    graphs: tuple[KnowledgeGraph, KnowledgeGraph],
    description: Description,
    schema: SchemaMapping,
    seeds: EntityPairs,
    *,
    keep: EntityPairs | None = None,
    options: BlockingOptions = BlockingOptions(),
    progress: Progress = SILENT,
) -> Blocked:
    """Propose the pairs worth scoring, of every mapped pair of types.

    seeds   pairs believed to be the same; they only teach how telling close values are
    keep    pairs that are to be candidates whatever their names, neighbours and types

    Returns at most ``per_entity`` candidates for each entity of a type's smaller side, best prior first,
    and those to keep.
    """
    left, right = graphs
    members = type_members(left, right, schema)
    names = name_rows(description, schema)
    with progress.stage("block: names", len(members), "types") as advance:
        named = []
        for sides in members:
            rows = _rows_of(names[0], sides[0]), _rows_of(names[1], sides[1])
            named.append(name_candidates(rows, description.texts, top=options.name_pool))
            advance(1)
    similarity = name_similarity(Candidates.united(*named), (len(left), len(right)))
    factors, lengths = neighbour_products(left, right, schema, similarity)
    clues = _Clues(description, schema, names, factors, seeds)
    kept: list[Candidates] = []
    pools: list[tuple[tuple[Bool, Bool], Weigher]] = []
    with progress.stage("block: neighbours", len(members), "types") as advance:
        for sides, by_name in zip(members, named, strict=True):
            by_structure = structural_candidates(clues.factors, sides, top=options.structure_pool)
            pool, weigher = _weighed(Candidates.united(by_name, by_structure), clues, sides)
            pools.append((sides, weigher))
            kept.append(best_of_each(pool, options.per_entity, by_left=sides[0].sum() <= sides[1].sum()))
            advance(1)
    proposed = Candidates.stacked(kept)
    if keep is None:
        return Blocked(proposed, Weighing(similarity, lengths, tuple(pools), None))
    everyone = np.ones(len(left), dtype=bool), np.ones(len(right), dtype=bool)
    asked, weigher = _weighed(proposed.without(keep), clues, everyone, against=proposed)
    return Blocked(
        Candidates.stacked([proposed, asked]), Weighing(similarity, lengths, tuple(pools), weigher)
    )


@dataclass(frozen=True, eq=False)
class _Clues:
    """What weighs a pool of pairs."""

    description: Description
    schema: SchemaMapping
    names: tuple[pl.DataFrame, pl.DataFrame]
    factors: tuple[sparse.csr_matrix, sparse.csr_matrix]
    seeds: EntityPairs


def type_members(
    left: KnowledgeGraph, right: KnowledgeGraph, schema: SchemaMapping
) -> list[tuple[Bool, Bool]]:
    """The (E) and (E') members of each mapped pair of types, each pair once."""
    (left_names, left_of), (right_names, right_of) = type_codes(left), type_codes(right)
    return [
        (left_of == left_names.index(a), right_of == right_names.index(b))
        for a, b in dict.fromkeys((m.left, m.right) for m in schema.types)
        if a in left_names and b in right_names
    ]


def _rows_of(names: pl.DataFrame, member: Bool) -> pl.DataFrame:
    return names.filter(pl.Series(member[names["entity"].to_numpy()]))


def _seeds_of(seeds: EntityPairs, sides: tuple[Bool, Bool]) -> tuple[Int32, Int32]:
    inside = sides[0][seeds.left] & sides[1][seeds.right]
    return seeds.left[inside], seeds.right[inside]


def _weighed(
    pool: Candidates, clues: _Clues, sides: tuple[Bool, Bool], *, against: Candidates | None = None
) -> tuple[Candidates, Weigher]:
    """The pool with names, structure and prior, and what made the prior.

    ``against`` says what is common, else the pool itself.
    """
    name = name_cosines(clues.names, clues.description.texts, (pool.left, pool.right))
    structure = weights_of(clues.factors, pool.left, pool.right)
    pool = replace(pool, name=name, structure=structure)
    seeds = _seeds_of(clues.seeds, sides)
    # A pair that is only asked for must not weigh otherwise for the sake of the others that are asked for.
    common = against if against is not None and len(against) else pool
    tests = value_tests(clues.description, clues.schema, seeds, (common.left, common.right))
    weigher = weigher_of(tests, weights_of(clues.factors, *seeds), common.structure)
    return replace(pool, prior=weigher.log_odds(pool)), weigher


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
    kept = sure > 0.05
    return sparse.csr_matrix(
        (sure[kept].astype(np.float32), (named.left[kept], named.right[kept])), shape=shape
    )


def best_of_each(pool: Candidates, count: int, *, by_left: bool) -> Candidates:
    """The candidates of best prior of each left (or right) entity."""
    return pool.take(ranks(pool.left if by_left else pool.right, pool.prior) < count)


def mutual_seeds(candidates: Candidates, *, margin: float = 2.0, floor: float = 4.0) -> EntityPairs:
    """Candidates that are each other's best by a margin: mutual, unique and well supported.

    margin   log-odds by which the best must lead the second, on both sides
    floor    least prior log-odds
    """
    lead_left = lead(candidates.left, candidates.prior)
    lead_right = lead(candidates.right, candidates.prior)
    sure = (np.minimum(lead_left, lead_right) >= margin) & (candidates.prior >= floor)
    return EntityPairs.of(candidates.left[sure], candidates.right[sure], BELIEVED)
