"""Touched entities are blocked again: they look for partners, and whose place these take goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from scipy import sparse

from crossgraph._types import Bool, Float32, Float64, Int32, Int64
from crossgraph.blocking.candidates import Candidates
from crossgraph.blocking.combine import (
    BlockingOptions,
    Weighing,
    best_of_each,
    name_similarity,
    type_members,
)
from crossgraph.blocking.keys import KeyLookups, poorly_named
from crossgraph.blocking.names import name_cosines, nearest_names
from crossgraph.blocking.partners import structural_candidates
from crossgraph.blocking.prior import Weigher
from crossgraph.blocking.ranking import ranks
from crossgraph.blocking.singles import Alone, Sides, Singles, askers, left_has_room, shares_among
from crossgraph.blocking.structure import weights_of
from crossgraph.blocking.values import ValueLookups
from crossgraph.graphs.sorting import among, marked
from crossgraph.preparation import Graphs, Known
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.updating.before import Before
from crossgraph.updating.neighbours import Neighbours
from crossgraph.updating.touched import Touched


@dataclass(frozen=True, eq=False)
class Reblocked:
    """The candidates after changes, and what weighed them.

    former (P)   the place of each among those of before; -1 for new ones
    """

    candidates: Candidates
    weighing: Weighing
    former: Int64


@dataclass(frozen=True, eq=False)
class Reblocker:
    """Blocks the touched entities of two graphs again.

    known     pairs that are candidates in any case
    singles   who has one partner at most
    """

    graphs: Graphs
    schema: SchemaMapping
    before: Before
    touched: tuple[Touched, Touched]
    known: Known
    options: BlockingOptions
    singles: Singles

    def reblocked(self) -> Reblocked:
        """Who is not touched keeps its candidates, but for those that a new pair is better than."""
        before = self.before
        names = before.names
        types = type_members(*self.graphs, self.schema)
        named = [self._by_names_and_values(names, sides, self.singles.of(name[0])) for name, sides in types]
        similarity = self._similarity(Candidates.united(*named))
        neighbours = Neighbours(self.graphs, self.schema, similarity, before.anyhow)
        again = self.touched[0].blocked, self.touched[1].blocked
        factors, lengths = neighbours.factors(self._weighed_again, before.lengths, again)
        weigh = _Weigh(self, names, factors)
        weigher = before.weighers.get(None) or next(iter(before.weighers.values()))
        former = before.candidates.take(~before.candidates.proposed)
        kept = [replace(weigh(former, weigher), proposed=former.proposed)]
        for (name, sides), by_name in zip(types, named, strict=True):
            alone = self.singles.of(name[0])
            found = Candidates.united(by_name, *self._nearest_neighbours(factors, sides, alone))
            found = found.take(former.find(found.left, found.right) < 0)
            kept += self._chosen(found, sides, alone, weigh, before.weighers[name])
        proposed = Candidates.stacked([one for one in kept if len(one)])
        asked = proposed.without(self.known.pairs)
        everyone = Candidates.stacked([proposed, weigh(asked, weigher)])
        at = everyone.find(before.candidates.left, before.candidates.right)
        places = np.full(len(everyone), -1, dtype=np.int64)
        places[at[at >= 0]] = np.flatnonzero(at >= 0)
        pools = tuple((sides, before.weighers[name]) for name, sides in types)
        weighing = Weighing(similarity, before.anyhow, lengths, pools, before.weighers.get(None))
        return Reblocked(everyone, weighing, places)

    def _by_names_and_values(
        self, names: tuple[pl.DataFrame, pl.DataFrame], sides: Sides, alone: Alone
    ) -> Candidates:
        """Whom those who are told otherwise find."""
        valued, keyed = self._lookups
        by_name, top = self._nearest_names(names, sides, alone), self.options.name_pool
        left, right = poorly_named(by_name, sides)
        asking = left & self.touched[0].told, right & self.touched[1].told
        by_rare = keyed.by_rare_values(sides, alone)
        told = self.touched[0].told[by_rare.left] | self.touched[1].told[by_rare.right]
        return Candidates.united(
            by_name,
            by_rare.take(told),
            valued.candidates(names, sides, top=top, asking=(self.touched[0].told, self.touched[1].told)),
            keyed.candidates(sides, asking),
        )

    @cached_property
    def _lookups(self) -> tuple[ValueLookups, KeyLookups]:
        now, sizes = self.before.description, (len(self.graphs[0]), len(self.graphs[1]))
        return ValueLookups.of(now, self.schema, sizes), KeyLookups(
            now, self.schema, self.before.usual.names, sizes
        )

    @property
    def _weighed_again(self) -> tuple[Int64, Int64]:
        """Who is blocked again, and who is known to be the same or not as nobody blocking had proposed."""
        known = self.known.pairs
        new = self.before.candidates.without(known)
        left, right = (
            np.flatnonzero(one.blocked | marked(ends, len(one.blocked)))
            for one, ends in zip(self.touched, (new.left, new.right), strict=True)
        )
        return left, right

    def _fresh(self, pairs: Candidates) -> Bool:
        """(P) pairs of which an entity is blocked again."""
        fresh: Bool = self.touched[0].blocked[pairs.left] | self.touched[1].blocked[pairs.right]
        return fresh

    def _most(self, mine: int, sides: Sides, alone: Alone, top: int) -> int:
        """How many partners a side looks for: ``top`` if it asks, else as many as come to it."""
        sizes = [int(side.sum()) for side in sides]
        if mine in askers(sides, alone):
            return top
        return int(np.ceil(top * sizes[1 - mine] / max(sizes[mine], 1)))

    def _nearest_names(
        self, names: tuple[pl.DataFrame, pl.DataFrame], sides: Sides, alone: Alone
    ) -> Candidates:
        texts, parts = self.before.description.texts, []
        for mine, (query, found) in enumerate((("left", "right"), ("right", "left"))):
            asking = _of(names[mine], sides[mine] & self.touched[mine].told)
            if len(asking):
                top = max(self.options.name_pool, self._most(mine, sides, alone, self.options.name_pool))
                near = nearest_names(asking, _of(names[1 - mine], sides[1 - mine]), texts, top=top)
                parts.append(near.rename({"query": query, "found": found}).select("left", "right", "name"))
        schema = {"left": pl.Int32, "right": pl.Int32, "name": pl.Float32}
        return Candidates.united_frame(pl.concat([pl.DataFrame(schema=schema), *parts]))

    def _similarity(self, named: Candidates) -> sparse.csr_matrix:
        """How surely two entities are one: as before, and by their names for those told otherwise.

        Where no names are found, what was thought before is all that there is.
        """
        told = self.touched[0].told, self.touched[1].told
        links = self.known.same
        linked = [np.zeros(len(one), dtype=bool) for one in told]
        linked[0][links.left], linked[1][links.right] = True, True
        old, own = self.before.similarity.tocoo(), self.before.candidates
        # The rivals of a pair are all pairs of its entities.
        rivals = among(own.left, named.left) | among(own.right, named.right)
        named = Candidates.united(own.take(rivals), named)
        guessed = name_similarity(named, old.shape).tocoo()
        stays = ~(told[0][old.row] | told[1][old.col]) | (not guessed.nnz)
        new = told[0][guessed.row] | told[1][guessed.col]
        left_alone, right_alone = self.singles.of_entities(self.graphs[0])
        new &= ~(linked[0] & left_alone)[guessed.row]
        new &= ~(linked[1][guessed.col] & right_alone[guessed.row])
        sure = told[0][links.left] | told[1][links.right]
        return sparse.csr_matrix(
            (
                np.r_[old.data[stays], guessed.data[new], links.weight[sure]].astype(np.float32),
                (
                    np.r_[old.row[stays], guessed.row[new], links.left[sure]],
                    np.r_[old.col[stays], guessed.col[new], links.right[sure]],
                ),
            ),
            shape=old.shape,
        )

    def _nearest_neighbours(
        self, factors: tuple[sparse.csr_matrix, sparse.csr_matrix], sides: Sides, alone: Alone
    ) -> list[Candidates]:
        """Of the side that asks ``structure_pool`` partners each; of the other one as many as come to it."""
        found = []
        for mine in range(2):
            asking = sides[mine] & self.touched[mine].blocked
            top = max(self.options.per_entity, self._most(mine, sides, alone, self.options.structure_pool))
            if asking.any():
                members = (asking, sides[1]) if mine == 0 else (sides[0], asking)
                found.append(structural_candidates(factors, members, top=top))
        return found

    def _chosen(
        self, found: Candidates, sides: Sides, alone: Alone, weigh: _Weigh, weigher: Weigher
    ) -> list[Candidates]:
        """What stays of the candidates of two types: those of whom nobody comes too near, and the others."""
        own = self.before.candidates
        own = own.take(own.proposed & sides[0][own.left] & sides[1][own.right])
        own = weigh.again(own, self._fresh(own), weigher)
        by_left = left_has_room(self.graphs, sides, alone)
        new = weigh(found.take(own.find(found.left, found.right) < 0), weigher)
        new = new.take(self._in_reach(new, own, by_left))
        size = len(sides[0] if by_left else sides[1])
        rivals = marked(_asking(new, by_left), size)[_asking(own, by_left)]
        pool, others = Candidates.stacked([own.take(rivals), new]), own.take(~rivals)
        shares = shares_beside(pool, others, alone, by_left=by_left)
        held = own.find(pool.left, pool.right) >= 0
        asking = _asking(pool, by_left)
        blocked = self.touched[0 if by_left else 1].blocked[asking]
        worth = held | blocked | welcome(asking, pool.prior, shares, self.options.least_chance)
        best = best_of_each(
            pool.take(worth),
            self.options,
            by_left=by_left,
            alone=alone,
            held=held[worth],
            shares=shares[worth],
        )
        return [others, best]

    def _in_reach(self, new: Candidates, own: Candidates, by_left: bool) -> Bool:
        """(P) new pairs that are better than what their entity has already, or all if it is told otherwise.

        Half of its candidates are its best by prior, the others by share, whatever their prior.
        """
        told, wanted = self.touched[0 if by_left else 1].told, _asking(new, by_left)
        asking = np.zeros(len(told), dtype=bool)
        asking[wanted] = True
        rivals = asking[_asking(own, by_left)]
        ends, prior = _asking(own, by_left)[rivals], own.prior[rivals]
        bar = np.full(len(told), -np.inf, dtype=np.float32)
        last_of_best = ranks(ends, prior) == max(self.options.per_entity // 2, 1) - 1
        bar[ends[last_of_best]] = prior[last_of_best]
        reach: Bool = told[wanted] | (new.prior > bar[wanted])
        return reach


def shares_beside(pool: Candidates, others: Candidates, alone: Alone, *, by_left: bool) -> Float64:
    """(P) shares of a pool whose partners are wanted by others too.

    A partner of whom somebody else is sure is no chance, and how sure he is is told by all that he has.
    """
    asked, wanting = _asked(others, by_left), _asking(others, by_left)
    wanted = among(asked, _asked(pool, by_left))
    everyone = Candidates.stacked([pool, others.take(among(wanting, wanting[wanted]))])
    return shares_among(everyone, alone)[everyone.find(pool.left, pool.right)]


def welcome(asking: Int32, prior: Float32, shares: Float64, least_chance: float) -> Bool:
    """(P) pairs that an entity takes in that has its candidates already: the best of all, or with a chance.

    Whoever comes near to many by one new edge would else be the second best of all of them.
    """
    taken: Bool = (ranks(asking, prior) == 0) | (shares >= least_chance)
    return taken


def _asking(pairs: Candidates, by_left: bool) -> Int32:
    """(P) the entity of each pair that is of the side with room."""
    return pairs.left if by_left else pairs.right


def _asked(pairs: Candidates, by_left: bool) -> Int32:
    """(P) the other entity of each pair."""
    return pairs.right if by_left else pairs.left


@dataclass(frozen=True, eq=False)
class _Weigh:
    """Weighs pairs as blocking did; those of which no entity is touched keep what they weighed."""

    of: Reblocker
    names: tuple[pl.DataFrame, pl.DataFrame]
    factors: tuple[sparse.csr_matrix, sparse.csr_matrix]

    def __call__(self, pairs: Candidates, weigher: Weigher) -> Candidates:
        if not len(pairs):
            return pairs
        ends = pairs.left, pairs.right
        name = name_cosines(self.names, self.of.before.description.texts, ends)
        structure: Float32 = weights_of(self.factors, *ends)
        weighed = replace(pairs, name=name, structure=structure)
        prior = weigher.log_odds(weighed)
        old = self.of.before.candidates
        at: Int64 = old.find(*ends)
        kept = (at >= 0) & ~self.of._fresh(pairs)
        name[kept], structure[kept], prior[kept] = (
            old.name[at[kept]],
            old.structure[at[kept]],
            old.prior[at[kept]],
        )
        return replace(weighed, name=name, structure=structure, prior=prior)

    def again(self, pairs: Candidates, some: Bool, weigher: Weigher) -> Candidates:
        """The pairs, of which some (P) are weighed."""
        fresh = self(pairs.take(some), weigher)
        name, structure, prior = pairs.name.copy(), pairs.structure.copy(), pairs.prior.copy()
        name[some], structure[some], prior[some] = fresh.name, fresh.structure, fresh.prior
        return replace(pairs, name=name, structure=structure, prior=prior)


def _of(names: pl.DataFrame, members: Bool) -> pl.DataFrame:
    entities: Int32 = names["entity"].to_numpy()
    return names.filter(pl.Series(members[entities]))
