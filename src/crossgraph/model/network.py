"""CollectiveNetwork: two hops of neighbourhood, the last one seen with the eyes of the candidate pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from crossgraph.model.encoder import AttributeEncoder, CollectiveLayer, ModelOptions
from crossgraph.model.inputs import PairTensors, SideTensors

CHUNK = 8_192


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that the last layer needs of some entities, and that depends on one entity alone.

    level0 (K, D)         the entity's own attributes, so that a name is never lost on the way up
    own (K, D / 2)        W_self h_i
    messages (K, N, D/2)  W_r h_j of each sampled neighbour
    log_beta (K, N)       self-attention
    mask (K, N)           True for a real neighbour
    """

    level0: Tensor
    own: Tensor
    messages: Tensor
    log_beta: Tensor
    mask: Tensor

    def rows(self, places: Tensor) -> Prepared:
        """The entities at some places."""
        return Prepared(
            self.level0[places],
            self.own[places],
            self.messages[places],
            self.log_beta[places],
            self.mask[places],
        )

    @staticmethod
    def stacked(parts: list[Prepared]) -> Prepared:
        """Several sets of entities, one after the other."""
        return Prepared(
            torch.cat([p.level0 for p in parts]),
            torch.cat([p.own for p in parts]),
            torch.cat([p.messages for p in parts]),
            torch.cat([p.log_beta for p in parts]),
            torch.cat([p.mask for p in parts]),
        )


@dataclass(frozen=True, eq=False)
class PairOutput:
    """What the network says of P pairs.

    logits (P)                        higher: more likely the same
    distance, cosine (P)              of the two collective vectors
    left_weights, right_weights       (P, N), (P, M) attention of each neighbour
    affinity (P, N, M)                log A; -inf for padding
    """

    logits: Tensor
    distance: Tensor
    cosine: Tensor
    left_weights: Tensor
    right_weights: Tensor
    affinity: Tensor


class CollectiveNetwork(nn.Module):
    """The collective encoder and a small head on the two vectors of a pair.

    The first hop does not look at the partner, so it is computed once for each entity; only the last
    layer's attention, a gather and N x M distances, is done for each pair. Sides are treated alike: the
    output is the same for the pair turned round.

    Source: Zhu et al., WWW 2020 (CG-MuAlign), collective last layer.
    """

    def __init__(self, directions: int, attributes: int, options: ModelOptions) -> None:
        super().__init__()
        self.options = options
        self.level0 = AttributeEncoder(attributes, options)
        self.first = CollectiveLayer(directions, options)
        self.last = CollectiveLayer(directions, options)
        self.head = nn.Sequential(nn.Linear(4 * options.width + 4, 32), nn.ReLU(), nn.Linear(32, 1))

    def prepare(self, side: SideTensors, sketch: Tensor, entities: Tensor) -> Prepared:
        """The pair-independent part of the last layer for K distinct entities (ascending)."""
        near = torch.unique(torch.cat([entities, _neighbours(side, entities)]))
        far = torch.unique(torch.cat([near, _neighbours(side, near)]))
        h0 = self.level0(side, sketch, far)
        own, z = _messages(self.first, side, h0, (far, near))
        h1 = self.first.alone(own, z, side.relations[near], side.mask[near])
        return self._prepared(side, h1, (near, entities), h0[torch.searchsorted(far, entities)])

    def _prepared(self, side: SideTensors, h1: Tensor, at: tuple[Tensor, Tensor], level0: Tensor) -> Prepared:
        own, z = _messages(self.last, side, h1, at)
        mask = side.mask[at[1]]
        return Prepared(level0, own, z, self.last.log_beta(own, z, side.relations[at[1]], mask), mask)

    @torch.no_grad()
    def prepare_all(self, side: SideTensors, sketch: Tensor) -> Prepared:
        """``prepare`` for every entity of a side, each layer in chunks."""
        everyone = torch.arange(len(side), device=side.mask.device)
        h0 = torch.cat([self.level0(side, sketch, part) for part in torch.split(everyone, CHUNK)])
        hops = []
        for part in torch.split(everyone, CHUNK):
            own, z = _messages(self.first, side, h0, (everyone, part))
            hops.append(self.first.alone(own, z, side.relations[part], side.mask[part]))
        h1 = torch.cat(hops)
        return Prepared.stacked(
            [self._prepared(side, h1, (everyone, part), h0[part]) for part in torch.split(everyone, CHUNK)]
        )

    def compare(self, left: Prepared, right: Prepared) -> PairOutput:
        """The last layer and the head for P pairs: row i of left with row i of right."""
        left_weights, right_weights, affinity = self.last.pair_weights(
            (left.messages, right.messages), (left.log_beta, right.log_beta), (left.mask, right.mask)
        )
        a = self.last.combine(left.own, left.messages, left_weights)
        b = self.last.combine(right.own, right.messages, right_weights)
        half = a.shape[1] // 2
        own, around = _length(a[:, :half] - b[:, :half]), _length(a[:, half:] - b[:, half:])
        whole, level0 = _length(a - b), _length(left.level0 - right.level0)
        seen = [a * b, (a - b).abs(), left.level0 * right.level0, (left.level0 - right.level0).abs()]
        lengths = torch.stack([whole, own, around, level0], dim=1)
        return PairOutput(
            logits=self.head(torch.cat([*seen, lengths], dim=1)).squeeze(1),
            distance=whole,
            cosine=functional.cosine_similarity(a, b, dim=1),
            left_weights=left_weights,
            right_weights=right_weights,
            affinity=affinity,
        )

    def forward(self, tensors: PairTensors, left: Tensor, right: Tensor) -> PairOutput:
        """Compare P pairs of entities, given by number."""
        (l_rows, l_back), (r_rows, r_back) = (
            torch.unique(side, return_inverse=True) for side in (left, right)
        )
        return self.compare(
            self.prepare(tensors.left, tensors.sketch, l_rows).rows(l_back),
            self.prepare(tensors.right, tensors.sketch, r_rows).rows(r_back),
        )

    @torch.no_grad()
    def compare_all(self, tensors: PairTensors, left: Tensor, right: Tensor) -> Iterator[PairOutput]:
        """``forward`` for many pairs: every entity is prepared once, pairs follow in chunks, in order."""
        lefts = self.prepare_all(tensors.left, tensors.sketch)
        rights = self.prepare_all(tensors.right, tensors.sketch)
        for part in torch.split(torch.arange(len(left), device=left.device), CHUNK):
            yield self.compare(lefts.rows(left[part]), rights.rows(right[part]))


def _length(vectors: Tensor) -> Tensor:
    # The square root has no gradient at zero; a small constant keeps equal vectors trainable.
    return (vectors.square().sum(dim=1) + 1e-8).sqrt()


def _neighbours(side: SideTensors, entities: Tensor) -> Tensor:
    return side.neighbours[entities][side.mask[entities]].long()


def _messages(
    layer: CollectiveLayer, side: SideTensors, h: Tensor, at: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """(K, D/2) own parts and (K, N, D/2) messages of the entities at[1], where h (T, D) is of those at[0]."""
    known, wanted = at
    mask = side.mask[wanted]
    rows = torch.searchsorted(known, side.neighbours[wanted][mask].long())
    sent = layer.transform(h, rows, side.relations[wanted][mask])
    z = torch.zeros((*mask.shape, sent.shape[1]), dtype=h.dtype, device=h.device)
    z = z.index_put((mask.nonzero(as_tuple=True)), sent)
    return layer.transform.own_part(h[torch.searchsorted(known, wanted)]), z
