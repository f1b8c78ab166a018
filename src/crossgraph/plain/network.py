"""PlainNetwork: what ``model.network.CollectiveNetwork`` says of pairs, on arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property, partial

import numpy as np
from scipy import sparse

from crossgraph._types import AnyArray, Bool, Float32, Int32, Int64
from crossgraph.features.tokens import OWN_WIDTH, PERIODS, TEXT_WIDTH
from crossgraph.model.arrays import PairArrays, SideArrays
from crossgraph.model.kinds import by_kind
from crossgraph.model.options import ModelOptions
from crossgraph.plain.beside import NOTHING, looked_at
from crossgraph.plain.matrices import through_matrices, weighted_sum

Weights = Mapping[str, Float32]

# Entities that are computed at once.
CHUNK = 4_096
_FREQUENCIES = np.array([2 * math.pi / period for period in PERIODS], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Ready:
    """What the last layer needs of K distinct entities (ascending), as ``model.prepared.Prepared``."""

    entities: Int64
    level0: Float32
    own: Float32
    messages: Float32
    log_beta: Float32
    mask: Bool
    rarity: Float32

    @staticmethod
    def stacked(parts: Iterable[Ready], count: int) -> Ready:
        """Sets of ``count`` entities in all, one after the other; each is put in its place as it comes."""
        whole: list[AnyArray] = []
        start = 0
        for part in parts:
            columns = [getattr(part, field.name) for field in fields(Ready)]
            whole = whole or [np.empty((count, *one.shape[1:]), dtype=one.dtype) for one in columns]
            for out, one in zip(whole, columns, strict=True):
                out[start : start + len(one)] = one
            start += len(part.entities)
        return Ready(*whole)


@dataclass(frozen=True, eq=False)
class LowerRows:
    """What the lower layers say (T, I) of T distinct entities (ascending)."""

    entities: Int64
    h: Float32

    def rows(self, entities: AnyArray) -> Int64:
        """Where some of them stand."""
        found: Int64 = self._places[entities]
        return found

    @cached_property
    def _places(self) -> Int64:
        places = np.zeros(int(self.entities.max(initial=0)) + 1, dtype=np.int64)
        places[self.entities] = np.arange(len(self.entities))
        return places


@dataclass(frozen=True, eq=False)
class PlainNetwork:
    """A trained network whose last layer alone looks at the partner.

    weights   as ``CollectiveNetwork`` calls them
    """

    weights: Weights
    options: ModelOptions

    @staticmethod
    def can(options: ModelOptions) -> bool:
        """Whether a network of this shape can be told on arrays."""
        return options.collective_layers == "last"

    def said(
        self, arrays: PairArrays, known: tuple[LowerRows, LowerRows], pairs: tuple[Int32, Int32]
    ) -> Float32:
        """(9, P) of pairs (P), (P), in the order of ``SAID``.

        known   what ``vectors`` says of both sides' entities of the pairs and of their neighbours
        """
        ready, rows = [], []
        for side, one, ends in zip(arrays.sides, known, pairs, strict=True):
            entities, at = np.unique(ends, return_inverse=True)
            ready.append(self.ready(side, arrays.sketch, one, entities.astype(np.int64)))
            rows.append(at)
        return self.compared(arrays, (ready[0], ready[1]), (rows[0], rows[1]), pairs)

    def vectors(self, side: SideArrays, sketch: Float32, entities: Int64) -> Float32:
        """(K, I) what all layers but the last say of K distinct entities (ascending)."""
        reached = [entities]
        for _ in range(self.options.layers - 1):
            reached.append(side.with_neighbours(reached[-1]))
        h = _in_parts(reached[-1], partial(self.level0, side, sketch))
        for number, wanted in enumerate(reached[-2::-1]):
            known = LowerRows(reached[len(reached) - 1 - number], h)
            h = _in_parts(wanted, partial(self._alone, number, side, known))
        return h

    def level0(self, side: SideArrays, sketch: Float32, entities: Int64) -> Float32:
        """(K, D0) own vectors, see ``model.attributes.AttributeEncoder``."""
        facts = side.facts
        attributes, mask = facts.attributes[entities], facts.mask[entities]
        logits = self.weights["level0.importance.weight"][attributes, 0]
        if not self.options.attribute_attention:
            logits = np.zeros_like(logits)
        weights = np.where(mask, np.exp(_log_softmax(logits, mask)), np.float32(0.0))
        out = np.empty((len(entities), OWN_WIDTH), dtype=np.float32)
        out[:, :TEXT_WIDTH] = weighted_sum(facts.texts[entities], sketch, weights)
        out[:, TEXT_WIDTH:] = _waves(facts.numbers[entities], weights)
        out *= self.weights["level0.scale"]
        out += weighted_sum(attributes, self.weights["level0.attribute.weight"], weights)
        return out + self._projected(out, side.types[entities]) if self.options.type_projection else out

    def _projected(self, own: Float32, types: Int32) -> Float32:
        real = types >= 0
        projections = self.weights["level0.projections"]
        places, counts = by_kind(types, real, len(projections))
        owners = places // types.shape[1]
        share = through_matrices(own, owners, counts, projections)
        out = np.zeros_like(own)
        np.add.at(out, owners, share / real.sum(axis=1, dtype=np.float32)[owners][:, None])
        return out

    def _messages(
        self, layer: int, side: SideArrays, known: LowerRows, entities: Int64
    ) -> tuple[Float32, Float32, Float32]:
        """(K, W) own parts, (K, N, W) messages, and (K, N) log self-attention of a layer."""
        prefix = f"hops.{layer}."
        matrices = self.weights[prefix + "transform.relation"]
        mask, relations = side.mask[entities], side.relations[entities]
        places, counts = by_kind(relations, mask, len(matrices))
        rows = known.rows(side.neighbours[entities].ravel()[places])
        z = np.zeros((mask.size, matrices.shape[1]), dtype=np.float32)
        z[places] = through_matrices(known.h, rows, counts, matrices)
        messages = z.reshape(*mask.shape, matrices.shape[1])
        own = known.h[known.rows(entities)] @ self.weights[prefix + "transform.own"].T
        if not self.options.self_attention:
            return own, messages, _log_softmax(np.zeros(mask.shape, dtype=np.float32), mask)
        apart = self.weights[prefix + "tells_apart.weight"]
        width = own.shape[1]
        logits = np.zeros(mask.size, dtype=np.float32)
        kinds = relations.ravel()[places]
        owners = places // mask.shape[1]
        logits[places] = np.einsum("sw,sw->s", apart[kinds, width:], z[places])
        logits[places] += (own @ apart[:, :width].T)[owners, kinds]
        logits = np.where(logits < 0, np.float32(0.2) * logits, logits)
        return own, messages, _log_softmax(logits.reshape(mask.shape), mask)

    def _alone(self, layer: int, side: SideArrays, known: LowerRows, entities: Int64) -> Float32:
        own, z, beta = self._messages(layer, side, known, entities)
        around = np.einsum("kn,knw->kw", np.where(side.mask[entities], np.exp(beta), np.float32(0.0)), z)
        return _leaky(own, around)

    def ready(self, side: SideArrays, sketch: Float32, known: LowerRows, entities: Int64) -> Ready:
        """What the last layer needs of K distinct entities (ascending)."""
        own, z, beta = self._messages(self.options.layers - 1, side, known, entities)
        rarity = side.rarity[side.neighbours[entities]]
        return Ready(entities, self.level0(side, sketch, entities), own, z, beta, side.mask[entities], rarity)

    def compared(
        self,
        arrays: PairArrays,
        sides: tuple[Ready, Ready],
        rows: tuple[Int64, Int64],
        pairs: tuple[Int32, Int32],
    ) -> Float32:
        """``said`` of pairs (P), (P), of whose entities the last layer knows: by row (P), (P)."""
        one, two = sides
        alike = np.zeros((len(rows[0]), 0, 0), dtype=np.float32)
        if self.options.known_likeness:
            around = (side.neighbours[ends] for side, ends in zip(arrays.sides, pairs, strict=True))
            alike = arrays.likeness.between(*around)
        last = f"hops.{self.options.layers - 1}."
        left, right, echo = looked_at(
            (one.messages, two.messages),
            (one.log_beta, two.log_beta),
            (one.mask, two.mask),
            (one.rarity, two.rarity),
            rows,
            alike,
            math.exp(float(self.weights[last + "log_sharpness"])),
            self.options.cross_attention,
        )
        a, b = _leaky(one.own[rows[0]], left), _leaky(two.own[rows[1]], right)
        distance = _length(a - b)
        if self.options.head == "distance":
            scale = math.exp(float(self.weights["head.log_scale"]))
            logits = np.float32(scale) * (self.weights["head.centre"] - distance)
        else:
            logits = self._head(a, b, (one.level0[rows[0]], two.level0[rows[1]]), echo)
        return np.stack([logits, -distance, _cosine(a, b, 1e-8), *echo.T])

    def _head(self, a: Float32, b: Float32, own: tuple[Float32, Float32], echo: Float32) -> Float32:
        """(P) logits, see ``model.head.ComparisonHead``."""
        half = a.shape[1] // 2
        apart, own_apart = a - b, own[0] - own[1]
        lengths = [_length(one) for one in (apart, apart[:, :half], apart[:, half:], own_apart)]
        told = np.column_stack([*lengths, _cosine(*own, 1e-4), echo])
        parts = [a * b, np.abs(apart), own[0] * own[1], np.abs(own_apart), told]
        hidden = np.concatenate(parts, axis=1) @ self.weights["head.net.0.weight"].T
        hidden = np.maximum(hidden + self.weights["head.net.0.bias"], 0.0)
        logits: Float32 = (hidden @ self.weights["head.net.2.weight"].T)[:, 0]
        return logits + self.weights["head.net.2.bias"]


def _in_parts(entities: Int64, look: Callable[[Int64], Float32]) -> Float32:
    """(K, D) what ``look`` says of entities, some after the others; each is put in its place as it comes."""
    found = look(entities[:CHUNK])
    if len(entities) <= CHUNK:
        return found
    out = np.empty((len(entities), found.shape[1]), dtype=found.dtype)
    out[:CHUNK] = found
    for start in range(CHUNK, len(entities), CHUNK):
        out[start : start + CHUNK] = look(entities[start : start + CHUNK])
    return out


def _waves(numbers: Float32, weights: Float32) -> Float32:
    """(K, 2 * periods) weighted sums of sin and cos of numbers (K, A); texts have none."""
    told = ~np.isnan(numbers)
    angle = numbers[told][:, None] * _FREQUENCIES
    waves = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    starts = np.concatenate([[0], np.cumsum(told.sum(axis=1))])
    shape = len(numbers), len(waves)
    found: Float32 = sparse.csr_matrix((weights[told], np.arange(len(waves)), starts), shape=shape) @ waves
    return found


def _log_softmax(logits: Float32, mask: Bool) -> Float32:
    """Over the real entries of the last axis; padding gets next to nothing."""
    if not logits.shape[-1]:
        return logits
    filled: Float32 = np.where(mask, logits, NOTHING)
    filled -= filled.max(axis=-1, keepdims=True)
    filled -= np.log(np.exp(filled).sum(axis=-1, keepdims=True))
    return filled


def _leaky(own: Float32, around: Float32) -> Float32:
    out = np.concatenate([own, around], axis=1)
    return np.where(out < 0, np.float32(0.2) * out, out)


def _length(vectors: Float32) -> Float32:
    found: Float32 = np.sqrt(np.einsum("pd,pd->p", vectors, vectors) + np.float32(1e-8))
    return found


def _cosine(left: Float32, right: Float32, least: float) -> Float32:
    """(P) as ``torch.nn.functional.cosine_similarity``: each length is at least so much."""
    lengths = (np.maximum(np.sqrt(np.einsum("pd,pd->p", one, one)), least) for one in (left, right))
    one, two = lengths
    found: Float32 = (np.einsum("pd,pd->p", left, right) / (one * two)).astype(np.float32)
    return found
