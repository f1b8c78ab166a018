"""TOML that people write, without the tracebacks that it can cause."""

from __future__ import annotations

import tomllib
from typing import Any


def toml_tables(text: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises ValueError with what is wrong with it, whatever that is."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise ValueError("a number of thousands of digits") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
