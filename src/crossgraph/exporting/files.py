"""What is exported, in which form: by what is given and by the name of the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import polars as pl
from pyoxigraph import RdfFormat

from crossgraph.errors import ConfigError, ResultError
from crossgraph.exporting.matches import MatchFormat, write_matches
from crossgraph.exporting.tables import view_of, write_kgx, write_neo4j, write_parquet
from crossgraph.graphs.quads import STATEMENTS, write_statements
from crossgraph.layout import ResultFolder
from crossgraph.merging.dataset import MergedFile, read_merged
from crossgraph.progress import SILENT, Progress
from crossgraph.results import Predicate, read_matches, staging, write_whole
from crossgraph.sources import inputs_of

GraphFormat: TypeAlias = Literal["nquads", "trig", "turtle", "neo4j", "parquet", "kgx"]
MATCH_FORMATS: tuple[MatchFormat, ...] = get_args(MatchFormat)
GRAPH_FORMATS: tuple[GraphFormat, ...] = get_args(GraphFormat)
FOLDERS: tuple[GraphFormat, ...] = ("neo4j", "parquet", "kgx")

_MATCH_NAMES: dict[str, MatchFormat] = {
    ".sssom.tsv": "sssom",
    ".nt": "sameas",
    ".rdf": "alignment",
    ".xml": "alignment",
    ".csv": "csv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
}
_GRAPH_NAMES: dict[str, GraphFormat] = {".nq": "nquads", ".trig": "trig", ".ttl": "turtle"}


@dataclass(frozen=True)
class Exported:
    """What was written: the form, and how many matches or statements."""

    form: str
    count: int
    unit: str


def match_format(out: Path, asked: str | None) -> MatchFormat:
    """The form of matches: what is asked for, or what the file's name stands for. Raises ConfigError."""
    found = next((one for one in MATCH_FORMATS if one == asked), None)
    if asked is None:
        found = next((form for end, form in _MATCH_NAMES.items() if out.name.lower().endswith(end)), None)
    if found is None:
        raise _unknown(out, asked, MATCH_FORMATS, what="matches", ends=tuple(_MATCH_NAMES))
    return found


def graph_format(out: Path, asked: str | None) -> GraphFormat:
    """The form of a merged graph: what is asked for, or what the file's name stands for."""
    found = next((one for one in GRAPH_FORMATS if one == asked), None)
    if asked is None:
        found = next((form for end, form in _GRAPH_NAMES.items() if out.name.lower().endswith(end)), None)
    if found is None:
        raise _unknown(out, asked, GRAPH_FORMATS, what="merged graphs", ends=tuple(_GRAPH_NAMES))
    return found


def export_matches(
    result: Path,
    out: Path,
    form: MatchFormat,
    *,
    predicate: Predicate = "skos:exactMatch",
    progress: Progress = SILENT,
) -> Exported:
    """Write the decided matches of a RESULT. Raises ResultError if it has none to read."""
    folder = ResultFolder(result)
    if not folder.matches_file.is_file():
        raise ResultError(
            f"{result} is no RESULT: it has no {folder.matches_file.name}",
            hint="give a folder of crossgraph align",
        )
    matches = read_matches(folder.matches_file)
    with progress.stage("write"):
        write_whole(
            out, lambda part: write_matches(matches, part, form, predicate=predicate, rdf=_are_rdf(folder))
        )
    return Exported(form, len(matches), "matches")


def export_graph(merged: Path, out: Path, form: GraphFormat, *, progress: Progress = SILENT) -> Exported:
    """Write a merged graph: as a dataset with all that it came from, or in other forms the graph alone.

    Forms of several files make a folder. Raises ResultError if that is there already.
    """
    with progress.stage("read"):
        found = read_merged(merged)
    with progress.stage("write"):
        if form in FOLDERS:
            with staging(out) as stage:
                _write_tables(found, stage.path, form, progress)
            count = len(found.view())
        else:
            count = _write_rdf(found, out, form)
    return Exported(form, count, "statements")


def _write_rdf(found: MergedFile, out: Path, form: GraphFormat) -> int:
    match form:
        case "turtle":
            statements, rdf = found.view().select(STATEMENTS.names()).sort("subject"), RdfFormat.TURTLE
            statements = statements.with_columns(graph=pl.lit(""))
        case "trig":
            statements, rdf = found.statements, RdfFormat.TRIG
        case _:
            statements, rdf = found.statements, RdfFormat.N_QUADS
    write_whole(out, lambda part: write_statements(statements, part, rdf))
    return len(statements)


def _write_tables(found: MergedFile, folder: Path, form: GraphFormat, progress: Progress) -> None:
    view = view_of(found)
    match form:
        case "neo4j":
            replaced = write_neo4j(view, folder)
            if replaced:
                progress.note(f"{replaced:,} values of arrays hold ';', which became its full-width form")
        case "kgx":
            write_kgx(view, folder)
        case _:
            write_parquet(view, folder)


def _are_rdf(folder: ResultFolder) -> tuple[bool, bool]:
    """Whether the graphs of a RESULT are RDF; where they cannot be found, names tell alone."""
    try:
        return inputs_of(folder).are_rdf()
    except (ResultError, OSError):
        return False, False


def _unknown(
    out: Path, asked: str | None, forms: tuple[str, ...], *, what: str, ends: tuple[str, ...]
) -> ConfigError:
    if asked is None:
        hint = f"say --format {', '.join(forms[:-1])} or {forms[-1]}, or name the file {', '.join(ends)}"
        return ConfigError(f"the name of {out} does not tell in which form to write {what}", hint=hint)
    return ConfigError(f"{what} have no form {asked!r}", hint=f"forms of {what} are {', '.join(forms)}")
