"""The ledger: every decision of every reviewer in one SQLite file, which only ever grows.

An entry is on disk before it is told to be recorded, and a process that dies leaves whole entries. Undoing
is an entry too, so what was once said stays to be read.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from crossgraph.errors import InputError, ResultError
from crossgraph.layout import ResultFolder

Verdict: TypeAlias = Literal["same", "different", "unsure"]
Kind: TypeAlias = Literal["same", "different", "unsure", "undo"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
KINDS: tuple[Kind, ...] = get_args(Kind)

_VERSION = 1
_PATIENCE = 10.0  # seconds to wait for another process that writes
_SCHEMA = (
    """CREATE TABLE entries (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      at TEXT NOT NULL,
      who TEXT NOT NULL CHECK (who <> ''),
      left TEXT NOT NULL CHECK (left <> ''),
      right TEXT NOT NULL CHECK (right <> ''),
      verdict TEXT NOT NULL CHECK (verdict IN ('same', 'different', 'unsure', 'undo')),
      why TEXT NOT NULL,
      probability REAL CHECK (probability BETWEEN 0 AND 1),
      undoes TEXT NOT NULL CHECK ((verdict = 'undo') = (undoes <> ''))
    )""",
    "CREATE INDEX entries_of_reviewers ON entries (who, at)",
    """CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END""",
    """CREATE TRIGGER entries_are_not_deleted BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END""",
    f"PRAGMA user_version = {_VERSION}",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of the ledger.

    id            unique everywhere, so that ledgers can be merged again and again
    at            when, UTC, like 2026-01-31T09:30:00.000000Z; later ones of a reviewer are larger
    who           the reviewer
    left, right   identifiers, as the graphs have them
    verdict       same, different, unsure, or undo
    why           what the reviewer wrote; may be empty
    probability   what the model said then; None for a pair that it did not score
    undoes        the id of the entry that an undo takes back, otherwise empty
    """

    id: str
    at: str
    who: str
    left: str
    right: str
    verdict: Kind
    why: str = ""
    probability: float | None = None
    undoes: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """The two identifiers."""
        return self.left, self.right


@dataclass(frozen=True, kw_only=True, slots=True)
class Saying:
    """What a reviewer says of a pair, before it has a time and an id; see ``Entry``."""

    who: str
    left: str
    right: str
    verdict: Verdict
    why: str = ""
    probability: float | None = None


_COLUMNS = tuple(field.name for field in fields(Entry))
_SELECT = f"SELECT number, {', '.join(_COLUMNS)} FROM entries"
_INSERT = f"INSERT INTO entries ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


class Ledger:
    """The ledger at a path; the file is made with the first entry. Every call opens it anew.

    So one object serves several threads, and a RESULT that is made anew while it is reviewed keeps its
    ledger. Every method raises ResultError if the file is no ledger, or of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, saying: Saying) -> Entry:
        """Append what a reviewer says; it is on disk when this returns."""
        return self.record_all([saying])[0]

    def record_all(self, sayings: Iterable[Saying]) -> list[Entry]:
        """Append what reviewers say, all or nothing of it; it is on disk when this returns."""
        entries = []
        with self._writing() as database:
            for saying in sayings:
                entry = Entry(
                    id=str(uuid.uuid4()),
                    at=_next_time(database, saying.who),
                    who=saying.who,
                    left=saying.left,
                    right=saying.right,
                    verdict=saying.verdict,
                    why=saying.why,
                    probability=saying.probability,
                )
                database.execute(_INSERT, astuple(entry))
                entries.append(entry)
        return entries

    def undo(self, who: str) -> Entry | None:
        """Take back the last thing that a reviewer said and did not take back; None if there is none."""
        with self._writing() as database:
            row = database.execute(
                f"{_SELECT} WHERE who = ? AND verdict <> 'undo' AND id NOT IN"
                " (SELECT undoes FROM entries WHERE verdict = 'undo') ORDER BY at DESC, number DESC LIMIT 1",
                (who,),
            ).fetchone()
            if row is None:
                return None
            last = Entry(**dict(zip(_COLUMNS, row[1:], strict=True)))
            entry = Entry(
                id=str(uuid.uuid4()),
                at=_next_time(database, who),
                who=who,
                left=last.left,
                right=last.right,
                verdict="undo",
                probability=last.probability,
                undoes=last.id,
            )
            database.execute(_INSERT, astuple(entry))
        return entry

    def entries(self) -> list[Entry]:
        """Everything that was said, in the order in which it came into this ledger."""
        return [entry for _, entry in self.after(0)]

    def after(self, number: int) -> list[tuple[int, Entry]]:
        """What came after the entry of a number, each with its own number; the first is 1."""
        if not self.path.is_file():
            return []
        with closing(self._open()) as database:
            if not _check(database, self.path):
                return []
            rows = database.execute(f"{_SELECT} WHERE number > ? ORDER BY number", (number,)).fetchall()
        return [(row[0], Entry(**dict(zip(_COLUMNS, row[1:], strict=True)))) for row in rows]

    def add(self, entries: Iterable[Entry]) -> int:
        """Add entries of other ledgers, all or none; those that are there already are passed over.

        Returns how many were new. Raises InputError if one has the id of another entry.
        """
        new = 0
        with self._writing() as database:
            for entry in entries:
                found = database.execute(f"{_SELECT} WHERE id = ?", (entry.id,)).fetchone()
                if found is None:
                    database.execute(_INSERT, astuple(entry))
                    new += 1
                elif found[1:] != astuple(entry):
                    raise InputError(
                        f"the entry {entry.id} of {entry.who} differs from the one in {self.path}",
                        hint="entries are never changed: take the file as it was exported",
                    )
        return new

    def _open(self) -> sqlite3.Connection:
        try:
            return sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
        except sqlite3.OperationalError as error:
            raise ResultError(f"{self.path} cannot be opened: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the whole file: it is on disk at the end, or nothing of it is."""
        with closing(self._open()) as database:
            try:
                # EXTRA also syncs the folder, so that not even a power cut takes back what was told.
                database.execute("PRAGMA synchronous = EXTRA")
                database.execute("BEGIN IMMEDIATE")
                if not _check(database, self.path):
                    _make(database)
                yield database
                database.execute("COMMIT")
            except sqlite3.IntegrityError as error:
                raise InputError(f"the entry does not fit into {self.path}: {error}") from error
            except sqlite3.DatabaseError as error:
                raise _unusable(self.path, error) from error


def _check(database: sqlite3.Connection, path: Path) -> bool:
    """Whether the ledger has been made. Raises ResultError where the file is something else."""
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        raise _unusable(path, error) from error
    if version > _VERSION:
        raise ResultError(f"{path} was made by a newer crossgraph (version {version})")
    if tables and "entries" not in tables:
        raise ResultError(f"{path} is no ledger, but another database", hint="move it away")
    return bool(tables)


def _unusable(path: Path, error: sqlite3.DatabaseError) -> ResultError:
    # Errors of the Python module itself have no code.
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
        return ResultError(f"{path} is no ledger: {error}", hint="move it away, and a new one is made")
    return ResultError(f"{path} cannot be used: {error}")


def _make(database: sqlite3.Connection) -> None:
    # One by one: executescript would commit before it starts, and a half-made ledger must not be seen.
    for statement in _SCHEMA:
        database.execute(statement)


def _next_time(database: sqlite3.Connection, who: str) -> str:
    """Now, but after all that this reviewer said before, also where the clock was set back."""
    now = datetime.now(UTC)
    last = database.execute("SELECT max(at) FROM entries WHERE who = ?", (who,)).fetchone()[0]
    if last is not None:
        now = max(now, parse_time(last) + timedelta(microseconds=1))
    return format_time(now)


def format_time(when: datetime) -> str:
    """A time as entries have it: its order as text is its order in time."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """The time of an entry. Raises ValueError for any other text."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def hand_on(source: ResultFolder, target: ResultFolder, stage: ResultFolder) -> None:
    """What people said goes along into a RESULT that is being made of another one.

    target   where it is going to be: a ledger that is there stays, and takes in what was said
    stage    where it is being written
    """
    kept = target.ledger_file if target.ledger_file.is_file() else stage.ledger_file
    entries = Ledger(source.ledger_file).entries()
    if entries:
        Ledger(kept).add(entries)
