"""A data set on disk, made of the generated pair: links in three parts, and labelled pairs."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from crossgraph.benchmarking.problem import Case, Problem

PARTS = {"train": 0.3, "valid": 0.2, "test": 0.5}


@pytest.fixture(scope="session")
def data(mid_pair, tmp_path_factory) -> Path:
    """A folder of data with one data set, ``toy``."""
    folder = tmp_path_factory.mktemp("data")
    toy = mid_pair.write(folder / "toy")
    truth = random.Random(3).sample(mid_pair.truth, len(mid_pair.truth))
    at = 0
    for part, share in PARTS.items():
        end = at + round(share * len(truth))
        (toy / f"{part}_links").write_text("".join(f"{a}\t{b}\n" for a, b in truth[at:end]))
        at = end
    rows = []
    for number, (a, b) in enumerate(truth[:90]):
        part = ("train", "valid", "test")[number % 3]
        rows.append(f"{a}\t{b}\t1\t{part}\n")
        rows += [f"{a}\t{other}\t0\t{part}\n" for _, other in (truth[number - 1], truth[number - 2])]
    (toy / "pairs.tsv").write_text("".join(rows))
    return folder


@pytest.fixture(scope="session")
def case(data) -> Case:
    from crossgraph.benchmarking.problem import Case

    toy = data / "toy"
    files = {part: (toy / f"{part}_links",) for part in PARTS}
    return Case(name="toy", left=toy, **files)


@pytest.fixture(scope="session")
def pair_case(case) -> Case:
    return replace(case, train=(), valid=(), test=(), pairs=case.left / "pairs.tsv")


@pytest.fixture(scope="session")
def problem(case) -> Problem:
    from crossgraph.benchmarking.problem import problems
    from crossgraph.blocking.combine import BlockingOptions
    from crossgraph.config import Config

    # All pairs that look alike: what chance reaches shows only among many.
    return next(problems(case, [Config(blocking=BlockingOptions(least_chance=0.0))]))


@pytest.fixture(scope="session")
def pair_problem(pair_case) -> Problem:
    from crossgraph.benchmarking.problem import problems
    from crossgraph.config import Config

    return next(problems(pair_case, [Config()]))
