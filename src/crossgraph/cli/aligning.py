"""Verbs that make a RESULT: demo, train, align."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossgraph.cli import options as opt

if TYPE_CHECKING:
    from crossgraph.cli.console import ConsoleProgress
    from crossgraph.pipeline import Outcome

Out = Annotated[
    Path, typer.Option("--out", metavar="RESULT", help="The folder to make, whole or not at all.")
]


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="RESULT", help="The folder to make.")] = Path(
        "crossgraph-demo"
    ),
    config_file: opt.ConfigFile = None,
    sets: opt.Sets = None,
    seed: opt.Seed = None,
    force: opt.Force = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Try everything on two small catalogues that come along.

    Reads two catalogues of countries, languages and cities, in English and in Russian, aligns them, and
    judges the result by the links that are known. Writes a RESULT folder like align.

    Example:
        crossgraph demo

    Before: nothing. After: crossgraph check with graphs of your own.
    """
    from crossgraph.cli.running import loading, session

    with session(quiet=quiet, verbose=verbose) as console:
        with loading():
            from crossgraph.config import load_config
            from crossgraph.demonstration import run_demo

        config = load_config(config_file, sets or (), seed=seed)
        show(run_demo(out, config=config, force=force, progress=console), console)


def train(
    left: opt.Left,
    pairs: Annotated[
        Path, typer.Option("--pairs", metavar="FILE", help="Labelled pairs: left, right, 0 or 1.")
    ],
    out: Out,
    right: opt.Right = None,
    valid: Annotated[
        Path | None,
        typer.Option(
            "--valid",
            metavar="FILE",
            help="More labelled pairs, which join those of --pairs.",
        ),
    ] = None,
    schema_file: opt.SchemaFile = None,
    device: opt.DeviceName = None,
    force: opt.Force = False,
    encoder: opt.EncoderName = None,
    names_from_iri: opt.NamesFromIri = False,
    id_column: opt.IdColumns = None,
    entity_column: opt.EntityColumns = None,
    split: opt.Split = None,
    config_file: opt.ConfigFile = None,
    sets: opt.Sets = None,
    seed: opt.Seed = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Learn from labelled pairs what makes two entities the same.

    Reads both graphs and a file of labelled pairs; a folder with tableA.csv and tableB.csv may be LEFT, and
    its train.csv the pairs. Writes a RESULT folder with the model.

    Example:
        crossgraph train products --pairs products/train.csv --valid products/valid.csv --out RESULT

    Before: crossgraph check. After: crossgraph score RESULT, or crossgraph align --model RESULT.
    """
    from crossgraph.cli.running import loading, session

    read = opt.read_options(
        names_from_iri=names_from_iri, id_columns=id_column, entity_columns=entity_column, split=split
    )
    with session(quiet=quiet, verbose=verbose) as console:
        with loading():
            from crossgraph import pipeline

        config = pipeline.load_config(
            config_file, sets or (), seed=seed, device=device, encoder=encoder, precision=None
        )
        inputs = pipeline.Inputs(left=left, right=right, schema=schema_file, read=read)
        outcome = pipeline.train_pairs(
            inputs, pairs, valid, out, config=config, force=force, progress=console
        )
        show(outcome, console)


def align(
    left: opt.Left,
    out: Out,
    right: opt.Right = None,
    links: opt.LinkFiles = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", metavar="RESULT", help="Apply the model of an earlier RESULT to these graphs."
        ),
    ] = None,
    schema_file: opt.SchemaFile = None,
    precision: Annotated[
        float | None,
        typer.Option(
            "--precision",
            metavar="P",
            min=0.0,
            max=1.0,
            help="Decide so that at least this share of the pairs called the same is right.",
        ),
    ] = None,
    device: opt.DeviceName = None,
    engine: opt.Engine = None,
    memory: opt.Memory = None,
    force: opt.Force = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Keep a RESULT that is there, or go on where a killed run stopped."),
    ] = False,
    cache: Annotated[
        Path | None,
        typer.Option("--cache", metavar="DIR", help="Keep finished stages there, and reuse those that fit."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would run, and how long and large it would be.")
    ] = False,
    encoder: opt.EncoderName = None,
    names_from_iri: opt.NamesFromIri = False,
    id_column: opt.IdColumns = None,
    entity_column: opt.EntityColumns = None,
    split: opt.Split = None,
    config_file: opt.ConfigFile = None,
    sets: opt.Sets = None,
    seed: opt.Seed = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Decide which entities of two graphs are the same.

    Reads both graphs, and links if you have some: it learns from them, and holds back what it needs to
    choose and to calibrate. Without links it finds its own beginnings. Writes a RESULT folder:
    matches.sssom.tsv, scores.parquet, report.json, config.toml and model/.

    Example:
        crossgraph align films.ttl movies.nt.gz --links known.tsv --precision 0.95 --out RESULT

    Before: crossgraph check, crossgraph schema. After: crossgraph evaluate RESULT --gold FILE.
    """
    from crossgraph.cli.running import loading, session

    read = opt.read_options(
        names_from_iri=names_from_iri, id_columns=id_column, entity_columns=entity_column, split=split
    )
    with session(quiet=quiet, verbose=verbose) as console:
        with loading():
            from crossgraph import pipeline

        config = pipeline.load_config(
            config_file,
            sets or (),
            seed=seed,
            device=device,
            engine=engine,
            memory=memory,
            encoder=encoder,
            precision=precision,
        )
        inputs = pipeline.Inputs(
            left=left, right=right, links=tuple(links or ()), schema=schema_file, model=model, read=read
        )
        if dry_run:
            _show_plan(pipeline.plan(inputs, out, config=config, force=force, resume=resume, cache=cache))
        else:
            outcome = pipeline.align(
                inputs, out, config=config, force=force, resume=resume, cache=cache, progress=console
            )
            show(outcome, console)


def show(outcome: Outcome, console: ConsoleProgress) -> None:
    """What came out for people, and for scripts the folder on stdout."""
    from crossgraph.cli.console import print_text

    console.rows(outcome.summary)
    for reason in outcome.reasons:
        console.say(f"  {reason}")
    print_text(str(outcome.path))


def _show_plan(rows: list[tuple[str, str]]) -> None:
    from crossgraph.cli.console import print_out, two_columns

    print_out(two_columns(rows))
