"""From a RESULT to a file of the merged graph, with its report beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.links import read_links
from crossgraph.graphs.readers import read_pair, whole
from crossgraph.layout import ResultFolder
from crossgraph.merging.dataset import dataset_form, write_merged
from crossgraph.merging.findings import require_table, write_findings
from crossgraph.merging.merge import merge
from crossgraph.merging.options import MergeOptions
from crossgraph.merging.report import Found, MergeReport, report_of
from crossgraph.merging.source import Source
from crossgraph.progress import SILENT, Progress
from crossgraph.results import write_together
from crossgraph.reviewing.labels import about, labels_of, revise
from crossgraph.schema.mapping import read_schema
from crossgraph.sources import Inputs, digest, inputs_of
from crossgraph.workings import refuse_changed

_CHANGED = "put the old one back, align again, or name the graphs to merge with --graphs LEFT RIGHT"


@dataclass(frozen=True, kw_only=True)
class MergeInputs:
    """What a merge reads.

    result    the RESULT with the matches and the schema mapping
    graphs    the two graphs; those that RESULT was made of if not given
    matches   matches or links in the place of those of RESULT
    schema    a schema mapping in the place of that of RESULT
    reviewed  what reviewers confirmed and rejected counts more than the matches
    """

    result: Path
    graphs: Inputs | None = None
    matches: Path | None = None
    schema: Path | None = None
    reviewed: bool = False


def report_path(out: Path) -> Path:
    """Where the report of a merged graph lies: ``merged.nq`` has ``merged.report.json``."""
    return out.with_name(f"{out.stem}.report.json")


def merge_result(
    inputs: MergeInputs,
    out: Path,
    *,
    options: MergeOptions,
    findings: Path | None = None,
    progress: Progress = SILENT,
) -> MergeReport:
    """Merge the graphs of a RESULT by its matches into the dataset ``out``, .nq or .trig.

    findings   a table to write with all that the report counts, .csv or .parquet, see ``findings_of``

    Raises what reading raises, ResultError if the graphs of the RESULT have changed since, ConfigError for
    policies of attributes that are not there, and InputError if ``out`` is not named as a dataset, or the
    findings not as a table.
    Nothing is written unless all of it can be.
    """
    form = dataset_form(out)
    if findings is not None:
        require_table(findings)
    folder = ResultFolder(inputs.result)
    with progress.stage("read"):
        sources = _read(inputs.graphs) if inputs.graphs else _read_again(folder)
        links = read_links(inputs.matches or folder.matches_file, empty=True)
        if inputs.reviewed:
            answers = about((sources[0].graph, sources[1].graph), labels_of(inputs.result), progress)
            links = revise(links, answers)
        schema = read_schema(inputs.schema or folder.schema_file)
    with progress.stage("merge"):
        merged = merge(sources, links, schema, options=options)
        found = Found.of(merged)
        report = report_of(merged, found)
    with progress.stage("write"):
        text = json.dumps(report.content, ensure_ascii=False, indent=1)
        files: dict[Path, Callable[[Path], object]] = {
            out: lambda part: write_merged(merged, part, form),
            report_path(out): lambda part: part.write_text(text + "\n", encoding="utf8"),
        }
        if findings is not None:
            files[findings] = lambda part: write_findings(merged, found, part, suffix=findings.suffix)
        write_together(files)
    return report


def _read(inputs: Inputs) -> tuple[Source, Source]:
    # A name made of an IRI is no statement of the graph; what is said of classes is.
    options = replace(inputs.read, names_from_iri=False, declarations=True)
    return _sources(inputs, read_pair(inputs.left, inputs.right, options=options))


def _read_again(folder: ResultFolder) -> tuple[Source, Source]:
    """The graphs that a RESULT was made of. Raises ResultError where they have changed since."""
    inputs = inputs_of(folder)
    aligned = read_pair(inputs.left, inputs.right, options=inputs.read)
    refuse_changed(folder.workings_file, aligned, hint=_CHANGED)
    left, right = (whole(graph, names_from_iri=inputs.read.names_from_iri) for graph in aligned)
    return _sources(inputs, (left, right))


def _sources(inputs: Inputs, graphs: tuple[KnowledgeGraph, KnowledgeGraph]) -> tuple[Source, Source]:
    paths = inputs.left, inputs.right or inputs.left
    left, right = (
        Source(graph, path.name, rdf, digest([path]))
        for graph, path, rdf in zip(graphs, paths, inputs.are_rdf(), strict=True)
    )
    return left, right
