from __future__ import annotations

import pytest

from crossgraph.errors import ConfigError
from crossgraph.model.options import ModelOptions


@pytest.mark.parametrize("width", [-2, 0, 1, 7])
def test_an_odd_or_small_width_is_refused(width: int) -> None:
    with pytest.raises(ConfigError, match=rf"\[model\] width = {width}\b"):
        ModelOptions(width=width)


@pytest.mark.parametrize("layers", [-1, 0])
def test_no_layers_are_refused(layers: int) -> None:
    with pytest.raises(ConfigError, match=rf"\[model\] layers = {layers}\b"):
        ModelOptions(layers=layers)


@pytest.mark.parametrize("layers", [1, 3])
def test_both_layers_are_two(layers: int) -> None:
    with pytest.raises(ConfigError, match=f'"both" with layers = {layers}') as refused:
        ModelOptions(layers=layers, collective_layers="both")
    assert refused.value.hint is not None
    assert "layers = 2" in refused.value.hint
    assert ModelOptions(layers=layers, collective_layers="last").layers == layers
    assert ModelOptions(collective_layers="both").layers == 2


@pytest.mark.parametrize(("name", "value"), [("head", "nonsense"), ("collective_layers", "all")])
def test_what_is_no_choice_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} = '{value}'"):
        ModelOptions(**{name: value})
