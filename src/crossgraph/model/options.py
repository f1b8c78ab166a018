"""The shape of the network, and its switches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crossgraph.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOptions:
    """The shape of the network, and its switches.

    width                 floats in each entity's vector, even
    layers                hops of neighbourhood that a vector sees
    collective_layers     which layers see the partner: the last one, or both of two
    self_attention        learn which neighbours tell look-alikes apart
    cross_attention       weigh neighbours by their echo in the other graph
    known_likeness        neighbours of like names echo each other, however far their vectors are
    attribute_attention   learn which of an entity's own attributes matter; otherwise their mean
    type_projection       a learned projection of own attributes for each entity type
    head                  comparison: learned from both vectors; distance: their distance alone, as published
    """

    width: int = 64
    layers: int = 2
    collective_layers: Literal["last", "both"] = "last"
    self_attention: bool = True
    cross_attention: bool = True
    known_likeness: bool = True
    attribute_attention: bool = True
    type_projection: bool = False
    head: Literal["comparison", "distance"] = "comparison"

    def __post_init__(self) -> None:
        for name, known in (("collective_layers", ("last", "both")), ("head", ("comparison", "distance"))):
            if getattr(self, name) not in known:
                hint = f"use {known[0]} or {known[1]}"
                raise ConfigError(f"[model] {name} = {getattr(self, name)!r}", hint=hint)
        if self.width < 2 or self.width % 2:
            raise ConfigError(f"[model] width = {self.width}", hint="use an even number, 2 or more")
        if self.layers < 1:
            raise ConfigError(f"[model] layers = {self.layers}", hint="use 1 or more")
        if self.collective_layers == "both" and self.layers != 2:
            raise ConfigError(
                f'[model] collective_layers = "both" with layers = {self.layers}',
                hint='both means two: set layers = 2, or collective_layers = "last"',
            )
