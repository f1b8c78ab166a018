"""The verb that tells why: explain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossgraph.cli import options as opt

if TYPE_CHECKING:
    from rich.table import Table

    from crossgraph.explaining.contrast import Contrast
    from crossgraph.explaining.reasons import Explanation
    from crossgraph.explaining.wording import Step

_BAR = 40


def explain(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="The folder that align or train made.")],
    left: Annotated[str, typer.Argument(metavar="LEFT", help="An entity of the left graph.")],
    right: Annotated[str, typer.Argument(metavar="RIGHT", help="An entity of the right graph.")],
    instead: Annotated[
        str | None,
        typer.Option("--instead", metavar="X", help="Another candidate for LEFT or RIGHT: why not that one?"),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with pictures instead.")
    ] = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Tell why a pair is called the same, or is not.

    Reads RESULT and its graphs. Prints what spoke for the pair and against it, in log-odds that sum to its
    score; what the networks attend to; and what would turn the decision.

    Example:
        crossgraph explain RESULT m1 q7 --html why.html

    Before: crossgraph align. After: crossgraph merge.
    """
    from crossgraph.cli.running import loading, session

    with session(quiet=quiet, verbose=verbose) as console:
        opt.refuse_out_file(html)
        with loading():
            from crossgraph.cli.console import print_json, print_text
            from crossgraph.explaining.answer import explain as answer_of

        answer = answer_of(result, left, right, instead=instead, progress=console)
        if html is not None:
            from crossgraph.explaining.page import page
            from crossgraph.results import write_whole

            text = page(answer)
            write_whole(html, lambda part: part.write_text(text, encoding="utf8"))
        if as_json:
            print_json(answer.as_dict())
        elif html is not None:
            print_text(str(html))
        else:
            _print(answer.explanation, answer.contrast)


def _print(found: Explanation, beside: Contrast | None) -> None:
    from crossgraph.cli.console import print_out, print_text
    from crossgraph.drawing.texts import plain
    from crossgraph.explaining.wording import decision, leading, turning, waterfall

    ends = " ~ ".join(
        f"{plain(end.name)} ({plain(end.type)} {plain(end.identifier, 120)})"
        for end in (found.left, found.right)
    )
    print_text(f"{ends}\n{decision(found)}\n")
    print_out(_bars(waterfall(found)))
    print_text("")
    print_out(_attention(found))
    print_text("\n" + "\n".join([*leading(found), *turning(found)]))
    if beside is not None:
        print_text("")
        print_out(_differences(beside))


def _bars(steps: list[Step]) -> Table:
    """A waterfall of text, the score at its end."""
    from rich.table import Table
    from rich.text import Text

    from crossgraph.explaining.wording import signed

    low = min(0.0, *(min(step.start, step.end) for step in steps))
    high = max(0.0, *(max(step.start, step.end) for step in steps))
    scale = _BAR / ((high - low) or 1.0)
    table = Table(title="Log-odds", box=None, title_justify="left", padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, width=_BAR + 1)
    table.add_column(overflow="fold")

    def row(label: str, start: float, end: float, style: str, number: float) -> None:
        before = round((min(start, end) - low) * scale)
        length = max(1, round(abs(end - start) * scale))
        bar = Text(" " * before + "█" * length, style=style)
        table.add_row(Text(signed(number)), bar, Text(label))

    for at, step in enumerate(steps):
        style = "dim" if at == 0 else "green" if step.gain >= 0 else "red"
        row(step.label, step.start, step.end, style, step.gain)
    row("score", 0.0, steps[-1].end, "bold", steps[-1].end)
    return table


def _attention(found: Explanation) -> Table:
    """What the networks attend to, of every neighbour that they see."""
    from rich.table import Table
    from rich.text import Text

    from crossgraph.drawing.texts import plain
    from crossgraph.explaining.wording import signed

    table = Table(title="Sampled neighbours", box=None, title_justify="left", padding=(0, 2, 0, 0))
    for name in ("", "neighbour", "cross-graph", "self", "weight", "log-odds"):
        table.add_column(name, justify="left" if name in ("", "neighbour") else "right", overflow="fold")
    for side, which in enumerate(("left", "right")):
        for reason in found.reasons:
            part = reason.clue.parts[side]
            values = reason.cross[side], reason.own[side], reason.weight[side]
            if part.empty or values[0] is None:
                continue
            name = f"{plain(part.by, 40)}: {plain(part.shown)}"
            numbers = (f"{value:.2f}" for value in values if value is not None)
            table.add_row(which, Text(name), *numbers, signed(reason.share))
    return table


def _differences(beside: Contrast) -> Table:
    """What each fact is worth beside either candidate."""
    from rich.table import Table
    from rich.text import Text

    from crossgraph.drawing.texts import plain
    from crossgraph.explaining.wording import signed

    other = beside.other.right if beside.shared == "left" else beside.other.left
    scores = f"It has {signed(beside.other.score)}, the pair {signed(beside.pair.score)}"
    title = f"Why not {plain(other.name)}? {scores}"
    table = Table(title=Text(title), box=None, title_justify="left", padding=(0, 2, 0, 0))
    for name in ("difference", "the pair", "the other", "fact"):
        table.add_column(name, justify="left" if name == "fact" else "right", overflow="fold")
    for row in beside.differences:
        fact = f"{plain(row.by)}: {plain(row.shown)}" if row.by else row.shown
        table.add_row(signed(row.difference), signed(row.mine), signed(row.other), Text(fact))
    return table
