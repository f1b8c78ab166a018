"""Save and load a trained model: safetensors, options and vocabulary, never pickles."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from crossgraph.calibration import Calibration
from crossgraph.cardinality import Cardinality
from crossgraph.errors import CheckpointError, ConfigError
from crossgraph.layout import MODEL_FILES
from crossgraph.model.network import CollectiveNetwork, Slots
from crossgraph.model.options import ModelOptions
from crossgraph.model.scorer import EvidenceScorer, ScorerOptions
from crossgraph.sampling import SamplingOptions
from crossgraph.schema.vocabulary import Vocabulary

FORMAT = 6
_WEIGHTS, CARD = MODEL_FILES


@dataclass(frozen=True, eq=False)
class ScoringRound:
    """One round of scoring; a later round also reads what the one before believed of the neighbours.

    scorers       one for each fold, trained on the other folds; a raw score is their mean
    columns       names of the evidence that the scorers read, in order
    calibration   raw score, and its lead over rivals, to log-odds
    settlement    these, and the pair's standing in a ``Contest``, to the log-odds of the round
    """

    scorers: tuple[EvidenceScorer, ...]
    columns: tuple[str, ...]
    calibration: Calibration
    settlement: Calibration


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """All that is needed to score pairs of other graphs.

    networks        one for each half of the labels, trained on the other half
    rounds          at least one; the last one's probabilities are the model's
    thresholds      type -> least probability of a match; ``*`` for types that are not named
    cardinalities   type -> how many partners its entities may have, likewise
    encoder         fingerprint of what says what texts mean; empty where n-grams alone do
    """

    networks: tuple[CollectiveNetwork, ...]
    rounds: tuple[ScoringRound, ...]
    thresholds: dict[str, float]
    cardinalities: dict[str, Cardinality]
    vocabulary: Vocabulary
    model: ModelOptions
    scorer: ScorerOptions
    sampling: SamplingOptions
    seed: int
    encoder: str = ""

    @property
    def parameters(self) -> int:
        """Trained numbers of one network and of one scorer of each round."""
        modules = (*self.networks[:1], *(step.scorers[0] for step in self.rounds))
        return sum(p.numel() for module in modules for p in module.parameters())


def save_model(model: TrainedModel, folder: Path) -> None:
    """Write a model into an existing folder."""
    tensors = {
        f"{prefix}.{name}": tensor.detach().cpu().contiguous()
        for prefix, module in _modules(model).items()
        for name, tensor in module.state_dict().items()
    }
    # Its own writing of files calls a full disk an error of the format.
    (folder / _WEIGHTS).write_bytes(save(tensors))
    card = {
        "format": FORMAT,
        "rounds": [
            {
                "columns": step.columns,
                "calibration": asdict(step.calibration),
                "settlement": asdict(step.settlement),
                "scorers": len(step.scorers),
            }
            for step in model.rounds
        ],
        "thresholds": model.thresholds,
        "cardinalities": model.cardinalities,
        "vocabulary": asdict(model.vocabulary),
        "model": asdict(model.model),
        "scorer": asdict(model.scorer),
        "sampling": asdict(model.sampling),
        "networks": len(model.networks),
        "seed": model.seed,
        **({"encoder": model.encoder} if model.encoder else {}),
    }
    _write_card(card, folder)


def store_thresholds(source: Path, folder: Path, thresholds: dict[str, float]) -> None:
    """Write the card of the model in ``source`` into another folder, with other thresholds."""
    card = json.loads((source / CARD).read_text(encoding="utf8"))
    _write_card(card | {"thresholds": thresholds}, folder)


def _write_card(card: dict[str, Any], folder: Path) -> None:
    (folder / CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf8")


def _modules(model: TrainedModel) -> dict[str, nn.Module]:
    """Every part with weights, under the prefix that its tensors bear in the file."""
    return {
        **{f"network.{number}": network for number, network in enumerate(model.networks)},
        **{
            f"scorer.{at}.{number}": scorer
            for at, step in enumerate(model.rounds)
            for number, scorer in enumerate(step.scorers)
        },
    }


def load_model(folder: Path, *, device: str = "cpu") -> TrainedModel:
    """Read a model written by ``save_model``.

    Raises CheckpointError where files are missing, damaged, or of another format.
    """
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf8"))
        if card.get("format") != FORMAT:
            raise CheckpointError(
                f"{folder} holds a model of format {card.get('format')!r}; this version reads {FORMAT}",
                hint="train it again with this version",
            )
        tensors = load_file(str(folder / _WEIGHTS), device=device)
        return _rebuilt(card, tensors, device)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RuntimeError,
        SafetensorError,
        ConfigError,
    ) as error:
        raise CheckpointError(
            f"{folder} holds no model that can be read: {error}",
            hint="name a RESULT of `crossgraph align` or `train`",
        ) from error


def _rebuilt(card: dict[str, Any], tensors: dict[str, Tensor], device: str) -> TrainedModel:
    vocabulary = _vocabulary(card["vocabulary"])
    model, scorer = ModelOptions(**card["model"]), ScorerOptions(**card["scorer"])
    rebuilt = TrainedModel(
        networks=tuple(CollectiveNetwork(Slots.of(vocabulary), model) for _ in range(int(card["networks"]))),
        rounds=tuple(_round(step, scorer) for step in card["rounds"]),
        thresholds=dict(card["thresholds"]),
        cardinalities=dict(card["cardinalities"]),
        vocabulary=vocabulary,
        model=model,
        scorer=scorer,
        sampling=SamplingOptions(**card["sampling"]),
        seed=int(card["seed"]),
        encoder=str(card.get("encoder", "")),
    )
    for prefix, module in _modules(rebuilt).items():
        start = f"{prefix}."
        state = {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}
        module.load_state_dict(state)
        module.to(device).eval()
    return rebuilt


def _round(card: dict[str, Any], options: ScorerOptions) -> ScoringRound:
    columns = tuple(str(name) for name in card["columns"])
    scorers = tuple(EvidenceScorer(len(columns), options) for _ in range(int(card["scorers"])))
    return ScoringRound(
        scorers, columns, Calibration(**card["calibration"]), Calibration(**card["settlement"])
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
