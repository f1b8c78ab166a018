"""The shape of the network and of the scorer, their switches, and how they learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crossgraph.errors import ConfigError

# Intervals of each column of evidence, at most.
BINS = 8
# Numbers that the head compares two vectors by beside their places, and the width of its hidden layer.
COMPARED, HEAD_WIDTH = 11, 32

# What a network says of a pair, in the order of its columns.
SAID = (
    "collective:score",
    "collective:nearness",
    "collective:cosine",
    *(f"collective:{end} {what}" for end in ("less", "more") for what in ("echo", "echoes", "rare echoes")),
)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class ScorerOptions:
    """The shape of the pair scorer.

    hidden    width of its hidden layer
    dropout   share of hidden units silenced in training, in [0, 1)
    """

    hidden: int = 64
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if self.hidden < 1:
            raise ConfigError(f"[scorer] hidden = {self.hidden}", hint="use 1 or more")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"[scorer] dropout = {self.dropout}", hint="use a number in [0, 1)")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingOptions:
    """How the network and the scorer learn.

    rounds                 rounds of scoring; each later one hears what the one before believed
    loss                   binary: cross-entropy of the logits; margin: hinge of every match on every negative
    margin                 how far a match is to score above a negative, with loss = margin
    negatives              pairs that are not the same, drawn anew for each match and epoch (count)
    farther                neighbours of each neighbour that the network learns from, at most (count)
    negatives_from         blocking: labelled candidates; random: right entities of the type; mixed: half each
    batch                  pairs in a step of the network, at most
    epochs                 passes of the network over the matches, at least
    steps                  steps of the network, at least, where matches are few
    learning_rate          peak of the network's one-cycle schedule
    scorer_negatives       candidates that are not the same, for each match (count); the rest is left out
    scorer_batch           pairs in a step of the scorer, at most
    scorer_epochs          passes of the scorer over its pairs, at least
    scorer_steps           steps of the scorer, at least, where pairs are few
    scorer_learning_rate   peak of the scorer's one-cycle schedule
    weight_decay           of both
    """

    rounds: int = 2
    loss: Literal["binary", "margin"] = "binary"
    margin: float = 1.0
    negatives: int = 5
    farther: int = 5
    negatives_from: Literal["blocking", "random", "mixed"] = "blocking"
    batch: int = 384
    epochs: int = 4
    steps: int = 30
    learning_rate: float = 0.012
    scorer_negatives: int = 8
    scorer_batch: int = 512
    scorer_epochs: int = 12
    scorer_steps: int = 150
    scorer_learning_rate: float = 0.006
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        for name, known in (
            ("loss", ("binary", "margin")),
            ("negatives_from", ("blocking", "random", "mixed")),
        ):
            if getattr(self, name) not in known:
                hint = f"use {', '.join(known[:-1])} or {known[-1]}"
                raise ConfigError(f"[training] {name} = {getattr(self, name)!r}", hint=hint)
        for name in ("learning_rate", "scorer_learning_rate", "margin"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"[training] {name} = {getattr(self, name)}", hint="use more than 0")
        if not self.weight_decay >= 0:
            raise ConfigError(f"[training] weight_decay = {self.weight_decay}", hint="use 0 or more")
        for name in (
            "rounds",
            "negatives",
            "farther",
            "batch",
            "epochs",
            "steps",
            "scorer_batch",
            "scorer_epochs",
            "scorer_steps",
            "scorer_negatives",
        ):
            if getattr(self, name) < 1:
                raise ConfigError(f"[training] {name} = {getattr(self, name)}", hint="use 1 or more")
