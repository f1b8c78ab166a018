"""Where everything lies in a RESULT."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossgraph.errors import ResultError

# Of a trained model: weights, and what they are of.
MODEL_FILES = ("model.safetensors", "model.json")


@dataclass(frozen=True)
class ResultFolder:
    """The names inside a RESULT folder."""

    path: Path

    @property
    def matches_file(self) -> Path:
        """The decided pairs as SSSOM."""
        return self.path / "matches.sssom.tsv"

    @property
    def scores_file(self) -> Path:
        """Each scored candidate once."""
        return self.path / "scores.parquet"

    @property
    def report_file(self) -> Path:
        """Counts, thresholds, times, versions, seed."""
        return self.path / "report.json"

    def read_report(self) -> dict[str, Any]:
        """What the report says. Raises ResultError where there is none that can be read."""
        try:
            report = json.loads(self.report_file.read_text(encoding="utf8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ResultError(f"{self.report_file} cannot be read: {error}") from error
        if not isinstance(report, dict):
            raise ResultError(f"{self.report_file} is no report")
        return report

    @property
    def reliability_file(self) -> Path:
        """The reliability diagram of the held-out pairs; only there where some were held out."""
        return self.path / "reliability.svg"

    @property
    def config_file(self) -> Path:
        """The resolved settings."""
        return self.path / "config.toml"

    @property
    def model_folder(self) -> Path:
        """Weights, options and schema mapping."""
        return self.path / "model"

    @property
    def model_files(self) -> tuple[Path, Path]:
        """Weights, and what they are of."""
        weights, card = MODEL_FILES
        return self.model_folder / weights, self.model_folder / card

    @property
    def stages_folder(self) -> Path:
        """Finished stages of a run that is not at its end; a RESULT that is put in place has none."""
        return self.path / "stages"

    @property
    def schema_file(self) -> Path:
        """Which types, relations and attributes of the two graphs correspond."""
        return self.model_folder / "schema.toml"

    @property
    def workings_file(self) -> Path:
        """What was known of each candidate when it was scored; for reasons."""
        return self.model_folder / "workings.npz"

    @property
    def known_file(self) -> Path:
        """What was known: links, non-matches, and after learning what people answered."""
        return self.model_folder / "known.parquet"

    @property
    def linked_file(self) -> Path:
        """What was known before anybody answered; only there after learning from answers."""
        return self.model_folder / "linked.parquet"

    @property
    def ground_folder(self) -> Path:
        """The graphs as they were aligned, which updates start from, and what has changed since."""
        return self.model_folder / "ground"

    @property
    def vectors_folder(self) -> Path:
        """The vectors of the texts of these graphs; only there with an encoder."""
        return self.ground_folder / "vectors"

    @property
    def ledger_file(self) -> Path:
        """What reviewers decided; only there once somebody reviewed."""
        return self.path / "ledger.sqlite"

    @property
    def changes_file(self) -> Path:
        """The pairs whose decision learning from answers has turned; only there once it has learned."""
        return self.path / "changes.tsv"

    @property
    def clusters_file(self) -> Path:
        """Which entities of several graphs are one; this and what follows is only there for more than two."""
        return self.path / "clusters.tsv"

    @property
    def disagreements_file(self) -> Path:
        """Decisions about pairs that cannot all be right."""
        return self.path / "disagreements.tsv"

    @property
    def matches_folder(self) -> Path:
        """What the clusters say of each pair of graphs."""
        return self.path / "matches"

    @property
    def pairs_folder(self) -> Path:
        """A RESULT for each pair of graphs, such as ``1-2``."""
        return self.path / "pairs"

    def of_run(self) -> tuple[Path, ...]:
        """What a run writes, and the next one writes anew; all else in the folder belongs to people."""
        return (
            self.matches_file,
            self.scores_file,
            self.report_file,
            self.reliability_file,
            self.config_file,
            self.model_folder,
            self.changes_file,
            self.clusters_file,
            self.disagreements_file,
            self.matches_folder,
            self.pairs_folder,
        )

    def is_result(self) -> bool:
        """Whether the folder holds any of the files that mark a RESULT."""
        marks = (self.matches_file, self.scores_file, self.report_file, self.config_file, self.schema_file)
        return any(mark.is_file() for mark in marks)
