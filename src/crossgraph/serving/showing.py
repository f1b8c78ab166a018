"""What the service shows of its graph: suggestions, previews, and values of properties."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from crossgraph.drawing.texts import plain, safe, short_name
from crossgraph.serving.counterparts import Property
from crossgraph.serving.protocol import QueryError, mapping_of, named, text_of, types_of
from crossgraph.serving.served import Served

# Properties that are proposed where nobody says how many.
USUAL_PROPOSALS = 50
# Suggestions of an answer, how far one may leaf, values of a property, entities and properties asked for.
PAGE, FARTHEST, MOST_SHOWN, MOST_IDS, MOST_COLUMNS = 20, 1_000, 100, 200, 50


@dataclass(frozen=True, eq=False)
class Showing:
    """Looks things up in the served graph; several threads may."""

    served: Served

    def entities(self, prefix: str, cursor: int) -> dict[str, Any]:
        """Entities with a name like this, or of this identifier."""
        served = self.served
        wanted = prefix.strip() and cursor <= FARTHEST
        found = served.view.search(prefix, most=cursor + PAGE)[cursor:] if wanted else []
        return {
            "result": [
                {
                    "id": served.view.id(one),
                    "name": served.view.name(one),
                    "description": self.description(one),
                    "notable": types_of(served, one),
                }
                for one in found
            ]
        }

    def types(self, prefix: str, cursor: int) -> dict[str, Any]:
        """Types that hold this; all for nothing. Only those of which somebody can be found."""
        names = [self.served.types[0][one] for one in self.served.matched_types]
        return {"result": [named(one) for one in _holding(names, prefix)[cursor : cursor + PAGE]]}

    def properties(self, prefix: str, cursor: int) -> dict[str, Any]:
        """Properties that hold this; all for nothing."""
        found = _holding(list(self.served.properties), prefix)[cursor : cursor + PAGE]
        return {"result": [{**named(one), "description": self._told(one)} for one in found]}

    def proposals(self, type_name: str, limit: int) -> dict[str, Any]:
        """Properties of entities of a type, the most used first."""
        wanted = self._used.get(type_name, Counter())
        names = [name for name, _ in sorted(wanted.items(), key=lambda one: (-one[1], one[0]))][:limit]
        return {"type": type_name, "limit": limit, "properties": [named(one) for one in names]}

    def description(self, entity: int) -> str:
        """A few words that tell an entity from its namesakes."""
        view = self.served.view
        said = [f"{short_name(one.attribute)}: {one.value}" for one in view.facts(entity)[:12]]
        name = view.name(entity)
        return plain(", ".join(one for one in said if not one.endswith(f": {name}")), 160)

    def preview(self, identifier: str) -> str | None:
        """A page about an entity; None where there is none."""
        entity = self.served.view.number(identifier)
        if entity < 0:
            return None
        name = safe(self.served.view.name(entity))
        head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title>"
        return f"{head}<body>{self.fragment(entity)}</body></html>"

    def flyout(self, identifier: str) -> dict[str, str] | None:
        """The same as part of a page of others."""
        entity = self.served.view.number(identifier)
        return None if entity < 0 else {"id": identifier, "html": self.fragment(entity)}

    def fragment(self, entity: int) -> str:
        """Name, types, facts and neighbours as HTML in which every text of the graph is escaped."""
        view = self.served.view
        rows = [(short_name(fact.attribute), fact.value) for fact in view.facts(entity)[:12]]
        rows += [(short_name(one.relation), view.name(one.entity)) for one in view.neighbours(entity)[:8]]
        types = safe(", ".join(short_name(one) for one in view.types(entity)))
        told = "".join(f"<dt>{safe(name)}</dt><dd>{safe(value, 200)}</dd>" for name, value in rows)
        name, identifier = safe(view.name(entity), 120), safe(view.id(entity), 200)
        return f"<h1>{name}</h1><p>{types} <code>{identifier}</code></p><dl>{told}</dl>"

    def extension(self, data: object) -> tuple[list[dict[str, Any]], dict[str, dict[str, list[Any]]]]:
        """What is told of each property, and its values for each entity. Raises QueryError."""
        asked = mapping_of(data, "the extension")
        ids, wanted = asked.get("ids"), asked.get("properties")
        if not isinstance(ids, list) or not isinstance(wanted, list):
            raise QueryError("an extension needs the lists `ids` and `properties`")
        if len(ids) > MOST_IDS or len(wanted) > MOST_COLUMNS:
            raise QueryError(f"ask for {MOST_IDS} entities and {MOST_COLUMNS} properties at most", 413)
        columns = {}
        for one in wanted:
            told = mapping_of(one, "a property")
            columns[text_of(told.get("id"))] = _most(told.get("settings"))
        rows = {
            identifier: {name: self._values(identifier, name, most) for name, most in columns.items()}
            for identifier in map(text_of, ids)
        }
        return [named(name) for name in columns], rows

    def _values(self, identifier: str, name: str, most: int) -> list[dict[str, Any]]:
        view, known = self.served.view, self.served.properties.get(name)
        entity = view.number(identifier)
        if entity < 0 or known is None:
            return []
        values: list[dict[str, Any]] = [
            self._literal(known, fact.value) for fact in view.facts(entity) if fact.attribute == name
        ]
        values += [
            {"id": view.id(one.entity), "name": view.name(one.entity)}
            for one in view.neighbours(entity)
            if one.relation == name
        ]
        return values[:most]

    def _literal(self, known: Property, text: str) -> dict[str, Any]:
        if self.served.columns(self.served.side)[known.attribute].kind == "number":
            try:
                number = float(text)
            except ValueError:
                return {"str": text}
            if math.isfinite(number):
                return (
                    {"int": int(number)} if number.is_integer() and abs(number) < 2**53 else {"float": number}
                )
        return {"str": text}

    def _told(self, name: str) -> str:
        known, counterparts = self.served.properties[name], self.served.counterparts
        compared = known.attribute in counterparts.attributes or known.relation in counterparts.relations
        kind = "attribute" if known.attribute >= 0 else "relation"
        return kind if compared else f"{kind}, which has no counterpart: its values are not compared"

    @cached_property
    def _used(self) -> dict[str, Counter[str]]:
        """How often each property is used, for each type."""
        graph, (names, types) = self.served.graph, self.served.types
        adjacency = self.served.adjacency
        parts = (
            (types[graph.fact_entities], graph.fact_attributes, "attribute"),
            (types[adjacency.sources], adjacency.relations, "relation"),
        )
        used: dict[str, Counter[str]] = {name: Counter() for name in names}
        for kinds, numbers, which in parts:
            by_number = {getattr(one, which): one.id for one in self.served.properties.values()}
            width = int(numbers.max(initial=0)) + 1
            codes, counts = np.unique(kinds.astype(np.int64) * width + numbers, return_counts=True)
            for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
                used[names[code // width]][by_number[code % width]] += count
        return used


def _holding(names: list[str], text: str) -> list[str]:
    wanted = text.strip().lower()
    return [name for name in names if wanted in name.lower()]


def _most(settings: object) -> int:
    """How many values are wanted: the setting ``limit``, which a client may send as a text."""
    limit = None if settings is None else mapping_of(settings, "`settings`").get("limit")
    if limit in (None, "", 0, "0"):
        return MOST_SHOWN
    if isinstance(limit, str) and limit.isascii() and limit.isdigit() and len(limit) < 10:
        limit = int(limit)
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit >= 1:
        raise QueryError(
            f"the setting `limit` is a number, 1 or more, or 0 for as many as there can be, {MOST_SHOWN}"
        )
    return int(min(limit, MOST_SHOWN))
