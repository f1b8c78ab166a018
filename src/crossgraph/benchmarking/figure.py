"""The figure of a suite: lines over a sweep, or a dot for each method, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossgraph.benchmarking.suite import FigurePlan
from crossgraph.benchmarking.table import TITLES, Row
from crossgraph.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which people with any colour vision tell apart; without the pale yellow.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vPX"
# Texts stay texts, and identifiers are the same each time.
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "crossgraph",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(rows: Sequence[Row], plan: FigurePlan, file: Path) -> None:
    """Write the figure; the same rows give the same bytes with the same version of matplotlib.

    Points have the spread over the seeds; where PRAUC has a single seed, its bootstrap interval. Each data
    set has a panel. Lines: a row without a value is a level line. Dots: one below the other, the best black.

    Raises MissingExtraError without matplotlib.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError(
            "matplotlib, which draws the figure, is not installed", hint="pip install 'crossgraph[benchmark]'"
        ) from None
    panels = _panels(rows, plan)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(layout="constrained")
        (_line_panels if plan.kind == "line" else _dot_panels)(figure, panels, plan)
        figure.savefig(file, format="svg", metadata={"Date": None})


def _line_panels(figure: Figure, panels: Sequence[tuple[str, list[Row]]], plan: FigurePlan) -> None:
    figure.set_size_inches(min(1.2 + 3.2 * len(panels), 14.0), 3.2)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    looks = _looks([row for _, rows in panels for row in rows])
    for place, ((title, rows), one) in enumerate(zip(panels, axes, strict=True)):
        _lines(one, rows, plan, looks)
        one.set(title=title, ylabel=TITLES[plan.y] if place == 0 else "")
        one.grid(axis="y", linewidth=0.4, alpha=0.6)
    handles, names = _legend(axes)
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 4), frameon=False)


def _dot_panels(figure: Figure, panels: Sequence[tuple[str, list[Row]]], plan: FigurePlan) -> None:
    """One panel below the other, each as high as it has methods."""
    heights = [max(len(rows), 1) + 2.5 for _, rows in panels]
    figure.set_size_inches(7.0, 0.3 + 0.19 * sum(heights))
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for (title, rows), one in zip(panels, axes, strict=True):
        _dots(one, rows, plan)
        one.set_title(title, loc="left")
        one.grid(axis="x", linewidth=0.4, alpha=0.6)
    axes[-1].set_xlabel(TITLES[plan.y])


def _panels(rows: Sequence[Row], plan: FigurePlan) -> list[tuple[str, list[Row]]]:
    drawn = [row for row in rows if row.mean(plan.y) is not None]
    return [(name, list(group)) for name, group in groupby(drawn, key=lambda row: row.dataset)] or [("", [])]


def _looks(rows: Sequence[Row]) -> dict[str, int]:
    """The number of each line's colour, the same in all panels."""
    return {name: number for number, name in enumerate(dict.fromkeys(row.line for row in rows))}


def _lines(axes: Axes, rows: Sequence[Row], plan: FigurePlan, looks: dict[str, int]) -> None:
    places = _places(rows)
    for name, number in looks.items():
        members = [row for row in rows if row.line == name]
        colour = _COLOURS[number % len(_COLOURS)]
        for row in members:
            if row.x is None:
                axes.axhline(_height(row, plan), color=colour, linestyle="--", linewidth=1.2, label=name)
        swept = sorted((row for row in members if row.x is not None), key=lambda row: places[row.x])
        if swept:
            axes.errorbar(
                [places[row.x] for row in swept],
                [_height(row, plan) for row in swept],
                yerr=_bars_of_error(swept, plan),
                color=colour,
                marker=_MARKERS[number % len(_MARKERS)],
                markersize=4,
                linewidth=1.4,
                capsize=2,
                label=name,
            )
    _x_axis(axes, places, plan)


def _places(rows: Sequence[Row]) -> dict[Any, float]:
    """Where each value stands: numbers where they are, other values side by side."""
    values = list(dict.fromkeys(row.x for row in rows if row.x is not None))
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return {value: float(value) for value in values}
    return {value: float(place) for place, value in enumerate(values)}


def _x_axis(axes: Axes, places: dict[Any, float], plan: FigurePlan) -> None:
    if plan.log_x:
        positive = [place for place in places.values() if place > 0]
        # A plain logarithm has no place for 0, which sweeps often start from.
        axes.set_xscale("symlog", linthresh=min(positive, default=1.0))
        axes.minorticks_off()
    axes.set_xticks(list(places.values()), [str(value) for value in places])
    axes.set_xlabel(plan.x)


def _dots(axes: Axes, rows: Sequence[Row], plan: FigurePlan) -> None:
    errors = _bars_of_error(rows, plan)
    for place, row in enumerate(rows):
        axes.errorbar(
            [_height(row, plan)],
            [place],
            xerr=None if errors is None else [[errors[0][place]], [errors[1][place]]],
            color=_COLOURS[-1] if row.best else _COLOURS[0],
            marker="o",
            markersize=4,
            linewidth=1.4,
        )
    axes.set_yticks(range(len(rows)), [row.line if row.x is None else f"{row.line}, {row.x}" for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    if plan.log_x:
        axes.set_xscale("log")


def _height(row: Row, plan: FigurePlan) -> float:
    value = row.mean(plan.y)
    assert value is not None
    return value


def _bars_of_error(rows: Sequence[Row], plan: FigurePlan) -> list[list[float]] | None:
    """How far each error bar goes down and up; None where there is nothing to draw."""
    reaches = [_reach(row, plan) for row in rows]
    if not any(down or up for down, up in reaches):
        return None
    return [[down for down, _ in reaches], [up for _, up in reaches]]


def _reach(row: Row, plan: FigurePlan) -> tuple[float, float]:
    spread = row.spread(plan.y)
    if spread is not None:
        return spread, spread
    if plan.y != "prauc" or row.interval is None:
        return 0.0, 0.0
    # The interval of a skewed bootstrap need not hold the value itself.
    return max(_height(row, plan) - row.interval[0], 0.0), max(row.interval[1] - _height(row, plan), 0.0)


def _legend(axes: Sequence[Axes]) -> tuple[list[Any], list[str]]:
    """Each line once, though it may be in several panels."""
    found: dict[str, Any] = {}
    for one in axes:
        for handle, name in zip(*one.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    return list(found.values()), list(found)
