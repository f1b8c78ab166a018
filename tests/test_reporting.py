"""What a report says first."""

from __future__ import annotations

from typing import Any

import pytest

from crossgraph.blocking.combine import BlockingOptions
from crossgraph.preparation import Known
from crossgraph.proposing import prepare
from crossgraph.reporting import KNOWN_LINKS, not_compared, summary_of
from crossgraph.schema.estimate import SchemaOptions
from features.plain import graph_of

THRESHOLD = {"probability": 0.5, "precision": 0.98, "precision_low": 0.9, "precision_high": 1.0} | {
    "recall": 0.7,
    "recall_low": 0.6,
    "recall_high": 0.8,
}


def report(**told: Any) -> dict[str, Any]:
    empty = {"entities": 1, "edges": 0, "facts": 0}
    return {
        "counts": {"left": empty, "right": empty, "candidates": 2, "matches": 1},
        "blocking_recall_on_known_links": None,
        "held_out": {},
        "thresholds": {"*": THRESHOLD},
        "cardinalities": {},
        "stages": [],
    } | told


def test_types_that_correspond_to_none_are_named_with_how_many_they_are():
    names = "red fox", "blue hen", "grey owl", "black cat", "white ox", "green frog"
    left, right = (
        graph_of(
            [*((f"{by}{at}", "animal") for at in range(6)), *others],
            facts=[(f"{by}{at}", "name", name) for at, name in enumerate(names)],
        )
        for by, others in (("l", [("p", "planet"), ("q", "planet"), ("s", "star")]), ("r", []))
    )
    found = prepare(
        (left, right), Known.nothing(), schema_options=SchemaOptions(), blocking=BlockingOptions()
    )
    assert not_compared(found) == {"left": {"planet": 2, "star": 1}, "right": {}}


@pytest.mark.parametrize("many", [2, 5])
def test_the_largest_of_them_are_shown(many):
    counts = {f"type {at}": 1_000 * (9 - at) for at in range(many)}
    (told,) = (
        text for name, text in summary_of(report(not_compared={"left": counts, "right": {}})) if "not" in name
    )
    assert told.startswith("left 9,000 type 0, 8,000 type 1")
    assert ("2 more types" in told) == (many == 5)
    assert "right" not in told
    assert not [name for name, _ in summary_of(report()) if name == "not compared"]


def test_no_interval_is_promised_where_only_seeds_tell():
    held = {"prauc": 1.0, "hits1": 1.0, "name_only": {"prauc": 0.5, "hits1": 0.5}, "calibration": {}}
    rows = dict(summary_of(report(held_out=held | {"labels": KNOWN_LINKS})))
    assert rows["expected"] == "precision 0.980 [0.900, 1.000], recall 0.700 [0.600, 0.800]"
    rows = dict(summary_of(report(held_out=held | {"labels": "seeds"})))
    assert rows["expected"] == "precision 0.980, recall 0.700 of seeds"
    assert "worse" in rows[""]
