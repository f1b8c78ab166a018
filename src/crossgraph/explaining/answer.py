"""explain(): the reasons of one pair of a RESULT, and perhaps of another candidate beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossgraph._types import Side
from crossgraph.errors import InputError
from crossgraph.explaining.contrast import Contrast, contrast
from crossgraph.explaining.reasons import Explainer, Explanation
from crossgraph.explaining.reopening import entity_number, reopen
from crossgraph.preparation import Graphs
from crossgraph.progress import SILENT, Progress


@dataclass(frozen=True)
class Answer:
    """Why a pair is the same or is not; with ``contrast``, why it is rather than another."""

    explanation: Explanation
    contrast: Contrast | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        told = self.explanation.as_dict()
        if self.contrast is None:
            return told
        return {**told, "instead": {**self.contrast.other.as_dict(), **self.contrast.as_dict()}}


def explain(
    result: Path, left: str, right: str, *, instead: str | None = None, progress: Progress = SILENT
) -> Answer:
    """Explain a pair of a RESULT, given by identifiers; it need not be a candidate.

    instead   another candidate for ``left`` (an entity of the right graph), or else for ``right``

    Raises ResultError for an identifier that the graphs do not have, and InputError where ``instead`` is
    one of the pair's own.
    """
    if instead in (left, right):
        raise InputError(f"{instead!r} is of the pair itself", hint="name another candidate with --instead")

    def wanted(graphs: Graphs) -> tuple[tuple[str, str], ...]:
        pairs = ((left, right),)
        return pairs if instead is None else (*pairs, _other(graphs, (left, right), instead)[0])

    opened = reopen(result, wanted, progress=progress)
    explainer, graphs = Explainer(opened), opened.preparation.graphs
    with progress.stage("explain", None):
        found = explainer.explain(*_numbers(graphs, (left, right)))
        if instead is None:
            return Answer(found)
        other, shared = _other(graphs, (left, right), instead)
        beside = explainer.explain(*_numbers(graphs, other))
        return Answer(found, contrast(found, beside, shared=shared))


def _other(graphs: Graphs, pair: tuple[str, str], instead: str) -> tuple[tuple[str, str], Side]:
    """The other pair, and the side of the entity that both pairs have."""
    there = [graph.position(instead) >= 0 for graph in graphs]
    if there[0] and not there[1]:
        return (instead, pair[1]), "right"
    return (pair[0], instead), "left"


def _numbers(graphs: Graphs, pair: tuple[str, str]) -> tuple[int, int]:
    return entity_number(graphs, 0, pair[0]), entity_number(graphs, 1, pair[1])
