"""The ledger: it only grows, survives every death of its writer, and merges without loss."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.errors import FaultsError, InputError, ResultError
from crossgraph.reviewing.agreement import accord_of, cohen_kappa, krippendorff_alpha
from crossgraph.reviewing.book import Book
from crossgraph.reviewing.interchange import read_entries, write_entries
from crossgraph.reviewing.ledger import Entry, Ledger, Saying, format_time, parse_time


def say(who: str, verdict, pair: tuple[str, str] = ("a", "b"), **more) -> Saying:
    return Saying(who=who, left=pair[0], right=pair[1], verdict=verdict, **more)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


def test_what_is_recorded_is_read_again_whole_and_in_order(ledger: Ledger) -> None:
    assert ledger.entries() == []
    assert not ledger.path.exists()
    first = ledger.record(say("ann", "same", why="same \u2028 capital\n", probability=0.25))
    second = ledger.record(say("bob", "different", ("ö", "<b>")))
    assert Ledger(ledger.path).entries() == [first, second]
    assert [number for number, _ in ledger.after(1)] == [2]
    assert (first.why, first.probability, second.probability) == ("same \u2028 capital\n", 0.25, None)


def test_times_of_a_reviewer_rise_even_where_the_clock_was_set_back(ledger: Ledger) -> None:
    ahead = parse_time("2999-01-01T00:00:00.000000Z")
    entry = ledger.record(say("ann", "same"))
    ledger.add([replace(entry, id="later", at=format_time(ahead))])
    assert ledger.record(say("ann", "different")).at > format_time(ahead)
    assert ledger.record(say("bob", "different")).at < format_time(ahead)


@pytest.mark.parametrize("change", ["UPDATE entries SET who = 'eve'", "DELETE FROM entries"])
def test_the_file_itself_refuses_changes(ledger: Ledger, change: str) -> None:
    entry = ledger.record(say("ann", "same"))
    with closing(sqlite3.connect(ledger.path)) as database, pytest.raises(sqlite3.IntegrityError):
        database.execute(change)
    assert ledger.entries() == [entry]


def test_undo_takes_back_the_last_word_and_lets_the_one_before_stand(ledger: Ledger) -> None:
    ledger.record(say("ann", "same"))
    ledger.record(say("ann", "different"))
    ledger.record(say("bob", "unsure"))
    taken = ledger.undo("ann")
    assert taken is not None
    book = Book(ledger.entries())
    assert {who: entry.verdict for who, entry in book.standing(("a", "b")).items()} == {
        "ann": "same",
        "bob": "unsure",
    }
    ledger.undo("ann")
    assert ledger.undo("ann") is None
    assert list(Book(ledger.entries()).standing(("a", "b"))) == ["bob"]
    assert len(ledger.entries()) == 5, "what was undone stays to be read"


@pytest.mark.parametrize(
    "wrong",
    [{"verdict": "maybe"}, {"who": ""}, {"probability": 1.5}, {"undoes": "x"}, {"verdict": "undo"}],
    ids=str,
)
def test_entries_that_mean_nothing_are_refused_with_all_that_come_with_them(ledger: Ledger, wrong) -> None:
    good = Entry(id="1", at="2026-01-31T09:30:00.000000Z", who="ann", left="a", right="b", verdict="same")
    with pytest.raises(InputError, match="does not fit"):
        ledger.add([good, replace(good, id="2", **wrong)])
    assert ledger.entries() == []


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    text, other, newer = (tmp_path / name for name in ("text", "other", "newer"))
    text.write_text("no database, but long enough to look like one" * 40)
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE things (x)")
    Ledger(newer).record(say("ann", "same"))
    with closing(sqlite3.connect(newer)) as database:
        database.execute("PRAGMA user_version = 99")
    for path, told in ((text, "no ledger"), (other, "another database"), (newer, "newer crossgraph")):
        before = path.read_bytes()
        with pytest.raises(ResultError, match=told):
            Ledger(path).record(say("ann", "same"))
        with pytest.raises(ResultError, match=told):
            Ledger(path).entries()
        assert path.read_bytes() == before


CHILD = """
import sys
from pathlib import Path
from crossgraph.reviewing.ledger import Entry, Ledger, Saying
ledger = Ledger(Path(sys.argv[1]))
"""
RECORDS = """
for i in range(100_000):
    entry = ledger.record(Saying(who="ann", left=f"l{i}", right="r", verdict="same"))
    sys.stdout.write(entry.id + chr(10)); sys.stdout.flush()
"""
IMPORTS = """
def entries():
    for i in range(4000):
        if i == 2500:
            sys.stdout.write("halfway" + chr(10)); sys.stdout.flush()
        yield Entry(id=str(i), at="2026-01-31T09:30:00.000000Z", who="ann", left="a" * 3000, right="b",
                    verdict="same")
ledger.add(entries())
"""
# Dies after the journal is written and before the commit has happened: the next one must roll back.
DIES_INSIDE = """
import os, signal
with ledger._writing() as database:
    database.execute("PRAGMA cache_size = 1")  # changed pages go to the file before the commit
    for i in range(500):
        database.execute("INSERT INTO entries (id, at, who, left, right, verdict, why, undoes) "
                         "VALUES (?, 'now', 'eve', 'a', ?, 'same', '', '')", (str(i), "b" * 3000))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def child(code: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", CHILD + code, path], stdout=subprocess.PIPE, text=True)


def is_whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("after", [1, 7, 40])
def test_a_killed_reviewer_loses_nothing_that_was_told_to_be_recorded(ledger: Ledger, after: int) -> None:
    with child(RECORDS, ledger.path) as process:
        assert process.stdout
        told = [process.stdout.readline().strip() for _ in range(after)]
        time.sleep(0.003 * after % 0.01)
        process.kill()
        told += process.stdout.read().split()
    kept = [entry.id for entry in ledger.entries()]
    assert process.returncode == -signal.SIGKILL
    assert kept[: len(told)] == told
    assert len(kept) <= len(told) + 1, "at most the one that was just being told"
    assert is_whole(ledger.path)
    assert ledger.record(say("bob", "same")) == ledger.entries()[-1]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_an_import_that_is_killed_halfway_leaves_what_was_there(ledger: Ledger) -> None:
    before = ledger.record(say("ann", "same"))
    with child(IMPORTS, ledger.path) as process:
        assert process.stdout
        assert process.stdout.readline() == "halfway\n"
        process.kill()
    assert ledger.entries() == [before]
    assert is_whole(ledger.path)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_what_a_dead_process_left_unfinished_is_rolled_back(ledger: Ledger) -> None:
    before = ledger.record(say("ann", "same"))
    with child(DIES_INSIDE, ledger.path) as process:
        assert process.wait() == -signal.SIGKILL
    assert ledger.path.with_name(f"{ledger.path.name}-journal").exists(), "the test must leave a journal"
    assert ledger.entries() == [before]
    assert is_whole(ledger.path)


def test_two_processes_write_at_once(ledger: Ledger) -> None:
    code = "for i in range(20): ledger.record(Saying(who='ann', left='a', right='b', verdict='same'))"
    processes = [child(code, ledger.path) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    for process in processes:
        assert process.stdout
        process.stdout.close()
    assert len({entry.at for entry in ledger.entries()}) == 40


def test_a_result_that_is_made_anew_keeps_its_decisions(tmp_path: Path) -> None:
    from crossgraph.layout import ResultFolder
    from crossgraph.results import staging

    result = tmp_path / "RESULT"
    with staging(result) as stage:
        stage.report_file.write_text("{}")
    ledger = Ledger(ResultFolder(result).ledger_file)
    first = ledger.record(say("ann", "same"))
    with staging(result, replace=True) as stage:
        stage.report_file.write_text('{"new": 1}')
        during = ledger.record(say("ann", "different"))
    assert (result / "report.json").read_text() == '{"new": 1}'
    assert ledger.entries() == [first, during]
    after = ledger.record(say("ann", "unsure"))
    assert ledger.entries() == [first, during, after]
    assert [path.name for path in tmp_path.iterdir()] == ["RESULT"]


TEXTS = st.text(alphabet="abcé日 <'", min_size=1, max_size=4)
ENTRIES = st.lists(
    st.builds(
        Entry,
        id=st.uuids().map(str),
        at=st.datetimes().map(lambda when: when.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")),
        who=st.sampled_from(["ann", "bob", "cy"]),
        left=st.one_of(TEXTS, st.just("\u2028\x85<script>")),
        right=TEXTS,
        verdict=st.sampled_from(["same", "different", "unsure"]),
        why=st.text(alphabet='a\n\u2028\x1c\x85"\\é', max_size=6),
        probability=st.one_of(st.none(), st.floats(0, 1)),
    ),
    max_size=6,
    unique_by=lambda entry: entry.id,
)


@given(mine=ENTRIES, theirs=ENTRIES)
def test_ledgers_merge_in_any_order_and_again_and_again(tmp_path_factory, mine, theirs) -> None:
    folder = tmp_path_factory.mktemp("ledgers")
    one, two = Ledger(folder / "one"), Ledger(folder / "two")
    assert (one.add(mine), two.add(theirs)) == (len(mine), len(theirs))
    write_entries(one.entries(), folder / "one.jsonl")
    write_entries(two.entries(), folder / "two.jsonl")
    assert read_entries(folder / "one.jsonl") == mine
    one.add(read_entries(folder / "two.jsonl"))
    two.add(read_entries(folder / "one"))
    assert one.add(read_entries(folder / "two.jsonl")) == 0
    assert {entry.id: entry for entry in one.entries()} == {entry.id: entry for entry in two.entries()}
    books = Book(one.entries()), Book(two.entries())
    assert {pair: books[0].settled(pair) for pair in books[0].pairs()} == {
        pair: books[1].settled(pair) for pair in books[1].pairs()
    }


def test_an_entry_that_was_tampered_with_is_refused(ledger: Ledger) -> None:
    entry = ledger.record(say("ann", "same"))
    with pytest.raises(InputError, match="differs from the one"):
        ledger.add([replace(entry, id="new"), replace(entry, verdict="different")])
    assert ledger.entries() == [entry]


GOOD = '{"id":"1","at":"2026-01-31T09:30:00.000000Z","who":"ann","left":"a","right":"b","verdict":"same"}'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "no entry"),
        ("[]", "it is no object"),
        (GOOD.replace('"who"', '"whom"'), "unknown key 'whom'"),
        (GOOD.replace('"ann"', '""'), "who is missing"),
        (GOOD.replace('"ann"', "7"), "who is no text"),
        (GOOD.replace('"same"', '"maybe"'), "the verdict is 'maybe'"),
        (GOOD.replace("2026-01-31T", "yesterday "), "does not match format"),
        (GOOD.replace('"same"', '"undo"'), "names what it undoes"),
        (GOOD[:-1] + ',"probability":2}', "the probability 2 is not in"),
        (GOOD[:-1] + ',"probability":true}', "the probability True is not in"),
    ],
)
def test_every_line_that_is_no_entry_is_told(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(f"{GOOD}\n{line}\n\n{line}\n")
    with pytest.raises(FaultsError, match=told) as caught:
        read_entries(file)
    assert [fault.line for fault in caught.value.faults] == [2, 4]


def test_a_file_of_something_else_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "links.tsv").write_text("a\tx\n" * 42)
    with pytest.raises(InputError, match="holds neither entries nor answers") as caught:
        read_entries(tmp_path / "links.tsv")
    assert ".jsonl" in caught.value.hint
    assert ".csv" in caught.value.hint
    for name in ("links.tsv", "x.jsonl"):
        (tmp_path / name).write_bytes(b"\x00\xff\n" * 42)
        with pytest.raises(FaultsError, match="is no text: it looks like binary data") as told:
            read_entries(tmp_path / name)
        assert len(told.value.faults) == 1
    (tmp_path / "x.jsonl").write_bytes(f"{GOOD}\n".encode() + b"\xe9\n")
    with pytest.raises(FaultsError, match=r"x\.jsonl:2: byte 0xe9 at column 1 is not UTF-8"):
        read_entries(tmp_path / "x.jsonl")


def test_a_missing_file_of_decisions_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing"):
        read_entries(tmp_path)


def test_alpha_is_that_of_the_published_example() -> None:
    raters = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    units = [[value for value in unit if value != "."] for unit in zip(*raters, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=0.0005)
    assert krippendorff_alpha([["same", "same"], ["same"]]) is None


def test_kappa_is_that_of_the_textbook() -> None:
    # Cohen's own kind of table: 20 both yes, 5 and 10 apart, 15 both no.
    words = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert cohen_kappa(words) == pytest.approx(0.4)
    assert cohen_kappa([("y", "y")] * 3) is None


def test_agreement_counts_what_stands_and_only_who_is_sure(ledger: Ledger) -> None:
    for who, verdicts in {"ann": "ssdu", "bob": "sdds", "cy": "s"}.items():
        for pair, letter in zip("wxyz", verdicts, strict=False):
            verdict = {"s": "same", "d": "different", "u": "unsure"}[letter]
            ledger.record(say(who, verdict, (pair, pair.upper())))
    accord = accord_of(Book(ledger.entries()))
    assert accord.said["ann"] == {"same": 2, "different": 1, "unsure": 1}
    assert [(a.first, a.second, a.pairs, a.agreed) for a in accord.between] == [
        ("ann", "bob", 3, 2),
        ("ann", "cy", 1, 1),
        ("bob", "cy", 1, 1),
    ]
    assert accord.disputed == (("x", "X"),)
    ledger.undo("cy")
    assert len(accord_of(Book(ledger.entries())).between) == 1
