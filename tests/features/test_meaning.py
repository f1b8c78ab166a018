"""Meanings: near by what an encoder says, far by letters; and nothing changes where nobody is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.blocking.names import name_cosines, nearest_names
from crossgraph.evidence.attributes import attribute_evidence
from crossgraph.features.description import Moved, describe, redescribe
from crossgraph.features.meaning import Meanings, meaning_cosines
from crossgraph.features.text import TextTable
from crossgraph.progress import unwatched
from crossgraph.schema.mapping import AttributeMapping, SchemaMapping
from encoding.toys import Toy
from features.plain import graph_of, ints
from noted import Notes

SCHEMA = SchemaMapping((), (), (AttributeMapping("name", "имя", 1.0), AttributeMapping("size", "size", 1.0)))
LEFT = [("a", "name", "Sun"), ("b", "name", "Moon river"), ("c", "name", "House"), ("c", "size", "12")]
RIGHT = [("x", "имя", "бог"), ("y", "имя", "мук щёчка"), ("z", "имя", "пила"), ("z", "size", "12")]


class Plain:
    """The toy as an encoder without a store."""

    fingerprint = "plain"

    def __init__(self) -> None:
        self.toy = Toy()

    def encode(self, texts: Sequence[str], advance=unwatched) -> np.ndarray:
        advance(len(set(texts)))
        rows = self.toy.vectors(texts) if texts else np.zeros((0, self.toy.width))
        return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def meanings_of(vectors: np.ndarray) -> Meanings:
    """Meanings with these unit rows."""
    rows = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    return Meanings(Plain(), pl.Series([str(at) for at in range(len(rows))]), rows, 0.1)


@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 9), st.integers(1, 12))
def test_nearest_and_cosines_agree_with_loops(seed, asking, knowing, top):
    random = np.random.default_rng(seed)
    meanings = meanings_of(random.normal(size=(asking + knowing, 5)))
    asked, known = np.arange(asking), asking + np.arange(knowing)
    rows = meanings.vectors.astype(np.float64)
    products = rows[asked] @ rows[known].T
    expected = set()
    for i, row in enumerate(products):
        best = np.argsort(-row)[:top]
        expected |= {(i, int(j)) for j in best if row[j] > 0.1}
    # Asked first for more and then for less, or the other way round, it says the same.
    for fresh in (meanings, meanings_of(rows)):
        for order in ((top, max(1, top - 1), top + 1), (top + 1, top)):
            found = {most: list(zip(*fresh.nearest(asked, known, most), strict=True)) for most in order}
            assert {(int(i), int(j)) for i, j in found[top]} == expected
            assert len(found[top]) == len(expected)
    i, j = (one.ravel() for one in np.meshgrid(asked, known, indexing="ij"))
    cosines = meaning_cosines(meanings, meanings, i, j)
    assert cosines == pytest.approx(np.minimum((products.ravel() - 0.1) / 0.9, 1), abs=1e-5)


def test_texts_are_encoded_as_they_were_written_and_numbers_are_not():
    encoder, notes = Plain(), Notes()
    description = describe(graph_of(facts=LEFT), graph_of(facts=RIGHT), encoder=encoder, progress=notes)
    assert sorted(encoder.toy.asked) == sorted(text for _, name, text in [*LEFT, *RIGHT] if name != "size")
    texts = description.texts
    said = dict(zip(texts.strings.to_list(), texts.meanings.said.to_list(), strict=True))
    assert (said["sun"], said["bog"], said["12"], said[""]) == ("Sun", "бог", "", "")
    assert texts.encoder == "plain"
    # The same as without an encoder in all else.
    plain = describe(graph_of(facts=LEFT), graph_of(facts=RIGHT))
    assert plain.texts.strings.equals(texts.strings)
    assert (plain.texts.grams != texts.grams).nnz == 0
    assert (plain.texts.meanings, plain.texts.encoder) == (None, "")


def test_names_meet_by_meaning_and_pairs_are_compared_by_it():
    graphs = graph_of(facts=LEFT), graph_of(facts=RIGHT)
    names = [pl.DataFrame({"entity": ints(0, 1, 2), "text": ints(0, 0, 0)}) for _ in range(2)]
    pairs = ints(0, 1, 2), ints(0, 1, 2)
    found, compared, near = {}, {}, {}
    for encoder in (None, Plain()):
        description = describe(*graphs, encoder=encoder)
        for side, columns in enumerate((description.left, description.right)):
            own = next(column for column in columns if column.kind == "text")
            names[side] = pl.DataFrame({"entity": own.entities, "text": own.texts})
        table = nearest_names(*names, description.texts, top=1)
        found[encoder is not None] = set(table.select("query", "found").iter_rows())
        compared[encoder is not None] = attribute_evidence(description, SCHEMA, pairs)
        near[encoder is not None] = name_cosines((names[0], names[1]), description.texts, pairs)
    assert not {(0, 0), (1, 1)} & found[False]
    assert {(0, 0), (1, 1)} <= found[True]
    assert near[False] == pytest.approx([0, 0, 0], abs=0.2)
    assert near[True][:2] == pytest.approx([1, 1], abs=1e-2)
    more = [name for name in compared[True].names if name not in compared[False].names]
    assert more == ["name~имя:meaning", "name:meaning"]
    arranged = compared[True].arranged(compared[False].names)
    assert np.array_equal(arranged.values, compared[False].values, equal_nan=True)
    meaning = compared[True].arranged(tuple(more)).values
    assert meaning[:2] == pytest.approx(np.ones((2, 2)), abs=1e-2)
    assert (meaning[2] < 0.6).all()


def test_new_texts_are_encoded_and_old_ones_stay():
    other = graph_of(facts=RIGHT)
    before, after = graph_of(facts=LEFT), graph_of(facts=[*LEFT[:2], ("c", "name", "King"), LEFT[3]])
    encoder = Plain()
    described = describe(before, other, encoder=encoder)
    encoder.toy.asked.clear()
    moved = (
        Moved(ints(0, 1, 2), np.array([False, False, True])),
        Moved(ints(0, 1, 2), np.zeros(3, dtype=bool)),
    )
    found = redescribe(described, (after, other), moved).texts
    assert set(encoder.toy.asked) == {"King"}
    rows = found.strings.to_list()
    fresh = describe(after, other, encoder=Plain()).texts
    for row, text in enumerate(fresh.strings.to_list()):
        if fresh.meanings.said[row]:
            assert np.array_equal(fresh.meanings.vectors[row], found.meanings.vectors[rows.index(text)])
    assert len(found.meanings) == len(rows)
    assert found.meanings.usual == described.texts.meanings.usual


def test_an_encoder_that_has_nothing_to_do_is_no_harm():
    table = describe(graph_of(facts=[("a", "size", "3")]), graph_of(), encoder=Plain()).texts
    more = table.with_more(pl.Series(["sun"]), pl.Series(["Sun"]))
    assert more.meanings.vectors.shape == (len(more.strings), 32)
    pairs = ints(0, len(more.strings) - 1), ints(1, len(more.strings) - 1)
    assert more.nearness(*pairs) == pytest.approx([0, 1], abs=1e-3)
    assert TextTable.of(pl.Series(["a"])).nearness(ints(1), ints(1)) == pytest.approx([1])
