"""Ledgers as files that travel: JSON Lines, one entry a line, and the ledgers of other results."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from crossgraph.errors import Fault, FaultsError, InputError
from crossgraph.results import ResultFolder, write_whole
from crossgraph.reviewing.ledger import KINDS, Entry, Ledger, parse_time

_TEXTS = ("id", "at", "who", "left", "right", "verdict", "why", "undoes")
_NEEDED = ("id", "at", "who", "left", "right", "verdict")


def write_entries(entries: Iterable[Entry], path: Path) -> None:
    """Every entry as a line of JSON (the round trip of ``read_entries``)."""
    lines = (json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries)
    write_whole(path, lambda part: part.write_text("".join(lines), encoding="utf8"))


def read_entries(path: Path) -> list[Entry]:
    """The entries of a JSON Lines file, of a ledger, or of the ledger of a RESULT folder.

    Raises InputError if there is none, and FaultsError with every line that holds no entry.
    """
    if path.is_dir():
        path = ResultFolder(path).ledger_file
    if not path.is_file():
        raise InputError(f"{path} is missing", hint="give a file of `crossgraph review --export`")
    with path.open("rb") as file:
        is_database = file.read(15) == b"SQLite format 3"
    return Ledger(path).entries() if is_database else _read_lines(path)


def _read_lines(path: Path) -> list[Entry]:
    entries: list[Entry] = []
    faults: list[Fault] = []
    # Only newlines part lines of JSON: texts may hold the other characters that splitlines cuts at.
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            entries.append(_entry(json.loads(line)))
        except ValueError as error:
            faults.append(Fault(str(path), number, f"holds no entry: {error}"))
    if faults:
        raise FaultsError("the decisions cannot be read", faults)
    return entries


def _entry(value: Any) -> Entry:
    """An entry from JSON. Raises ValueError with what is wrong."""
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    if unknown := set(value) - {field.name for field in fields(Entry)}:
        raise ValueError(f"unknown key {min(unknown)!r}")
    if missing := [key for key in _NEEDED if not value.get(key)]:
        raise ValueError(f"{missing[0]} is missing")
    if wrong := [key for key in _TEXTS if not isinstance(value.get(key, ""), str)]:
        raise ValueError(f"{wrong[0]} is no text")
    if value["verdict"] not in KINDS:
        raise ValueError(f"the verdict is {value['verdict']!r}, not {', '.join(KINDS)}")
    parse_time(value["at"])
    if (value["verdict"] == "undo") != bool(value.get("undoes")):
        raise ValueError("an undo, and nothing else, names what it undoes")
    _check_probability(value.get("probability"))
    return Entry(**value)


def _check_probability(value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"the probability {value!r} is not in [0, 1]")
