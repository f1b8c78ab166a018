"""Costs of stages: growth exponents, ratios to a baseline, and what is not measured twice."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import pytest
import speed
from speed import Measured


def measured(entities: int, **seconds: float) -> Measured:
    return Measured(entities, seconds, dict.fromkeys(seconds, 100.0 + entities / 1000))


def test_growth_is_the_slope_of_logarithms():
    sizes = [1000, 10_000, 100_000]
    assert speed.exponent(sizes, [0.1 * (n / 1000) ** 1.3 for n in sizes]) == pytest.approx(1.3)
    assert speed.exponent(sizes, [0.001, 2.0, 20.0]) == pytest.approx(1.0)
    assert speed.exponent(sizes, [0.001, 0.001, 20.0]) is None


def test_the_table_has_seconds_rates_memory_growth_and_ratios():
    runs = [measured(1000, read=1.0, block=2.0), measured(10_000, read=10.0, block=40.0)]
    rows = speed.table(runs, [measured(10_000, read=5.0, block=40.0)]).splitlines()
    assert rows[2] == "| read | 1.0 (1,000, 101) | 10.0 (1,000, 110) | 1.00 | 1.00 | 2.00 |"
    assert rows[3] == "| block | 2.0 (500, 101) | 40.0 (250, 110) | 1.30 | 1.30 | 1.00 |"
    assert rows[4].startswith("| all | 3.0 (333, 101) | 50.0 (200, 110) | 1.22 | 1.22 | 1.11 |")


def test_growth_at_the_end_and_over_all_sizes_are_told_apart():
    runs = [measured(n, read=s) for n, s in ((1000, 1.0), (10_000, 10.0), (100_000, 1000.0))]
    assert speed.table(runs, []).splitlines()[2].endswith("| 2.00 | 1.50 | - |")


def test_without_a_common_size_there_is_no_ratio():
    assert speed.table([measured(1000, read=1.0)], []).splitlines()[2].endswith("| - | - | - |")


def test_a_size_with_a_line_is_not_measured_again(tmp_path, monkeypatch, capsys):
    file = tmp_path / "measured.jsonl"
    file.write_text(json.dumps(asdict(measured(1000, read=1.0))) + "\n")
    asked = []

    def measure(entities: int) -> Measured:
        asked.append(entities)
        return measured(entities, read=9.0)

    monkeypatch.setattr(speed, "measure", measure)
    line = ["speed.py", str(file), "--sizes", "1000", "9000", "--page", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", line)
    speed.main()
    assert asked == [9000]
    assert [one.entities for one in speed.read(file)] == [1000, 9000]
    assert "| read | 1.0 (1,000, 101) | 9.0 (1,000, 109) | 1.00 |" in capsys.readouterr().out
    page = (tmp_path / "speed.md").read_text()
    assert "--sizes 1000 9000 --runs 1 --page docs" in page
    assert (tmp_path / "speed.svg").read_text().count("<svg") == 1


def test_of_several_runs_the_medians_count(tmp_path):
    file = tmp_path / "measured.jsonl"
    for seconds in (3.0, 1.0, 8.0):
        speed.add(measured(1000, read=seconds), file)
    (one,) = speed.read(file)
    assert one.seconds == {"read": 3.0}
    assert len(speed.runs(file)) == 3


def test_the_committed_baseline_has_the_stages_of_a_run():
    lines = speed.read(speed.BASELINE)
    assert lines
    assert all({"read", "block", "compare", "train: network", "write"} <= set(one.seconds) for one in lines)
