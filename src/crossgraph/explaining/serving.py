"""Reasons for a server that lives long: the RESULT is opened at the first question, and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from crossgraph.errors import CrossgraphError
from crossgraph.explaining.page import fragment
from crossgraph.explaining.reasons import Explainer
from crossgraph.explaining.reopening import reopen, with_strangers
from crossgraph.layout import ResultFolder
from crossgraph.preparation import Graphs
from crossgraph.schema.seeds import EntityPairs


class Reasoner:
    """Tells as HTML why two entities are the same or are not; of a RESULT of these graphs.

    Not for several threads at once.
    """

    def __init__(self, result: Path, graphs: Graphs) -> None:
        self._result, self._graphs = result, graphs
        self._explainer: Explainer | CrossgraphError | None = None
        self._opened_at: tuple[int, int] | None = None

    def __call__(self, left: str, right: str) -> str:
        """The reasons of two entities, given by identifiers that the graphs have.

        Raises CrossgraphError where the RESULT cannot be opened; once that is known, at once.
        """
        explainer = self._opened()
        pair = self._graphs[0].position(left), self._graphs[1].position(right)
        opened = explainer.around.opened
        if opened.place(*pair) < 0:
            explainer = Explainer(
                with_strangers(opened, EntityPairs.of(np.array(pair[:1]), np.array(pair[1:])))
            )
        return fragment(explainer.explain(*pair))

    def _opened(self) -> Explainer:
        """Of the RESULT as it is now: learning from answers puts another one in its place."""
        now = _written(self._result)
        if self._explainer is None or now != self._opened_at:
            self._opened_at = now
            try:
                self._explainer = Explainer(reopen(self._result, graphs=self._graphs))
            except CrossgraphError as error:
                self._explainer = error
        if isinstance(self._explainer, CrossgraphError):
            raise self._explainer
        return self._explainer


def _written(result: Path) -> tuple[int, int] | None:
    """Tells one RESULT at a place from the next; None where there is none."""
    try:
        status = ResultFolder(result).report_file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
