"""The scripts of the tutorial, one after the other, as people run them; with few steps of training."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
QUICK = [
    "training.steps=10",
    "training.epochs=1",
    "training.rounds=1",
    "model.width=16",
    "blocking.per_entity=5",
    "training.scorer_steps=60",
    "training.scorer_epochs=1",
    "sampling.neighbours=5",
]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each script prints, all run in one folder."""
    found = {}
    folder = tmp_path_factory.mktemp("tutorial")
    for script in EXAMPLES:
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.chdir(folder),
            contextlib.redirect_stdout(io.StringIO()) as out,
        ):
            patch.setattr(sys, "argv", [str(script), *(QUICK if script.name == "1_align.py" else [])])
            runpy.run_path(str(script), run_name="__main__")
        found[script.stem] = out.getvalue()
    found["files"] = " ".join(sorted(file.name for file in folder.iterdir()))
    return found


def test_what_is_learned_finds_most_of_the_links_it_was_not_given(printed: dict[str, str]):
    figures = printed["1_align"].splitlines()[-1]
    precision, recall, hits = map(float, re.findall(r"\d\.\d{3}", figures))
    assert min(precision, recall, hits) > 0.5


def test_reasons_sum_to_the_score(printed: dict[str, str]):
    told = printed["2_explain"].partition("Beside the other")[0]
    *shares, score = (float(number) for number in re.findall(r"^ *([+-]\d+\.\d\d)  ", told, re.MULTILINE))
    assert sum(shares) == pytest.approx(score, abs=0.01 * len(shares))
    assert len(shares) > 1


def test_the_merged_graph_tells_sources_and_comes_apart(printed: dict[str, str]):
    for part in ("left", "right", "both"):
        assert re.search(rf"graph/merged/{part} [1-9]", printed["3_merge"])
    assert printed["files"] == "RESULT known.csv merged.nq merged.report.json parts why.html"


def test_other_libraries_hold_the_result(printed: dict[str, str]):
    assert re.search(r"^count +[1-9]", printed["4_other_libraries"], re.MULTILINE)
    assert "same" in printed["4_other_libraries"].partition("HeteroData")[2]
