"""A finished run, kept as far as it does not depend on its thresholds, so that others repeat nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Bool, Float64
from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.caching import DAMAGED, StageCache
from crossgraph.calibration import probabilities
from crossgraph.card import CARD, store_thresholds
from crossgraph.cardinality import Cardinality
from crossgraph.config import Config
from crossgraph.deciding import Rules, assignable, called_same, fit_thresholds
from crossgraph.decisions import LONE, Lone, Threshold
from crossgraph.errors import ResultError
from crossgraph.features.meaning import TextEncoder
from crossgraph.ground import SIDES, stored_ids
from crossgraph.inputs import Inputs, inputs_card
from crossgraph.labels import Labels
from crossgraph.layout import ResultFolder
from crossgraph.matches import Matches
from crossgraph.preparation import Known
from crossgraph.reporting import Run, store_report, thresholds_told, versions
from crossgraph.results import name_again, staging, write_sssom
from crossgraph.schema.seeds import EntityPairs
from crossgraph.stages import StageClock
from crossgraph.workings import MATCHED, PAIRS, array_text, store_matched, text_array

_STANDING = "standing.npz"
_LABELS = tuple(field.name for field in fields(Labels))
_KNOWN = tuple(field.name for field in fields(Known))


@dataclass(frozen=True, eq=False)
class KeptRun:
    """A run in a cache, found by its inputs and by the settings that do not choose thresholds.

    place   where it is kept, if it is: a RESULT, and what its decisions were made of
    card    what ``inputs_card`` told of the inputs
    """

    place: Path
    card: dict[str, Any]

    @staticmethod
    def of(cache: Path, inputs: Inputs, config: Config, encoder: TextEncoder | None) -> KeptRun:
        """Of these inputs and settings. Raises OSError where inputs cannot be read."""
        card = inputs_card(inputs)
        key = StageCache(cache).on(
            versions(),
            *(card["digest"], card["verb"], len(inputs.links), inputs.right is None, inputs.schema is None),
            *(inputs.read, config.run.content, encoder.fingerprint if encoder else ""),
            *(config.schema, config.blocking, config.sampling, config.model, config.scorer, config.training),
            config.decisions.but_thresholds(),
        )
        return KeptRun(cache / f"run-{key.made_of[:32]}", card)

    def keep(self, run: Run, stage: ResultFolder) -> None:
        """Keep a RESULT that is written, as second names of its files."""
        # Another run that keeps the same one at this moment keeps the same bytes.
        with suppress(ResultError), staging(self.place, replace=True) as kept:
            name_again(stage.report_file, kept.report_file)
            _name_again(stage, kept)
            with _standing(kept).open("wb") as out:
                np.savez(out, allow_pickle=False, **_arrays(run))

    def decided_again(self, stage: ResultFolder, config: Config, clock: StageClock) -> dict[str, Any] | None:
        """Write the RESULT with other thresholds; its report. None where none is kept, or a damaged one."""
        kept = ResultFolder(self.place)
        if not _standing(kept).is_file():
            return None
        try:
            return self._decided_again(kept, stage, config, clock)
        except DAMAGED:
            clock.stages.clear()
            shutil.rmtree(stage.model_folder, ignore_errors=True)
            return None

    def _decided_again(
        self, kept: ResultFolder, stage: ResultFolder, config: Config, clock: StageClock
    ) -> dict[str, Any]:
        with clock.stage("all but decisions") as row:
            undecided = _Undecided.load(kept)
            row["reused"] = True
        with clock.stage("assign"):
            thresholds = undecided.thresholds(config)
            matched = undecided.matched(thresholds)
        with clock.stage("write"):
            _name_again(kept, stage, but=(_STANDING, CARD, MATCHED))
            undecided.write(matched, kept, stage)
            least = {name: one.probability for name, one in thresholds.items()}
            store_thresholds(kept.model_folder, stage.model_folder, least)
            stage.config_file.write_text(config.to_toml(), encoding="utf8")
        report = kept.read_report()
        report["counts"]["matches"] = int(matched.sum())
        report |= {"inputs": self.card, "thresholds": thresholds_told(thresholds), "stages": clock.stages}
        store_report(report, stage)
        return report


@dataclass(frozen=True, eq=False)
class _Undecided:
    """Scored candidates, and all that decides which of them are called the same.

    score (P)    log-odds
    types (P)    of the left entities
    barred (P)   those that a rule forbids
    """

    candidates: Candidates
    score: Float64
    types: PairTypes
    labels: Labels
    lone: Lone
    known: Known
    barred: Bool
    cardinalities: dict[str, Cardinality]

    @staticmethod
    def load(kept: ResultFolder) -> _Undecided:
        with kept.workings_file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            candidates, score = Candidates(*(stored[name] for name in PAIRS)), stored["score"][-1]
        with _standing(kept).open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            told = dict(stored)
        names = tuple(json.loads(array_text(told["type_names"])))
        labels = {name: told[f"labels.{name}"] for name in _LABELS}
        return _Undecided(
            candidates=candidates,
            score=score,
            types=PairTypes(names, told["types"]),
            labels=Labels(**labels | {"matches": int(labels["matches"])}),
            lone=Lone.of(*(told[f"lone.{name}"] for name in LONE)),
            known=Known(*(EntityPairs.of(*told[f"known.{name}"]) for name in _KNOWN)),
            barred=told["barred"],
            cardinalities=kept.read_report()["cardinalities"],
        )

    @cached_property
    def probability(self) -> Float64:
        """(P)."""
        return probabilities(self.score)

    def thresholds(self, config: Config) -> dict[str, Threshold]:
        """As ``fit`` chooses them."""
        return fit_thresholds(
            self.probability,
            assignable(self.candidates, self.probability, self.types, self.cardinalities),
            self.candidates,
            self.labels,
            self.types,
            options=config.decisions,
            seed=config.run.seed,
            lone=self.lone,
        )

    def matched(self, thresholds: dict[str, Threshold]) -> Bool:
        """(P) as ``Session.decide`` calls them."""
        rules = Rules({name: one.probability for name, one in thresholds.items()}, self.cardinalities)
        return called_same(self.candidates, self.probability, self.types, rules, self.known, self.barred)

    def write(self, matched: Bool, kept: ResultFolder, stage: ResultFolder) -> None:
        """Write the decisions."""
        rows = np.flatnonzero(matched)
        left, right = (stored_ids(kept.ground_folder, side) for side in SIDES)
        table = pl.DataFrame(
            {
                "left": left.gather(self.candidates.left[rows].astype(np.int64)),
                "right": right.gather(self.candidates.right[rows].astype(np.int64)),
                "type": pl.Series(self.types.at(rows), dtype=pl.String),
                "score": self.score[rows],
                "probability": self.probability[rows],
                "matched": matched[rows],
            }
        )
        write_sssom(Matches(table), stage.matches_file)
        store_matched(matched, stage.workings_file)


def _standing(kept: ResultFolder) -> Path:
    return kept.model_folder / _STANDING


def _name_again(source: ResultFolder, target: ResultFolder, but: Sequence[str] = ()) -> None:
    """Give a RESULT those files of another one that no threshold changes, and the folder of its model."""
    for file in (source.scores_file, source.reliability_file):
        if file.is_file():
            name_again(file, target.path / file.name)
    shutil.copytree(
        source.model_folder,
        target.model_folder,
        copy_function=name_again,
        ignore=lambda _, names: [name for name in names if name in but],
        dirs_exist_ok=True,
    )


def _arrays(run: Run) -> dict[str, AnyArray]:
    """What thresholds and decisions read beside the candidates and their scores."""
    labels, known, lone = run.labels, run.known, run.scored.lone
    assert labels is not None  # a model that is applied brings its thresholds
    types = PairTypes.of(run.preparation.candidates, run.preparation.graphs[0])
    return {
        **{f"labels.{name}": np.asarray(getattr(labels, name)) for name in _LABELS},
        **{f"lone.{name}": np.asarray(getattr(lone, name)) for name in LONE},
        **{f"known.{name}": np.stack([(pairs := getattr(known, name)).left, pairs.right]) for name in _KNOWN},
        "types": types.codes,
        "type_names": text_array(json.dumps(types.names, ensure_ascii=False)),
        "barred": run.barred,
    }
