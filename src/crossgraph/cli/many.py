"""The verb for more than two graphs: align-many."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from crossgraph.cli import options as opt
from crossgraph.cli.aligning import Out

_LINKS = re.compile(r"(\d+)-(\d+)=(.+)")


def align_many(
    graphs: Annotated[
        list[Path],
        typer.Argument(metavar="GRAPH", help="Three graphs or more: a file, or a folder of files, for each."),
    ],
    out: Out,
    links: Annotated[
        list[str] | None,
        typer.Option(
            "--links",
            metavar="I-J=FILE",
            help="Links of the I-th and the J-th graph, as in 1-3=known.tsv. Repeatable.",
        ),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(
            "--precision", metavar="P", min=0.0, max=1.0, help="A floor for the precision of matches."
        ),
    ] = None,
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
    """Decide which entities of more than two graphs are the same.

    Reads three graphs or more, and links between some of them if you have any; one model learns from all.
    Writes a folder: clusters.tsv, which agree with each other; disagreements.tsv, the decisions that did
    not; matches/1-2.jsonl, what the clusters say of two graphs; and pairs/1-2, a RESULT of two graphs.

    Example:
        crossgraph align-many a.ttl b.csv c.nt --links 1-2=known.tsv --out MANY

    Before: crossgraph check. After: crossgraph review MANY/pairs/1-2, crossgraph merge MANY/pairs/1-2.
    """
    from crossgraph.cli.running import session

    read = opt.read_options(
        names_from_iri=names_from_iri, id_columns=id_column, entity_columns=entity_column, split=split
    )
    known = _numbered(links or [])
    with session(quiet=quiet, verbose=verbose) as console:
        from crossgraph.cli.console import print_text
        from crossgraph.config import load_config
        from crossgraph.many import align

        config = load_config(
            config_file, sets or (), seed=seed, device=device, encoder=encoder, precision=precision
        )
        inputs = align.ManyInputs(graphs=tuple(graphs), links=known, read=read)
        outcome = align.align_many(inputs, out, config=config, force=force, progress=console)
        console.rows(outcome.summary)
        print_text(str(outcome.path))


def _numbered(texts: list[str]) -> dict[tuple[int, int], tuple[Path, ...]]:
    """From ``I-J=FILE`` to the files of each pair. Raises typer.BadParameter for any other text."""
    found: dict[tuple[int, int], tuple[Path, ...]] = {}
    for text in texts:
        parts = _LINKS.fullmatch(text)
        if parts is None:
            raise typer.BadParameter(
                f"{text!r} does not say of which graphs: write 1-2=FILE", param_hint="'--links'"
            )
        numbers = int(parts[1]), int(parts[2])
        found[numbers] = (*found.get(numbers, ()), Path(parts[3]))
    return found
