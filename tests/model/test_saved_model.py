"""A trained model as files: written, read again, and refused where it is damaged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from crossgraph.checkpoint import TrainedModel, load_model, save_model
from crossgraph.config import Config
from crossgraph.errors import CheckpointError
from crossgraph.fitting import fit
from crossgraph.model.options import ModelOptions, ScorerOptions, TrainingOptions
from crossgraph.plain.model import load_plain
from crossgraph.stages import StageClock
from model.samples import all_pairs

if TYPE_CHECKING:
    from conftest import Pair, World


@pytest.fixture(scope="module")
def tiny_world(tiny_pair: Pair, make_world: Callable[..., World]) -> World:
    return make_world(tiny_pair)


@pytest.fixture(scope="module")
def model(tiny_world: World) -> TrainedModel:
    """A model with all its parts, hardly trained."""
    few = TrainingOptions(steps=1, epochs=1, scorer_steps=2, scorer_epochs=1)
    config = Config(training=few, model=ModelOptions(width=8), scorer=ScorerOptions(hidden=4))
    world = tiny_world
    return fit(world.preparation, world.evidence, world.labels, config=config, clock=StageClock()).model


def parts(value: object, name: str = "model") -> Iterator[tuple[str, object]]:
    """Everything in a model: each module's weights, and each plain value, under a name."""
    if isinstance(value, torch.nn.Module):
        yield f"{name} learns", value.training
        yield from ((f"{name}.{key}", tensor.tolist()) for key, tensor in value.state_dict().items())
    elif is_dataclass(value):
        for field in fields(value):
            yield from parts(getattr(value, field.name), f"{name}.{field.name}")
    elif isinstance(value, tuple):
        yield f"{name} length", len(value)
        for place, inner in enumerate(value):
            yield from parts(inner, f"{name}[{place}]")
    else:
        yield name, value


def test_a_saved_model_is_the_same_when_loaded(model: TrainedModel, tmp_path: Path) -> None:
    save_model(model, tmp_path)
    assert dict(parts(load_model(tmp_path))) == dict(parts(model))


def test_arrays_are_told_as_much(model: TrainedModel, tmp_path: Path) -> None:
    save_model(model, tmp_path)
    plain = load_plain(tmp_path)
    assert plain.parameters == model.parameters
    assert plain.told == model.told
    assert len(plain.networks) == len(model.networks)


def test_a_loaded_network_scores_as_before(model: TrainedModel, tiny_world: World, tmp_path: Path) -> None:
    save_model(model, tmp_path)
    left, right = all_pairs(tiny_world.tensors)
    for before, after in zip(model.networks, load_model(tmp_path).networks, strict=True):
        logits = before(tiny_world.tensors, left, right).logits
        assert torch.equal(after(tiny_world.tensors, left, right).logits, logits)


def damage_weights(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def damage_card(folder: Path) -> None:
    file = folder / "model.json"
    file.write_text(file.read_text()[:-20])


def fewer_columns(folder: Path) -> None:
    file = folder / "model.json"
    card = json.loads(file.read_text())
    card["rounds"][0]["columns"] = card["rounds"][0]["columns"][:2]
    file.write_text(json.dumps(card))


def change_card(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "model.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    return change


@pytest.mark.parametrize(
    "harm",
    [
        damage_weights,
        damage_card,
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: (folder / "model.json").unlink(),
        lambda folder: (folder / "model.json").write_bytes(b"\xff\xfe"),
        lambda folder: (folder / "model.json").write_text("[]"),
        change_card(format=99),
        change_card(networks=3),
        change_card(model={"width": 12}),
        change_card(model={"width": 7}),
        change_card(model={"depth": 2}),
        change_card(vocabulary=[]),
        change_card(scorer={"hidden": 5}),
        change_card(networks=0),
        change_card(rounds=[]),
        change_card(model={"width": 8, "head": "distance"}),
        change_card(model={"width": 8, "type_projection": True}),
        fewer_columns,
    ],
    ids=[
        "half the weights",
        "half the card",
        "no weights",
        "no card",
        "card is no UTF-8",
        "card is a list",
        "another format",
        "networks that are not there",
        "another width",
        "a width that is refused",
        "an option from elsewhere",
        "no vocabulary",
        "another width of the scorer",
        "no networks",
        "no rounds",
        "another head",
        "projections that are not there",
        "columns that are gone",
    ],
)
def test_a_model_that_cannot_be_read_is_a_checkpoint_error(
    model: TrainedModel, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    save_model(model, tmp_path)
    harm(tmp_path)
    for load in (load_model, load_plain):
        with pytest.raises(CheckpointError):
            load(tmp_path)
