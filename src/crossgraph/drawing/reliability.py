"""The reliability diagram: the share of matches over the probability that was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossgraph.drawing.texts import safe

_SIZE, _MARGIN, _GAP = 260, 46, 34
_STYLE = """
svg { background: #fff; color: #1c2430; font: 12px system-ui, sans-serif; }
text { fill: currentColor; }
.frame { fill: none; stroke: #9aa2ad; } .even { stroke: #9aa2ad; stroke-dasharray: 4 4; }
.gap { stroke: #b4451f; stroke-width: 1.5; } .bin { fill: #1668a8; fill-opacity: .75; }
@media (prefers-color-scheme: dark) {
  svg { background: #14171c; color: #e6e9ee; } .gap { stroke: #f0915f; } .bin { fill: #62b0ee; }
}
"""


def reliability_diagram(told: Mapping[str, Mapping[str, Any]]) -> str:
    """An SVG picture with one frame for each kind of pairs of the report's ``held_out.calibration``.

    A dot is a bin of equally many pairs, its line the gap to what its probability promised; calibrated
    probabilities lie on the diagonal. The area of a dot is as the number of its pairs.
    """
    step = _SIZE + _MARGIN + _GAP
    width = len(told) * step
    height = _SIZE + 2 * _MARGIN
    frames = "".join(
        f"<g transform='translate({_MARGIN + place * step} {_MARGIN})'>{_frame(name, kind)}</g>"
        for place, (name, kind) in enumerate(told.items())
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' "
        f"height='{height}' role='img'><title>Reliability diagram</title><style>{_STYLE}</style>"
        f"{frames}</svg>\n"
    )


def _frame(name: str, kind: Mapping[str, Any]) -> str:
    error = kind["expected_calibration_error"]
    head = f"{name}: {kind['pairs']:,}" + ("" if error is None else f", error {error:.3f}")
    most = max((one["pairs"] for one in kind["bins"]), default=1)
    return (
        f"<text x='0' y='-12'>{safe(head)}</text><rect class='frame' width='{_SIZE}' height='{_SIZE}'/>"
        f"<line class='even' x1='0' y1='{_SIZE}' x2='{_SIZE}' y2='0'/>"
        + "".join(_bin(one, most) for one in kind["bins"])
        + "".join(_tick(value) for value in (0.0, 0.5, 1.0))
        + f"<text x='{_SIZE / 2}' y='{_SIZE + 34}' text-anchor='middle'>probability</text>"
        f"<text transform='translate(-32 {_SIZE / 2}) rotate(-90)' text-anchor='middle'>"
        "share of matches</text>"
    )


def _bin(one: Mapping[str, Any], most: int) -> str:
    x, share, even = (
        value * _SIZE for value in (one["probability"], 1.0 - one["share"], 1.0 - one["probability"])
    )
    radius = 5.0 * (one["pairs"] / most) ** 0.5
    words = f"{one['pairs']:,} pairs of probability {one['probability']:.3f}: {one['share']:.3f} are matches"
    return (
        f"<line class='gap' x1='{x:.1f}' x2='{x:.1f}' y1='{share:.1f}' y2='{even:.1f}'/>"
        f"<circle class='bin' cx='{x:.1f}' cy='{share:.1f}' r='{radius:.1f}'><title>{words}</title></circle>"
    )


def _tick(value: float) -> str:
    at = value * _SIZE
    return (
        f"<text x='{at}' y='{_SIZE + 16}' text-anchor='middle'>{value:g}</text>"
        f"<text x='-6' y='{_SIZE - at + 4}' text-anchor='end'>{value:g}</text>"
    )
