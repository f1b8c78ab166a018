"""Verbs that learn from people: ask, learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossgraph.cli import options as opt

if TYPE_CHECKING:
    import polars as pl

    from crossgraph.cli.console import ConsoleProgress

SHOWN = 20
Result = Annotated[Path, typer.Argument(metavar="RESULT", help="The folder that align or train made.")]


def ask(
    result: Result,
    count: Annotated[
        int, typer.Option("--count", metavar="N", min=1, help="At most so many questions.")
    ] = 50,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.csv", help="Where they go; to stdout if not given.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Ask about the pairs whose answers teach a model most.

    Reads RESULT, its ledger and its graphs. Writes a table (CSV): left, right, label, then both names, the
    type and the probability. Write 1 (the same) or 0 (not) into label, or leave it empty. No two questions
    are about the same entity, and nothing is asked that is known or was answered.

    Example:
        crossgraph ask RESULT --count 50 --out questions.csv

    Before: crossgraph align. After: crossgraph learn RESULT --answers questions.csv.
    """
    from crossgraph.cli.running import session

    with session(quiet=quiet, verbose=verbose) as console:
        opt.refuse_out_file(out, force=force)
        from crossgraph.cli.console import print_text
        from crossgraph.results import write_whole
        from crossgraph.reviewing.asking import ask as questions_of
        from crossgraph.reviewing.book import Book
        from crossgraph.reviewing.ledger import Ledger
        from crossgraph.reviewing.material import load_material

        material = load_material(result, progress=console)
        table = questions_of(material, Book(Ledger(material.folder.ledger_file).entries()), count)
        if len(table) < count:
            console.note(f"there are {len(table):,} questions; the other pairs are about the same entities")
        text = table.write_csv()
        if out is None:
            print_text(text)
        else:
            write_whole(out, lambda part: part.write_text(text, encoding="utf8"))
            print_text(str(out))


def learn(
    result: Result,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="NEW", help="The folder to make; RESULT itself is made anew if not given."
        ),
    ] = None,
    answers: Annotated[
        list[Path] | None,
        typer.Option(
            "--answers",
            metavar="FILE",
            help="Decisions to take in first, as `review --import` does: a .csv of `ask`. Repeatable.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Who answered; the name of the user if not given."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a result that is at --out.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep a result that has learned from these answers already.")
    ] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Learn from what people answered, and tell what changed.

    Reads RESULT, its ledger and its graphs. Trains anew with the settings and the labels that RESULT had and
    what the majority of its reviewers is sure of, and decides anew. Writes the new RESULT in the place of the
    old one, whole and at once, with its ledger; pairs whose decision turned are in changes.tsv.

    Example:
        crossgraph learn RESULT --answers questions.csv

    Before: crossgraph ask, or crossgraph review. After: crossgraph merge RESULT --out merged.nq.
    """
    from crossgraph.cli.running import session

    with session(quiet=quiet, verbose=verbose) as console:
        from crossgraph.cli.console import print_text
        from crossgraph.cli.reviewing import reviewer, take_in
        from crossgraph.relearning import learn as learn_from
        from crossgraph.results import existing_result, put_back

        put_back(result)
        existing_result(result)
        take_in(result, answers or [], reviewer(name), console=console)
        learned = learn_from(result, out, force=force, resume=resume, progress=console)
        console.rows(learned.summary)
        _show_flipped(learned.flipped, console)
        print_text(str(learned.path))


def _show_flipped(flipped: pl.DataFrame, console: ConsoleProgress) -> None:
    for row in flipped.head(SHOWN).iter_rows(named=True):
        before, after = (_chance(row[key]) for key in ("probability_before", "probability"))
        said = "now a match" if row["is_match"] else "no match any more"
        mark = ", as answered" if row["answered"] else ""
        console.say(f"  {row['left_name']} = {row['right_name']}: {said}{mark} ({before} to {after})")
    if len(flipped) > SHOWN:
        console.say(f"  and {len(flipped) - SHOWN:,} more, see changes.tsv")


def _chance(probability: float | None) -> str:
    return "not scored" if probability is None else f"{probability:.3f}"
