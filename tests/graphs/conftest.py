from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file under tmp_path; names that end in .gz are compressed."""

    def _write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return _write


@pytest.fixture
def real() -> Path:
    """The folder of real data sets."""
    folder = os.environ.get("CROSSGRAPH_DATA")
    if not folder:
        pytest.skip("CROSSGRAPH_DATA is not set: it names the folder of real data sets")
    return Path(folder)
