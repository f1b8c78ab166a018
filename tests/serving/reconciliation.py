"""What the Reconciliation API asks of answers, as JSON schemas.

Written from the text of version 0.2 (W3C Entity Reconciliation Community Group, final report of 2023-04-10)
and of its draft 1.0, and stricter: what neither names is not allowed.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def record(required: Schema, optional: Schema | None = None) -> Schema:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def many(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def table(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


TEXT: Schema = {"type": "string"}
SOME_TEXT: Schema = {"type": "string", "minLength": 1}
URI: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"}
NAMED = record({"id": SOME_TEXT, "name": SOME_TEXT}, {"description": TEXT})
TYPE = record({"id": SOME_TEXT, "name": SOME_TEXT}, {"description": TEXT, "broader": many({})})
FEATURE = record({"id": SOME_TEXT, "value": {"type": ["number", "boolean"]}}, {"name": SOME_TEXT})
CANDIDATE = record(
    {"id": SOME_TEXT, "name": SOME_TEXT, "score": {"type": "number", "minimum": 0, "maximum": 100}},
    {"description": TEXT, "type": many(TYPE), "match": {"type": "boolean"}, "features": many(FEATURE)},
)
SETTING = {"type": {"enum": ["number", "text", "checkbox", "select"]}, "name": SOME_TEXT}
ID_TEMPLATE_02: Schema = {"type": "string", "pattern": r"\{\{id\}\}"}
ID_TEMPLATE_DRAFT: Schema = {"type": "string", "pattern": r"^[^{}]*\{[+]?id\}[^{}]*$"}
SERVICE = record({"service_url": URI, "service_path": {"type": "string", "pattern": "^/"}})
FLYOUT: Schema = {"type": "string", "pattern": r"\$\{id\}"}
SIZE: Schema = {"type": "integer", "minimum": 1}

MANIFEST_02 = record(
    {
        "versions": {"type": "array", "items": TEXT, "contains": {"const": "0.2"}},
        "name": SOME_TEXT,
        "identifierSpace": URI,
        "schemaSpace": URI,
    },
    {
        "defaultTypes": many(TYPE, uniqueItems=True),
        "serviceVersion": TEXT,
        "documentation": URI,
        "logo": URI,
        "batchSize": SIZE,
        "view": record({"url": ID_TEMPLATE_02}),
        "preview": record({"url": ID_TEMPLATE_02, "width": SIZE, "height": SIZE}),
        "suggest": record(
            {},
            {
                "entity": record(
                    {"service_url": URI, "service_path": {"type": "string", "pattern": "^/"}},
                    {"flyout_service_url": URI, "flyout_service_path": FLYOUT},
                ),
                "type": SERVICE,
                "property": SERVICE,
            },
        ),
        "extend": record(
            {},
            {
                "propose_properties": SERVICE,
                "property_settings": many(
                    record({**SETTING, "label": SOME_TEXT}, {"default": {}, "help_text": TEXT})
                ),
            },
        ),
    },
)
MANIFEST_DRAFT = record(
    {
        "versions": {"type": "array", "items": TEXT, "contains": {"const": "1.0-draft"}},
        "name": SOME_TEXT,
        "view": record({"url": ID_TEMPLATE_DRAFT}),
    },
    {
        "defaultTypes": many(TYPE, uniqueItems=True),
        "serviceVersion": TEXT,
        "batchSize": SIZE,
        "preview": record({"width": SIZE, "height": SIZE}),
        "suggest": record({kind: {"type": "boolean"} for kind in ("entity", "property", "type")}),
        "extend": record(
            {},
            {
                "proposeProperties": {"type": "boolean"},
                "propertySettings": many(
                    record({**SETTING, "id": SOME_TEXT}, {"default": {}, "helpText": TEXT})
                ),
            },
        ),
        "standardizedScore": {"type": "boolean"},
    },
)
RESULTS_02 = table(record({"result": many(CANDIDATE)}))
RESULTS_DRAFT = record({"results": many(record({"candidates": many(CANDIDATE)}))})
SUGGESTED = record(
    {
        "result": many(
            record({"id": SOME_TEXT, "name": SOME_TEXT}, {"description": TEXT, "notable": many(TYPE)})
        )
    }
)
FLOWN = record({"id": TEXT, "html": TEXT})
PROPOSED = record({"properties": many(NAMED), "type": TEXT}, {"limit": {"type": "number"}})
VALUE = {
    "oneOf": [
        record({"id": SOME_TEXT, "name": SOME_TEXT}, {"description": TEXT}),
        record({"str": TEXT}),
        record({"float": {"type": "number"}}),
        record({"int": {"type": "integer"}}),
        record({"bool": {"type": "boolean"}}),
        record({"date": {"type": "string", "pattern": r"^-?\d{4,}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}"}}),
    ]
}
META = many(record({"id": TEXT, "name": TEXT}, {"type": TYPE, "service": URI}))
EXTENDED_02 = record({"meta": META, "rows": table(table(many(VALUE)))})
EXTENDED_DRAFT = record(
    {
        "meta": META,
        "rows": many(record({"id": TEXT, "properties": many(record({"id": TEXT, "values": many(VALUE)}))})),
    }
)
