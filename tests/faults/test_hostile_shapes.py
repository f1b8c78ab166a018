"""Time and memory stay in budget under shapes that nobody draws on purpose; a watchdog ends what does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("shapes.py")
# Of size, CPU seconds and MiB. Beside them stand the 60 ordinary people whom each graph holds besides.
LARGE = {
    "hub": (1_000_000, 300, 6_000),
    "namesakes": (100_000, 300, 6_000),
    "chain": (100_000, 300, 6_000),
    "relations": (100_000, 300, 6_000),
    "attributes": (3_000, 900, 12_000),
}


def watched(shapes: list[str], *, size: int, seconds: int) -> list[dict[str, float]]:
    """What the program tells of each shape; it dies if it takes longer."""
    command = [sys.executable, str(PROGRAM), str(size), str(seconds), *shapes]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, f"{done.returncode} after {done.stdout}\n{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_small_hubs_namesakes_chains_and_many_relations_stay_in_budget():
    shapes = ["hub", "namesakes", "chain", "relations"]
    # Large enough that the square of a hub does not pass.
    size = 30_000
    found = watched(shapes, size=size, seconds=20)
    assert [told["shape"] for told in found] == shapes
    for told in found:
        # All the ordinary people have candidates; the others do not each bring in all their likes.
        assert 60 <= told["candidates"] < 60 * 20 + size * 4
        assert told["mib"] < 600


@pytest.mark.long
@pytest.mark.parametrize("shape", LARGE)
def test_large_shapes_stay_in_budget(shape):
    size, seconds, mib = LARGE[shape]
    (told,) = watched([shape], size=size, seconds=seconds)
    assert told["candidates"] >= 60
    assert told["mib"] < mib
