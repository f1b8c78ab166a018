"""Small results to review, made without training: graphs as RDF, and scores as a model might give them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import polars as pl

from crossgraph.graphs.readers import ReadOptions
from crossgraph.layout import ResultFolder
from crossgraph.matches import Matches
from crossgraph.results import write_scores, write_sssom
from crossgraph.schema.mapping import AttributeMapping, RelationMapping, SchemaMapping, TypeMapping

BASE = "http://example.org/"
HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE entries; --",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202ereversed\u2066 &amp; </svg></title><svg onload=alert(1)>",
)


def literal(text: str) -> str:
    """A text as N-Triples writes it."""
    return json.dumps(text)


def statements(side: str, names: Sequence[str]) -> str:
    """A graph of films with makers: each has a name, a year, and a maker that every third one shares."""
    lines = []
    for i, name in enumerate(names):
        film, maker = f"<{BASE}{side}/film{i}>", f"<{BASE}{side}/maker{i // 3}>"
        lines += [
            f"{film} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{BASE}{side}/Film> .",
            f"{film} <{BASE}{side}/title> {literal(name)} .",
            f'{film} <{BASE}{side}/year> "{1950 + i}" .',
            f"{film} <{BASE}{side}/maker> {maker} .",
            f"{maker} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{BASE}{side}/Person> .",
            f"{maker} <{BASE}{side}/title> {literal(f'Maker {i // 3}')} .",
        ]
    return "\n".join(lines) + "\n"


def make_result(folder: Path, left: Sequence[str], right: Sequence[str]) -> Path:
    """A RESULT of two graphs of films: film i of one is film i of the other, with less and less probability.

    Each film has the next one as a second candidate; makers are matched with certainty.
    """
    folder.mkdir(parents=True)
    (folder / "left.nt").write_text(statements("left", left), encoding="utf8")
    (folder / "right.nt").write_text(statements("right", right), encoding="utf8")
    result = ResultFolder(folder / "RESULT")
    result.model_folder.mkdir(parents=True)
    count = len(left)
    rows = []
    for i in range(count):
        chance = 0.99 - 0.6 * i / count
        rows.append((f"film{i}", f"film{i}", "Film", chance, chance >= 0.5))
        if i + 1 < count:
            rows.append((f"film{i}", f"film{i + 1}", "Film", 0.4 * chance, False))
    rows += [(f"maker{i}", f"maker{i}", "Person", 0.999, True) for i in range((count + 2) // 3)]
    matches = Matches(
        pl.DataFrame(
            {
                "left": [f"{BASE}left/{row[0]}" for row in rows],
                "right": [f"{BASE}right/{row[1]}" for row in rows],
                "type": [row[2] for row in rows],
                "score": [row[3] for row in rows],
                "probability": [row[3] for row in rows],
                "matched": [row[4] for row in rows],
            }
        )
    )
    write_scores(matches, result.scores_file)
    write_sssom(matches, result.matches_file)
    result.schema_file.write_text(_schema().to_toml(), encoding="utf8")
    card = {
        "left": str(folder / "left.nt"),
        "right": str(folder / "right.nt"),
        "read": asdict(ReadOptions()),
    }
    result.report_file.write_text(json.dumps({"inputs": card}), encoding="utf8")
    return result.path


def _schema() -> SchemaMapping:
    def both(name: str) -> tuple[str, str]:
        return f"{BASE}left/{name}", f"{BASE}right/{name}"

    return SchemaMapping(
        types=(TypeMapping(*both("Film")), TypeMapping(*both("Person"))),
        relations=(RelationMapping(*both("maker")),),
        attributes=(AttributeMapping(*both("title")), AttributeMapping(*both("year"), weight=0.5)),
    )
