"""The neighbourhoods of two entities, drawn: each neighbour leads to its page."""

from __future__ import annotations

from itertools import zip_longest
from urllib.parse import urlencode

from crossgraph._types import Side
from crossgraph.drawing.neighbourhoods import Row, Shown, neighbourhoods
from crossgraph.drawing.texts import short_name
from crossgraph.reviewing.material import Material
from crossgraph.reviewing.surroundings import Surroundings
from crossgraph.reviewing.views import Neighbour


def draw(material: Material, pair: tuple[int, int], around: Surroundings) -> str:
    """Neighbours that are likely the same beside each other, then what only one side has."""
    rows = []
    for echo in around.echoes:
        names = material.left.name(echo.left.entity), material.right.name(echo.right.entity)
        chance = f"{echo.probability:.2f}"
        rows.append(
            Row(
                _shown(material, "left", echo.left, f"; likely the same as {names[1]}, {chance}"),
                _shown(material, "right", echo.right, f"; likely the same as {names[0]}, {chance}"),
                likely=echo.probability,
            )
        )
    rows += [
        Row(_shown(material, "left", a), _shown(material, "right", b))
        for a, b in zip_longest(around.left, around.right)
    ]
    return neighbourhoods((material.left.name(pair[0]), material.right.name(pair[1])), rows)


def _shown(material: Material, side: Side, one: Neighbour | None, echo: str = "") -> Shown | None:
    if one is None:
        return None
    view = material.view(side)
    name, relation = view.name(one.entity), short_name(one.relation.removeprefix("^"))
    back = one.relation.startswith("^")
    return Shown(
        name=name,
        by=f"{'←' if back else '→'} {relation}",
        told=f"{name}, {'from' if back else 'by'} {relation}{echo}",
        address="/entity?" + urlencode({"side": side, "id": view.id(one.entity)}),
    )
