"""Hold `crossgraph serve` to the JSON schemas of the Reconciliation API's own repository.

    git clone https://github.com/reconciliation-api/specs
    python scripts/check_reconciliation.py RESULT --schemas specs

RESULT is served, or is the address of a service that runs already. FOLDER (of --schemas) is a checkout of the
repository: it holds 0.2/schemas/*.json and 1.0-draft/schemas/*.json. In both versions the service is asked
for its manifest, for matches, suggestions, values, properties and previews, as its own answers say what there
is. Every query that is sent and every answer is validated; an answer with nothing in it fails too, for it
shows nothing. Prints a table, and ends with 1 if anything failed. Needs the extra `test` (jsonschema).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

VERSIONS = ("0.2", "1.0-draft")
# Version 0.2 describes property proposals in words alone.
PROPOSALS = "1.0-draft/data-extension-property-proposal"
# What names may begin with.
LETTERS = "aeiostмас中日1"


class Schemas:
    """The schema files of a checkout, by version and name, such as "0.2/manifest"."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            f"{version}/{file.stem}": json.loads(file.read_text(encoding="utf8"))
            for version in VERSIONS
            for file in sorted((folder / version / "schemas").glob("*.json"))
        }
        self._registry = Registry().with_resources(
            (one["$id"], DRAFT7.create_resource(one)) for one in self._files.values() if "$id" in one
        )

    def faults(self, name: str, data: object) -> list[str]:
        """What the schema finds wrong, each with its place."""
        if name not in self._files:
            return [f"there is no {name}.json"]
        found = Draft7Validator(self._files[name], registry=self._registry).iter_errors(data)
        return [f"{error.json_path}: {error.message}" for error in found]


@dataclass
class Table:
    """What was checked, and how it went: version, what, schema, fault (empty if none)."""

    schemas: Schemas
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def check(self, version: str, what: str, schema: str, data: Any, *, holds: int = 1) -> None:
        """Validate ``data``; ``holds`` is how much there is in it."""
        name = schema if "/" in schema else f"{version}/{schema}"
        faults = self.schemas.faults(name, data) or ([] if holds else ["there is nothing in it"])
        self.rows.append((version, what, name, "; ".join(faults[:3])))

    def note(self, version: str, what: str, fault: str) -> None:
        """What no schema speaks of."""
        self.rows.append((version, what, "(none)", fault))

    def shown(self) -> str:
        """As text, in columns."""
        lines = [("version", "what", "schema", "outcome")]
        lines += [
            (*row[:3], row[3] or ("as promised" if row[2] == "(none)" else "valid")) for row in self.rows
        ]
        widths = [max(len(line[at]) for line in lines) for at in range(3)]
        rows = ("  ".join([*map(str.ljust, line, widths), line[3]]) for line in lines)
        return "\n".join(rows)


@contextmanager
def served(result: str) -> Iterator[str]:
    """The address of a service of a RESULT, or the one that was given; without the slash at its end."""
    if "://" in result:
        yield result.rstrip("/")
        return
    command = [sys.executable, "-m", "crossgraph", "serve", result, "--port", "0", "--quiet"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        if not address:
            sys.exit(server.wait() or 1)
        yield address.rstrip("/")
    finally:
        server.terminate()
        server.wait()


def ask(address: str, *, form: dict[str, Any] | None = None, body: object = None) -> Any:
    """What an address answers: data, or the text of a page."""
    data, kind = None, "application/json"
    if form is not None:
        data, kind = urlencode({key: json.dumps(one) for key, one in form.items()}).encode(), ""
    elif body is not None:
        data = json.dumps(body).encode()
    request = Request(address, data, {"content-type": kind or "application/x-www-form-urlencoded"})
    try:
        with urlopen(request) as answer:
            text = answer.read().decode()
            return json.loads(text) if "json" in answer.headers["content-type"] else text
    except HTTPError as error:
        return {"error": f"status {error.code}: {error.read().decode()}"}


def check_suggestions(table: Table, version: str, root: str) -> tuple[list, list, list]:
    """Suggest entities, types and properties; what was found of each."""
    found = {}
    for kind, kinds in (("type", "types"), ("property", "properties"), ("entity", "entities")):
        # Nothing completes to all types and properties; names need a letter.
        answers = [
            ask(f"{root}/suggest/{kind}?{urlencode({'prefix': prefix, 'cursor': 0})}")
            for prefix in (LETTERS if kind == "entity" else ("",))
        ]
        told = max(answers, key=lambda one: len(one.get("result", [])))
        found[kind] = told.get("result", [])
        what = f"{len(found[kind])} suggested {kinds}"
        table.check(version, what, f"suggest-{kinds}-response", told, holds=len(found[kind]))
    return found["entity"], found["type"], found["property"]


def values(entities: list, properties: list) -> list[tuple[str, Any]]:
    """Each kind of value that a query may hold, at properties that there are."""
    ids = [one["id"] for one in properties]
    there = {"id": entities[-1]["id"], "name": entities[-1]["name"]}
    told = ["a text", 1984, 12.5, True, there, ["one", "two"], [there, "other"]]
    return [(ids[at % len(ids)], value) for at, value in enumerate(told)]


def queries(version: str, entities: list, types: list, properties: list) -> list[dict[str, Any]]:
    """Full ones, one with a name alone, and one with values alone, as the version writes them."""
    said = values(entities, properties)
    name, kind = entities[0]["name"], types[0]["id"]
    names: list[str | None] = [name, name, None]
    if version == "0.2":
        full = {"type": kind, "limit": 3, "type_strict": "should"}
        held = [{"pid": pid, "v": value} for pid, value in said]
        parts: list[dict[str, Any]] = [{**full, "properties": held}, {}, {"properties": held}]
        return [{"query": one, **part} if one else part for one, part in zip(names, parts, strict=True)]
    held = [{"matchType": "property", "propertyId": pid, "propertyValue": value} for pid, value in said]
    held[0] |= {"required": False, "matchQuantifier": "any", "matchQualifier": "ExactMatch"}
    parts = [{"type": kind, "limit": 3, "lang": "en"}, {}, {}]
    rest = (held, [], held)
    return [
        {**part, "conditions": [*([{"matchType": "name", "propertyValue": one}] if one else []), *more]}
        for one, part, more in zip(names, parts, rest, strict=True)
    ]


def check_matches(table: Table, version: str, root: str, asked: list[dict[str, Any]]) -> None:
    """Reconcile a batch."""
    old = version == "0.2"
    batch: Any = {f"q{at}": one for at, one in enumerate(asked)} if old else {"queries": asked}
    told = ask(f"{root}/", form={"queries": batch}) if old else ask(f"{root}/reconcile", body=batch)
    results = list(told.values()) if old else told.get("results", [])
    found = [one.get("result" if old else "candidates", []) for one in results if isinstance(one, dict)]
    table.check(version, f"{len(asked)} queries, as sent", "reconciliation-query-batch", batch)
    what = f"their {sum(map(len, found))} candidates"
    table.check(version, what, "reconciliation-result-batch", told, holds=len(found[0]) if found else 0)


def check_values(table: Table, version: str, root: str, entities: list, kind: str) -> None:
    """Propose properties of a type, and fetch them."""
    old = version == "0.2"
    told = ask(f"{root}/extend/propose?{urlencode({'type': kind, 'limit': 20})}")
    properties = told.get("properties", [])
    what = f"{len(properties)} proposed properties"
    table.check(version, what, PROPOSALS, told, holds=len(properties))
    wanted = {
        "ids": [*(one["id"] for one in entities), "no such entity"],
        "properties": [{"id": one["id"], "settings": {"limit": 3}} for one in properties],
    }
    table.check(version, "query of values, as sent", "data-extension-query", wanted)
    told = ask(f"{root}/", form={"extend": wanted}) if old else ask(f"{root}/extend", body=wanted)
    rows = told.get("rows", [])
    cells = (
        [held for row in rows.values() for held in row.values()]
        if old
        else [one["values"] for row in rows for one in row["properties"]]
    )
    count = sum(map(len, cells))
    table.check(
        version, f"{count} values of {len(rows)} entities", "data-extension-response", told, holds=count
    )


def check(table: Table, address: str, version: str) -> None:
    """All that one version has."""
    old = version == "0.2"
    root = address if old else f"{address}/draft"
    manifest = ask(f"{root}/")
    table.check(version, "manifest", "manifest", manifest)
    entities, types, properties = check_suggestions(table, version, root)
    if not (entities and types and properties):
        return
    check_matches(table, version, root, queries(version, entities, types, properties))
    check_values(table, version, root, entities, entities[0]["notable"][0]["id"])
    template, hole = (manifest["preview"]["url"], "{{id}}") if old else (f"{root}/preview?id={{id}}", "{id}")
    page = ask(template.replace(hole, urlencode({"": entities[0]["id"]})[1:]))
    fault = "" if isinstance(page, str) and page.startswith("<!doctype html>") else f"no page: {page}"
    table.note(version, "preview", fault)
    if old:
        where = manifest["suggest"]["entity"]
        template = where["flyout_service_url"] + where["flyout_service_path"]
        told = ask(template.replace("${id}", urlencode({"": entities[0]["id"]})[1:]))
        table.note(version, "flyout", "" if set(told) == {"id", "html"} else f"no flyout: {told}")


def main() -> None:
    """Ask, print the table, and end with 1 if anything failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("result", help="a RESULT, or the address of a service")
    parser.add_argument("--schemas", type=Path, required=True, metavar="FOLDER")
    given = parser.parse_args()
    table = Table(Schemas(given.schemas))
    with served(given.result) as address:
        for version in VERSIONS:
            check(table, address, version)
    print(table.shown())
    sys.exit(any(row[3] for row in table.rows))


if __name__ == "__main__":
    main()
