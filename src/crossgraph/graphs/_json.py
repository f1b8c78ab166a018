"""JSON Lines with the line of every fault."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from crossgraph.errors import Fault
from crossgraph.graphs._reading import quoted


def json_lines(text: str, path: Path, *, hint: str, faults: list[Fault]) -> Iterator[tuple[int, object]]:
    """The value in each line that is not blank, with its number; what cannot be read joins ``faults``.

    Faults: what is no JSON, keys that an object has twice (Python would keep the last and say nothing),
    texts of half a surrogate pair, which JSON can write and UTF-8 cannot, numbers or nesting beyond all use.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line, object_pairs_hook=_object, parse_int=_int)
        except (ValueError, RecursionError) as error:
            faults.append(Fault(str(path), number, f"{_told(error)}: {quoted(line)}", hint))


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {quoted(name)} comes twice")
    for name, value in pairs:
        _encodable(name)
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                _encodable(text)
    return found


def _encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{quoted(text)} holds half a surrogate pair") from None


def _int(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise ValueError(f"a number of {len(digits):,} digits") from None


def _told(error: Exception) -> str:
    match error:
        case RecursionError():
            return "nested too deeply"
        case json.JSONDecodeError():
            return f"no JSON at column {error.colno}: {error.msg}"
    return str(error)
