"""align_many(): several graphs in, one model, a RESULT for each pair of them, and clusters over all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl

from crossgraph.config import Config
from crossgraph.deciding import forbidden, refuse_unknown, refuse_unmapped
from crossgraph.devices import require_device
from crossgraph.encoding import encoder_of
from crossgraph.errors import InputError, NoCandidatesError
from crossgraph.evidence.table import EvidenceTable
from crossgraph.fitting import Around
from crossgraph.graphs import KnowledgeGraph, ReadOptions
from crossgraph.graphs.readers import read_graphs
from crossgraph.inputs import Inputs, inputs_card, known_links
from crossgraph.joint import Part, fit_together
from crossgraph.labelling import cardinalities_of, labels_found
from crossgraph.labels import Labels
from crossgraph.layout import ResultFolder
from crossgraph.many.clusters import Clustered, Decisions, Numbers, with_uncompared
from crossgraph.preparation import Known, Preparation
from crossgraph.progress import SILENT, Progress
from crossgraph.reporting import store_report, versions
from crossgraph.results import prepare_result, staging
from crossgraph.session import Session
from crossgraph.stages import StageClock


@dataclass(frozen=True, kw_only=True)
class ManyInputs:
    """What ``align_many`` reads.

    graphs   three or more: files, or folders with one graph each
    links    files of known links by the numbers of their two graphs, from 1, the smaller first
    """

    graphs: tuple[Path, ...]
    links: Mapping[Numbers, tuple[Path, ...]] = field(default_factory=dict)
    read: ReadOptions = field(default_factory=ReadOptions)

    def __post_init__(self) -> None:
        if len(self.graphs) < 3:
            raise InputError(
                f"{len(self.graphs)} graphs are given, and three or more are needed",
                hint="for two graphs use `crossgraph align`",
            )
        for one, two in self.links:
            if not 1 <= one < two <= len(self.graphs):
                raise InputError(
                    f"links of graphs {one} and {two}",
                    hint=f"number the graphs from 1 to {len(self.graphs)}, the smaller number first",
                )

    def pair(self, numbers: Numbers) -> Inputs:
        """What is read of two of the graphs, numbered from 0."""
        one, two = numbers
        links = self.links.get((one + 1, two + 1), ())
        return Inputs(left=self.graphs[one], right=self.graphs[two], links=links, read=self.read)


@dataclass(frozen=True)
class ManyOutcome:
    """What is left: the folder, rows to show, the report, and both tables of ``Clustered``."""

    path: Path
    summary: list[tuple[str, str]]
    report: dict[str, Any]
    clusters: pl.DataFrame
    disagreements: pl.DataFrame


def align_many(
    inputs: ManyInputs, out: Path, *, config: Config, force: bool = False, progress: Progress = SILENT
) -> ManyOutcome:
    """Align every two of several graphs with one model, and make clusters that agree with each other.

    The network learns from the pair of graphs with the most known links (of those with equally many, the one
    with the most labels, then the first); scorers, calibration and thresholds learn from all pairs of graphs,
    from links where there are some, else from seeds. ``clustering`` settles decisions that disagree.

    Writes the folder ``out``: a RESULT for each pair in ``pairs``, what the clusters say of each pair in
    ``matches``, clusters.tsv, disagreements.tsv, report.json and config.toml. Raises as ``pipeline.align``.
    """
    folder = prepare_result(out, force=force)
    require_device(config.run.device)
    clock = StageClock()
    with staging(folder.path, replace=force) as stage:
        with clock.stage("read"), progress.stage("read", None):
            graphs = read_graphs(inputs.graphs, options=inputs.read)
        encoder = encoder_of(config.encoding, keep=stage.stages_folder)
        session = Session(config, clock, progress, encoder=encoder)
        every = list(combinations(range(len(graphs)), 2))
        found = (_prepared(inputs.pair(numbers), numbers, graphs, session) for numbers in every)
        pairs = [pair for pair in found if pair is not None]
        decisions = with_uncompared(_decided(pairs, stage, config, Around(clock, progress)), every)
        with clock.stage("cluster"), progress.stage("cluster", None):
            tables = _Tables.of(Clustered(graphs, decisions))
        known = {pair.numbers: len(pair.known.same) for pair in pairs}
        report = {
            "graphs": [
                {"path": str(path.absolute()), "entities": len(graph)}
                for path, graph in zip(inputs.graphs, graphs, strict=True)
            ],
            "read": asdict(inputs.read),
            "pairs": [
                _pair_counts(graphs, decided, tables.agreed[decided.numbers])
                | {"known_links": known.get(decided.numbers, 0)}
                for decided in decisions
            ],
            **tables.counts(),
            "stages": clock.stages,
            "seed": config.run.seed,
            "versions": versions(),
        }
        _write(stage, config, report, tables)
    return ManyOutcome(folder.path, summary_of_many(report), report, tables.clusters, tables.disagreements)


@dataclass(frozen=True, eq=False)
class _Tables:
    """What ``Clustered`` tells: its members, what disagreed, and what is the same in each two graphs."""

    clusters: pl.DataFrame
    disagreements: pl.DataFrame
    agreed: dict[Numbers, pl.DataFrame]

    @staticmethod
    def of(clustered: Clustered) -> _Tables:
        agreed = {one.numbers: clustered.pairs(one.numbers) for one in clustered.decisions}
        return _Tables(clustered.members(), clustered.disagreements(), agreed)

    def counts(self) -> dict[str, Any]:
        """For the report."""
        sizes = Counter(self.clusters.group_by("cluster").len()["len"].to_list())
        return {
            "clusters": {
                "count": sizes.total(),
                "entities": len(self.clusters),
                "by_size": {str(size): count for size, count in sorted(sizes.items())},
            },
            "disagreements": dict(sorted(Counter(self.disagreements["together"].to_list()).items())),
        }


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two of the graphs, made ready for learning."""

    numbers: Numbers
    inputs: Inputs
    known: Known
    preparation: Preparation
    evidence: EvidenceTable
    labels: Labels
    session: Session

    @property
    def name(self) -> str:
        return _name(self.numbers)


def _name(numbers: Numbers) -> str:
    return f"{numbers[0] + 1}-{numbers[1] + 1}"


def _prepared(
    inputs: Inputs, numbers: Numbers, graphs: Sequence[KnowledgeGraph], session: Session
) -> _Pair | None:
    """Two of the graphs; None, with a note, where they have nothing in common and no link is known."""
    session = replace(session, clock=StageClock())
    config, progress = session.config, session.progress
    both = graphs[numbers[0]], graphs[numbers[1]]
    known = known_links(inputs.links, both, progress)
    keep = known.pairs
    refuse_unknown(both, config.decisions)
    try:
        preparation, evidence = session.prepare(both, known, keep=keep, inputs=inputs, halves=True)
    except NoCandidatesError as error:
        if len(known.same):
            raise NoCandidatesError(
                f"graphs {_name(numbers)}, of which links are given: {error.problem}", hint=error.hint
            ) from error
        progress.note(
            f"graphs {_name(numbers)}: {error.problem}; others alone can tell what is the same in them"
        )
        return None
    refuse_unmapped(preparation.schema, both[1], config.decisions)
    labels = labels_found(preparation, known, config)
    return _Pair(numbers, inputs, known, preparation, evidence, labels, session)


def _decided(pairs: Sequence[_Pair], stage: ResultFolder, config: Config, around: Around) -> list[Decisions]:
    """Learn from all pairs, decide about each, and write its RESULT; the decisions, in the order of pairs."""
    barred = [forbidden(pair.preparation, config.decisions) for pair in pairs]
    order = reached_from(_best_labelled(pairs), [pair.numbers for pair in pairs])
    parts = [
        Part(
            preparation=pairs[at].preparation,
            evidence=pairs[at].evidence,
            labels=pairs[at].labels,
            known=pairs[at].known,
            barred=barred[at],
            cardinalities=cardinalities_of(pairs[at].preparation.graphs[0], pairs[at].known, config),
            after=after,
            turned=after is not None and not _on_one_side(pairs[at].numbers, pairs[order[after][0]].numbers),
        )
        for at, after in order
    ]
    found: dict[int, Decisions] = {}
    for (at, _), fitted in zip(order, fit_together(parts, config=config, around=around), strict=True):
        pair = pairs[at]
        run = pair.session.decide(pair.preparation, pair.known, fitted.scored, fitted.model, barred[at])
        run = replace(run, labels=pair.labels, thresholds=fitted.thresholds, vectors=fitted.vectors)
        place = ResultFolder(stage.pairs_folder / pair.name)
        place.path.mkdir(parents=True)
        pair.session.write(run, fitted.model, place, inputs_card(pair.inputs))
        found[at] = Decisions.of(run, fitted.model.thresholds, pair.numbers)
    return [found[at] for at in range(len(pairs))]


def _best_labelled(pairs: Sequence[_Pair]) -> int:
    """The first of the pairs with the most known links, then the most labels."""
    if not pairs:
        raise NoCandidatesError(
            "no two of the graphs have similar names, values or neighbours",
            hint="see `crossgraph schema`: which types and attributes correspond? --names-from-iri may help",
        )
    best = max(
        range(len(pairs)), key=lambda at: (len(pairs[at].known.same), pairs[at].labels.same.sum(), -at)
    )
    if not pairs[best].labels.same.any():
        raise InputError(
            "there is nothing to learn from: no known link is given, and no pair is sure enough by itself",
            hint="give some known links with --links",
        )
    return best


def reached_from(first: int, numbers: Sequence[Numbers]) -> list[tuple[int, int | None]]:
    """All pairs of graphs from one on: the place of each in ``numbers``, and how it is reached.

    That is the place in the returned order of an earlier pair with the same left or the same right graph, and
    None for the first; each is reached through as few others as can be. Where pairs are missing, one may be
    reached through one that has a graph of its on the other side, or through none: then after the first.

        >>> reached_from(0, [(0, 1), (0, 2), (1, 2)])
        [(0, None), (1, 0), (2, 1)]
        >>> reached_from(0, [(0, 1), (1, 2)])
        [(0, None), (1, 0)]
    """
    order: list[tuple[int, int | None]] = [(first, None)]
    while True:
        # Grows while it is gone through.
        for place, (at, _) in enumerate(order):
            reached = {one for one, _ in order}
            order += [
                (other, place)
                for other, pair in enumerate(numbers)
                if other not in reached and _on_one_side(pair, numbers[at])
            ]
        missed = sorted(set(range(len(numbers))) - {one for one, _ in order})
        if not missed:
            return order
        beside = (
            (other, place)
            for place, (at, _) in enumerate(order)
            for other in missed
            if set(numbers[other]) & set(numbers[at])
        )
        order.append(next(beside, (missed[0], 0)))


def _on_one_side(one: Numbers, other: Numbers) -> bool:
    """Whether two pairs of graphs have the same left or the same right one."""
    return one[0] == other[0] or one[1] == other[1]


def _pair_counts(
    graphs: Sequence[KnowledgeGraph], decided: Decisions, agreed: pl.DataFrame
) -> dict[str, Any]:
    """What was decided about a pair of graphs by itself, and what the clusters make of it."""
    left, right = (graphs[number] for number in decided.numbers)
    own = pl.DataFrame(
        {
            "left": left.ids.gather(decided.left[decided.matched]),
            "right": right.ids.gather(decided.right[decided.matched]),
        }
    )
    kept = len(own.join(agreed, on=["left", "right"], how="semi"))
    return {
        "pair": _name(decided.numbers),
        "candidates": len(decided.left),
        "matches": len(own),
        "given_up": len(own) - kept,
        "gained": len(agreed) - kept,
    }


def _write(stage: ResultFolder, config: Config, report: dict[str, Any], tables: _Tables) -> None:
    stage.matches_folder.mkdir()
    for numbers, table in tables.agreed.items():
        table.sort("left", "right").write_ndjson(stage.matches_folder / f"{_name(numbers)}.jsonl")
    tables.clusters.write_csv(stage.clusters_file, separator="\t")
    tables.disagreements.write_csv(stage.disagreements_file, separator="\t")
    stage.config_file.write_text(config.to_toml(), encoding="utf8")
    store_report(report, stage)


def summary_of_many(report: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows that a person wants to see first."""
    entities = ", ".join(f"{graph['entities']:,}" for graph in report["graphs"])
    sizes = ", ".join(f"{count:,} of {size}" for size, count in report["clusters"]["by_size"].items())
    cases = ", ".join(f"{count:,} {together}" for together, count in report["disagreements"].items())
    total = sum(report["disagreements"].values())
    return [
        ("entities", entities),
        *(
            (
                f"matches {pair['pair']}",
                f"{pair['matches']:,}; clusters give up {pair['given_up']:,} and gain {pair['gained']:,}",
            )
            for pair in report["pairs"]
        ),
        ("clusters", f"{report['clusters']['count']:,}" + (f": {sizes} entities" if sizes else "")),
        ("disagreements", f"{total:,}" + (f"; together stay: {cases}" if cases else "")),
    ]
