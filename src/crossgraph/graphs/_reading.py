"""What all readers share: the record of what a source gave, and bytes and text with their faults."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from crossgraph.errors import Fault
from crossgraph.graphs.graph import GraphTables

MAX_FAULTS = 1000
# What a Parquet file that is damaged, or not there, makes polars raise; some damage it meets with a panic.
PARQUET_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
_GZIP_MAGIC = b"\x1f\x8b"
# Who unzips to more than both of these is a trap: statements that repeat each other swell some 50 times.
_MOST_SWELLING, _NEVER_TOO_MUCH = 200, 1 << 27
_HEAD_BYTES = 1 << 16
# How files begin that people take for text by their name.
_MAGIC = {
    b"PAR1": "Parquet",
    b"PK\x03\x04": "a zip file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\xfd7zXZ\x00": "an xz file",
    b"SQLite format 3\x00": "an SQLite database",
}
_UTF8_HINT = "save the file as UTF-8"


@dataclass(frozen=True)
class Reading:
    """What one source gave.

    tables            what could be read
    aside             what the source says besides: declarations of classes and properties
    faults            everything wrong with it, at most MAX_FAULTS a file (then the last one says so)
    notes             legal things left out or guessed, one sentence each
    missing_columns   columns the options name and the source does not have
    columns           the columns a record table has; empty for other formats
    """

    tables: GraphTables
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    aside: GraphTables = field(default_factory=GraphTables.empty)


def failed(*faults: Fault) -> Reading:
    """A reading of nothing but faults."""
    return Reading(GraphTables.empty(), faults=faults)


def united(readings: Iterable[Reading]) -> Reading:
    """Several readings as one graph: tables, faults and notes put together."""
    parts = list(readings)
    return Reading(
        _stacked([part.tables for part in parts]),
        faults=tuple(fault for part in parts for fault in part.faults),
        notes=tuple(note for part in parts for note in part.notes),
        missing_columns=tuple(dict.fromkeys(name for part in parts for name in part.missing_columns)),
        columns=tuple(dict.fromkeys(name for part in parts for name in part.columns)),
        aside=_stacked([part.aside for part in parts]),
    )


def _stacked(parts: Sequence[GraphTables]) -> GraphTables:
    tables = [GraphTables.empty(), *parts]
    return GraphTables(
        types=pl.concat([table.types for table in tables]),
        edges=pl.concat([table.edges for table in tables]),
        facts=pl.concat([table.facts for table in tables]),
    )


def capped(faults: Sequence[Fault], path: Path) -> tuple[Fault, ...]:
    """The first MAX_FAULTS faults of one file in the order of lines, with a last one that says it stopped."""
    if len(faults) <= MAX_FAULTS:
        return tuple(faults)
    stop = Fault(str(path), None, f"stopped after {MAX_FAULTS:,} faults", "mend these and read again")
    return (*faults[:MAX_FAULTS], stop)


def quoted(value: str, *, limit: int = 60) -> str:
    """A value as it stands in a message: quoted, escaped and not too long."""
    return repr(value if len(value) <= limit else value[: limit - 1] + "…")


def read_bytes(path: Path) -> tuple[bytes, tuple[Fault, ...]]:
    """The bytes of a file, unzipped if it is gzip; every way this can go wrong is a fault."""
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP_MAGIC):
            most = max(_NEVER_TOO_MUCH, _MOST_SWELLING * len(data))
            data = _unzipped(data, most)
            if len(data) > most:
                problem = f"swells to more than {_MOST_SWELLING} times its size when it is unzipped"
                return b"", (Fault(str(path), None, problem, "unzip it yourself if you trust it"),)
        elif path.suffix.lower() == ".gz" and data:
            raise gzip.BadGzipFile("the file does not start like gzip")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        problem = f"broken gzip: {error}"
        return b"", (Fault(str(path), None, problem, "download or compress it again"),)
    except OSError as error:
        return b"", (Fault(str(path), None, _reason(error), "check the path and its permissions"),)
    return data, ()


def _unzipped(data: bytes, most: int) -> bytes:
    """What gzip holds, cut one byte after the most that it may be."""
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
        return stream.read(most + 1)


def read_parquet(
    path: Path, *, hint: str, change: Callable[[pl.DataFrame], pl.DataFrame] = lambda table: table
) -> tuple[pl.DataFrame, tuple[Fault, ...]]:
    """The table of a Parquet file; every way this can go wrong is a fault.

    change   what is done to the table, and may fail as reading may
    """
    data, faults = read_bytes(path)
    if faults:
        return pl.DataFrame(), faults
    try:
        return change(pl.read_parquet(data)), ()
    except PARQUET_ERRORS as error:
        problem = f"cannot be read as Parquet: {' '.join(str(error).split())}"
        return pl.DataFrame(), (Fault(str(path), None, problem, hint),)


def read_head(path: Path) -> bytes:
    """The first 64 KiB of a file, unzipped; empty if it cannot be read (``read_bytes`` then says why)."""
    try:
        with path.open("rb") as stream:
            zipped = stream.read(2) == _GZIP_MAGIC
        with gzip.open(path) if zipped else path.open("rb") as stream:
            return stream.read(_HEAD_BYTES)
    except (OSError, EOFError, zlib.error):
        return b""


def read_text(path: Path) -> tuple[str, tuple[Fault, ...]]:
    r"""The text of a UTF-8 file with ``\n`` line ends.

    Lines that are not UTF-8 are faults and come back empty, so that line numbers hold; a file that is no
    text at all is one fault.
    """
    data, faults = read_bytes(path)
    if faults:
        return "", faults
    if kind := next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), ""):
        return "", (_no_text(path, kind),)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_unmarked_utf16(data[:64]):
        return "", (Fault(str(path), 1, "the text is UTF-16 or UTF-32", _UTF8_HINT),)
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    try:
        return data.decode(), ()
    except UnicodeDecodeError:
        # A NUL alone is a character like any other; beside bytes that are no characters it is a number.
        return ("", (_no_text(path, "binary data"),)) if b"\x00" in data else _by_line(data, path)


def _no_text(path: Path, kind: str) -> Fault:
    hint = "give it the name of what it is, or write it as text"
    return Fault(str(path), None, f"is no text: it looks like {kind}", hint)


def _is_unmarked_utf16(head: bytes) -> bool:
    """Whether every other byte is a NUL, and no other is: ASCII letters in two bytes each."""
    halves = head[::2], head[1::2]
    return len(head) > 3 and any(not any(one) and all(other) for one, other in (halves, halves[::-1]))


def _by_line(data: bytes, path: Path) -> tuple[str, tuple[Fault, ...]]:
    lines: list[str] = []
    faults: list[Fault] = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        try:
            lines.append(line.decode())
        except UnicodeDecodeError as error:
            lines.append("")
            problem = f"byte 0x{line[error.start]:02x} at column {error.start + 1} is not UTF-8"
            faults.append(Fault(str(path), number, problem, _UTF8_HINT))
    return "\n".join(lines), capped(faults, path)


def _reason(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "no such file or folder"
        case PermissionError():
            return "may not be read: permission denied"
        case IsADirectoryError():
            return "is a folder where a file is needed"
    return f"cannot be read: {error.strerror or error}"
