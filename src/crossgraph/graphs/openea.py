"""Folders in the OpenEA layout."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from crossgraph.errors import Fault
from crossgraph.graphs._reading import Reading, capped, quoted, read_text
from crossgraph.graphs.graph import GraphTables

XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"
_TYPED_VALUE = (
    r'^"(?P<body>.*)"'
    r'(?:\^\^<?(?P<datatype>[^<>"\s]+)>?|@(?P<language>[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*))$'
)
# Lines that are looked through at once.
AT_ONCE = 500_000
_STEMS = ("rel_triples", "attr_triples", "types")


def openea_sides(folder: Path) -> tuple[int, ...]:
    """The side numbers (1, 2) of which the folder has at least one file; none means it is no such folder."""
    return tuple(side for side in (1, 2) if any(_present(folder, stem, side=side) for stem in _STEMS))


def read_openea(folder: Path, side: int) -> Reading:
    r"""One graph of a folder in the OpenEA layout: UTF-8, tab-separated, without a header, ``.gz`` allowed.

    rel_triples_{side}    head, relation, tail
    attr_triples_{side}   entity, attribute, value; the rest of the line is the value; may be missing.
                          A value that is ``"..."^^<iri>`` or ``"..."@de`` as a whole loses quotes and
                          suffix to the tag; an empty value is no fact
    types_{side}          entity, type; may be missing

    Nothing else in the folder is opened. Lines with too few or too many columns, empty identifiers or
    broken UTF-8 are faults with their line; empty lines are skipped.
    """
    edges, edge_faults = _read(folder, side, names=("head", "relation", "tail"))
    facts, fact_faults = _read(folder, side, names=("entity", "attribute", "value"))
    types, type_faults = _read(folder, side, names=("entity", "type"))
    faults = (*edge_faults, *fact_faults, *type_faults)
    return Reading(GraphTables(types=types, edges=edges, facts=_tagged(facts)), faults)


def write_openea(tables: GraphTables, folder: Path, side: int) -> None:
    """One graph into a folder in the OpenEA layout, which ``read_openea`` reads.

    Raises ValueError for a graph that lines cannot hold: tabs or line ends in names, line ends in values,
    empty values.
    """
    names = [
        *tables.types.iter_columns(),
        *tables.edges.iter_columns(),
        tables.facts["entity"],
        tables.facts["attribute"],
    ]
    values = tables.facts["value"]
    if any(one.str.contains(r"[\t\n\r]").any() for one in names) or values.str.contains(r"^$|[\n\r]").any():
        raise ValueError("lines cannot hold this graph")
    tag, value = pl.col("tag"), pl.col("value")
    typed = pl.lit('"') + value + pl.lit('"')
    # A plain text that looks like a typed value needs a type of its own to stay what it is.
    written = (
        pl.when(tag.str.starts_with("@"))
        .then(typed + tag)
        .when(tag != "")
        .then(typed + pl.lit("^^<") + tag + pl.lit(">"))
        .when(value.str.contains(_TYPED_VALUE))
        .then(typed + pl.lit(f"^^<{XSD_STRING}>"))
        .otherwise(value)
    )
    facts = tables.facts.select("entity", "attribute", written)
    for stem, table in zip(_STEMS, (tables.edges, facts, tables.types), strict=True):
        lines = table.select(pl.concat_str(pl.all(), separator="\t")).to_series().sort()
        text = "".join(f"{line}\n" for line in lines)
        (folder / f"{stem}_{side}").write_bytes(text.encode())


def _read(folder: Path, side: int, *, names: tuple[str, ...]) -> tuple[pl.DataFrame, tuple[Fault, ...]]:
    match names[-1]:
        case "tail":
            stem = "rel_triples"
        case "value":
            stem = "attr_triples"
        case _:
            stem = "types"
    empty = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    match _present(folder, stem, side=side):
        case [path]:
            return _columns(path, names)
        case []:
            return empty, _missing(folder, stem, side=side)
    hint = "remove the one that is out of date"
    return empty, (Fault(str(folder), None, f"holds both {stem}_{side} and {stem}_{side}.gz", hint),)


def _present(folder: Path, stem: str, *, side: int) -> list[Path]:
    paths = (folder / f"{stem}_{side}", folder / f"{stem}_{side}.gz")
    return [path for path in paths if path.is_file()]


def _missing(folder: Path, stem: str, *, side: int) -> tuple[Fault, ...]:
    if stem != "rel_triples":
        return ()
    path = str(folder / f"{stem}_{side}")
    return (Fault(path, None, "is missing", "an empty file will do for a graph without edges"),)


def _columns(path: Path, names: tuple[str, ...]) -> tuple[pl.DataFrame, tuple[Fault, ...]]:
    text, faults = read_text(path)
    if not faults and (whole := _without_faults(text, names)) is not None:
        return whole, ()
    rows = pl.DataFrame({"text": text.split("\n")}).with_row_index("line", offset=1)
    split = pl.col("text").str.splitn("\t", len(names)).struct.rename_fields(list(names)).alias("fields")
    rows = rows.filter(pl.col("text") != "").with_columns(split).unnest("fields")
    problems = rows.with_columns(_problem(names).alias("problem"))
    bad = problems.filter(pl.col("problem").is_not_null())
    hint = f"each line holds {', '.join(names)}, tab-separated"
    found = [
        Fault(str(path), line, f"{problem}: {quoted(text)}", hint)
        for line, problem, text in bad.select("line", "problem", "text").iter_rows()
    ]
    both = sorted((*faults, *found), key=lambda fault: fault.line or 0)
    return problems.filter(pl.col("problem").is_null()).select(names), capped(both, path)


def _without_faults(text: str, names: tuple[str, ...]) -> pl.DataFrame | None:
    """The columns of lines that are all as they are to be; None where one is not, or is empty."""
    # What a reader of CSV takes for more than a letter.
    if "\r" in text or text.startswith("\ufeff"):
        return None
    schema = dict.fromkeys(names, pl.String)
    try:
        rows = pl.read_csv(
            text.encode(), has_header=False, separator="\t", quote_char=None, schema=schema, glob=False
        )
    except pl.exceptions.PolarsError:
        return None
    if not len(rows) or rows.select(pl.any_horizontal(pl.all().is_null().any())).item():
        return None
    blank = pl.any_horizontal((pl.col(_ids(names)).str.strip_chars() == "").any())
    # Of all lines at once, what is stripped would take as much memory as they do.
    return None if any(part.select(blank).item() for part in rows.iter_slices(AT_ONCE)) else rows


def _problem(names: tuple[str, ...]) -> pl.Expr:
    """What is wrong with each line, or null."""
    free_text = names[-1] == "value"
    last = pl.col(names[-1])
    checks = [pl.when(last.is_null()).then(pl.lit(f"fewer than {len(names)} columns"))]
    if not free_text:
        more = last.str.contains("\t", literal=True)
        checks.append(pl.when(more).then(pl.lit(f"more than {len(names)} columns")))
    empty = [
        pl.when(pl.col(name).str.strip_chars() == "").then(pl.lit(f"empty {name}")) for name in _ids(names)
    ]
    return pl.coalesce(checks + empty)


def _ids(names: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that hold identifiers; a value may be anything."""
    return names[:-1] if names[-1] == "value" else names


def _tagged(facts: pl.DataFrame) -> pl.DataFrame:
    """Quotes, datatype and language of typed values moved into the tag."""
    groups = pl.col("value").str.extract_groups(_TYPED_VALUE)
    body, datatype, language = (groups.struct.field(name) for name in ("body", "datatype", "language"))
    tag = pl.coalesce(pl.lit("@") + language.str.to_lowercase(), datatype, pl.lit(""))
    return (
        facts.with_columns(
            pl.coalesce(body, pl.col("value")).alias("value"),
            pl.when(tag == XSD_STRING).then(pl.lit("")).otherwise(tag).alias("tag"),
        )
        .filter(pl.col("value") != "")
        .select("entity", "attribute", "value", "tag")
    )
