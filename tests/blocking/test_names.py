from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.blocking.names import NameLookups, name_attributes, name_cosines, name_rows, nearest_names
from crossgraph.blocking.products import nearest_rows, turned_rows, within_reach
from crossgraph.features.description import describe
from crossgraph.features.text import TextTable
from crossgraph.schema.mapping import AttributeMapping, SchemaMapping
from features import plain

words = st.text("abc ", max_size=7).map(lambda text: " ".join(text.split()))
named = st.lists(st.tuples(st.integers(0, 4), words), max_size=7)
NOTHING = SchemaMapping((), (), ())


def rows_of(side, table):
    """(entity, text) of non-empty names, as ``name_rows`` gives them."""
    texts = table.numbers(pl.Series([name for _, name in side], dtype=pl.String))
    frame = pl.DataFrame({"entity": pl.Series([e for e, _ in side], dtype=pl.Int32), "text": texts})
    return frame.unique().filter(pl.col("text") > 0).sort("entity", "text")


def tables(left, right):
    table = TextTable.of(pl.Series([name for _, name in [*left, *right]], dtype=pl.String))
    vector = dict(zip(table.strings.to_list(), plain.vectors(table.strings.to_list()), strict=True))
    return table, lambda a, b: plain.cosine(vector[a], vector[b])


@given(named, named, st.integers(1, 3))
def test_nearest_names_agree_with_brute_force(left, right, top):
    table, cosine = tables(left, right)
    found = nearest_names(rows_of(left, table), rows_of(right, table), table, top=top)
    told = {(q, f): name for q, f, name in found.select("query", "found", "name").iter_rows()}
    assert len(told) == len(found)
    for (query, entity), name in told.items():
        names = [(a, b) for q, a in left if q == query for f, b in right if f == entity]
        best = max(cosine(a, b) for a, b in names)
        assert name == pytest.approx(best, abs=1e-5) or name <= best
        assert name > 0
    # Nobody of the nearest ``top`` names is missed; equally near ones may stand in for each other.
    known = {name for _, name in right if name}
    for query, asked in left:
        near = sorted((cosine(asked, name) for name in known), reverse=True)
        floor = max(near[top - 1] if len(near) >= top else 0.0, 0.0) + 1e-5
        for entity, name in right:
            if name and asked and cosine(asked, name) > floor:
                assert told[query, entity] >= cosine(asked, name) - 1e-5


@given(named, named)
def test_name_cosines_agree_with_loops(left, right):
    table, cosine = tables(left, right)
    first, second = (side.ravel().astype(np.int32) for side in np.meshgrid(range(6), range(6)))
    expected = [
        max((cosine(a, b) for i, a in left if i == e for j, b in right if j == f), default=0.0)
        for e, f in zip(first, second, strict=True)
    ]
    found = name_cosines((rows_of(left, table), rows_of(right, table)), table, (first, second))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@given(named, named)
def test_sides_swap(left, right):
    table, _ = tables(left, right)
    names = rows_of(left, table), rows_of(right, table)
    lookups = NameLookups(table, 50)
    one, other = (lookups.candidates(both, top=50) for both in (names, names[::-1]))
    pairs = zip(one.left.tolist(), one.right.tolist(), strict=True)
    swapped = zip(other.right.tolist(), other.left.tolist(), strict=True)
    assert sorted(pairs) == sorted(swapped)


def test_a_large_catalogue_does_not_flood_a_small_one():
    left, right = [(0, "fox")], [(i, f"fox {i}") for i in range(30)]
    table, _ = tables(left, right)
    for names in ((left, right), (right, left)):
        rows = rows_of(names[0], table), rows_of(names[1], table)
        assert len(NameLookups(table, 4).candidates(rows, top=4)) == 4


@given(named, named, st.integers(1, 3))
def test_what_was_looked_up_once_is_as_if_it_were_looked_up_for_fewer(left, right, top):
    table, _ = tables(left, right)
    names = rows_of(left, table), rows_of(right, table)
    asked = []

    def nearest(*given):
        asked.append(given)
        return nearest_rows(*given)

    lookups = NameLookups(table, 7, nearest)
    everyone = lookups.candidates(names, top=7)
    before = len(asked)
    few = lookups.candidates(names, top=top)
    assert len(asked) == before
    assert (everyone.find(few.left, few.right) >= 0).all()
    for mine in range(2):
        query, pool = names[mine], names[1 - mine]
        if query["entity"].n_unique() > pool["entity"].n_unique():
            continue
        alone = nearest_names(query, pool, table, top=top)
        ends = alone["query"].to_numpy(), alone["found"].to_numpy()
        places = few.find(*(ends if mine == 0 else ends[::-1]))
        # Equally near names may stand in for each other.
        assert (places >= 0).sum() >= len(alone) - (alone["place"] == top - 1).sum()


@given(named, named, st.integers(1, 6))
def test_the_rarest_grams_are_looked_up_as_long_as_they_find_few(left, right, reach):
    table, _ = tables(left, right)
    asking, known = table.grams, table.grams[rows_of(right, table)["text"].to_numpy()]
    held = np.bincount(known.indices, minlength=known.shape[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crossgraph.blocking.products.REACH", reach)
        rarest = within_reach(asking, turned_rows(known))
    for row in range(asking.shape[0]):
        own, kept = (sorted(held[one[row].indices]) for one in (asking, rarest))
        assert sum(kept) <= reach
        assert kept == own[: len(kept)]
        assert len(kept) == len(own) or sum(own[: len(kept) + 1]) > reach


def test_a_name_is_found_by_what_is_rare_in_it(monkeypatch):
    left, right = [(0, "the fox")], [(i, f"the {chr(97 + i) * 3}") for i in range(25)] + [(25, "a fox")]
    table, cosine = tables(left, right)
    monkeypatch.setattr("crossgraph.blocking.products.REACH", 5)
    found = nearest_names(rows_of(left, table), rows_of(right, table), table, top=1)
    assert found["found"].to_list() == [25]
    assert found["name"].item() == pytest.approx(cosine("the fox", "a fox"))


def test_common_grams_are_no_way_to_find_but_count_in_the_cosine(monkeypatch):
    monkeypatch.setattr("crossgraph.blocking.names.SMALL_TABLE", 3)
    left, right = [(0, "the fox")], [(i, f"the {chr(97 + i) * 3}") for i in range(25)] + [(25, "the fox")]
    table, cosine = tables(left, right)
    found = nearest_names(rows_of(left, table), rows_of(right, table), table, top=50)
    assert found["found"].to_list() == [25]
    assert found["name"].item() == pytest.approx(cosine("the fox", "the fox"))


FILM = [("a", "name", "Heat"), ("a", "year", "1995"), ("a", "plot", "long " * 40), ("a", "note", "x")]


def named_by(left: list, right: list, *mapped: AttributeMapping) -> list[set[str]]:
    description = describe(plain.graph_of(facts=left), plain.graph_of(facts=right))
    strings = description.texts.strings
    return [
        {strings[row] for row in side["text"]}
        for side in name_rows(description, name_attributes(description, SchemaMapping((), (), mapped)))
    ]


def test_names_are_short_texts_that_are_mapped_strongly():
    plot, name, note = (
        AttributeMapping(one, one, weight) for one, weight in (("plot", 0.95), ("name", 0.9), ("note", 0.3))
    )
    assert named_by(FILM, FILM, plot, name, note) == [{"heat"}, {"heat"}]


def test_a_title_meets_the_citation_that_it_is_mapped_to():
    citation = [("b", "ref", "q17"), ("b", "citation", "heat mann michael " * 6)]
    mapped = AttributeMapping("name", "citation", 0.4), AttributeMapping("plot", "citation", 0.7)
    found = named_by(FILM, citation, *mapped)
    assert found == [{"heat"}, {("heat mann michael " * 6).strip()}]


def test_where_nothing_is_mapped_all_texts_that_tell_entities_apart_are_names_but_serial_numbers():
    told = [(f"e{n:02}", {"no": f"F-{n}", "name": f"x{n * n}"}) for n in range(30)]
    films = [(entity, name, value) for entity, facts in told for name, value in facts.items()]
    serial = [row for row in films if row[1] == "no"]
    assert named_by(FILM, films) == [{"heat", ("long " * 40).strip(), "x"}, {f"x{n * n}" for n in range(30)}]
    assert named_by(FILM, serial)[1] == {f"f {n}" for n in range(30)}, "there is nothing else"


def test_without_names_there_are_no_candidates():
    graph = plain.graph_of([("a", "t")], facts=[("a", "year", "1995")])
    description = describe(graph, plain.graph_of())
    names = name_rows(description, name_attributes(description, NOTHING))
    assert len(NameLookups(description.texts, 3).candidates(names, top=3)) == 0
    pairs = plain.ints(0, 0), plain.ints(0, 0)
    assert name_cosines(names, description.texts, pairs).tolist() == [0, 0]
