"""The heavy work of a run on Ray (Moritz et al., OSDI 2018): many processes, on one machine or many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crossgraph.engine import Engine, local_engine
from crossgraph.errors import ConfigError, require_extra


def require_engine(name: str, *, device: str) -> None:
    """Try an engine before any work is done, as far as that goes without starting it.

    Raises ConfigError for ray with another device than the processor, and MissingExtraError where the extra
    ``ray`` is not installed.
    """
    if name == "local":
        return
    if device != "cpu":
        raise ConfigError(
            f"--engine {name} works on processors, not on the device {device!r}",
            hint="leave --engine or --device out",
        )
    require_extra("ray", "ray", "pyarrow", "tensorboardX")


@contextmanager
def engine_of(name: str, folder: Path, *, device: str, budget: int | None = None) -> Iterator[Engine]:
    """The engine of a name, local or ray.

    budget   bytes that a local one may take; None for all that there are
    folder   where it may put what it shares out meanwhile; all machines must see it under this name

    Raises what ``require_engine`` and ``ray_engine`` raise.
    """
    require_engine(name, device=device)
    if name == "local":
        yield local_engine(budget)
        return
    from crossgraph.cluster.ray_engine import ray_engine

    with ray_engine(folder) as engine:
        yield engine
