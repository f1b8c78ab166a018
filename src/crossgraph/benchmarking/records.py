"""Finished runs as lines of JSON: each is there whole, or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from crossgraph.benchmarking.judging import Judgement
from crossgraph.benchmarking.suite import Value
from crossgraph.errors import Fault, FaultsError
from crossgraph.settings import read_record


@dataclass(frozen=True, kw_only=True)
class Key:
    """What tells one run from another.

    x          the value of a sweep
    settings   what is changed, as ``table.key=value``
    case       the keys of the data set as JSON, so that an edited one is run anew
    """

    method: str
    dataset: str
    x: Value | None = None
    seed: int
    settings: tuple[str, ...] = ()
    case: str


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one run took.

    training_seconds, scoring_seconds   CPU seconds of all threads, as the method tells
    pairs_per_second                    asked pairs by seconds of scoring; none where these are 0
    parameters                          trained numbers outside a text embedding
    peak_mib                            largest resident size of its process, with libraries and problem
    """

    training_seconds: float
    scoring_seconds: float
    pairs_per_second: float | None = None
    parameters: int
    peak_mib: float


@dataclass(frozen=True, kw_only=True)
class Record:
    """One finished run. ``versions`` of crossgraph, Python and the libraries that it loaded."""

    key: Key
    judgement: Judgement
    cost: Cost
    versions: Mapping[str, str] = field(default_factory=dict)

    def value(self, measure: str) -> float | None:
        """A figure or a cost by its name."""
        place = self.judgement if measure in _JUDGED else self.cost
        found: float | None = getattr(place, measure)
        return found

    def line(self) -> str:
        """The record as a line of JSON; what there is not is left out."""
        key = asdict(self.key) | {"case": json.loads(self.key.case)}
        told = {**key, **asdict(self.judgement), **asdict(self.cost), "versions": dict(self.versions)}
        kept = {name: value for name, value in told.items() if value is not None}
        return json.dumps(kept, ensure_ascii=False, allow_nan=False) + "\n"


_JUDGED = {one.name for one in fields(Judgement)}


def case_text(told: Mapping[str, Any]) -> str:
    """The keys of a data set as the ``case`` of a key."""
    return json.dumps(told, sort_keys=True, ensure_ascii=False)


def read_records(file: Path) -> list[Record]:
    """All whole lines of a file; none if there is no file.

    Raises FaultsError naming the lines that are no finished run.
    """
    if not file.exists():
        return []
    records, faults = [], []
    lines = file.read_bytes().split(b"\n")
    # What follows the last line end was never finished.
    for number, line in enumerate(lines[:-1], start=1):
        try:
            records.append(_record(json.loads(line)))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            faults.append(Fault(str(file), number, f"no finished run: {error}", "delete the line"))
    if faults:
        raise FaultsError("finished runs cannot be read", faults)
    return records


def append_record(file: Path, record: Record) -> None:
    """Add a line and wait until it is on disk. A line that an earlier crash left unfinished is dropped."""
    with file.open("ab") as out:
        whole = _whole_bytes(file)
        out.truncate(whole)
        try:
            out.write(record.line().encode())
            out.flush()
            os.fsync(out.fileno())
        except OSError:
            out.truncate(whole)
            raise


def _whole_bytes(file: Path) -> int:
    """The length up to the last line end."""
    return file.read_bytes().rfind(b"\n") + 1


def _record(line: dict[str, Any]) -> Record:
    """Raises ValueError, TypeError or KeyError if the line is none."""
    content = line | {"case": case_text(line["case"])}
    parts: list[Any] = []
    for kind in (Key, Judgement, Cost):
        names = [one.name for one in fields(kind)]
        found, problems = read_record(kind, {name: content[name] for name in names if name in content})
        if problems:
            raise ValueError("; ".join(problem for problem, _ in problems))
        parts.append(found)
    return Record(key=parts[0], judgement=parts[1], cost=parts[2], versions=line.get("versions", {}))
