from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.errors import FaultsError
from crossgraph.matches import MATCH_SCHEMA, Matches


def matches(*rows: tuple[object, ...]) -> Matches:
    return Matches(pl.DataFrame(list(rows), schema=MATCH_SCHEMA, orient="row"))


GOOD = (("a", "x", "film", 2.0, 0.9, True), ("b", "y", "film", -1.0, 0.2, False))


def test_good_matches_pass():
    found = matches(*GOOD, ("c", "z", "person", 9.0, 0.1, False), ("d", "z", "film", 2.0, 0.9, False))
    assert found.validate() is found
    assert len(found) == 4
    assert Matches.empty().validate().table.schema == pl.Schema(MATCH_SCHEMA)


def test_ranked_is_by_probability_then_identifiers():
    found = matches(
        ("b", "x", "t", 1.0, 0.5, True), ("a", "y", "t", 1.0, 0.5, False), ("c", "x", "t", 2.0, 0.6, True)
    )
    assert found.ranked()["left"].to_list() == ["c", "a", "b"]
    assert found.decided()["left"].to_list() == ["b", "c"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from([None, 0.0, 0.5, 0.25, 1.0])
        ),
        unique_by=lambda row: row[:2],
    )
)
def test_ranked_is_what_sorting_by_all_three_gives(rows):
    found = matches(*((left, right, "t", 0.0, chance, False) for left, right, chance in rows))
    order = sorted(rows, key=lambda row: (row[2] is None, -(row[2] or 0.0), row[:2]))
    assert list(found.ranked().select("left", "right", "probability").iter_rows()) == order


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (("a", "x", "film", 2.0, 0.9, False), "more than once"),
        (("", "x", "film", 2.0, 0.9, False), "empty identifier"),
        ((None, "x", "film", 2.0, 0.9, False), "empty value"),
        (("c", "x", "film", float("nan"), 0.9, False), "not finite"),
        (("c", "x", "film", float("inf"), 0.9, False), "not finite"),
        (("c", "x", "film", 1.0, 1.5, False), "outside"),
        (("c", "x", "film", 1.0, float("nan"), False), "outside"),
        (("c", "x", "film", 1.0, 0.1, False), "does not rise"),
        (("c", "x", "film", 2.5, 0.9, False), "does not rise"),
        (("c", "x", "film", 2.0, 0.95, False), "does not rise"),
    ],
)
def test_each_fault_is_told(row, problem):
    with pytest.raises(FaultsError, match=problem):
        matches(*GOOD, row).validate()


def test_all_faults_are_told_at_once():
    found = matches(*GOOD, ("a", "x", "film", float("nan"), 2.0, False)).faults()
    assert [fault.line for fault in found] == [1, 3, 3, 3]


def test_wrong_columns_are_told():
    table = matches(*GOOD).table.drop("type").with_columns(pl.col("score").cast(pl.Float32))
    assert [fault.problem for fault in Matches(table).faults()] == [
        "column type is missing",
        "column score is Float32",
    ]
