"""What a trained model's card tells: all but its weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError

from crossgraph.calibration import Calibration
from crossgraph.cardinality import Cardinality
from crossgraph.errors import CheckpointError, ConfigError
from crossgraph.layout import MODEL_FILES
from crossgraph.model.options import ModelOptions, ScorerOptions
from crossgraph.sampling import SamplingOptions
from crossgraph.schema.vocabulary import Vocabulary

FORMAT = 6
WEIGHTS, CARD = MODEL_FILES

T = TypeVar("T")
_Weights = TypeVar("_Weights", bound=Mapping[str, Any])


@dataclass(frozen=True, eq=False)
class RoundCard:
    """What is told of a round of scoring.

    columns       names of the evidence that its scorers read, in order
    calibration   raw score, and its lead over rivals, to log-odds
    settlement    these, and the pair's standing in a ``Contest``, to the log-odds of the round
    scorers       how many there are
    """

    columns: tuple[str, ...]
    calibration: Calibration
    settlement: Calibration
    scorers: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Told:
    """What every form of a model tells beside its weights.

    thresholds      type -> least probability of a match; ``*`` for types that are not named
    cardinalities   type -> how many partners its entities may have, likewise
    encoder         fingerprint of what says what texts mean; empty where n-grams alone do
    """

    thresholds: dict[str, float]
    cardinalities: dict[str, Cardinality]
    vocabulary: Vocabulary
    model: ModelOptions
    scorer: ScorerOptions
    sampling: SamplingOptions
    seed: int
    encoder: str = ""

    @property
    def told(self) -> dict[str, Any]:
        """These alone, by name, for another form of the same model."""
        return {field.name: getattr(self, field.name) for field in fields(Told)}


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelCard(Told):
    """A model without its weights.

    networks   how many there are
    """

    rounds: tuple[RoundCard, ...]
    networks: int

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        card = {
            "format": FORMAT,
            "rounds": [asdict(step) for step in self.rounds],
            "thresholds": self.thresholds,
            "cardinalities": self.cardinalities,
            "vocabulary": asdict(self.vocabulary),
            "model": asdict(self.model),
            "scorer": asdict(self.scorer),
            "sampling": asdict(self.sampling),
            "networks": self.networks,
            "seed": self.seed,
            **({"encoder": self.encoder} if self.encoder else {}),
        }
        _write(card, folder)


def store_thresholds(source: Path, folder: Path, thresholds: dict[str, float]) -> None:
    """Write the card of the model in ``source`` into another folder, with other thresholds."""
    card = json.loads((source / CARD).read_text(encoding="utf8"))
    _write(card | {"thresholds": thresholds}, folder)


def _write(card: dict[str, Any], folder: Path) -> None:
    (folder / CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf8")


def loaded(folder: Path, weights: Callable[[str], _Weights], build: Callable[[ModelCard, _Weights], T]) -> T:
    """A model from its folder.

    weights   reads the file of a name
    build     puts together what is told and the weights

    Raises CheckpointError where files are missing, damaged, or of another format.
    """
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf8"))
        if card.get("format") != FORMAT:
            raise CheckpointError(
                f"{folder} holds a model of format {card.get('format')!r}; this version reads {FORMAT}",
                hint="train it again with this version",
            )
        return build(_card(card), weights(str(folder / WEIGHTS)))
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RuntimeError,
        SafetensorError,
        ConfigError,
    ) as error:
        raise CheckpointError(
            f"{folder} holds no model that can be read: {error}",
            hint="name a RESULT of `crossgraph align` or `train`",
        ) from error


def part_of(weights: _Weights, prefix: str) -> dict[str, Any]:
    """The weights of one network or scorer, by the names that it has for them."""
    start = f"{prefix}."
    return {name.removeprefix(start): one for name, one in weights.items() if name.startswith(start)}


def network_name(number: int) -> str:
    """The prefix of a network's weights in the file."""
    return f"network.{number}"


def scorer_name(step: int, number: int) -> str:
    """The prefix of the weights of a round's scorer in the file."""
    return f"scorer.{step}.{number}"


def _card(card: dict[str, Any]) -> ModelCard:
    scorers = [int(step["scorers"]) for step in card["rounds"]]
    if int(card["networks"]) < 1 or min(scorers, default=0) < 1:
        raise ValueError("it tells of no networks, or of no scorers")
    return ModelCard(
        rounds=tuple(_round(step) for step in card["rounds"]),
        thresholds=dict(card["thresholds"]),
        cardinalities=dict(card["cardinalities"]),
        vocabulary=_vocabulary(card["vocabulary"]),
        model=ModelOptions(**card["model"]),
        scorer=ScorerOptions(**card["scorer"]),
        sampling=SamplingOptions(**card["sampling"]),
        networks=int(card["networks"]),
        seed=int(card["seed"]),
        encoder=str(card.get("encoder", "")),
    )


def _round(card: dict[str, Any]) -> RoundCard:
    return RoundCard(
        columns=tuple(str(name) for name in card["columns"]),
        calibration=Calibration(**card["calibration"]),
        settlement=Calibration(**card["settlement"]),
        scorers=int(card["scorers"]),
    )


def _vocabulary(card: dict[str, Any]) -> Vocabulary:
    return Vocabulary(
        relations_left={
            name: (int(slot), bool(turned)) for name, (slot, turned) in card["relations_left"].items()
        },
        relations_right={
            name: (int(slot), bool(turned)) for name, (slot, turned) in card["relations_right"].items()
        },
        **{
            key: {name: int(slot) for name, slot in card[key].items()}
            for key in ("attributes_left", "attributes_right", "types_left", "types_right")
        },
    )
