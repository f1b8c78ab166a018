"""Arguments and options that several verbs share, and what becomes of them."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from crossgraph.graphs.readers import ReadOptions


class Device(StrEnum):
    """Where the network runs."""

    CPU = "cpu"
    CUDA = "cuda"


class EngineName(StrEnum):
    """Where the heavy work is done."""

    LOCAL = "local"
    RAY = "ray"


Left: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="LEFT", help="The left graph: a file, a folder of files, or one folder with both graphs."
    ),
]
Right: TypeAlias = Annotated[
    Path | None,
    typer.Argument(
        metavar="RIGHT", show_default=False, help="The right graph; not if LEFT holds both graphs."
    ),
]
LinkFiles: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--links", metavar="FILE", help="Pairs known to be the same (or not: a third column 0). Repeatable."
    ),
]
SchemaFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--schema", metavar="FILE", help="A schema mapping to use, as `crossgraph schema` writes."),
]
NamesFromIri: TypeAlias = Annotated[
    bool, typer.Option("--names-from-iri", help="Take the last part of each IRI as a name.")
]
IdColumns: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--id-column",
        metavar="NAME",
        help="The column of a table that names its records. Repeatable, for tables with different ones.",
    ),
]
EntityColumns: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--entity-column",
        metavar="NAME",
        help="A column of a table whose values are entities of their own. Repeatable.",
    ),
]
Split: TypeAlias = Annotated[
    str | None,
    typer.Option("--split", metavar="TEXT", help="What separates several values in a cell of these columns."),
]
ConfigFile: TypeAlias = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings as TOML, one table for each stage.")
]
Sets: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Change one setting. Repeatable."),
]
EncoderName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="builtin|FOLDER|PACKAGE",
        help="What says which texts mean the same, beside their letters; builtin if not given.",
    ),
]
Seed: TypeAlias = Annotated[
    int | None, typer.Option("--seed", metavar="N", min=0, help="Equal seeds give equal results.")
]
DeviceName: TypeAlias = Annotated[
    Device | None, typer.Option("--device", help="Where the network runs; cpu if not given.")
]
Engine: TypeAlias = Annotated[
    EngineName | None,
    typer.Option("--engine", help="Where blocking, training and scoring run; local if not given."),
]
Memory: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--memory", metavar="SIZE", help="What the run may take, such as 8GB; what has no room lies in files."
    ),
]
Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Replace a result that is there already.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Write JSON to stdout instead of tables.")]
Port: TypeAlias = Annotated[
    int, typer.Option("--port", metavar="N", min=0, max=65535, help="Where to listen; 0 takes a free one.")
]
Host: TypeAlias = Annotated[
    str,
    typer.Option(
        "--host", metavar="ADDRESS", help="What to listen at; others than this machine need a token."
    ),
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but errors and what was asked for.")
]
Verbose: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show the log, and where an unexpected error arose.")
]


def read_options(
    *, names_from_iri: bool, id_columns: list[str] | None, entity_columns: list[str] | None, split: str | None
) -> ReadOptions:
    """How graphs are read. Raises typer.BadParameter if ``split`` is empty."""
    if split == "":
        raise typer.BadParameter("it must not be empty", param_hint="'--split'")
    from crossgraph.graphs.readers import ReadOptions
    from crossgraph.graphs.tabular import TableOptions

    tables = TableOptions(
        id_columns=tuple(id_columns or ()), entity_columns=tuple(entity_columns or ()), split=split
    )
    return ReadOptions(tables=tables, names_from_iri=names_from_iri)


def refuse_without_graphs(graphs: tuple[Path, Path] | None, read: ReadOptions) -> None:
    """Raise typer.BadParameter where it is said how graphs are read, and not which.

    Those of a RESULT are read as they were read for it.
    """
    told = {
        "--names-from-iri": read.names_from_iri,
        "--id-column": read.tables.id_columns,
        "--entity-column": read.tables.entity_columns,
        "--split": read.tables.split,
    }
    given = [f"'{name}'" for name, value in told.items() if value]
    if given and graphs is None:
        raise typer.BadParameter(
            "it tells how the graphs of --graphs are read, and --graphs is not given",
            param_hint=" / ".join(given),
        )


def refuse_out_file(out: Path | None, *, force: bool = True, option: str = "--out") -> None:
    """Raise InputError if a file cannot be put there, or is there and ``force`` is not; before the work.

    option   the one that names the file
    """
    from crossgraph.errors import InputError

    if out is None:
        return
    hint = f"choose another {option}"
    if out.is_dir():
        raise InputError(f"{out} is a folder, and a file is to be written", hint=hint)
    if not os.access(out.parent, os.W_OK):
        why = "cannot be written" if out.parent.is_dir() else "is no folder"
        raise InputError(f"{out} cannot be written: {out.parent} {why}", hint=f"make the folder, or {hint}")
    if out.exists() and not force:
        raise InputError(f"{out} exists already", hint=f"--force replaces it, or {hint}")


def refuse_out_folder(out: Path) -> None:
    """Raise InputError if a new folder cannot be made, or something is there already; before the work."""
    from crossgraph.errors import InputError

    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise InputError(f"{out} exists already, and is left alone", hint="choose another --out")
    parent = next(above for above in out.absolute().parents if above.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise InputError(
            f"{out} cannot be written: {parent} is no writable folder", hint="choose another --out"
        )
