"""The two neighbourhoods of an explanation, drawn."""

from __future__ import annotations

from itertools import zip_longest

from crossgraph.drawing.neighbourhoods import Row, Shown, neighbourhoods
from crossgraph.explaining.clues import Part
from crossgraph.explaining.reasons import Explanation, Reason
from crossgraph.explaining.wording import attended, signed

MOST_ROWS = 24


def picture(found: Explanation) -> str:
    """Neighbours that echo each other stand in one row; lines are as wide as weights."""
    around = [reason for reason in found.reasons if reason.clue.kind in ("neighbour", "others")]
    both = [reason for reason in around if reason.clue.both]
    left = [reason for reason in around if reason.clue.right.empty]
    right = [reason for reason in around if reason.clue.left.empty]
    rows = [_echo(reason) for reason in both]
    rows += [Row(_shown(a, 0), _shown(b, 1)) for a, b in zip_longest(left, right)]
    drawn = neighbourhoods((found.left.name, found.right.name), rows[:MOST_ROWS])
    more = sum((row.left is not None) + (row.right is not None) for row in rows[MOST_ROWS:])
    note = f"<p class='hint'>{more:,} weaker neighbours are not drawn.</p>" if more else ""
    return drawn + note


def _echo(reason: Reason) -> Row:
    kind = "for" if reason.share >= 0 else "against"
    return Row(_shown(reason, 0), _shown(reason, 1), reason.clue.echo, signed(reason.share), kind)


def _shown(reason: Reason | None, side: int) -> Shown | None:
    if reason is None:
        return None
    part: Part = reason.clue.parts[side]
    weight = reason.weight[side]
    share = "" if reason.clue.both else signed(reason.share)
    told = " · ".join(word for word in (part.by, part.shown, attended(reason, side)) if word)
    return Shown(
        name=part.shown,
        by=f"{share} {part.by}".strip(),
        told=told,
        width=0.8 + 7.0 * (weight or 0.0),
        dashed=weight is None,
    )
