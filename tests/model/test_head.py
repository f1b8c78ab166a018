"""From two vectors to one number: by distance alone, or by a learned comparison."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.features.tokens import OWN_WIDTH
from crossgraph.model.head import Compared, ComparisonHead, DistanceHead, head_of, length
from crossgraph.model.options import ModelOptions

WIDTH, PAIRS = 6, 20


def some_pairs(seed: int) -> Compared:
    torch.manual_seed(seed)
    own = torch.randn(2, PAIRS, OWN_WIDTH)
    return Compared(
        torch.randn(PAIRS, WIDTH), torch.randn(PAIRS, WIDTH), (own[0], own[1]), torch.rand(PAIRS, 6)
    )


def some_head(seed: int, name: str) -> torch.nn.Module:
    torch.manual_seed(seed)
    head = head_of(ModelOptions(width=WIDTH, head=name))
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return head


@given(st.integers(0, 1000))
def test_the_distance_head_ranks_by_distance_alone(seed: int) -> None:
    seen, head = some_pairs(seed), some_head(seed, "distance")
    order = torch.argsort(length(seen.left - seen.right))
    logits = head(seen)
    assert (logits[order].diff() <= 0).all()
    assert logits[order[0]] > logits[order[-1]]
    other = some_pairs(seed + 1)
    assert torch.equal(head(replace(seen, level0=other.level0, echo=other.echo)), logits)
    shift = torch.randn(WIDTH)
    moved = head(replace(seen, left=seen.left + shift, right=seen.right + shift))
    torch.testing.assert_close(moved, logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["comparison", "distance"])
@given(seed=st.integers(0, 1000))
def test_turned_round_a_pair_gets_the_same_logit(name: str, seed: int) -> None:
    seen, head = some_pairs(seed), some_head(seed, name)
    turned = Compared(seen.right, seen.left, seen.level0[::-1], seen.echo)
    torch.testing.assert_close(head(turned), head(seen), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("field", ["left", "right", "level0", "echo"])
def test_the_comparison_head_looks_at_everything(field: str) -> None:
    seen, head = some_pairs(0), some_head(0, "comparison")
    changed = replace(seen, **{field: getattr(some_pairs(1), field)})
    assert (head(changed) != head(seen)).any()


@pytest.mark.parametrize("name", ["comparison", "distance"])
@pytest.mark.parametrize("scale", [0.0, 1e-20, 1.0, 1e6])
def test_equal_tiny_and_huge_vectors_have_finite_gradients(name: str, scale: float) -> None:
    seen, head = some_pairs(0), some_head(0, name)
    vectors = [(scale * v).requires_grad_() for v in (seen.left, seen.right, *seen.level0)]
    for right in (vectors[1], vectors[0]):
        logits = head(Compared(vectors[0], right, (vectors[2], vectors[3]), seen.echo))
        assert logits.isfinite().all()
        logits.sum().backward()
    assert all(v.grad is None or v.grad.isfinite().all() for v in vectors)
    assert all(p.grad.isfinite().all() for p in head.parameters())


def test_the_options_name_the_head() -> None:
    assert isinstance(head_of(ModelOptions(head="distance")), DistanceHead)
    assert isinstance(head_of(ModelOptions()), ComparisonHead)
