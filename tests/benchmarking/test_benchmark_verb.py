"""The verb from end to end, with methods that take no time."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from crossgraph.benchmarking import study
from crossgraph.cli import app
from crossgraph.errors import MissingExtraError

METHODS = """
import os

def names(problem):
    import torch
    from crossgraph.benchmarking.problem import Answer
    assert torch.get_num_threads() == 1
    print("printed")
    score = problem.candidates.name[problem.asked]
    return Answer(score + problem.seed, parameters=3, training_seconds=1.5, scoring_seconds=0.5)

def broken(problem):
    raise RuntimeError("no\\nluck")
"""

SUITE = """
title = "Toys"
seeds = [0]
path = ".."
[[dataset]]
name = "toy"
left = "toy"
train = ["toy/train_links"]
valid = ["toy/valid_links"]
test = ["toy/test_links"]
[[method]]
name = "names"
run = "toy_methods:names"
[[method]]
name = "broken"
run = "toy_methods:broken"
[figure]
kind = "dot"
"""


def run(*args, data=None):
    environment = {"CROSSGRAPH_DATA": None if data is None else str(data), "COLUMNS": "200"}
    return CliRunner().invoke(app, ["benchmark", *map(str, args)], env=environment)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    (folder / "toy_methods.py").write_text(METHODS)
    (folder / "suites").mkdir()
    (folder / "suites" / "toy.toml").write_text(SUITE)
    return folder


@pytest.fixture(scope="module")
def first(place, data):
    """The first run: all of it."""
    return run(place / "suites" / "toy.toml", "--out", place / "out", "--jobs", "2", data=data)


@pytest.fixture
def files(place, first):
    return {name: place / "out" / f"toy.{name}" for name in ("jsonl", "md", "svg")}


def test_a_run_that_fails_is_told_and_the_others_are_there(first, files):
    assert first.exit_code == 1
    assert "Error: toy, broken, seed 0: RuntimeError: no luck" in first.stderr
    lines = [json.loads(line) for line in files["jsonl"].read_text().splitlines()]
    assert sorted((line["method"], line["seed"]) for line in lines) == [("names", 0)]
    for line in lines:
        assert 0 < line["prauc_low"] <= line["prauc"] <= line["prauc_high"] <= 1
        assert (line["training_seconds"], line["parameters"]) == (1.5, 3)
        assert line["pairs_per_second"] > line["pairs"]
        assert line["peak_mib"] > 50
        assert {"crossgraph", "python", "numpy", "torch"} <= set(line["versions"])


def test_the_table_is_on_stdout_and_on_the_page(first, files):
    assert first.stdout.splitlines()[-1] == str(files["md"])
    assert "printed" not in first.stdout
    row = next(line for line in first.stdout.splitlines() if line.startswith("toy"))
    page = files["md"].read_text()
    assert row.split()[3] in page
    assert "1 of the suite's runs are missing." in page
    assert files["svg"].read_text().startswith("<?xml")


def test_what_is_finished_is_not_run_again_and_needs_no_data(place, first, files):
    before = {name: file.read_bytes() for name, file in files.items()}
    again = run(place / "suites" / "toy.toml", "--out", place / "out", "--only", "names")
    assert again.exit_code == 0, again.stderr
    assert "all of it is run already" in again.stderr
    assert {name: file.read_bytes() for name, file in files.items()} == before


def test_without_matplotlib_there_is_a_note_and_a_page_without_a_figure(place, files, tmp_path, monkeypatch):
    def lacking(*_given):
        raise MissingExtraError("matplotlib is not installed", hint="pip install it")

    monkeypatch.setattr(study, "draw", lacking)
    shutil.copy(files["jsonl"], tmp_path)
    again = run(place / "suites" / "toy.toml", "--out", tmp_path, "--seeds", 0, "--only", "names")
    assert "no figure: matplotlib is not installed; pip install it" in again.stderr
    assert "svg" not in (tmp_path / "toy.md").read_text()
    assert {file.name for file in tmp_path.iterdir()} == {"toy.jsonl", "toy.md"}


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--only", "GAT"], "no method begins with 'GAT'"),
        (["--seeds", "9"], "no method runs with seed 9"),
        ([], "CROSSGRAPH_DATA"),
        (["--data", "nowhere"], "data set 'toy' needs it"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_is(place, tmp_path, args, told):
    found = run(place / "suites" / "toy.toml", "--out", tmp_path / "out", *args)
    assert found.exit_code == 1
    assert told in found.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_refused(place, tmp_path):
    (tmp_path / "out").write_text("mine")
    found = run(place / "suites" / "toy.toml", "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert "is a file, and a folder is needed" in found.stderr
