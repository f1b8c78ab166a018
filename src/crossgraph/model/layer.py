"""One hop: transform, attend, aggregate, combine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from crossgraph.model.attention import (
    combined_attention,
    cross_graph_log_attention,
    log_affinity,
    masked_log_softmax,
    self_log_attention,
)
from crossgraph.model.matrices import through_matrices
from crossgraph.model.options import ModelOptions
from crossgraph.model.plan import Edges

AROUND_AT_FIRST = 0.1


@dataclass(frozen=True, eq=False)
class PairWeights:
    """How much each neighbour weighs beside one partner.

    left (P, N), right (P, M)   weights, summing to one over a neighbourhood; zero for padding
    affinity (P, N, M)          log A; -inf for padding
    """

    left: Tensor
    right: Tensor
    affinity: Tensor


class RelationTransform(nn.Module):
    r"""``z_ij = W_r h_j``: one matrix for each directed relation, and ``W_self`` for the entity itself."""

    def __init__(self, directions: int, inside: int, width: int) -> None:
        super().__init__()
        start = torch.randn(width // 2, inside) / math.sqrt(width / 2)
        # What a neighbour is counts for more at first than what lies around it, which graphs know unequally.
        if inside == width:
            start[:, width // 2 :] *= AROUND_AT_FIRST
        # All relations start alike, so that equal neighbours look equal before anything is learned.
        self.relation = nn.Parameter(
            start.repeat(directions, 1, 1) + 0.02 * torch.randn(directions, width // 2, inside)
        )
        self.own = nn.Parameter(torch.randn(width // 2, inside) / math.sqrt(width / 2))

    def own_part(self, h: Tensor) -> Tensor:
        """W_self h: (K, I) -> (K, D / 2)."""
        return h @ self.own.T

    def forward(self, h: Tensor, edges: Edges) -> Tensor:
        """(K, N, D / 2) messages: of h (T, I) each edge's row through the matrix of its relation."""
        return edges.padded(through_matrices(h, edges.rows, edges.counts, self.relation))


class CollectiveLayer(nn.Module):
    r"""One hop: transform, attend, aggregate, and concatenate with the entity itself.

        h'_i = act([W_self h_i | sum_j w_ij W_r h_j]),  w = (alpha * beta) renormalised

    Used for one side alone, alpha is uniform (earlier layers average); for a pair, alpha is cross-graph
    attention. Source: Zhu et al., WWW 2020, sections 3.2 to 3.4.
    """

    def __init__(self, directions: int, inside: int, options: ModelOptions) -> None:
        super().__init__()
        self.transform = RelationTransform(directions, inside, options.width)
        self.tells_apart = nn.Embedding(directions, options.width)
        nn.init.zeros_(self.tells_apart.weight)
        self.log_sharpness = nn.Parameter(torch.tensor(math.log(8.0)))
        self.options = options

    @property
    def directions(self) -> int:
        """How many directed relations it tells apart."""
        return len(self.transform.relation)

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

    def affinity(
        self,
        z: tuple[Tensor, Tensor],
        mask: tuple[Tensor, Tensor],
        alike: Tensor | None = None,
        *,
        quickly: bool = False,
    ) -> Tensor:
        """(P, N, M) log affinities of two sets of messages, at this layer's learned sharpness.

        alike (P, N, M)   in [0, 1], what is known of the neighbours beforehand: it takes so much of their
                          distance away
        """
        return log_affinity(z, mask, self.log_sharpness.exp(), alike, quickly=quickly)

    def pair_weights(
        self,
        z: tuple[Tensor, Tensor],
        log_beta: tuple[Tensor, Tensor],
        mask: tuple[Tensor, Tensor],
        *,
        alike: Tensor | None = None,
    ) -> PairWeights:
        """Neighbour weights of both sides of P pairs, from messages (P, N, D/2) and (P, M, D/2)."""
        affinity = self.affinity(z, mask, alike)
        if not self.options.cross_attention:
            alone = tuple(b.exp().masked_fill(~m, 0.0) for b, m in zip(log_beta, mask, strict=True))
            return PairWeights(alone[0], alone[1], affinity)
        left = cross_graph_log_attention(affinity, mask[0])
        right = cross_graph_log_attention(affinity.transpose(1, 2), mask[1])
        return PairWeights(
            combined_attention(left, log_beta[0], mask[0]),
            combined_attention(right, log_beta[1], mask[1]),
            affinity,
        )
