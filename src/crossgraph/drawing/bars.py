"""Bars in lines of a list, each from one number to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from crossgraph.drawing.texts import safe

Kind = Literal["for", "against", "rest", "total"]


@dataclass(frozen=True, slots=True)
class Bar:
    """One line: a label, numbers as text, and a bar."""

    label: str
    numbers: str
    start: float
    end: float
    kind: Kind


def bars(lines: Sequence[Bar], *, reach: tuple[float, float] | None = None) -> str:
    """An ordered list of bars on one scale.

    reach   the ends of the scale; what the bars reach, and zero, if not given
    """
    low, high = reach or (
        min(0.0, *(min(line.start, line.end) for line in lines)),
        max(0.0, *(max(line.start, line.end) for line in lines)),
    )
    scale = 100.0 / ((high - low) or 1.0)
    return f"<ol class='bars'>{''.join(_line(line, low, scale) for line in lines)}</ol>"


def _line(line: Bar, low: float, scale: float) -> str:
    left, width = (min(line.start, line.end) - low) * scale, max(abs(line.end - line.start) * scale, 0.3)
    zero = -low * scale
    return (
        f"<li><span class='label'>{safe(line.label, 200)}</span>"
        f"<span class='number'>{safe(line.numbers)}</span>"
        "<svg class='track' viewBox='0 0 100 8' preserveAspectRatio='none' aria-hidden='true'>"
        f"<rect class='zero' x='{zero:.2f}' y='0' width='0.2' height='8'/>"
        f"<rect class='bar {line.kind}' x='{left:.2f}' y='1' width='{width:.2f}' height='6'/></svg></li>"
    )
