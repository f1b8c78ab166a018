"""One hop and its parts: the matrices of relations and types, attention before training."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.model.layer import AROUND_AT_FIRST, CollectiveLayer, RelationTransform
from crossgraph.model.matrices import through_matrices
from crossgraph.model.options import ModelOptions
from crossgraph.model.plan import Edges
from model.samples import some_pair

WIDTH, KINDS = 8, 6


@given(st.integers(0, 1000), st.integers(0, 12), st.integers(1, 9), st.integers(1, 9))
def test_each_vector_goes_through_the_matrix_of_its_kind(
    seed: int, count: int, inside: int, outside: int
) -> None:
    some = torch.Generator().manual_seed(seed)
    h = torch.randn(4, inside, generator=some)
    matrices = torch.randn(KINDS, outside, inside, generator=some)
    rows = torch.randint(0, 4, (count,), generator=some)
    kinds = torch.randint(0, KINDS, (count,), generator=some).sort().values
    sent = through_matrices(h, rows, torch.bincount(kinds, minlength=KINDS).tolist(), matrices)
    assert sent.shape == (count, outside)
    for place in range(count):
        torch.testing.assert_close(sent[place], matrices[kinds[place]] @ h[rows[place]])


@given(st.integers(0, 1000), st.integers(1, 12))
def test_matrices_learn_from_their_own_vectors_alone(seed: int, count: int) -> None:
    some = torch.Generator().manual_seed(seed)
    h = torch.randn(4, 3, generator=some)
    matrices = torch.randn(KINDS, 2, 3, generator=some).requires_grad_()
    rows = torch.randint(0, 4, (count,), generator=some)
    kinds = torch.randint(0, KINDS, (count,), generator=some)
    counts = torch.bincount(kinds, minlength=KINDS).tolist()
    through_matrices(h, rows, counts, matrices).sum().backward()
    learned = torch.nonzero(matrices.grad.abs().sum((1, 2))).flatten()
    assert set(learned.tolist()) == set(kinds.tolist())


def all_by(kind: int, count: int) -> Edges:
    """Each of so many entities hears of the one in its own row, by one relation."""
    side = replace(
        some_pair(0, (count, 5)).left,
        neighbours=torch.arange(count, dtype=torch.int32).unsqueeze(1),
        relations=torch.full((count, 1), kind, dtype=torch.int32),
        mask=torch.ones(count, 1, dtype=torch.bool),
    )
    everyone = torch.arange(count)
    return Edges.of(side, everyone, KINDS, everyone.device, where=everyone.numpy())


@pytest.mark.parametrize("inside", [WIDTH, 5])
def test_at_first_all_relations_say_nearly_the_same(inside: int) -> None:
    torch.manual_seed(0)
    transform = RelationTransform(KINDS, inside, WIDTH)
    h = torch.nn.functional.normalize(torch.randn(20, inside), dim=1)
    by_each = torch.stack([transform(h, all_by(kind, 20))[:, 0] for kind in range(KINDS)])
    assert (by_each - by_each[:1]).norm(dim=2).max() < 0.2
    assert by_each.norm(dim=2).mean() > 0.2
    assert transform.own_part(h).shape == (20, WIDTH // 2)


def test_at_first_what_a_neighbour_is_counts_for_more_than_what_lies_around_it() -> None:
    torch.manual_seed(0)
    sizes = RelationTransform(KINDS, 64, 64).relation.norm(dim=(0, 1))
    assert sizes[32:].mean() < 2 * AROUND_AT_FIRST * sizes[:32].mean()


def test_before_training_self_attention_weighs_all_relations_alike() -> None:
    torch.manual_seed(0)
    layer = CollectiveLayer(KINDS, WIDTH, ModelOptions(width=WIDTH))
    mask = torch.tensor([[True, True, False], [True, True, True]])
    own, z = torch.randn(2, WIDTH // 2), torch.randn(2, 3, WIDTH // 2)
    beta = layer.log_beta(own, z, torch.tensor([[0, 1, 2], [3, 4, 5]]), mask).exp() * mask
    torch.testing.assert_close(beta, mask / mask.sum(1, keepdim=True))


def test_without_cross_attention_the_weights_are_those_of_self_attention() -> None:
    torch.manual_seed(0)
    layer = CollectiveLayer(KINDS, WIDTH, ModelOptions(width=WIDTH, cross_attention=False))
    mask = torch.tensor([[True, False, True], [False, False, False]])
    z = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    beta = tuple(torch.log_softmax(torch.randn(2, 3).masked_fill(~mask, -1e30), dim=1) for _ in z)
    weights = layer.pair_weights(z, beta, (mask, mask), alike=torch.ones(2, 3, 3))
    for got, expected in ((weights.left, beta[0]), (weights.right, beta[1])):
        torch.testing.assert_close(got, expected.exp() * mask)


def test_an_entity_without_neighbours_is_its_own_part_and_nothing_around() -> None:
    torch.manual_seed(0)
    layer = CollectiveLayer(KINDS, WIDTH, ModelOptions(width=WIDTH))
    own, z = torch.randn(1, WIDTH // 2), torch.randn(1, 3, WIDTH // 2)
    alone = layer.alone(own, z, torch.zeros(1, 3, dtype=torch.int64), torch.zeros(1, 3, dtype=torch.bool))
    torch.testing.assert_close(alone[:, : WIDTH // 2], torch.nn.functional.leaky_relu(own, 0.2))
    assert not alone[:, WIDTH // 2 :].any()
