"""An explanation as one HTML page: no script, no request, every text of a graph escaped."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from crossgraph.explaining.answer import Answer
from crossgraph.explaining.contrast import Contrast
from crossgraph.explaining.drawing import neighbourhoods
from crossgraph.explaining.reasons import End, Explanation, Reason
from crossgraph.explaining.wording import Step, decision, plain, signed, told, turning, waterfall

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def page(answer: Answer) -> str:
    """The page of an answer, complete in itself."""
    found = answer.explanation
    parts = [
        _heading(found),
        *(_contrast(answer.contrast) if answer.contrast else []),
        "<h2>What the score is made of</h2>",
        '<p class="note">Log-odds, bar after bar from zero to the score. What both sides have is worth its '
        "mean over all orders of telling it; what one side alone has, what removing it would take away.</p>",
        _waterfall(waterfall(found)),
        "<h2>The two neighbourhoods</h2>",
        neighbourhoods(found),
        '<p class="note">Lines from an entity to its neighbours are as wide as their weight in its vector; '
        "lines between neighbours that echo each other as wide as the probability that they are one.</p>",
        "<h2>All reasons</h2>",
        _table(found),
    ]
    style = (files("crossgraph.explaining") / "page.css").read_text(encoding="utf8")
    title = f"{_text(found.left.name)} and {_text(found.right.name)}: why"
    return _FRAME.format(title=title, style=style, body="\n".join(parts))


def _heading(found: Explanation) -> str:
    mark = "yes" if found.verdict.same else "no"
    turns = "".join(f"<li>{_text(line, 600)}</li>" for line in turning(found))
    return (
        f"<header><h1>{_end(found.left)}<span class='sign {mark}'>{'=' if found.verdict.same else '≠'}</span>"
        f"{_end(found.right)}</h1><p>{_text(decision(found), 400)}</p></header>"
        f"<h2>What would turn it</h2><ul>{turns}</ul>"
    )


def _end(end: End) -> str:
    kind, name, identifier = _text(end.type), _text(end.name, 120), _text(end.identifier, 200)
    return f"<span class='end'><b>{name}</b><small>{kind} · {identifier}</small></span>"


def _waterfall(steps: list[Step]) -> str:
    low = min(0.0, *(min(step.start, step.end) for step in steps))
    high = max(0.0, *(max(step.start, step.end) for step in steps))
    scale = 100.0 / ((high - low) or 1.0)

    def bar(label: str, start: float, end: float, kind: str, number: str) -> str:
        left, width = (min(start, end) - low) * scale, abs(end - start) * scale
        return (
            f"<li><span class='label'>{_text(label, 200)}</span><span class='number'>{number}</span>"
            f"<span class='track'><i class='zero' style='left:{-low * scale:.2f}%'></i>"
            f"<i class='bar {kind}' style='left:{left:.2f}%;width:{max(width, 0.3):.2f}%'></i></span></li>"
        )

    rows = []
    for at, step in enumerate(steps):
        kind = "rest" if at == 0 else "for" if step.gain >= 0 else "against"
        rows.append(bar(step.label, step.start, step.end, kind, signed(step.gain)))
    score = steps[-1].end
    rows.append(bar("score", 0.0, score, "total", signed(score)))
    return f"<ol class='waterfall'>{''.join(rows)}</ol>"


def _table(found: Explanation) -> str:
    head = "".join(
        f"<th scope='col'>{name}</th>"
        for name in (
            "log-odds",
            "reason",
            "score without it",
            "cross-graph attention",
            "self-attention",
            "weight",
        )
    )
    rows = "".join(_row(reason) for reason in found.reasons)
    return (
        "<div class='wide' tabindex='0' role='region' aria-label='All reasons'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(reason: Reason) -> str:
    turns = " <b>(turns the decision)</b>" if reason.turns else ""
    cells = [
        f"<td class='number'>{signed(reason.share)}</td>",
        f"<th scope='row'>{_text(told(reason.clue, most=160), 600)}</th>",
        f"<td class='number'>{signed(reason.without)}{turns}</td>",
        *(f"<td class='number'>{_both(sides)}</td>" for sides in (reason.cross, reason.own, reason.weight)),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _both(sides: tuple[float | None, float | None]) -> str:
    return " | ".join("–" if value is None else f"{value:.2f}" for value in sides)


def _contrast(found: Contrast) -> list[str]:
    other = found.other.right if found.shared == "left" else found.other.left
    gap = found.pair.score - found.other.score
    widest = max((abs(row.difference) for row in found.differences), default=0.0) or 1.0
    rows = "".join(
        f"<li><span class='label'>{_text(_fact(row.by, row.shown), 200)}</span>"
        f"<span class='number'>{signed(row.mine)} | {signed(row.other)}</span>"
        "<span class='track'><i class='zero' style='left:50%'></i>"
        f"<i class='bar {'for' if row.difference >= 0 else 'against'}' style='"
        f"left:{50 + min(row.difference, 0.0) / widest * 50:.2f}%;"
        f"width:{max(abs(row.difference) / widest * 50, 0.3):.2f}%'></i></span></li>"
        for row in found.differences[:14]
    )
    return [
        f"<h2>Why not {_text(other.name, 120)}?</h2>",
        f"<p>{_text(other.identifier, 200)} has log-odds {signed(found.other.score)}, "
        f"which is {abs(gap):.2f} {'less' if gap >= 0 else 'more'}. "
        "Each fact is worth so much beside the pair | beside it:</p>",
        f"<ol class='waterfall'>{rows}</ol>",
    ]


def _fact(by: str, shown: str) -> str:
    return f"{plain(by)}: {plain(shown)}" if by else shown


def _text(text: str, most: int = 80) -> str:
    """A text that cannot leave its place in the page."""
    return escape(plain(text, most), quote=True)
