"""What is known of candidate pairs: known links, known non-matches, and seeds where nothing is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from crossgraph._types import AnyArray, Bool, Float32, Int32, Int64, UInt64
from crossgraph.blocking.candidates import Candidates
from crossgraph.graphs.content import mix
from crossgraph.graphs.sorting import marked
from crossgraph.schema.seeds import NO_PAIRS, EntityPairs

FOLDS = 4
# Networks, each of which learns from the folds of the others.
HALVES = 2
# Seeds are mostly right, but not known.
SEED_WEIGHT = 0.5
# So many seeds of one type teach all that seeds can.
SEEDS_PER_TYPE = 1_500
# With fewer known links nothing can be judged on links alone.
FEW_LINKS = 20
# With fewer known links of its own a type still learns from seeds too.
TEACHING_LINKS = 100
# Many types share this many: one model learns from all of them.
SEEDS_IN_ALL = 6_000
# Drawn for an entity that has no link: later than all that are drawn.
_NOBODY = np.uint64(2**64 - 1)

ContentOfBoth: TypeAlias = tuple[UInt64, UInt64]


@dataclass(frozen=True, eq=False)
class Labels:
    """Labelled candidate pairs.

    places (K)    positions in the candidates, ascending
    same (K)      the label
    weight (K)    trust, in (0, 1]
    folds (K)     0 .. FOLDS - 1; a pair with a linked end shares that link's, with two one of them
    known (K)     True where a person said so, False for seeds
    judging (K)   True where a label calibrates and judges: the known ones, or all where too few matches are
    typical (K)   False where a pair is a candidate only because it is known: no other one is like it
    found (K)     True where blocking would propose the pair if it were not known
    matches       all known links, those among them that are no candidates too
    """

    places: Int64
    same: Bool
    weight: Float32
    folds: Int32
    known: Bool
    judging: Bool
    typical: Bool
    found: Bool
    matches: int

    def __len__(self) -> int:
        return len(self.places)

    def trusted(self) -> Labels:
        """The labels to calibrate and to judge on."""
        return self.take(self.judging)

    def telling(self) -> Labels:
        """The trusted ones that tell how likely pairs are that nobody knows."""
        trusted = self.trusted()
        telling = trusted.take(trusted.typical)
        return telling if telling.same.any() else trusted

    def fold_of_each(self, candidates: int) -> Int32:
        """(P) the fold of each labelled candidate, -1 for the others."""
        folds = np.full(candidates, -1, dtype=np.int32)
        folds[self.places] = self.folds
        return folds

    def with_negatives(self, most: int, rng: np.random.Generator) -> Bool:
        """(K) True for every match, and for so many of the others at most, drawn at random."""
        others = np.flatnonzero(~self.same)
        kept = self.same.copy()
        kept[rng.choice(others, min(len(others), most), replace=False)] = True
        return kept

    def and_also(self, others: Labels) -> Labels:
        """These, and after them others of the same candidates."""
        return Labels(
            places=np.r_[self.places, others.places],
            same=np.r_[self.same, others.same],
            weight=np.r_[self.weight, others.weight],
            folds=np.r_[self.folds, others.folds],
            known=np.r_[self.known, others.known],
            judging=np.r_[self.judging, others.judging],
            typical=np.r_[self.typical, others.typical],
            found=np.r_[self.found, others.found],
            matches=self.matches,
        )

    def take(self, kept: Bool) -> Labels:
        """Some of the labels."""
        return Labels(
            self.places[kept],
            self.same[kept],
            self.weight[kept],
            self.folds[kept],
            self.known[kept],
            self.judging[kept],
            self.typical[kept],
            self.found[kept],
            self.matches,
        )


def label_pairs(
    candidates: Candidates,
    pairs: tuple[Int32, Int32],
    same: Bool,
    *,
    seed: int,
    keys: UInt64 | None = None,
) -> Labels:
    """Labels that were given pair by pair; of a pair that is given twice the first counts.

    keys   (E) what the fold of a left entity's pairs is drawn from: its content; its number if not given

    Raises ValueError for a pair that is no candidate.
    """
    places, first = np.unique(candidates.find(*pairs), return_index=True)
    if len(places) and places[0] < 0:
        raise ValueError("a labelled pair is no candidate")
    return Labels(
        places=places,
        same=same[first],
        weight=np.ones(len(places), dtype=np.float32),
        folds=_folds(_drawn_of(pairs[0][first], seed, keys)),
        known=np.ones(len(places), dtype=bool),
        judging=np.ones(len(places), dtype=bool),
        typical=np.ones(len(places), dtype=bool),
        found=candidates.proposed[places],
        matches=int(same[first].sum()),
    )


def label_links(
    candidates: Candidates,
    links: tuple[EntityPairs, EntityPairs],
    seeds: EntityPairs,
    *,
    seed: int,
    keys: ContentOfBoth | None = None,
    alone: tuple[Bool, Bool] | None = None,
    unseen: EntityPairs = NO_PAIRS,
) -> Labels:
    """Labels that follow from links: a candidate is the same if it is linked, another if an end is linked.

    Where an entity may have several partners, a link of it says nothing of its other candidates but of those
    that are linked themselves: what is linked of two such entities is taken to be all there is between them.

    links   the known positive and the known negative pairs; where they contradict, the negative holds
    seeds   believed pairs that teach beside the links, see ``teaching_seeds``
    keys    (E), (E') what a link's fold is drawn from (``content_keys`` of both graphs), so that neither
            identifiers nor which graph is the left one carry a signal; entity numbers where not given
    alone   (P) whether the left and the right entity of each candidate has at most one partner, see
            ``cardinality.single``; all where not given
    unseen  links that blocking proposes only because they are known
    """
    positive, negative = links
    single = alone or (np.ones(len(candidates), dtype=bool), np.ones(len(candidates), dtype=bool))
    known = _closed(candidates, positive, drawn(positive, seed, keys), single)
    refuted = candidates.find(negative.left, negative.right)
    refuted = refuted[refuted >= 0]
    believed = _closed(candidates, seeds, drawn(seeds, seed, keys), single)
    same = np.where(known.labelled, known.same, believed.same)
    same[refuted] = False
    labelled = known.labelled | believed.labelled
    labelled[refuted] = True
    sure = known.labelled.copy()
    sure[refuted] = True
    number = np.where(known.labelled, known.drawn, believed.drawn)
    apart = refuted[number[refuted] == _NOBODY]
    number[apart] = drawn(EntityPairs.of(candidates.left[apart], candidates.right[apart]), seed, keys)
    places = np.flatnonzero(labelled)
    enough = (sure & same).sum() >= FEW_LINKS
    missed = candidates.find(unseen.left, unseen.right)
    return Labels(
        places=places,
        same=same[places],
        weight=np.where(sure[places], 1.0, SEED_WEIGHT).astype(np.float32),
        folds=_folds(number[places]),
        known=sure[places],
        judging=sure[places] | ~enough,
        typical=candidates.proposed[places],
        found=(candidates.proposed & ~marked(missed[missed >= 0], len(candidates)))[places],
        matches=len(positive),
    )


@dataclass(frozen=True, eq=False)
class _Closure:
    labelled: Bool
    same: Bool
    drawn: UInt64


def _closed(
    candidates: Candidates, pairs: EntityPairs, numbers: UInt64, alone: tuple[Bool, Bool]
) -> _Closure:
    """Every candidate of a linked entity that tells of it, with what is drawn of its ends' first link."""
    of_left = _first(numbers, pairs.left, candidates.left)
    of_right = _first(numbers, pairs.right, candidates.right)
    same = np.zeros(len(candidates), dtype=bool)
    places = candidates.find(pairs.left, pairs.right)
    same[places[places >= 0]] = True
    linked = of_left != _NOBODY, of_right != _NOBODY
    labelled = same | (linked[0] & alone[0]) | (linked[1] & alone[1]) | (linked[0] & linked[1])
    return _Closure(labelled, same, np.minimum(of_left, of_right))


def _first(numbers: UInt64, linked: Int32, ends: Int32) -> UInt64:
    """(P) the least number that is drawn of a link of each candidate's end."""
    first = np.full(1 + max(int(ends.max(initial=0)), int(linked.max(initial=0))), _NOBODY, dtype=np.uint64)
    np.minimum.at(first, linked, numbers)
    return first[ends]


def _folds(numbers: UInt64) -> Int32:
    return (numbers % np.uint64(FOLDS)).astype(np.int32)


def drawn(pairs: EntityPairs, seed: int, keys: ContentOfBoth | None) -> UInt64:
    """(K) a random number of each pair, from the seed and both ends' keys, whichever is the left one."""
    left, right = keys or (None, None)
    return mix(_drawn_of(pairs.left, seed, left) + _drawn_of(pairs.right, seed, right))


def _drawn_of(entities: AnyArray, seed: int, keys: UInt64 | None) -> UInt64:
    """(K) a random number of each entity, from the seed and its key; those of one key are told apart."""
    key = entities.astype(np.uint64) if keys is None else _told_apart(keys)[entities]
    return mix(key ^ mix(np.array([seed], dtype=np.uint64)))


def _told_apart(keys: UInt64) -> UInt64:
    """Keys of which no two are equal: entities without facts must not all share one fold."""
    order = np.argsort(keys, kind="stable")
    new = np.r_[True, np.diff(keys[order]) != 0][: len(keys)]
    starts = np.flatnonzero(new)
    place = np.arange(len(keys)) - np.repeat(starts, np.diff(np.r_[starts, len(keys)]))
    apart = np.empty_like(keys)
    apart[order] = np.where(place == 0, keys[order], mix(keys[order] + place.astype(np.uint64)))
    return apart


def teaching_seeds(
    seeds: EntityPairs,
    linked: EntityPairs,
    left_types: Int32,
    *,
    seed: int,
    keys: ContentOfBoth | None = None,
    beside: bool = False,
) -> EntityPairs:
    """The seeds that teach: of types with few known links or none, at most ``SEEDS_PER_TYPE`` of each, and an
    equal share of ``SEEDS_IN_ALL`` where there are many types.

    keys     (E), (E') what chance draws from, see ``label_links``
    beside   those of all types that are no links, as many as a type's links leave of its whole share
    """
    links = np.bincount(left_types[linked.left], minlength=1 + int(left_types.max(initial=0)))
    seeds = seeds.without(linked) if beside else seeds
    kept = np.flatnonzero((links[left_types[seeds.left]] < TEACHING_LINKS) | beside)
    shuffled = kept[np.argsort(drawn(seeds.take(kept), seed, keys), kind="stable")]
    kind = left_types[seeds.left[shuffled]]
    order = np.argsort(kind, kind="stable")
    starts = np.searchsorted(kind[order], kind[order])
    share = math.ceil(SEEDS_IN_ALL / max(1, len(np.unique(kind))))
    most = share - links[kind[order]] if beside else min(SEEDS_PER_TYPE, share)
    chosen = np.sort(shuffled[order[np.arange(len(order)) - starts < most]])
    return seeds.take(chosen)
