"""A graph's profile as tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from crossgraph.cli.console import output
from crossgraph.graphs.profile import AttributeProfile, GraphProfile, RelationProfile, TypeProfile

MAX_ROWS = 30
_EXAMPLE_LENGTH = 40
_LAST_PART = re.compile(r"[a-z][a-z0-9+.-]*:.*[/#]([^/#]+)")


def print_profile(name: str, profile: GraphProfile, warnings: Sequence[str]) -> None:
    """Print counts, types, relations and attributes, the commonest first, and what looks odd."""
    console = output()
    counts = f"{profile.entities:,} entities, {profile.edges:,} edges, {profile.facts:,} facts"
    console.print(Text.assemble((name, "bold"), f"\n{counts}\n"), soft_wrap=True)
    short = _shown_names(profile)
    if any(shown != name for name, shown in short.items()):
        console.print("IRIs are shown by their last part; --json shows all of them.\n", style="dim")
    for table in (
        _types(profile.types, short),
        _relations(profile.relations, short),
        _attributes(profile.attributes, short),
    ):
        if table.row_count:
            console.print(table)
            console.print()
    for warning in warnings:
        console.print(Text.assemble(("Looks odd: ", "yellow"), warning), soft_wrap=True)
    if warnings:
        console.print()


def _shown_names(profile: GraphProfile) -> dict[str, str]:
    """What is shown for each name: the last part of an IRI where no other name of its kind has it."""
    shown: dict[str, str] = {}
    for rows in (profile.types, profile.relations, profile.attributes):
        parts = {row.name: _last_part(row.name) for row in rows}
        counts = Counter(parts.values())
        shown |= {name: part if counts[part] == 1 else name for name, part in parts.items()}
    return shown


def _last_part(name: str) -> str:
    match = _LAST_PART.fullmatch(name)
    return match[1] if match else name


def _types(types: Sequence[TypeProfile], short: Mapping[str, str]) -> Table:
    rows = [(short[one.name], f"{one.entities:,}") for one in sorted(types, key=lambda one: -one.entities)]
    return _table(("type", "entities"), rows, texts=("type",))


def _relations(relations: Sequence[RelationProfile], short: Mapping[str, str]) -> Table:
    rows = [
        (
            short[one.name],
            f"{short[one.head_type]} → {short[one.tail_type]}",
            f"{one.edges:,}",
            f"{one.heads:,}",
            f"{one.tails:,}",
            f"{one.forward:.1f}",
            f"{one.backward:.1f}",
        )
        for one in sorted(relations, key=lambda one: -one.edges)
    ]
    titles = ("relation", "mostly", "edges", "heads", "tails", "per head", "per tail")
    return _table(titles, rows, texts=titles[:2])


def _attributes(attributes: Sequence[AttributeProfile], short: Mapping[str, str]) -> Table:
    rows = [
        (
            short[one.name],
            f"{one.facts:,}",
            f"{one.fill:.0%}",
            f"{one.distinct:,}",
            one.kind,
            " | ".join(_shortened(example) for example in one.examples),
        )
        for one in sorted(attributes, key=lambda one: -one.facts)
    ]
    titles = ("attribute", "facts", "filled", "distinct", "kind", "examples")
    return _table(titles, rows, texts=("attribute", "kind", "examples"))


def _table(titles: Sequence[str], rows: Sequence[tuple[str, ...]], *, texts: Iterable[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in titles:
        table.add_column(title, justify="left" if title in texts else "right", overflow="fold")
    for row in rows[:MAX_ROWS]:
        table.add_row(*(Text(cell) for cell in row))
    if len(rows) > MAX_ROWS:
        table.caption = f"and {len(rows) - MAX_ROWS:,} more; --json shows all of them"
        table.caption_justify = "left"
    return table


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXAMPLE_LENGTH else line[: _EXAMPLE_LENGTH - 3] + "..."
