from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from crossgraph.model.attention import (
    combined_attention,
    cross_graph_log_attention,
    log_affinity,
    masked_log_softmax,
    self_log_attention,
)

WIDTH = 3
ONE = torch.tensor(1.0)


@dataclass(frozen=True)
class Batch:
    """Two padded neighbourhoods of each pair: z (P, N, D), (P, M, D), masks (P, N), (P, M)."""

    x: Tensor
    y: Tensor
    x_mask: Tensor
    y_mask: Tensor

    def turned(self) -> Batch:
        return Batch(self.y, self.x, self.y_mask, self.x_mask)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    pairs, n, m = (draw(st.integers(1, 4)) for _ in range(3))
    scale = draw(st.sampled_from([0.0, 0.01, 1.0, 30.0, 1e4]))
    some = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))

    def side(size: int) -> tuple[Tensor, Tensor]:
        real = torch.randint(0, size + 1, (pairs, 1), generator=some)
        vectors = scale * torch.randn(pairs, size, WIDTH, generator=some)
        order = torch.stack([torch.randperm(size, generator=some) for _ in range(pairs)])
        return vectors, (torch.arange(size) < real).gather(1, order)

    (x, x_mask), (y, y_mask) = side(n), side(m)
    return Batch(x, y, x_mask, y_mask)


def attend(b: Batch, sharpness: Tensor = ONE) -> Tensor:
    """Cross-graph attention of the left side, as weights (P, N)."""
    affinity = log_affinity((b.x, b.y), (b.x_mask, b.y_mask), sharpness)
    return cross_graph_log_attention(affinity, b.x_mask).exp() * b.x_mask


def padded(vectors: Tensor, mask: Tensor, more: int) -> tuple[Tensor, Tensor]:
    """The same neighbourhoods with garbage in places that are not real."""
    pairs = len(vectors)
    return (
        torch.cat([vectors, torch.full((pairs, more, vectors.shape[2]), 7.0)], dim=1),
        torch.cat([mask, torch.zeros(pairs, more, dtype=torch.bool)], dim=1),
    )


def alpha_by_loops(b: Batch) -> Tensor:
    """The paper's equation as it stands: A_pq = exp(-|z_p - z_q|), alpha_p = sum_q A_pq / sum_pq A_pq."""
    out = torch.zeros(b.x_mask.shape)
    for i in range(len(b.x)):
        lefts = [p for p in range(b.x.shape[1]) if b.x_mask[i, p]]
        rights = [q for q in range(b.y.shape[1]) if b.y_mask[i, q]]
        near = {
            (p, q): math.exp(-math.dist(b.x[i, p].tolist(), b.y[i, q].tolist()))
            for p in lefts
            for q in rights
        }
        for p in lefts:
            total = sum(near.values())
            out[i, p] = sum(near[p, q] for q in rights) / total if rights else 1 / len(lefts)
    return out


@given(batches(), st.integers(0, 1000))
def test_neighbour_order_carries_no_information(b: Batch, seed: int) -> None:
    some = torch.Generator().manual_seed(seed)
    px = torch.randperm(b.x.shape[1], generator=some)
    py = torch.randperm(b.y.shape[1], generator=some)
    shuffled = Batch(b.x[:, px], b.y[:, py], b.x_mask[:, px], b.y_mask[:, py])
    torch.testing.assert_close(attend(shuffled), attend(b)[:, px], atol=1e-5, rtol=1e-4)


@given(batches(), st.integers(0, 3), st.integers(0, 3))
def test_padding_changes_nothing(b: Batch, left: int, right: int) -> None:
    (x, x_mask), (y, y_mask) = padded(b.x, b.x_mask, left), padded(b.y, b.y_mask, right)
    for sharpness in (ONE, 4 * ONE):
        weights = attend(Batch(x, y, x_mask, y_mask), sharpness)
        torch.testing.assert_close(weights[:, : b.x.shape[1]], attend(b, sharpness), atol=1e-5, rtol=1e-4)
        assert not weights[:, b.x.shape[1] :].any()


@given(batches())
def test_turning_the_pair_round_gives_the_other_side_s_weights(b: Batch) -> None:
    affinity = log_affinity((b.x, b.y), (b.x_mask, b.y_mask), ONE)
    right = cross_graph_log_attention(affinity.transpose(1, 2), b.y_mask).exp() * b.y_mask
    torch.testing.assert_close(attend(b.turned()), right, atol=1e-6, rtol=1e-5)


@given(batches(), st.sampled_from([1.0, 4.0]))
def test_weights_sum_to_one_or_there_are_no_neighbours(b: Batch, sharpness: float) -> None:
    affinity = log_affinity((b.x, b.y), (b.x_mask, b.y_mask), torch.tensor(sharpness))
    alpha = cross_graph_log_attention(affinity, b.x_mask)
    beta = masked_log_softmax(b.x[..., 0], b.x_mask)
    for weights in (alpha.exp() * b.x_mask, combined_attention(alpha, beta, b.x_mask)):
        assert (weights >= 0).all()
        torch.testing.assert_close(weights.sum(1), b.x_mask.any(1).float(), atol=1e-5, rtol=0)


@given(batches())
def test_agrees_with_the_equation_of_the_paper(b: Batch) -> None:
    # exp underflows in the equation as it stands when all are far, so only near neighbours are compared.
    near = Batch(b.x.clamp(-20, 20), b.y.clamp(-20, 20), b.x_mask, b.y_mask)
    torch.testing.assert_close(attend(near), alpha_by_loops(near), atol=1e-5, rtol=1e-4)


@given(batches(), st.floats(1.0, 8.0))
def test_values_and_gradients_are_finite(b: Batch, sharpness: float) -> None:
    x, y = b.x.clone().requires_grad_(), b.y.clone().requires_grad_()
    sharp = torch.tensor(sharpness, requires_grad=True)
    bias = torch.ones(*b.x.shape[:2], 2 * WIDTH, requires_grad=True)
    affinity = log_affinity((x, y), (b.x_mask, b.y_mask), sharp)
    alpha = cross_graph_log_attention(affinity, b.x_mask)
    beta = self_log_attention(x[:, :1], x, bias, b.x_mask)
    weights = combined_attention(alpha, beta, b.x_mask)
    assert torch.isfinite(weights).all()
    (weights * torch.arange(1.0, weights.shape[1] + 1)).sum().backward()
    for parameter in (x, y, sharp, bias):
        assert parameter.grad is None or torch.isfinite(parameter.grad).all()


@pytest.mark.parametrize("sharpness", [1.0, 4.0, 100.0])
def test_far_neighbours_are_still_told_apart(sharpness: float) -> None:
    x = torch.tensor([[[0.0], [1.0]]])
    y = torch.tensor([[[1e4], [0.0]]])
    y_mask = torch.tensor([[True, False]])
    weights = attend(Batch(x, y, torch.ones(1, 2, dtype=torch.bool), y_mask), torch.tensor(sharpness))
    # 9,999 is nearer than 10,000; what stands in the padded place is nearer still, and must not count.
    assert weights[0, 1] > weights[0, 0]
    torch.testing.assert_close(weights.sum(), ONE)


@given(st.floats(0.5, 50.0), st.integers(0, 1000))
def test_an_echoed_neighbour_outweighs_a_stranger(away: float, seed: int) -> None:
    some = torch.Generator().manual_seed(seed)
    shared = torch.randn(1, 1, WIDTH, generator=some)
    direction = torch.nn.functional.normalize(torch.randn(1, 1, WIDTH, generator=some), dim=2)
    mine = torch.cat([shared, shared + away * direction], dim=1)
    theirs = torch.cat([shared, shared - away * direction], dim=1)
    both = torch.ones(1, 2, dtype=torch.bool)
    weights = attend(Batch(mine, theirs, both, both))
    assert weights[0, 0] > weights[0, 1]


def test_nothing_to_compare_with_weighs_all_alike() -> None:
    x = torch.randn(2, 3, WIDTH, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[True, True, False], [True, True, True]])
    nobody = torch.zeros(2, 2, dtype=torch.bool)
    weights = attend(Batch(x, x[:, :2], mask, nobody))
    torch.testing.assert_close(weights, mask / mask.sum(1, keepdim=True))


def test_isolated_entities_get_no_weights() -> None:
    nobody = torch.zeros(1, 2, dtype=torch.bool)
    somebody = torch.ones(1, 2, dtype=torch.bool)
    z = torch.zeros(1, 2, WIDTH)
    for mask in (nobody, somebody):
        assert not attend(Batch(z, z, nobody, mask)).any()


@given(batches(), st.integers(0, 1000))
def test_self_attention_agrees_with_loops(b: Batch, seed: int) -> None:
    some = torch.Generator().manual_seed(seed)
    own = torch.randn(len(b.x), 1, WIDTH, generator=some)
    bias = torch.randn(*b.x.shape[:2], 2 * WIDTH, generator=some)
    z = b.x.clamp(-20, 20)
    weights = self_log_attention(own, z, bias, b.x_mask).exp() * b.x_mask
    expected = torch.zeros(b.x_mask.shape)
    for i in range(len(z)):
        logits = {}
        for j in range(z.shape[1]):
            if b.x_mask[i, j]:
                both = [*own[i, 0].tolist(), *z[i, j].tolist()]
                dot = sum(a * v for a, v in zip(bias[i, j].tolist(), both, strict=True))
                logits[j] = dot if dot > 0 else 0.2 * dot
        top = max(logits.values(), default=0.0)
        for j, logit in logits.items():
            expected[i, j] = math.exp(logit - top) / sum(math.exp(v - top) for v in logits.values())
    torch.testing.assert_close(weights, expected, atol=1e-4, rtol=1e-3)


@given(batches())
def test_combined_weights_are_the_renormalised_product(b: Batch) -> None:
    some = torch.Generator().manual_seed(3)
    alpha = torch.rand(b.x_mask.shape, generator=some) * b.x_mask
    beta = torch.rand(b.x_mask.shape, generator=some) * b.x_mask
    product = alpha * beta
    expected = product / product.sum(1, keepdim=True).clamp_min(1e-12)
    weights = combined_attention(alpha.clamp_min(1e-30).log(), beta.clamp_min(1e-30).log(), b.x_mask)
    torch.testing.assert_close(weights, expected, atol=1e-5, rtol=1e-4)
