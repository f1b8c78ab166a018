"""Reasons for a server that lives long: the RESULT is opened at the first question, and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from crossgraph.errors import CrossgraphError
from crossgraph.explaining.page import fragment
from crossgraph.explaining.reasons import Explainer
from crossgraph.explaining.reopening import reopen, with_strangers
from crossgraph.preparation import Graphs
from crossgraph.schema.seeds import EntityPairs


class Reasoner:
    """Tells as HTML why two entities are the same or are not; of a RESULT of these graphs.

    Not for several threads at once.
    """

    def __init__(self, result: Path, graphs: Graphs) -> None:
        self._result, self._graphs = result, graphs
        self._explainer: Explainer | None = None
        self._refusal: CrossgraphError | None = None

    def __call__(self, left: str, right: str) -> str:
        """The reasons of two entities, given by identifiers that the graphs have.

        Raises CrossgraphError where the RESULT cannot be opened; once that is known, at once.
        """
        if self._refusal is not None:
            raise self._refusal
        try:
            explainer = self._opened()
        except CrossgraphError as error:
            self._refusal = error
            raise
        pair = self._number(0, left), self._number(1, right)
        opened = explainer.around.opened
        if opened.place(*pair) < 0:
            explainer = Explainer(
                with_strangers(opened, EntityPairs.of(np.array(pair[:1]), np.array(pair[1:])))
            )
        return fragment(explainer.explain(*pair))

    def _opened(self) -> Explainer:
        if self._explainer is None:
            self._explainer = Explainer(reopen(self._result, graphs=self._graphs))
        return self._explainer

    def _number(self, side: int, identifier: str) -> int:
        return int(self._graphs[side].positions(pl.Series([identifier], dtype=pl.String))[0])
