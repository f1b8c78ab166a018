"""What the service says of itself, for both versions of the Reconciliation API."""

from __future__ import annotations

from typing import Any

from crossgraph import __version__
from crossgraph.serving.protocol import MOST_QUERIES, named
from crossgraph.serving.served import Served
from crossgraph.serving.showing import MOST_SHOWN

MOST_DEFAULT_TYPES = 10
WIDTH, HEIGHT = 430, 300
# For graphs whose identifiers are no IRIs of one place.
NO_SPACE = "urn:crossgraph:entities"
SCHEMA_SPACE = "urn:crossgraph:schema"


def _common(served: Served, name: str) -> dict[str, Any]:
    types = [served.types[0][one] for one in served.matched_types[:MOST_DEFAULT_TYPES]]
    return {
        "name": name,
        "serviceVersion": f"crossgraph {__version__}",
        "defaultTypes": [named(one) for one in types],
        "batchSize": MOST_QUERIES,
    }


def identifier_space(served: Served) -> str:
    """How all identifiers begin, up to the last slash or hash, where they are IRIs."""
    ids = served.graph.ids
    ends = (str(ids.min()), str(ids.max())) if len(ids) else ("", "")
    alike = [a == b for a, b in zip(*ends, strict=False)]
    start = ends[0][: [*alike, False].index(False)]
    cut = max(start.rfind("/"), start.rfind("#"))
    return start[: cut + 1] if "://" in start[:cut] else NO_SPACE


def manifest_of_02(served: Served, name: str, root: str) -> dict[str, Any]:
    """The manifest of version 0.2; ``root`` is the address of the service, without a slash at its end."""
    entity = {
        "service_url": root,
        "service_path": "/suggest/entity",
        "flyout_service_url": root,
        "flyout_service_path": "/suggest/flyout?id=${id}",
    }
    limit = {
        "name": "limit",
        "label": "Limit",
        "type": "number",
        "default": 0,
        "help_text": f"Most values for each entity; 0 for as many as there can be, {MOST_SHOWN}.",
    }
    return {
        "versions": ["0.2"],
        **_common(served, name),
        "identifierSpace": identifier_space(served),
        "schemaSpace": SCHEMA_SPACE,
        "view": {"url": f"{root}/preview?id={{{{id}}}}"},
        "preview": {"url": f"{root}/preview?id={{{{id}}}}", "width": WIDTH, "height": HEIGHT},
        "suggest": {
            "entity": entity,
            "type": {"service_url": root, "service_path": "/suggest/type"},
            "property": {"service_url": root, "service_path": "/suggest/property"},
        },
        "extend": {
            "propose_properties": {"service_url": root, "service_path": "/extend/propose"},
            "property_settings": [limit],
        },
    }


def manifest_of_draft(served: Served, name: str, root: str) -> dict[str, Any]:
    """The manifest of the draft, whose root is ``/draft``."""
    limit = {
        "id": "limit",
        "name": "Limit",
        "type": "number",
        "default": 0,
        "helpText": f"Most values for each entity; 0 for as many as there can be, {MOST_SHOWN}.",
    }
    return {
        "versions": ["1.0-draft"],
        **_common(served, name),
        "view": {"url": f"{root}/preview?id={{id}}"},
        "preview": {"width": WIDTH, "height": HEIGHT},
        "suggest": {"entity": True, "property": True, "type": True},
        "extend": {"proposeProperties": True, "propertySettings": [limit]},
        "standardizedScore": True,
    }
