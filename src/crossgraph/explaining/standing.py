"""Where a pair stands among the candidates of its two entities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossgraph.explaining.clues import SIDES, Describer
from crossgraph.explaining.reopening import Reopened


@dataclass(frozen=True, slots=True)
class Standing:
    """One entity's candidates by score.

    place        of the pair, 1 for the first
    count        how many there are, the pair included
    other        name of the strongest other candidate; empty where there is none
    identifier   its identifier
    score        its log-odds
    """

    place: int
    count: int
    other: str = ""
    identifier: str = ""
    score: float = 0.0


def standings(
    opened: Reopened, describer: Describer, pair: tuple[int, int], score: float
) -> tuple[Standing, Standing]:
    """Among the left entity's candidates, and among the right one's."""
    left, right = (_standing(opened, describer, pair, side, score) for side in (0, 1))
    return left, right


def _standing(
    opened: Reopened, describer: Describer, pair: tuple[int, int], side: int, score: float
) -> Standing:
    candidates = opened.preparation.candidates
    mine, theirs = (candidates.left, candidates.right)[:: -1 if side else 1]
    rivals = np.flatnonzero((mine == pair[side]) & (theirs != pair[1 - side]) & ~opened.strange)
    if not len(rivals):
        return Standing(1, 1)
    scores = opened.scored.score[rivals]
    best = int(rivals[np.argmax(scores)])
    entity = int(theirs[best])
    return Standing(
        place=1 + int((scores > score).sum()),
        count=1 + len(rivals),
        other=describer.name(SIDES[1 - side], entity),
        identifier=str(opened.preparation.graphs[1 - side].ids[entity]),
        score=float(scores.max()),
    )
