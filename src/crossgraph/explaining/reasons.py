"""Reasons of a pair: what spoke for it and against it, in log-odds that sum to its score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from crossgraph._types import Bool
from crossgraph.calibration import probabilities
from crossgraph.explaining.attention import Seen, attention
from crossgraph.explaining.backdrop import Backdrop
from crossgraph.explaining.clues import SIDES, Clue, Describer, Part
from crossgraph.explaining.reopening import Reopened
from crossgraph.explaining.rescoring import Rescorer
from crossgraph.explaining.shapley import ShareOptions, shares
from crossgraph.explaining.standing import Standing, standings
from crossgraph.explaining.verdict import Verdict, verdict

# What the rest is called.
NOTHING_COMMON = "start: two such entities with nothing in common"


@dataclass(frozen=True, slots=True)
class Reason:
    """One clue and what it is worth, in log-odds.

    share     what it adds to the score, see ``shapley``
    error     standard error of the share
    without   the pair's score, were only this clue removed from both graphs
    turns     True where that alone would turn the decision
    cross, own, weight   attention of the left and of the right neighbour, summed over its sampled edges;
                         None where the network does not see it
    """

    clue: Clue
    share: float
    error: float
    without: float
    turns: bool
    cross: tuple[float | None, float | None] = (None, None)
    own: tuple[float | None, float | None] = (None, None)
    weight: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True, slots=True)
class End:
    """One entity of a pair."""

    identifier: str
    name: str
    type: str


@dataclass(frozen=True)
class Explanation:
    """Why a pair has its score: ``rest + sum of shares = score``.

    rest       where the sum starts: what the model says of two such entities if nothing is common to them,
               less the shares of what one alone has and of rivals
    reasons    the strongest first
    standings  the pair among the left entity's candidates, and among the right one's
    together   numbers of the fewest of the strongest reasons that turn the decision when they are removed
               together; empty where one alone does, or nothing does
    """

    left: End
    right: End
    score: float
    probability: float
    rest: float
    reasons: tuple[Reason, ...]
    verdict: Verdict
    together: tuple[int, ...]
    standings: tuple[Standing, Standing]

    @property
    def turning(self) -> tuple[Reason, ...]:
        """The reasons of which each alone would turn the decision, the farthest turn first."""
        turns = [reason for reason in self.reasons if reason.turns]
        return tuple(sorted(turns, key=lambda reason: -abs(self.score - reason.without)))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "left": _end_dict(self.left),
            "right": _end_dict(self.right),
            "score": self.score,
            "probability": self.probability,
            "same": self.verdict.same,
            "decision": {
                "threshold": self.verdict.threshold,
                "rivals": self.verdict.rivals,
                "needed": self.verdict.needed if math.isfinite(self.verdict.needed) else None,
                "because": self.verdict.because,
            },
            "candidates": {side: asdict(one) for side, one in zip(SIDES, self.standings, strict=True)},
            "rest": self.rest,
            "reasons": [_reason_dict(reason) for reason in self.reasons],
            "turned_by": [self.reasons.index(reason) for reason in self.turning],
            "turned_together": list(self.together),
        }


class Explainer:
    """Explains pairs of an opened RESULT."""

    def __init__(self, opened: Reopened, *, options: ShareOptions | None = None) -> None:
        self.around = Backdrop(opened)
        self.describer = Describer(opened.preparation, opened.scored.probability)
        self.options = options or ShareOptions()

    def explain(self, left: int, right: int) -> Explanation:
        """The reasons of a candidate, given by the numbers of its entities.

        Raises ValueError where the pair is no candidate: ``reopen`` makes it one.
        """
        opened = self.around.opened
        place = opened.place(left, right)
        if place < 0:
            raise ValueError(f"({left}, {right}) is no candidate")
        seen = attention(self.around, place)
        rescorer = self.rescorer(left, right)
        moving = np.array([clue.both for clue in rescorer.clues], dtype=bool)
        divided = shares(rescorer, moving, options=self.options)
        # What the RESULT did not score has the score that all its clues give it.
        score = divided.whole if opened.strange[place] else float(opened.scored.score[place])
        decided = verdict(opened, place, score)
        found = [
            Reason(
                clue,
                share=float(divided.share[at]),
                error=float(divided.error[at]),
                without=score - float(divided.alone[at]),
                turns=clue.kind != "rivals" and decided.turned(score - float(divided.alone[at])),
                **_attended(clue, seen),
            )
            for at, clue in enumerate(rescorer.clues)
        ]
        order = sorted(range(len(found)), key=lambda at: -abs(found[at].share))
        together = _together(rescorer, found, order, decided)
        return Explanation(
            left=self._end(0, left),
            right=self._end(1, right),
            score=score,
            probability=float(probabilities(np.array(score))),
            rest=score - float(divided.share.sum()),
            reasons=tuple(found[at] for at in order),
            verdict=decided,
            together=together,
            standings=standings(opened, self.describer, (left, right), score),
        )

    def rescorer(self, left: int, right: int) -> Rescorer:
        """What scores a pair with some of its clues."""
        tensors = self.around.opened.tensors
        a, b = (
            set(side.neighbours[entity][side.mask[entity]].tolist())
            for side, entity in ((tensors.left, left), (tensors.right, right))
        )
        return Rescorer(self.around, (left, right), self.describer.clues((left, right), (a, b)))

    def _end(self, side: int, entity: int) -> End:
        graph = self.around.opened.preparation.graphs[side]
        name = self.describer.name(SIDES[side], entity)
        return End(str(graph.ids[entity]), name, graph.entity_type(entity))


def _together(
    rescorer: Rescorer, found: Sequence[Reason], order: Sequence[int], decided: Verdict
) -> tuple[int, ...]:
    """Places in ``order`` of the fewest of the strongest reasons that turn the decision together."""
    if decided.because or any(reason.turns for reason in found):
        return ()
    # What speaks for a match holds it up, what speaks against a pair keeps it down.
    sign = 1.0 if decided.same else -1.0
    facts = [place for place, at in enumerate(order) if found[at].clue.kind != "rivals"]
    holding = [place for place in facts if sign * found[order[place]].share > 0]
    kept: Bool = np.ones((len(holding), len(found)), dtype=bool)
    for number in range(len(holding)):
        kept[number, [order[place] for place in holding[: number + 1]]] = False
    for number, score in enumerate(rescorer(kept).tolist()):
        if decided.turned(score):
            return tuple(holding[: number + 1])
    return ()


def _attended(
    clue: Clue, seen: tuple[tuple[Seen, ...], tuple[Seen, ...]]
) -> dict[str, tuple[float | None, float | None]]:
    """Attention of both neighbours of a clue."""
    sides = [[one for one in seen[side] if one.edge in clue.parts[side].edges] for side in (0, 1)]
    return {what: (_sum_of(sides[0], what), _sum_of(sides[1], what)) for what in ("cross", "own", "weight")}


def _sum_of(edges: list[Seen], what: str) -> float | None:
    return sum(float(getattr(edge, what)) for edge in edges) if edges else None


def _end_dict(end: End) -> dict[str, str]:
    return {"id": end.identifier, "name": end.name, "type": end.type}


def _reason_dict(reason: Reason) -> dict[str, Any]:
    return {
        "kind": reason.clue.kind,
        "share": reason.share,
        "error": reason.error,
        "without": reason.without,
        "turns": reason.turns,
        "echo": reason.clue.echo,
        **{
            side: _part_dict(part, reason, at)
            for at, (side, part) in enumerate(zip(SIDES, reason.clue.parts, strict=True))
        },
    }


def _part_dict(part: Part, reason: Reason, at: int) -> dict[str, Any] | None:
    if part.empty:
        return None
    shown: dict[str, Any] = {"by": part.by, "shown": part.shown}
    if reason.clue.kind == "neighbour":
        shown |= {
            "id": part.identifier,
            "cross_attention": reason.cross[at],
            "self_attention": reason.own[at],
            "weight": reason.weight[at],
        }
    return shown
