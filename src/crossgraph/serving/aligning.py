"""Two small graphs in, their matches out: the model of a RESULT applied while somebody waits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from crossgraph.cardinality import singles_of
from crossgraph.checkpoint import load_model
from crossgraph.errors import CrossgraphError, NoCandidatesError
from crossgraph.graphs.graph import GraphTables, KnowledgeGraph
from crossgraph.inputs import Inputs, config_of, encoder_for
from crossgraph.layout import ResultFolder
from crossgraph.preparation import Graphs, Known
from crossgraph.progress import SILENT
from crossgraph.serving.protocol import QueryError, mapping_of, text_of
from crossgraph.session import Session
from crossgraph.stages import StageClock

# Of both graphs together.
MOST_ENTITIES, MOST_STATEMENTS = 2_000, 20_000


class Aligner:
    """Aligns small graphs by the model of a RESULT. Not for several threads at once."""

    def __init__(self, result: Path) -> None:
        folder = ResultFolder(result)
        self._result = result
        self._config, self._model = config_of(folder), load_model(folder.model_folder)
        self._encoder = encoder_for(folder, self._config, self._model.encoder)

    def align(self, graphs: Graphs) -> dict[str, Any]:
        """The matches of two graphs, the surest first. Raises QueryError where they cannot be compared."""
        session = Session(self._config, StageClock(), SILENT, encoder=self._encoder)
        # Nothing is read from there but the schema mapping of the model.
        inputs = Inputs(left=self._result, model=self._result)
        nothing = Known.nothing()
        try:
            preparation, evidence = session.prepare(
                graphs, nothing, keep=None, inputs=inputs, singles=singles_of(self._model.cardinalities)
            )
            run = session.apply(self._model, preparation, evidence, nothing)
        except NoCandidatesError:
            return {"matches": [], "candidates": 0}
        except CrossgraphError as error:
            raise QueryError(str(error), 422) from error
        table = run.matches.table.filter("matched").sort(
            ["probability", "left", "right"], descending=[True, False, False]
        )
        rows = table.select("left", "right", "type", "probability").rows(named=True)
        return {"matches": rows, "candidates": len(run.matches.table)}


def graphs_of(data: object) -> Graphs:
    """The graphs of a request, see docs/serving.md. Raises QueryError for what is none, or too large."""
    asked = mapping_of(data, "the request")
    left, right = (_Reader(side, asked.get(side)) for side in ("left", "right"))
    entities = len(left.ids) + len(right.ids)
    statements = sum(len(one.types) + len(one.edges) + len(one.facts) for one in (left, right))
    if entities > MOST_ENTITIES or statements > MOST_STATEMENTS:
        raise QueryError(
            f"{entities:,} entities with {statements:,} statements are too many here: {MOST_ENTITIES:,} and "
            f"{MOST_STATEMENTS:,} are the most. crossgraph align takes any number",
            413,
        )
    return left.graph(), right.graph()


class _Reader:
    """One graph as tables of strings."""

    def __init__(self, side: str, given: object) -> None:
        entities = mapping_of(given, f"`{side}`").get("entities")
        if not isinstance(entities, list) or not entities:
            raise QueryError(f"`{side}` has no list of `entities`")
        self.ids: set[str] = set()
        self.types: list[tuple[str, str]] = []
        self.edges: list[tuple[str, str, str]] = []
        self.facts: list[tuple[str, str, str, str]] = []
        for one in entities:
            self._read(mapping_of(one, "an entity"))

    def _read(self, entity: Mapping[str, Any]) -> None:
        identifier = text_of(entity.get("id"))
        if not identifier or identifier in self.ids:
            raise QueryError("each entity has an `id` of its own, which is not empty")
        self.ids.add(identifier)
        self.types += [(identifier, text_of(one)) for one in _list(entity.get("types"))]
        for name, values in _tables(entity, "attributes"):
            self.facts += [(identifier, name, _literal(one), "") for one in _list(values)]
        for name, ends in _tables(entity, "relations"):
            self.edges += [(identifier, name, text_of(one)) for one in _list(ends)]

    def graph(self) -> KnowledgeGraph:
        """The graph. Raises QueryError where an edge leads to nobody, or an entity has nothing."""
        missing = {tail for _, _, tail in self.edges} - self.ids
        if missing:
            raise QueryError(f"a relation leads to {min(missing)!r}, which is no entity of its graph")
        told = {row[0] for rows in (self.types, self.edges, self.facts) for row in rows}
        told |= {tail for _, _, tail in self.edges}
        if self.ids - told:
            raise QueryError(f"nothing is said of {min(self.ids - told)!r}")
        return KnowledgeGraph.from_tables(
            GraphTables(
                types=_frame(self.types, ("entity", "type")),
                edges=_frame(self.edges, ("head", "relation", "tail")),
                facts=_frame(self.facts, ("entity", "attribute", "value", "tag")),
            )
        )


def _frame(rows: list[Any], names: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def _tables(entity: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    return [(text_of(one), values) for one, values in mapping_of(entity.get(name, {}), f"`{name}`").items()]


def _list(given: object) -> list[Any]:
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def _literal(given: object) -> str:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise QueryError("a value is a text or a number")
    if isinstance(given, float) and not math.isfinite(given):
        raise QueryError("a value is no number")
    return text_of(str(given))
