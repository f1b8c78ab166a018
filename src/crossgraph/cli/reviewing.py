"""The verb for people's decisions: review."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossgraph.cli import options as opt

if TYPE_CHECKING:
    from crossgraph.cli.console import ConsoleProgress
    from crossgraph.explaining.serving import Reasoner
    from crossgraph.graphs.readers import ReadOptions
    from crossgraph.reviewing.agreement import Accord
    from crossgraph.reviewing.book import Book
    from crossgraph.reviewing.material import Material
    from crossgraph.reviewing.web.app import ReviewOptions
    from crossgraph.sources import Inputs


def review(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="The folder that align or train made.")],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Who reviews; the name of the user if not given."),
    ] = None,
    port: opt.Port = 8765,
    host: opt.Host = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            metavar="TEXT",
            envvar="CROSSGRAPH_REVIEW_TOKEN",
            help="What a browser must bring once; made up if needed and not given.",
        ),
    ] = None,
    given: Annotated[
        list[Path] | None,
        typer.Option(
            "--import",
            metavar="FILE",
            help="Take in decisions: a .jsonl file, a ledger, a RESULT, or a .csv of `ask`. Repeatable.",
        ),
    ] = None,
    export_to: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write decisions: all as .jsonl, or labels as .csv."),
    ] = None,
    agreement: Annotated[
        bool, typer.Option("--agreement", help="Tell what the reviewers said, and how far they agree.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --export.")] = False,
    graphs: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--graphs", metavar="LEFT RIGHT", help="The graphs; the ones of RESULT if not given."),
    ] = None,
    names_from_iri: opt.NamesFromIri = False,
    id_column: opt.IdColumns = None,
    entity_column: opt.EntityColumns = None,
    split: opt.Split = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Decide about pairs in the browser; every decision is kept.

    Reads RESULT and its graphs. Serves pages on this machine until interrupted. Writes each decision, when
    it is made, to ledger.sqlite in RESULT. With --import, --export or --agreement it does that and ends.

    Example:
        crossgraph review RESULT

    Before: crossgraph align. After: crossgraph merge --reviewed.
    """
    from crossgraph.cli.running import session

    read = opt.read_options(
        names_from_iri=names_from_iri, id_columns=id_column, entity_columns=entity_column, split=split
    )
    opt.refuse_without_graphs(graphs, read)
    with session(quiet=quiet, verbose=verbose) as console:
        from crossgraph.results import existing_result

        existing_result(result)
        if given or export_to or agreement:
            imports = given or [], reviewer(name)
            _exchange(result, imports, export_to, agreement=agreement, force=force, console=console)
        else:
            _serve(
                result, _inputs(graphs, read), name=name, address=(host, port), token=token, console=console
            )


def _inputs(graphs: tuple[Path, Path] | None, read: ReadOptions) -> Inputs | None:
    from crossgraph.sources import Inputs

    return Inputs(left=graphs[0], right=graphs[1], read=read) if graphs else None


def _exchange(
    result: Path,
    imports: tuple[list[Path], str],
    export_to: Path | None,
    *,
    agreement: bool,
    force: bool,
    console: ConsoleProgress,
) -> None:
    from crossgraph.cli.console import print_text
    from crossgraph.layout import ResultFolder
    from crossgraph.reviewing.agreement import accord_of
    from crossgraph.reviewing.book import Book
    from crossgraph.reviewing.ledger import Ledger

    if export_to:
        _refuse_names(export_to)
        opt.refuse_out_file(export_to, force=force)
    take_in(result, *imports, console=console)
    book = Book(Ledger(ResultFolder(result).ledger_file).entries())
    if export_to:
        _export(book, export_to)
        print_text(str(export_to))
    if agreement:
        _print_accord(accord_of(book))


def take_in(result: Path, given: list[Path], who: str, *, console: ConsoleProgress) -> None:
    """Enter the decisions of files into the ledger; those of a table are of the reviewer ``who``."""
    from crossgraph.layout import ResultFolder
    from crossgraph.reviewing.interchange import answers_about, read_answers, read_entries, record_answers
    from crossgraph.reviewing.ledger import Ledger
    from crossgraph.reviewing.material import graphs_of

    tables = [path for path in given if path.suffix.lower() == ".csv"]
    others = [path for path in given if path not in tables]
    # All files are read before any is taken in: a fault in the last one changes nothing.
    entries = [entry for path in others for entry in read_entries(path)]
    said = [read_answers(path) for path in tables]
    answers = []
    if tables:
        graphs = graphs_of(ResultFolder(result))
        answers = [one for table in said for one in answers_about(graphs, table, console)]
    if others:
        new = Ledger(ResultFolder(result).ledger_file).add(entries)
        console.say(f"{new:,} of {len(entries):,} entries are new")
    if tables:
        console.say(f"{record_answers(result, answers, who):,} of {len(answers):,} answers are new")


def _refuse_names(path: Path) -> None:
    from crossgraph.errors import ConfigError

    if path.suffix.lower() not in (".jsonl", ".csv"):
        raise ConfigError(
            f"the name of {path} does not tell what to write", hint="name it .jsonl (all) or .csv (labels)"
        )


def _export(book: Book, path: Path) -> None:
    from crossgraph.reviewing.interchange import write_entries
    from crossgraph.reviewing.labels import settled_links, write_labels

    if path.suffix.lower() == ".csv":
        write_labels(settled_links(book), path)
    else:
        write_entries(book.entries, path)


def _print_accord(accord: Accord) -> None:
    from crossgraph.cli.console import print_out, two_columns

    said = [
        (who, ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(counts.items())))
        for who, counts in accord.said.items()
    ]
    between = [
        (
            f"{one.first} and {one.second}",
            f"{one.agreed:,} of {one.pairs:,} alike"
            + ("" if one.kappa is None else f", kappa {one.kappa:.3f}"),
        )
        for one in accord.between
    ]
    alpha = "not defined" if accord.alpha is None else f"{accord.alpha:.3f}"
    print_out(
        two_columns([*said, *between, ("alpha", alpha), ("disputed pairs", f"{len(accord.disputed):,}")])
    )


def _serve(
    result: Path,
    inputs: Inputs | None,
    *,
    name: str | None,
    address: tuple[str, int],
    token: str | None,
    console: ConsoleProgress,
) -> None:
    from crossgraph.errors import require_extra

    require_extra("review", "jinja2", "starlette", "uvicorn")
    from crossgraph.reviewing.desk import Desk
    from crossgraph.reviewing.material import load_material
    from crossgraph.reviewing.pupil import Pupil
    from crossgraph.reviewing.web.app import create_app
    from crossgraph.reviewing.web.serving import serve

    # Graphs that lie elsewhere than RESULT says are not found by another process.
    place = result.absolute()
    pupil = Pupil([sys.executable, "-m", "crossgraph", "learn", str(place)], place.parent)
    options = replace(_options(name, address[0], token), pupil=None if inputs else pupil)
    desk = Desk(load_material(result, graphs=inputs, progress=console))
    options = replace(options, reasons=_reasons(result, desk.material))

    def ready(port: int) -> None:
        from crossgraph.cli.console import print_text

        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        end = f"?token={options.guard.token}" if options.guard.token else ""
        print_text(f"http://{shown}:{port}/{end}")
        sys.stdout.flush()
        console.say("Open this address in a browser; Ctrl+C ends. Every decision is kept at once.")

    serve(create_app(desk, options), host=address[0], port=address[1], ready=ready)


def _reasons(result: Path, material: Material) -> Callable[[str, str], str]:
    """What tells reasons; loaded when it is first asked, since torch takes seconds."""

    @cache
    def opened() -> Reasoner:
        from crossgraph.workings import require_workings

        require_workings(material.folder.workings_file)
        from crossgraph.explaining.serving import Reasoner

        return Reasoner(result, (material.left.graph, material.right.graph))

    return lambda left, right: opened()(left, right)


def _options(name: str | None, host: str, token: str | None) -> ReviewOptions:
    from crossgraph.reviewing.web.app import ReviewOptions
    from crossgraph.reviewing.web.guard import GuardOptions, access_token, is_loopback

    guard = GuardOptions(token=access_token(host, token), loopback=is_loopback(host))
    return ReviewOptions(who=reviewer(name), guard=guard)


def reviewer(name: str | None) -> str:
    """Who reviews: as given, or the name of the user."""
    from crossgraph.errors import ConfigError
    from crossgraph.reviewing.reviewers import this_user

    if name is None:
        return this_user()
    who = " ".join(name.split())
    if not who or not who.isprintable():
        raise ConfigError("--name is empty", hint="give a name that others know you by")
    return who
