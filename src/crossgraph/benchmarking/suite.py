"""A suite: which methods are compared on which data sets, with which seeds; as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from crossgraph.benchmarking.problem import Case, Hidden
from crossgraph.errors import ConfigError
from crossgraph.settings import literal

Value: TypeAlias = bool | int | float | str
"""A place on the x axis of a figure: what a sweep varies."""

Measure: TypeAlias = Literal[
    "prauc",
    "hits1",
    "mrr",
    "r_at_p95",
    "precision",
    "recall",
    "f1",
    "recall_blocking",
    "training_seconds",
    "scoring_seconds",
    "pairs_per_second",
    "parameters",
    "peak_mib",
]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A table ``[[dataset]]``: a ``Case`` whose paths are relative to the folder of the data.

    name               what the page calls it
    left, right        graphs; without ``right``, one folder stands for both
    train, valid, test  files of known links
    pairs              instead of the three: labelled pairs with their part
    negatives, share, train_types, test_types, few, hidden   as in ``Case``
    shares, fews       a sweep: one case for each value of ``share`` or ``few``
    """

    name: str
    left: str
    right: str | None = None
    train: tuple[str, ...] = ()
    valid: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    pairs: str | None = None
    negatives: int | None = None
    share: float = 1.0
    train_types: tuple[str, ...] = ()
    test_types: tuple[str, ...] = ()
    few: int = 0
    shares: tuple[float, ...] = ()
    fews: tuple[int, ...] = ()
    hidden: tuple[Hidden, ...] = ()

    def __post_init__(self) -> None:
        if (self.pairs is None) == (not self.test):
            raise ConfigError("it has no test, or two", hint="give files of links as test, or pairs")
        if self.pairs is not None and (self.train or self.valid):
            raise ConfigError("pairs stands beside train or valid", hint="its fourth column names the parts")
        if self.shares and self.fews:
            raise ConfigError("shares and fews are two sweeps", hint="make two data sets of them")
        if not all(0.0 < share <= 1.0 for share in (self.share, *self.shares)):
            raise ConfigError(f"share = {self.share}, shares = {self.shares}", hint="shares are in (0, 1]")
        if min((self.few, *self.fews, self.negatives or 0)) < 0:
            raise ConfigError("few, fews or negatives is below 0", hint="count from 0 on")

    @property
    def files(self) -> tuple[str, ...]:
        """Every path that it names."""
        one = [path for path in (self.left, self.right, self.pairs) if path is not None]
        return (*one, *self.train, *self.valid, *self.test)

    @property
    def swept(self) -> bool:
        """Whether it is a sweep."""
        return bool(self.shares or self.fews)

    def points(self) -> tuple[tuple[Value | None, DataSet], ...]:
        """What the sweep expands into: the value, and the data set with it; itself without a sweep."""
        if not self.swept:
            return ((None, self),)
        one = replace(self, shares=(), fews=())
        return (
            *((share, replace(one, share=share)) for share in self.shares),
            *((few, replace(one, few=few)) for few in self.fews),
        )

    def told(self) -> dict[str, Any]:
        """The keys that differ from their defaults, but for the name; ready for JSON."""
        keys = {
            one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("name", "hidden")
        }
        told = {
            key: value for key, value in keys.items() if value is not None and value != _DEFAULTS.get(key)
        }
        hidden = [{**vars(one), "attributes": list(one.attributes)} for one in self.hidden]
        told |= {"hidden": hidden} if hidden else {}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in told.items()}

    def case(self, data: Path) -> Case:
        """The case, with its paths in the folder of the data."""
        return Case(
            name=self.name,
            left=data / self.left,
            right=None if self.right is None else data / self.right,
            train=tuple(data / file for file in self.train),
            valid=tuple(data / file for file in self.valid),
            test=tuple(data / file for file in self.test),
            pairs=None if self.pairs is None else data / self.pairs,
            negatives=self.negatives,
            share=self.share,
            train_types=self.train_types,
            test_types=self.test_types,
            few=self.few,
            hidden=self.hidden,
        )


_DEFAULTS = {one.name: one.default for one in fields(DataSet)}


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """A table ``[[method]]``.

    name           what the page calls it; the same for several tables if they name different data sets
    run            ``module:function`` of the kind ``Method``
    set            settings that are changed for it, as ``table.key=value``
    seeds          what it runs with; the suite's seeds if left out
    datasets       names of the data sets that it runs on; all if empty
    vary, values   a sweep: a setting ``table.key``, and the values that it takes
    line           the line of the figure that it belongs to; its own if left out
    """

    name: str
    run: str
    set: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None
    datasets: tuple[str, ...] = ()
    vary: str | None = None
    values: tuple[Value, ...] = ()
    line: str | None = None

    def __post_init__(self) -> None:
        module, colon, function = self.run.partition(":")
        if not (colon and function.isidentifier() and all(part.isidentifier() for part in module.split("."))):
            raise ConfigError(f"run = {self.run!r} names no function", hint="write module:function")
        if (self.vary is None) != (not self.values):
            raise ConfigError("vary and values belong together", hint="give both or neither")
        if self.seeds is not None:
            refuse_seeds(self.seeds)

    def points(self) -> tuple[tuple[Value | None, tuple[str, ...]], ...]:
        """What the sweep expands into: the value, and the settings with it."""
        if self.vary is None:
            return ((None, self.set),)
        return tuple((value, (*self.set, f"{self.vary}={literal(value)}")) for value in self.values)


def refuse_seeds(seeds: Sequence[int]) -> None:
    """Raise ConfigError if there is no seed, one is below 0, or one stands twice."""
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise ConfigError(f"seeds = {list(seeds)}", hint="give different whole numbers from 0 on")


@dataclass(frozen=True, kw_only=True)
class FigurePlan:
    """The table ``[figure]``.

    x       what the x axis is called
    y       which measure is drawn
    kind    lines over the values of a sweep, or a dot for each method
    log_x   whether the x axis is logarithmic
    """

    x: str = ""
    y: Measure = "prauc"
    kind: Literal["line", "dot"] = "line"
    log_x: bool = False


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A whole suite.

    title, question, findings   prose of the page
    seeds                       of every method that names none
    path                        folder that methods are imported from, relative to the suite's file
    """

    title: str
    seeds: tuple[int, ...]
    question: str = ""
    findings: str = ""
    path: str = "."
    file: Path = Path()
    datasets: tuple[DataSet, ...] = field(default=())
    methods: tuple[Entrant, ...] = field(default=())
    figure: FigurePlan | None = None

    @property
    def stem(self) -> str:
        """What its files are called."""
        return self.file.stem

    @property
    def folder(self) -> Path:
        """Where methods are imported from."""
        return (self.file.parent / self.path).resolve()

    def seeds_of(self, method: Entrant) -> tuple[int, ...]:
        """The seeds that a method runs with."""
        return self.seeds if method.seeds is None else method.seeds
