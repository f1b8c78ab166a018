"""What reviewers settle: labels for learning, and matches after review."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from crossgraph.graphs.links import Links, read_links
from crossgraph.layout import ResultFolder
from crossgraph.reviewing.labels import labels_of, revise, write_labels
from crossgraph.reviewing.ledger import Ledger, Saying


def rows(links: Links) -> list[tuple[str, str, int]]:
    return list(links.table().select("left", "right", "label").iter_rows())


def test_labels_are_what_the_majority_is_sure_of(tmp_path: Path) -> None:
    assert rows(labels_of(tmp_path)) == []
    ledger = Ledger(ResultFolder(tmp_path).ledger_file)
    said = {"split": "sd", "yes": "ssd", "no": "udd", "lone": "s", "open": "u"}
    for left, verdicts in said.items():
        for who, letter in zip(("ann", "bob", "cy"), verdicts, strict=False):
            verdict = {"s": "same", "d": "different", "u": "unsure"}[letter]
            ledger.record(Saying(who=who, left=left, right="r\tx" if left == "no" else "r", verdict=verdict))
    assert rows(labels_of(tmp_path)) == [("yes", "r", 1), ("no", "r\tx", 0), ("lone", "r", 1)]
    ledger.undo("ann")
    assert ("yes", "r", 1) in rows(labels_of(tmp_path)), "ann's last word was on another pair"


def test_written_labels_are_links(tmp_path: Path) -> None:
    labels = Links.of(["a", "b,\t"], ['x "1"', "y"], label=[True, False])
    write_labels(labels, tmp_path / "labels.csv")
    assert rows(read_links(tmp_path / "labels.csv")) == rows(labels)


def test_a_confirmed_pair_takes_the_place_of_its_rivals() -> None:
    matches = Links.of(["a", "b", "c", "d"], ["w", "x", "y", "z"])
    labels = Links.of(["a", "b", "e"], ["w", "y", "f"], label=[False, True, True])
    assert rows(revise(matches, labels)) == [("d", "z", 1), ("b", "y", 1), ("e", "f", 1)]


PAIRS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz")), unique=True)


@given(
    matches=PAIRS,
    said=st.dictionaries(st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz")), st.booleans()),
)
def test_revised_matches_hold_all_that_was_confirmed_and_nothing_rejected(matches, said) -> None:
    pairs = list(said)
    labels = Links.of([p[0] for p in pairs], [p[1] for p in pairs], label=list(said.values()))
    revised = {
        row[:2] for row in rows(revise(Links.of([m[0] for m in matches], [m[1] for m in matches]), labels))
    }
    yes = {pair for pair, same in said.items() if same}
    rivals = {m for m in matches if any(m[0] == y[0] or m[1] == y[1] for y in yes)}
    assert revised == (set(matches) - rivals - {pair for pair, same in said.items() if not same}) | yes
