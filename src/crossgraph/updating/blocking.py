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
from crossgraph.blocking.names import Grouped, cosines_of, grouped, nearest_names
from crossgraph.blocking.partners import structural_candidates
from crossgraph.blocking.prior import Weigher
from crossgraph.blocking.ranking import ranks
from crossgraph.blocking.singles import Alone, Sides, Singles, askers, left_has_room, shares_among
from crossgraph.blocking.structure import weights_of
from crossgraph.blocking.values import ValueLookups
from crossgraph.features.text import TextTable
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
        weigh = _Weigh(names, before.description.texts, factors)
        weigher = before.weighers.get(None) or next(iter(before.weighers.values()))
        was, fresh = before.candidates, self._fresh(before.candidates)
        now = replace(was, name=was.name.copy(), structure=was.structure.copy(), prior=was.prior.copy())
        weigh.again(now, np.flatnonzero(fresh & ~was.proposed), weigher)
        # Whose types correspond no more has been asked for, or goes.
        stays, parts = ~was.proposed, []
        for (name, sides), by_name in zip(types, named, strict=True):
            alone, of_types = self.singles.of(name[0]), before.weighers[name]
            own = np.flatnonzero(was.proposed & sides[0][was.left] & sides[1][was.right])
            weigh.again(now, own[fresh[own]], of_types)
            found = Candidates.united(by_name, *self._nearest_neighbours(factors, sides, alone))
            new = weigh(found.take(was.find(found.left, found.right) < 0), of_types)
            at, best = self._chosen(new, now, own, sides, alone)
            stays[own] = True
            stays[at] = False
            parts.append(best)
        parts = [now.take(stays), *parts]
        everyone = Candidates.stacked([*parts, *self._asked(parts, now, weigh, weigher)])
        at = everyone.find(before.candidates.left, before.candidates.right)
        places = np.full(len(everyone), -1, dtype=np.int64)
        places[at[at >= 0]] = np.flatnonzero(at >= 0)
        pools = tuple((sides, before.weighers[name]) for name, sides in types)
        weighing = Weighing(similarity, before.anyhow, lengths, pools, before.weighers.get(None))
        return Reblocked(everyone, weighing, places)

    def _asked(
        self, parts: list[Candidates], now: Candidates, weigh: _Weigh, weigher: Weigher
    ) -> tuple[Candidates, Candidates]:
        """Known pairs that are in no part: who was a candidate, weighed as it is now, and the others."""
        absent = Candidates.stacked([]).without(self.known.pairs)
        for part in parts:
            absent = absent.take(part.find(absent.left, absent.right) < 0)
        held = now.find(absent.left, absent.right)
        pushed = now.take(held[held >= 0])
        nobody = np.zeros(len(pushed), dtype=bool)
        return replace(pushed, proposed=nobody), weigh(absent.take(held < 0), weigher)

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
        self, new: Candidates, now: Candidates, own: Int64, sides: Sides, alone: Alone
    ) -> tuple[Int64, Candidates]:
        """Of two types: the candidates that a new pair has something to do with, and the best of all these.

        now, own   what there was, weighed as it is, and the places in it of the candidates of these types
        """
        by_left = left_has_room(self.graphs, sides, alone)
        asking, asked = _asking(now, by_left)[own], _asked(now, by_left)[own]
        new = new.take(self._in_reach(new, asking, now.prior[own], by_left))
        rivals = marked(_asking(new, by_left), len(sides[0 if by_left else 1]))[asking]
        at, others = own[rivals], own[~rivals]
        pool = Candidates.stacked([now.take(at), new])
        beside = others[wanting_too(asked[~rivals], asking[~rivals], _asked(pool, by_left))]
        shares = shares_beside(pool, now.take(beside), alone)
        held = now.find(pool.left, pool.right) >= 0
        who = _asking(pool, by_left)
        blocked = self.touched[0 if by_left else 1].blocked[who]
        worth = held | blocked | welcome(who, pool.prior, shares, self.options.least_chance)
        best = best_of_each(
            pool.take(worth),
            self.options,
            by_left=by_left,
            alone=alone,
            held=held[worth],
            shares=shares[worth],
        )
        return at, best

    def _in_reach(self, new: Candidates, asking: Int32, prior: Float32, by_left: bool) -> Bool:
        """(P) new pairs that are better than what their entity has already, or all if it is told otherwise.

        Half of its candidates are its best by prior, the others by share, whatever their prior.

        asking, prior (K)   of the candidates that there are
        """
        told, wanted = self.touched[0 if by_left else 1].told, _asking(new, by_left)
        rivals = marked(wanted, len(told))[asking]
        ends, weighed = asking[rivals], prior[rivals]
        bar = np.full(len(told), -np.inf, dtype=np.float32)
        last_of_best = ranks(ends, weighed) == max(self.options.per_entity // 2, 1) - 1
        bar[ends[last_of_best]] = weighed[last_of_best]
        reach: Bool = told[wanted] | (new.prior > bar[wanted])
        return reach


def wanting_too(asked: Int32, wanting: Int32, pool: Int32) -> Bool:
    """(K) pairs of whoever wants a partner that a pool wants (P): all his pairs, with whomever.

    A partner of whom somebody else is sure is no chance, and how sure he is is told by all that he has.
    """
    return among(wanting, wanting[among(asked, pool)])


def shares_beside(pool: Candidates, others: Candidates, alone: Alone) -> Float64:
    """(P) shares of a pool beside the pairs of others, see ``wanting_too``."""
    everyone = Candidates.stacked([pool, others])
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
    """Weighs pairs as blocking did.

    names     (entity, text) of both sides
    factors   of their neighbourhoods
    """

    names: tuple[pl.DataFrame, pl.DataFrame]
    texts: TextTable
    factors: tuple[sparse.csr_matrix, sparse.csr_matrix]

    def __call__(self, pairs: Candidates, weigher: Weigher) -> Candidates:
        if not len(pairs):
            return pairs
        ends = pairs.left, pairs.right
        name = cosines_of(self._grouped, self.texts, ends)
        weighed = replace(pairs, name=name, structure=weights_of(self.factors, *ends))
        return replace(weighed, prior=weigher.log_odds(weighed))

    def again(self, pairs: Candidates, at: Int64, weigher: Weigher) -> None:
        """Weigh the pairs at some places, in their place."""
        fresh = self(pairs.take(at), weigher)
        pairs.name[at], pairs.structure[at], pairs.prior[at] = fresh.name, fresh.structure, fresh.prior

    @cached_property
    def _grouped(self) -> tuple[Grouped, Grouped]:
        return grouped(self.names[0]), grouped(self.names[1])


def _of(names: pl.DataFrame, members: Bool) -> pl.DataFrame:
    entities: Int32 = names["entity"].to_numpy()
    return names.filter(pl.Series(members[entities]))
