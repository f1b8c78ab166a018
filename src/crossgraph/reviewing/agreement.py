"""How far reviewers agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from crossgraph.reviewing.book import Book, PairIds


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two reviewers on the pairs that both are sure of.

    kappa   Cohen's: agreement beyond chance, 1 at most; None where both always say the same one thing
    """

    first: str
    second: str
    pairs: int
    agreed: int
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Accord:
    """All reviewers.

    alpha   Krippendorff's, nominal: like kappa, for any number of reviewers and gaps; None where undefined
    """

    said: Mapping[str, Mapping[str, int]]
    between: tuple[Agreement, ...]
    alpha: float | None
    disputed: tuple[tuple[str, str], ...]


def accord_of(book: Book) -> Accord:
    """What each reviewer said how often, and how far they agree; unsure ones count in the first only."""
    said: dict[str, Counter[str]] = {}
    sure: dict[PairIds, dict[str, str]] = {}
    for pair in book.pairs():
        words = {who: entry.verdict for who, entry in book.standing(pair).items()}
        for who, verdict in words.items():
            said.setdefault(who, Counter())[verdict] += 1
        sure[pair] = {who: verdict for who, verdict in words.items() if verdict != "unsure"}
    units = list(sure.values())
    return Accord(
        said={who: dict(said[who]) for who in sorted(said)},
        between=tuple(found for two in combinations(sorted(said), 2) if (found := _between(units, *two))),
        alpha=krippendorff_alpha([list(words.values()) for words in units]),
        disputed=tuple(pair for pair, words in sure.items() if len(set(words.values())) > 1),
    )


def krippendorff_alpha(units: Sequence[Sequence[Hashable]]) -> float | None:
    """Nominal alpha over units with the values that raters gave; None where all values are the same.

    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
    """
    paired = [unit for unit in units if len(unit) >= 2]
    totals = Counter(value for unit in paired for value in unit)
    count = sum(totals.values())
    expected = count * count - sum(n * n for n in totals.values())
    if not expected:
        return None
    observed = sum(
        (len(unit) ** 2 - sum(n * n for n in Counter(unit).values())) / (len(unit) - 1) for unit in paired
    )
    return 1 - (count - 1) * observed / expected


def cohen_kappa(words: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Kappa of two raters over what both said of each unit; None where chance alone agrees always."""
    size = len(words)
    first, second = Counter(a for a, _ in words), Counter(b for _, b in words)
    by_chance = sum(first[value] * second[value] for value in first)
    if not size or by_chance == size * size:
        return None
    agreed = sum(a == b for a, b in words)
    return (agreed * size - by_chance) / (size * size - by_chance)


def _between(sure: Sequence[Mapping[str, str]], first: str, second: str) -> Agreement | None:
    words = [(said[first], said[second]) for said in sure if first in said and second in said]
    if not words:
        return None
    return Agreement(first, second, len(words), sum(a == b for a, b in words), cohen_kappa(words))
