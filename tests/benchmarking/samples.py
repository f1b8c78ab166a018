"""Suites and finished runs that were never run."""

from __future__ import annotations

from crossgraph.benchmarking.judging import Judgement
from crossgraph.benchmarking.records import Cost, Record
from crossgraph.benchmarking.suite import DataSet, Suite

FILMS = DataSet(name="films", left="films", test=("films/test",))
SWEEP = DataSet(name="sweep", left="films", test=("films/test",), shares=(0.1, 1.0))


def suite(*methods, datasets=(FILMS,), seeds=(0, 1)):
    return Suite(title="T", seeds=seeds, datasets=datasets, methods=methods)


def record(run, **judged):
    figures = {"prauc": 0.5, "hits1": 0.5, "mrr": 0.5, "r_at_p95": 0.5, "recall_blocking": 1.0, **judged}
    cost = Cost(training_seconds=1.0, scoring_seconds=1.0, parameters=1, peak_mib=1.0)
    return Record(key=run.key, judgement=Judgement(**figures, pairs=9, matches=3), cost=cost)
