"""Why two entities are called the same: the values and neighbours that spoke loudest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from crossgraph._types import Side
from crossgraph.features.closeness import number_distance, text_closeness
from crossgraph.features.description import column_of
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
    """A left neighbour and the right one nearest to it; weight: the share of attention on the left one."""

    left: str
    right: str
    left_neighbour: str
    right_neighbour: str
    weight: float


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
            f"{n.weight:.0%} of the attention"
            for n in self.neighbours
        ]
        return [*values, *around]


@dataclass(frozen=True, eq=False)
class Explainer:
    """What is needed to look into a trained network.

    around   the sampled neighbourhoods that the tensors were made of
    """

    preparation: Preparation
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
        """A name of an entity: the value of the attribute that is mapped most strongly; else its identifier."""
        graph = self.preparation.graphs[side == "right"]
        facts = np.flatnonzero(graph.fact_entities == entity)
        values = {graph.attribute_names[graph.fact_attributes[f]]: graph.fact_values[int(f)] for f in facts}
        for mapping in self.preparation.schema.attributes:
            name = mapping.left if side == "left" else mapping.right
            if name in values and not _is_number(values[name]):
                return values[name]
        return str(graph.ids[entity])

    def _attributes(self, left: int, right: int) -> tuple[AttributeReason, ...]:
        pair = np.array([left], dtype=np.int32), np.array([right], dtype=np.int32)
        description, reasons = self.preparation.description, []
        for mapping in self.preparation.schema.attributes:
            a, b = column_of(description.left, mapping.left), column_of(description.right, mapping.right)
            if a is None or b is None or a.kind != b.kind:
                continue
            if a.kind == "text":
                closeness = float(text_closeness(a, b, pair, description.texts)[0])
            else:
                distance = float(number_distance(a, b, pair)[0])
                closeness = 1.0 / (1.0 + distance)
            if closeness >= LEAST_CLOSENESS:
                values = (
                    _value(g, e, n)
                    for g, e, n in zip(
                        self.preparation.graphs, (left, right), (mapping.left, mapping.right), strict=True
                    )
                )
                reasons.append(AttributeReason(mapping.left, mapping.right, *values, closeness=closeness))
        return tuple(sorted(reasons, key=lambda r: -r.closeness))

    def _neighbours(self, out: PairOutput, row: int, pair: tuple[int, int]) -> tuple[NeighbourReason, ...]:
        reasons = []
        affinity = out.affinity[row].cpu().numpy()
        weights = out.left_weights[row].cpu().numpy()
        for place in np.argsort(-weights, kind="stable"):
            if not np.isfinite(affinity[place]).any():
                continue
            echo = int(np.argmax(affinity[place]))
            if np.exp(affinity[place, echo]) < LEAST_CLOSENESS:
                continue
            reasons.append(
                NeighbourReason(
                    left=self._relation("left", pair[0], int(place)),
                    right=self._relation("right", pair[1], echo),
                    left_neighbour=self.label("left", int(self.around[0].neighbours[pair[0], place])),
                    right_neighbour=self.label("right", int(self.around[1].neighbours[pair[1], echo])),
                    weight=float(weights[place]),
                )
            )
        return tuple(reasons)

    def _relation(self, side: Side, entity: int, place: int) -> str:
        at = int(side == "right")
        names = self.preparation.graphs[at].relation_names
        return directed_name(names, int(self.around[at].relations[entity, place]))


def _value(graph: KnowledgeGraph, entity: int, attribute: str) -> str:
    code = graph.attribute_names.index(attribute)
    facts = np.flatnonzero((graph.fact_entities == entity) & (graph.fact_attributes == code))
    return str(graph.fact_values[int(facts[0])])


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).replace("-", "").isdigit()


def _short(text: str) -> str:
    return f"'{text}'" if len(text) <= 40 else f"'{text[:39]}…'"
