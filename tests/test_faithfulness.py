"""Reasons are true on real data: `make real DATA=folder`. The measure's own arithmetic runs always."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest

from benchmark_scripts import script

LEAST_RATIO, LEAST_MORE = 3.0, 0.8


def measure() -> ModuleType:
    return script("faithfulness")


def test_figures_are_medians_of_sizes_and_a_share() -> None:
    found = measure().Figures.of([-3.0, 1.0, 0.5, 6.0], [0.5, -0.5, 1.0, 0.1])
    assert (found.pairs, found.strongest, found.random) == (4, 2.0, 0.5)
    assert (found.ratio, found.more) == (4.0, 0.75)


@pytest.mark.real
def test_removing_the_neighbour_named_strongest_changes_most(tmp_path: Path) -> None:
    if "CROSSGRAPH_DATA" not in os.environ:
        pytest.skip("CROSSGRAPH_DATA names no folder of data sets")
    from crossgraph import Config, Inputs, align

    data = Path(os.environ["CROSSGRAPH_DATA"]) / "countries_en_de"
    links = tuple(data / "721_5fold" / "1" / name for name in ("train_links", "valid_links"))
    result = align(Inputs(left=data, links=links), tmp_path / "RESULT", config=Config()).path
    tried = measure().trials(measure().reopen(result), pairs=60, seed=1)
    assert len(tried) == 60
    for one in tried:
        total = one.explained.rest + sum(reason.share for reason in one.explained.reasons)
        assert abs(total - one.score) < 0.05
    for figures in (measure().by_scorer(tried), measure().by_graphs(result, tried)):
        assert figures.ratio >= LEAST_RATIO
        assert figures.more >= LEAST_MORE
