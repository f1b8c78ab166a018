"""Verbs that hand on what was decided: merge, unmerge, export."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crossgraph.cli import options as opt

if TYPE_CHECKING:
    from crossgraph.merging.options import MergeOptions


class Prefer(StrEnum):
    """Whose names survive."""

    LEFT = "left"
    RIGHT = "right"
    MINT = "mint"


class ProvenanceForm(StrEnum):
    """How the source of a statement is told."""

    GRAPHS = "graphs"
    RDF_STAR = "rdf-star"


class Form(StrEnum):
    """Every form that something can be exported in; which of them fit tells ``crossgraph.exporting``."""

    SSSOM = "sssom"
    SAMEAS = "sameas"
    ALIGNMENT = "alignment"
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    NQUADS = "nquads"
    TRIG = "trig"
    TURTLE = "turtle"
    NEO4J = "neo4j"
    KGX = "kgx"


class MatchPredicate(StrEnum):
    """What SSSOM calls a match."""

    EXACT = "skos:exactMatch"
    SAME = "owl:sameAs"


def merge(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="The folder that align or train made.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where the merged graph goes: .nq or .trig.")
    ],
    matches: Annotated[
        Path | None,
        typer.Option("--matches", metavar="FILE", help="Matches or links in the place of those of RESULT."),
    ] = None,
    reviewed: Annotated[
        bool,
        typer.Option("--reviewed", help="Let what reviewers of RESULT decided count more than the matches."),
    ] = False,
    prefer: Annotated[
        Prefer,
        typer.Option("--prefer", help="Whose identifiers and names survive: of one graph, or new ones."),
    ] = Prefer.LEFT,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="IRI", help="What new identifiers and names of graphs begin with."),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            metavar="[ATTRIBUTE=]POLICY",
            help="Which of different values stay: keep-all (if not given), left, right, most-frequent, "
            "newest, longest. Repeatable.",
        ),
    ] = None,
    modified: Annotated[
        list[str] | None,
        typer.Option(
            "--modified",
            metavar="ATTRIBUTE",
            help="Tells when a record was changed, for the policy newest. Repeatable.",
        ),
    ] = None,
    unite: Annotated[
        float,
        typer.Option(
            "--unite",
            metavar="WEIGHT",
            min=0.0001,
            max=1.0,
            help="Least weight in the schema mapping for two names to become one.",
        ),
    ] = 0.5,
    provenance: Annotated[
        ProvenanceForm,
        typer.Option("--provenance", help="Tell sources by named graphs, or in statements about statements."),
    ] = ProvenanceForm.GRAPHS,
    schema_file: opt.SchemaFile = None,
    graphs: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--graphs", metavar="LEFT RIGHT", help="The graphs to merge; the ones of RESULT if not given."
        ),
    ] = None,
    findings: Annotated[
        Path | None,
        typer.Option(
            "--findings",
            metavar="FILE",
            help="List every conflict, gain and doubt that the report counts: .csv or .parquet.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
    id_column: opt.IdColumns = None,
    entity_column: opt.EntityColumns = None,
    split: opt.Split = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Make one graph out of two, with the source of every statement.

    Reads RESULT and its graphs (or --graphs). Writes a dataset of named graphs: both inputs as they are,
    and the merged graph, where matched entities are one, corresponding names are one, and values that
    differ are settled by --policy. Nothing is lost: what a policy sets aside has a graph of its own.
    Prints a report, and writes it beside as FILE.report.json; --findings lists what it counts.

    Example:
        crossgraph merge RESULT --out merged.nq --policy population=newest --modified updated

    Before: crossgraph align, crossgraph review. After: crossgraph export merged.nq, crossgraph unmerge.
    """
    from crossgraph.cli.running import session

    read = opt.read_options(
        names_from_iri=False, id_columns=id_column, entity_columns=entity_column, split=split
    )
    opt.refuse_without_graphs(graphs, read)
    with session(quiet=quiet, verbose=verbose) as console:
        opt.refuse_out_file(out, force=force)
        from crossgraph.cli.console import print_text
        from crossgraph.merging.dataset import dataset_form
        from crossgraph.merging.files import MergeInputs, merge_result, report_path
        from crossgraph.merging.findings import require_table
        from crossgraph.sources import Inputs

        dataset_form(out)
        opt.refuse_out_file(report_path(out), force=force)
        if findings is not None:
            require_table(findings)
            opt.refuse_out_file(findings, force=force, option="--findings")
        given = Inputs(left=graphs[0], right=graphs[1], read=read) if graphs else None
        inputs = MergeInputs(
            result=result, graphs=given, matches=matches, schema=schema_file, reviewed=reviewed
        )
        options = _merge_options(
            prefer, base, policy or [], modified=modified or [], unite=unite, provenance=provenance
        )
        report = merge_result(inputs, out, options=options, findings=findings, progress=console)
        listed = [] if findings is None else [("findings", str(findings))]
        console.rows([*report.rows(), ("report", str(report_path(out))), *listed])
        print_text(str(out))


def unmerge(
    merged: Annotated[Path, typer.Argument(metavar="MERGED", help="The file that merge made.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="The folder to make.")],
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Take a merged graph apart: both inputs come back exactly.

    Reads a file that merge wrote, perhaps after a store has loaded and dumped it. Writes a folder with both
    graphs, left.nt and right.nt if they were RDF, else tables in the OpenEA layout. Each is read again and
    compared, to the last language tag and blank node.

    Example:
        crossgraph unmerge merged.nq --out parts

    Before: crossgraph merge. After: crossgraph align with what it names.
    """
    from crossgraph.cli.running import session

    with session(quiet=quiet, verbose=verbose) as console:
        from crossgraph.cli.console import print_text

        opt.refuse_out_folder(out)
        from crossgraph.merging.dataset import read_merged
        from crossgraph.merging.unmerging import unmerge as take_apart

        with console.stage("read"):
            found = read_merged(merged)
        with console.stage("write and compare"):
            left, right = take_apart(found, out)
        console.rows([("left", str(left)), ("right", str(right))])
        print_text(str(out))


def export(
    given: Annotated[
        Path, typer.Argument(metavar="RESULT|MERGED", help="The folder of align, or the file of merge.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file or folder to write.")],
    form: Annotated[
        Form | None,
        typer.Option("--format", help="The form; told by the name of FILE if not given."),
    ] = None,
    predicate: Annotated[
        MatchPredicate | None,
        typer.Option("--predicate", help="What SSSOM calls a match; skos:exactMatch if not given."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Write matches or a merged graph for other tools.

    Reads a RESULT folder, or a file that merge wrote. Writes the matches of a RESULT as sssom, sameas
    (N-Triples), alignment (OAEI), csv, jsonl or parquet, each of which --links reads again; a merged graph
    with all that it came from as nquads or trig, and alone as turtle, or as a folder: neo4j (import CSV),
    parquet, kgx.

    Example:
        crossgraph export RESULT --out matches.nt
        crossgraph export merged.nq --format neo4j --out import

    Before: crossgraph align, crossgraph merge.
    """
    from crossgraph.cli.running import session

    with session(quiet=quiet, verbose=verbose) as console:
        from crossgraph.cli.console import print_text
        from crossgraph.errors import InputError
        from crossgraph.exporting import files

        if not given.exists():
            hint = "give a folder of crossgraph align, or a file of crossgraph merge"
            raise InputError(f"{given} is not there", hint=hint)
        asked = None if form is None else form.value
        if given.is_dir():
            kind = files.match_format(out, asked)
            _refuse_predicate(predicate, kind)
            opt.refuse_out_file(out, force=force)
            what: Literal["skos:exactMatch", "owl:sameAs"] = (
                "owl:sameAs" if predicate is MatchPredicate.SAME else "skos:exactMatch"
            )
            done = files.export_matches(given, out, kind, predicate=what, progress=console)
        else:
            shape = files.graph_format(out, asked)
            _refuse_predicate(predicate, shape)
            opt.refuse_out_folder(out) if shape in files.FOLDERS else opt.refuse_out_file(out, force=force)
            done = files.export_graph(given, out, shape, progress=console)
        console.say(f"{done.count:,} {done.unit} as {done.form}")
        print_text(str(out))


def _refuse_predicate(predicate: MatchPredicate | None, form: str) -> None:
    """Raise typer.BadParameter for what SSSOM should say where it is not written."""
    if predicate is not None and form != Form.SSSOM:
        raise typer.BadParameter(f"only sssom has it, and {form} is written", param_hint="'--predicate'")


def _merge_options(
    prefer: Prefer,
    base: str | None,
    policies: list[str],
    *,
    modified: list[str],
    unite: float,
    provenance: ProvenanceForm,
) -> MergeOptions:
    from crossgraph.merging.options import MergeOptions, parse_policies

    default, single = parse_policies(policies)
    options = MergeOptions(
        prefer=prefer.value,
        policy=default,
        policies=single,
        modified=tuple(modified),
        unite=unite,
        provenance=provenance.value,
    )
    return options if base is None else replace(options, base=base)
