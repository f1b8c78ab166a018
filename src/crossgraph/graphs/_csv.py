"""CSV with the line of every row and every fault."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crossgraph.errors import Fault
from crossgraph.graphs._reading import capped, read_head, read_text

_DELIMITERS = ",;\t"
# The module's own limit of 128 KiB a cell would refuse long descriptions; this is the most that it can count
# to everywhere.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class CsvTable:
    """A CSV file with a header.

    header   the names of the columns, unique; empty if the file has no header
    rows     cells as text, each row as wide as the header
    lines    1-based line on which each row starts
    faults   rows left out, and why
    """

    header: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    faults: tuple[Fault, ...]

    def column(self, position: int) -> list[str]:
        """The cells of one column."""
        return [row[position] for row in self.rows]


def read_csv(path: Path, *, delimiter: str | None = None) -> CsvTable:
    """Read UTF-8 CSV (RFC 4180 quoting); the header tells whether comma, semicolon or tab separates.

    delimiter   what separates, where that is known

    Faults: broken quotes, rows with another number of cells than the header, repeated or empty names in
    the header. Empty lines are skipped.
    """
    text, faults = read_text(path)
    separator = delimiter or delimiter_of(text.partition("\n")[0])
    rows, lines, broken = csv_rows(text, path, delimiter=separator)
    return _checked(rows, lines, faults=[*faults, *broken], path=path)


def csv_rows(text: str, path: Path, *, delimiter: str) -> tuple[list[list[str]], list[int], list[Fault]]:
    """The rows of a text that are not empty, the line on which each starts, and a fault for broken quotes."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[Fault] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    start = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            found.append(Fault(str(path), start, f"broken CSV: {error}", "check the quotes on this line"))
        else:
            if row:
                rows.append(row)
                lines.append(start)
        start = reader.line_num + 1
    return rows, lines, found


def first_header(path: Path) -> tuple[str, ...]:
    """The cells of a CSV file's first line; empty if it cannot be read (``read_csv`` then says why)."""
    head = read_head(path)
    line = next(iter(head.removeprefix(b"\xef\xbb\xbf").decode(errors="replace").splitlines()), "")
    return tuple(next(csv.reader([line], delimiter=delimiter_of(line)), ()))


def delimiter_of(header: str) -> str:
    """The commonest of comma, semicolon and tab in a header line; a tie goes to the earlier of these."""
    return max(_DELIMITERS, key=header.count)


def _checked(rows: list[list[str]], lines: list[int], *, faults: list[Fault], path: Path) -> CsvTable:
    if not rows:
        empty = Fault(str(path), None, "the file is empty", "the first line must name the columns")
        return CsvTable((), [], [], tuple(faults) or (empty,))
    header = tuple(name.strip() for name in rows[0])
    faults += _header_faults(header, path)
    width = len(header)
    wrong = [number for number, row in enumerate(rows) if len(row) != width]
    hint = "quote cells that hold the separator" if wrong else ""
    faults += [
        Fault(str(path), lines[number], f"{len(rows[number])} cells where the header has {width}", hint)
        for number in wrong
    ]
    if wrong:
        keep = sorted(set(range(len(rows))).difference(wrong))
        rows, lines = [rows[number] for number in keep], [lines[number] for number in keep]
    return CsvTable(header, rows[1:], lines[1:], capped(_by_line(faults), path))


def _by_line(faults: Sequence[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: fault.line or 0)


def _header_faults(header: tuple[str, ...], path: Path) -> list[Fault]:
    hint = "give each column a name of its own"
    unnamed = [
        Fault(str(path), 1, f"column {position} has no name", hint)
        for position, name in enumerate(header, start=1)
        if not name
    ]
    # Any number of columns may say that they are to be ignored (the headers of Neo4j).
    names = Counter(name for name in header if name and not name.endswith(":IGNORE"))
    repeated = [name for name, count in names.items() if count > 1]
    return unnamed + [Fault(str(path), 1, f"two columns have the name {name!r}", hint) for name in repeated]
