"""Two neighbourhoods side by side, as SVG."""

from __future__ import annotations

from html import escape
from itertools import zip_longest

from crossgraph.explaining.clues import Part
from crossgraph.explaining.reasons import Explanation, Reason
from crossgraph.explaining.wording import attended, plain, signed

# Drawn for a telephone's width; wider windows enlarge it.
WIDTH, TOP, ROW = 380, 56, 34
MOST_ROWS = 24
SPINE, TEXT, GAP, LONGEST = 10, 34, 26, 21


def neighbourhoods(found: Explanation) -> str:
    """Both entities above their neighbours; neighbours that echo each other stand in one row."""
    around = [reason for reason in found.reasons if reason.clue.kind in ("neighbour", "others")]
    rows = _side_by_side(around)
    height = TOP + ROW * max(len(rows), 1)
    shown = [(reason, TOP + ROW * at) for at, row in enumerate(rows) for reason in row]
    drawn = [_row(reason, y) for reason, y in shown]
    centres = [
        _label(found.left.name, SPINE - 4, 16, "start", "centre"),
        _label(found.right.name, WIDTH - SPINE + 4, 16, "end", "centre"),
    ]
    if not rows:
        drawn = [_label("neither has a neighbour", WIDTH / 2, TOP, "middle", "small")]
    left, right = escape(plain(found.left.name)), escape(plain(found.right.name))
    more = len(around) - len(shown)
    note = f"<p class='note'>{more:,} weaker neighbours are not drawn.</p>" if more else ""
    return (
        f"<svg class='around' viewBox='0 0 {WIDTH} {height}' role='img' "
        f"aria-label='Neighbours of {left} and of {right}'>{''.join(drawn)}{''.join(centres)}</svg>{note}"
    )


def _side_by_side(around: list[Reason]) -> list[list[Reason]]:
    """Rows of neighbours: first those that echo each other, then the others of either side by strength."""
    both = [[reason] for reason in around if reason.clue.both]
    left = [reason for reason in around if reason.clue.right.empty]
    right = [reason for reason in around if reason.clue.left.empty]
    others = [[one for one in row if one is not None] for row in zip_longest(left, right)]
    return [*both, *others][:MOST_ROWS]


def _row(reason: Reason, y: float) -> str:
    clue = reason.clue
    parts = []
    if clue.both:
        kind = "for" if reason.share >= 0 else "against"
        width = 0.8 + 6.0 * clue.echo
        start, end = WIDTH / 2 - GAP, WIDTH / 2 + GAP
        parts.append(
            f"<line class='echo {kind}' x1='{start}' x2='{end}' y1='{y}' y2='{y}' "
            f"stroke-width='{width:.1f}'><title>the same with probability {clue.echo:.2f}</title></line>"
        )
        parts.append(_label(signed(reason.share), WIDTH / 2, y - 7, "middle", "small"))
    for side, part in enumerate(clue.parts):
        if not part.empty:
            parts.append(_neighbour(reason, part, side, y))
    return f"<g>{''.join(parts)}</g>"


def _neighbour(reason: Reason, part: Part, side: int, y: float) -> str:
    """A neighbour with the line that leads to it from its entity."""
    weight = reason.weight[side]
    spine, text = (SPINE, TEXT) if side == 0 else (WIDTH - SPINE, WIDTH - TEXT)
    anchor = "start" if side == 0 else "end"
    seen = "" if weight is not None else " unseen"
    width = 0.8 + 7.0 * (weight or 0.0)
    near = text - 6 if side == 0 else text + 6
    share = "" if reason.clue.both else f" {signed(reason.share)}"
    told = " · ".join(word for word in (part.by, attended(reason, side)) if word)
    return (
        f"<path class='edge{seen}' d='M{spine} 24 C{spine} {y} {spine} {y} {near} {y}' "
        f"stroke-width='{width:.1f}'><title>{escape(plain(told, 300))}</title></path>"
        + _label(part.shown, text, y, anchor, "name")
        + _label(f"{plain(part.by, 18)}{share}", text, y + 11, anchor, "small")
    )


def _label(text: str, x: float, y: float, anchor: str, kind: str) -> str:
    """A text that is cut where it would reach the other side; its title has all of it."""
    most = LONGEST if kind == "name" else 26
    whole = escape(plain(text, 200))
    return (
        f"<text class='{kind}' x='{x:g}' y='{y:g}' text-anchor='{anchor}'>"
        f"<title>{whole}</title>{escape(plain(text, most))}</text>"
    )
