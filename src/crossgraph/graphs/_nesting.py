"""How deep brackets nest, told before a recursive parser runs out of stack and takes the process with it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from pyoxigraph import RdfFormat

from crossgraph._types import Int64
from crossgraph.errors import Fault

MAX_NESTING = 500

# JSON has its objects nested, RDF 1.2 its triples about triples; nothing else makes the parsers recurse.
_JSON_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_RDF_TEXT = re.compile(
    rb'<(?![<(])[^<>\s]*>|"""(?:[^"\\]|\\.|""?(?!"))*"""|'
    rb"'''(?:[^'\\]|\\.|''?(?!'))*'''|"
    rb'"(?:[^"\\\n]|\\.)*"|'
    rb"'(?:[^'\\\n]|\\.)*'|#[^\n]*",
    re.DOTALL,
)
_BRACKETS = {
    RdfFormat.JSON_LD: (_JSON_TEXT, re.compile(rb"[\[{]"), re.compile(rb"[\]}]")),
    RdfFormat.N_TRIPLES: (_RDF_TEXT, re.compile(rb"<<"), re.compile(rb">>")),
    RdfFormat.N_QUADS: (_RDF_TEXT, re.compile(rb"<<"), re.compile(rb">>")),
    RdfFormat.TURTLE: (_RDF_TEXT, re.compile(rb"<<"), re.compile(rb">>")),
    RdfFormat.TRIG: (_RDF_TEXT, re.compile(rb"<<"), re.compile(rb">>")),
}


def nesting_faults(text: str, form: RdfFormat, path: Path) -> list[Fault]:
    """A fault if a text nests more than ``MAX_NESTING`` deep; what stands in quotes does not count."""
    if form not in _BRACKETS:
        return []
    quotes, opening, closing = _BRACKETS[form]
    data = text.encode()
    if sum(1 for _ in opening.finditer(data)) <= MAX_NESTING:
        return []
    bare = quotes.sub(lambda found: b" " * len(found[0]), data)
    opened, closed = (_places(bracket, bare) for bracket in (opening, closing))
    depth = np.arange(1, len(opened) + 1) - np.searchsorted(closed, opened)
    deep = np.flatnonzero(depth > MAX_NESTING)
    if not len(deep):
        return []
    line = data.count(b"\n", 0, int(opened[deep[0]])) + 1
    problem = f"nested more than {MAX_NESTING} deep"
    return [Fault(str(path), line, problem, "write the inner nodes as statements of their own")]


def _places(pattern: re.Pattern[bytes], data: bytes) -> Int64:
    return np.fromiter((found.start() for found in pattern.finditer(data)), dtype=np.int64)
