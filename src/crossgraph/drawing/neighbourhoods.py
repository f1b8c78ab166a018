"""Two neighbourhoods side by side, as SVG: who is the same as whom, and how much each one weighs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from crossgraph.drawing.texts import cut, plain, safe

# Drawn for a telephone's width; wider windows enlarge it.
WIDTH, TOP, ROW, HEIGHT = 380, 30, 38, 32
_BOX, _EDGE = 158, 14
_X = (_EDGE, WIDTH - _EDGE - _BOX)
_SPINE = (6, WIDTH - 6)


@dataclass(frozen=True, slots=True)
class Shown:
    """One neighbour.

    name, by   what it is called, and the relation that leads to it
    told       more about it, for pointers and screen readers
    width      of the line that leads to it, in pixels; dashed where the network does not see it
    address    where a click leads; nowhere if empty
    """

    name: str
    by: str
    told: str
    width: float = 1.2
    dashed: bool = False
    address: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A left and a right neighbour; joined where they may be the same.

    likely   probability that they are, which makes the joining line's width; 0 draws none
    note     a text above that line
    kind     how it is coloured: ``for``, ``against``, or ``likely``
    """

    left: Shown | None
    right: Shown | None
    likely: float = 0.0
    note: str = ""
    kind: str = "likely"


def neighbourhoods(names: tuple[str, str], rows: Sequence[Row]) -> str:
    """Both entities above their neighbours; neighbours that may be the same stand in one row."""
    height = TOP + ROW * max(len(rows), 1)
    drawn = [_row(row, TOP + ROW * at) for at, row in enumerate(rows)]
    if not rows:
        drawn = [_text("neither has a neighbour", WIDTH / 2, TOP + 20, "middle", "small")]
    centres = [
        _text(names[0], 2, 15, "start", "centre left", most=26),
        _text(names[1], WIDTH - 2, 15, "end", "centre right", most=26),
    ]
    links = any(one is not None and one.address for row in rows for one in (row.left, row.right))
    left, right = (safe(name, 200) for name in names)
    return (
        f"<svg class='around' viewBox='0 0 {WIDTH} {height}' role='{'group' if links else 'img'}' "
        f"aria-label='Neighbours of {left} and of {right}; those that may be the same are joined'>"
        f"{''.join(drawn)}{''.join(centres)}</svg>"
    )


def _row(row: Row, y: float) -> str:
    parts = []
    middle = y + HEIGHT / 2
    if row.likely > 0:
        start, end = _X[0] + _BOX, _X[1]
        parts.append(
            f"<line class='echo {row.kind}' x1='{start}' x2='{end}' y1='{middle:g}' y2='{middle:g}' "
            f"stroke-width='{0.8 + 6.0 * row.likely:.1f}'>"
            f"<title>the same with probability {row.likely:.2f}</title></line>"
        )
        if row.note:
            parts.append(_text(row.note, WIDTH / 2, middle - 6, "middle", "small"))
    for side, one in enumerate((row.left, row.right)):
        if one is not None:
            parts.append(_neighbour(one, side, y, echoed=row.likely > 0))
    return f"<g>{''.join(parts)}</g>"


def _neighbour(one: Shown, side: int, y: float, *, echoed: bool) -> str:
    """A neighbour's box, and the line that leads to it from its entity."""
    x, spine, middle = _X[side], _SPINE[side], y + HEIGHT / 2
    end = x if side == 0 else x + _BOX
    line = (
        f"<path class='edge{' unseen' if one.dashed else ''}' "
        f"d='M{spine} 20 C{spine} {middle:g} {spine} {middle:g} {end} {middle:g}' "
        f"stroke-width='{one.width:.1f}'/>"
    )
    box = (
        f"<title>{safe(one.told, 300)}</title>"
        f"<rect class='box{' echoed' if echoed else ''}' "
        f"x='{x}' y='{y:g}' width='{_BOX}' height='{HEIGHT}' rx='4'/>"
        + _text(one.by, x + 6, y + 12, "start", "small", most=30)
        + _text(one.name, x + 6, y + 26, "start", "name", most=24)
    )
    if not one.address:
        return f"{line}<g>{box}</g>"
    return f"{line}<a href='{escape(one.address, quote=True)}' aria-label='{safe(one.told, 300)}'>{box}</a>"


def _text(text: str, x: float, y: float, anchor: str, kind: str, *, most: int = 40) -> str:
    shown = escape(cut(plain(text, 200), most))
    return f"<text class='{kind}' x='{x:g}' y='{y:g}' text-anchor='{anchor}'>{shown}</text>"
