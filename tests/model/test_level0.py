from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.features.tokens import OWN_WIDTH, TEXT_WIDTH
from crossgraph.model.attributes import NUMBERS_AT_FIRST, AttributeEncoder
from crossgraph.model.inputs import SideTensors
from crossgraph.model.options import ModelOptions

SLOTS, TYPES, ENTITIES, FACTS, TEXTS = 4, 3, 5, 3, 6
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
        types=torch.randint(-1, TYPES, (ENTITIES, 2), generator=some, dtype=torch.int32),
        neighbours=nobody,
        relations=nobody,
        mask=nobody.bool(),
        rarity=torch.ones(ENTITIES),
    )
    sketch = torch.nn.functional.normalize(torch.randn(TEXTS, TEXT_WIDTH, generator=some), dim=1)
    sketch[0] = 0
    return side, sketch


def some_encoder(seed: int, *, attend: bool = True, project: bool = True) -> AttributeEncoder:
    torch.manual_seed(seed)
    options = ModelOptions(attribute_attention=attend, type_projection=project)
    encoder = AttributeEncoder(SLOTS, TYPES, options)
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=min(0.5, parameter.shape[-1] ** -0.5))
    return encoder


def own(encoder: AttributeEncoder, side: SideTensors, sketch: torch.Tensor) -> torch.Tensor:
    return encoder(side, sketch, EVERYONE)


def of_types(side: SideTensors, types: list[int]) -> SideTensors:
    """The same side, all entities being of some types."""
    return replace(side, types=torch.tensor([types] * ENTITIES, dtype=torch.int32))


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
    torch.testing.assert_close(own(encoder, turned, sketch), own(encoder, side, sketch))


@given(st.integers(0, 1000))
def test_what_stands_in_padded_places_is_not_read(seed: int) -> None:
    side, sketch = some_facts(seed)
    encoder = some_encoder(seed)
    other = replace(
        side,
        attributes=torch.where(side.tokens, side.attributes, SLOTS - 1),
        texts=torch.where(side.tokens, side.texts, TEXTS - 1),
        numbers=torch.where(side.tokens, side.numbers, torch.tensor(7.0)),
        types=torch.cat([side.types, torch.full((ENTITIES, 2), -1)], dim=1),
    )
    torch.testing.assert_close(own(encoder, other, sketch), own(encoder, side, sketch))


def test_an_entity_without_facts_is_zero() -> None:
    side, sketch = some_facts(0)
    vectors = own(some_encoder(0), side, sketch)
    assert vectors.shape == (ENTITIES, OWN_WIDTH)
    assert not vectors[-1].any()
    assert vectors[side.tokens.any(dim=1)].any(dim=1).all()


def test_without_attribute_attention_facts_are_averaged() -> None:
    side, sketch = some_facts(1)
    encoder = some_encoder(1, attend=False)
    singles = [
        own(encoder, replace(side, tokens=side.tokens & (torch.arange(FACTS) == place)), sketch)
        for place in range(FACTS)
    ]
    mean = torch.stack(singles).sum(0) / side.tokens.sum(1, keepdim=True).clamp_min(1)
    torch.testing.assert_close(own(encoder, side, sketch), mean)


def test_a_weightier_attribute_pulls_the_vector_its_way() -> None:
    side, sketch = some_facts(2)
    side = replace(
        side,
        tokens=torch.ones(ENTITIES, FACTS, dtype=torch.bool),
        attributes=torch.tensor([[0, 1, 2]] * ENTITIES, dtype=torch.int32),
    )
    encoder = some_encoder(2)
    alone = own(encoder, replace(side, tokens=side.tokens & (torch.arange(FACTS) == 1)), sketch)
    gaps = []
    for weight in (0.0, 2.0, 8.0):
        encoder.weigh(np.array([0.0, weight, 0.0, 0.0], dtype=np.float32))
        gaps.append((own(encoder, side, sketch) - alone).norm(dim=1))
    assert (gaps[0] > gaps[1]).all()
    assert (gaps[1] > gaps[2]).all()


@given(st.integers(0, 1000), st.permutations(range(TYPES)))
def test_an_entity_of_several_types_is_projected_by_their_mean(seed: int, types: list[int]) -> None:
    (side, sketch), encoder = some_facts(seed), some_encoder(seed)
    singles = [own(encoder, of_types(side, [kind, -1]), sketch) for kind in types]
    together = own(encoder, of_types(side, [-1, *types]), sketch)
    torch.testing.assert_close(together, torch.stack(singles).mean(0), atol=1e-5, rtol=1e-5)
    two = own(encoder, of_types(side, [types[0], -1, types[1]]), sketch)
    torch.testing.assert_close(two, torch.stack(singles[:2]).mean(0), atol=1e-5, rtol=1e-5)


def test_no_type_and_a_type_that_training_never_saw_leave_the_vector_as_it_is() -> None:
    (side, sketch), encoder, plain = some_facts(3), some_encoder(3), some_encoder(3, project=False)
    plain.load_state_dict(encoder.state_dict(), strict=False)
    with torch.no_grad():
        encoder.projections[2] = AttributeEncoder(SLOTS, TYPES, encoder.options).projections[2]
    expected = own(plain, side, sketch)
    for types in ([-1, -1], [2, -1], [2, 2]):
        torch.testing.assert_close(own(encoder, of_types(side, types), sketch), expected)
    assert not torch.allclose(own(encoder, of_types(side, [0]), sketch), expected)
    assert not hasattr(plain, "projections")


def test_at_first_a_text_is_its_sketch_and_a_number_its_waves() -> None:
    side, sketch = some_facts(4)
    side = replace(side, tokens=torch.eye(FACTS, dtype=torch.bool)[torch.arange(ENTITIES) % FACTS])
    at_start = AttributeEncoder(SLOTS, TYPES, ModelOptions(type_projection=True))
    place = torch.arange(ENTITIES), torch.arange(ENTITIES) % FACTS
    vectors = own(at_start, side, sketch)
    torch.testing.assert_close(vectors[:, :TEXT_WIDTH], sketch[side.texts[place]])
    waves = (vectors[:, TEXT_WIDTH:] / NUMBERS_AT_FIRST).reshape(ENTITIES, 2, -1)
    # A sine and a cosine of one angle; nothing where the fact is a text.
    is_number = ~side.numbers[place].isnan()
    torch.testing.assert_close(
        waves.square().sum(1), is_number.float().unsqueeze(1).expand(-1, waves.shape[2])
    )
    assert is_number.any()
    assert not is_number.all()


def test_one_thread_is_the_first_to_call_functions_that_look_at_the_processor():
    code = (
        "import torch\ncalled = []\n"
        "def watched(name, function):\n"
        "    return lambda value: called.append(name) or function(value)\n"
        "for name in ('exp', 'sin', 'cos', 'sqrt'):\n"
        "    setattr(torch, name, watched(name, getattr(torch, name)))\n"
        "import crossgraph.model.network\nprint(*called)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["exp", "sin", "cos", "sqrt"]
