"""What a reviewer is asked and shown: the queue, two entities side by side, and the estimate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.errors import GraphFormatError, ResultError
from crossgraph.reviewing.comparison import compare, mark
from crossgraph.reviewing.desk import Desk
from crossgraph.reviewing.ledger import Ledger
from crossgraph.reviewing.material import Material, load_material
from crossgraph.reviewing.queue import ORDERS, Queue
from crossgraph.reviewing.surroundings import surroundings
from crossgraph.reviewing.views import GraphView
from crossgraph.sources import Inputs
from reviewing.samples import BASE, make_result

LEFT = ("The Third Man", "Vertigo", "Metropolis", "Alien", "Łódź 1905", "Heat", "Ran")
RIGHT = ("Third Man, The", "VERTIGO", "Metropolis", "Aliens", "Lodz", "Hitze", "Ran")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_result(tmp_path_factory.mktemp("material") / "m", LEFT, RIGHT)


@pytest.fixture(scope="module")
def material(result: Path) -> Material:
    return load_material(result)


def films(i: int, j: int | None = None) -> tuple[str, str]:
    return f"{BASE}left/film{i}", f"{BASE}right/film{i if j is None else j}"


def test_the_queue_goes_from_the_most_uncertain_to_the_surest(material: Material) -> None:
    rows = Queue(material).rows("uncertain")
    distance = np.abs(material.pairs.probability[rows] - 0.5)
    assert len(rows) == len(material.pairs) == len(set(rows.tolist()))
    assert (np.diff(distance) >= 0).all()


def test_conflicts_come_by_the_less_likely_of_two(material: Material) -> None:
    pairs = material.pairs
    slow = [
        max(
            (
                pairs.probability[j]
                for j in range(len(pairs))
                if j != i and (pairs.left[i] == pairs.left[j] or pairs.right[i] == pairs.right[j])
            ),
            default=0.0,
        )
        for i in range(len(pairs))
    ]
    assert pairs.rivals.tolist() == slow
    rows = Queue(material).rows("conflict")
    contest = np.minimum(pairs.probability, slow)
    assert (np.diff(contest[rows]) <= 0).all()
    assert set(rows.tolist()) == set(np.flatnonzero(contest >= 0.02).tolist())


def test_the_sample_holds_all_matches_in_an_order_that_is_not_theirs(material: Material) -> None:
    rows = Queue(material).rows("sample")
    assert set(rows.tolist()) == set(np.flatnonzero(material.pairs.matched).tolist())
    assert rows.tolist() != sorted(rows.tolist())
    assert rows.tolist() == Queue(material).rows("sample").tolist()


@given(data=st.data())
def test_next_is_the_first_open_one_after_the_last_and_begins_again(
    material: Material, data: st.DataObject
) -> None:
    queue = Queue(material)
    order = data.draw(st.sampled_from(ORDERS))
    kind = data.draw(st.sampled_from(["", "Film", "Person", "nothing"]))
    every = queue.rows(order).tolist()
    closed = data.draw(st.sets(st.sampled_from(every)))
    after = data.draw(st.sampled_from([-1, *every]))
    queue.close(closed)
    wanted = [
        row
        for row in every
        if row not in closed and kind in ("", material.pairs.type_names[material.pairs.types[row]])
    ]
    assert queue.rows(order, type_name=kind).tolist() == wanted
    place = every.index(after) + 1 if after >= 0 else 0
    turned = [row for row in every[place:] + every[:place] if row in wanted and row != after]
    assert queue.next(order, type_name=kind, after=after) == (turned[0] if turned else -1)


def test_reviewers_have_queues_of_their_own_that_follow_the_ledger(result: Path, material: Material) -> None:
    desk = Desk(material)
    row = desk.row(films(1))
    before = [count for _, _, count in desk.queue("ann").counts()]
    desk.decide("ann", films(1), "same", why="looks so")
    assert row not in desk.queue("ann").rows("uncertain")
    assert row in desk.queue("bob").rows("uncertain")
    other = Desk(material)
    assert row not in other.queue("ann").rows("uncertain"), "a second server reads the ledger"
    other.undo("ann")
    desk.refresh()
    assert [count for _, _, count in desk.queue("ann").counts()] == before
    assert [entry.verdict for entry in Ledger(material.folder.ledger_file).entries()] == ["same", "undo"]
    assert desk.undo("ann") is None


def test_a_pair_that_was_not_scored_can_be_decided(material: Material) -> None:
    desk = Desk(material)
    entry = desk.decide("cy", films(0, 6), "same")
    assert entry.probability is None
    assert desk.queue("cy").next("uncertain") >= 0
    assert desk.decide("cy", films(0), "different").probability == pytest.approx(0.99)


def test_corresponding_values_stand_side_by_side_with_what_differs_marked(material: Material) -> None:
    row = compare(material, material.left.number(films(3)[0]), material.right.number(films(3)[1]))[0]
    assert (row.left_name, row.right_name) == (f"{BASE}left/title", f"{BASE}right/title")
    assert [(piece.text, piece.same) for piece in row.right[0].pieces] == [("Aliens", False)]
    states = {
        i: [
            r.state
            for r in compare(material, material.left.number(films(i)[0]), material.right.number(films(i)[1]))
        ]
        for i in (1, 2, 3, 5)
    }
    assert states == {
        1: ["equal", "equal"],
        2: ["equal", "equal"],
        3: ["close", "equal"],
        5: ["different", "equal"],
    }


def test_what_only_one_side_has_comes_last(material: Material) -> None:
    maker = material.right.number(f"{BASE}right/maker0")
    rows = compare(material, material.left.number(films(0)[0]), maker)
    assert [row.state for row in rows] == ["different", "left"]


@given(st.text(alphabet="ab ,.Éé", max_size=12), st.text(alphabet="ab ,.Éé", max_size=12))
def test_marks_keep_every_letter_and_equal_texts_have_none(left: str, right: str) -> None:
    ours, theirs = mark(left, right)
    assert "".join(piece.text for piece in ours) == left
    assert "".join(piece.text for piece in theirs) == right
    same = ["".join(piece.text for piece in side if piece.same).casefold() for side in (ours, theirs)]
    assert same[0] == same[1]
    assert all(piece.same for piece in mark(left, left)[0])


def test_neighbours_that_are_likely_the_same_echo_each_other(material: Material) -> None:
    left, right = material.left.number(films(1)[0]), material.right.number(films(1)[1])
    around = surroundings(material, left, right, settled={})
    assert [(material.left.name(e.left.entity), e.probability) for e in around.echoes] == [("Maker 0", 0.999)]
    makers = material.row((f"{BASE}left/maker0", f"{BASE}right/maker0"))
    around = surroundings(material, left, right, settled={makers: False})
    assert (around.echoes, len(around.left), len(around.right)) == ((), 1, 1), "what people say counts more"


def test_what_is_left_out_of_the_surroundings_is_counted(material: Material) -> None:
    makers = material.left.number(f"{BASE}left/maker0"), material.right.number(f"{BASE}right/maker0")
    around = surroundings(material, *makers, settled={}, most=2)
    assert (len(around.echoes), around.left, around.right, around.hidden) == (2, (), (), (1, 1))


def test_names_are_found_without_case_and_accents_the_nearest_first(material: Material) -> None:
    def found(view: GraphView, text: str) -> list[str]:
        return [view.name(number) for number in view.search(text)]

    assert found(material.left, "łodz") == ["Łódź 1905"]
    assert found(material.right, "vertigo ") == ["VERTIGO"]
    assert found(material.left, "ma")[0] in {"Maker 0", "Maker 1", "Maker 2"}
    assert found(material.left, "man") == ["The Third Man"]
    assert found(material.left, films(2)[0]) == ["Metropolis"]
    assert found(material.left, ".*") == found(material.left, " ") == []


def test_a_folder_or_graphs_that_do_not_fit_are_refused(result: Path, tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="is no RESULT"):
        load_material(tmp_path)
    with pytest.raises(GraphFormatError):
        load_material(result, graphs=Inputs(left=tmp_path / "gone.nt", right=tmp_path / "gone.nt"))
    right = result.parent / "right.nt"
    with pytest.raises(ResultError, match="a pair of the result"):
        load_material(result, graphs=Inputs(left=right, right=right))
