"""GraphSAGE without labels: entities that random walks meet together get vectors alike."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from baselines.both import BothGraphs
from baselines.networks import GraphNetwork


@dataclass(frozen=True, kw_only=True, slots=True)
class WalkOptions:
    """How a network learns of random walks; chosen on the pairs that ``SiameseOptions`` names.

    steps           of Adam
    batch           entities in a step that walk
    length          hops of a walk, at most
    negatives       entities that are drawn for each step and are alike to none (count)
    learning_rate   of Adam
    sharpness       of the cosine of two vectors in the loss
    """

    steps: int = 200
    batch: int = 256
    length: int = 1
    negatives: int = 256
    learning_rate: float = 0.0003
    sharpness: float = 10.0


def train_walks(
    network: GraphNetwork, both: BothGraphs, options: WalkOptions, random: torch.Generator
) -> None:
    r"""Teach a network, in place: ``-log s(z_u . z_v) - Q E log s(-z_u . z_n)``, v met by a walk from u.

    n is drawn as often as the power 3/4 of how many hear it. Hamilton et al., NeurIPS 2017, equation 1.
    """
    walkers = both.mask.any(dim=1).nonzero()[:, 0]
    if not len(walkers):
        return
    heard = torch.bincount(both.neighbours[both.mask], minlength=len(both)).double() ** 0.75
    optimiser = torch.optim.Adam(network.parameters(), options.learning_rate)
    network.train()
    for _ in range(options.steps):
        start = walkers[torch.randint(len(walkers), (options.batch,), generator=random)]
        strangers = torch.multinomial(heard, options.negatives, replacement=True, generator=random)
        loss = _loss(network, (start, walk(both, start, options.length, random), strangers), options)
        optimiser.zero_grad()
        # Torch gives no types for it.
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    network.eval()


def walk(both: BothGraphs, start: Tensor, length: int, random: torch.Generator) -> Tensor:
    """(K) where walks of 1 to ``length`` hops end; a walk stays where no neighbour is."""
    hops = torch.randint(1, length + 1, start.shape, generator=random)
    at = start
    for hop in range(length):
        mask = both.mask[at]
        drawn = torch.rand(mask.shape, generator=random).masked_fill(~mask, -1.0).argmax(dim=1)
        moves = mask.any(dim=1) & (hops > hop)
        at = torch.where(moves, both.neighbours[at, drawn], at)
    return at


def _loss(network: GraphNetwork, drawn: tuple[Tensor, Tensor, Tensor], options: WalkOptions) -> Tensor:
    entities, rows = torch.unique(torch.cat(drawn), return_inverse=True)
    z = network(entities)
    start, met, strangers = (z[part] for part in torch.split(rows, [len(part) for part in drawn]))
    near = options.sharpness * (start * met).sum(dim=1)
    far = options.sharpness * start @ strangers.T
    return -functional.logsigmoid(near).mean() - functional.logsigmoid(-far).mean()
