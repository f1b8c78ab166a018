"""The verb audit: whether data give the answer away."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from crossgraph.cli import options as opt

if TYPE_CHECKING:
    from crossgraph.cli.console import ConsoleProgress
    from crossgraph.graphs.graph import KnowledgeGraph
    from crossgraph.leaks import Leak, LinkedPairs


def audit(
    left: opt.Left,
    right: opt.Right = None,
    links: opt.LinkFiles = None,
    id_column: opt.IdColumns = None,
    entity_column: opt.EntityColumns = None,
    split: opt.Split = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Look for what gives the answer away before you trust a figure.

    Reads two graphs, and links if you have some; without them, pairs that share a rare value stand in. Writes
    nothing: prints keys that only linked pairs share, attributes that only linked entities have, and
    identifiers or rows that follow the links; ends with exit code 1 if it finds any.

    Example:
        crossgraph audit films.ttl movies.nt.gz --links known.tsv

    Before: crossgraph check. After: crossgraph align.
    """
    from crossgraph.cli.running import session
    from crossgraph.graphs.graph import KnowledgeGraph
    from crossgraph.graphs.readers import read_pair_tables
    from crossgraph.leaks import find_leaks, pairs_of_rare_values, places_in_files

    read = opt.read_options(
        names_from_iri=False, id_columns=id_column, entity_columns=entity_column, split=split
    )
    with session(quiet=quiet, verbose=verbose) as console:
        with console.stage("read graphs"):
            one, two = read_pair_tables(left, right, options=read)
            graphs = KnowledgeGraph.from_tables(one), KnowledgeGraph.from_tables(two)
        pairs = _linked(links, graphs, console) if links else pairs_of_rare_values(graphs)
        rows = places_in_files(one, graphs[0]), places_in_files(two, graphs[1])
        found = find_leaks(graphs, pairs, rows, known=bool(links))
        _show(found, pairs, as_json=as_json)
        if found:
            raise typer.Exit(1)


def _linked(
    links: list[Path], graphs: tuple[KnowledgeGraph, KnowledgeGraph], console: ConsoleProgress
) -> LinkedPairs:
    from crossgraph.graphs.links import read_links
    from crossgraph.leaks import LinkedPairs

    found = read_links(*links).resolve(*graphs)
    for note in found.notes:
        console.note(note)
    return LinkedPairs(*found.positives().T)


def _show(found: list[Leak], pairs: LinkedPairs, *, as_json: bool) -> None:
    from crossgraph.cli.console import output, print_json
    from crossgraph.leaks import LEAST

    if as_json:
        print_json({"ok": not found, "pairs": len(pairs), "leaks": [asdict(leak) for leak in found]})
        return
    for leak in found:
        output().print(f"Leak ({leak.kind}): {leak.problem}\n  Try: {leak.hint}", soft_wrap=True)
    if not found:
        few = f"; fewer than {LEAST} tell nothing" if len(pairs) < LEAST else ""
        output().print(f"no leak found in {len(pairs):,} {pairs.name}{few}", soft_wrap=True)
