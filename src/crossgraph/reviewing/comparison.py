"""Two entities side by side: their attributes aligned, and what differs in each value marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

from rapidfuzz.fuzz import ratio

from crossgraph.reviewing.material import Material
from crossgraph.reviewing.views import Fact

State: TypeAlias = Literal["equal", "shared", "close", "different", "left", "right"]

CLOSE = 70.0  # a rapidfuzz ratio, in percent, from which two values are told to be close
MOST_VALUES = 12
MOST_LETTERS = 600


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a value; ``same`` if the value beside it has it too."""

    text: str
    same: bool


@dataclass(frozen=True, slots=True)
class Value:
    """A value in pieces, with its language or datatype."""

    pieces: tuple[Piece, ...]
    tag: str


@dataclass(frozen=True, slots=True)
class Row:
    """One attribute of both entities; a name is empty where that graph has no such attribute here.

    more   how many values of each side are not shown
    """

    left_name: str
    right_name: str
    left: tuple[Value, ...]
    right: tuple[Value, ...]
    state: State
    more: tuple[int, int]


def compare(material: Material, left: int, right: int) -> list[Row]:
    """All attributes of two entities, corresponding ones in one row.

    First what both have, then what only one has. Attributes correspond by the schema mapping, strongest
    first and one to one, and by having one name.
    """
    ours, theirs = _by_attribute(material.left.facts(left)), _by_attribute(material.right.facts(right))
    rows = []
    for first, second in _aligned(material, list(ours), list(theirs)):
        rows.append(_row(first, second, ours.get(first, ()), others=theirs.get(second, ())))
    return rows


def mark(left: str, right: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Two texts in pieces: words and signs that both have in this order, and those that differ."""
    a, b = _words(left), _words(right)
    matcher = SequenceMatcher(None, [word.casefold() for word in a], [word.casefold() for word in b], False)
    ours: list[Piece] = []
    theirs: list[Piece] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        same = kind == "equal"
        ours += [Piece("".join(a[i:j]), same)] if j > i else []
        theirs += [Piece("".join(b[k:m]), same)] if m > k else []
    return tuple(ours), tuple(theirs)


def shorten(text: str) -> str:
    """A text that is no longer than a page can bear."""
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def _by_attribute(facts: Sequence[Fact]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        found.setdefault(fact.attribute, []).append(fact)
    return found


def _aligned(material: Material, ours: list[str], theirs: list[str]) -> list[tuple[str, str]]:
    """Corresponding names, then names of one side alone with an empty other."""
    pairs: list[tuple[str, str]] = []
    mapped = [(row.left, row.right) for row in material.schema.attributes]
    for first, second in [*mapped, *((name, name) for name in ours if name in theirs)]:
        free = first not in {a for a, _ in pairs} and second not in {b for _, b in pairs}
        if free and first in ours and second in theirs:
            pairs.append((first, second))
    taken = {a for a, _ in pairs}, {b for _, b in pairs}
    return [
        *pairs,
        *((name, "") for name in ours if name not in taken[0]),
        *(("", name) for name in theirs if name not in taken[1]),
    ]


def _row(first: str, second: str, facts: Sequence[Fact], *, others: Sequence[Fact]) -> Row:
    more = max(len(facts) - MOST_VALUES, 0), max(len(others) - MOST_VALUES, 0)
    if not facts or not others:
        state: State = "left" if facts else "right"
        return Row(first, second, _plain(facts), _plain(others), state, more)
    state = _state(facts, others)
    return Row(first, second, _marked(facts, others), _marked(others, facts), state, more)


def _state(facts: Sequence[Fact], others: Sequence[Fact]) -> State:
    a, b = {_normal(fact.value) for fact in facts}, {_normal(fact.value) for fact in others}
    if a == b:
        return "equal"
    if a & b:
        return "shared"
    best = max(ratio(x, y) for x in sorted(a)[:MOST_VALUES] for y in sorted(b)[:MOST_VALUES])
    return "close" if best >= CLOSE else "different"


def _normal(text: str) -> str:
    """A text with which equal things are equal: case, spaces, and the spelling of numbers do not count."""
    plain = " ".join(text.split()).casefold()
    try:
        return repr(float(plain)) if re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,15})?", plain) else plain
    except ValueError:  # digits of a script that float does not read
        return plain


def _plain(facts: Sequence[Fact]) -> tuple[Value, ...]:
    return tuple(Value((Piece(shorten(fact.value), same=False),), fact.tag) for fact in facts[:MOST_VALUES])


def _marked(facts: Sequence[Fact], others: Sequence[Fact]) -> tuple[Value, ...]:
    """Each value beside the nearest one of the other side."""
    values = []
    for fact in facts[:MOST_VALUES]:
        text = shorten(fact.value)
        nearest = max((shorten(other.value) for other in others[:MOST_VALUES]), key=lambda o: ratio(text, o))
        alike = _normal(text) == _normal(nearest)
        pieces = (Piece(text, same=True),) if alike else mark(text, nearest)[0]
        values.append(Value(pieces, fact.tag))
    return tuple(values)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|\W", text)
