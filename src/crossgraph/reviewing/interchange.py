"""What people decided as files that travel: ledgers, JSON Lines of entries, and tables of answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from crossgraph._types import Bool
from crossgraph.errors import Fault, FaultsError, InputError, LinksError
from crossgraph.graphs._csv import read_csv
from crossgraph.graphs._reading import read_text
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.links import Links, Pairs
from crossgraph.layout import ResultFolder
from crossgraph.progress import SILENT, Progress
from crossgraph.results import read_scores, write_whole
from crossgraph.reviewing.book import Book, PairIds
from crossgraph.reviewing.labels import are_about
from crossgraph.reviewing.ledger import KINDS, Entry, Ledger, Saying, Verdict, parse_time

_TEXTS = ("id", "at", "who", "left", "right", "verdict", "why", "undoes")
_NEEDED = ("id", "at", "who", "left", "right", "verdict")
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_PAIR = {"left": pl.String, "right": pl.String}
_ANSWERED = (*_PAIR, "label")
_VERDICTS: dict[bool, Verdict] = {True: "same", False: "different"}


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
    text, problems = read_text(path)
    if not problems and path.suffix.lower() not in _JSON_LINES and not text.lstrip().startswith("{"):
        raise InputError(
            f"{path} holds neither entries nor answers", hint="give .jsonl of --export, or .csv of `ask`"
        )
    faults = list(problems)
    # Only newlines part lines of JSON: texts may hold the other characters that splitlines cuts at.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            entries.append(_entry(json.loads(line)))
        except (ValueError, RecursionError) as error:
            faults.append(Fault(str(path), number, f"holds no entry: {error}"))
    if faults:
        raise FaultsError("the decisions cannot be read", sorted(faults, key=lambda fault: fault.line or 0))
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


def read_answers(path: Path) -> Links:
    """The answered rows of a table of questions: a CSV with left, right and label (1, 0, or empty for later).

    Each pair once, with its label. Raises FaultsError with every row that cannot be taken.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing", hint="give a file of `crossgraph ask`, with its answers")
    table = read_csv(path)
    if not table.header:
        raise FaultsError("the answers cannot be read", table.faults)
    missing = [name for name in _ANSWERED if name not in table.header]
    if missing:
        raise InputError(
            f"{path} has no column {missing[0]!r}", hint="give a file of `crossgraph ask`: left, right, label"
        )
    places = [table.header.index(name) for name in _ANSWERED]
    faults = list(table.faults)
    found: dict[PairIds, tuple[bool, int]] = {}
    for number, row in zip(table.lines, table.rows, strict=True):
        left, right, label = (row[place] for place in places)
        label = label.strip()
        said = label == "1", number
        if label not in ("0", "1", ""):
            faults.append(Fault(str(path), number, f"the label is {label!r}", "write 1, 0, or nothing"))
        elif label and found.setdefault((left, right), said)[0] != said[0]:
            faults.append(Fault(str(path), number, f"{left!r}, {right!r} has both answers", "keep one"))
    if faults:
        raise FaultsError("the answers cannot be read", faults)
    return _links(found, path)


def _links(found: dict[PairIds, tuple[bool, int]], path: Path) -> Links:
    pairs, said = list(found), list(found.values())
    bare = Links.of(
        [left for left, _ in pairs], [right for _, right in pairs], label=[same for same, _ in said]
    )
    paths = pl.Series("paths", [str(path)] * len(pairs), pl.String)
    return replace(bare, paths=paths, lines=np.array([line for _, line in said], dtype=np.int64))


def answers_about(
    graphs: tuple[KnowledgeGraph, KnowledgeGraph], answers: Links, progress: Progress = SILENT
) -> list[tuple[PairIds, bool]]:
    """The answers of a file with the identifiers of these graphs; a note tells of those that differ in case.

    Answers about entities that the graphs do not have are kept beside others, with a note: an update may
    bring these. Raises LinksError naming every such identifier if the columns look swapped, or if no answer
    is about these graphs.
    """
    try:
        asked = Pairs(answers.left, answers.right, None, answers.paths, answers.lines)
        places = asked.resolve(*graphs)
    except LinksError as error:
        progress.note(_told_of_others(graphs, answers, error))
        return _paired(answers.left, answers.right, answers.label)
    for note in places.notes:
        progress.note(note)
    left, right = (
        graph.ids.gather(numbers.astype(np.int64))
        for graph, numbers in zip(graphs, (places.left, places.right), strict=True)
    )
    return _paired(left, right, answers.label)


def _told_of_others(graphs: tuple[KnowledgeGraph, KnowledgeGraph], answers: Links, error: LinksError) -> str:
    """What to tell of answers about other entities beside some about these; raises if there are none."""
    there = are_about(graphs, answers)
    if error.samples is not None:
        raise error
    if not there.any():
        hint = f"{error.hint}; answers about entities that an update brings are taken after it"
        raise LinksError("no answer is about entities that the graphs have", error.faults, hint=hint)
    return (
        f"{int((~there).sum()):,} of {len(answers):,} answers name entities that the graphs do not have, and "
        f"count once an update brings these, such as {error.faults[0]}"
    )


def _paired(left: pl.Series, right: pl.Series, same: Bool) -> list[tuple[PairIds, bool]]:
    return list(zip(zip(left, right, strict=True), same.tolist(), strict=True))


def record_answers(result: Path, answers: Sequence[tuple[PairIds, bool]], who: str) -> int:
    """Enter answers into the ledger of a RESULT, with what its model says of each; how many were new.

    What the reviewer said already, and did not take back, is passed over.
    """
    folder = ResultFolder(result)
    ledger = Ledger(folder.ledger_file)
    book = Book(ledger.entries())
    asked = pl.DataFrame([pair for pair, _ in answers], schema=_PAIR, orient="row")
    scored = read_scores(folder.scores_file).join(asked, on=[*_PAIR], how="semi")
    scores = {row[:2]: row[2] for row in scored.select(*_PAIR, "probability").iter_rows()}
    sayings = [
        Saying(who=who, left=pair[0], right=pair[1], verdict=verdict, probability=scores.get(pair))
        for pair, same in answers
        if not _says(book, pair, who, verdict := _VERDICTS[same])
    ]
    if sayings:
        ledger.record_all(sayings)
    return len(sayings)


def _says(book: Book, pair: PairIds, who: str, verdict: Verdict) -> bool:
    word = book.standing(pair).get(who)
    return word is not None and word.verdict == verdict
