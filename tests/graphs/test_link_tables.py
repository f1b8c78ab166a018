"""Links in JSON Lines, Parquet and RDF of our own."""

from __future__ import annotations

import polars as pl
import pytest

from crossgraph.errors import LinksError
from crossgraph.graphs.links import read_links, read_pairs


def test_json_lines_and_parquet_have_labels_and_types_where_they_name_them(tmp_path):
    rows = [
        {"left": "a", "right": "b", "label": 1, "type": "film"},
        {"left": "a", "right": "c", "label": 0, "type": None},
    ]
    table = pl.DataFrame(rows)
    table.write_ndjson(tmp_path / "links.jsonl")
    table.write_parquet(tmp_path / "links.parquet")
    for name in ("links.jsonl", "links.parquet"):
        links = read_links(tmp_path / name)
        assert links.label.tolist() == [True, False]
        assert links.types.to_list() == ["film", ""]
        assert links.lines.tolist() == [1, 2]
    table.select("left", "right").write_parquet(tmp_path / "pairs.parquet")
    assert read_pairs(tmp_path / "pairs.parquet").label is None


def test_all_faults_of_json_lines_are_told(tmp_path):
    path = tmp_path / "links.jsonl"
    path.write_text(
        '{"left": "a", "right": "b"}\n{"left": "a"\n[1]\n'
        '{"left": "a", "right": 2}\n{"left": "a", "right": "c", "label": 2}\n'
    )
    with pytest.raises(LinksError, match="4 faults") as told:
        read_links(path)
    for line, problem in (
        (2, "no JSON"),
        (3, "no JSON object"),
        (4, "not both texts"),
        (5, "neither 0 nor 1"),
    ):
        assert f"links.jsonl:{line}: " in str(told.value)
        assert problem in str(told.value)


def test_tables_that_hold_no_links_are_refused(tmp_path):
    (tmp_path / "broken.parquet").write_bytes(b"no")
    pl.DataFrame({"left": ["a"], "rite": ["b"]}).write_parquet(tmp_path / "other.parquet")
    pl.DataFrame({"left": ["a"], "right": ["b"], "score": [1.0]}).write_parquet(tmp_path / "scores.parquet")
    for name, problem in (
        ("broken", "cannot be read as Parquet"),
        ("other", "no column of texts called right"),
        ("scores", "the scores of all candidates, not links"),
    ):
        with pytest.raises(LinksError, match=problem):
            read_links(tmp_path / f"{name}.parquet")


def test_a_quoted_cell_of_csv_may_span_lines(tmp_path):
    (tmp_path / "links.csv").write_text('left,right\n"a\nb",c\n')
    assert read_links(tmp_path / "links.csv").left.to_list() == ["a\nb"]


def test_our_own_iris_are_the_identifiers_again_and_others_stay(tmp_path):
    path = tmp_path / "links.nt"
    same, own = "<http://www.w3.org/2002/07/owl#sameAs>", "https://crossgraph.invalid"
    path.write_text(
        f"<{own}/left/a%20b> {same} <{own}/.well-known/genid/right/b1> .\n"
        f"<http://e.org/a%20b> {same} <{own}/left/x> .\n"
    )
    pairs = read_links(path).table().select("left", "right").rows()
    assert pairs == [("a b", "_:b1"), ("http://e.org/a%20b", "https://crossgraph.invalid/left/x")]
