"""The command line: one short function for each verb; ``crossgraph --help`` tells the order of work."""

from __future__ import annotations

import gc
import inspect
import os
import re
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Annotated

import typer

from crossgraph import __version__
from crossgraph.cli.aligning import align, demo, train
from crossgraph.cli.auditing import audit
from crossgraph.cli.benchmarking import benchmark
from crossgraph.cli.checking import check
from crossgraph.cli.explaining import explain
from crossgraph.cli.generating import generate
from crossgraph.cli.judging import evaluate, score
from crossgraph.cli.learning import ask, learn
from crossgraph.cli.many import align_many
from crossgraph.cli.merging import export, merge, unmerge
from crossgraph.cli.proposing import block, schema
from crossgraph.cli.reviewing import review
from crossgraph.cli.serving import serve
from crossgraph.cli.updating import update

_AS_WRITTEN = re.compile(r"^(?=(?:Example:|The order of work)$)", re.MULTILINE)


def _help(verb: Callable[..., None]) -> str:
    """A verb's docstring, with the mark that keeps the lines of its example apart."""
    return _AS_WRITTEN.sub("\b\n", inspect.getdoc(verb) or "")


app = typer.Typer(
    name="crossgraph",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)
_VERBS = (
    *(demo, check, audit, schema, block, train, align, align_many, score, evaluate, explain),
    *(ask, review, learn, update, merge, unmerge, export, serve, generate, benchmark),
)
for _verb in _VERBS:
    app.command(help=_help(_verb))(_verb)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"crossgraph {__version__}")
        raise typer.Exit


def _crossgraph(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Combine two knowledge graphs: decide which entities are the same, say why, and merge.

    The order of work
        crossgraph demo                                           see it work
        crossgraph check LEFT RIGHT                               are the graphs whole?
        crossgraph audit LEFT RIGHT --links FILE                  do they give the answer away?
        crossgraph align LEFT RIGHT --links FILE --out RESULT     decide
        crossgraph evaluate RESULT --gold FILE                    how good is it?
        crossgraph explain RESULT LEFT RIGHT                      why are these two the same?
        crossgraph ask RESULT --count 50 --out questions.csv      what would teach it most?
        crossgraph review RESULT                                  decide yourself
        crossgraph learn RESULT                                   learn from what you decided
        crossgraph update RESULT --left-changes FILE              follow changes of the graphs
        crossgraph merge RESULT --out merged.nq                   one graph out of two
        crossgraph export RESULT --out matches.nt                 in the forms of other tools
        crossgraph serve RESULT                                   for OpenRefine and other programs
        crossgraph align-many A B C --out MANY                    more than two graphs

    LEFT and RIGHT are RDF files, tables, or folders of them. `crossgraph VERB --help` tells what a verb
    reads and writes, and what comes before and after it.
    """


app.callback(help=_help(_crossgraph))(_crossgraph)


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a letter of some identifier must not stop the work.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Looking for garbage among the modules of large libraries costs a second, and finds none: neither while
    # they load, nor when the process ends.
    gc.set_threshold(100_000)
    # Said before torch is loaded: its threads would burn a core while they wait, a tenth of an update.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        app()
    finally:
        gc.freeze()
