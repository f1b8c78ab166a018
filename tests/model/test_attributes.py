from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.errors import ConfigError
from crossgraph.features.tokens import TEXT_WIDTH
from crossgraph.model.encoder import AttributeEncoder, CollectiveLayer, ModelOptions, RelationTransform
from crossgraph.model.inputs import SideTensors

SLOTS, ENTITIES, FACTS, TEXTS, WIDTH = 4, 5, 3, 6, 8
EVERYONE = torch.arange(ENTITIES)


def some_facts(seed: int) -> tuple[SideTensors, torch.Tensor]:
    """Random facts of five entities, the last of them without any, and a sketch of six texts."""
    some = torch.Generator().manual_seed(seed)
    numbers = torch.randn(ENTITIES, FACTS, generator=some)
    is_text = torch.rand(ENTITIES, FACTS, generator=some) < 0.5
    tokens = torch.rand(ENTITIES, FACTS, generator=some) < 0.7
    tokens[-1] = False
    nobody = torch.zeros(ENTITIES, 1, dtype=torch.int32)
    side = SideTensors(
        attributes=torch.randint(0, SLOTS, (ENTITIES, FACTS), generator=some, dtype=torch.int32),
        texts=torch.randint(0, TEXTS, (ENTITIES, FACTS), generator=some, dtype=torch.int32) * is_text,
        numbers=numbers.masked_fill(is_text, torch.nan),
        tokens=tokens,
        neighbours=nobody,
        relations=nobody,
        mask=nobody.bool(),
    )
    sketch = torch.nn.functional.normalize(torch.randn(TEXTS, TEXT_WIDTH, generator=some), dim=1)
    sketch[0] = 0
    return side, sketch


def some_encoder(seed: int, *, attend: bool = True) -> AttributeEncoder:
    torch.manual_seed(seed)
    encoder = AttributeEncoder(SLOTS, ModelOptions(width=WIDTH, attribute_attention=attend))
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return encoder


@given(st.integers(0, 1000))
def test_facts_come_in_any_order(seed: int) -> None:
    side, sketch = some_facts(seed)
    encoder = some_encoder(seed)
    order = torch.randperm(FACTS, generator=torch.Generator().manual_seed(seed))
    turned = replace(
        side,
        attributes=side.attributes[:, order],
        texts=side.texts[:, order],
        numbers=side.numbers[:, order],
        tokens=side.tokens[:, order],
    )
    torch.testing.assert_close(encoder(turned, sketch, EVERYONE), encoder(side, sketch, EVERYONE))


@given(st.integers(0, 1000))
def test_what_stands_in_padded_places_is_not_read(seed: int) -> None:
    side, sketch = some_facts(seed)
    encoder = some_encoder(seed)
    other = replace(
        side,
        attributes=torch.where(side.tokens, side.attributes, SLOTS - 1),
        numbers=torch.where(side.tokens, side.numbers, torch.tensor(7.0)),
    )
    torch.testing.assert_close(encoder(other, sketch, EVERYONE), encoder(side, sketch, EVERYONE))


def test_an_entity_without_facts_is_zero() -> None:
    side, sketch = some_facts(0)
    own = some_encoder(0)(side, sketch, EVERYONE)
    assert not own[-1].any()
    assert own[side.tokens.any(dim=1)].any(dim=1).all()


def test_without_attribute_attention_facts_are_averaged() -> None:
    side, sketch = some_facts(1)
    encoder = some_encoder(1, attend=False)
    singles = [
        encoder(replace(side, tokens=side.tokens & (torch.arange(FACTS) == place)), sketch, EVERYONE)
        for place in range(FACTS)
    ]
    mean = torch.stack(singles).sum(0) / side.tokens.sum(1, keepdim=True).clamp_min(1)
    torch.testing.assert_close(encoder(side, sketch, EVERYONE), mean)


def test_a_weightier_attribute_pulls_the_vector_its_way() -> None:
    side, sketch = some_facts(2)
    side = replace(
        side,
        tokens=torch.ones(ENTITIES, FACTS, dtype=torch.bool),
        attributes=torch.tensor([[0, 1, 2]] * ENTITIES, dtype=torch.int32),
    )
    encoder = some_encoder(2)
    alone = encoder(replace(side, tokens=side.tokens & (torch.arange(FACTS) == 1)), sketch, EVERYONE)
    gaps = []
    for weight in (0.0, 2.0, 8.0):
        encoder.weigh(np.array([0.0, weight, 0.0, 0.0], dtype=np.float32))
        gaps.append((encoder(side, sketch, EVERYONE) - alone).norm(dim=1))
    assert (gaps[0] > gaps[1]).all()
    assert (gaps[1] > gaps[2]).all()


@given(st.integers(0, 1000), st.integers(0, 12))
def test_messages_are_each_through_the_matrix_of_its_relation(seed: int, edges: int) -> None:
    torch.manual_seed(seed)
    transform = RelationTransform(6, WIDTH)
    torch.nn.init.normal_(transform.relation)
    h = torch.randn(4, WIDTH)
    rows, relations = torch.randint(0, 4, (edges,)), torch.randint(0, 6, (edges,))
    sent = transform(h, rows, relations)
    assert sent.shape == (edges, WIDTH // 2)
    for edge in range(edges):
        torch.testing.assert_close(sent[edge], transform.relation[relations[edge]] @ h[rows[edge]])


def test_before_training_self_attention_weighs_all_relations_alike() -> None:
    torch.manual_seed(0)
    layer = CollectiveLayer(6, ModelOptions(width=WIDTH))
    mask = torch.tensor([[True, True, False], [True, True, True]])
    own, z = torch.randn(2, WIDTH // 2), torch.randn(2, 3, WIDTH // 2)
    beta = layer.log_beta(own, z, torch.tensor([[0, 1, 2], [3, 4, 5]]), mask).exp() * mask
    torch.testing.assert_close(beta, mask / mask.sum(1, keepdim=True))


@pytest.mark.parametrize("width", [-2, 0, 1, 7])
def test_an_odd_or_small_width_is_refused(width: int) -> None:
    with pytest.raises(ConfigError, match=f"width = {width}"):
        ModelOptions(width=width)
