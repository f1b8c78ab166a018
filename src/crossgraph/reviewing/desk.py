"""A review under way: the material, the ledger, and each reviewer's queue, kept in step."""

from __future__ import annotations

import numpy as np

from crossgraph.reviewing.agreement import Accord, accord_of
from crossgraph.reviewing.book import Book, PairIds
from crossgraph.reviewing.estimate import Parts, Precision, estimate_precision
from crossgraph.reviewing.ledger import Entry, Ledger, Saying, Verdict
from crossgraph.reviewing.material import Material
from crossgraph.reviewing.queue import Queue

_MANY = 100  # pairs from which looking all up at once is faster than one by one


class Desk:
    """Where decisions are made. Not for several threads at once.

    settled     the rows that reviewers settled, and whether as the same
    unlearned   the pairs that they settled otherwise than the model was told, or that it was not told

    Others may write to the ledger meanwhile: ``refresh`` reads what is new, at the cost of what is new.
    """

    def __init__(self, material: Material) -> None:
        self.material = material
        self.book = Book()
        self.settled: dict[int, bool] = {}
        self.unlearned: set[PairIds] = set()
        known = material.known
        self._told = dict(zip(zip(known.left, known.right, strict=True), known.label.tolist(), strict=True))
        self._ledger = Ledger(material.folder.ledger_file)
        self._number = 0
        self._rows: dict[PairIds, int] = {}
        self._queue = Queue(material)
        self._queues: dict[str, Queue] = {}
        matched = np.flatnonzero(material.pairs.matched)
        self._parts = Parts.by(material.pairs.probability[matched])
        self._verdicts = np.full(len(matched), np.nan)
        self._place = {int(row): place for place, row in enumerate(matched)}
        self.refresh()

    def refresh(self) -> None:
        """Take in what was written since."""
        new = self._ledger.after(self._number)
        if new:
            self._number = new[-1][0]
            self.book.take(entry for _, entry in new)
            pairs = {entry.pair for _, entry in new}
            unknown = [pair for pair in pairs if pair not in self._rows]
            if len(unknown) > _MANY:
                self._rows.update(zip(unknown, self.material.rows(unknown), strict=True))
            for pair in pairs:
                self._update(pair)

    def queue(self, who: str) -> Queue:
        """The queue of a reviewer."""
        if who not in self._queues:
            queue = self._queues[who] = self._queue.fresh()
            spoken = (pair for pair in self.book.pairs() if who in self.book.standing(pair))
            queue.close(row for pair in spoken if (row := self.row(pair)) >= 0)
        return self._queues[who]

    def row(self, pair: PairIds) -> int:
        """The row of a pair, -1 if it was not scored."""
        if pair not in self._rows:
            self._rows[pair] = self.material.row(pair)
        return self._rows[pair]

    def decide(self, who: str, pair: PairIds, verdict: Verdict, *, why: str = "") -> Entry:
        """Record a decision with what the model says of the pair now."""
        row = self.row(pair)
        probability = float(self.material.pairs.probability[row]) if row >= 0 else None
        entry = self._ledger.record(
            Saying(who=who, left=pair[0], right=pair[1], verdict=verdict, why=why, probability=probability)
        )
        self.refresh()
        return entry

    def undo(self, who: str) -> PairIds | None:
        """Take back a reviewer's last decision; its pair, or None if there is none."""
        entry = self._ledger.undo(who)
        self.refresh()
        return entry.pair if entry else None

    def precision(self) -> Precision | None:
        """How good the model's matches are, by what is settled so far."""
        return estimate_precision(self._parts, self._verdicts)

    def accord(self) -> Accord:
        """How far the reviewers agree."""
        return accord_of(self.book)

    def _update(self, pair: PairIds) -> None:
        row, same = self.row(pair), self.book.settled(pair)
        if same is None or same == self._told.get(pair):
            self.unlearned.discard(pair)
        else:
            self.unlearned.add(pair)
        if row < 0:
            return
        if same is None:
            self.settled.pop(row, None)
        else:
            self.settled[row] = same
        if row in self._place:
            self._verdicts[self._place[row]] = np.nan if same is None else float(same)
        spoken = self.book.standing(pair)
        for who, queue in self._queues.items():
            if who in spoken:
                queue.close([row])
            else:
                queue.reopen(row)
