"""Scores of evidence by several scorers, of which a labelled pair hears one alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from crossgraph._types import Float32, Int32
from crossgraph.evidence.table import EvidenceTable

# Pairs whose evidence is put together at once.
AT_ONCE = 1 << 14


class Scorer(Protocol):
    """What makes one number of a pair's evidence."""

    def score(self, values: Float32) -> Float32:
        """Scores (P) of evidence (P, F)."""


def by_folds(
    scorers: Sequence[Scorer],
    evidence: EvidenceTable,
    folds: Int32,
    spread: Callable[[Callable[[int], None], range], Iterable[Any]],
) -> Float32:
    """(P) mean score of the scorers.

    folds (P)   which of them scores a labelled pair alone, -1 for others
    spread      does pieces of work that are told by their number, at once or one after the other
    """
    mean = np.empty(len(evidence), dtype=np.float32)

    def ask(number: int) -> None:
        part = slice(number * AT_ONCE, (number + 1) * AT_ONCE)
        read = evidence.rows(part)
        said = np.stack([scorer.score(read) for scorer in scorers])
        found, own = said.mean(axis=0), folds[part]
        labelled = np.flatnonzero(own >= 0)
        found[labelled] = said[own[labelled], labelled]
        mean[part] = found

    list(spread(ask, range(-(-len(evidence) // AT_ONCE))))
    return mean
