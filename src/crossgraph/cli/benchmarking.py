"""The verb that compares methods: benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossgraph.cli import options as opt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from crossgraph.benchmarking.processes import Ended
    from crossgraph.benchmarking.runner import Run
    from crossgraph.benchmarking.study import Study
    from crossgraph.benchmarking.table import Row
    from crossgraph.cli.console import ConsoleProgress


def benchmark(
    suite: Annotated[Path, typer.Argument(metavar="SUITE.toml", help="What is compared on what.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where runs, page and figure go.")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FOLDER",
            envvar="CROSSGRAPH_DATA",
            help="Where the data sets are; not needed if all is run already.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Run methods that begin like this. Repeatable."),
    ] = None,
    seeds: Annotated[
        list[int] | None,
        typer.Option("--seeds", metavar="N", help="Run this seed of the suite. Repeatable."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="How many runs at once.")] = 1,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Compare methods on data sets with several seeds.

    Reads a suite and its data sets. Writes into the folder, called like the suite: a .jsonl with a line for
    each finished run, a page .md and, if the suite asks for it, a figure .svg; prints the table. What has a
    line is not run again, so an interrupted command goes on where it stopped.

    Example:
        crossgraph benchmark suite.toml --data DATA --out studies

    Before: nothing.
    """
    from crossgraph.cli.running import FAILED, session

    with session(quiet=quiet, verbose=verbose) as console:
        from crossgraph.benchmarking.study import Study
        from crossgraph.cli.console import print_out, print_text

        study = Study.of(suite, out)
        with study.alone():
            failed = _run(study, study.to_run(only=only or (), seeds=seeds or ()), data, jobs, console)
            rows = study.write(progress=console)
        print_out(_table(rows))
        print_text(str(study.page))
        for ended in failed:
            console.error(f"{ended.name}: {ended.error}")
        if failed:
            raise typer.Exit(FAILED)


def _run(
    study: Study, runs: Sequence[Run], data: Path | None, jobs: int, console: ConsoleProgress
) -> list[Ended[Run]]:
    """Run them and tell each; those that failed."""
    failed: list[Ended[Run]] = []
    if not runs:
        console.say("all of it is run already")
        return failed
    with console.stage("benchmark", len(runs), "runs") as advance:
        for ended in study.run(runs, data, jobs=jobs, progress=console):
            advance(1)
            said = ended.error and f"failed: {ended.error}"
            console.say(f"{ended.name}: {said or f'PRAUC {ended.result.judgement.prauc:.4f}'}")
            failed += [ended] if ended.error else []
    return failed


def _table(rows: Sequence[Row]) -> Table:
    """The page's tables in one, without what few look at."""
    from rich.table import Table

    from crossgraph.benchmarking.table import COLUMNS, told, told_interval

    shown = [measure for measure in COLUMNS if measure not in ("mrr", "r_at_p95", "recall_blocking")]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("data set", "method", "x"):
        table.add_column(title, overflow="fold")
    for title in ("seeds", "PRAUC", "95% interval", *(COLUMNS[measure] for measure in shown)):
        table.add_column(title, justify="right", overflow="fold")
    for row in rows:
        cells = [row.dataset, row.method, "" if row.x is None else str(row.x), str(len(row.records))]
        cells += [told(row, "prauc"), told_interval(row), *(told(row, measure) for measure in shown)]
        table.add_row(*cells, style="bold" if row.best else None)
    return table
