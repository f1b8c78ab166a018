"""Save and load a trained model: safetensors, options and vocabulary, never pickles."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from crossgraph.calibration import Calibration
from crossgraph.errors import CheckpointError
from crossgraph.model.encoder import ModelOptions
from crossgraph.model.network import CollectiveNetwork
from crossgraph.model.scorer import EvidenceScorer, ScorerOptions
from crossgraph.sampling import SamplingOptions
from crossgraph.schema.vocabulary import Vocabulary

FORMAT = 1
_WEIGHTS, _CARD = "model.safetensors", "model.json"


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """All that is needed to score pairs of other graphs.

    networks        one for each half of the labels, trained on the other half
    scorers         one for each fold, trained on the other folds; a raw score is their mean
    columns         names of the evidence that the scorers read, in order
    calibration     raw score to log-odds
    thresholds      type -> least probability of a match; ``*`` for types that are not named
    """

    networks: tuple[CollectiveNetwork, ...]
    scorers: tuple[EvidenceScorer, ...]
    columns: tuple[str, ...]
    calibration: Calibration
    thresholds: dict[str, float]
    vocabulary: Vocabulary
    model: ModelOptions
    scorer: ScorerOptions
    sampling: SamplingOptions
    seed: int

    @property
    def parameters(self) -> int:
        """Trained numbers of one network and one scorer."""
        modules = (*self.networks[:1], *self.scorers[:1])
        return sum(p.numel() for module in modules for p in module.parameters())


def save_model(model: TrainedModel, folder: Path) -> None:
    """Write a model into an existing folder."""
    tensors = {
        f"{kind}.{number}.{name}": tensor.detach().cpu().contiguous()
        for kind, modules in (("network", model.networks), ("scorer", model.scorers))
        for number, module in enumerate(modules)
        for name, tensor in module.state_dict().items()
    }
    save_file(tensors, str(folder / _WEIGHTS))
    card = {
        "format": FORMAT,
        "columns": model.columns,
        "calibration": asdict(model.calibration),
        "thresholds": model.thresholds,
        "vocabulary": asdict(model.vocabulary),
        "model": asdict(model.model),
        "scorer": asdict(model.scorer),
        "sampling": asdict(model.sampling),
        "networks": len(model.networks),
        "scorers": len(model.scorers),
        "seed": model.seed,
    }
    (folder / _CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf8")


def load_model(folder: Path, *, device: str = "cpu") -> TrainedModel:
    """Read a model written by ``save_model``.

    Raises CheckpointError where files are missing, damaged, or of another format.
    """
    try:
        card = json.loads((folder / _CARD).read_text(encoding="utf8"))
        if card.get("format") != FORMAT:
            raise CheckpointError(
                f"{folder} holds a model of format {card.get('format')!r}; this version reads {FORMAT}",
                hint="train it again with this version",
            )
        tensors = load_file(str(folder / _WEIGHTS), device=device)
        return _rebuilt(card, tensors, device)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(
            f"{folder} holds no model that can be read: {error}",
            hint="name a RESULT of `crossgraph align` or `train`",
        ) from error


def _rebuilt(card: dict[str, Any], tensors: dict[str, Tensor], device: str) -> TrainedModel:
    vocabulary = _vocabulary(card["vocabulary"])
    model, scorer = ModelOptions(**card["model"]), ScorerOptions(**card["scorer"])
    columns = tuple(str(name) for name in card["columns"])
    networks = tuple(
        CollectiveNetwork(2 * vocabulary.relation_slots, vocabulary.attribute_slots, model)
        for _ in range(int(card["networks"]))
    )
    scorers = tuple(EvidenceScorer(len(columns), scorer) for _ in range(int(card["scorers"])))
    for kind, modules in (("network", networks), ("scorer", scorers)):
        for number, module in enumerate(modules):
            start = f"{kind}.{number}."
            state = {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}
            module.load_state_dict(state)
            module.to(device).eval()
    return TrainedModel(
        networks=networks,
        scorers=scorers,
        columns=columns,
        calibration=Calibration(**card["calibration"]),
        thresholds=dict(card["thresholds"]),
        vocabulary=vocabulary,
        model=model,
        scorer=scorer,
        sampling=SamplingOptions(**card["sampling"]),
        seed=int(card["seed"]),
    )


def _vocabulary(card: dict[str, Any]) -> Vocabulary:
    return Vocabulary(
        relations_left={
            name: (int(slot), bool(turned)) for name, (slot, turned) in card["relations_left"].items()
        },
        relations_right={
            name: (int(slot), bool(turned)) for name, (slot, turned) in card["relations_right"].items()
        },
        attributes_left={name: int(slot) for name, slot in card["attributes_left"].items()},
        attributes_right={name: int(slot) for name, slot in card["attributes_right"].items()},
    )
