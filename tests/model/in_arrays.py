"""What tests say in tensors, said in arrays."""

from __future__ import annotations

import torch

from crossgraph.features.tokens import EntityTokens
from crossgraph.model.arrays import HeldLikeness, PairArrays, SideArrays
from crossgraph.model.inputs import PairTensors, SideTensors
from crossgraph.plain.network import PlainNetwork


def in_arrays(tensors: PairTensors) -> PairArrays:
    known = tensors.likeness
    return PairArrays(
        _side(tensors.left),
        _side(tensors.right),
        tensors.sketch.numpy(),
        HeldLikeness(known.keys.numpy(), known.values.numpy()),
    )


def plain(network: torch.nn.Module, options) -> PlainNetwork:
    return PlainNetwork({name: one.numpy() for name, one in network.state_dict().items()}, options)


def _side(side: SideTensors) -> SideArrays:
    facts = EntityTokens(*(one.numpy() for one in (side.attributes, side.texts, side.numbers, side.tokens)))
    rest = side.types, side.neighbours, side.relations, side.mask, side.rarity
    return SideArrays(facts, *(one.numpy() for one in rest))
