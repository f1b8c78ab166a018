"""CollectiveNetwork once more, slowly: plain loops over pairs, neighbours and facts, in float64.

Only parameters are read from the module, never its methods.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

from torch import Tensor

from crossgraph.features.tokens import PERIODS, TEXT_WIDTH
from crossgraph.model.inputs import PairTensors, SideTensors
from crossgraph.model.network import CollectiveNetwork
from crossgraph.model.options import ModelOptions

Vector = list[float]


@dataclass(frozen=True)
class DenseOutput:
    logit: float
    distance: float
    cosine: float
    left_weights: Vector
    right_weights: Vector
    near: list[Vector]
    echo: Vector


@dataclass(frozen=True)
class Hop:
    """What a layer holds of one entity before it combines: W_self h, each W_r h_j, and beta."""

    own: Vector
    z: list[Vector]
    beta: Vector


class DenseNetwork:
    """What the network should say of one pair after the other."""

    def __init__(self, network: CollectiveNetwork, tensors: PairTensors) -> None:
        self.options = network.options
        self.weights = {name: w.double().tolist() for name, w in network.state_dict().items()}
        self.alike = dict(zip(tensors.likeness.keys.tolist(), tensors.likeness.values.tolist(), strict=True))
        self.sides = tuple(
            DenseSide(self.options, self.weights, side, tensors.sketch)
            for side in (tensors.left, tensors.right)
        )

    def compare(self, left: int, right: int) -> DenseOutput:
        ends = self.first_with_partner(left, right) if self.both else self.each_alone(left, right)
        near = self.near(self.options.layers - 1, ends, self.known(left, right))
        turned = transposed(near, len(ends[1].z))
        w_a, w_b = self.attention(near, ends[0].beta), self.attention(turned, ends[1].beta)
        a, b = combined(ends[0], w_a), combined(ends[1], w_b)
        echo = self.echo((left, right), (near, turned), ends)
        level0 = self.sides[0].level0(left), self.sides[1].level0(right)
        return DenseOutput(
            logit=self.head(a, b, level0, echo),
            distance=distance(a, b),
            cosine=cosine(a, b, 1e-8),
            left_weights=w_a,
            right_weights=w_b,
            near=near,
            echo=echo,
        )

    @property
    def both(self) -> bool:
        return self.options.collective_layers == "both"

    def each_alone(self, left: int, right: int) -> tuple[Hop, Hop]:
        """The last layer on vectors that know nothing of the partner."""
        a, b = (
            side.hop(self.options.layers - 1, entity)
            for side, entity in zip(self.sides, (left, right), strict=True)
        )
        return a, b

    def first_with_partner(self, left: int, right: int) -> tuple[Hop, Hop]:
        """The last layer on vectors whose first hop was weighed by the partner's neighbourhood."""
        centres = self.sides[0].hop(0, left), self.sides[1].hop(0, right)
        around = [
            [side.hop(0, other) for other, _ in side.neighbours(entity)]
            for side, entity in zip(self.sides, (left, right), strict=True)
        ]
        near = self.near(0, centres, self.known(left, right))
        ends = []
        for at, entity in enumerate((left, right)):
            rows = transposed(near, len(centres[1].z)) if at else near
            h = combined(centres[at], self.attention(rows, centres[at].beta))
            two_hops_away = [z for hop in around[1 - at] for z in hop.z]
            reached = [
                combined(hop, self.attention(self.affinity(0, hop.z, two_hops_away), hop.beta))
                for hop in around[at]
            ]
            relations = [relation for _, relation in self.sides[at].neighbours(entity)]
            ends.append(self.sides[at].layer(1, h, list(zip(reached, relations, strict=True))))
        return ends[0], ends[1]

    def known(self, left: int, right: int) -> list[Vector]:
        """How alike the neighbours are known to be, in [0, 1]."""
        return [
            [self.alike.get(p * 2**32 + q, 0.0) for q, _ in self.sides[1].neighbours(right)]
            for p, _ in self.sides[0].neighbours(left)
        ]

    def near(self, layer: int, ends: tuple[Hop, Hop], known: list[Vector]) -> list[Vector]:
        return self.affinity(layer, ends[0].z, ends[1].z, known if self.options.known_likeness else None)

    def affinity(
        self, layer: int, mine: list[Vector], theirs: list[Vector], known: list[Vector] | None = None
    ) -> list[Vector]:
        """A_pq = exp(-sharpness |z_p - z_q| (1 - alike_pq))."""
        sharpness = math.exp(self.weights[f"hops.{layer}.log_sharpness"])
        return [
            [
                math.exp(-sharpness * math.dist(p, q) * (1.0 - (known[i][k] if known else 0.0)))
                for k, q in enumerate(theirs)
            ]
            for i, p in enumerate(mine)
        ]

    def attention(self, near: list[Vector], beta: Vector) -> Vector:
        """alpha_p = sum_q A_pq / sum_pq A_pq, all alike where there is nobody to ask; times beta."""
        total = sum(map(sum, near))
        asked = self.options.cross_attention and any(near)
        alpha = [sum(row) / total for row in near] if asked else [1.0] * len(beta)
        return renormalised([p * q for p, q in zip(alpha, beta, strict=True)])

    def echo(
        self, pair: tuple[int, int], near: tuple[list[Vector], list[Vector]], ends: tuple[Hop, Hop]
    ) -> Vector:
        """Mean, amount, and amount of rare neighbours: of both sides the smaller, then the larger."""
        if not self.options.cross_attention:
            return [0.0] * 6
        amounts = []
        for side, entity, rows, end in zip(self.sides, pair, near, ends, strict=True):
            heard = [max(row, default=0.0) for row in rows]
            rarity = [float(side.side.rarity[other]) for other, _ in side.neighbours(entity)]
            amounts.append([dot(end.beta, heard), sum(heard), dot(rarity, heard)])
        return [*map(min, *amounts), *map(max, *amounts)]

    def head(self, a: Vector, b: Vector, level0: tuple[Vector, Vector], echo: Vector) -> float:
        if self.options.head == "distance":
            return math.exp(self.weights["head.log_scale"]) * (self.weights["head.centre"] - distance(a, b))
        first, second = level0
        half = len(a) // 2
        seen = [
            *(x * y for x, y in zip(a, b, strict=True)),
            *(abs(x - y) for x, y in zip(a, b, strict=True)),
            *(x * y for x, y in zip(first, second, strict=True)),
            *(abs(x - y) for x, y in zip(first, second, strict=True)),
            distance(a, b),
            distance(a[:half], b[:half]),
            distance(a[half:], b[half:]),
            distance(first, second),
            cosine(first, second, 1e-4),
            *echo,
        ]
        before = zip(
            times(self.weights["head.net.0.weight"], seen), self.weights["head.net.0.bias"], strict=True
        )
        hidden = [max(0.0, value + bias) for value, bias in before]
        return times(self.weights["head.net.2.weight"], hidden)[0] + self.weights["head.net.2.bias"][0]


class DenseSide:
    """One graph, entity by entity, without regard to a partner."""

    def __init__(
        self, options: ModelOptions, weights: dict[str, Any], side: SideTensors, sketch: Tensor
    ) -> None:
        self.options, self.weights, self.side, self.sketch = options, weights, side, sketch
        self.level0, self.h, self.hop = cache(self.level0), cache(self.h), cache(self.hop)

    def level0(self, entity: int) -> Vector:
        """h0 = (I + mean_t P_t) sum_f w_f (s x_f + e_a)."""
        facts, logits = [], []
        for place in range(self.side.tokens.shape[1]):
            if self.side.tokens[entity, place]:
                attribute = int(self.side.attributes[entity, place])
                facts.append(self.fact(entity, place, attribute))
                attend = self.options.attribute_attention
                logits.append(self.weights["level0.importance.weight"][attribute][0] if attend else 0.0)
        own = weighted(facts, softmax(logits), len(self.weights["level0.scale"]))
        types = [kind for kind in self.side.types[entity].tolist() if kind >= 0]
        if not self.options.type_projection or not types:
            return own
        sent = [times(self.weights["level0.projections"][kind], own) for kind in types]
        mean = weighted(sent, [1 / len(types)] * len(types), len(own))
        return [x + y for x, y in zip(own, mean, strict=True)]

    def fact(self, entity: int, place: int, attribute: int) -> Vector:
        number = float(self.side.numbers[entity, place])
        waves = [0.0] * (2 * len(PERIODS))
        if not math.isnan(number):
            angles = [2 * math.pi * number / period for period in PERIODS]
            waves = [*map(math.sin, angles), *map(math.cos, angles)]
        seen = [*self.sketch[self.side.texts[entity, place]].tolist(), *waves]
        assert len(seen) == TEXT_WIDTH + len(waves)
        embedding = self.weights["level0.attribute.weight"][attribute]
        return [s * x + e for s, x, e in zip(self.weights["level0.scale"], seen, embedding, strict=True)]

    def neighbours(self, entity: int) -> list[tuple[int, int]]:
        """(neighbour, relation) of the sampled edges of an entity."""
        side = self.side
        return [
            (int(side.neighbours[entity, place]), int(side.relations[entity, place]))
            for place in range(side.mask.shape[1])
            if side.mask[entity, place]
        ]

    def h(self, hops: int, entity: int) -> Vector:
        """The vector of an entity that has seen so many hops."""
        if not hops:
            return self.level0(entity)
        seen = self.hop(hops - 1, entity)
        return combined(seen, seen.beta)

    def hop(self, number: int, entity: int) -> Hop:
        """One layer, before it combines."""
        around = [(self.h(number, other), relation) for other, relation in self.neighbours(entity)]
        return self.layer(number, self.h(number, entity), around)

    def layer(self, number: int, h: Vector, around: list[tuple[Vector, int]]) -> Hop:
        """W_self h, each W_r h_j, and beta = softmax_j(LeakyReLU(a_r . [z_i | z_j]))."""
        name = f"hops.{number}"
        own = times(self.weights[f"{name}.transform.own"], h)
        matrices = self.weights[f"{name}.transform.relation"]
        z = [times(matrices[relation], other) for other, relation in around]
        if not self.options.self_attention:
            return Hop(own, z, [1 / len(z) for _ in z])
        tells_apart = self.weights[f"{name}.tells_apart.weight"]
        logits = [
            leaky(dot(tells_apart[relation], [*own, *message]))
            for message, (_, relation) in zip(z, around, strict=True)
        ]
        return Hop(own, z, softmax(logits))


def combined(hop: Hop, weights: Vector) -> Vector:
    return [leaky(x) for x in (*hop.own, *weighted(hop.z, weights, len(hop.own)))]


def transposed(rows: list[Vector], width: int) -> list[Vector]:
    return [[row[k] for row in rows] for k in range(width)]


def weighted(vectors: list[Vector], weights: Vector, width: int) -> Vector:
    return [sum(w * v[d] for w, v in zip(weights, vectors, strict=True)) for d in range(width)]


def renormalised(weights: Vector) -> Vector:
    total = sum(weights)
    return [w / total for w in weights]


def softmax(logits: Vector) -> Vector:
    return renormalised([math.exp(logit - max(logits)) for logit in logits])


def leaky(x: float) -> float:
    return x if x > 0 else 0.2 * x


def times(matrix: list[Vector], vector: Vector) -> Vector:
    return [dot(row, vector) for row in matrix]


def dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def cosine(a: Vector, b: Vector, least: float) -> float:
    return dot(a, b) / (max(math.hypot(*a), least) * max(math.hypot(*b), least))


def distance(a: Vector, b: Vector) -> float:
    # The network keeps its square root away from zero by the same small constant.
    return math.sqrt(math.dist(a, b) ** 2 + 1e-8)
