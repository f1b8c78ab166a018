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
    echo_amounts,
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


def test_equal_vectors_are_at_no_distance_however_many_there_are() -> None:
    z = 100.0 + torch.randn(1, 40, 64, generator=torch.Generator().manual_seed(0))
    real = torch.ones(1, 40, dtype=torch.bool)
    near = torch.diagonal(log_affinity((z, z), (real, real), ONE), dim1=1, dim2=2)
    assert (near == 0).all()
    quick = torch.diagonal(log_affinity((z, z), (real, real), ONE, quickly=True), dim1=1, dim2=2)
    assert (quick < 0).any(), "or else the default could be quick"


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


def some_alike(b: Batch, seed: int) -> Tensor:
    some = torch.Generator().manual_seed(seed)
    alike = torch.rand(*b.x_mask.shape, b.y.shape[1], generator=some)
    return torch.where(alike < 0.5, 0.0, 2 * alike - 1)


@given(batches(), st.integers(0, 1000), st.booleans())
def test_what_is_known_takes_its_share_of_the_distance(b: Batch, seed: int, quickly: bool) -> None:
    alike, masks = some_alike(b, seed), (b.x_mask, b.y_mask)
    got = log_affinity((b.x, b.y), masks, 2 * ONE, alike, quickly=quickly)
    # Products of large numbers forget small distances between them.
    loss = 1e-3 * float(b.x.abs().max() + b.y.abs().max()) if quickly else 1e-5
    for i in range(len(b.x)):
        for p in range(b.x.shape[1]):
            for q in range(b.y.shape[1]):
                if b.x_mask[i, p] and b.y_mask[i, q]:
                    far = 2 * math.dist(b.x[i, p].tolist(), b.y[i, q].tolist())
                    expected = -far * (1 - alike[i, p, q].item())
                    assert got[i, p, q].item() == pytest.approx(expected, abs=2 * loss, rel=1e-4)
                else:
                    assert got[i, p, q] == -torch.inf


@given(batches(), st.integers(0, 1000))
def test_to_know_more_of_a_neighbour_never_takes_attention_from_it(b: Batch, seed: int) -> None:
    alike, masks = some_alike(b, seed), (b.x_mask, b.y_mask)
    more = alike.clone()
    more[:, 0] = (more[:, 0] + 0.3).clamp_max(1.0)
    before, after = (
        cross_graph_log_attention(log_affinity((b.x, b.y), masks, ONE, known), b.x_mask).exp() * b.x_mask
        for known in (alike, more)
    )
    assert (after[:, 0] >= before[:, 0] - 1e-5).all()
    assert (after[:, 1:] <= before[:, 1:] + 1e-5).all()


def amounts(b: Batch, seed: int, alike: Tensor | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Echo amounts, and the rarity of both sides' neighbours."""
    some = torch.Generator().manual_seed(seed)
    masks = b.x_mask, b.y_mask
    affinity = log_affinity((b.x, b.y), masks, ONE, alike)
    beta = tuple(masked_log_softmax(torch.randn(m.shape, generator=some), m) for m in masks)
    rarity = tuple(torch.rand(m.shape, generator=some) for m in masks)
    return echo_amounts(affinity, beta, rarity), rarity


@given(batches(), st.integers(0, 1000))
def test_echo_amounts_agree_with_loops(b: Batch, seed: int) -> None:
    near = Batch(b.x.clamp(-20, 20), b.y.clamp(-20, 20), b.x_mask, b.y_mask)
    some = torch.Generator().manual_seed(seed)
    beta = [masked_log_softmax(torch.randn(m.shape, generator=some), m) for m in (b.x_mask, b.y_mask)]
    rarity = [torch.rand(m.shape, generator=some) for m in (b.x_mask, b.y_mask)]
    got = amounts(near, seed)[0]
    for i in range(len(near.x)):
        sides = []
        for mine, theirs, log_beta, rare in zip(
            (near, near.turned()), (near.turned(), near), beta, rarity, strict=True
        ):
            real = [p for p in range(mine.x.shape[1]) if mine.x_mask[i, p]]
            others = [theirs.x[i, q].tolist() for q in range(theirs.x.shape[1]) if theirs.x_mask[i, q]]
            heard = [
                max((math.exp(-math.dist(mine.x[i, p].tolist(), q)) for q in others), default=0.0)
                for p in real
            ]
            weights = [(math.exp(log_beta[i, p]), 1.0, rare[i, p].item()) for p in real]
            sides.append([sum(w[k] * e for w, e in zip(weights, heard, strict=True)) for k in range(3)])
        expected = torch.tensor([*map(min, *sides), *map(max, *sides)], dtype=torch.float32)
        torch.testing.assert_close(got[i], expected, atol=1e-5, rtol=1e-4)


@given(batches(), st.integers(0, 1000))
def test_echo_amounts_are_bounded_by_what_is_there(b: Batch, seed: int) -> None:
    echo, rarity = amounts(b, seed)
    smaller, larger = echo[:, :3], echo[:, 3:]
    assert (smaller >= 0).all()
    assert (smaller <= larger).all()
    assert (larger[:, 0] <= 1 + 1e-5).all()
    counts = [m.sum(1).float() for m in (b.x_mask, b.y_mask)]
    rare = [(r * m).sum(1) for r, m in zip(rarity, (b.x_mask, b.y_mask), strict=True)]
    for column, most in ((1, counts), (2, rare)):
        assert (larger[:, column] <= torch.maximum(*most) + 1e-5).all()
    # Who has no neighbours, on either side, hears and makes no echo.
    assert not echo[torch.minimum(*counts) == 0].any()


@given(batches(), st.integers(0, 1000))
def test_sure_neighbours_echo_fully_and_more_known_is_more_echo(b: Batch, seed: int) -> None:
    alike = some_alike(b, seed)
    nothing, some, sure = (amounts(b, seed, known)[0] for known in (None, alike, torch.ones_like(alike)))
    assert (some >= nothing - 1e-5).all()
    assert (sure >= some - 1e-5).all()
    met = b.x_mask.any(1) & b.y_mask.any(1)
    torch.testing.assert_close(sure[met][:, [0, 3]], torch.ones(int(met.sum()), 2))


@given(batches(), st.integers(0, 1000))
def test_gradients_of_echo_amounts_and_known_likeness_are_finite(b: Batch, seed: int) -> None:
    x, y = b.x.clone().requires_grad_(), b.y.clone().requires_grad_()
    sharp = torch.tensor(4.0, requires_grad=True)
    affinity = log_affinity((x, y), (b.x_mask, b.y_mask), sharp, some_alike(b, seed))
    betas = masked_log_softmax(x.sum(2), b.x_mask), masked_log_softmax(y.sum(2), b.y_mask)
    echo = echo_amounts(affinity, betas, (torch.ones(b.x_mask.shape), torch.ones(b.y_mask.shape)))
    weights = combined_attention(cross_graph_log_attention(affinity, b.x_mask), betas[0], b.x_mask)
    assert echo.isfinite().all()
    (echo.sum() + (weights * torch.arange(1.0, weights.shape[1] + 1)).sum()).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in (x, y, sharp))


@pytest.mark.parametrize("sizes", [(0, 2), (2, 0), (0, 0)])
def test_no_places_for_neighbours_give_no_echo(sizes: tuple[int, int]) -> None:
    x, y = (torch.zeros(3, size, WIDTH, requires_grad=True) for size in sizes)
    masks = tuple(torch.ones(3, size, dtype=torch.bool) for size in sizes)
    affinity = log_affinity((x, y), masks, ONE)
    echo = echo_amounts(affinity, (x.sum(2), y.sum(2)), (x.sum(2), y.sum(2)))
    assert echo.shape == (3, 6)
    assert not echo.any()
