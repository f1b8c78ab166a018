"""The table of all that a merge report counts."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest
from hostile import NO_SCHEMA, graph, merge_films

from crossgraph.graphs.links import Links
from crossgraph.merging.findings import findings_of
from crossgraph.merging.merge import merge
from crossgraph.merging.options import MergeOptions
from crossgraph.merging.report import Found, report_of
from crossgraph.merging.source import Source
from crossgraph.schema.mapping import AttributeMapping

BASE = "https://crossgraph.invalid/"
F1, M3 = f"{BASE}left/f1", f"{BASE}right/m3"
TITLE, YEAR = (f"{BASE}left/attribute/{name}" for name in ("title", "year"))


def listed(merged) -> pl.DataFrame:
    return findings_of(merged, Found.of(merged))


def of(found: pl.DataFrame, finding: str) -> list[tuple[str, ...]]:
    return found.filter(finding=finding).drop("finding", "language").rows()


@pytest.mark.parametrize("policy", ["keep-all", "left", "longest"])
@pytest.mark.parametrize(
    "pairs", [(("f1", "m1"), ("p1", "h1")), (("f1", "m1"), ("f1", "m3")), (("f2", "m3"),)]
)
def test_findings_are_as_many_as_the_report_counts(policy, pairs):
    merged = merge_films(policy=policy, pairs=pairs)
    told, found = report_of(merged, Found.of(merged)).content, listed(merged)
    by_name = found.filter(finding="conflict").group_by("name").agg(pl.col("entity").n_unique())
    assert dict(by_name.iter_rows()) == {one["attribute"]: one["entities"] for one in told["conflicts"]}
    assert len(of(found, "functional")) == sum(one["entities"] for one in told["functional"])
    assert len(of(found, "several")) == told["clusters"]["several_of_one_graph"]
    gained = found.filter(finding="gained")
    for side in ("left", "right"):
        own = told["gained"][side]
        most = gained[side].cast(pl.Int64).max() if len(gained) else None
        assert most == (own["max"] if own["entities"] else None)


def test_a_conflict_says_who_says_what_and_what_was_kept():
    found = of(listed(merge_films(policy="longest")), "conflict")
    assert (F1, YEAR, '["1995"]', '["1996"]', '["1995"]') in found
    (title,) = (one for one in found if one[:2] == (F1, TITLE))
    left, right, kept = (json.loads(cell) for cell in title[2:])
    assert len(kept) == 1
    assert kept[0] == max(left + right, key=len)


def test_two_values_of_a_functional_property_are_shown_with_their_graphs():
    found = of(listed(merge_films()), "functional")
    assert (F1, YEAR, '["1995"]', '["1996"]', '["1995", "1996"]') in found


def test_a_cluster_with_several_entities_of_one_graph_names_them():
    (found,) = of(listed(merge_films(pairs=(("f1", "m1"), ("f1", "m3")))), "several")
    assert found == (F1, "", json.dumps([F1]), json.dumps([f"{BASE}right/m1", M3]), "")


def test_nothing_that_was_united_gained_less_than_nothing():
    merged = merge_films()
    gained = of(listed(merged), "gained")
    assert {one[0] for one in gained} == set(merged.clusters.members["canonical"])
    assert all(int(one[2]) >= 0 and int(one[3]) >= 0 for one in gained)


def test_conflicts_in_two_languages_are_told_apart():
    left, right = (
        graph([], [], [("a", "label", value, tag) for value, tag in said])
        for said in ([("fox", "@en"), ("volpe", "@it")], [("vixen", "@en"), ("lupo", "@it")])
    )
    mapping = replace(NO_SCHEMA, attributes=(AttributeMapping("label", "label"),))
    merged = merge((Source(left), Source(right)), Links.of(["a"], ["a"]), mapping, options=MergeOptions())
    found = listed(merged).filter(finding="conflict")
    assert found.select("language", "left", "right").rows() == [
        ("@en", '["fox"]', '["vixen"]'),
        ("@it", '["volpe"]', '["lupo"]'),
    ]
