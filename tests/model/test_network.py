from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossgraph.checkpoint import TrainedModel, load_model, save_model
from crossgraph.config import Config
from crossgraph.errors import CheckpointError
from crossgraph.features.tokens import TEXT_WIDTH
from crossgraph.fitting import fit
from crossgraph.graphs import KnowledgeGraph
from crossgraph.model.encoder import ModelOptions
from crossgraph.model.inputs import PairTensors, SideTensors
from crossgraph.model.network import CollectiveNetwork, PairOutput
from crossgraph.model.scorer import ScorerOptions
from crossgraph.stages import StageClock
from crossgraph.training import TrainingOptions
from references import dense_network

if TYPE_CHECKING:
    from conftest import Pair, World

RELATIONS, SLOTS, TEXTS, FACTS = 3, 4, 7, 3
SWITCHES = [
    ModelOptions(width=6),
    ModelOptions(width=6, self_attention=False),
    ModelOptions(width=6, cross_attention=False),
    ModelOptions(width=6, attribute_attention=False),
]


def some_network(seed: int, options: ModelOptions = SWITCHES[0]) -> CollectiveNetwork:
    """A network whose every parameter counts."""
    torch.manual_seed(seed)
    network = CollectiveNetwork(2 * RELATIONS, SLOTS, options).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return network


def some_side(some: torch.Generator, entities: int, neighbours: int) -> SideTensors:
    """A random side. Entity 0 is isolated, 1 has no facts, 2 holds one neighbour by several relations."""
    numbers = torch.randn(entities, FACTS, generator=some)
    is_text = torch.rand(entities, FACTS, generator=some) < 0.6
    tokens = torch.rand(entities, FACTS, generator=some) < 0.8
    around = torch.randint(0, entities, (entities, neighbours), generator=some, dtype=torch.int32)
    relations = torch.randint(0, 2 * RELATIONS, (entities, neighbours), generator=some, dtype=torch.int32)
    mask = torch.rand(entities, neighbours, generator=some) < 0.7
    mask[0], tokens[1], around[2], mask[2] = False, False, around[2, 0], True
    relations[2] = torch.arange(neighbours) * RELATIONS % (2 * RELATIONS)
    return SideTensors(
        attributes=torch.randint(0, SLOTS, (entities, FACTS), generator=some, dtype=torch.int32),
        texts=torch.randint(0, TEXTS, (entities, FACTS), generator=some, dtype=torch.int32) * is_text,
        numbers=numbers.masked_fill(is_text, torch.nan),
        tokens=tokens,
        neighbours=around,
        relations=relations,
        mask=mask,
    )


def some_pair(seed: int, entities: tuple[int, int] = (5, 6), neighbours: int = 4) -> PairTensors:
    some = torch.Generator().manual_seed(seed)
    sketch = torch.nn.functional.normalize(torch.randn(TEXTS, TEXT_WIDTH, generator=some), dim=1)
    sides = some_side(some, entities[0], neighbours), some_side(some, entities[1], neighbours)
    return PairTensors(*sides, sketch)


def all_pairs(tensors: PairTensors) -> tuple[torch.Tensor, torch.Tensor]:
    both = torch.cartesian_prod(torch.arange(len(tensors.left)), torch.arange(len(tensors.right)))
    return both[:, 0], both[:, 1]


def joined(parts: list[PairOutput]) -> PairOutput:
    return PairOutput(**{f.name: torch.cat([getattr(p, f.name) for p in parts]) for f in fields(PairOutput)})


def assert_same(got: PairOutput, expected: PairOutput) -> None:
    for field in fields(PairOutput):
        torch.testing.assert_close(
            getattr(got, field.name), getattr(expected, field.name), atol=1e-5, rtol=1e-5, msg=field.name
        )


@pytest.mark.parametrize("options", SWITCHES, ids=["all on", "no self", "no cross", "no attribute"])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_loops(seed: int, options: ModelOptions) -> None:
    tensors, network = some_pair(seed), some_network(seed, options)
    left, right = all_pairs(tensors)
    expected = [
        dense_network.compare(network, tensors, i, k)
        for i, k in zip(left.tolist(), right.tolist(), strict=True)
    ]
    for out in (network(tensors, left, right), joined(list(network.compare_all(tensors, left, right)))):
        for name in ("distance", "cosine"):
            wanted = torch.tensor([getattr(e, name) for e in expected])
            torch.testing.assert_close(getattr(out, name), wanted, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(
            out.logits, torch.tensor([e.logit for e in expected]), atol=1e-5, rtol=1e-5
        )
        for row, e in enumerate(expected):
            for side, entity, got, wanted in (
                (tensors.left, left[row], out.left_weights[row], e.left_weights),
                (tensors.right, right[row], out.right_weights[row], e.right_weights),
            ):
                torch.testing.assert_close(
                    got[side.mask[entity]], torch.tensor(wanted), atol=1e-5, rtol=1e-5, check_dtype=False
                )


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_a_pair_is_scored_alike_alone_in_any_batch_and_among_all(seed: int) -> None:
    tensors, network = some_pair(seed), some_network(seed)
    left, right = all_pairs(tensors)
    together = network(tensors, left, right)
    assert_same(joined(list(network.compare_all(tensors, left, right))), together)
    order = torch.randperm(len(left), generator=torch.Generator().manual_seed(seed))
    shuffled = network(tensors, left[order], right[order])
    torch.testing.assert_close(shuffled.logits, together.logits[order], atol=1e-5, rtol=1e-5)
    for row in order[:3]:
        alone = network(tensors, left[row : row + 1], right[row : row + 1])
        torch.testing.assert_close(alone.logits[0], together.logits[row], atol=1e-5, rtol=1e-5)


def test_each_candidate_of_an_entity_gets_attention_of_its_own() -> None:
    tensors, network = some_pair(3), some_network(3)
    out = network(tensors, torch.tensor([3, 3]), torch.tensor([2, 3]))
    assert int(tensors.left.mask[3].sum()) > 1
    assert (out.left_weights[0] - out.left_weights[1]).abs().max() > 1e-3


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_turned_round_a_pair_gets_the_same_logit(seed: int) -> None:
    tensors, network = some_pair(seed), some_network(seed)
    left, right = all_pairs(tensors)
    out = network(tensors, left, right)
    turned = network(PairTensors(tensors.right, tensors.left, tensors.sketch), right, left)
    torch.testing.assert_close(turned.logits, out.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(turned.left_weights, out.right_weights, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(turned.affinity, out.affinity.transpose(1, 2), atol=1e-5, rtol=1e-5)


def reordered(side: SideTensors, new: torch.Tensor, places: torch.Tensor) -> SideTensors:
    """Entity i is called new[i], and neighbours stand in other places."""
    old = torch.argsort(new)
    moved = {f.name: getattr(side, f.name)[old] for f in fields(SideTensors)}
    for name in ("neighbours", "relations", "mask"):
        moved[name] = moved[name][:, places]
    moved["neighbours"] = new.int()[moved["neighbours"].long()]
    return SideTensors(**moved)


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_numbers_of_entities_and_places_of_neighbours_carry_no_information(seed: int) -> None:
    tensors, network = some_pair(seed), some_network(seed)
    some = torch.Generator().manual_seed(seed)
    new = [torch.randperm(len(side), generator=some) for side in (tensors.left, tensors.right)]
    places = torch.randperm(4, generator=some)
    moved = PairTensors(
        reordered(tensors.left, new[0], places), reordered(tensors.right, new[1], places), tensors.sketch
    )
    left, right = all_pairs(tensors)
    expected = network(tensors, left, right).logits
    for out in (
        network(moved, new[0][left], new[1][right]),
        joined(list(network.compare_all(moved, new[0][left], new[1][right]))),
    ):
        torch.testing.assert_close(out.logits, expected, atol=1e-5, rtol=1e-5)


def test_entities_beyond_two_hops_change_nothing() -> None:
    tensors, network = some_pair(4, (8, 8)), some_network(4)
    mask = tensors.left.mask.clone()
    mask[3] = torch.tensor([True, False, False, False])
    around = tensors.left.neighbours.clone()
    around[3, 0], around[4], around[5] = 4, 5, 6
    left = replace(tensors.left, mask=mask, neighbours=around)
    far = replace(left, numbers=left.numbers.clone(), attributes=left.attributes.clone())
    far.attributes[6], far.numbers[6] = 0, 0.5
    three, all_right = torch.tensor([3] * 8), torch.arange(8)

    def logits(side: SideTensors, entity: torch.Tensor) -> torch.Tensor:
        return network(PairTensors(side, tensors.right, tensors.sketch), entity, all_right).logits

    torch.testing.assert_close(logits(far, three), logits(left, three))
    assert not torch.allclose(logits(far, three + 1), logits(left, three + 1))


def test_isolated_and_factless_entities_give_finite_values_and_gradients() -> None:
    tensors = some_pair(5)
    left = replace(tensors.left, mask=tensors.left.mask.clone(), tokens=tensors.left.tokens.clone())
    left.mask[1], left.tokens[0] = False, False
    network = some_network(5)
    out = network(
        PairTensors(left, left, tensors.sketch), torch.tensor([0, 1, 0, 2]), torch.tensor([0, 1, 2, 2])
    )
    assert not out.left_weights[:3].any()
    out.logits.sum().backward()
    assert torch.isfinite(out.logits).all()
    for parameter in network.parameters():
        assert parameter.grad is None or torch.isfinite(parameter.grad).all()


def test_no_pairs_give_no_output() -> None:
    nobody = torch.zeros(0, dtype=torch.long)
    assert sum(len(out.logits) for out in some_network(0).compare_all(some_pair(0), nobody, nobody)) == 0


def renamed(graph: KnowledgeGraph, names: dict[str, str]) -> KnowledgeGraph:
    tables = graph.tables()
    changed = {
        "types": tables.types.with_columns(pl.col("entity").replace_strict(names)),
        "edges": tables.edges.with_columns(pl.col("head", "tail").replace_strict(names)),
        "facts": tables.facts.with_columns(pl.col("entity").replace_strict(names)),
    }
    return KnowledgeGraph.from_tables(replace(tables, **changed))


def test_identifiers_carry_no_signal(tiny_pair: Pair, make_world: Callable[..., World]) -> None:
    rng = np.random.default_rng(0)
    names = [
        {old: f"x{number}" for old, number in zip(graph.ids, rng.permutation(len(graph)), strict=True)}
        for graph in tiny_pair.graphs
    ]
    other = replace(
        tiny_pair,
        left=renamed(tiny_pair.left, names[0]),
        right=renamed(tiny_pair.right, names[1]),
        truth=tuple((names[0][a], names[1][b]) for a, b in tiny_pair.truth),
    )
    worlds = make_world(tiny_pair), make_world(other)
    logits = []
    for world in worlds:
        torch.manual_seed(0)
        v = world.vocabulary
        network = CollectiveNetwork(2 * v.relation_slots, v.attribute_slots, ModelOptions(width=16)).eval()
        left, right = (torch.from_numpy(side).long() for side in world.numbers(world.pair.truth))
        logits.append(network(world.tensors, left, right).logits)
    torch.testing.assert_close(logits[1], logits[0], atol=1e-5, rtol=1e-5)


def test_loops_agree_on_the_hand_drawn_pair(tiny_pair: Pair, make_world: Callable[..., World]) -> None:
    world = make_world(tiny_pair)
    v = world.vocabulary
    torch.manual_seed(1)
    network = CollectiveNetwork(2 * v.relation_slots, v.attribute_slots, ModelOptions(width=6)).eval()
    left, right = (torch.from_numpy(side).long() for side in world.numbers(tiny_pair.truth))
    out = network(world.tensors, left, right)
    for row, (i, k) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        expected = dense_network.compare(network, world.tensors, i, k)
        assert out.logits[row].item() == pytest.approx(expected.logit, abs=1e-5)
    heat = world.pair.left.ids.index_of("l:heat")
    dense = dense_network.DenseSide(network, world.tensors.left, world.tensors.sketch)
    around = [world.pair.left.ids[other] for other, _ in dense.neighbours(heat)]
    # Mann directed and wrote it; Pacino stars in it and is known for it.
    assert sorted(around) == ["l:mann", "l:mann", "l:niro", "l:pacino", "l:pacino", "l:warner"]


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
    ],
)
def test_a_model_that_cannot_be_read_is_a_checkpoint_error(
    model: TrainedModel, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    save_model(model, tmp_path)
    harm(tmp_path)
    with pytest.raises(CheckpointError):
        load_model(tmp_path)
