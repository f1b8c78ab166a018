"""Why not the other one? Two candidates of one entity, reason by reason."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from crossgraph._types import Side
from crossgraph.explaining.reasons import NOTHING_COMMON, Explanation, Reason


@dataclass(frozen=True, slots=True)
class Difference:
    """What one value or neighbour of the shared entity is worth beside either candidate, in log-odds.

    by, shown     of the shared entity; empty where only the candidates have it
    mine, other   shares beside the pair and beside the other candidate
    """

    by: str
    shown: str
    mine: float
    other: float

    @property
    def difference(self) -> float:
        """By how much it prefers the pair."""
        return self.mine - self.other


@dataclass(frozen=True)
class Contrast:
    """A pair beside another candidate of one of its entities; differences sum to that of the scores.

    shared   the side of the entity that both have
    """

    pair: Explanation
    other: Explanation
    shared: Side
    differences: tuple[Difference, ...]

    def as_dict(self) -> dict[str, Any]:
        """What is new beside the two explanations, for JSON."""
        return {
            "shared": self.shared,
            "differences": [
                {
                    "by": one.by,
                    "shown": one.shown,
                    "share": one.mine,
                    "other_share": one.other,
                    "difference": one.difference,
                }
                for one in self.differences
            ],
        }


def contrast(pair: Explanation, other: Explanation, *, shared: Side) -> Contrast:
    """Compare two explanations that share their left or their right entity."""
    mine, theirs = _by_fact(pair, shared), _by_fact(other, shared)
    rows = [Difference(*key, mine.get(key, 0.0), theirs.get(key, 0.0)) for key in {**mine, **theirs}]
    rows.append(Difference("", NOTHING_COMMON, pair.rest, other.rest))
    rows.sort(key=lambda row: (-abs(row.difference), row.by, row.shown))
    return Contrast(pair, other, shared, tuple(rows))


def _by_fact(explanation: Explanation, shared: Side) -> dict[tuple[str, str], float]:
    """Shares by what the shared entity has; what only the candidate has makes one row."""
    shares: dict[tuple[str, str], float] = defaultdict(float)
    for reason in explanation.reasons:
        shares[_fact(reason, shared)] += reason.share
    return dict(shares)


def _fact(reason: Reason, shared: Side) -> tuple[str, str]:
    if reason.clue.kind == "rivals":
        return "", "other candidates of the two"
    part = reason.clue.left if shared == "left" else reason.clue.right
    return ("", "what only the candidate has") if part.empty else (part.by, part.shown)
