"""What reasons are called for people: in the terminal and on the page alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

from crossgraph.drawing.texts import LONGEST, plain
from crossgraph.explaining.clues import Clue, Part
from crossgraph.explaining.reasons import NOTHING_COMMON, Explanation, Reason
from crossgraph.explaining.standing import Standing

# Weaker reasons (log-odds) share a bar.
LEAST = 0.005


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of a waterfall: it leads from ``start`` to ``end`` (log-odds)."""

    label: str
    start: float
    end: float

    @property
    def gain(self) -> float:
        """What the bar adds."""
        return self.end - self.start


def waterfall(explanation: Explanation, *, most: int = 12) -> list[Step]:
    """The rest, the strongest reasons, and all weaker ones as one bar; the last bar ends at the score."""
    shown = [reason for reason in explanation.reasons if abs(reason.share) >= LEAST][:most]
    weak = explanation.reasons[len(shown) :]
    bars = [(NOTHING_COMMON, explanation.rest)]
    bars += [(told(reason.clue), reason.share) for reason in shown]
    if weak:
        bars.append(
            (
                f"{len(weak):,} weaker {'reasons' if len(weak) > 1 else 'reason'}",
                sum(reason.share for reason in weak),
            )
        )
    steps, at = [], 0.0
    for label, gain in bars:
        steps.append(Step(label, at, at + gain))
        at += gain
    return steps


def told(clue: Clue, *, most: int = LONGEST) -> str:
    """A clue as text."""
    if clue.kind == "rivals":
        return "other candidates of the two"
    if clue.both:
        return f"{_side(clue.left, most)} ~ {_side(clue.right, most)}"
    part, side = (clue.right, "right") if clue.left.empty else (clue.left, "left")
    return f"{_side(part, most)} (only on the {side})"


def signed(value: float) -> str:
    """Log-odds with their sign and two digits; what rounds to nothing has no sign."""
    text = f"{value:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text


def decision(explanation: Explanation) -> str:
    """What was decided, and from where on."""
    found = explanation.verdict
    what = "the same" if found.same else "not the same"
    chance = f"probability {explanation.probability:.3f}, log-odds {signed(explanation.score)}"
    if found.because:
        return f"{what}, because {found.because}; {chance}"
    if math.isinf(found.needed):
        return f"{what}: rivals are too strong for any probability; {chance}"
    why = "its rivals" if found.rivals > found.threshold else "the threshold of its type"
    return f"{what}; {chance}; it is the same from {signed(found.needed)} on, because of {why}"


def turning(explanation: Explanation) -> list[str]:
    """What would turn the decision."""
    if explanation.verdict.because:
        return [f"Nothing that is said of the two would turn it: {explanation.verdict.because}."]
    if explanation.turning:
        return [
            f"Without {told(reason.clue)} it would be decided otherwise: {signed(reason.without)}."
            for reason in explanation.turning[:3]
        ]
    if explanation.together:
        names = "; ".join(told(explanation.reasons[at].clue) for at in explanation.together)
        return [f"No single fact would turn it; without these together it would turn: {names}."]
    return ["No single fact would turn it, nor would all together that hold it."]


def leading(explanation: Explanation) -> list[str]:
    """Which candidate of either entity leads, and by how much."""
    ends = explanation.left, explanation.right
    return [
        _leading(plain(end.name), found, explanation.score)
        for end, found in zip(ends, explanation.standings, strict=True)
    ]


def _leading(name: str, found: Standing, score: float) -> str:
    if found.count == 1:
        return f"{name} has no other candidate."
    other = f"{plain(found.other)} ({plain(found.identifier)})"
    if found.place == 1:
        gap = f"{signed(found.score)}, {score - found.score:.2f} less"
        return f"Of {found.count:,} candidates of {name} this one leads; {other} follows with {gap}."
    before = f"{other} leads with {signed(found.score)}"
    return f"Of {found.count:,} candidates of {name} this one is number {found.place:,}; {before}."


def attended(reason: Reason, side: int) -> str:
    """Both attentions of a neighbour; empty where the network does not see it."""
    cross, own, weight = reason.cross[side], reason.own[side], reason.weight[side]
    if cross is None or own is None or weight is None:
        return ""
    return f"cross {cross:.2f}, self {own:.2f}, weight {weight:.2f}"


def _side(part: Part, most: int) -> str:
    return f"{plain(part.by, most)}: {plain(part.shown, most)}"
