from __future__ import annotations

import pytest
from samples import FILMS, SWEEP, record, suite

from crossgraph.benchmarking import runner
from crossgraph.benchmarking.loading import load_method
from crossgraph.benchmarking.runner import chosen, pending, plan, refuse_missing, run_all
from crossgraph.benchmarking.suite import DataSet, Entrant
from crossgraph.errors import FaultsError, InputError


def test_a_plan_is_every_method_on_every_case_with_every_seed():
    one = Entrant(name="A", run="m:a", seeds=(1,))
    other = Entrant(
        name="B", run="m:b", datasets=("films",), set=("model.width=8",), vary="model.layers", values=(1, 2)
    )
    told = [
        (run.dataset.name, run.dataset.share, run.method.name, run.x, run.seed, run.settings)
        for run in plan(suite(one, other, datasets=(FILMS, SWEEP)))
    ]
    varied = ("model.width=8", "model.layers=1"), ("model.width=8", "model.layers=2")
    assert told == [
        ("films", 1.0, "A", None, 1, ()),
        ("films", 1.0, "B", 1, 0, varied[0]),
        ("films", 1.0, "B", 1, 1, varied[0]),
        ("films", 1.0, "B", 2, 0, varied[1]),
        ("films", 1.0, "B", 2, 1, varied[1]),
        ("sweep", 0.1, "A", 0.1, 1, ()),
        ("sweep", 1.0, "A", 1.0, 1, ()),
    ]


def test_no_two_runs_of_a_plan_are_taken_for_each_other():
    methods = Entrant(name="A", run="m:a"), Entrant(name="B", run="m:a")
    runs = plan(suite(*methods, datasets=(FILMS, SWEEP)))
    assert len({run.key for run in runs}) == len({str(run) for run in runs}) == len(runs) == 12


def test_what_has_a_record_is_not_run_again_unless_the_suite_says_something_else_of_it():
    runs = plan(suite(Entrant(name="A", run="m:a")))
    records = [record(runs[0])]
    assert pending(runs, records) == [runs[1]]
    for changed in (
        suite(Entrant(name="A", run="m:a", set=("model.width=8",))),
        suite(Entrant(name="A", run="m:a"), datasets=(DataSet(**{**vars(FILMS), "negatives": 5}),)),
    ):
        assert len(pending(plan(changed), records)) == 2


def test_methods_and_seeds_can_be_chosen():
    runs = plan(suite(Entrant(name="GAT", run="m:a"), Entrant(name="GIN", run="m:a")))
    assert len(chosen(runs)) == 4
    assert {run.method.name for run in chosen(runs, only=["GA"])} == {"GAT"}
    assert {run.seed for run in chosen(runs, seeds=[1])} == {1}
    with pytest.raises(
        InputError, match="no method begins with 'SAGE'; no method runs with seed 7"
    ) as caught:
        chosen(runs, only=["SAGE", "GAT"], seeds=[7])
    assert caught.value.hint == "methods: GAT, GIN; seeds: 0, 1"


def test_what_is_missing_is_told_at_once_before_the_first_run(tmp_path):
    (tmp_path / "there.py").write_text("number = 3\n")
    methods = [Entrant(name=name, run=name) for name in ("there:number", "there:nothing", "nowhere:f")]
    runs = plan(suite(*methods))
    with pytest.raises(FaultsError) as caught:
        refuse_missing(runs, data=tmp_path, folder=tmp_path)
    told = [str(fault) for fault in caught.value.faults]
    for part in (
        "films: data set 'films'",
        "films/test: data set",
        "no function number",
        "no function nothing",
    ):
        assert sum(part in one for one in told) == 1, part
    assert "nowhere:f: ModuleNotFoundError" in told[-1]


def test_a_method_is_looked_for_in_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", ["/"])
    (tmp_path / "my_only_method.py").write_text("def f(problem): return problem\n")
    assert load_method("my_only_method:f", str(tmp_path))(3) == 3


def test_a_case_that_cannot_be_prepared_fails_its_runs_and_no_others(monkeypatch, tmp_path):
    def refuse(case, configs, **options):
        raise InputError(f"{case.name} is bad")
        yield

    monkeypatch.setattr(runner, "problems", refuse)
    runs = plan(suite(Entrant(name="A", run="m:a"), datasets=(FILMS, SWEEP), seeds=(0,)))
    ended = list(run_all(runs, data=tmp_path, folder=tmp_path))
    assert [(one.name, one.result) for one in ended] == [(run, None) for run in runs]
    assert [one.error for one in ended] == ["films is bad", "sweep is bad", "sweep is bad"]


def test_problems_are_shared_by_methods_and_prepared_once_for_each_blocking(monkeypatch, tmp_path):
    asked = []

    class Fake:
        def __init__(self, config):
            self.config = config

    def fake(case, configs, **options):
        asked.append((case.name, [(config.run.seed, config.model.width) for config in configs]))
        yield from map(Fake, configs)

    monkeypatch.setattr(runner, "problems", fake)
    monkeypatch.setattr(runner, "in_processes", lambda tasks, at_once: tasks)
    methods = (
        Entrant(name="A", run="m:a"),
        Entrant(name="B", run="m:a", set=("model.width=8",)),
        Entrant(name="C", run="m:a", set=("blocking.per_entity=3",)),
        Entrant(name="D", run="m:a"),
    )
    runs = plan(suite(*methods))
    tasks = list(run_all(runs, data=tmp_path, folder=tmp_path))
    usual = runs[0].config.model.width
    assert asked == [
        ("films", [(0, usual), (0, 8), (1, usual), (1, 8)]),
        ("films", [(0, usual), (1, usual)]),
    ]
    assert {task.name for task in tasks} == set(runs)
    assert all(task.given[1].config == task.name.config for task in tasks)
