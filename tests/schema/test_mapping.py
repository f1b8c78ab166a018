from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.errors import GraphFormatError
from crossgraph.schema.mapping import (
    AttributeMapping,
    RelationMapping,
    SchemaMapping,
    TypeMapping,
    read_schema,
)

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
weights = st.floats(0, 1, exclude_min=True)
types = st.builds(TypeMapping, names, names, weights)
relations = st.builds(RelationMapping, names, names, st.booleans(), weights)
attributes = st.builds(AttributeMapping, names, names, weights)


def few(rows):
    return st.lists(rows, max_size=3).map(tuple)


@given(st.builds(SchemaMapping, few(types), few(relations), few(attributes)))
def test_toml_brings_every_mapping_back(tmp_path_factory, mapping):
    file = tmp_path_factory.mktemp("schema") / "schema.toml"
    file.write_bytes(mapping.to_toml().encode())
    assert read_schema(file) == mapping


def test_a_block_may_leave_out_what_has_a_default(tmp_path):
    file = tmp_path / "schema.toml"
    file.write_text(
        '[[relations]]\nleft = "a"\nright = "b"\n\n[[types]]\nleft = "t"\nright = "u"\nweight = 1\n'
    )
    mapping = read_schema(file)
    assert mapping == SchemaMapping((TypeMapping("t", "u"),), (RelationMapping("a", "b"),), ())
    assert isinstance(mapping.types[0].weight, float)


def test_all_faults_are_told_at_once(tmp_path):
    file = tmp_path / "schema.toml"
    file.write_text(
        """
        types = [1, {left = "a"}, {left = "a", right = "b", weight = 0}]
        attributes = [{left = "a", right = "b", inverse = true}]
        relations = [{left = "a", right = "b", inverse = "yes"}, {left = 1, right = "b"}]
        more = []
        classes = []
        """
    )
    with pytest.raises(GraphFormatError) as caught:
        read_schema(file)
    told = [fault.problem for fault in caught.value.faults]
    wanted = [
        "classes",
        "is no table",
        "needs left",
        "weight 0 ",
        "more",
        "inverse must",
        "needs left",
    ]
    assert len(told) == len(wanted) + 1
    assert all(any(part in problem for problem in told) for part in [*wanted, "unknown key 'inverse'"])


@pytest.mark.parametrize("content", [b"[[types]\n", b"\xff\xfe", None])
def test_what_is_no_toml_is_one_fault(tmp_path, content):
    file = tmp_path / "schema.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(GraphFormatError, match="cannot be read"):
        read_schema(file)


def test_a_table_that_is_no_list_is_a_fault(tmp_path):
    file = tmp_path / "schema.toml"
    file.write_text('[types]\nleft = "a"\nright = "b"\n')
    with pytest.raises(GraphFormatError, match="double brackets"):
        read_schema(file)


def test_relations_are_numbered_where_both_graphs_have_them():
    rows = RelationMapping("b", "x"), RelationMapping("gone", "x"), RelationMapping("a", "gone")
    assert SchemaMapping((), rows, ()).numbered_relations(("a", "b"), ("x",)) == [(rows[0], 1, 0)]
