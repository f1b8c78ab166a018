"""Read a suite from TOML, and tell everything that is wrong with it at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crossgraph.benchmarking.problem import Hidden
from crossgraph.benchmarking.suite import DataSet, Entrant, FigurePlan, Suite, refuse_seeds
from crossgraph.config import load_config
from crossgraph.errors import ConfigError, Fault, FaultsError, InputError
from crossgraph.settings import read_record, read_toml


@dataclass(frozen=True, kw_only=True)
class _Head:
    """The keys of a suite outside its tables."""

    title: str
    seeds: tuple[int, ...]
    question: str = ""
    findings: str = ""
    path: str = "."

    def __post_init__(self) -> None:
        refuse_seeds(self.seeds)


_TABLES = ("dataset", "method", "figure")


def read_suite(file: Path) -> Suite:
    """Read a suite. Raises InputError if it is no TOML, and FaultsError with all that is wrong in it."""
    try:
        content = read_toml(file)
    except ConfigError as error:
        hint = "a suite is TOML with a title, seeds, [[dataset]] and [[method]]"
        raise InputError(error.problem, hint=hint) from None
    reading = _Reading(str(file), [])
    outside = {key: value for key, value in content.items() if key not in _TABLES}
    head: _Head | None = reading.record(_Head, outside, "the suite")
    figure = reading.record(FigurePlan, content["figure"], "[figure]") if "figure" in content else None
    datasets = tuple(reading.datasets(content.get("dataset", [])))
    methods: tuple[Entrant, ...] = tuple(reading.records(Entrant, content.get("method", []), "method"))
    reading.together(datasets, methods, names=_names(content.get("dataset", [])))
    if head is None or reading.faults:
        raise FaultsError("the suite cannot be used", reading.faults)
    return Suite(file=file, datasets=datasets, methods=methods, figure=figure, **vars(head))


@dataclass(frozen=True)
class _Reading:
    """Tables as they become records; what is wrong is gathered."""

    file: str
    faults: list[Fault]

    def wrong(self, place: str, problem: str, hint: str = "") -> None:
        self.faults.append(Fault(self.file, None, f"{place}: {problem}", hint))

    def record(self, kind: type, content: object, place: str) -> Any:
        if not isinstance(content, Mapping):
            self.wrong(place, "it is no table", f"write {place} on a line of its own")
            return None
        found, problems = read_record(kind, content)
        for problem, hint in problems:
            self.wrong(place, problem, hint)
        return found

    def records(self, kind: type, tables: object, name: str) -> Iterator[Any]:
        """All tables of one name; none at all is a fault."""
        if not isinstance(tables, list) or not tables:
            self.wrong("the suite", f"it has no {name}", f"write [[{name}]] with name = ...")
            return
        for number, content in enumerate(tables, start=1):
            found = self.record(kind, content, _place(name, number, content))
            if found is not None:
                yield found

    def datasets(self, tables: object) -> Iterator[DataSet]:
        """The data sets; what they hide are tables of their own."""
        bare = [_without_hidden(one) for one in tables] if isinstance(tables, list) else tables
        hidden = {}
        for number, content in enumerate(tables if isinstance(tables, list) else (), start=1):
            rows = content.get("hidden", []) if isinstance(content, Mapping) else []
            place = f"{_place('dataset', number, content)} hidden"
            found = [self.record(Hidden, row, place) for row in (rows if isinstance(rows, list) else [rows])]
            hidden[content.get("name") if isinstance(content, Mapping) else None] = tuple(filter(None, found))
        for one in self.records(DataSet, bare, "dataset"):
            yield replace(one, hidden=hidden[one.name])

    def together(
        self, datasets: Sequence[DataSet], methods: Sequence[Entrant], *, names: Sequence[str]
    ) -> None:
        """What only shows when data sets and methods are looked at together."""
        for title, times in Counter(names).items():
            if times > 1:
                self.wrong(f"[[dataset]] {title!r}", f"the name stands {times} times", "names must differ")
        runs = Counter((one.name, name) for one in methods for name in set(one.datasets or names))
        for (title, name), times in runs.items():
            if times > 1:
                self.wrong(
                    f"[[method]] {title!r}", f"it is there {times} times for {name!r}", "once is enough"
                )
        swept = {one.name for one in datasets if one.swept}
        for method in methods:
            place = f"[[method]] {method.name!r}"
            for name in method.datasets:
                if name not in names:
                    self.wrong(place, f"there is no data set {name!r}", f"known: {', '.join(names)}")
            both = swept & set(method.datasets or names)
            if method.vary and both:
                self.wrong(
                    place, f"it varies {method.vary} on {min(both)!r}, a sweep too", "name its datasets"
                )
            for _, sets in method.points():
                self.settings(place, sets)

    def settings(self, place: str, sets: Sequence[str]) -> None:
        try:
            load_config(None, sets)
        except ConfigError as error:
            self.wrong(place, error.problem, error.hint)


def _place(name: str, number: int, content: object) -> str:
    title = content.get("name") if isinstance(content, Mapping) else None
    return f"[[{name}]] {title!r}" if isinstance(title, str) else f"[[{name}]] number {number}"


def _names(tables: object) -> list[str]:
    rows = tables if isinstance(tables, list) else []
    return [str(one["name"]) for one in rows if isinstance(one, Mapping) and "name" in one]


def _without_hidden(content: object) -> object:
    if not isinstance(content, Mapping):
        return content
    return {key: value for key, value in content.items() if key != "hidden"}
