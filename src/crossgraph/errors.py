"""Every error a user can meet. Each names the value, the place and the way out.

    CrossgraphError
    ├─ InputError (also ValueError)
    │  ├─ GraphFormatError        faults: every fault of a graph's files, all at once
    │  ├─ LinksError              faults: every fault of a link or pair file
    │  └─ ResultError             a RESULT folder that is missing, incomplete or in the way
    ├─ ConfigError                key, allowed values, nearest name
    ├─ NoCandidatesError          which types were compared and what was tried
    ├─ CheckpointError            a saved model that does not fit: what, saved, given
    ├─ ClusterError               what the machines of a cluster could not do, and why
    ├─ NonFiniteLossError         the training step
    └─ MissingExtraError (also ImportError)   the pip line to run

Programming faults stay plain ``ValueError`` and ``TypeError``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

MAX_FAULTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input.

    path     the file as the user named it
    line     1-based line, or None where the format has none
    problem  what is wrong, with the value
    hint     what to do about it; may be empty
    """

    path: str
    line: int | None
    problem: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.problem}" + (f" ({self.hint})" if self.hint else "")


class CrossgraphError(Exception):
    """Base of all errors that are the user's to mend: ``problem`` says what, ``hint`` the way out."""

    def __init__(self, problem: str, *, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return self.problem + (f"\n  Try: {self.hint}" if self.hint else "")


class InputError(CrossgraphError, ValueError):
    """An input file or folder that cannot be used."""


class FaultsError(InputError):
    """An input with one or more faults, all told at once.

    samples   how many of them tell enough, where all have one cause, which ``what`` says; None for all
    """

    def __init__(
        self, what: str, faults: Sequence[Fault], *, hint: str = "", samples: int | None = None
    ) -> None:
        self.faults = tuple(faults)
        self.what = what
        self.samples = samples
        listed = listing(self.faults, MAX_FAULTS_SHOWN if samples is None else samples)
        super().__init__(f"{what}: {listed}", hint=hint)


def listing(faults: Sequence[Fault], most: int) -> str:
    """How many faults there are, and the first of them, a line each."""
    shown = "\n".join(f"  {fault}" for fault in faults[:most])
    more = len(faults) - most
    tail = f"\n  ... and {more:,} more" if more > 0 else ""
    return f"{len(faults):,} fault{'s' if len(faults) != 1 else ''}\n{shown}{tail}"


class GraphFormatError(FaultsError):
    """A graph whose files have faults."""


class LinksError(FaultsError):
    """A file of links or pairs with faults."""


class ResultError(InputError):
    """A RESULT folder that is missing, incomplete, or in the way."""


class ConfigError(CrossgraphError):
    """A setting that does not exist or is out of range."""


class NoCandidatesError(CrossgraphError):
    """Blocking proposed nothing at all."""


class CheckpointError(CrossgraphError):
    """A saved model that cannot be applied."""


class ClusterError(CrossgraphError):
    """The machines of a cluster cannot be reached, or could not finish."""


class NonFiniteLossError(CrossgraphError):
    """Training met a loss that is not a number."""


class MissingExtraError(CrossgraphError, ImportError):
    """An optional dependency is needed: the hint is the pip line."""


def require_extra(extra: str, *modules: str) -> None:
    """Raise MissingExtraError that names what of an extra's modules is not installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise MissingExtraError(
            f"{', '.join(missing)} is not installed", hint=f"pip install 'crossgraph[{extra}]'"
        )
