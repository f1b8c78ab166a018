"""The simulation of answers: who is asked, that it goes on where it was, and its arithmetic. No training."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmark_scripts import script
from crossgraph.benchmarking.problem import Case
from crossgraph.config import Config
from crossgraph.preparation import Known

if TYPE_CHECKING:
    from conftest import Pair


@pytest.fixture
def simulate() -> ModuleType:
    return script("simulate_answers")


@pytest.fixture
def case(tiny_pair: Pair, tmp_path: Path) -> Case:
    folder = tiny_pair.write(tmp_path / "g")
    parts = {"train": tiny_pair.truth[:4], "valid": tiny_pair.truth[4:7], "test": tiny_pair.truth[7:]}
    for name, links in parts.items():
        (folder / name).write_text("".join(f"{a}\t{b}\n" for a, b in links))
    files = {name: (folder / name,) for name in parts}
    return Case(name="tiny", left=folder, **files)


def test_nobody_of_the_test_is_asked_about_and_nothing_twice(simulate: ModuleType, case: Case) -> None:
    world = simulate.World.of(case, Config(), judge_valid=False)
    assert (world.total, len(world.pool)) == (5, 7)
    chance = np.linspace(0.1, 0.9, len(world.pairs))
    for rule in simulate.RULES.values():
        rows = np.zeros(0, dtype=np.int64)
        while len(new := rule(world, chance, rows, 2, 0)):
            assert world.askable[new].all()
            assert not world.judged[new].any()
            assert not set(new) & set(rows)
            rows = np.concatenate([rows, new])
        assert len(rows) >= 4
    known = simulate.known_from(world, np.flatnonzero(world.askable))
    assert 0 < len(known.same) <= len(world.pool)
    chosen = simulate.World.of(case, Config(), judge_valid=True)
    assert (chosen.total, len(chosen.pool)) == (3, 4)
    assert not (chosen.askable & world.judged).any(), "the test is left alone"


def test_it_goes_on_where_it_was(
    simulate: ModuleType, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught: list[int] = []

    def learn(world: object, known: Known, config: Config) -> np.ndarray:
        """More answers, better scores."""
        taught.append(len(known.same) + len(known.different))
        better = min(len(known.same), 5) / 5
        return better * world.gold + (1 - better) * np.linspace(0.9, 0.1, len(world.gold))

    monkeypatch.setattr(simulate, "learn", learn)
    out = tmp_path / "out"
    out.mkdir()
    run = simulate.Simulation(case, "test", 0, out / "answers.jsonl", tmp_path / "work")
    (tmp_path / "work").mkdir()
    run.run(("ask", "random entities"), (2,))
    assert taught == [0, 7, 2, 2]
    with (out / "answers.jsonl").open("a") as lines:
        lines.write('{"dataset": "ti')
    again = simulate.Simulation(case, "test", 0, out / "answers.jsonl", tmp_path / "work")
    again.run(("ask", "random entities"), (2, 4))
    assert taught == [0, 7, 2, 2, 4, 4]
    suite = type("Suite", (), {"datasets": [type("Set", (), {"name": "tiny", "case": lambda _, __: case})()]})
    monkeypatch.setattr(simulate, "read_suite", lambda _: suite)
    command = [
        "simulate_answers.py",
        str(tmp_path),
        "--dataset",
        "tiny",
        "--seeds",
        "0",
        "--counts",
        "2",
        "4",
    ]
    monkeypatch.setattr(sys, "argv", [*command, "--out", str(out), "--work", str(tmp_path / "work")])
    simulate.main()
    assert len(taught) == 6
    page = (out / "answers.md").read_text()
    assert "| ask | 4 |" in page
    assert "all links of the pool | - | 7 | 1 | 0.6000" in page
    assert "- random entities: " in page
    assert (out / "answers.svg").read_text().count("random entities") >= 1


def test_answers_that_are_needed_lie_on_the_line_between_two_rounds(simulate: ModuleType) -> None:
    def told(rule: str, answers: int, prauc: float, seed: int = 0) -> object:
        figures = dict.fromkeys(("prauc_low", "prauc_high", "hits1", "r_at_p95", "recall_blocking"), 0.0)
        return simulate.Round(
            dataset="d",
            judged="test",
            rule=rule,
            seed=seed,
            answers=answers,
            same=0,
            prauc=prauc,
            training_seconds=0.0,
            versions={},
            **figures,
        )

    rounds = [
        *(told(simulate.NONE, 0, 0.5, seed) for seed in (0, 1)),
        *(told("ask", 10, value, seed) for seed, value in enumerate((0.5, 0.7))),
        *(told("ask", 20, 0.8, seed) for seed in (0, 1)),
    ]
    assert simulate.curve_of(rounds, "ask") == [(0, 0.5), (10, pytest.approx(0.6)), (20, 0.8)]
    assert simulate.needed(rounds, "ask", 0.7) == pytest.approx(15)
    assert simulate.needed(rounds, "ask", 0.55) == pytest.approx(5)
    assert simulate.needed(rounds, "ask", 0.9) is None
