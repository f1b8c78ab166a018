"""Learning from the review app: it begins once, the pages go on, and what it made is what they show."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from starlette.testclient import TestClient

from crossgraph.layout import ResultFolder
from crossgraph.reviewing.changes import Changes, Scores
from crossgraph.reviewing.desk import Desk
from crossgraph.reviewing.material import load_material
from crossgraph.reviewing.pupil import Pupil
from crossgraph.reviewing.web.app import ReviewOptions, create_app
from reviewing.samples import HOSTILE, make_result
from reviewing.test_web import HOME, films, form_of

TITLES = ("Vertigo", "Alien", *HOSTILE)
# Waits for a file, as training would for its end, and then puts another result in the place of the old one.
LEARNS = """
import pathlib, shutil, sys, time
folder, gate, new = map(pathlib.Path, sys.argv[1:])
print("train: network <b>", file=sys.stderr, flush=True)
while not gate.exists():
    time.sleep(0.01)
if gate.read_text():
    sys.exit(gate.read_text())
for name in ("scores.parquet", "matches.sssom.tsv", "report.json", "changes.tsv"):
    shutil.copy(new / name, folder / name)
"""


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


@pytest.fixture
def client(tmp_path: Path, gate: Path) -> Iterator[TestClient]:
    result = make_result(tmp_path / "r", TITLES, TITLES)
    new = learned(result, make_result(tmp_path / "n", TITLES[:4], TITLES[:4]))
    pupil = Pupil([sys.executable, "-c", LEARNS, str(result), str(gate), str(new)], result.parent)
    options = ReviewOptions(who="ann", pupil=pupil)
    client = TestClient(create_app(Desk(load_material(result)), options), base_url=HOME)
    yield client
    pupil.stop()
    assert pupil.state != "running"


def learned(before: Path, after: Path) -> Path:
    """A result as learning leaves it: fewer pairs, and what has changed."""
    old, new = ResultFolder(before), ResultFolder(after)
    material = load_material(before)
    nothing = material.known
    changes = Changes.between(
        Scores.of(old), Scores.of(new), new=nothing, answers=nothing, views=(material.left, material.right)
    )
    changes.write(new.changes_file)
    report = json.loads(old.report_file.read_text())
    counts = {"same": 1, "different": 0, "new": 1, "left_out": 0}
    report["learned"] = {"answers": counts, **changes.as_dict()}
    new.report_file.write_text(json.dumps(report))
    return after


def until(client: TestClient, seen: Callable[[str], bool]) -> str:
    end = time.monotonic() + 20
    while not seen(text := client.get("/learn").text):
        assert time.monotonic() < end, text
        time.sleep(0.02)
    return text


def test_it_learns_once_while_pages_go_on_and_then_they_show_the_new_result(
    client: TestClient, gate: Path
) -> None:
    form = form_of(client)
    assert "Learn from answers" in client.get("/").text
    client.post("/decide", data={**form, **films(1), "verdict": "same"})
    assert "Learn from 1 answer<" in client.get("/").text
    page = client.post("/learn", data=form)
    assert page.url.path == "/learn"
    assert 'http-equiv="refresh"' in page.text
    assert "&lt;b&gt;" in until(client, lambda text: "train: network" in text), "as text"
    assert "seconds ago" in client.get("/learn").text
    assert 'http-equiv="refresh"' in client.post("/learn", data=form).text
    count = client.get("/queue").text
    gate.write_text("")
    text = until(client, lambda text: "The model has learned" in text)
    assert "http-equiv" not in text
    assert "of these were answered" in text
    assert "&#39;; DROP TABLE" in text, "as text"
    assert client.get("/queue").text != count


def test_a_failure_is_told_and_it_may_be_tried_again(client: TestClient, gate: Path) -> None:
    form = form_of(client)
    gate.write_text("Error: no space left")
    client.post("/decide", data={**form, **films(1), "verdict": "same"})
    client.post("/learn", data=form)
    text = until(client, lambda text: "Learning has failed" in text)
    assert "no space left" in text
    assert 'action="/learn"' in text
    assert "Learn from 1 answer" in client.get("/").text


def test_no_other_site_begins_it_and_a_review_without_a_pupil_does_not_offer_it(
    client: TestClient, tmp_path: Path
) -> None:
    form = form_of(client)
    assert client.post("/learn", data={"token": "0" * 64}).status_code == 403
    assert client.post("/learn", data=form, headers={"origin": "http://evil.example"}).status_code == 403
    assert "seconds ago" not in client.get("/learn").text
    alone = TestClient(create_app(Desk(load_material(tmp_path / "r" / "RESULT"))), base_url=HOME)
    assert "/learn" not in alone.get("/").text
    assert alone.get("/learn").status_code == 404
    assert alone.post("/learn", data=form_of(alone)).status_code == 404


def test_one_process_at_a_time(tmp_path: Path) -> None:
    pupil = Pupil([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path)
    assert (pupil.state, pupil.lines()) == ("idle", [])
    assert pupil.start()
    assert not pupil.start()
    assert pupil.state == "running"
    pupil.stop()
    assert pupil.state == "failed"
    pupil.command = (sys.executable, "-c", "import sys; sys.stderr.write('x' * 9000 + '\\nlast')")
    assert pupil.start()
    while pupil.state == "running":
        time.sleep(0.01)
    assert (pupil.state, pupil.lines()) == ("done", ["last"])
    pupil.stop()


def test_it_ends_with_the_server(tmp_path: Path) -> None:
    pupil = Pupil([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path)
    desk = Desk(load_material(make_result(tmp_path / "r", TITLES, TITLES)))
    with TestClient(create_app(desk, ReviewOptions(pupil=pupil)), base_url=HOME) as client:
        client.post("/learn", data=form_of(client))
        assert pupil.state == "running"
    assert pupil.state == "failed"


def test_settled_pairs_that_the_model_was_told_are_not_new(tmp_path: Path) -> None:
    result = make_result(tmp_path / "r", TITLES, TITLES)
    rows = [(*films(0).values(), True), (*films(1).values(), True)]
    table = pl.DataFrame(rows, schema=["left", "right", "same"], orient="row")
    table.write_parquet(ResultFolder(result).known_file)
    desk = Desk(load_material(result))
    pairs = [tuple(films(i).values()) for i in range(3)]
    desk.decide("ann", pairs[0], "same")
    assert desk.unlearned == set()
    desk.decide("ann", pairs[1], "different")
    desk.decide("ann", pairs[2], "different")
    assert desk.unlearned == {pairs[1], pairs[2]}
    desk.undo("ann")
    assert desk.unlearned == {pairs[1]}
