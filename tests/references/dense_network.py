"""CollectiveNetwork once more, slowly: plain loops over pairs, neighbours and facts, in float64.

Only parameters are read from the module, never its methods.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from crossgraph.features.tokens import PERIODS
from crossgraph.model.encoder import CollectiveLayer
from crossgraph.model.inputs import PairTensors, SideTensors
from crossgraph.model.network import CollectiveNetwork

Vector = list[float]


@dataclass(frozen=True)
class DenseOutput:
    logit: float
    distance: float
    cosine: float
    left_weights: Vector
    right_weights: Vector


def compare(network: CollectiveNetwork, tensors: PairTensors, left: int, right: int) -> DenseOutput:
    """What the network should say of one pair."""
    sides = [
        DenseSide(network, tensors.left, tensors.sketch),
        DenseSide(network, tensors.right, tensors.sketch),
    ]
    (own_a, z_a, beta_a), (own_b, z_b, beta_b) = (
        side.last(entity) for side, entity in zip(sides, (left, right), strict=True)
    )
    if network.options.cross_attention:
        sharpness = math.exp(network.last.log_sharpness.item())
        alpha_a, alpha_b = cross_attention(z_a, z_b, sharpness), cross_attention(z_b, z_a, sharpness)
    else:
        alpha_a, alpha_b = ([1.0] * len(z) for z in (z_a, z_b))
    w_a = renormalised([p * q for p, q in zip(alpha_a, beta_a, strict=True)])
    w_b = renormalised([p * q for p, q in zip(alpha_b, beta_b, strict=True)])
    half = network.options.width // 2
    a, b = combined(own_a, z_a, w_a, half), combined(own_b, z_b, w_b, half)
    first, second = sides[0].level0(left), sides[1].level0(right)
    seen = [
        *(x * y for x, y in zip(a, b, strict=True)),
        *(abs(x - y) for x, y in zip(a, b, strict=True)),
        *(x * y for x, y in zip(first, second, strict=True)),
        *(abs(x - y) for x, y in zip(first, second, strict=True)),
        distance(a, b),
        distance(a[:half], b[:half]),
        distance(a[half:], b[half:]),
        distance(first, second),
    ]
    first_layer, last_layer = network.head[0], network.head[2]
    before = zip(times(first_layer.weight, seen), first_layer.bias.tolist(), strict=True)
    hidden = [max(0.0, value + bias) for value, bias in before]
    logit = times(last_layer.weight, hidden)[0] + last_layer.bias.item()
    lengths = math.hypot(*a) * math.hypot(*b)
    return DenseOutput(logit, distance(a, b), dot(a, b) / lengths if lengths > 1e-8 else 0.0, w_a, w_b)


class DenseSide:
    """One graph, entity by entity."""

    def __init__(self, network: CollectiveNetwork, side: SideTensors, sketch: Tensor) -> None:
        self.network, self.side, self.sketch = network, side, sketch

    def level0(self, entity: int) -> Vector:
        """h0 = sum_f w_f (W x_f + e_a)."""
        encoder, side = self.network.level0, self.side
        vectors, logits = [], []
        for place in range(side.tokens.shape[1]):
            if not side.tokens[entity, place]:
                continue
            attribute, number = int(side.attributes[entity, place]), float(side.numbers[entity, place])
            if math.isnan(number):
                fact = times(encoder.text.weight, self.sketch[side.texts[entity, place]].tolist())
            else:
                angles = [2 * math.pi * number / period for period in PERIODS]
                fact = times(
                    encoder.number.weight, [*(math.sin(x) for x in angles), *(math.cos(x) for x in angles)]
                )
            embedding = encoder.attribute.weight[attribute].tolist()
            vectors.append([x + y for x, y in zip(fact, embedding, strict=True)])
            attend = self.network.options.attribute_attention
            logits.append(encoder.importance.weight[attribute].item() if attend else 0.0)
        return weighted(vectors, softmax(logits), self.network.options.width)

    def neighbours(self, entity: int) -> list[tuple[int, int]]:
        """(neighbour, relation) of the sampled edges of an entity."""
        side = self.side
        return [
            (int(side.neighbours[entity, place]), int(side.relations[entity, place]))
            for place in range(side.mask.shape[1])
            if side.mask[entity, place]
        ]

    def first(self, entity: int) -> Vector:
        """h1, without regard to a partner."""
        around = [(self.level0(other), relation) for other, relation in self.neighbours(entity)]
        own, z, beta = layer(self.network.first, self.level0(entity), around)
        return combined(own, z, beta, self.network.options.width // 2)

    def last(self, entity: int) -> tuple[Vector, list[Vector], Vector]:
        """Own part, messages and self-attention of the last layer."""
        around = [(self.first(other), relation) for other, relation in self.neighbours(entity)]
        return layer(self.network.last, self.first(entity), around)


def layer(
    module: CollectiveLayer, h: Vector, around: list[tuple[Vector, int]]
) -> tuple[Vector, list[Vector], Vector]:
    """W_self h, each W_r h_j, and beta."""
    own = times(module.transform.own, h)
    z = [times(module.transform.relation[relation], other) for other, relation in around]
    if not module.options.self_attention:
        return own, z, [1 / len(z) for _ in z]
    logits = [
        dot(module.tells_apart.weight[relation].tolist(), [*own, *message])
        for message, (_, relation) in zip(z, around, strict=True)
    ]
    return own, z, softmax([leaky(logit) for logit in logits])


def cross_attention(mine: list[Vector], theirs: list[Vector], sharpness: float) -> Vector:
    """alpha_p = sum_q A_pq / sum_pq A_pq, for near neighbours; all alike where there is nobody to ask."""
    if not theirs:
        return [1.0] * len(mine)
    near = [[math.exp(-sharpness * math.dist(p, q)) for q in theirs] for p in mine]
    total = sum(map(sum, near))
    return [sum(row) / total for row in near]


def combined(own: Vector, z: list[Vector], weights: Vector, half: int) -> Vector:
    return [leaky(x) for x in (*own, *weighted(z, weights, half))]


def weighted(vectors: list[Vector], weights: Vector, width: int) -> Vector:
    return [sum(w * v[d] for w, v in zip(weights, vectors, strict=True)) for d in range(width)]


def renormalised(weights: Vector) -> Vector:
    total = sum(weights)
    return [w / total for w in weights]


def softmax(logits: Vector) -> Vector:
    return renormalised([math.exp(logit - max(logits)) for logit in logits])


def leaky(x: float) -> float:
    return x if x > 0 else 0.2 * x


def times(matrix: Tensor, vector: Vector) -> Vector:
    return [dot(row, vector) for row in matrix.tolist()]


def dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def distance(a: Vector, b: Vector) -> float:
    # The network keeps its square root away from zero by the same small constant.
    return math.sqrt(math.dist(a, b) ** 2 + 1e-8)
