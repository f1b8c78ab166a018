from __future__ import annotations

import builtins
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from samples import FILMS, SWEEP, record, suite

from crossgraph.benchmarking.figure import draw
from crossgraph.benchmarking.page import page_of
from crossgraph.benchmarking.runner import plan
from crossgraph.benchmarking.suite import Entrant, FigurePlan
from crossgraph.benchmarking.table import COLUMNS, rows_of, told, told_interval
from crossgraph.errors import MissingExtraError

A, B = Entrant(name="A|b", run="m:a", seeds=(0,)), Entrant(name="B", run="m:b")
VARIED = Entrant(name="V", run="m:v", datasets=("films",), vary="model.width", values=(8, 64))
SUITE = replace(
    suite(A, B, VARIED, datasets=(FILMS, SWEEP), seeds=(0, 1, 2)),
    file=Path("suites/toy.toml"),
    question="Why?",
    findings="So it is.",
)


def records(**changed):
    """A has .5 everywhere; B .4, .5, .6 by its seeds; V .7."""
    figures = {"A|b": 0.5, "V": 0.7} | changed
    return [
        record(
            run,
            prauc=figures.get(run.method.name, 0.4 + run.seed / 10),
            prauc_low=0.1 * run.seed + 0.25,
            prauc_high=0.9,
        )
        for run in plan(SUITE)
    ]


def rows():
    return rows_of(SUITE, records())


class TestRows:
    def test_seeds_are_united_in_the_order_of_the_suite(self):
        assert [(row.dataset, row.method, row.x, len(row.records)) for row in rows()] == [
            ("films", "A|b", None, 1),
            ("films", "B", None, 3),
            ("films", "V", 8, 3),
            ("films", "V", 64, 3),
            ("sweep", "A|b", 0.1, 1),
            ("sweep", "B", 0.1, 3),
            ("sweep", "A|b", 1.0, 1),
            ("sweep", "B", 1.0, 3),
        ]

    def test_mean_spread_and_interval(self):
        one, several = rows()[:2]
        assert (told(one, "prauc"), told(several, "prauc")) == ("0.5000", "0.5000 ±0.1000")
        assert told_interval(several) == "0.250–0.900"
        assert told(one, "f1") == told(one, "pairs_per_second") == "-"

    def test_the_best_is_told_among_equals_only(self):
        found = rows_of(SUITE, records(**{"A|b": 0.6, "V": 0.55}))
        assert [row.method for row in found if row.best] == ["A|b", "A|b", "A|b"]

    @pytest.mark.parametrize(
        ("number", "text"), [(0.0, "0"), (3.14159, "3.14"), (1234.5, "1,234"), (2.5e6, "2.5 M")]
    )
    def test_costs_are_told_in_few_digits(self, number, text):
        (one,) = [
            replace(
                row,
                records=tuple(replace(r, cost=replace(r.cost, training_seconds=number)) for r in row.records),
            )
            for row in rows()[:1]
        ]
        assert told(one, "training_seconds") == text


class TestPage:
    def test_lines_decide_every_byte_whatever_their_order(self):
        assert page_of(SUITE, records()) == page_of(SUITE, [*records()[::-1], *records()])

    def test_it_tells_the_suite_and_how_to_make_it(self):
        page = page_of(SUITE, records(), figure="toy.svg")
        for part in ("# T\n", "Why?", "## Findings\n\nSo it is.\n", "![T](toy.svg)", "9 judged pairs"):
            assert part in page
        assert "crossgraph benchmark suites/toy.toml --data DATA --out OUT" in page
        assert "runs are missing" not in page

    def test_a_path_of_this_machine_is_not_told(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        for file, shown in ((tmp_path / "s" / "toy.toml", "s/toy.toml"), (Path("/x/y/toy.toml"), "toy.toml")):
            assert f"benchmark {shown} --data" in page_of(replace(SUITE, file=file), [])

    def test_each_data_set_has_a_table_of_equal_rows(self):
        page = page_of(SUITE, records())
        for part, count in zip(page.split("\n## ")[1:3], (4, 4), strict=True):
            lines = [line for line in part.splitlines() if line.startswith("|")]
            assert len(lines) == count + 2
            cells = {len(re.split(r"(?<!\\)\|", line)) for line in lines}
            assert cells == {2 + 5 + len(COLUMNS)}
        assert page.count("**") == 2 * sum(row.best for row in rows())

    def test_runs_that_are_missing_are_told(self):
        assert "3 of the suite's runs are missing." in page_of(SUITE, records()[3:])

    def test_without_runs_it_is_a_page_all_the_same(self):
        assert page_of(SUITE, []).startswith("# T\n")


class TestFigure:
    @pytest.mark.parametrize(
        "figure",
        [FigurePlan(x="width", log_x=True), FigurePlan(kind="dot"), FigurePlan(y="f1"), FigurePlan(y="mrr")],
    )
    def test_it_is_the_same_svg_each_time(self, tmp_path, figure):
        files = [tmp_path / name for name in ("one.svg", "two.svg")]
        for file in files:
            draw(rows(), figure, file)
        assert files[0].read_bytes() == files[1].read_bytes()
        assert ElementTree.parse(files[0]).getroot().tag.endswith("svg")

    def test_axes_and_lines_have_their_names(self, tmp_path):
        draw(rows(), FigurePlan(x="the width"), tmp_path / "f.svg")
        texts = [one.text for one in ElementTree.parse(tmp_path / "f.svg").iter() if one.tag.endswith("text")]
        assert {"the width", "PRAUC", "films", "sweep", "A|b", "B", "V"} <= set(texts)
        assert texts.count("B") == 1

    def test_without_matplotlib_the_way_out_is_told(self, tmp_path, monkeypatch):
        real = builtins.__import__

        def no_matplotlib(name, *args, **options):
            if name.partition(".")[0] == "matplotlib":
                raise ImportError(name)
            return real(name, *args, **options)

        monkeypatch.setattr(builtins, "__import__", no_matplotlib)
        with pytest.raises(MissingExtraError) as caught:
            draw(rows(), FigurePlan(), tmp_path / "f.svg")
        assert caught.value.hint == "pip install 'crossgraph[benchmark]'"
