"""Questions: what they are, that they agree with each other, and answers as they come back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from crossgraph.cli import app
from crossgraph.errors import FaultsError, InputError
from crossgraph.graphs.links import read_links
from crossgraph.graphs.parquet import store_parquet
from crossgraph.layout import ResultFolder
from crossgraph.reviewing.asking import entropy, questions, settled
from crossgraph.reviewing.interchange import read_answers, record_answers
from crossgraph.reviewing.labels import labels_of
from crossgraph.reviewing.ledger import Ledger, Saying
from crossgraph.reviewing.pairs import PairTable
from reviewing.samples import BASE, make_result

TITLES = ("Vertigo", "Alien", "Ran", "Heat", "Ali", "Ronin", "Brazil", "Laura")


def table(rows: list[tuple[int, int, float, int]]) -> PairTable:
    left, right, probability, types = (np.array(column) for column in zip(*rows, strict=True))
    matched = probability >= 0.5
    names = tuple("abcdef"[: int(types.max()) + 1])
    everyone = np.ones(len(rows), dtype=bool)
    ends = left.astype(np.int32), right.astype(np.int32)
    return PairTable(*ends, probability, matched, types.astype(np.int32), names, (everyone, everyone))


@st.composite
def tables(draw: st.DrawFn) -> PairTable:
    ends = draw(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, unique=True))
    return table([(a, b, draw(st.floats(0, 1)), a % 3) for a, b in ends])


def asked(pairs: PairTable, *answered: tuple[int, int, bool]) -> list[tuple[int, int]]:
    ends = tuple(np.array([one[side] for one in answered], dtype=np.int32) for side in (0, 1))
    same = np.array([one[2] for one in answered], dtype=bool)
    closed = settled(pairs, (ends[0], ends[1]), same)
    rows = questions(pairs, closed)
    return list(zip(pairs.left[rows].tolist(), pairs.right[rows].tolist(), strict=True))


@given(tables(), st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.booleans())))
def test_no_two_questions_are_about_one_entity_and_none_is_answered(pairs, answered):
    found = asked(pairs, *answered)
    assert found == asked(pairs, *answered)
    for side in (0, 1):
        ends = [pair[side] for pair in found]
        assert len(set(ends)) == len(ends)
    assert not {one[:2] for one in answered} & set(found)
    taken = [{one[side] for one in answered if one[2]} for side in (0, 1)]
    assert not any(left in taken[0] or right in taken[1] for left, right in found)


@given(tables())
def test_a_question_is_about_the_likeliest_partner_of_both(pairs):
    chance = dict(
        zip(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True), pairs.probability, strict=True)
    )
    for left, right in asked(pairs):
        rivals = [p for pair, p in chance.items() if pair[0] == left or pair[1] == right]
        assert chance[left, right] == max(rivals)


def test_the_most_doubtful_comes_first_and_a_rejected_one_gives_way_to_the_next():
    pairs = table([(0, 0, 0.9, 0), (0, 1, 0.05, 0), (1, 1, 0.45, 0), (2, 2, 0.999, 0), (1, 3, 0.3, 0)])
    assert asked(pairs) == [(1, 1), (0, 0), (2, 2)]
    assert asked(pairs, (1, 1, False)) == [(1, 3), (0, 0), (2, 2)]
    assert asked(pairs, (1, 1, True)) == [(0, 0), (2, 2)]


def test_types_take_turns_by_how_much_is_doubtful_in_each():
    large = [(i, i, 0.5, 0) for i in range(6)]
    small = [(10 + i, 10 + i, 0.5, 1) for i in range(3)]
    order = ["small" if left >= 10 else "large" for left, _ in asked(table(large + small))]
    assert order == ["large", "small", "large"] * 3


@given(tables(), st.lists(st.tuples(st.sampled_from([-1, 3]), st.integers(0, 6), st.booleans())))
def test_answers_about_entities_that_are_gone_change_no_question(pairs, answered):
    there = [one for one in answered if one[0] >= 0]
    assert asked(pairs, *answered) == asked(pairs, *there)
    turned = [(right, left, same) for left, right, same in answered]
    assert asked(pairs, *turned) == asked(pairs, *(one for one in turned if one[1] >= 0))


def test_entropy_is_largest_at_one_half_and_finite_at_the_ends():
    found = entropy(np.array([0.0, 0.2, 0.5, 0.8, 1.0]))
    assert np.isfinite(found).all()
    assert found.argmax() == 2
    assert found[1] == pytest.approx(found[3])
    assert found[2] == pytest.approx(np.log(2))


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_result(tmp_path / "r", TITLES, TITLES)


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def film(side: str, i: int) -> str:
    return f"{BASE}{side}/film{i}"


def test_ask_writes_a_table_that_is_answered_and_comes_back(result: Path) -> None:
    ledger = Ledger(ResultFolder(result).ledger_file)
    ledger.record(Saying(who="bob", left=film("left", 7), right=film("right", 7), verdict="unsure"))
    known = {"left": [film("left", 6)], "right": [film("right", 6)], "same": [True]}
    store_parquet(pl.DataFrame(known), ResultFolder(result).known_file)
    done = run("ask", result, "--count", "3", "--out", "q.csv")
    assert (done.exit_code, done.stdout) == (0, "q.csv\n")
    header, *rows = Path("q.csv").read_text().splitlines()
    assert header == "left,right,label,left_name,right_name,type,probability"
    assert rows[0] == f"{film('left', 5)},{film('right', 5)},,Ronin,Ronin,Film,0.615"
    assert len(rows) == 3
    assert not any("film6" in row or "film7" in row for row in rows)
    assert run("ask", result, "--count", "3").stdout == Path("q.csv").read_text()
    assert "--force replaces it" in run("ask", result, "--out", "q.csv").stderr
    assert "there are" in run("ask", result, "--count", "1000").stderr
    Path("a.csv").write_text(
        "\n".join([header, rows[0].replace(",,", ",1,", 1), rows[1].replace(",,", ",0,", 1), rows[2]])
    )
    done = run("review", result, "--import", "a.csv", "--name", "ann")
    assert "2 of 2 answers are new" in done.stderr
    assert "0 of 2 answers are new" in run("review", result, "--import", "a.csv", "--name", "ann").stderr
    assert labels_of(result).label.tolist() == [True, False]
    assert [one.probability for one in ledger.entries()][1] == pytest.approx(0.99 - 0.6 * 5 / 8)
    Path("a.csv").write_text("\n".join(Path("a.csv").read_text().splitlines()[:3]))
    assert read_links("a.csv").label.tolist() == [True, False], "align --links reads it"


def test_what_a_reviewer_took_back_or_says_otherwise_is_new(result: Path) -> None:
    pair = film("left", 0), film("right", 0)
    ledger = Ledger(ResultFolder(result).ledger_file)
    assert record_answers(result, [(pair, True)], "ann") == 1
    assert record_answers(result, [(pair, False)], "ann") == 1
    ledger.undo("ann")
    assert record_answers(result, [(pair, False)], "ann") == 1
    assert record_answers(result, [(pair, False)], "bob") == 1
    assert [entry.verdict for entry in ledger.entries()] == ["same", "different", "undo"] + ["different"] * 2


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("left,right\na,x\n", InputError, "no column 'label'"),
        ("left,right,label\na,x,yes\n", FaultsError, "q.csv:2: the label is 'yes'"),
        ("left,right,label\na,x,1\na,x,0\n", FaultsError, "q.csv:3: 'a', 'x' has both answers"),
        ("left,right,label\na,x\n", FaultsError, "q.csv:2"),
    ],
)
def test_answers_that_cannot_be_taken_are_told(tmp_path: Path, text: str, error, told: str) -> None:
    (tmp_path / "q.csv").write_text(text)
    with pytest.raises(error) as raised:
        read_answers(tmp_path / "q.csv")
    assert told in str(raised.value)
