"""SSSOM TSV: how identifiers are written in it, its metadata header, and its rows.

Source: https://mapping-commons.github.io/sssom/ (Matentzoglu et al., Database, 2022).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

import polars as pl

from crossgraph._types import Side
from crossgraph.errors import Fault
from crossgraph.graphs._csv import csv_rows

# .invalid never resolves (RFC 6761): nobody's names are claimed for prefixes that only the graphs know.
LOCAL_NAMESPACE = "https://crossgraph.invalid/"
TOOL = "crossgraph"

WELL_KNOWN_PREFIXES: Mapping[str, str] = {
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "semapv": "https://w3id.org/semapv/vocab/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "sssom": "https://w3id.org/sssom/",
}
_SCHEMES = ("doi", "info", "mailto", "tag", "tel", "urn")

# The ASCII URIs of RFC 3986 less user names and IPv6 hosts. SSSOM's validators refuse other characters.
# Polars reads the patterns too, and knows no looking ahead.
_PART = r"(?:[A-Za-z0-9._~!$&'()*+,;=@/?-]|%[0-9A-Fa-f]{2})"
_LONG_PART = _PART.replace("@/?", "@/?:")
_HOST = r"[A-Za-z0-9._~-]*(?::[0-9]*)?"
_URL = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*://{_HOST}(?:[/?]{_LONG_PART}*)?(?:#{_LONG_PART}*)?")
# Not two slashes at the beginning.
_REST, _LONG_REST = (rf"(?:/?{part.replace('/', '')}{part}*|/)" for part in (_PART, _LONG_PART))
_URN = re.compile(rf"(?:{'|'.join(_SCHEMES)}):{_LONG_REST}(?:#{_LONG_PART}*)?")
_CURIE = re.compile(rf"(?P<prefix>[A-Za-z_][A-Za-z0-9_.-]*):{_REST}(?:#{_PART}*)?")
# What percent-encoding leaves as it is.
_SAFE = re.compile(r"[A-Za-z0-9_.~-]*")
_NOT_PREFIXES = frozenset({"left", "right", "http", "https", "ftp", "file"})


@dataclass(frozen=True)
class Header:
    """The metadata block of an SSSOM TSV: single values as text, and the prefix map."""

    values: Mapping[str, str]
    prefixes: Mapping[str, str]

    @property
    def is_ours(self) -> bool:
        """Whether crossgraph wrote the file, so that its CURIEs are the graphs' own identifiers."""
        return self.values.get("mapping_tool") == TOOL


def write_id(identifier: str, side: Side) -> str:
    """An identifier as SSSOM takes it: IRIs and CURIEs as they are, the rest percent-encoded.

    What SSSOM's validators would drop (spaces, pipes, characters outside ASCII) is no IRI or CURIE here,
    so it becomes ``left:`` or ``right:`` and the percent-encoded identifier. ``read_id`` undoes it.
    """
    if _URL.fullmatch(identifier) or _URN.fullmatch(identifier):
        return identifier
    curie = _CURIE.fullmatch(identifier)
    if curie and curie["prefix"] not in _NOT_PREFIXES:
        return identifier
    return f"{side}:{quote(identifier, safe='')}"


def write_ids(identifiers: pl.Series, side: Side) -> pl.Series:
    """``write_id`` of each, many at a time."""
    prefix = identifiers.str.extract(_whole(_CURIE), 1)
    plain = identifiers.str.contains(_whole(_URL)) | identifiers.str.contains(_whole(_URN))
    plain |= prefix.is_not_null() & ~prefix.fill_null("").is_in(sorted(_NOT_PREFIXES))
    rows = pl.DataFrame({"id": identifiers, "plain": plain})
    prefixed = pl.when("plain").then(pl.col("id")).otherwise(pl.lit(f"{side}:") + pl.col("id"))
    written = rows.select(prefixed).to_series()
    odd = ~(plain | identifiers.str.contains(_whole(_SAFE)))
    if odd.any():
        written = written.scatter(odd.arg_true(), [write_id(one, side) for one in identifiers.filter(odd)])
    return written


def _whole(pattern: re.Pattern[str]) -> str:
    """A pattern of the whole text, as Polars reads it; it knows those of this module alike."""
    return f"^(?:{pattern.pattern})$"


def read_id(written: str) -> str:
    """The identifier that ``write_id`` wrote."""
    prefix, _, rest = written.partition(":")
    return unquote(rest) if prefix in ("left", "right") else written


def expand_id(written: str, header: Header) -> str:
    """The identifier as a graph has it: our own as written, another tool's CURIE as its IRI.

    A CURIE whose prefix the header does not declare stays as it is.
    """
    prefix, _, rest = written.partition(":")
    namespace = header.prefixes.get(prefix, WELL_KNOWN_PREFIXES.get(prefix, ""))
    if header.is_ours or not namespace or namespace.startswith(LOCAL_NAMESPACE):
        return read_id(written)
    return written if rest.startswith("//") else namespace + rest


def prefix_map(written: pl.Series) -> dict[str, str]:
    """The prefixes that written identifiers use, with what each stands for, in sorted order.

    Well-known prefixes have their usual meaning, URI schemes stand for themselves, and prefixes that only
    the graphs know stand for a name under ``LOCAL_NAMESPACE``.
    """
    short = written.filter(~written.str.contains(_whole(_URL)))
    used = short.str.splitn(":", 2).struct.field("field_0").unique()
    return {prefix: _namespace(prefix) for prefix in sorted({*used, "left", "right", "semapv", "skos"})}


def header_lines(header: Header) -> list[str]:
    """The metadata block, one ``#`` line each; every text is quoted as JSON, which YAML reads alike."""
    pairs = [f"#  {json.dumps(key)}: {json.dumps(value)}" for key, value in header.prefixes.items()]
    return [
        "#curie_map:",
        *pairs,
        *(f"#{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in header.values.items()),
    ]


def parse_header(lines: Iterable[str]) -> Header:
    """The metadata block from its ``#`` lines: plain ``key: value`` lines, and those under ``curie_map``.

    Lists and nested values other than the prefix map are passed over.
    """
    values: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    section, margin = "", -1
    for line in lines:
        text = line.removeprefix("#").rstrip()
        indent = len(text) - len(text.lstrip())
        margin = indent if margin < 0 else margin
        key, value = _key_and_value(text)
        if indent > margin and section == "curie_map":
            prefixes[key] = value
        elif indent == margin and value:
            section, values[key] = "", value
        elif indent == margin:
            section = key
    return Header(values, prefixes)


def parse_rows(text: str, path: Path) -> tuple[list[tuple[int, list[str]]], list[Fault]]:
    """The rows below the header, column names first, each with its line (1-based, in the whole file).

    Then a fault for each row with broken quotes.
    """
    lines = text.split("\n")
    skipped = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    rows, numbers, faults = csv_rows("\n".join(lines[skipped:]), path, delimiter="\t")
    found = [(skipped + number, row) for number, row in zip(numbers, rows, strict=True) if any(row)]
    return found, [replace(fault, line=skipped + (fault.line or 1)) for fault in faults]


def _namespace(prefix: str) -> str:
    if prefix in _SCHEMES:
        return f"{prefix}:"
    return WELL_KNOWN_PREFIXES.get(prefix, f"{LOCAL_NAMESPACE}{prefix}/")


def _key_and_value(text: str) -> tuple[str, str]:
    # YAML ends a key at the first colon before a space or the end of the line.
    key, _, value = re.sub(r":(\s|$)", "\0", text, count=1).partition("\0")
    return _unquoted(key.strip()), _unquoted(value.strip())


def _unquoted(text: str) -> str:
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        try:
            return str(json.loads(text))
        except json.JSONDecodeError:
            return text[1:-1]
    quoted = text.startswith("'") and text.endswith("'") and len(text) > 1
    return text[1:-1].replace("''", "'") if quoted else text
