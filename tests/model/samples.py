"""Small random graphs as tensors, and networks whose every parameter counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import torch
from torch import Tensor

from crossgraph.features.tokens import TEXT_WIDTH
from crossgraph.model import network as network_module
from crossgraph.model.inputs import Likeness, PairTensors, SideTensors
from crossgraph.model.network import CollectiveNetwork, PairOutput, Slots
from crossgraph.model.options import ModelOptions
from crossgraph.model.prepared import Prepared

RELATIONS, SLOTS, TYPES, TEXTS, FACTS = 3, 4, 3, 7, 3
LAST = ModelOptions(width=6, type_projection=True)
BOTH = ModelOptions(width=6, type_projection=True, collective_layers="both")


def some_network(seed: int, options: ModelOptions = LAST) -> CollectiveNetwork:
    """Far from its start in every parameter, yet so that vectors keep their length from layer to layer."""
    torch.manual_seed(seed)
    network = CollectiveNetwork(Slots(2 * RELATIONS, SLOTS, TYPES), options).eval()
    for name, parameter in network.named_parameters():
        matrix = "transform" in name or "projections" in name or name.startswith("head.net")
        torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5 if matrix else 0.5)
    return network


def some_side(some: torch.Generator, entities: int, neighbours: int) -> SideTensors:
    """A random side of several types for each entity.

    Entity 0 is isolated and of no type, 1 has no facts, 2 holds one neighbour by several relations, 3 is of
    two types.
    """
    numbers = torch.randn(entities, FACTS, generator=some)
    is_text = torch.rand(entities, FACTS, generator=some) < 0.6
    tokens = torch.rand(entities, FACTS, generator=some) < 0.8
    types = torch.randint(-1, TYPES, (entities, 2), generator=some, dtype=torch.int32)
    around = torch.randint(0, entities, (entities, neighbours), generator=some, dtype=torch.int32)
    relations = torch.randint(0, 2 * RELATIONS, (entities, neighbours), generator=some, dtype=torch.int32)
    mask = torch.rand(entities, neighbours, generator=some) < 0.7
    mask[0], tokens[1], around[2], mask[2] = False, False, around[2, 0], True
    relations[2] = torch.arange(neighbours) * RELATIONS % (2 * RELATIONS)
    types[0], types[3] = -1, torch.tensor([0, 2])
    return SideTensors(
        attributes=torch.randint(0, SLOTS, (entities, FACTS), generator=some, dtype=torch.int32),
        texts=torch.randint(1, TEXTS, (entities, FACTS), generator=some, dtype=torch.int32) * is_text,
        numbers=numbers.masked_fill(is_text, torch.nan),
        tokens=tokens,
        types=types,
        neighbours=around,
        relations=relations,
        mask=mask,
        rarity=0.1 + torch.rand(entities, generator=some),
    )


def some_likeness(some: torch.Generator, entities: tuple[int, int]) -> Likeness:
    """Of a third of all pairs; some are sure."""
    keys = torch.cartesian_prod(torch.arange(entities[0]), torch.arange(entities[1]))
    kept = torch.rand(len(keys), generator=some) < 0.3
    values = (1.2 * torch.rand(int(kept.sum()), generator=some)).clamp_max(1.0)
    return Likeness((keys[:, 0] << 32 | keys[:, 1])[kept], values)


def some_pair(
    seed: int, entities: tuple[int, int] = (5, 6), neighbours: tuple[int, int] = (4, 3)
) -> PairTensors:
    some = torch.Generator().manual_seed(seed)
    sketch = torch.nn.functional.normalize(torch.randn(TEXTS, TEXT_WIDTH, generator=some), dim=1)
    sketch[0] = 0
    left, right = (some_side(some, *sizes) for sizes in zip(entities, neighbours, strict=True))
    return PairTensors(left, right, sketch, some_likeness(some, entities))


def all_pairs(tensors: PairTensors) -> tuple[Tensor, Tensor]:
    both = torch.cartesian_prod(torch.arange(len(tensors.left)), torch.arange(len(tensors.right)))
    return both[:, 0], both[:, 1]


def turned(tensors: PairTensors) -> PairTensors:
    """The same graphs, left and right changed round."""
    known = tensors.likeness
    return PairTensors(
        tensors.right,
        tensors.left,
        tensors.sketch,
        ordered((known.keys & 0xFFFFFFFF) << 32 | known.keys >> 32, known.values),
    )


def renumbered(likeness: Likeness, left: Tensor, right: Tensor) -> Likeness:
    """Left entity i is called left[i], right entity k right[k]."""
    return ordered(left[likeness.keys >> 32] << 32 | right[likeness.keys & 0xFFFFFFFF], likeness.values)


def ordered(keys: Tensor, values: Tensor) -> Likeness:
    order = torch.argsort(keys)
    return Likeness(keys[order], values[order])


def joined(parts: list[PairOutput]) -> PairOutput:
    return PairOutput(**{f.name: torch.cat([getattr(p, f.name) for p in parts]) for f in fields(PairOutput)})


def assert_same(got: PairOutput | Prepared, expected: PairOutput | Prepared) -> None:
    for field in fields(expected):
        torch.testing.assert_close(
            getattr(got, field.name),
            getattr(expected, field.name),
            atol=1e-5,
            rtol=1e-5,
            msg=lambda text, name=field.name: f"{name}: {text}",
        )


def rows(out: PairOutput, places: Tensor) -> PairOutput:
    return PairOutput(**{f.name: getattr(out, f.name)[places] for f in fields(PairOutput)})


def compare_all(
    network: CollectiveNetwork, tensors: PairTensors, left: Tensor, right: Tensor
) -> Iterator[PairOutput]:
    """``forward`` for many pairs, in order, each entity being seen alone once."""
    lowers = [network.seen_alone(tensors, side, torch.unique(who)) for side, who in enumerate((left, right))]
    pairs = network_module.PAIRS
    for part in zip(torch.split(left, pairs), torch.split(right, pairs), strict=True):
        yield from network.compare_some(tensors, lowers, part)
