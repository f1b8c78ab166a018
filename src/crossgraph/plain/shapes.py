"""The weights that a model's card speaks of: with any others a model is refused before it scores."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crossgraph._types import AnyArray
from crossgraph.card import ModelCard
from crossgraph.features.tokens import OWN_WIDTH
from crossgraph.model.options import BINS, COMPARED, HEAD_WIDTH, ScorerOptions

Shapes = dict[str, tuple[int, ...]]


def network_shapes(card: ModelCard) -> Shapes:
    """Of a ``CollectiveNetwork``, by the names of its parameters."""
    options, words = card.model, card.vocabulary
    width, directions = options.width, 2 * words.relation_slots
    shapes: Shapes = {
        "level0.scale": (OWN_WIDTH,),
        "level0.attribute.weight": (words.attribute_slots, OWN_WIDTH),
        "level0.importance.weight": (words.attribute_slots, 1),
    }
    if options.type_projection:
        shapes["level0.projections"] = (words.type_slots, OWN_WIDTH, OWN_WIDTH)
    for number in range(options.layers):
        inside = width if number else OWN_WIDTH
        shapes |= {
            f"hops.{number}.transform.relation": (directions, width // 2, inside),
            f"hops.{number}.transform.own": (width // 2, inside),
            f"hops.{number}.tells_apart.weight": (directions, width),
            f"hops.{number}.log_sharpness": (),
        }
    if options.head == "distance":
        return shapes | {"head.log_scale": (), "head.centre": ()}
    return shapes | {
        "head.net.0.weight": (HEAD_WIDTH, 2 * width + 2 * OWN_WIDTH + COMPARED),
        "head.net.0.bias": (HEAD_WIDTH,),
        "head.net.2.weight": (1, HEAD_WIDTH),
        "head.net.2.bias": (1,),
    }


def scorer_shapes(columns: int, options: ScorerOptions) -> Shapes:
    """Of an ``EvidenceScorer``, by the names of its parameters and buffers."""
    encoded = columns * (BINS + 1)
    return {
        "edges": (columns, BINS + 1),
        "gaps": (columns,),
        "straight.weight": (1, encoded),
        "straight.bias": (1,),
        "hidden.weight": (options.hidden, encoded),
        "hidden.bias": (options.hidden,),
        "out.weight": (1, options.hidden),
        "out.bias": (1,),
    }


def checked(weights: Mapping[str, AnyArray], shapes: Shapes, what: str) -> dict[str, AnyArray]:
    """The weights as 32-bit numbers. Raises ValueError naming all that are not as they should be."""
    faults = [f"there is no {name}" for name in shapes if name not in weights]
    faults += [f"{name} is unknown" for name in weights if name not in shapes]
    faults += [
        f"{name} is {weights[name].shape}, not {shape}"
        for name, shape in shapes.items()
        if name in weights and weights[name].shape != shape
    ]
    if faults:
        raise ValueError(f"{what}: {'; '.join(faults)}")
    return {name: one if one.dtype == bool else one.astype(np.float32) for name, one in weights.items()}
