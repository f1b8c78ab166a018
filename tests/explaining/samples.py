"""An explanation of two films, made by hand."""

from __future__ import annotations

from crossgraph.explaining.clues import Clue, Part
from crossgraph.explaining.reasons import End, Explanation, Reason
from crossgraph.explaining.standing import Standing
from crossgraph.explaining.verdict import Verdict


def explanation(name: str = "Solaris", *, score: float = 3.0) -> Explanation:
    """Two films: a title, a director that both have, one of the cast on the right, others on the left."""
    neighbour = Clue(
        "neighbour", Part("director", name, 3, name, (), (0,)), Part("by", name, 4, name, (), (1,)), 0.9
    )
    reasons = (
        Reason(
            Clue("attribute", Part(name, name, attributes=(0,)), Part("label", name, attributes=(1,))),
            2.5,
            0,
            0.5,
            False,
        ),
        Reason(neighbour, 1.25, 0, -1.0, True, (0.7, 0.6), (0.5, 0.4), (0.9, 0.1)),
        Reason(Clue("rivals"), -0.75, 0, 3.75, False),
        Reason(Clue("neighbour", right=Part("cast", name, 9, name, (), (2,))), -0.25, 0, 3.25, False),
        Reason(Clue("others", left=Part(name, "100 more", edges=(4, 5))), -0.001, 0, 3.0, False),
    )
    rest = score - sum(reason.share for reason in reasons)
    decided = Verdict(True, False, 0.5, 0.01, 0.0)
    return Explanation(
        *(End(name, name, name), End("r1", name, "film"), score, 0.95, rest, reasons, decided, ()),
        standings=(Standing(2, 3, name, name, score + 1.0), Standing(1, 1)),
    )
