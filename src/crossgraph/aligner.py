"""Aligner: learn, decide, explain and merge from Python; what it knows is a RESULT folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeAlias

import polars as pl

from crossgraph.config import Config
from crossgraph.evaluation import Evaluation, evaluate_result
from crossgraph.explaining.answer import Answer, explain
from crossgraph.graphs import KnowledgeGraph, ReadOptions, read_pair
from crossgraph.graphs.links import Links, Pairs, read_links
from crossgraph.inputs import Inputs, config_of, inputs_of
from crossgraph.layout import ResultFolder
from crossgraph.merging.files import MergeInputs, merge_result
from crossgraph.merging.options import MergeOptions
from crossgraph.merging.report import MergeReport
from crossgraph.pipeline import align, scores_of
from crossgraph.progress import SILENT, Progress
from crossgraph.results import existing_result, read_matches, read_scores
from crossgraph.reviewing.material import known_links

PathLike: TypeAlias = Path | str


class Aligner:
    """Two graphs, and what was decided about them.

        aligner = Aligner("RESULT").fit("films.ttl", "movies.nt", links="known.tsv")
        aligner.matches                                    # a Polars table: left, right, probability
        aligner.explain("m1", "q7").explanation.reasons    # why these two are the same
        aligner.merge("merged.nq")                         # one graph out of two
        Aligner("RESULT").predict("other.ttl", "others.nt", out="OTHER").matches

    All it knows is in its folder: what ``crossgraph align`` made can be opened here, and what is fitted here
    can be reviewed there. Graphs are files or folders, which must stay where they are for ``explain``,
    ``score`` and ``merge``. Whatever needs a RESULT raises ResultError where the folder is none.

    folder     the RESULT folder, made by ``fit``
    config     the settings of ``fit``; the defaults if not given
    progress   where long stages report
    """

    def __init__(
        self, folder: PathLike, *, config: Config | None = None, progress: Progress = SILENT
    ) -> None:
        self.folder = Path(folder)
        self.config = config
        self.progress = progress

    def __repr__(self) -> str:
        return f"Aligner({str(self.folder)!r})"

    def fit(
        self,
        left: PathLike,
        right: PathLike | None = None,
        *,
        links: PathLike | Sequence[PathLike] = (),
        schema: PathLike | None = None,
        read: ReadOptions | None = None,
        force: bool = False,
    ) -> Self:
        """Learn from known links, or without any from pairs that are sure by themselves, and decide.

        left, right   the graphs; ``right`` is not needed where one folder holds both
        links         one file of known links, or several
        schema        a schema mapping that people edited
        force         replace a RESULT that is there already

        Raises ResultError where a RESULT is there already, GraphFormatError and LinksError with all faults of
        the files, and InputError where there is nothing to learn from.
        """
        files = (links,) if isinstance(links, Path | str) else links
        inputs = replace(
            _inputs(left, right, read),
            links=tuple(map(Path, files)),
            schema=None if schema is None else Path(schema),
        )
        align(inputs, self.folder, config=self.config or Config(), force=force, progress=self.progress)
        return self

    def predict(
        self,
        left: PathLike,
        right: PathLike | None = None,
        *,
        out: PathLike,
        read: ReadOptions | None = None,
        force: bool = False,
    ) -> Aligner:
        """Apply this model to other graphs, whose entities it never saw; their RESULT is ``out``.

        Raises as ``fit``, and CheckpointError where the model does not fit.
        """
        config = self.config or config_of(self._result())
        # A floor of precision was kept when the thresholds were chosen, and cannot be asked for again.
        config = replace(config, decisions=replace(config.decisions, precision=0.0))
        inputs = replace(_inputs(left, right, read), model=self.folder)
        align(inputs, Path(out), config=config, force=force, progress=self.progress)
        return Aligner(out, config=self.config, progress=self.progress)

    @property
    def matches(self) -> pl.DataFrame:
        """The pairs decided to be the same, the surest first: left, right, probability."""
        return read_matches(self._result().matches_file)

    @property
    def scores(self) -> pl.DataFrame:
        """Every scored candidate, the likeliest first: left, right, type, score (log-odds), probability."""
        return read_scores(self._result().scores_file)

    @property
    def report(self) -> dict[str, Any]:
        """Counts, thresholds, held-out figures, times and versions, as in ``report.json``."""
        return self._result().read_report()

    @property
    def graphs(self) -> tuple[KnowledgeGraph, KnowledgeGraph]:
        """Both graphs, read again from where they were."""
        inputs = inputs_of(self._result())
        return read_pair(inputs.left, inputs.right, options=inputs.read)

    def score(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Score pairs of these graphs, candidates or not, row by row: left, right, score, probability.

        pairs (P)   left, right: identifiers as the graphs have them
        raises      LinksError naming all identifiers that the graphs do not have
        """
        asked = Pairs.of(pairs["left"], pairs["right"])
        return scores_of(self._result().path, asked, progress=self.progress)

    def evaluate(self, gold: PathLike | Links) -> Evaluation:
        """Judge by links that ``fit`` did not know: ``overall``, and ``by_type``; see ``evaluate_result``."""
        links = gold if isinstance(gold, Links) else read_links(gold)
        return evaluate_result(self.scores, self.matches, gold=links, known=known_links(self._result()))

    def explain(self, left: str, right: str, *, instead: str | None = None) -> Answer:
        """Why two entities are the same or are not, in log-odds that sum to their score.

        instead   another candidate of one of the two: why not that one? See ``contrast`` of the answer.
        raises    ResultError for an identifier that the graphs do not have
        """
        return explain(self._result().path, left, right, instead=instead, progress=self.progress)

    def merge(
        self,
        out: PathLike,
        *,
        options: MergeOptions | None = None,
        reviewed: bool = False,
        findings: PathLike | None = None,
    ) -> MergeReport:
        """Write one graph out of two, with the source of every statement, as ``out``: .nq or .trig.

        reviewed   let what reviewers settled count more than the matches
        findings   a table to write with all that the report counts: .csv or .parquet
        raises     InputError where ``out`` or ``findings`` is named otherwise
        """
        inputs = MergeInputs(result=self._result().path, reviewed=reviewed)
        return merge_result(
            inputs,
            Path(out),
            options=options or MergeOptions(),
            findings=None if findings is None else Path(findings),
            progress=self.progress,
        )

    def _result(self) -> ResultFolder:
        return existing_result(self.folder)


def _inputs(left: PathLike, right: PathLike | None, read: ReadOptions | None) -> Inputs:
    return Inputs(left=Path(left), right=None if right is None else Path(right), read=read or ReadOptions())
