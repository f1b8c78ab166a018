"""From the two collective vectors of a pair to one number."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from crossgraph.features.tokens import OWN_WIDTH
from crossgraph.model.options import COMPARED, HEAD_WIDTH, ModelOptions


@dataclass(frozen=True, eq=False)
class Compared:
    """What a head may look at of P pairs.

    left, right (P, D)     collective vectors
    level0 (P, D0), twice  vectors of the entities' own attributes
    echo (P, 6)            how much of both neighbourhoods is echoed, see ``echo_amounts``
    """

    left: Tensor
    right: Tensor
    level0: tuple[Tensor, Tensor]
    echo: Tensor


class DistanceHead(nn.Module):
    r"""``logit = s (m - |h_i - h_i'|)``, scale s > 0 and centre m learned: a ranking by distance alone.

    Source: Zhu et al., WWW 2020, section 3.5.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(1.0))
        self.centre = nn.Parameter(torch.tensor(1.0))

    def forward(self, seen: Compared) -> Tensor:
        """(P) logits."""
        return self.log_scale.exp() * (self.centre - length(seen.left - seen.right))


class ComparisonHead(nn.Module):
    """A small perceptron on products, differences and lengths; the same for the pair turned round.

    An entity's own attributes go past all layers to it, so that a name is never lost on the way up.
    """

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2 * options.width + 2 * OWN_WIDTH + COMPARED, HEAD_WIDTH),
            nn.ReLU(),
            nn.Linear(HEAD_WIDTH, 1),
        )

    def forward(self, seen: Compared) -> Tensor:
        """(P) logits."""
        a, b = seen.left, seen.right
        own_a, own_b = seen.level0
        half = a.shape[1] // 2
        gaps = [a - b, a[:, :half] - b[:, :half], a[:, half:] - b[:, half:], own_a - own_b]
        lengths = torch.stack([length(gap) for gap in gaps], dim=1)
        cosine = functional.cosine_similarity(own_a, own_b, dim=1, eps=1e-4).unsqueeze(1)
        parts = [a * b, (a - b).abs(), own_a * own_b, (own_a - own_b).abs(), lengths, cosine, seen.echo]
        logits: Tensor = self.net(torch.cat(parts, dim=1)).squeeze(1)
        return logits


def head_of(options: ModelOptions) -> nn.Module:
    """The head that the options name."""
    return DistanceHead() if options.head == "distance" else ComparisonHead(options)


def length(vectors: Tensor) -> Tensor:
    """(P) the length of each vector."""
    # The square root has no gradient at zero; a small constant keeps equal vectors trainable.
    return (vectors.square().sum(dim=1) + 1e-8).sqrt()
