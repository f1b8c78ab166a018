"""The files that hold links or pairs: TSV, CSV, JSON Lines, Parquet, RDF and SSSOM, told apart by content."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyoxigraph as ox

from crossgraph.errors import Fault
from crossgraph.graphs._csv import csv_rows
from crossgraph.graphs._json import json_lines
from crossgraph.graphs._reading import MAX_FAULTS, capped, quoted, read_head, read_parquet, read_text
from crossgraph.graphs.rdf import line_starts, read_xml, syntax_fault, text_faults
from crossgraph.graphs.sssom_format import Header, expand_id, parse_header, parse_rows
from crossgraph.graphs.terms import from_iri

ROW_SCHEMA = {
    "path": pl.String,
    "line": pl.Int64,
    "left": pl.String,
    "right": pl.String,
    "label": pl.Int8,
    "type": pl.String,
}
_ALIGNMENT = "http://knowledgeweb.semanticweb.org/heterogeneity/alignment"
_SAME_AS = "http://www.w3.org/2002/07/owl#sameAs"
_SAME = frozenset(
    {
        _SAME_AS,
        "http://www.w3.org/2002/07/owl#equivalentClass",
        "http://www.w3.org/2004/02/skos/core#exactMatch",
    }
)
_SSSOM_COLUMNS = ("subject_id", "predicate_id", "object_id")
_CSV_COLUMNS = (("ltable_id", "rtable_id"), ("left", "right"))
_TABLE_HINT = "links have the fields left and right, both texts, and perhaps label (0 or 1) and type"
_LABEL_HINT = "write 1 for the same and 0 for not the same"
_SSSOM_HINT = "a row has a cell for each of subject_id, predicate_id and object_id"
_TSV_HINT = "a line is left, tab, right, and may go on with a tab and a label or a type"


@dataclass
class LinkRows:
    """The rows of one file as they come, in file order, and what is wrong with it.

    label   1 same, 0 known not to match, None where the file says neither
    line    1-based; 0 where the format has none
    """

    path: Path
    lines: list[int] = field(default_factory=list)
    lefts: list[str] = field(default_factory=list)
    rights: list[str] = field(default_factory=list)
    labels: list[int | None] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def add(self, line: int, pair: tuple[str, str], *, label: int | None = None, type_name: str = "") -> None:
        """Take one row; an empty identifier is a fault instead."""
        if not (pair[0] and pair[1]):
            self.fault(line, f"the {'right' if pair[0] else 'left'} identifier is empty")
            return
        self.lines.append(line)
        self.lefts.append(pair[0])
        self.rights.append(pair[1])
        self.labels.append(label)
        self.types.append(type_name)

    def fault(self, line: int | None, problem: str, *, hint: str = "") -> None:
        """Note a fault of this file."""
        self.faults.append(Fault(str(self.path), line, problem, hint))

    def table(self) -> pl.DataFrame:
        """The rows with the columns of ``ROW_SCHEMA``."""
        columns = {
            "path": [str(self.path)] * len(self.lines),
            "line": self.lines,
            "left": self.lefts,
            "right": self.rights,
            "label": self.labels,
            "type": self.types,
        }
        return pl.DataFrame(columns, schema=ROW_SCHEMA)


def read_link_rows(path: Path) -> LinkRows:
    """The rows of one file of links or pairs, ``.gz`` or not. Whatever is wrong with it is in ``faults``."""
    rows = LinkRows(path)
    if path.name.lower().endswith(".parquet"):
        _read_parquet(rows)
        return rows
    text, faults = read_xml(path) if _is_xml(path) else read_text(path)
    rows.faults.extend(faults)
    if text.strip():
        _reader_of(path, text)(text, rows)
    rows.faults = list(capped(sorted(rows.faults, key=lambda fault: fault.line or 0), path))
    return rows


def _is_xml(path: Path) -> bool:
    """Whether a file is XML, which says itself how it is encoded."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith((".rdf", ".owl", ".xml")) or read_head(path).removeprefix(
        b"\xef\xbb\xbf"
    ).lstrip().startswith(b"<?xml")


def _reader_of(path: Path, text: str) -> Callable[[str, LinkRows], None]:
    name = path.name.lower().removesuffix(".gz")
    first = text.lstrip().partition("\n")[0]
    if name.endswith((".ttl", ".nt", ".rdf", ".owl", ".xml")) or first.startswith("<?xml"):
        return _read_rdf
    if name.endswith((".jsonl", ".ndjson")):
        return _read_json
    if first.startswith("#") or set(_SSSOM_COLUMNS) <= set(first.split("\t")):
        return _read_sssom
    is_csv = name.endswith(".csv") or tuple(first.split(",")[:2]) in _CSV_COLUMNS
    return _read_csv if is_csv else _read_tsv


def _read_tsv(text: str, rows: LinkRows) -> None:
    cells = [
        (number, line.split("\t")) for number, line in enumerate(text.split("\n"), start=1) if line.strip()
    ]
    if cells and tuple(cells[0][1][:2]) in _CSV_COLUMNS:
        cells = cells[1:]
    _add_cells(cells, rows)


def _read_csv(text: str, rows: LinkRows) -> None:
    table, lines, faults = csv_rows(text, rows.path, delimiter=",")
    rows.faults.extend(faults)
    header = table[0] if table else []
    names = next((pair for pair in _CSV_COLUMNS if set(pair) <= set(header)), None)
    if names is None:
        rows.fault(
            1,
            f"the header {quoted(','.join(header))} does not name the two identifiers",
            hint="name the columns ltable_id, rtable_id and label, or left, right and label",
        )
        return
    chosen = [header.index(name) for name in (*names, "label") if name in header]
    cells = [
        (number, [row[i] if i < len(row) else "" for i in chosen])
        for number, row in zip(lines[1:], table[1:], strict=True)
        if any(row)
    ]
    wrong = [(number, row[2]) for number, row in cells if len(row) > 2 and row[2] not in ("0", "1")]
    for number, label in wrong:
        rows.fault(number, f"label {quoted(label)} is neither 0 nor 1", hint=_LABEL_HINT)
    if not wrong:
        _add_cells(cells, rows)


def _add_cells(cells: Iterable[tuple[int, list[str]]], rows: LinkRows) -> None:
    """Rows of left, right[, third]: the third is a label if every one in the file is 0 or 1."""
    whole: list[tuple[int, list[str]]] = []
    for number, row in cells:
        if len(row) < 2:
            rows.fault(number, f"one column where two are needed: {quoted(row[0])}", hint=_TSV_HINT)
        else:
            whole.append((number, row))
    thirds = {row[2] if len(row) > 2 else "" for _, row in whole}
    labelled = bool(thirds) and thirds - {""} <= {"0", "1"} and thirds != {""}
    for number, row in whole:
        third = row[2] if len(row) > 2 else ""
        if labelled and not third:
            rows.fault(number, "no label where the other rows have 0 or 1", hint="label every pair or none")
        elif labelled:
            rows.add(number, (row[0], row[1]), label=int(third))
        else:
            rows.add(number, (row[0], row[1]), type_name=third)


def _read_json(text: str, rows: LinkRows) -> None:
    """One object in each line, with left, right, and perhaps label and type."""
    for number, found in json_lines(text, rows.path, hint=_TABLE_HINT, faults=rows.faults):
        if isinstance(found, dict):
            _add_record(number, found, rows)
        else:
            rows.fault(number, f"no JSON object: {quoted(repr(found))}", hint=_TABLE_HINT)


def _read_parquet(rows: LinkRows) -> None:
    """A table with the columns left, right, and perhaps label and type."""
    table, faults = read_parquet(rows.path, hint=_TABLE_HINT)
    if faults:
        rows.faults.extend(faults)
        return
    missing = [name for name in ("left", "right") if table.schema.get(name) != pl.String]
    if missing:
        rows.fault(None, f"has no column of texts called {' or '.join(missing)}", hint=_TABLE_HINT)
    elif "score" in table.columns:
        hint = "give the matches.sssom.tsv beside it"
        rows.fault(None, "holds the scores of all candidates, not links", hint=hint)
    else:
        chosen = [name for name in ("left", "right", "label", "type") if name in table.columns]
        for number, record in enumerate(table.select(chosen).iter_rows(named=True), start=1):
            _add_record(number, record, rows)


def _add_record(number: int, record: dict[str, object], rows: LinkRows) -> None:
    left, right = (record.get(side) for side in ("left", "right"))
    label, kind = record.get("label"), record.get("type")
    if not (isinstance(left, str) and isinstance(right, str)):
        rows.fault(number, f"left {left!r} and right {right!r} are not both texts", hint=_TABLE_HINT)
    elif label is not None and (not isinstance(label, int) or label not in (0, 1)):
        rows.fault(number, f"label {label!r} is neither 0 nor 1", hint=_LABEL_HINT)
    else:
        known = None if label is None else int(label)
        rows.add(number, (left, right), label=known, type_name=kind if isinstance(kind, str) else "")


def _read_sssom(text: str, rows: LinkRows) -> None:
    header = parse_header(line for line in text.split("\n") if line.startswith("#"))
    table, faults = parse_rows(text, rows.path)
    rows.faults.extend(faults)
    number, names = table[0] if table else (text.count("\n") + 1, [])
    missing = [name for name in _SSSOM_COLUMNS if name not in names]
    if missing:
        rows.fault(number, f"SSSOM without the column {', '.join(missing)}", hint="name it in the header row")
        return
    needed = 1 + max(names.index(name) for name in _SSSOM_COLUMNS)
    for number, cells in table[1:]:
        if len(cells) < needed:
            rows.fault(number, f"{len(cells)} cells where {needed} are needed", hint=_SSSOM_HINT)
            continue
        _add_mapping(number, dict(zip(names, cells, strict=False)), header=header, rows=rows)


def _add_mapping(number: int, mapping: dict[str, str], *, header: Header, rows: LinkRows) -> None:
    # A predicate is a CURIE whoever wrote the file, so our own reading of CURIEs does not apply to it.
    predicate = expand_id(mapping["predicate_id"], Header({}, header.prefixes))
    if predicate not in _SAME:
        return
    pair = (expand_id(mapping["subject_id"], header), expand_id(mapping["object_id"], header))
    rows.add(number, pair, label=0 if mapping.get("predicate_modifier") == "Not" else 1)


def _read_rdf(text: str, rows: LinkRows) -> None:
    cells: dict[str, dict[str, str]] = {}
    for quad in _parsed(text, rows):
        name = quad.predicate.value
        if name == _SAME_AS:
            rows.add(0, _own_names(_text_of(quad.subject), _text_of(quad.object)), label=1)
        elif name.startswith(_ALIGNMENT):
            # The namespace occurs with and without its closing # or /.
            field_name = name.removeprefix(_ALIGNMENT).lstrip("#/")
            cells.setdefault(str(quad.subject), {})[field_name] = _text_of(quad.object)
    for cell in cells.values():
        _add_cell(cell, rows)
    if not rows.lines and not rows.faults:
        rows.fault(None, "no align:Cell and no owl:sameAs", hint="give an OAEI Alignment, SSSOM, or TSV file")


def _own_names(left: str, right: str) -> tuple[str, str]:
    """Identifiers as the graphs have them, where crossgraph wrote IRIs for those that are none."""
    return from_iri(left, "left"), from_iri(right, "right")


def _parsed(text: str, rows: LinkRows) -> Iterator[ox.Quad]:
    """The statements of a file; those of N-Triples also beyond a bad line. What is wrong joins the faults."""
    suffix = Path(rows.path.name.lower().removesuffix(".gz")).suffix
    form = {".ttl": ox.RdfFormat.TURTLE, ".nt": ox.RdfFormat.N_TRIPLES}.get(suffix, ox.RdfFormat.RDF_XML)
    refused = text_faults(text, form, rows.path)
    rows.faults.extend(refused)
    data = text.encode()
    stream, starts = io.BytesIO(data), line_starts(data)
    by_line = form == ox.RdfFormat.N_TRIPLES
    passed = len(starts) if refused or (rows.faults and not by_line) else 0
    while passed < len(starts) and len(rows.faults) <= MAX_FAULTS:
        stream.seek(int(starts[passed]))
        try:
            # Identifiers must come out as the graph's reader sees them, so nothing is checked or normalised.
            yield from ox.parse(stream, form, base_iri=rows.path.absolute().as_uri(), lenient=True)
            return
        except SyntaxError as error:
            found = syntax_fault(error, rows.path)
        passed = passed + (found.line or 1) if by_line else len(starts)
        rows.fault(
            passed if by_line else found.line,
            f"not valid RDF: {found.problem}",
            hint=found.hint or "mend the file or write the links as TSV",
        )


def _text_of(term: object) -> str:
    value = getattr(term, "value", None)
    return value if isinstance(value, str) else str(term)


def _add_cell(cell: dict[str, str], rows: LinkRows) -> None:
    ends = [cell.get(name, "") for name in ("entity1", "entity2")]
    if not any(ends) and "relation" not in cell:
        return
    if not all(ends):
        rows.fault(
            None, f"an align:Cell lacks {'entity2' if ends[0] else 'entity1'}: {quoted(ends[0] or ends[1])}"
        )
        return
    try:
        measure = float(cell.get("measure", "1"))
    except ValueError:
        measure = math.nan
    if not math.isfinite(measure):
        told = f"measure {quoted(cell['measure'])} of {quoted(ends[0])} is not a number"
        rows.fault(None, told, hint="write a number from 0 to 1")
        return
    if cell.get("relation", "=") == "=" and measure > 0:
        rows.add(0, _own_names(ends[0], ends[1]), label=1)
