"""Which types, relations and attributes of the two graphs correspond, as a table that people can edit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from crossgraph._toml import toml_tables
from crossgraph._types import Side
from crossgraph.errors import Fault, GraphFormatError
from crossgraph.settings import literal

_HEADER = """\
# Which parts of the two vocabularies correspond. Edit freely and pass the file with --schema FILE:
# delete a block to forbid a correspondence, add one to state it, change a weight (0 to 1) to trust it less.
# inverse = true: the right relation runs the other way round.
"""


@dataclass(frozen=True, slots=True)
class TypeMapping:
    """Entities of these two types may be the same; weight in (0, 1]."""

    left: str
    right: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class RelationMapping:
    """An edge by ``left`` tends to be one by ``right``, turned round if ``inverse``; weight in (0, 1]."""

    left: str
    right: str
    inverse: bool = False
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class AttributeMapping:
    """Values of these attributes agree for the same entity; weight in (0, 1]."""

    left: str
    right: str
    weight: float = 1.0


Row = TypeVar("Row", TypeMapping, RelationMapping, AttributeMapping)


@dataclass(frozen=True, slots=True)
class SchemaMapping:
    """The correspondences of two vocabularies, strongest first."""

    types: tuple[TypeMapping, ...]
    relations: tuple[RelationMapping, ...]
    attributes: tuple[AttributeMapping, ...]

    def inheriting(self, other: SchemaMapping, names: Callable[[str, Side], set[str]]) -> SchemaMapping:
        """These correspondences and those of an earlier mapping whose names exist here too.

        names   the names that a graph has, by table (types, relations, attributes) and side
        """

        def ends(table: str) -> tuple[set[str], set[str]]:
            return names(table, "left"), names(table, "right")

        return SchemaMapping(
            types=_united(self.types, other.types, ends("types")),
            relations=_united(self.relations, other.relations, ends("relations")),
            attributes=_united(self.attributes, other.attributes, ends("attributes")),
        )

    def to_toml(self) -> str:
        """The mapping as an editable text (the round trip of ``read_schema``)."""
        blocks = [
            f"[[{table}]]\n" + "".join(f"{key} = {literal(value)}\n" for key, value in asdict(row).items())
            for table in ("types", "relations", "attributes")
            for row in getattr(self, table)
        ]
        return "\n".join([_HEADER, *blocks])

    def numbered_relations(
        self, left: tuple[str, ...], right: tuple[str, ...]
    ) -> list[tuple[RelationMapping, int, int]]:
        """Each mapped relation with its numbers among the relations of two graphs that both have it."""
        return [
            (m, left.index(m.left), right.index(m.right))
            for m in self.relations
            if m.left in left and m.right in right
        ]


def _united(
    mine: tuple[Row, ...], theirs: tuple[Row, ...], names: tuple[set[str], set[str]]
) -> tuple[Row, ...]:
    """All rows of ``mine``, and those of ``theirs`` that are new and whose names exist."""
    known = {(row.left, row.right, getattr(row, "inverse", False)) for row in mine}
    new: list[Row] = [
        row
        for row in theirs
        if row.left in names[0]
        and row.right in names[1]
        and (row.left, row.right, getattr(row, "inverse", False)) not in known
    ]
    return mine + tuple(new)


def read_schema(path: Path) -> SchemaMapping:
    """Read a mapping written by ``to_toml`` and perhaps edited by hand.

    Raises GraphFormatError with every faulty block at once.
    """
    try:
        text = path.read_text(encoding="utf8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    return parse_schema(text, path)


def parse_schema(text: str, path: Path) -> SchemaMapping:
    """The mapping that a text of ``to_toml`` tells; ``path`` is where faults are said to be."""
    try:
        tables = toml_tables(text)
    except ValueError as error:
        raise _unreadable(path, error) from error
    faults = [
        Fault(str(path), None, f"unknown table [[{name}]]", "known: types, relations, attributes")
        for name in tables
        if name not in ("types", "relations", "attributes")
    ]
    mapping = SchemaMapping(
        types=_rows(tables.get("types", []), TypeMapping, path, faults),
        relations=_rows(tables.get("relations", []), RelationMapping, path, faults),
        attributes=_rows(tables.get("attributes", []), AttributeMapping, path, faults),
    )
    if faults:
        raise GraphFormatError("the schema mapping has faults", faults)
    return mapping


def _unreadable(path: Path, error: Exception) -> GraphFormatError:
    fault = Fault(str(path), None, str(error), "`crossgraph schema LEFT RIGHT` writes a fresh one")
    return GraphFormatError("the schema mapping cannot be read", [fault])


def _rows(blocks: Any, kind: type[Row], path: Path, faults: list[Fault]) -> tuple[Row, ...]:
    if not isinstance(blocks, list):
        hint = "write double brackets: [[types]]"
        faults.append(Fault(str(path), None, f"{kind.__name__} blocks are no list of tables", hint))
        return ()
    rows = []
    for number, block in enumerate(blocks, start=1):
        problem = _problem(block, {field.name for field in fields(kind)})
        if problem:
            faults.append(Fault(str(path), None, f"{kind.__name__} block {number}: {problem}"))
        else:
            rows.append(kind(**{**block, "weight": float(block.get("weight", 1.0))}))
    return tuple(rows)


def _problem(block: Any, known: set[str]) -> str:
    if not isinstance(block, dict):
        return "is no table"
    if unknown := sorted(set(block) - known):
        return f"unknown key {unknown[0]!r}; known: {', '.join(sorted(known))}"
    if not all(isinstance(block.get(side), str) for side in ("left", "right")):
        return "needs left and right, both texts"
    weight = block.get("weight", 1.0)
    if not isinstance(weight, int | float) or isinstance(weight, bool) or not 0 < weight <= 1:
        return f"weight {weight!r} is not in (0, 1]"
    return "" if isinstance(block.get("inverse", False), bool) else "inverse must be true or false"
