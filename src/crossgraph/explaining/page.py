"""An explanation as one HTML page: no script, no request, every text of a graph escaped."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from crossgraph.drawing.bars import Bar, Kind, bars
from crossgraph.drawing.texts import plain, safe
from crossgraph.explaining.answer import Answer
from crossgraph.explaining.contrast import Contrast
from crossgraph.explaining.picture import picture
from crossgraph.explaining.reasons import End, Explanation, Reason
from crossgraph.explaining.wording import decision, leading, signed, told, turning, waterfall

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
        _score(found),
        "<h2>The two neighbourhoods</h2>",
        picture(found),
        '<p class="hint">Lines from an entity to its neighbours are as wide as their weight in its vector, '
        "dashed where the networks did not sample them; lines between neighbours that echo each other as "
        "wide as the probability that they are one.</p>",
        "<h2>All reasons</h2>",
        _table(found),
    ]
    sheets = (files("crossgraph.drawing") / "drawing.css", files("crossgraph.explaining") / "page.css")
    style = "\n".join(sheet.read_text(encoding="utf8") for sheet in sheets)
    title = f"{safe(found.left.name)} and {safe(found.right.name)}: why"
    return _FRAME.format(title=title, style=style, body="\n".join(parts))


def fragment(found: Explanation) -> str:
    """The same in short, to stand in another page: the decision, the bars, and what would turn it."""
    return "\n".join([f"<p>{safe(decision(found), 400)}</p>", _score(found), _turning(found)])


def _heading(found: Explanation) -> str:
    mark = "yes" if found.verdict.same else "no"
    return (
        f"<header><h1>{_end(found.left)}<span class='sign {mark}'>{'=' if found.verdict.same else '≠'}</span>"
        f"{_end(found.right)}</h1><p>{safe(decision(found), 400)}</p></header>"
        f"<h2>What would turn it</h2>{_turning(found)}"
    )


def _turning(found: Explanation) -> str:
    lines = [*leading(found), *turning(found)]
    return f"<ul>{''.join(f'<li>{safe(line, 600)}</li>' for line in lines)}</ul>"


def _end(end: End) -> str:
    kind, name, identifier = safe(end.type), safe(end.name, 120), safe(end.identifier, 200)
    return f"<span class='end'><b>{name}</b><small>{kind} · {identifier}</small></span>"


def _score(found: Explanation) -> str:
    steps = waterfall(found)
    kinds: list[Kind] = ["rest", *("for" if step.gain >= 0 else "against" for step in steps[1:])]
    lines = [
        Bar(step.label, signed(step.gain), step.start, step.end, kind)
        for step, kind in zip(steps, kinds, strict=True)
    ]
    score = steps[-1].end
    return (
        '<p class="hint">Log-odds, bar after bar from zero to the score. What both sides have is worth its '
        "mean over all orders of telling it; what one side alone has, what removing it would take away.</p>"
        + bars([*lines, Bar("score", signed(score), 0.0, score, "total")])
    )


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
        f"<th scope='row'>{safe(told(reason.clue, most=160), 600)}</th>",
        f"<td class='number'>{signed(reason.without)}{turns}</td>",
        *(f"<td class='number'>{_both(sides)}</td>" for sides in (reason.cross, reason.own, reason.weight)),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _both(sides: tuple[float | None, float | None]) -> str:
    return " | ".join("–" if value is None else f"{value:.2f}" for value in sides)


def _contrast(found: Contrast) -> Sequence[str]:
    other = found.other.right if found.shared == "left" else found.other.left
    gap = found.pair.score - found.other.score
    shown = found.differences[:14]
    widest = max((abs(row.difference) for row in shown), default=0.0) or 1.0
    lines = [
        Bar(
            _fact(row.by, row.shown),
            f"{signed(row.mine)} | {signed(row.other)}",
            0.0,
            row.difference,
            "for" if row.difference >= 0 else "against",
        )
        for row in shown
    ]
    return [
        f"<h2>Why not {safe(other.name, 120)}?</h2>",
        f"<p>{safe(other.identifier, 200)} has log-odds {signed(found.other.score)}, "
        f"which is {abs(gap):.2f} {'less' if gap >= 0 else 'more'}. "
        "Each fact is worth so much beside the pair | beside it:</p>",
        bars(lines, reach=(-widest, widest)),
    ]


def _fact(by: str, shown: str) -> str:
    return f"{plain(by)}: {plain(shown)}" if by else shown
