"""The pool of two types: who may be whose partner, weighed, and cut to what an entity has room for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy import sparse

from crossgraph._types import Float32, Int32
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.names import name_cosines
from crossgraph.blocking.partners import FEW, Surroundings
from crossgraph.blocking.prior import Weigher, value_tests, weigher_of
from crossgraph.blocking.products import Nearest
from crossgraph.blocking.ranking import ranks
from crossgraph.blocking.singles import Alone, Sides, askers
from crossgraph.blocking.structure import weights_of
from crossgraph.features.description import Description
from crossgraph.graphs.sorting import marked
from crossgraph.progress import Advance
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.schema.seeds import EntityPairs

# So many entities look for partners at once: a pool of millions of entities would fill the memory.
PIECE = 50_000

Pieces = list[tuple[int, Int32]]


@dataclass(frozen=True, eq=False)
class Clues:
    """What pairs of a pool are found and weighed by."""

    description: Description
    schema: SchemaMapping
    names: tuple[pl.DataFrame, pl.DataFrame]
    factors: tuple[sparse.csr_matrix, sparse.csr_matrix]
    seeds: EntityPairs

    def of(self, pairs: Candidates) -> Candidates:
        """The pairs with their names and structure."""
        name = name_cosines(self.names, self.description.texts, (pairs.left, pairs.right))
        structure, unknown = pairs.structure.copy(), np.isnan(pairs.structure)
        structure[unknown] = weights_of(self.factors, pairs.left[unknown], pairs.right[unknown])
        return replace(pairs, name=name, structure=structure)

    def weigher(self, pool: Candidates, sides: Sides) -> Weigher:
        """What tells seeds of two types from other pairs of a pool with their names and structure."""
        inside = sides[0][self.seeds.left] & sides[1][self.seeds.right]
        seeds = self.seeds.left[inside], self.seeds.right[inside]
        tests = value_tests(self.description, self.schema, seeds, (pool.left, pool.right))
        return weigher_of(tests, *_structure_of(pool, seeds))


def weighed(pairs: Candidates, weigher: Weigher) -> Candidates:
    """The pairs, of which names and structure are known, with their prior."""
    return replace(pairs, prior=weigher.log_odds(pairs))


def _structure_of(pool: Candidates, seeds: tuple[Int32, Int32]) -> tuple[Float32, Float32]:
    """Structural weights of the seeds in a pool, and of the other pairs of their entities there.

    A seed that the pool lacks has mostly no neighbour to tell by: it would say of others that they need none.
    """
    same = np.zeros(len(pool), dtype=bool)
    places = pool.find(*seeds)
    same[places[places >= 0]] = True
    others = (np.isin(pool.left, seeds[0]) | np.isin(pool.right, seeds[1])) & ~same
    return pool.structure[same], pool.structure[others if others.any() else ~same]


@dataclass(frozen=True, eq=False)
class Searching:
    """How partners are looked for by shared neighbours.

    top       partners for each asking entity
    room      pairs of an asking entity that stay in a pool of several pieces, best prior first
    former    candidates of the round before
    settled   who had a sure partner there, see ``Surroundings.partners``
    nearest   where the products are made
    advance   told how many entities have asked
    """

    top: int
    room: int
    former: Candidates | None
    settled: Sides | None
    nearest: Nearest
    advance: Advance

    def partners(self, around: Surroundings, asking: Int32, sides: Sides, *, all_ask: bool) -> Candidates:
        """Whom entities find by shared neighbours.

        all_ask   who is settled looks for others too: else, where nobody looks for more than the settled do,
                  they keep their candidates of the round before
        """
        mine = around.mine
        settled = None if self.settled is None else self.settled[mine]
        if all_ask or self.former is None or settled is None or self.top > FEW:
            return around.partners(asking, top=self.top, settled=settled)
        found = around.partners(asking[~settled[asking]], top=self.top)
        ours, other = self.former.end(mine), self.former.end(1 - mine)
        stays = marked(asking[settled[asking]], len(settled))[ours] & sides[1 - mine][other]
        return Candidates.united(
            found, Candidates.of_pairs(self.former.left[stays], self.former.right[stays])
        )


def pool_of(
    by_name: Candidates, clues: Clues, sides: Sides, searching: Searching, pieces: Pieces
) -> tuple[Candidates, Weigher]:
    """The pairs of two types that share names or neighbours, weighed, and what weighed them.

    pieces   see ``asking_pieces``; the first one says how telling names, neighbours and values are
    """
    weigher: Weigher | None = None
    first = pieces[0][0]
    whole = len(pieces[0][1]) == sides[first].sum()
    around: Surroundings | None = None
    kept: dict[int, list[Candidates]] = {0: [], 1: []}
    for mine, asking in pieces:
        if around is None or around.mine != mine:
            around = Surroundings.of(clues.factors, sides[1 - mine], mine=mine, nearest=searching.nearest)
        # The first piece says what is usual among all pairs that a search finds.
        found = searching.partners(around, asking, sides, all_ask=weigher is None)
        if mine == first:
            named = marked(asking, len(sides[mine]))[by_name.end(mine)]
            found = Candidates.united(by_name.take(named), found)
        piece = clues.of(found)
        weigher = weigher or clues.weigher(piece, sides)
        piece = weighed(piece, weigher)
        kept[mine].append(
            piece if whole else piece.take(ranks(piece.end(mine), piece.prior) < searching.room)
        )
        searching.advance(len(asking))
    assert weigher is not None  # there is one piece at least
    del around
    pool, others = (Candidates.stacked(kept.pop(side)) for side in (first, 1 - first))
    # Here a run of millions of entities takes most: who was found from both sides is let go first.
    others = others.take(pool.find(others.left, others.right) < 0)
    return Candidates.stacked([pool, others]), weigher


def asking_pieces(sides: Sides, seeds: EntityPairs, alone: Alone) -> Pieces:
    """Who looks for partners at once: the side (0 is left) and its entities, those of seeds first.

    One piece at least, of the sides that ask, see ``askers``.
    """
    pieces = []
    for mine in askers(sides, alone):
        last = ~marked(seeds.right if mine else seeds.left, len(sides[mine]))
        rows = np.flatnonzero(sides[mine]).astype(np.int32)
        rows = rows[np.argsort(last[rows], kind="stable")]
        pieces += [(mine, rows[start : start + PIECE]) for start in range(0, max(len(rows), 1), PIECE)]
    return pieces
