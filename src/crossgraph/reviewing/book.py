"""What stands after all that was said: the last word of each reviewer on each pair."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from crossgraph.reviewing.ledger import Entry

PairIds: TypeAlias = tuple[str, str]


class Book:
    """Entries as they stand. It is fed with them in any order, and can be fed on."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._said: dict[PairIds, dict[str, list[Entry]]] = defaultdict(dict)
        self._undone: set[str] = set()
        self.entries: list[Entry] = []
        self.take(entries)

    def take(self, entries: Iterable[Entry]) -> None:
        """Enter more."""
        for entry in entries:
            self.entries.append(entry)
            if entry.verdict == "undo":
                self._undone.add(entry.undoes)
            else:
                self._said[entry.pair].setdefault(entry.who, []).append(entry)

    def is_undone(self, entry: Entry) -> bool:
        """Whether a later entry took this one back."""
        return entry.id in self._undone

    def said(self, pair: PairIds) -> list[Entry]:
        """All that was ever said of a pair but the undoing, in the order of time."""
        every = (entry for said in self._said.get(pair, {}).values() for entry in said)
        return sorted(every, key=lambda entry: (entry.at, entry.id))

    def standing(self, pair: PairIds) -> Mapping[str, Entry]:
        """The last word of each reviewer on a pair; what was undone lets the word before stand again."""
        words = {}
        for who, said in self._said.get(pair, {}).items():
            left = [entry for entry in said if entry.id not in self._undone]
            if left:
                words[who] = max(left, key=lambda entry: (entry.at, entry.id))
        return words

    def pairs(self) -> Iterator[PairIds]:
        """The pairs that somebody has a standing word on, in the order of the first of them."""
        return (pair for pair in self._said if self.standing(pair))

    def settled(self, pair: PairIds) -> bool | None:
        """Whether a pair is the same, by the majority of the sure words; None without one."""
        words = [entry.verdict for entry in self.standing(pair).values()]
        balance = words.count("same") - words.count("different")
        return None if balance == 0 else balance > 0
