"""Save and load a trained model: safetensors, options and vocabulary, never pickles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file, save
from torch import Tensor, nn

from crossgraph.calibration import Calibration
from crossgraph.card import WEIGHTS, ModelCard, RoundCard, Told, loaded, network_name, part_of, scorer_name
from crossgraph.model.network import CollectiveNetwork, Slots
from crossgraph.model.options import ScorerOptions
from crossgraph.model.scorer import EvidenceScorer


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


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedModel(Told):
    """All that is needed to score pairs of other graphs.

    networks   one for each half of the labels, trained on the other half
    rounds     at least one; the last one's probabilities are the model's
    """

    networks: tuple[CollectiveNetwork, ...]
    rounds: tuple[ScoringRound, ...]

    @property
    def parameters(self) -> int:
        """Trained numbers of one network and of one scorer of each round."""
        modules = (*self.networks[:1], *(step.scorers[0] for step in self.rounds))
        return sum(p.numel() for module in modules for p in module.parameters())

    @property
    def card(self) -> ModelCard:
        """All but its weights."""
        rounds = tuple(
            RoundCard(step.columns, step.calibration, step.settlement, len(step.scorers))
            for step in self.rounds
        )
        return ModelCard(**self.told, rounds=rounds, networks=len(self.networks))


def save_model(model: TrainedModel, folder: Path) -> None:
    """Write a model into an existing folder."""
    tensors = {
        f"{prefix}.{name}": tensor.detach().cpu().contiguous()
        for prefix, module in _modules(model).items()
        for name, tensor in module.state_dict().items()
    }
    # Its own writing of files calls a full disk an error of the format.
    (folder / WEIGHTS).write_bytes(save(tensors))
    model.card.write(folder)


def _modules(model: TrainedModel) -> dict[str, nn.Module]:
    """Every part with weights, under the prefix that its tensors bear in the file."""
    return {
        **{network_name(number): network for number, network in enumerate(model.networks)},
        **{
            scorer_name(at, number): scorer
            for at, step in enumerate(model.rounds)
            for number, scorer in enumerate(step.scorers)
        },
    }


def load_model(folder: Path, *, device: str = "cpu") -> TrainedModel:
    """Read a model written by ``save_model``.

    Raises CheckpointError where files are missing, damaged, or of another format.
    """

    def weights(file: str) -> dict[str, Tensor]:
        return load_file(file, device=device)

    return loaded(folder, weights, lambda card, tensors: _rebuilt(card, tensors, device))


def _rebuilt(card: ModelCard, tensors: dict[str, Tensor], device: str) -> TrainedModel:
    slots = Slots.of(card.vocabulary)
    rebuilt = TrainedModel(
        **card.told,
        networks=tuple(CollectiveNetwork(slots, card.model) for _ in range(card.networks)),
        rounds=tuple(_round(step, card.scorer) for step in card.rounds),
    )
    for prefix, module in _modules(rebuilt).items():
        module.load_state_dict(part_of(tensors, prefix))
        module.to(device).eval()
    return rebuilt


def _round(card: RoundCard, options: ScorerOptions) -> ScoringRound:
    scorers = tuple(EvidenceScorer(len(card.columns), options) for _ in range(card.scorers))
    return ScoringRound(scorers, card.columns, card.calibration, card.settlement)
