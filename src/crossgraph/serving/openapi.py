"""What the service can be asked, as OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from crossgraph import __version__
from crossgraph.serving.protocol import LONGEST_TEXT, MOST_QUERIES
from crossgraph.serving.records import MOST_PROPERTIES, MOST_VALUES
from crossgraph.serving.showing import MOST_COLUMNS, MOST_IDS

_Schema = dict[str, Any]

LARGEST = 999_999_999
_TEXT: _Schema = {"type": "string", "maxLength": LONGEST_TEXT}
_NAMED: _Schema = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "description": {"type": "string"}},
}
_ENTITY_VALUE: _Schema = {"type": "object", "required": ["id"], "properties": {"id": _TEXT, "name": _TEXT}}
_ONE_VALUE: _Schema = {"anyOf": [_TEXT, {"type": "number"}, {"type": ["boolean", "null"]}, _ENTITY_VALUE]}
_VALUE: _Schema = {"anyOf": [_ONE_VALUE, {"type": "array", "items": _ONE_VALUE, "maxItems": MOST_VALUES}]}
_LIMIT: _Schema = {"type": "number", "minimum": 1}
_CANDIDATE: _Schema = {
    "type": "object",
    "required": ["id", "name", "type", "score", "match", "features"],
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "type": {"type": "array", "items": _NAMED},
        "score": {"type": "number", "minimum": 0, "maximum": 100},
        "match": {"type": "boolean"},
        "features": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name", "value"],
                "properties": {
                    "id": {"type": "string"},
                    "name": {"type": "string"},
                    "value": {"type": "number"},
                },
            },
        },
    },
}
_QUERY: _Schema = {
    "type": "object",
    "properties": {
        "query": _TEXT,
        "type": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        "limit": _LIMIT,
        "type_strict": {"enum": ["any", "should", "all"]},
        "properties": {
            "type": "array",
            "maxItems": MOST_PROPERTIES,
            "items": {
                "type": "object",
                "required": ["pid", "v"],
                "properties": {"pid": {"type": "string"}, "v": _VALUE},
            },
        },
    },
    "required": ["query"],
}
_DRAFT_QUERY: _Schema = {
    "type": "object",
    "required": ["conditions"],
    "properties": {
        "type": _TEXT,
        "limit": _LIMIT,
        "conditions": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_PROPERTIES,
            "items": {
                "anyOf": [
                    {
                        "type": "object",
                        "required": ["matchType", "v"],
                        "properties": {"matchType": {"const": "name"}, "v": _VALUE},
                    },
                    {
                        "type": "object",
                        "required": ["matchType", "pid", "v"],
                        "properties": {
                            "matchType": {"const": "property"},
                            "pid": {"type": "string"},
                            "v": _VALUE,
                        },
                    },
                ]
            },
        },
    },
}
_EXTENSION: _Schema = {
    "type": "object",
    "required": ["ids", "properties"],
    "properties": {
        "ids": {"type": "array", "items": _TEXT, "maxItems": MOST_IDS},
        "properties": {
            "type": "array",
            "maxItems": MOST_COLUMNS,
            "items": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": _TEXT,
                    "settings": {"type": ["object", "null"]},
                },
            },
        },
    },
}
_GRAPH: _Schema = {
    "type": "object",
    "required": ["entities"],
    "properties": {
        "entities": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {**_TEXT, "minLength": 1},
                    "types": {"type": "array", "items": _TEXT},
                    "attributes": {
                        "type": "object",
                        "additionalProperties": {
                            "type": "array",
                            "items": {"anyOf": [_TEXT, {"type": "number"}]},
                        },
                    },
                    "relations": {
                        "type": "object",
                        "additionalProperties": {"type": "array", "items": _TEXT},
                    },
                },
            },
        }
    },
}
_ALIGNED: _Schema = {
    "type": "object",
    "required": ["matches", "candidates"],
    "properties": {
        "candidates": {"type": "integer"},
        "matches": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["left", "right", "type", "probability"],
                "properties": {
                    "left": {"type": "string"},
                    "right": {"type": "string"},
                    "type": {"type": "string"},
                    "probability": {"type": "number", "minimum": 0, "maximum": 1},
                },
            },
        },
    },
}
_OBJECT: _Schema = {"type": "object"}
_SUGGESTED: _Schema = {
    "type": "object",
    "required": ["result"],
    "properties": {"result": {"type": "array", "items": _NAMED}},
}
_PREFIX = ("prefix", {"type": "string"}, False)
_CURSOR = ("cursor", {"type": "integer", "minimum": 0, "maximum": LARGEST}, False)


def openapi(name: str, root: str) -> _Schema:
    """The document; ``root`` is the address of the service."""
    paths: _Schema = {"/": _root(), "/draft/": {"get": _get("The manifest of the draft", _json(_OBJECT))}}
    paths["/draft/reconcile"] = _posted(
        "Queries of the draft",
        {
            "type": "object",
            "required": ["queries"],
            "properties": {"queries": {"type": "array", "items": _DRAFT_QUERY, "maxItems": MOST_QUERIES}},
        },
        {
            "type": "object",
            "required": ["results"],
            "properties": {
                "results": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["candidates"],
                        "properties": {"candidates": {"type": "array", "items": _CANDIDATE}},
                    },
                }
            },
        },
    )
    paths["/draft/extend"] = _posted("Values of properties", _EXTENSION, _OBJECT)
    for start in ("", "/draft"):
        for kind in ("entity", "type", "property"):
            paths[f"{start}/suggest/{kind}"] = {
                "get": _get(f"Suggest: {kind}", _json(_SUGGESTED), _PREFIX, _CURSOR)
            }
        paths[f"{start}/preview"] = {
            "get": _get("A page about an entity", _html(), ("id", {"type": "string"}, True), missing=True)
        }
        limit = ("limit", {"type": "integer", "minimum": 0, "maximum": LARGEST}, False)
        paths[f"{start}/extend/propose"] = {
            "get": _get("Properties of a type", _json(_OBJECT), ("type", {"type": "string"}, False), limit)
        }
    paths["/suggest/flyout"] = {
        "get": _get(
            "A few words on an entity", _json(_OBJECT), ("id", {"type": "string"}, True), missing=True
        )
    }
    paths["/align"] = _posted(
        "The matches of two small graphs",
        {"type": "object", "required": ["left", "right"], "properties": {"left": _GRAPH, "right": _GRAPH}},
        _ALIGNED,
    )
    paths["/health"] = {"get": _get("Whether it works", _json(_OBJECT))}
    text = {
        "description": "Prometheus' text format",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
    paths["/metrics"] = {"get": _get("What it did so far", text)}
    paths["/openapi.json"] = {"get": _get("This", _json(_OBJECT))}
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": __version__},
        "servers": [{"url": root}],
        "paths": paths,
    }


def _root() -> _Schema:
    batch = {"type": "object", "additionalProperties": _QUERY, "maxProperties": MOST_QUERIES}
    answer = _json(_OBJECT)
    asked = {
        "name": "queries",
        "in": "query",
        "required": False,
        "content": {"application/json": {"schema": batch}},
    }
    form = {
        "type": "object",
        "properties": {"queries": {"type": "string"}, "extend": {"type": "string"}},
        "minProperties": 1,
    }
    return {
        "get": {
            "summary": "The manifest, or the results of queries of version 0.2",
            "parameters": [asked],
            "responses": _answers(answer),
        },
        "post": {
            "summary": "Queries of version 0.2, or values of properties, each as JSON in a form",
            "requestBody": {
                "required": True,
                "content": {"application/x-www-form-urlencoded": {"schema": form}},
            },
            "responses": _answers(answer),
        },
    }


def _get(
    summary: str, answer: _Schema, *parameters: tuple[str, _Schema, bool], missing: bool = False
) -> _Schema:
    given = [
        {"name": name, "in": "query", "required": required, "schema": schema}
        for name, schema, required in parameters
    ]
    return {"summary": summary, "parameters": given, "responses": _answers(answer, missing=missing)}


def _posted(summary: str, asked: _Schema, answer: _Schema) -> _Schema:
    body = {"required": True, "content": {"application/json": {"schema": asked}}}
    return {"post": {"summary": summary, "requestBody": body, "responses": _answers(_json(answer))}}


def _json(schema: _Schema) -> _Schema:
    return {"description": "The answer", "content": {"application/json": {"schema": schema}}}


def _html() -> _Schema:
    return {"description": "The page", "content": {"text/html": {"schema": {"type": "string"}}}}


def _answers(answer: _Schema, *, missing: bool = False) -> _Schema:
    fault = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    codes = {
        400: "Nothing that can be answered",
        401: "Without the token",
        413: "Too much at once",
        415: "Of another media type",
        422: "Graphs that cannot be compared",
        503: "Too many wait already",
        **({404: "No such entity"} if missing else {}),
    }
    shown = {"application/json": {"schema": fault}}
    faults: _Schema = {
        str(code): {"description": why, "content": shown} for code, why in sorted(codes.items())
    }
    # What is no HTTP, such as an address without end, never comes as far as the service.
    faults["400"]["content"] = {**shown, "text/plain": {"schema": {"type": "string"}}}
    return {"200": answer, **faults}
