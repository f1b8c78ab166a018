"""An update needs no torch, but for networks that look at the partner in both layers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crossgraph.config import load_config
from crossgraph.layout import ResultFolder
from crossgraph.pipeline import Inputs, align
from crossgraph.updating.update import ChangeFiles, update

if TYPE_CHECKING:
    from conftest import Pair

QUICK = load_config(
    None,
    [
        *("training.steps=4", "training.epochs=1", "training.batch=32", "model.width=8"),
        *("training.scorer_steps=20", "training.scorer_epochs=1", "training.scorer_batch=32"),
        *("blocking.per_entity=6", "scorer.hidden=8", "sampling.neighbours=4"),
    ],
)
BOTH = replace(QUICK, model=replace(QUICK.model, collective_layers="both"))
SCRIPT = """
import sys
from crossgraph.cli import app
app(["update", sys.argv[1], "--left-changes", sys.argv[2], "--out", sys.argv[3]], standalone_mode=False)
print("torch" in sys.modules)
"""


def aligned(mid_pair: Pair, folder: Path, config=QUICK) -> Path:
    links = folder / "links.tsv"
    links.write_text("".join(f"{a}\t{b}\n" for a, b in mid_pair.truth[::3]))
    return align(Inputs(left=mid_pair.write(folder / "g"), links=(links,)), folder / "R", config=config).path


def raw(result: Path) -> np.ndarray:
    with np.load(ResultFolder(result).workings_file) as stored:
        return stored["raw"]


def test_an_update_loads_no_torch(mid_pair, tmp_path):
    result, file = aligned(mid_pair, tmp_path), tmp_path / "left.csv"
    who = mid_pair.truth[1][0]
    file.write_text(f"change,kind,entity,name,value\nadded,fact,{who},nickname,Somebody\n")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(result), str(file), str(tmp_path / "U")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "False"


def test_networks_of_both_layers_say_what_they_said(mid_pair, tmp_path):
    result = aligned(mid_pair, tmp_path, BOTH)
    again = update(result, ChangeFiles(), tmp_path / "E", everything=True).path
    np.testing.assert_allclose(raw(again), raw(result), atol=1e-4)
