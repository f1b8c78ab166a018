"""Entities as vectors: their own attributes (level 0), then one layer for each hop."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from crossgraph._types import Float32
from crossgraph.errors import ConfigError
from crossgraph.features.tokens import PERIODS, TEXT_WIDTH
from crossgraph.model.attention import (
    combined_attention,
    cross_graph_log_attention,
    log_affinity,
    masked_log_softmax,
    self_log_attention,
)
from crossgraph.model.inputs import SideTensors


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOptions:
    """The shape of the network, and its switches.

    width                 floats in each entity's vector, even
    self_attention        learn which neighbours tell look-alikes apart
    cross_attention       weigh neighbours by their echo in the other graph
    attribute_attention   learn which of an entity's own attributes matter; otherwise their mean
    """

    width: int = 64
    self_attention: bool = True
    cross_attention: bool = True
    attribute_attention: bool = True

    def __post_init__(self) -> None:
        if self.width < 2 or self.width % 2:
            raise ConfigError(f"[model] width = {self.width}", hint="use an even number, 2 or more")


class AttributeEncoder(nn.Module):
    r"""Level 0: ``h0_i = sum_f w_f (W x_f + e_a)`` over an entity's facts f of attribute a.

    x_f is the sketch of a text, or sin and cos of a number or date at several periods; w is a softmax of
    one learned weight for each attribute, or the mean.

    Shapes
        texts, attributes, numbers, tokens (K, A), sketch (S, 128) -> (K, D); zero for an entity without facts
    """

    def __init__(self, attributes: int, options: ModelOptions) -> None:
        super().__init__()
        self.frequencies: Tensor
        self.text = nn.Linear(TEXT_WIDTH, options.width, bias=False)
        self.number = nn.Linear(2 * len(PERIODS), options.width, bias=False)
        self.attribute = nn.Embedding(attributes, options.width)
        self.importance = nn.Embedding(attributes, 1)
        self.attend = options.attribute_attention
        self.register_buffer(
            "frequencies", torch.tensor([2 * math.pi / p for p in PERIODS]), persistent=False
        )
        nn.init.normal_(self.text.weight, std=1 / math.sqrt(TEXT_WIDTH))
        nn.init.normal_(self.number.weight, std=0.3 / math.sqrt(len(PERIODS)))
        nn.init.zeros_(self.attribute.weight)
        nn.init.zeros_(self.importance.weight)

    @torch.no_grad()
    def weigh(self, importance: Float32) -> None:
        """Start from a given importance (log weight) of each attribute slot."""
        self.importance.weight.copy_(torch.from_numpy(importance).unsqueeze(1))

    def forward(self, side: SideTensors, sketch: Tensor, entities: Tensor) -> Tensor:
        """The (K, D) own vectors of K entities."""
        attributes, mask = side.attributes[entities], side.tokens[entities]
        numbers = side.numbers[entities]
        text = self.text(sketch[side.texts[entities]])
        angle = torch.nan_to_num(numbers).unsqueeze(-1) * self.frequencies
        number = self.number(torch.cat([angle.sin(), angle.cos()], dim=-1))
        facts = torch.where(torch.isnan(numbers).unsqueeze(-1), text, number) + self.attribute(attributes)
        logits = self.importance(attributes).squeeze(-1) if self.attend else torch.zeros_like(numbers)
        weights = masked_log_softmax(logits, mask).exp().masked_fill(~mask, 0.0)
        return torch.einsum("ka,kad->kd", weights, facts)


class RelationTransform(nn.Module):
    r"""``z_ij = W_r h_j``: one matrix for each directed relation, and ``W_self`` for the entity itself."""

    def __init__(self, directions: int, width: int) -> None:
        super().__init__()
        start = torch.randn(width // 2, width) / math.sqrt(width / 2)
        # All relations start alike, so that equal neighbours look equal before anything is learned.
        self.relation = nn.Parameter(
            start.repeat(directions, 1, 1) + 0.02 * torch.randn(directions, width // 2, width)
        )
        self.own = nn.Parameter(torch.randn(width // 2, width) / math.sqrt(width / 2))

    def own_part(self, h: Tensor) -> Tensor:
        """W_self h: (K, D) -> (K, D / 2)."""
        return h @ self.own.T

    def forward(self, h: Tensor, rows: Tensor, relations: Tensor) -> Tensor:
        """(T, D / 2) messages: vectors h[rows] (T) through the matrix of each edge's relation (T)."""
        order = torch.argsort(relations, stable=True)
        counts = torch.bincount(relations, minlength=len(self.relation)).tolist()
        parts = torch.split(rows[order], counts)
        sent = torch.cat(
            [h[part] @ w.T for part, w in zip(parts, self.relation, strict=True) if len(part)]
            or [h[:0, : h.shape[1] // 2]]
        )
        out = torch.empty_like(sent)
        out[order] = sent
        return out


class CollectiveLayer(nn.Module):
    r"""One hop: transform, attend, aggregate, and concatenate with the entity itself.

        h'_i = act([W_self h_i | sum_j w_ij W_r h_j]),  w = (alpha * beta) renormalised

    Used for one side alone, alpha is uniform (earlier layers average); for a pair, alpha is cross-graph
    attention. Source: Zhu et al., WWW 2020, sections 3.2 to 3.4.
    """

    def __init__(self, directions: int, options: ModelOptions) -> None:
        super().__init__()
        self.transform = RelationTransform(directions, options.width)
        self.tells_apart = nn.Embedding(directions, options.width)
        nn.init.zeros_(self.tells_apart.weight)
        self.log_sharpness = nn.Parameter(torch.tensor(math.log(4.0)))
        self.options = options

    def log_beta(self, own: Tensor, z: Tensor, relations: Tensor, mask: Tensor) -> Tensor:
        """(K, N) self-attention of K neighbourhoods; uniform where switched off."""
        if not self.options.self_attention:
            return masked_log_softmax(torch.zeros_like(mask, dtype=z.dtype), mask)
        return self_log_attention(own.unsqueeze(1), z, self.tells_apart(relations), mask)

    def combine(self, own: Tensor, z: Tensor, weights: Tensor) -> Tensor:
        """(K, D) the entity's own part beside the weighted sum of its messages, each of length about one."""
        around = torch.einsum("kn,knd->kd", weights, z)
        return functional.leaky_relu(torch.cat([own, around], dim=-1), 0.2)

    def alone(self, own: Tensor, z: Tensor, relations: Tensor, mask: Tensor) -> Tensor:
        """(K, D) of entities without regard to a partner."""
        return self.combine(own, z, self.log_beta(own, z, relations, mask).exp().masked_fill(~mask, 0.0))

    def pair_weights(
        self, z: tuple[Tensor, Tensor], log_beta: tuple[Tensor, Tensor], mask: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Neighbour weights (P, N) and (P, M) of both sides of P pairs, and the log affinities (P, N, M)."""
        affinity = log_affinity(z, mask, self.log_sharpness.exp())
        if not self.options.cross_attention:
            alone = tuple(b.exp().masked_fill(~m, 0.0) for b, m in zip(log_beta, mask, strict=True))
            return alone[0], alone[1], affinity
        left = cross_graph_log_attention(affinity, mask[0])
        right = cross_graph_log_attention(affinity.transpose(1, 2), mask[1])
        return (
            combined_attention(left, log_beta[0], mask[0]),
            combined_attention(right, log_beta[1], mask[1]),
            affinity,
        )
