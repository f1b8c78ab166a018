"""Two neighbourhoods side by side as a drawing: where every box and line goes."""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import east_asian_width

from crossgraph._types import Side
from crossgraph.reviewing.material import Material
from crossgraph.reviewing.surroundings import Surroundings
from crossgraph.reviewing.views import Neighbour

WIDTH, STEP, HEIGHT, MARGIN = 960, 50, 42, 8
_CENTRE_WIDTH, _WIDTH = 180, 220
_X: dict[Side, tuple[int, int]] = {
    "left": (4, 236),
    "right": (WIDTH - 4 - _CENTRE_WIDTH, WIDTH - 236 - _WIDTH),
}


@dataclass(frozen=True, slots=True)
class Box:
    """An entity; ``label`` is what a screen reader says."""

    side: Side
    id: str
    x: int
    y: int
    width: int
    name: str
    relation: str
    label: str
    echoed: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line; ``thickness`` follows the probability of an echo."""

    x1: int
    y1: int
    x2: int
    y2: int
    thickness: float
    echo: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn. Nothing around either entity: no boxes but the two."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def draw(material: Material, pair: tuple[int, int], around: Surroundings) -> Picture:
    """Both entities outside, their neighbours inside, those that are likely the same beside each other."""
    boxes: list[Box] = []
    for row, echo in enumerate(around.echoes):
        names = material.left.name(echo.left.entity), material.right.name(echo.right.entity)
        chance = f"{echo.probability:.2f}"
        boxes.append(_box(material, "left", echo.left, row, f"likely the same as {names[1]}, {chance}"))
        boxes.append(_box(material, "right", echo.right, row, f"likely the same as {names[0]}, {chance}"))
    for row, one in enumerate(around.left, start=len(around.echoes)):
        boxes.append(_box(material, "left", one, row))
    for row, one in enumerate(around.right, start=len(around.echoes)):
        boxes.append(_box(material, "right", one, row))
    rows = max((box.y for box in boxes), default=MARGIN) // STEP + 1
    height = rows * STEP + MARGIN
    centres = [
        _centre(material, "left", pair[0], height),
        _centre(material, "right", pair[1], height),
    ]
    lines = [_spoke(centres[box.side == "right"], box) for box in boxes]
    lines += [
        Line(
            _X["left"][1] + _WIDTH, _middle(row), _X["right"][1], _middle(row), 1 + 4 * echo.probability, True
        )
        for row, echo in enumerate(around.echoes)
    ]
    return Picture(WIDTH, height, (*centres, *boxes), tuple(lines))


def _box(material: Material, side: Side, one: Neighbour, row: int, echo: str = "") -> Box:
    view = material.view(side)
    relation = one.relation.removeprefix("^")
    back = one.relation.startswith("^")
    name = view.name(one.entity)
    said = f"{name}, {'from' if back else 'by'} {short_name(relation)}" + (f"; {echo}" if echo else "")
    shown = f"{'←' if back else '→'} {cut(short_name(relation), 28)}"
    y = MARGIN + row * STEP
    return Box(side, view.id(one.entity), _X[side][1], y, _WIDTH, cut(name, 24), shown, said, bool(echo))


def _centre(material: Material, side: Side, entity: int, height: int) -> Box:
    view = material.view(side)
    name = view.name(entity)
    # In the middle, but never so low that one has to scroll to see whose neighbours these are.
    y = min((height - HEIGHT) // 2, MARGIN + 2 * STEP)
    return Box(
        side, view.id(entity), _X[side][0], y, _CENTRE_WIDTH, cut(name, 18), side, f"{name}, {side}", False
    )


def _spoke(centre: Box, box: Box) -> Line:
    ours = centre.x + centre.width if box.side == "left" else centre.x
    other = box.x if box.side == "left" else box.x + box.width
    return Line(ours, centre.y + HEIGHT // 2, other, box.y + HEIGHT // 2, 1.0, False)


def _middle(row: int) -> int:
    return MARGIN + row * STEP + HEIGHT // 2


def short_name(name: str) -> str:
    """The last part of an IRI, or the name as it is."""
    if "://" not in name:
        return name
    return name.rstrip("/#").replace("#", "/").rsplit("/", 1)[-1] or name


def cut(text: str, most: int) -> str:
    """A text that fits into a box; letters of East Asian scripts are twice as wide as others."""
    room = most
    for place, letter in enumerate(text):
        room -= 2 if east_asian_width(letter) in "WF" else 1
        if room < 0:
            return text[:place].rstrip() + "…"
    return text
