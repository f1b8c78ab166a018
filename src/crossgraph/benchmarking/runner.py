"""Run what a suite asks for and has not been run yet: each run in a process of its own."""

from __future__ import annotations

import platform
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

from crossgraph import __version__
from crossgraph.benchmarking.judging import judge
from crossgraph.benchmarking.loading import load_method, unloadable
from crossgraph.benchmarking.problem import Answer, Problem, problems
from crossgraph.benchmarking.processes import Ended, Task, in_processes, one_line, refuse
from crossgraph.benchmarking.records import Cost, Key, Record, case_text
from crossgraph.benchmarking.suite import DataSet, Entrant, Suite, Value
from crossgraph.config import Config, load_config
from crossgraph.errors import Fault, FaultsError, InputError
from crossgraph.progress import SILENT, Progress
from crossgraph.sampling import Sampler
from crossgraph.stages import peak_memory_mib

# Module -> distribution.
_LIBRARIES = {
    "numpy": "numpy",
    "torch": "torch",
    "torch_geometric": "torch-geometric",
    "sklearn": "scikit-learn",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One method on one case with one seed.

    dataset    without a sweep
    x          the value of the sweep of either
    settings   what is changed, as ``table.key=value``
    """

    method: Entrant
    dataset: DataSet
    x: Value | None
    seed: int
    settings: tuple[str, ...]

    @property
    def key(self) -> Key:
        """What its line is found by."""
        return Key(
            method=self.method.name,
            dataset=self.dataset.name,
            x=self.x,
            seed=self.seed,
            settings=self.settings,
            case=case_text(self.dataset.told()),
        )

    @property
    def config(self) -> Config:
        """All settings."""
        return load_config(None, self.settings, seed=self.seed)

    def __str__(self) -> str:
        x = "" if self.x is None else f" at {self.x}"
        return f"{self.dataset.name}, {self.method.name}{x}, seed {self.seed}"


def plan(suite: Suite) -> tuple[Run, ...]:
    """Every run of a suite: data set by data set, value by value, method by method, seed by seed."""
    return tuple(
        Run(
            method=method,
            dataset=point,
            x=value if x is None else x,
            seed=seed,
            settings=settings,
        )
        for dataset in suite.datasets
        for x, point in dataset.points()
        for method in suite.methods
        if not method.datasets or dataset.name in method.datasets
        for value, settings in method.points()
        for seed in suite.seeds_of(method)
    )


def chosen(runs: Sequence[Run], *, only: Sequence[str] = (), seeds: Collection[int] = ()) -> list[Run]:
    """The runs of some methods and seeds.

    only    beginnings of the methods' names; all if empty
    seeds   all if empty

    Raises InputError if a beginning or a seed belongs to no run.
    """
    names = dict.fromkeys(run.method.name for run in runs)
    known = sorted({run.seed for run in runs})
    idle = [one for one in only if not any(name.startswith(one) for name in names)]
    wrong = [f"no method begins with {one!r}" for one in idle]
    wrong += [f"no method runs with seed {seed}" for seed in seeds if seed not in known]
    if wrong:
        hint = f"methods: {', '.join(names)}; seeds: {', '.join(map(str, known))}"
        raise InputError("; ".join(wrong), hint=hint)
    return [
        run
        for run in runs
        if (not only or run.method.name.startswith(tuple(only))) and (not seeds or run.seed in seeds)
    ]


def pending(runs: Sequence[Run], records: Sequence[Record]) -> list[Run]:
    """The runs that no record stands for."""
    done = {record.key for record in records}
    return [run for run in runs if run.key not in done]


def refuse_missing(runs: Sequence[Run], *, data: Path, folder: Path) -> None:
    """Raise FaultsError with every file of a data set that is not there, and every method that does not load.

    data     folder of the data
    folder   what methods are imported from, beside what is installed
    """
    faults = []
    for name, files in {run.dataset.name: run.dataset.files for run in runs}.items():
        absent = [file for file in dict.fromkeys(files) if not (data / file).exists()]
        hint = "--data is the folder that its paths start from"
        faults += [Fault(str(data / file), None, f"data set {name!r} needs it", hint) for file in absent]
    references = list(dict.fromkeys(run.method.run for run in runs))
    # Loading a method may load whole libraries, which the process that prepares all data sets does without.
    (ended,) = in_processes(iter([Task("methods", unloadable, (references, str(folder)))]))
    wrong = ended.result if not ended.error else [(", ".join(references), ended.error)]
    faults += [Fault(run, None, problem, f"methods are imported from {folder}") for run, problem in wrong]
    if faults:
        raise FaultsError("the suite cannot run", faults)


def run_all(
    runs: Sequence[Run], *, data: Path, folder: Path, jobs: int = 1, progress: Progress = SILENT
) -> Iterator[Ended[Run]]:
    """Run them, ``jobs`` at once; each ends with its Record, or with an error, and the others go on.

    Data sets are prepared here, each once as long as nothing that blocking reads changes.
    """
    prepared = _with_problems(runs, data, progress)
    tasks = (
        Task(run, refuse, (problem,))
        if isinstance(problem, str)
        else Task(run, _record, (run, problem, str(folder)))
        for run, problem in prepared
    )
    yield from in_processes(tasks, at_once=jobs)


def _with_problems(
    runs: Sequence[Run], data: Path, progress: Progress
) -> Iterator[tuple[Run, Problem | str]]:
    """Each run with its problem, or with the reason why it could not be prepared."""
    groups: dict[object, list[Run]] = {}
    for run in runs:
        config = run.config
        groups.setdefault((run.dataset, config.blocking, config.schema), []).append(run)
    for group in groups.values():
        configs = {run: run.config for run in sorted(group, key=lambda run: run.seed)}
        different = list(dict.fromkeys(configs.values()))
        try:
            for problem in problems(group[0].dataset.case(data), different, progress=progress):
                for run in [run for run in group if configs.get(run) == problem.config]:
                    del configs[run]
                    yield run, problem
        except Exception as error:
            yield from ((run, one_line(error)) for run in configs)


def _record(run: Run, problem: Problem, folder: str) -> Record:
    # A method that gains from several threads says so itself; the others would only wait for each other.
    torch.set_num_threads(1)
    _load_libraries(problem)
    answer = load_method(run.method.run, folder)(problem)
    if not isinstance(answer, Answer):
        raise InputError(f"{run.method.run} gave {type(answer).__name__}", hint="a method gives an Answer")
    peak = peak_memory_mib()
    judgement = judge(problem, answer, method=run.method.name)
    seconds = float(answer.scoring_seconds)
    wall = seconds if answer.scoring_wall is None else float(answer.scoring_wall)
    cost = Cost(
        training_seconds=round(float(answer.training_seconds), 3),
        scoring_seconds=round(seconds, 6),
        pairs_per_second=round(len(problem.asked) / wall, 1) if wall > 0 else None,
        parameters=int(answer.parameters),
        peak_mib=round(peak, 1),
    )
    return Record(key=run.key, judgement=judgement, cost=cost, versions=_versions())


def _load_libraries(problem: Problem) -> None:
    """Load and compile what would otherwise count as the training of whichever method needs it first."""
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)], fused=True)
    preparation, sampling = problem.preparation, problem.config.sampling
    sampler = Sampler(preparation.graphs[0], preparation.adjacency[0], sampling, seed=0)
    sampler.draw(np.zeros(1, dtype=np.int32))


def _versions() -> dict[str, str]:
    loaded = {name: metadata.version(name) for module, name in _LIBRARIES.items() if module in sys.modules}
    return {"crossgraph": __version__, "python": platform.python_version(), **loaded}
