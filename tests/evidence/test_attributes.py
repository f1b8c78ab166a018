from __future__ import annotations

import numpy as np
import pytest
from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler

from crossgraph.evidence.attributes import attribute_evidence
from crossgraph.evidence.competition import lead_columns
from crossgraph.evidence.table import EvidenceTable
from crossgraph.features.closeness import chance_of, number_distance, random_distances
from crossgraph.features.description import describe
from crossgraph.schema.mapping import AttributeMapping, SchemaMapping
from features.plain import graph_of, ints

LEFT = [("a", "name", "Red Fox"), ("a", "name", "Fox"), ("b", "name", "Hen!"), ("c", "name", "???")]
RIGHT = [("x", "label", "fox, red"), ("y", "label", "blue hen"), ("y", "label", "hen"), ("z", "label", "!!!")]
SIZES = [(entity, "size", str(size)) for entity, size in zip("abc", (10, 20, 30), strict=True)]
WIDTHS = [(entity, "width", size) for entity, size in zip("xyz", ("10", "25", "oops"), strict=True)]
MORE = [(f"x{i}", "width", str(i)) for i in range(20)]
SCHEMA = SchemaMapping((), (), (AttributeMapping("name", "label"), AttributeMapping("size", "width")))
PAIRS = ints(0, 0, 0, 1, 1, 1, 2, 2, 2), ints(0, 21, 22, 0, 21, 22, 0, 21, 22)


@pytest.fixture(scope="module")
def description():
    return describe(graph_of(facts=[*LEFT, *SIZES]), graph_of(facts=[*RIGHT, *WIDTHS, *MORE]))


@pytest.fixture(scope="module")
def evidence(description):
    table = attribute_evidence(description, SCHEMA, PAIRS)
    return dict(zip(table.names, table.values.T, strict=True))


def best(measure):
    """The best over all combinations of normal names, by loops; NaN where either has none."""
    left = [["red fox", "fox"], ["hen"], []]
    right = [["fox red"], ["blue hen", "hen"], []]
    return [
        max((measure(a, b) for a in one for b in other), default=np.nan) for one in left for other in right
    ]


@pytest.mark.parametrize(
    ("column", "measure"),
    [
        ("sorted words", lambda a, b: fuzz.token_sort_ratio(a, b) / 100),
        ("shared words", lambda a, b: fuzz.token_set_ratio(a, b) / 100),
        ("prefix", JaroWinkler.normalized_similarity),
        ("equal", lambda a, b: float(a == b)),
    ],
)
def test_texts_are_compared_by_their_best_combination(evidence, column, measure):
    np.testing.assert_allclose(evidence[f"name~label:{column}"], best(measure), rtol=1e-5)
    if column != "equal":
        np.testing.assert_array_equal(evidence[f"name:{column}"], evidence[f"name~label:{column}"])


def test_texts_without_a_letter_are_missing_not_equal(evidence):
    assert np.isnan(evidence["name~label:equal"][-1])
    assert np.isnan(evidence["name~label:cosine"][-1])


def test_numbers_are_as_telling_as_their_difference_is_rare(evidence, description):
    a, b = description.left[1], description.right[1]
    distance = number_distance(a, b, PAIRS)
    expected = -np.log10(chance_of(distance, random_distances(a, b)))
    np.testing.assert_array_equal(evidence["size~width:closeness"], expected)
    equal = np.array([1, 0, np.nan, 0, 0, np.nan, 0, 0, np.nan])
    np.testing.assert_array_equal(evidence["size~width:equal"], equal)


def test_long_texts_are_compared_by_their_cosine_alone():
    texts = "one " * 40, "two " * 40
    description = describe(*(graph_of(facts=[("a", "name", text)]) for text in texts))
    schema = SchemaMapping((), (), (AttributeMapping("name", "name"),))
    table = attribute_evidence(description, schema, (ints(0), ints(0)))
    values = dict(zip(table.names, table.values[0], strict=True))
    assert values["name~name:prefix"] == values["name~name:cosine"] < 0.5


def test_attributes_of_two_kinds_or_of_other_graphs_are_not_compared(description):
    rows = (
        AttributeMapping("name", "width"),
        AttributeMapping("gone", "label"),
        AttributeMapping("name", "gone"),
    )
    table = attribute_evidence(description, SchemaMapping((), (), rows), PAIRS)
    assert all(name.startswith("name:") for name in table.names)
    assert np.isnan(table.values).all()


def test_no_pairs_have_an_empty_table(description):
    assert len(attribute_evidence(description, SCHEMA, (ints(), ints())).values) == 0


def test_who_has_no_rival_leads_nobody():
    scores = np.array([3, 1, 2], dtype=np.float32)
    columns = lead_columns("s", (ints(0, 0, 1), ints(0, 1, 1)), scores)
    np.testing.assert_array_equal(columns["s:value"], scores)
    np.testing.assert_array_equal(columns["s:lead among left's"], [2, -2, np.nan])
    np.testing.assert_array_equal(columns["s:lead among right's"], [np.nan, -1, 1])


def test_tables_stand_beside_each_other_and_are_arranged_by_name():
    one = EvidenceTable.of({"a": np.array([1, 2], np.float32), "b": np.array([3, 4], np.float32)})
    other = EvidenceTable.of({"c": np.array([5, 6], np.float32)})
    both = EvidenceTable.beside([one, other, EvidenceTable.none(2)])
    assert both.names == ("a", "b", "c")
    np.testing.assert_array_equal(both.arranged(("c", "x", "a")).values, [[5, np.nan, 1], [6, np.nan, 2]])
    with pytest.raises(ValueError, match="2 columns"):
        EvidenceTable(("a", "b"), (np.zeros((3, 1), dtype=np.float32),))
