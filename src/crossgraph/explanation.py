"""Why two entities are called the same: the values and neighbours that spoke loudest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from crossgraph._types import Float64, Side
from crossgraph.features.closeness import number_distance, text_closeness
from crossgraph.features.description import AttributeColumn, column_of
from crossgraph.features.text import TextTable
from crossgraph.graphs.adjacency import directed_name
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.model.inputs import PairTensors
from crossgraph.model.network import CollectiveNetwork, PairOutput
from crossgraph.preparation import Preparation
from crossgraph.sampling import Neighbourhoods

# Values and neighbours that are less alike than this are no reason.
LEAST_CLOSENESS = 0.3


@dataclass(frozen=True, slots=True)
class AttributeReason:
    """Two values that agree; closeness in [0, 1]."""

    left: str
    right: str
    left_value: str
    right_value: str
    closeness: float


@dataclass(frozen=True, slots=True)
class NeighbourReason:
    """A left neighbour and the right one that is most likely the same.

    weight        share of the attention on the left one
    probability   that the two neighbours are the same
    """

    left: str
    right: str
    left_neighbour: str
    right_neighbour: str
    weight: float
    probability: float


@dataclass(frozen=True, slots=True)
class Reasons:
    """What spoke for one pair, strongest first."""

    left: str
    right: str
    attributes: tuple[AttributeReason, ...]
    neighbours: tuple[NeighbourReason, ...]

    def lines(self) -> list[str]:
        """The reasons as text, one a line."""
        values = [
            f"{a.left} {_short(a.left_value)} ~ {a.right} {_short(a.right_value)}, {a.closeness:.2f} alike"
            for a in self.attributes
        ]
        around = [
            f"{n.left} {_short(n.left_neighbour)} ~ {n.right} {_short(n.right_neighbour)}, "
            f"the same with probability {n.probability:.2f}, {n.weight:.0%} of the attention"
            for n in self.neighbours
        ]
        return [*values, *around]


@dataclass(frozen=True, eq=False)
class Explainer:
    """What is needed to look into a trained network.

    around            the sampled neighbourhoods that the tensors were made of
    probability (P)   of each candidate
    """

    preparation: Preparation
    probability: Float64
    network: CollectiveNetwork
    tensors: PairTensors
    around: tuple[Neighbourhoods, Neighbourhoods]

    def explain(self, places: Sequence[int], *, most: int = 3) -> list[Reasons]:
        """Reasons for the candidates at some places, at most so many attributes and neighbours each.

        Attributes by the closeness of their values; neighbours by the attention of the last layer.
        """
        candidates = self.preparation.candidates.take(np.asarray(places, dtype=np.int64))
        device = self.tensors.sketch.device
        with torch.no_grad():
            out = self.network(
                self.tensors,
                torch.from_numpy(candidates.left).long().to(device),
                torch.from_numpy(candidates.right).long().to(device),
            )
        return [
            Reasons(
                left=self.label("left", left),
                right=self.label("right", right),
                attributes=self._attributes(left, right)[:most],
                neighbours=self._neighbours(out, row, (left, right))[:most],
            )
            for row, (left, right) in enumerate(
                zip(candidates.left.tolist(), candidates.right.tolist(), strict=True)
            )
        ]

    def label(self, side: Side, entity: int) -> str:
        """A name of an entity: the value of its most strongly mapped text; else its identifier."""
        description, graph = self.preparation.description, self.preparation.graphs[side == "right"]
        columns = description.left if side == "left" else description.right
        texts = {column.name for column in columns if column.kind == "text"}
        for mapping in self.preparation.schema.attributes:
            name = mapping.left if side == "left" else mapping.right
            if name in texts and (value := _value(graph, entity, name)):
                return value
        return str(graph.ids[entity])

    def _attributes(self, left: int, right: int) -> tuple[AttributeReason, ...]:
        description, graphs = self.preparation.description, self.preparation.graphs
        reasons = []
        for mapping in self.preparation.schema.attributes:
            a, b = column_of(description.left, mapping.left), column_of(description.right, mapping.right)
            if a is None or b is None or a.kind != b.kind:
                continue
            closeness = _closeness(a, b, (left, right), description.texts)
            if closeness >= LEAST_CLOSENESS:
                reasons.append(
                    AttributeReason(
                        mapping.left,
                        mapping.right,
                        _value(graphs[0], left, mapping.left),
                        _value(graphs[1], right, mapping.right),
                        closeness,
                    )
                )
        return tuple(sorted(reasons, key=lambda reason: -reason.closeness))

    def _neighbours(self, out: PairOutput, row: int, pair: tuple[int, int]) -> tuple[NeighbourReason, ...]:
        reasons = []
        weights = out.left_weights[row].cpu().numpy()
        left, right = self.around
        others = right.neighbours[pair[1]][right.mask[pair[1]]]
        for place in np.argsort(-weights, kind="stable")[: int(left.mask[pair[0]].sum())]:
            neighbour = left.neighbours[pair[0], place]
            echoes = self.preparation.candidates.find(np.full(len(others), neighbour), others)
            likely = np.where(echoes >= 0, self.probability[echoes], 0.0)
            if not len(likely) or likely.max() < LEAST_CLOSENESS:
                continue
            echo = int(np.argmax(likely))
            reasons.append(
                NeighbourReason(
                    left=self._relation("left", pair[0], int(place)),
                    right=self._relation("right", pair[1], echo),
                    left_neighbour=self.label("left", int(neighbour)),
                    right_neighbour=self.label("right", int(others[echo])),
                    weight=float(weights[place]),
                    probability=float(likely[echo]),
                )
            )
        return tuple(reasons)

    def _relation(self, side: Side, entity: int, place: int) -> str:
        at = int(side == "right")
        names = self.preparation.graphs[at].relation_names
        return directed_name(names, int(self.around[at].relations[entity, place]))


def _closeness(a: AttributeColumn, b: AttributeColumn, pair: tuple[int, int], texts: TextTable) -> float:
    """Cosine of two texts, or how small the difference of two numbers is beside their size; in [0, 1]."""
    pairs = np.array(pair[:1], dtype=np.int32), np.array(pair[1:], dtype=np.int32)
    if a.kind == "text":
        return float(np.nan_to_num(text_closeness(a, b, pairs, texts)[0]))
    distance = float(number_distance(a, b, pairs)[0])
    size = max((abs(v) for v in a.values[a.indptr[pair[0]] : a.indptr[pair[0] + 1]]), default=1.0)
    return 0.0 if np.isnan(distance) else float(1.0 / (1.0 + distance / max(size, 1.0)))


def _value(graph: KnowledgeGraph, entity: int, attribute: str) -> str:
    """The first value of an entity's attribute; empty where it has none."""
    if attribute not in graph.attribute_names:
        return ""
    start, end = np.searchsorted(graph.fact_entities, [entity, entity + 1])
    code = graph.attribute_names.index(attribute)
    facts = start + np.flatnonzero(graph.fact_attributes[start:end] == code)
    return str(graph.fact_values[int(facts[0])]) if len(facts) else ""


def _short(text: str) -> str:
    return f"'{text}'" if len(text) <= 40 else f"'{text[:39]}…'"
