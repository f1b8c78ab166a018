"""RDF files: N-Triples, Turtle, N-Quads, TriG, RDF/XML and JSON-LD."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from urllib.parse import quote
from xml.parsers import expat

import numpy as np
import polars as pl
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from crossgraph._types import Int64
from crossgraph.errors import Fault
from crossgraph.graphs._nesting import nesting_faults
from crossgraph.graphs._reading import MAX_FAULTS, Reading, capped, failed, read_bytes, read_head, read_text
from crossgraph.graphs._vocabulary import TYPE, without_schema
from crossgraph.graphs.graph import GraphTables

ALIGNMENT = "knowledgeweb.semanticweb.org/heterogeneity/alignment"
_XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"
_MEND = "mend it there, or write the file again"
_CHUNK = 200_000
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?(\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["'])""")
_EXPLICIT_LABELS = re.compile(r"""_:([0-9a-f]{16,32})\b|nodeID\s*=\s*["']([0-9a-f]{16,32})["']""")
_GENERATED_LABEL = re.compile(r"[0-9a-f]{16,32}")


def rdf_format(path: Path) -> RdfFormat | None:
    """The format that a file's name stands for (``.gz`` aside), or None if it is not an RDF one."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    match suffixes[-1:]:
        case [".nt"]:
            return RdfFormat.N_TRIPLES
        case [".nq"]:
            return RdfFormat.N_QUADS
        case [".ttl"]:
            return RdfFormat.TURTLE
        case [".trig"]:
            return RdfFormat.TRIG
        case [".rdf" | ".owl" | ".xml"]:
            return RdfFormat.RDF_XML
        case [".jsonld"]:
            return RdfFormat.JSON_LD
    return None


def is_alignment(path: Path) -> bool:
    """Whether an RDF/XML file holds links in the OAEI Alignment format instead of a graph."""
    if rdf_format(path) != RdfFormat.RDF_XML:
        return False
    return ALIGNMENT.encode() in read_head(path)


def read_rdf(path: Path, *, scope: str = "", declarations: bool = False) -> Reading:
    """One RDF file as a graph; nothing is ever fetched.

    rdf:type with an IRI gives a type, a literal a fact (tag: "" for xsd:string, "@de" for a language,
    else the datatype IRI), any other object an edge. Blank nodes are entities ``_:label``, or
    ``_:scope.label`` with a scope; those without a label are numbered in reading order. Names of graphs
    do not count. Relative IRIs resolve against ``file:///NAME``, the same on every machine. Declarations
    of classes and properties are schema, not entities: set aside, with a note, unless ``declarations`` keeps
    them; triples about triples are left out in any case.

    Line-based formats go on after a bad line; the others stop at their first syntax error.
    """
    form = rdf_format(path)
    if form is None:
        raise ValueError(f"{path} has no RDF extension")
    if is_alignment(path):
        return failed(Fault(str(path), None, "is an alignment, not a graph", "give it as links (--links)"))
    text, faults = read_xml(path) if form == RdfFormat.RDF_XML else read_text(path)
    by_line = form in (RdfFormat.N_TRIPLES, RdfFormat.N_QUADS)
    if faults and not by_line:
        return failed(*faults)
    columns = _Columns(_BlankNames(text, scope))
    syntax = _fill(columns, text, path=path)
    everything = sorted((*faults, *syntax), key=lambda fault: fault.line or 0)
    tables, aside, dropped = columns.tables(), GraphTables.empty(), 0
    if not declarations:
        tables, aside, dropped = without_schema(tables)
    notes = [f"{path}: {dropped:,} schema declarations are no entities to be aligned"] if dropped else []
    if columns.skipped:
        notes.append(f"{path}: {columns.skipped:,} triples about triples were left out")
    return Reading(tables, capped(everything, path), tuple(notes), aside=aside)


class _BlankNames(dict[str, str]):
    """From the parser's blank labels to identifiers, the same in every run."""

    def __init__(self, text: str, scope: str) -> None:
        super().__init__()
        self._prefix = f"_:{scope}." if scope else "_:"
        self._explicit = {a or b for a, b in _EXPLICIT_LABELS.findall(text)}
        self._generated = 0

    def __missing__(self, label: str) -> str:
        name = label
        if _GENERATED_LABEL.fullmatch(label) and label not in self._explicit:
            # The parser draws these at random; numbers in reading order make two runs agree.
            self._generated += 1
            name = f"anonymous-{self._generated}"
        self[label] = self._prefix + name
        return self[label]


class _Columns:
    """Triples as columns of strings, moved to polars chunk by chunk so that no Python strings pile up."""

    def __init__(self, blank: _BlankNames) -> None:
        self._blank = blank
        self._edges = [GraphTables.empty_edges()]
        self._facts = [GraphTables.empty_facts()]
        self.skipped = 0

    def add(self, quads: Iterator[Quad], limit: int) -> int:
        """Take up to ``limit`` statements and return how many came; what precedes an error is kept."""
        edges: tuple[list[str], ...] = ([], [], [])
        facts: tuple[list[str], ...] = ([], [], [], [])
        try:
            return self._take(islice(quads, limit), edges=edges, facts=facts)
        finally:
            self._edges.append(pl.DataFrame(edges, schema=GraphTables.empty_edges().schema))
            self._facts.append(pl.DataFrame(facts, schema=GraphTables.empty_facts().schema))

    def _take(
        self, quads: Iterator[Quad], *, edges: tuple[list[str], ...], facts: tuple[list[str], ...]
    ) -> int:
        heads, relations, tails = edges
        entities, attributes, values, tags = facts
        blank = self._blank
        count = 0
        for subject, predicate, value, _ in quads:
            count += 1
            if isinstance(subject, Triple) or isinstance(value, Triple):
                self.skipped += 1
                continue
            entity = subject.value if isinstance(subject, NamedNode) else blank[subject.value]
            if isinstance(value, Literal):
                language = value.language
                entities.append(entity)
                attributes.append(predicate.value)
                values.append(value.value)
                tags.append(value.datatype.value if language is None else f"@{language}")
            else:
                heads.append(entity)
                relations.append(predicate.value)
                tails.append(blank[value.value] if isinstance(value, BlankNode) else value.value)
        return count

    def tables(self) -> GraphTables:
        """Everything taken, with types apart from edges."""
        edges = pl.concat(self._edges)
        typed = (pl.col("relation") == TYPE) & ~pl.col("tail").str.starts_with("_:")
        tag = pl.col("tag")
        return GraphTables(
            types=edges.filter(typed).select(pl.col("head").alias("entity"), pl.col("tail").alias("type")),
            edges=edges.filter(~typed),
            facts=pl.concat(self._facts).with_columns(
                pl.when(tag == _XSD_STRING).then(pl.lit("")).otherwise(tag).alias("tag")
            ),
        )


def _fill(columns: _Columns, text: str, *, path: Path) -> list[Fault]:
    form = rdf_format(path)
    assert form is not None
    faults = text_faults(text, form, path)
    if faults:
        return faults
    base = f"file:///{quote(path.name)}"
    if form not in (RdfFormat.N_TRIPLES, RdfFormat.N_QUADS):
        fault = _take(columns, parse(text.encode(), form, base_iri=base), path=path)
        return [] if fault is None else [fault]
    data = text.encode()
    stream, starts = io.BytesIO(data), line_starts(data)
    passed = 0
    while len(faults) <= MAX_FAULTS and passed < len(starts):
        # The parser's own recovery may swallow the line after a bad one, so it starts anew there.
        stream.seek(int(starts[passed]))
        fault = _take(columns, parse(stream, form, base_iri=base), path=path)
        if fault is None:
            break
        passed += fault.line or 1
        faults.append(replace(fault, line=passed))
    return faults


def _take(columns: _Columns, quads: Iterator[Quad], *, path: Path) -> Fault | None:
    """All statements up to the first syntax error, and it; its line counts from where parsing began."""
    try:
        while columns.add(quads, _CHUNK) == _CHUNK:
            pass
    except SyntaxError as error:
        return syntax_fault(error, path)
    return None


def line_starts(data: bytes) -> Int64:
    """Where each line begins."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    return np.concatenate(([0], ends + 1)).astype(np.int64)


def syntax_fault(error: SyntaxError, path: Path) -> Fault:
    """A syntax error of the parser as a fault."""
    problem = re.sub(r"^Parser error (at line \d+ )?", "", str(error.msg))
    problem = problem.removesuffix(f" (line {error.lineno})")
    # The parser quotes what it met as it is, line ends included.
    problem = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in problem)
    if "LoadDocumentCallback" in problem:
        problem = "the @context is a remote document, and nothing is ever fetched"
        return Fault(str(path), error.lineno, problem, "put the context into the file")
    hint = "percent-encode it" if "Invalid IRI code point" in problem else _MEND
    return Fault(str(path), error.lineno, problem, hint)


def text_faults(text: str, form: RdfFormat, path: Path) -> list[Fault]:
    """What must be known of a text before the RDF parser gets it."""
    return _xml_faults(text, path) if form == RdfFormat.RDF_XML else nesting_faults(text, form, path)


def _xml_faults(text: str, path: Path) -> list[Fault]:
    """Where the text stops being XML: the RDF parser gives no line, and takes a file cut short for whole."""
    faults: list[Fault] = []
    parser = expat.ParserCreate()

    def refuse(name: str, _parameter: bool, _value: str | None, _base: str | None, *ids: str | None) -> None:
        if any(ids):
            problem = f"the entity {name!r} is in another file, and nothing is ever fetched"
            hint = "put its text into this file"
            faults.append(Fault(str(path), parser.CurrentLineNumber, problem, hint))

    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        problem = f"broken XML at column {error.offset + 1}: {expat.ErrorString(error.code)}"
        faults.append(Fault(str(path), error.lineno, problem, _MEND))
    return faults


def read_xml(path: Path) -> tuple[str, tuple[Fault, ...]]:
    """The text of an XML file in whatever encoding it declares, without that declaration."""
    data, faults = read_bytes(path)
    declared = _XML_ENCODING.match(data.removeprefix(b"\xef\xbb\xbf"))
    if faults or (declared is None and not data.startswith((b"\xff\xfe", b"\xfe\xff"))):
        return ("", faults) if faults else read_text(path)
    encoding = declared[2].decode() if declared else "utf-16"
    try:
        text = data.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"byte 0x{data[error.start]:02x} is not {encoding}, the encoding that the file declares"
        return "", (Fault(str(path), line, problem, "correct the declaration or save the file as UTF-8"),)
    except LookupError:
        problem = f"declares the encoding {encoding!r}, which does not exist"
        return "", (Fault(str(path), 1, problem, "correct the declaration, for example to UTF-8"),)
    return _undeclared(text), ()


def _undeclared(text: str) -> str:
    # The parser takes UTF-8 only, and the text that it gets is UTF-8 by now.
    return re.sub(r"""^(\s*<\?xml[^>]*?)\sencoding\s*=\s*["'][^"']*["']""", r"\1", text, count=1)
