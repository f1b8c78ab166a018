from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crossgraph.errors import GraphFormatError
from crossgraph.graphs import read_graph, read_pair
from crossgraph.graphs.openea import _without_faults, openea_sides, read_openea

# What a line of the layout can hold: no tab or line end, and an identifier is not blank.
ids = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=5)
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='\n\r"'), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    types=st.lists(st.tuples(ids, ids)),
    edges=st.lists(st.tuples(ids, ids, ids)),
    facts=st.lists(st.tuples(ids, ids, values)),
)
def test_what_is_written_is_read(write, types, edges, facts):
    for stem, rows in (("types", types), ("rel_triples", edges), ("attr_triples", facts)):
        path = write(f"{stem}_1", "".join("\t".join(row) + "\n" for row in rows))
    reading = read_openea(path.parent, 1)
    assert reading.faults == ()
    assert reading.tables.types.rows() == types
    assert reading.tables.edges.rows() == edges
    assert reading.tables.facts.rows() == [(*fact, "") for fact in facts]


def test_the_rest_of_the_line_is_the_value(write):
    write("rel_triples_1", "")
    path = write("attr_triples_1", "a\tnote\tone\ttwo\tthree\r\na\tempty\t\n")
    assert read_graph(path.parent).tables().facts.rows() == [("a", "note", "one\ttwo\tthree", "")]


@pytest.mark.parametrize(
    ("written", "value", "tag"),
    [
        (
            '"12"^^<http://www.w3.org/2001/XMLSchema#integer>',
            "12",
            "http://www.w3.org/2001/XMLSchema#integer",
        ),
        ('"a "b" c"^^<http://www.w3.org/2001/XMLSchema#string>', 'a "b" c', ""),
        ('"Tür"@de', "Tür", "@de"),
        ('"colour"@en-GB', "colour", "@en-gb"),
        ('"Crocodile" Dundee', '"Crocodile" Dundee', ""),
        ('"quoted"', '"quoted"', ""),
        ('say "hi"@en', 'say "hi"@en', ""),
    ],
)
def test_typed_values_lose_their_quotes_to_the_tag(write, written, value, tag):
    write("rel_triples_1", "a\tr\tb\n")
    path = write("attr_triples_1", f"a\tx\t{written}\n")
    assert read_openea(path.parent, 1).tables.facts.rows() == [("a", "x", value, tag)]


def test_every_fault_of_both_sides_is_told_with_its_line(write):
    write("rel_triples_1", "a\tr\tb\n\na\tr\na\tr\tb\tc\n\tr\tb\n")
    write("attr_triples_1", b"a\tname\tb\xff\na\tname\tfine\na\tname\n")
    write("types_1", "a\t \n")
    folder = write("rel_triples_2", "x\tr\t\n").parent
    with pytest.raises(GraphFormatError) as caught:
        read_pair(folder)
    told = [
        (Path(fault.path).name, fault.line, fault.problem.partition(":")[0]) for fault in caught.value.faults
    ]
    assert told == [
        ("rel_triples_1", 3, "fewer than 3 columns"),
        ("rel_triples_1", 4, "more than 3 columns"),
        ("rel_triples_1", 5, "empty head"),
        ("attr_triples_1", 1, "byte 0xff at column 9 is not UTF-8"),
        ("attr_triples_1", 3, "fewer than 3 columns"),
        ("types_1", 1, "empty type"),
        ("rel_triples_2", 1, "empty tail"),
    ]


def test_gold_is_never_opened(write):
    for name in ("ent_links", "721_5fold/1/train_links", "pairs.tsv"):
        write(name, b"\xff\xff not\tvalid")
    folder = write("rel_triples_1", "a\tr\tb\n").parent
    write("rel_triples_2", "c\tr\td\n")
    left, right = read_pair(folder)
    assert sorted(left.ids) == ["a", "b"]
    assert sorted(right.ids) == ["c", "d"]


def test_both_spellings_of_a_file_or_none_are_faults(write):
    write("attr_triples_1", "a\tx\ty\n")
    folder = write("attr_triples_1.gz", "a\tx\ty\n").parent
    assert openea_sides(folder) == (1,)
    problems = [fault.problem for fault in read_openea(folder, 1).faults]
    assert problems == ["is missing", "holds both attr_triples_1 and attr_triples_1.gz"]


def test_thousands_of_faults_stop_with_a_word(write):
    path = write("rel_triples_1", "lonely\n" * 1500)
    faults = read_openea(path.parent, 1).faults
    assert len(faults) == 1001
    assert faults[-1].problem == "stopped after 1,000 faults"


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "left", "right", "edges"),
    [
        ("movies_tmdb_imdb", 50_349, 59_727, (151_991, 251_409)),
        ("wordnet30_31", 117_659, 117_791, (235_402, 235_707)),
        ("dbp15k_zh_en", 19_388, 19_572, (70_414, 95_142)),
        ("airports_openflights_ourairports", 21_822, 155_388, (93_442, 275_337)),
    ],
)
def test_real_folders_hold_what_their_readme_says(real, name, left, right, edges):
    one, two = read_pair(real / name)
    assert (len(one), len(two)) == (left, right)
    assert (len(one.heads), len(two.heads)) == edges


def test_columns_are_strings_even_when_files_are_missing(write):
    tables = read_openea(write("rel_triples_2", "a\tr\tb\n").parent, 2).tables
    assert set(tables.facts.dtypes) == {pl.String}
    assert tables.types.is_empty()


@given(st.lists(st.text("ab\t\n\r \"#\x00\ufeff'", max_size=8), max_size=6))
@example(["a\tb\tc\r"])
@example(["\ufeff\ta\tb"])
def test_lines_without_faults_are_what_they_are_one_by_one(lines):
    text, names = "\n".join(lines), ("head", "relation", "tail")
    whole = _without_faults(text, names)
    rows = [line.split("\t") for line in text.split("\n") if line]
    if whole is not None:
        assert whole.rows() == [tuple(row) for row in rows]
    elif "\r" not in text and not text.startswith(("\ufeff", "\n")) and "\n\n" not in text:
        assert not rows or any(len(row) != 3 or not all(part.strip() for part in row) for row in rows)
