"""The heavy work of a run on Ray (Moritz et al., OSDI 2018): many processes, on one machine or many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crossgraph.engine import Engine, local_engine
from crossgraph.errors import ConfigError


@contextmanager
def engine_of(name: str, folder: Path, *, device: str, budget: int | None = None) -> Iterator[Engine]:
    """The engine of a name, local or ray.

    budget   bytes that a local one may take; None for all that there are
    folder   where it may put what it shares out meanwhile; all machines must see it under this name

    Raises ConfigError for ray with another device than the processor, and what ``ray_engine`` raises.
    """
    if name == "local":
        yield local_engine(budget)
        return
    if device != "cpu":
        raise ConfigError(
            f"--engine {name} works on processors, not on the device {device!r}",
            hint="leave --engine or --device out",
        )
    from crossgraph.cluster.ray_engine import ray_engine

    with ray_engine(folder) as engine:
        yield engine
