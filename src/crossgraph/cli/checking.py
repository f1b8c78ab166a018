"""The verb check: everything that is wrong with an input, or what is in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from crossgraph.cli import options as opt

if TYPE_CHECKING:
    from crossgraph.cli.console import ConsoleProgress
    from crossgraph.errors import Fault
    from crossgraph.graphs.graph import KnowledgeGraph
    from crossgraph.graphs.links import Links
    from crossgraph.graphs.readers import ReadOptions


@dataclass
class _Checked:
    """What was found.

    graphs   by the name that people see
    faults   of graphs and links; what else is filled is of no use if there are some
    cause    what all faults come of, and how many of them are examples enough; None where each is its own
    """

    graphs: dict[str, KnowledgeGraph] = field(default_factory=dict)
    links: Links | None = None
    faults: list[Fault] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    cause: tuple[str, int] | None = None


def check(
    left: opt.Left,
    right: opt.Right = None,
    links: opt.LinkFiles = None,
    names_from_iri: opt.NamesFromIri = False,
    id_column: opt.IdColumns = None,
    entity_column: opt.EntityColumns = None,
    split: opt.Split = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Find every fault of graphs and links, or show what is in them.

    Reads one graph or two, and links if you have some. Writes nothing: prints each fault with its file and
    line and ends with exit code 1; without faults, prints counts, types, relations, attributes and what
    looks odd.

    Example:
        crossgraph check films.ttl movies.nt.gz --links known.tsv

    Before: crossgraph demo. After: crossgraph schema, crossgraph align.
    """
    from crossgraph.cli.running import session

    read = opt.read_options(
        names_from_iri=names_from_iri, id_columns=id_column, entity_columns=entity_column, split=split
    )
    with session(quiet=quiet, verbose=verbose) as console:
        found = _examine(left, right, links or [], read=read, console=console)
        if found.faults:
            # One file as both graphs has each fault twice.
            found.faults = list(dict.fromkeys(found.faults))
            _show_faults(found, as_json=as_json, console=console)
            raise typer.Exit(1)
        _show(found, as_json=as_json, console=console)


def _examine(
    left: Path, right: Path | None, links: list[Path], *, read: ReadOptions, console: ConsoleProgress
) -> _Checked:
    from crossgraph.errors import FaultsError
    from crossgraph.graphs.links import read_links

    found = _Checked()
    try:
        with console.stage("read graphs"):
            found.graphs = _read(left, right, read)
    except FaultsError as error:
        _keep(error, found)
    try:
        found.links = read_links(*links) if links else None
    except FaultsError as error:
        _keep(error, found)
    if not found.faults:
        _compare(found, console)
    return found


def _read(left: Path, right: Path | None, read: ReadOptions) -> dict[str, KnowledgeGraph]:
    from crossgraph.graphs.readers import holds_two, read_graph, read_pair

    if right is None and not holds_two(left):
        return {str(left): read_graph(left, options=read)}
    first, second = read_pair(left, right, options=read)
    names = (f"{left} (left)", f"{right or left} (right)")
    return dict(zip(names, (first, second), strict=True))


def _compare(found: _Checked, console: ConsoleProgress) -> None:
    """Look the links up in the graphs."""
    from crossgraph.errors import FaultsError, InputError

    if found.links is None:
        return
    if len(found.graphs) != 2:
        raise InputError("--links needs both graphs, and one is given", hint="give RIGHT as well")
    left, right = found.graphs.values()
    try:
        for note in found.links.resolve(left, right).notes:
            console.note(note)
    except FaultsError as error:
        _keep(error, found)


def _keep(error: Any, found: _Checked) -> None:
    found.faults += error.faults
    found.hints += [error.hint] if error.hint else []
    if error.samples is not None:
        found.cause = error.what, error.samples


def _show_faults(found: _Checked, *, as_json: bool, console: ConsoleProgress) -> None:
    from crossgraph.cli.console import print_json
    from crossgraph.errors import listing

    if as_json:
        print_json({"ok": False, "faults": [asdict(fault) for fault in found.faults]})
        return
    what, samples = found.cause or ("", len(found.faults))
    listed = listing(found.faults, samples)
    console.error(f"{what}: {listed}" if what else listed, hint="; ".join(found.hints))


def _show(found: _Checked, *, as_json: bool, console: ConsoleProgress) -> None:
    from crossgraph.cli.console import print_json
    from crossgraph.cli.profiles import print_profile
    from crossgraph.graphs.profile import profile, warnings

    profiled = {name: (profile(graph), warnings(graph)) for name, graph in found.graphs.items()}
    if as_json:
        graphs = [{"name": name, **one.as_dict(), "warnings": odd} for name, (one, odd) in profiled.items()]
        print_json({"ok": True, "graphs": graphs, "links": _link_counts(found), "notes": console.notes})
        return
    for name, (one, odd) in profiled.items():
        print_profile(name, one, odd)
    if found.links is not None:
        _print_links(_link_counts(found) or {})


def _link_counts(found: _Checked) -> dict[str, int] | None:
    if found.links is None:
        return None
    same = int(found.links.label.sum())
    return {"same": same, "different": len(found.links) - same}


def _print_links(counts: dict[str, int]) -> None:
    from crossgraph.cli.console import print_text

    print_text(f"links: {counts['same']:,} the same, {counts['different']:,} known not to match")
