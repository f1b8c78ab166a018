"""The two attentions of CG-MuAlign (Zhu et al., WWW 2020), as pure functions over padded batches.

P pairs, N and M sampled left and right neighbours, D width, R directed relations.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Log weight of what is not there: below any real one, however far, and finite, so that no gradient is NaN.
NOTHING = -1e30


def log_affinity(
    z: tuple[Tensor, Tensor],
    mask: tuple[Tensor, Tensor],
    sharpness: Tensor,
    alike: Tensor | None = None,
    *,
    quickly: bool = False,
) -> Tensor:
    """Log A_pq = -sharpness * |z_p - z_q| * (1 - alike_pq) for real neighbours, -inf elsewhere.

    z (P, N, D) and (P, M, D); mask (P, N) and (P, M) bool; alike (P, N, M) in [0, 1], 0 where not given;
    returns (P, N, M). The paper's equation has sharpness 1 and nothing known beforehand; a learned sharpness
    is the same as a common scale of the transforms, and learns faster.

    quickly   by matrix products: equal vectors then come out not quite equal
    """
    # Left to itself torch would be quick from 26 vectors on, and padding would change what is near.
    mode = "use_mm_for_euclid_dist" if quickly else "donot_use_mm_for_euclid_dist"
    distance = torch.cdist(z[0], z[1], compute_mode=mode) * sharpness
    if alike is not None:
        distance = distance * (1.0 - alike)
    real = mask[0].unsqueeze(2) & mask[1].unsqueeze(1)
    return (-distance).masked_fill(~real, -torch.inf)


def cross_graph_log_attention(log_affinity: Tensor, mask: Tensor) -> Tensor:
    r"""How much the other graph echoes each neighbour: ``alpha_p = sum_q A_pq / sum_pq A_pq``.

    log_affinity (P, N, M), mask (P, N); returns log alpha (P, N), -1e30 for padding.

    Works in log space, so it stays finite when all neighbours are far (the authors' code underflows).
    With no neighbours on the other side nothing can be echoed, and real neighbours weigh alike. For the
    right side pass ``log_affinity.transpose(1, 2)``.
    """
    echoed = mask.unsqueeze(2) & torch.isfinite(log_affinity)
    safe = log_affinity.masked_fill(~echoed, NOTHING)
    rows = torch.logsumexp(safe, dim=2)
    rows = torch.where(echoed.any(dim=2).any(dim=1, keepdim=True), rows, torch.zeros_like(rows))
    return masked_log_softmax(rows, mask)


def self_log_attention(left: Tensor, right: Tensor, bias: Tensor, mask: Tensor) -> Tensor:
    r"""Which neighbours tell look-alikes apart: ``beta_ij = softmax_j(LeakyReLU(a_r . [z_i | z_j]))``.

    left (P, 1, D) the entity's own transformed vector, right (P, N, D) its neighbours', bias (P, N, 2D)
    the vector a_r of each neighbour's relation; returns log beta (P, N).
    """
    width = left.shape[-1]
    logits = (bias[..., :width] * left).sum(-1) + (bias[..., width:] * right).sum(-1)
    return masked_log_softmax(torch.nn.functional.leaky_relu(logits, 0.2), mask)


def combined_attention(log_alpha: Tensor, log_beta: Tensor, mask: Tensor) -> Tensor:
    """(P, N) w = alpha * beta, renormalised to sum 1 over the neighbourhood; zero where there is none."""
    weights = torch.exp(masked_log_softmax(log_alpha + log_beta, mask))
    return weights.masked_fill(~mask, 0.0)


def echo_amounts(
    log_affinity: Tensor, log_beta: tuple[Tensor, Tensor], rarity: tuple[Tensor, Tensor]
) -> Tensor:
    r"""(P, 6) how much of both neighbourhoods the other one echoes: attention sums to one and forgets it.

    log_affinity (P, N, M); log beta and rarity (P, N) and (P, M). A neighbour's echo is ``e_p = max_q A_pq``.
    Of each side: its mean under self-attention, ``sum_p beta_p e_p``, its amount, ``sum_p e_p``, and that of
    rare neighbours, ``sum_p rarity_p e_p``; of both sides the smaller and the larger, so that a pair turned
    round gives the same. Ours, not the paper's.
    """
    sides = []
    for affinity, beta, rare in zip(
        (log_affinity, log_affinity.transpose(1, 2)), log_beta, rarity, strict=True
    ):
        echo = affinity.amax(dim=2).exp() if affinity.shape[2] else torch.zeros_like(beta)
        sides.append(
            torch.stack([(w * echo).sum(dim=1) for w in (beta.exp(), torch.ones_like(echo), rare)], 1)
        )
    return torch.cat([torch.minimum(*sides), torch.maximum(*sides)], dim=1)


def masked_log_softmax(logits: Tensor, mask: Tensor) -> Tensor:
    """Log-softmax over the real entries of the last axis; padding gets -1e30, and no gradient is NaN."""
    filled = torch.where(mask, logits, torch.full_like(logits, NOTHING))
    return torch.log_softmax(filled, dim=-1)
