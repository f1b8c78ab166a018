"""Verbs that use and judge a RESULT: score, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossgraph.cli import options as opt

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

    from crossgraph.cli.console import ConsoleProgress
    from crossgraph.evaluation import Evaluation, Figures, PairEvaluation
    from crossgraph.graphs.links import Links
    from crossgraph.layout import ResultFolder

_COLUMNS = {
    "prauc": "PRAUC",
    "f1_best": "best F1",
    "r_at_p95": "recall at precision .95",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "hits1": "hits@1",
    "hits10": "hits@10",
    "mrr": "MRR",
    "recall_blocking": "blocking recall",
    "calibration_top": "calibration error of top candidates",
    "calibration_doubt": "calibration error of pairs in doubt",
    "calibration_chance": "the same by chance, were all probabilities true",
}
# What takes decisions or probabilities, which names alone do not make.
_DECIDED = ("precision", "recall", "f1", "calibration_top", "calibration_doubt", "calibration_chance")
_COUNTS = {"gold": "gold pairs", "matched": "decided", "matched_gold": "decided and gold"}
_PAIR_ROWS = {
    "prauc": "PRAUC",
    "f1_best": "best F1",
    "r_at_p95": "recall at precision .95",
    "f1_half": "F1 from probability .5 on",
}


def score(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="The folder that train or align made.")],
    pairs: Annotated[
        Path,
        typer.Option("--pairs", metavar="FILE", help="The pairs to score: left, right; labels are not used."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.tsv", help="Where the scores go.")],
    graphs: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--graphs",
            metavar="LEFT RIGHT",
            help="The graphs of these pairs; the ones of RESULT if not given.",
        ),
    ] = None,
    names_from_iri: opt.NamesFromIri = False,
    id_column: opt.IdColumns = None,
    entity_column: opt.EntityColumns = None,
    split: opt.Split = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Score given pairs with the model of a RESULT.

    Reads RESULT, its graphs (or --graphs) and a file of pairs; labels in it are not used. Writes one row for
    each row of the file, in its order: left, right, score, probability, separated by tabs.

    Example:
        crossgraph score RESULT --pairs products/test.csv --out scores.tsv

    Before: crossgraph train. After: crossgraph evaluate --scores scores.tsv --gold products/test.csv.
    """
    from crossgraph.cli.running import loading, session

    read = opt.read_options(
        names_from_iri=names_from_iri, id_columns=id_column, entity_columns=entity_column, split=split
    )
    opt.refuse_without_graphs(graphs, read)
    with session(quiet=quiet, verbose=verbose) as console:
        opt.refuse_out_file(out)
        with loading():
            from crossgraph import pipeline
            from crossgraph.cli.console import print_text

        inputs = pipeline.Inputs(left=graphs[0], right=graphs[1], read=read) if graphs else None
        rows = pipeline.score_pairs(result, pairs, out, graphs=inputs, progress=console)
        console.say(f"{rows:,} pairs scored")
        print_text(str(out))


def evaluate(
    gold: Annotated[
        Path,
        typer.Option(
            "--gold", metavar="FILE", help="The links that are right; with --scores, labelled pairs."
        ),
    ],
    result: Annotated[
        Path | None,
        typer.Argument(metavar="RESULT", show_default=False, help="The folder that align made."),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", metavar="FILE.tsv", help="Judge what score wrote instead.")
    ] = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Tell how good a RESULT is, overall and for each type.

    Reads RESULT and gold links that it did not learn from. Prints a table to stdout, or JSON. A gold pair
    that was never proposed counts as missed; a pair of which neither entity is in the gold does not count,
    and no link that RESULT was given and that is not in the gold.

    Example:
        crossgraph evaluate RESULT --gold test_links
        crossgraph evaluate --scores scores.tsv --gold products/test.csv

    Before: crossgraph align, or crossgraph score.
    """
    if (result is None) == (scores is None):
        raise typer.BadParameter("give one of them", param_hint="'RESULT' or '--scores'")
    from crossgraph.cli.running import session

    with session(quiet=quiet, verbose=verbose) as console:
        from crossgraph.cli.console import print_json, print_out

        if scores is not None:
            pairs = _judge_pairs(scores, gold)
            print_json(pairs.as_dict()) if as_json else print_out(_pair_table(pairs))
        elif result is not None:
            found, names = _judge_result(result, gold, console)
            alone = {} if names is None else {"name_only": _alone(names)}
            print_json(found.as_dict() | alone) if as_json else print_out(_table(found, names))


def _judge_pairs(scores: Path, gold: Path) -> PairEvaluation:
    from crossgraph.evaluation import evaluate_pairs, read_pair_scores
    from crossgraph.graphs.links import read_pairs

    return evaluate_pairs(read_pair_scores(scores), read_pairs(gold))


def _doubts(gold: Links, known: Links, scored: pl.DataFrame) -> list[str]:
    """What makes the figures doubtful: gold that the run knew, or that names no scored entity."""
    from crossgraph.evaluation import known_beside

    notes = []
    if absent := int((~_are_scored(gold, scored)).sum()):
        notes.append(f"{absent:,} of the {2 * len(gold):,} gold identifiers occur in no scored pair")
    if seen := len(gold.table().join(known.positives().table(), on=["left", "right"], how="semi")):
        notes.append(f"{seen:,} of the gold pairs were known to this run, and count as found")
    if beside := len(known_beside(known, gold)):
        notes.append(f"{beside:,} pairs that were known to this run are not in the gold, and do not count")
    return notes


def _are_scored(gold: Links, scored: pl.DataFrame) -> pl.Series:
    """(2G) Whether the left entity of each gold pair occurs in a scored pair, and then the right one."""
    left, right = (getattr(gold, side).is_in(scored[side].implode()) for side in ("left", "right"))
    both: pl.Series = left.append(right)
    return both


def _refuse_strange(gold: Links, scored: pl.DataFrame, folder: ResultFolder) -> None:
    """Refuse gold of which neither graph of the RESULT has an entity: its figures would all be zero."""
    from crossgraph.errors import InputError
    from crossgraph.reviewing.material import graphs_of

    if not len(gold) or _are_scored(gold, scored).any():
        return
    graphs = graphs_of(folder)
    if any(
        (graph.positions(ids) >= 0).any() for graph, ids in zip(graphs, (gold.left, gold.right), strict=True)
    ):
        return
    notes = gold.resolve(*graphs).notes
    raise InputError(
        f"the graphs have no entity of the gold: {'; '.join(notes)}", hint="write them as the graphs do"
    )


def _judge_result(result: Path, gold: Path, console: ConsoleProgress) -> tuple[Evaluation, Evaluation | None]:
    """The figures of a RESULT, and those of its candidates ranked by their names alone."""
    from crossgraph.evaluation import evaluate_result
    from crossgraph.graphs.links import read_links
    from crossgraph.layout import ResultFolder
    from crossgraph.results import read_matches, read_name_scores, read_scores
    from crossgraph.reviewing.material import known_links

    folder, links = ResultFolder(result), read_links(gold)
    scored, decided = read_scores(folder.scores_file), read_matches(folder.matches_file)
    known, same = known_links(folder), links.positives()
    _refuse_strange(same, scored, folder)
    for note in _doubts(same, known, scored):
        console.note(note)
    named = read_name_scores(folder.scores_file)
    alone = None if named is None else evaluate_result(named, decided.clear(), gold=links, known=known)
    return evaluate_result(scored, decided, gold=links, known=known), alone


def _alone(names: Evaluation) -> dict[str, float]:
    """What names alone give: a ranking, but no decisions."""
    return {key: getattr(names.overall, key) for key in _COLUMNS if key not in _DECIDED}


def _table(found: Evaluation, names: Evaluation | None) -> Table:
    """Figures as rows, since they are many and types are few; one column for each type."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    judged: dict[str, Figures] = {"overall": found.overall}
    judged |= found.by_type if len(found.by_type) > 1 else {}
    alone = {} if names is None else _alone(names)
    for name in (*judged, *(("names alone",) if alone else ())):
        table.add_column(name, justify="right", overflow="fold")
    for key, title in _COLUMNS.items():
        said = [f"{alone[key]:.4f}"] if key in alone else []
        table.add_row(title, *(_written(getattr(one, key)) for one in judged.values()), *said)
    for key, title in _COUNTS.items():
        table.add_row(title, *(f"{getattr(one, key):,}" for one in judged.values()))
    return table


def _written(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.4f}"


def _pair_table(found: PairEvaluation) -> Table:
    from crossgraph.cli.console import two_columns

    rows = [(title, f"{getattr(found, key):.4f}") for key, title in _PAIR_ROWS.items()]
    rows += [("pairs", f"{found.pairs:,}"), ("the same", f"{found.positives:,}")]
    return two_columns(rows)
