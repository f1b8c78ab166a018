from __future__ import annotations

import math
import os
import subprocess
import sys
import time

import pytest

from crossgraph.benchmarking.processes import Task, in_processes, one_line, refuse
from crossgraph.errors import Fault, FaultsError
from crossgraph.stages import peak_memory_mib


def test_each_task_has_a_process_of_its_own_and_the_others_go_on_when_one_fails():
    tasks = [
        Task("root", math.sqrt, (9.0,)),
        Task("wrong", math.sqrt, (-1.0,)),
        Task("told", refuse, ("no  such\ngraph",)),
        Task("dead", os._exit, (3,)),
        Task("one", os.getpid),
        Task("two", os.getpid),
    ]
    ended = {one.name: one for one in in_processes(iter(tasks))}
    assert list(ended) == [task.name for task in tasks]
    assert (ended["root"].result, ended["root"].error) == (3.0, "")
    assert ended["wrong"].error.startswith("ValueError: ")
    assert ended["told"].error == "no such graph"
    assert ended["dead"].error == "its process ended with exit code 3"
    assert len({ended["one"].result, ended["two"].result, os.getpid()}) == 3


def test_what_ends_first_comes_first_and_what_runs_is_ended_with_the_caller():
    start = time.monotonic()
    ends = in_processes(iter([Task("long", time.sleep, (600,)), Task("short", os.getpid)]), at_once=2)
    assert next(ends).name == "short"
    ends.close()
    assert time.monotonic() - start < 300


def test_what_runs_ends_with_a_caller_that_is_killed():
    task = "import sys, time; print('on', file=sys.stderr, flush=True); time.sleep(600)"
    caller = f"""
from crossgraph.benchmarking.processes import Task, in_processes
if __name__ == "__main__":
    next(in_processes(iter([Task("", exec, ({task!r},))])))
"""
    with subprocess.Popen([sys.executable, "-c", caller], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "on\n"
        process.kill()
        # Its end is there when nobody can write into it any more.
        process.communicate(timeout=60)


@pytest.mark.parametrize("name", [print, os.system])
def test_what_a_task_prints_does_not_reach_what_was_asked_for(capfd, name):
    (ended,) = in_processes(iter([Task("", name, ("echo printed",))]))
    assert ended.error == ""
    assert "printed" not in capfd.readouterr().out


def test_the_peak_is_of_this_process():
    assert 10 < peak_memory_mib() < 100_000


def test_an_error_is_told_in_one_line():
    error = FaultsError("the suite", [Fault("a", 1, "x"), Fault("b", None, "y")], hint="mend it")
    assert one_line(error) == "the suite: 2 faults a:1: x b: y"
