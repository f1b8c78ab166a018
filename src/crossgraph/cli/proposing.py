"""Verbs that propose what others use: schema, block."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossgraph.cli import options as opt

if TYPE_CHECKING:
    import polars as pl

    from crossgraph.cli.console import ConsoleProgress

_SUFFIXES = (".parquet", ".tsv", ".csv")


def schema(
    left: opt.Left,
    right: opt.Right = None,
    links: opt.LinkFiles = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where the mapping goes; to stdout if not given."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
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
    """Find which types, relations and attributes correspond.

    Reads both graphs, and links if you have some. Writes a table as TOML that you may edit: align makes its
    own unless you give it this one.

    Example:
        crossgraph schema films.ttl movies.nt.gz --links known.tsv --out schema.toml

    Before: crossgraph check. After: crossgraph align --schema schema.toml.
    """
    from crossgraph.cli.running import session

    read = opt.read_options(
        names_from_iri=names_from_iri, id_columns=id_column, entity_columns=entity_column, split=split
    )
    with session(quiet=quiet, verbose=verbose) as console:
        # People edit this file: it is not replaced unless they say so.
        opt.refuse_out_file(out, force=force)
        from crossgraph import pipeline

        config = pipeline.load_config(config_file, sets or (), seed=seed, encoder=encoder)
        inputs = pipeline.Inputs(left=left, right=right, links=tuple(links or ()), read=read)
        _give(pipeline.propose_schema(inputs, config=config, progress=console).to_toml(), out)


def block(
    left: opt.Left,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE", help="Where the pairs go: a .parquet, .tsv or .csv file."),
    ],
    right: opt.Right = None,
    links: opt.LinkFiles = None,
    schema_file: opt.SchemaFile = None,
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
    """Propose the pairs that are worth scoring.

    Reads both graphs. Writes left, right, type, name, structure and prior of each pair, and tells what
    share of the links is among them if you give some. align does this by itself: use this to see what it
    would compare, and whether --set blocking.per_entity=N should be larger.

    Example:
        crossgraph block films.ttl movies.nt.gz --links known.tsv --out pairs.parquet

    Before: crossgraph schema. After: crossgraph align.
    """
    if out.suffix not in _SUFFIXES:
        raise typer.BadParameter(f"{out} must end in {', '.join(_SUFFIXES)}", param_hint="'--out'")
    from crossgraph.cli.running import session

    read = opt.read_options(
        names_from_iri=names_from_iri, id_columns=id_column, entity_columns=entity_column, split=split
    )
    with session(quiet=quiet, verbose=verbose) as console:
        opt.refuse_out_file(out)
        from crossgraph import pipeline

        config = pipeline.load_config(config_file, sets or (), seed=seed, encoder=encoder)
        inputs = pipeline.Inputs(
            left=left, right=right, links=tuple(links or ()), schema=schema_file, read=read
        )
        table = pipeline.propose_candidates(inputs, config=config, progress=console)
        _write_table(table, out)
        _tell_candidates(table, links or [], console=console)
        _print_path(out)


def _give(text: str, out: Path | None) -> None:
    from crossgraph.cli.console import print_text
    from crossgraph.results import write_whole

    if out is None:
        print_text(text)
        return
    write_whole(out, lambda part: part.write_text(text, encoding="utf8"))
    _print_path(out)


def _print_path(path: Path) -> None:
    from crossgraph.cli.console import print_text

    print_text(str(path))


def _write_table(table: pl.DataFrame, out: Path) -> None:
    from crossgraph.graphs.parquet import store_parquet
    from crossgraph.results import write_whole

    match out.suffix:
        case ".parquet":
            write_whole(out, lambda part: store_parquet(table, part))
        case ".tsv":
            write_whole(out, lambda part: table.write_csv(part, separator="\t"))
        case _:
            write_whole(out, lambda part: table.write_csv(part))


def _tell_candidates(table: pl.DataFrame, links: list[Path], *, console: ConsoleProgress) -> None:
    rows = [("pairs", f"{len(table):,}")]
    rows += [(f"  {name}", f"{count:,}") for name, count in table["type"].value_counts().sort("type").rows()]
    rows += [(side, f"{table[side].n_unique():,} entities") for side in ("left", "right")]
    if links:
        from crossgraph.graphs.links import read_links

        known = read_links(*links).positives().table().select("left", "right")
        found = _count_found(known, table)
        share = f"{found / len(known):.1%}" if len(known) else "none"
        rows.append(("recall", f"{share} of the links: {found:,} of {len(known):,}"))
    console.rows(rows)


def _count_found(known: pl.DataFrame, table: pl.DataFrame) -> int:
    """How many known pairs are proposed. Links may differ from the graphs in case, as everywhere."""
    import polars as pl

    def keys(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(pl.col("left", "right").str.to_lowercase())

    exact = known.join(table, on=["left", "right"], how="semi")
    rest = known.join(table, on=["left", "right"], how="anti")
    return len(exact) + len(keys(rest).join(keys(table), on=["left", "right"], how="semi"))
