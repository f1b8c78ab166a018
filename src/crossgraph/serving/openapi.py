"""What the service can be asked, as OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from crossgraph import __version__
from crossgraph.serving.protocol import LONGEST_TEXT, MOST_QUERIES
from crossgraph.serving.records import MOST_PROPERTIES, MOST_VALUES
from crossgraph.serving.showing import MOST_COLUMNS, MOST_IDS

_Schema = dict[str, Any]


def _object(required: _Schema, optional: _Schema | None = None) -> _Schema:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _list(items: _Schema, **limits: int) -> _Schema:
    return {"type": "array", "items": items, **limits}


def _table(values: _Schema) -> _Schema:
    return {"type": "object", "additionalProperties": values}


_ANY: _Schema = {"type": "object"}
_STRING: _Schema = {"type": "string"}
_TEXT: _Schema = {"type": "string", "maxLength": LONGEST_TEXT}
_WHOLE: _Schema = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
_LIMIT: _Schema = {"type": "number", "minimum": 1}
_NAMED = _object({"id": _STRING, "name": _STRING}, {"description": _STRING})
_ONE_VALUE: _Schema = {
    "anyOf": [
        _TEXT,
        {"type": "number"},
        {"type": ["boolean", "null"]},
        _object({"id": _TEXT}, {"name": _TEXT}),
    ]
}
_VALUE: _Schema = {"anyOf": [_ONE_VALUE, _list(_ONE_VALUE, maxItems=MOST_VALUES)]}
_FEATURE = _object({"id": _STRING, "value": {"type": "number"}}, {"name": _STRING})
_CANDIDATE = _object(
    {
        "id": _STRING,
        "name": _STRING,
        "type": _list(_NAMED),
        "score": {"type": "number", "minimum": 0, "maximum": 100},
        "match": {"type": "boolean"},
        "features": _list(_FEATURE),
    }
)
_ASKED_WITH: _Schema = {
    "type": {"anyOf": [_TEXT, _list(_TEXT)]},
    "limit": _LIMIT,
    "type_strict": {"enum": ["any", "should", "all"]},
}
_PROPERTIES = _list(_object({"pid": _STRING, "v": _VALUE}), maxItems=MOST_PROPERTIES)
# A name, or values of properties alone.
_QUERY: _Schema = {
    "anyOf": [
        _object({"query": _TEXT}, {**_ASKED_WITH, "properties": _PROPERTIES}),
        _object({"properties": {**_PROPERTIES, "minItems": 1}}, {**_ASKED_WITH, "query": _TEXT}),
    ]
}
_CONDITION: _Schema = {
    "anyOf": [
        _object({"matchType": {"const": "name"}, "propertyValue": _VALUE}),
        _object({"matchType": {"const": "property"}, "propertyId": _STRING, "propertyValue": _VALUE}),
    ]
}
_DRAFT_QUERY = _object(
    {"conditions": _list(_CONDITION, minItems=1, maxItems=MOST_PROPERTIES)}, {"type": _TEXT, "limit": _LIMIT}
)
_DRAFT_RESULTS = _object({"results": _list(_object({"candidates": _list(_CANDIDATE)}))})
_EXTENSION = _object(
    {
        "ids": _list(_TEXT, maxItems=MOST_IDS),
        "properties": _list(
            _object({"id": _TEXT}, {"settings": {"type": ["object", "null"]}}), maxItems=MOST_COLUMNS
        ),
    }
)
_GRAPH_ENTITY = _object(
    {"id": {**_TEXT, "minLength": 1}},
    {
        "types": _list(_TEXT),
        "attributes": _table(_list({"anyOf": [_TEXT, {"type": "number"}]})),
        "relations": _table(_list(_TEXT)),
    },
)
_GRAPH = _object({"entities": _list(_GRAPH_ENTITY, minItems=1)})
_MATCH = _object(
    {
        "left": _STRING,
        "right": _STRING,
        "type": _STRING,
        "probability": {"type": "number", "minimum": 0, "maximum": 1},
    }
)
_ALIGNED = _object({"matches": _list(_MATCH), "candidates": {"type": "integer"}})
_SUGGESTED = _object({"result": _list(_NAMED)})
_ID = ("id", _STRING, True)
_PREFIX, _CURSOR = ("prefix", _STRING, False), ("cursor", _WHOLE, False)
_TYPE, _MOST = ("type", _STRING, False), ("limit", _WHOLE, False)


def openapi(name: str, root: str) -> _Schema:
    """The document; ``root`` is the address of the service."""
    batch = _object({"queries": _list(_DRAFT_QUERY, maxItems=MOST_QUERIES)})
    paths: _Schema = {
        "/": _root(),
        "/draft/": _get("The manifest of the draft", _json(_ANY)),
        "/draft/reconcile": _posted("Queries of the draft", batch, _DRAFT_RESULTS),
        "/draft/extend": _posted("Values of properties", _EXTENSION, _ANY),
        "/suggest/flyout": _get("A few words on an entity", _json(_ANY), _ID),
        "/align": _posted(
            "The matches of two small graphs", _object({"left": _GRAPH, "right": _GRAPH}), _ALIGNED
        ),
        "/health": _get("Whether it works", _json(_ANY)),
        "/metrics": _get("What it did so far, as Prometheus reads it", _text("text/plain")),
        "/openapi.json": _get("This", _json(_ANY)),
    }
    for start in ("", "/draft"):
        for kind in ("entity", "type", "property"):
            paths[f"{start}/suggest/{kind}"] = _get(f"Suggest: {kind}", _json(_SUGGESTED), _PREFIX, _CURSOR)
        paths[f"{start}/preview"] = _get("A page about an entity", _text("text/html"), _ID)
        paths[f"{start}/extend/propose"] = _get("Properties of a type", _json(_ANY), _TYPE, _MOST)
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": __version__},
        "servers": [{"url": root}],
        "paths": paths,
    }


def _root() -> _Schema:
    batch = {**_table(_QUERY), "maxProperties": MOST_QUERIES}
    queries = {"name": "queries", "in": "query", "content": {"application/json": {"schema": batch}}}
    form = {**_object({}, {"queries": _STRING, "extend": _STRING}), "minProperties": 1}
    return {
        "get": {
            "summary": "The manifest, or the results of queries of version 0.2",
            "parameters": [queries],
            "responses": _answers(_json(_ANY)),
        },
        "post": {
            "summary": "Queries of version 0.2, or values of properties, each as JSON in a form",
            "requestBody": {
                "required": True,
                "content": {"application/x-www-form-urlencoded": {"schema": form}},
            },
            "responses": _answers(_json(_ANY)),
        },
    }


def _get(summary: str, answer: _Schema, *parameters: tuple[str, _Schema, bool]) -> _Schema:
    given = [
        {"name": name, "in": "query", "required": required, "schema": schema}
        for name, schema, required in parameters
    ]
    return {"get": {"summary": summary, "parameters": given, "responses": _answers(answer)}}


def _posted(summary: str, asked: _Schema, answer: _Schema) -> _Schema:
    body = {"required": True, "content": {"application/json": {"schema": asked}}}
    return {"post": {"summary": summary, "requestBody": body, "responses": _answers(_json(answer))}}


def _json(schema: _Schema) -> _Schema:
    return {"description": "The answer", "content": {"application/json": {"schema": schema}}}


def _text(media_type: str) -> _Schema:
    return {"description": "The answer", "content": {media_type: {"schema": _STRING}}}


def _answers(answer: _Schema) -> _Schema:
    codes = {
        "400": "Nothing that can be answered",
        "401": "Without the token",
        "404": "No such entity",
        "413": "Too much at once",
        "415": "Of another media type",
        "422": "Graphs that cannot be compared",
        "503": "Too many wait already",
    }
    shown = {"application/json": {"schema": _object({"error": _STRING})}}
    faults: _Schema = {code: {"description": why, "content": shown} for code, why in codes.items()}
    # What is no HTTP, such as an address without end, never comes as far as the service.
    faults["400"]["content"] = {**shown, "text/plain": {"schema": _STRING}}
    return {"200": answer, **faults}
