"""The verb that follows changes: update."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from crossgraph.cli import options as opt


def update(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="The folder that align or train made.")],
    left_changes: Annotated[
        Path | None,
        typer.Option(
            "--left-changes",
            metavar="FILE",
            help="What came to the left graph and went: a table (.csv, .tsv, .parquet) or an RDF Patch.",
        ),
    ] = None,
    right_changes: Annotated[
        Path | None,
        typer.Option("--right-changes", metavar="FILE", help="The same of the right graph."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="NEW", help="The folder to make; RESULT itself is made anew if not given."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a result that is at --out.")] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Follow changes of the graphs without aligning them again.

    Reads RESULT, its ledger and the changes; the graphs' own files are not needed. What the changes touch is
    blocked and scored again by the model as it is; all else keeps its scores. What reviewers decided stays.
    Writes the new RESULT, with the graphs as they are now, in the place of the old one, whole and at once.

    It takes no new links. Give them as answers (columns left, right, label) with crossgraph review RESULT
    --import FILE, then update: they count as known. crossgraph learn trains on them.

    Example:
        crossgraph update RESULT --left-changes left.csv --right-changes right.csv

    Before: crossgraph align. After: crossgraph merge RESULT --out merged.nq.
    """
    from crossgraph.cli.running import loading, session

    # Said before numpy is loaded: the matrices of an update are small, and threads of BLAS that wait for the
    # next one would burn a core.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with session(quiet=quiet, verbose=verbose) as console:
        with loading():
            from crossgraph.cli.console import print_text
            from crossgraph.updating.update import ChangeFiles
            from crossgraph.updating.update import update as follow

        files = ChangeFiles(left_changes, right_changes)
        updated = follow(result, files, out, force=force, progress=console)
        console.rows(updated.summary)
        print_text(str(updated.path))
