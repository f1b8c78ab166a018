from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from crossgraph.features.rows import row_products
from crossgraph.features.text import LONGEST_TEXT, TextTable, normalise
from features import plain

words = st.text("abc01 ", max_size=9).map(lambda text: " ".join(text.split()))
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Matrix (1999)", "the matrix 1999"),
        ("Amélie", "amelie"),
        ("Ελλάδα", "ellada"),
        ("O'Neill’s", "oneills"),
        ("?!", ""),
        ("", ""),
        ("x" * 1000, "x" * LONGEST_TEXT),
    ],
)
def test_normal_texts_by_hand(text, normal):
    assert normalise(pl.Series([text])).to_list() == [normal]


@given(st.lists(anything, max_size=8))
def test_normal_texts_are_plain_and_each_depends_on_itself_alone(texts):
    normal = normalise(pl.Series(texts, dtype=pl.String)).to_list()
    assert normal == [normalise(pl.Series([text])).item() for text in texts]
    for text in normal:
        assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789 ")
        assert text == " ".join(text.split())


@given(st.lists(anything, max_size=8))
def test_what_is_normal_stays(texts):
    once = normalise(pl.Series(texts, dtype=pl.String))
    assert normalise(once).to_list() == once.to_list()


@given(st.lists(words, min_size=1, max_size=6))
def test_cosines_agree_with_plain_dictionaries(texts):
    table = TextTable.of(pl.Series(texts, dtype=pl.String))
    strings = table.strings.to_list()
    assert strings == sorted({"", *texts})
    expected = [[plain.cosine(a, b) for b in plain.vectors(strings)] for a in plain.vectors(strings)]
    rows = np.arange(len(strings), dtype=np.int32)
    first, second = (side.ravel() for side in np.meshgrid(rows, rows, indexing="ij"))
    np.testing.assert_allclose(table.cosines(first, second), np.ravel(expected), atol=1e-5)


def test_each_text_finds_its_row_and_strange_ones_the_empty_row():
    table = TextTable.of(pl.Series(["b", "a"]), pl.Series(["b", "c"]))
    assert table.numbers(pl.Series(["c", "a", "never seen"])).tolist() == [3, 1, 0]


def test_no_text_at_all_is_one_empty_row():
    table = TextTable.of(pl.Series([], dtype=pl.String))
    assert table.strings.to_list() == [""]
    assert table.cosines(plain.ints(0), plain.ints(0)).tolist() == [0.0]


def test_products_of_rows_are_the_same_in_any_number_of_threads(monkeypatch):
    rng = np.random.default_rng(0)
    x, y = (sparse.random(9, 30, 0.3, format="csr", dtype=np.float32, random_state=rng) for _ in range(2))
    left, right = (rng.integers(0, 9, 50).astype(np.int32) for _ in range(2))
    whole = row_products(x, y, left, right)
    np.testing.assert_allclose(whole, np.ravel(x[left].multiply(y[right]).sum(axis=1)), rtol=1e-6)
    monkeypatch.setattr("crossgraph.features.rows.LEAST_EACH", 7)
    monkeypatch.setattr("crossgraph._threads.threads", lambda: 4)
    np.testing.assert_array_equal(row_products(x, y, left, right), whole)
    assert len(row_products(x, y, left[:0], right[:0])) == 0


@pytest.mark.parametrize("most", [0, 16])
def test_products_of_rows_are_the_same_in_any_order(monkeypatch, most):
    rng = np.random.default_rng(0)
    x, y = (sparse.random(9, 30, 0.3, format="csr", dtype=np.float32, random_state=rng) for _ in range(2))
    left, right = (rng.integers(0, 9, 50).astype(np.int32) for _ in range(2))
    each = [row_products(x, y, left[at : at + 1], right[at : at + 1])[0] for at in range(50)]
    order = np.argsort(left, kind="stable")
    monkeypatch.setattr("crossgraph.features.rows.MOST_SPREAD", most)
    np.testing.assert_array_equal(row_products(x, y, left[order], right[order]), np.array(each)[order])
