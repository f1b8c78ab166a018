"""Where the network runs."""

from __future__ import annotations

import torch

from crossgraph.errors import ConfigError


def require_device(name: str) -> None:
    """Try a device before any work is done. Raises ConfigError where torch cannot use it."""
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"the device {name!r} cannot be used: {reason}", hint="use --device cpu, or leave it out"
        ) from error
