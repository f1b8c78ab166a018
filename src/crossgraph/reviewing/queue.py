"""Which pair a reviewer sees next: the most useful one that is still open."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from copy import copy
from typing import Literal, TypeAlias, get_args

import numpy as np

from crossgraph._types import Bool, Int64
from crossgraph.reviewing.asking import questions, settled
from crossgraph.reviewing.material import Material

Order: TypeAlias = Literal["uncertain", "useful", "conflict", "sample"]
ORDERS: tuple[Order, ...] = get_args(Order)

# Pairs that the model is this sure are different are not worth anybody's time; search still finds them.
LEAST = 0.02


class Queue:
    """The open pairs of one reviewer in several orders.

    uncertain   by the distance of the probability from one half
    useful      what teaches the model most, no two about the same entity: see ``asking.questions``
    conflict    where an entity has two likely candidates: by the less likely of the two
    sample      the matches of the model in a random order that stays: what tells how good they are

    ``LEAST`` and the matches say what is asked at all. Open is what the reviewer has no standing word on.
    """

    def __init__(self, material: Material) -> None:
        pairs = material.pairs
        self._types = pairs.types
        self._names = pairs.type_names
        asked = np.flatnonzero(pairs.matched | (pairs.probability >= LEAST))
        contest = np.minimum(pairs.probability, pairs.rivals)[asked]
        known = settled(pairs, material.numbers(material.known), material.known.label)
        useful = questions(pairs, known)
        drawn = _shuffled(material, asked[pairs.matched[asked]])
        self._orders: dict[Order, Int64] = {
            "uncertain": asked[np.argsort(np.abs(pairs.probability[asked] - 0.5), kind="stable")],
            "useful": useful[np.isin(useful, asked)],
            "conflict": asked[np.argsort(-contest, kind="stable")][: int((contest >= LEAST).sum())],
            "sample": drawn,
        }
        self.asked: Bool = np.zeros(len(pairs), dtype=np.bool_)
        self.asked[asked] = True
        self._open = self.asked.copy()
        self._place: dict[Order, Int64] = {}

    def fresh(self) -> Queue:
        """The queue of another reviewer, who has not yet said anything."""
        other = copy(self)
        other._open = self.asked.copy()
        return other

    def close(self, rows: Iterable[int]) -> None:
        """The reviewer has a word on these."""
        self._open[np.fromiter(rows, dtype=np.int64)] = False

    def reopen(self, row: int) -> None:
        """The reviewer took the word back."""
        self._open[row] = self.asked[row]

    def rows(self, order: Order, *, type_name: str = "") -> Int64:
        """The open rows in an order, of one type or of all."""
        rows = self._orders[order]
        return rows[self._chosen(rows, type_name)]

    def next(self, order: Order, *, type_name: str = "", after: int = -1) -> int:
        """The first open row after a given one, from the start again if there is none; -1 if all are done."""
        rows = self._orders[order]
        start = int(self._places(order)[after]) + 1 if after >= 0 else 0
        for part in (rows[start:], rows[:start]):
            chosen = self._chosen(part, type_name)
            if chosen.any():
                found = int(part[int(np.argmax(chosen))])
                return found if found != after else -1
        return -1

    def counts(self) -> Iterator[tuple[str, int, int]]:
        """Each type with how many pairs of it are asked, and how many are open."""
        size = len(self._names)
        asked = np.bincount(self._types[self.asked], minlength=size)
        left = np.bincount(self._types[self._open], minlength=size)
        for number in np.argsort(-asked, kind="stable"):
            if asked[number]:
                yield self._names[number], int(asked[number]), int(left[number])

    def _chosen(self, rows: Int64, type_name: str) -> Bool:
        chosen: Bool = self._open[rows]
        if type_name:
            code = self._names.index(type_name) if type_name in self._names else -1
            chosen = chosen & (self._types[rows] == code)
        return chosen

    def _places(self, order: Order) -> Int64:
        """(P) the place of each row in an order, -1 where it is not in it."""
        if order not in self._place:
            places = np.full(len(self._open), -1, dtype=np.int64)
            places[self._orders[order]] = np.arange(len(self._orders[order]))
            self._place[order] = places
        return self._place[order]


def _shuffled(material: Material, rows: Int64) -> Int64:
    # By the identifiers: whoever reviews, today or tomorrow, goes the same way.
    keys = [
        hashlib.blake2b("\0".join(material.ids(int(row))).encode(), digest_size=8).digest() for row in rows
    ]
    return rows[sorted(range(len(rows)), key=keys.__getitem__)] if len(rows) else rows
