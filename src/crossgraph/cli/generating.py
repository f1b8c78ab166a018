"""The verb that makes graphs to try the others on: generate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossgraph.cli import options as opt


def generate(
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="The folder to make, whole or not at all.")
    ],
    entities: Annotated[
        int,
        typer.Option("--entities", metavar="N", help="About how many each graph has; ten edges for each."),
    ] = 10_000,
    known: Annotated[
        float,
        typer.Option("--known", metavar="SHARE", min=0.0, max=1.0, help="Links to learn from, of all."),
    ] = 0.01,
    seed: opt.Seed = 0,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Make two overlapping graphs of which the truth is known.

    Reads nothing. Writes a folder with both graphs in the OpenEA layout, two catalogues of films that were
    never made, and three files of links: ent_links (all that are the same), train_links and test_links.

    Example:
        crossgraph generate --entities 100000 --out films

    Before: nothing. After: crossgraph align films --links films/train_links --out RESULT.
    """
    from crossgraph.cli.running import session

    with session(quiet=quiet, verbose=verbose) as console:
        from crossgraph import generating
        from crossgraph.cli.console import print_text
        from crossgraph.results import staging

        opt.refuse_out_folder(out)
        with staging(out) as stage:
            made = generating.generate(
                stage.path, entities=entities, seed=seed or 0, known=known, progress=console
            )
        sizes = zip(("left", "right"), made.entities, made.edges, strict=True)
        console.rows(
            [
                *((side, f"{count:,} entities, {edges:,} edges") for side, count, edges in sizes),
                ("links", f"{made.links:,}"),
            ]
        )
        print_text(str(out))
