"""Queries of the Reconciliation Service API as records, and candidates as its answers.

Sources: Reconciliation Service API 0.2 (W3C Entity Reconciliation Community Group, final report of
2023-04-10), and its draft 1.0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from crossgraph.drawing.texts import plain, short_name
from crossgraph.serving.records import MOST_CANDIDATES, MOST_PROPERTIES, MOST_VALUES, Candidate, Record, Value
from crossgraph.serving.served import Served

# Queries in one request, letters of one text, and candidates where nobody says how many.
MOST_QUERIES, LONGEST_TEXT, USUAL_LIMIT = 50, 1_000, 5


class QueryError(ValueError):
    """A request that says nothing that can be answered: why, and with what status."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.status = status


def parsed(text: str | bytes, what: str) -> Any:
    """JSON as data. Raises QueryError for what is none, or nests too deep."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise QueryError(f"{what} is no JSON: {error}") from None


def batch_of_02(data: object) -> dict[str, Record]:
    """The records of a batch of version 0.2, by its keys. Raises QueryError."""
    queries = mapping_of(data, "the batch of queries")
    _refuse_many(queries)
    # The answer has the same keys.
    return {text_of(key): _record_of_02(mapping_of(one, f"query {key!r}")) for key, one in queries.items()}


def batch_of_draft(data: object) -> list[Record]:
    """The records of a batch of the draft, in its order. Raises QueryError."""
    queries = mapping_of(data, "the batch").get("queries")
    if not isinstance(queries, list):
        raise QueryError("the batch has no list of queries")
    _refuse_many(queries)
    return [_record_of_draft(mapping_of(query, "a query")) for query in queries]


def _refuse_many(queries: Mapping[str, object] | Sequence[object]) -> None:
    if len(queries) > MOST_QUERIES:
        raise QueryError(f"{len(queries):,} queries are too many at once: send {MOST_QUERIES} at most", 413)


def _record_of_02(query: Mapping[str, Any]) -> Record:
    name, types, properties = query.get("query", ""), query.get("type", []), query.get("properties", [])
    if not isinstance(properties, list) or not ("query" in query or properties):
        raise QueryError("a query needs a `query`, or a list of `properties`")
    if isinstance(types, str):
        types = [types] if types else []
    if not isinstance(types, list):
        raise QueryError("`type` is a type identifier, or a list of them")
    said = [(one.get("pid"), _given(one)) for one in (mapping_of(one, "a property") for one in properties)]
    return Record(text_of(name), tuple(text_of(one) for one in types), _values(said), _limit(query))


def _record_of_draft(query: Mapping[str, Any]) -> Record:
    conditions = query.get("conditions")
    if not isinstance(conditions, list) or not conditions:
        raise QueryError("a query needs a list of `conditions`")
    names: list[Any] = []
    said: list[tuple[Any, Any]] = []
    for one in conditions:
        condition = mapping_of(one, "a condition")
        if condition.get("required") is True or condition.get("matchQuantifier") == "none":
            raise QueryError(
                "conditions that must hold, or must not, are not supported: a model weighs all of them"
            )
        if condition.get("matchType") == "name":
            names.append(_given_in_draft(condition))
        elif condition.get("matchType") == "property":
            name = condition.get("propertyId", condition.get("pid"))
            said.append((name, _given_in_draft(condition)))
        else:
            raise QueryError("`matchType` is `name` or `property`")
    called = _values([("", one) for one in names])
    kind = text_of(query.get("type", ""))
    types = (kind,) if kind else ()
    return Record(called[0][1].text if called else "", types, _values(said), _limit(query))


def _given(condition: Mapping[str, Any]) -> Any:
    if "v" not in condition:
        raise QueryError("a property needs a value `v`")
    return condition["v"]


def _given_in_draft(condition: Mapping[str, Any]) -> Any:
    # Until 2025 the draft had the short names of 0.2, `pid` and `v`, and clients of then send them.
    for name in ("propertyValue", "v"):
        if name in condition:
            return condition[name]
    raise QueryError("a condition needs a value `propertyValue`")


def _values(said: Sequence[tuple[Any, Any]]) -> tuple[tuple[str, Value], ...]:
    if len(said) > MOST_PROPERTIES:
        raise QueryError(f"{len(said):,} properties are too many: send {MOST_PROPERTIES} at most", 413)
    out: list[tuple[str, Value]] = []
    for name, given in said:
        if not isinstance(name, str):
            raise QueryError("a property is named by a text: `pid`, in the draft `propertyId`")
        values = given if isinstance(given, list) else [given]
        if len(values) > MOST_VALUES:
            raise QueryError(f"{len(values):,} values are too many: send {MOST_VALUES} at most", 413)
        # A cell without a value comes as null or as nothing.
        out += [(name, _value(one)) for one in values if one not in (None, "")]
    return tuple(out)


def _value(given: object) -> Value:
    if isinstance(given, dict):
        return Value(text_of(given.get("name", "")), text_of(given.get("id")))
    if isinstance(given, bool):
        return Value(str(given).lower())
    if isinstance(given, int | float):
        if not math.isfinite(given):
            raise QueryError("a value is no number")
        whole = isinstance(given, float) and given.is_integer() and abs(given) < 2**53
        return Value(text_of(str(int(given)) if whole else str(given)))
    return Value(text_of(given))


def _limit(query: Mapping[str, Any]) -> int:
    limit = query.get("limit", USUAL_LIMIT)
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit >= 1:
        raise QueryError("`limit` is a number, 1 or more")
    return int(min(limit, MOST_CANDIDATES))


def text_of(given: object) -> str:
    """A text of a request, no longer than one may be. Raises QueryError for anything else."""
    if not isinstance(given, str):
        raise QueryError(f"{plain(repr(given))} is no text")
    if len(given) > LONGEST_TEXT:
        raise QueryError(f"a text of {len(given):,} letters is too long: {LONGEST_TEXT:,} are the most")
    try:
        given.encode()
    except UnicodeEncodeError:
        raise QueryError("a text holds half a letter (a lone surrogate)") from None
    return given


def mapping_of(given: object, what: str) -> Mapping[str, Any]:
    """An object of a request. Raises QueryError for anything else."""
    if not isinstance(given, dict):
        raise QueryError(f"{what} is no object")
    return given


def results_of_02(
    served: Served, keys: Sequence[str], found: Sequence[Sequence[Candidate]]
) -> dict[str, Any]:
    """A result batch of version 0.2."""
    return {
        key: {"result": [_shown(served, one) for one in candidates]}
        for key, candidates in zip(keys, found, strict=True)
    }


def results_of_draft(served: Served, found: Sequence[Sequence[Candidate]]) -> dict[str, Any]:
    """A result batch of the draft."""
    results = [{"candidates": [_shown(served, one) for one in candidates]} for candidates in found]
    for result in results:
        for candidate in result["candidates"]:
            for feature in candidate["features"]:
                feature["name"] = feature["id"]
    return {"results": results}


def _shown(served: Served, candidate: Candidate) -> dict[str, Any]:
    features = {"probability": round(candidate.probability, 6), **candidate.features}
    return {
        "id": served.called[0][candidate.entity],
        "name": served.called[1][candidate.entity],
        "type": types_of(served, candidate.entity),
        "score": round(100.0 * candidate.probability, 4),
        "match": candidate.match,
        "features": [{"id": name, "value": value} for name, value in features.items()],
    }


def types_of(served: Served, entity: int) -> list[dict[str, str]]:
    """The types of an entity, by identifier and name."""
    starts, graph = served.type_starts, served.graph
    codes = graph.typed[starts[entity] : starts[entity + 1], 1].tolist()
    return [named(graph.type_names[code]) for code in codes]


def named(identifier: str) -> dict[str, str]:
    """A type or property by identifier and name."""
    return {"id": identifier, "name": short_name(identifier)}
