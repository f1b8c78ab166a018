"""A world of inputs on disk, and a nursery of processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ground import VERBS, Ground, Nursery

NURSERY = Path(__file__).with_name("nursery.py")
SUITE = """
title = "Two runs"
seeds = [0, 1]
[[dataset]]
name = "films"
left = "graphs"
train = ["links.tsv"]
test = ["test.tsv"]
[[method]]
name = "names"
run = "crossgraph.benchmarking.methods:names_alone"
"""


@pytest.fixture(scope="session")
def world(tiny_pair, tmp_path_factory) -> Path:
    """A folder of inputs: two graphs, links, labelled pairs, answers, changes, a suite of a benchmark."""
    folder = tmp_path_factory.mktemp("world")
    tiny_pair.write(folder / "graphs")
    lefts, rights = zip(*tiny_pair.truth, strict=True)
    same = [f"{left}\t{right}" for left, right in tiny_pair.truth]
    wrong = [f"{left}\t{right}\t0" for left, right in zip(lefts, (*rights[1:], rights[0]), strict=True)]
    (folder / "links.tsv").write_text("".join(f"{line}\n" for line in same[:9]))
    pairs = [*(f"{one}\t1" for one in same), *wrong]
    (folder / "pairs.tsv").write_text("".join(f"{line}\n" for line in pairs))
    answers = [*((a, b, 1) for a, b in tiny_pair.truth[9:11]), (lefts[0], rights[1], 0)]
    (folder / "answers.csv").write_text(
        "left,right,label\n" + "".join(f"{a},{b},{c}\n" for a, b, c in answers)
    )
    (folder / "test.tsv").write_text("".join(f"{line}\n" for line in same[9:]))
    (folder / "changes.csv").write_text(
        "change,kind,entity,name,value\ndeleted,entity,l:ronin,,\nadded,fact,l:heat,title,Heat wave\n"
    )
    (folder / "suite.toml").write_text(SUITE)
    return folder


@pytest.fixture(scope="session")
def ground(world, tmp_path_factory) -> Iterator[Ground]:
    """The world, with a RESULT, one that was reviewed, and a merged graph, and a nursery."""
    command = [sys.executable, str(NURSERY)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        nursery = Nursery(process, world)
        for verb in (VERBS["align"], VERBS["merge"]):
            ended = nursery.run(verb.line(world), world)
            assert ended.code == 0, ended.told
        shutil.copytree(world / "RESULT", world / "REVIEWED")
        decide = f"review {world}/REVIEWED --import {world}/answers.csv --name ann".split()
        ended = nursery.run(decide, world)
        assert ended.code == 0, ended.told
        yield Ground(nursery, world, lambda: tmp_path_factory.mktemp("ground"))
        process.stdin.close()


@pytest.fixture
def mounted(tmp_path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount a disk here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
