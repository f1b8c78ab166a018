"""All settings in one place: each stage's options, gathered, read from TOML and written back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crossgraph._space import size_of
from crossgraph.blocking.combine import BlockingOptions
from crossgraph.decisions import DecisionOptions
from crossgraph.encoding import BUILT_IN, EncodingOptions
from crossgraph.errors import ConfigError
from crossgraph.model.options import ModelOptions, ScorerOptions, TrainingOptions
from crossgraph.sampling import SamplingOptions
from crossgraph.schema.estimate import SchemaOptions
from crossgraph.settings import read_toml, to_toml, with_overrides


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """The run as a whole.

    seed      makes every random choice; the same seed gives the same result
    device    where the network runs: cpu, cuda, or another that torch knows
    engine    where align blocks, trains and scores: local (in this process) or ray (docs/cluster.md)
    memory    what align may take, such as 8GB: what has no room lies in files; "" for all that there is
    """

    seed: int = 0
    device: str = "cpu"
    engine: str = "local"
    memory: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 1 << 32:
            raise ConfigError(f"[run] seed = {self.seed}", hint="use a number from 0 to 4294967295")
        if self.engine not in ("local", "ray"):
            raise ConfigError(f"[run] engine = {self.engine!r}", hint="use local or ray")
        if self.memory and not size_of(self.memory):
            raise ConfigError(f"[run] memory = {self.memory!r}", hint="use a size such as 8GB or 512MiB")

    @property
    def budget(self) -> int | None:
        """Bytes that a run may take; None for all that there are."""
        return size_of(self.memory) if self.memory else None

    @property
    def content(self) -> tuple[object, ...]:
        """What a result depends on."""
        return self.seed, self.device, self.engine


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """One field for each stage; its name is the TOML table."""

    run: RunOptions = field(default_factory=RunOptions)
    encoding: EncodingOptions = field(default_factory=EncodingOptions)
    schema: SchemaOptions = field(default_factory=SchemaOptions)
    blocking: BlockingOptions = field(default_factory=BlockingOptions)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    scorer: ScorerOptions = field(default_factory=ScorerOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    decisions: DecisionOptions = field(default_factory=DecisionOptions)

    def tables(self) -> dict[str, Any]:
        """TOML table -> options."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def to_toml(self) -> str:
        """The resolved settings, commented."""
        return to_toml(self.tables())


def load_config(
    file: Path | None,
    sets: Sequence[str] = (),
    *,
    seed: int | None = None,
    device: str | None = None,
    engine: str | None = None,
    memory: str | None = None,
    precision: float | None = None,
    encoder: str | None = None,
) -> Config:
    """Defaults, changed by a file, then by ``table.key=value`` texts, then by the options named here.

    Raises ConfigError with every fault at once.
    """
    given = with_overrides(Config().tables(), read_toml(file) if file else {}, sets)
    config = Config(**given)
    run = replace(
        config.run,
        seed=config.run.seed if seed is None else seed,
        device=config.run.device if device is None else str(device),
        engine=config.run.engine if engine is None else str(engine),
        memory=config.run.memory if memory is None else memory,
    )
    decisions = config.decisions if precision is None else replace(config.decisions, precision=precision)
    named = config.encoding.encoder if encoder is None else encoder
    # A RESULT finds the folder again, from wherever it is opened.
    if named != BUILT_IN and Path(named).is_dir():
        named = str(Path(named).absolute())
    encoding = replace(config.encoding, encoder=named)
    return replace(config, run=run, encoding=encoding, decisions=decisions)
