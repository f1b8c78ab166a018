"""A trained model on arrays, as ``checkpoint.TrainedModel`` is one on tensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from safetensors.numpy import load_file

from crossgraph._types import AnyArray
from crossgraph.calibration import Calibration
from crossgraph.card import ModelCard, Told, loaded, network_name, part_of, scorer_name
from crossgraph.model.curves import Curves
from crossgraph.plain.network import PlainNetwork
from crossgraph.plain.shapes import checked, network_shapes, scorer_shapes

_Weights: TypeAlias = dict[str, AnyArray]
# What belongs to a scorer and is not trained.
BUFFERS = ("edges", "gaps")


@dataclass(frozen=True, eq=False)
class PlainRound:
    """One round of scoring, see ``RoundCard``."""

    scorers: tuple[Curves, ...]
    columns: tuple[str, ...]
    calibration: Calibration
    settlement: Calibration


@dataclass(frozen=True, eq=False, kw_only=True)
class PlainModel(Told):
    """All that is needed to score pairs.

    networks     none where arrays cannot tell networks of this shape
    parameters   as in ``TrainedModel``
    """

    networks: tuple[PlainNetwork, ...]
    rounds: tuple[PlainRound, ...]
    parameters: int


def load_plain(folder: Path) -> PlainModel:
    """Read a model written by ``save_model``.

    Raises CheckpointError where files are missing, damaged, or of another format.
    """
    return loaded(folder, load_file, _built)


def _built(card: ModelCard, weights: _Weights) -> PlainModel:
    networks = [
        checked(part_of(weights, name), network_shapes(card), name)
        for name in map(network_name, range(card.networks))
    ]
    scorers = [
        [
            checked(part_of(weights, name), scorer_shapes(len(step.columns), card.scorer), name)
            for name in (scorer_name(at, number) for number in range(step.scorers))
        ]
        for at, step in enumerate(card.rounds)
    ]
    counted = (*networks[:1], *(step[0] for step in scorers))
    sizes = (int(np.prod(one.shape)) for part in counted for name, one in part.items() if name not in BUFFERS)
    can = PlainNetwork.can(card.model)
    return PlainModel(
        **card.told,
        networks=tuple(PlainNetwork(part, card.model) for part in networks) if can else (),
        rounds=tuple(
            PlainRound(tuple(map(Curves.of, parts)), step.columns, step.calibration, step.settlement)
            for parts, step in zip(scorers, card.rounds, strict=True)
        ),
        parameters=sum(sizes),
    )
