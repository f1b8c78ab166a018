"""Killed at any moment, or out of disk: nothing half written is taken for whole, and a new try ends well."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from ground import SHORT, VERBS, Ground, Verb, found, places

KILLED = -9
# How often the long form kills each verb at changes, and how often by the clock; slow ones a tenth of it.
KILLS = int(os.environ.get("CROSSGRAPH_KILLS", "100"))


def kills(verb: Verb) -> int:
    return -(-KILLS // 10) if verb.slow else KILLS


def survives(ground: Ground, verb: Verb, *, at: int | None = None, after: float | None = None) -> int:
    """Kill a verb, look at what it left, and let it go on; its exit code the first time."""
    whole, _ = ground.whole(verb)
    folder = ground.fresh(verb)
    first = ground.nursery.run(verb.line(ground.world), folder, at=at, after=after)
    left = found(verb, folder)
    for name, is_there in left.items():
        # Absent is right even where something was before: for an instant it is moved aside, hidden but whole.
        allowed = (None, whole[name], ground.before(verb)[name])
        assert is_there in allowed or begins(verb, is_there, whole[name]), f"{name} is half written"
    if left != whole or verb.again:
        again = ground.nursery.run([*verb.line(ground.world), *verb.again.split()], folder)
        assert again.code == 0, again.told
    assert found(verb, folder) == whole
    if first.code == KILLED:
        refute_leftovers(folder, verb)
    return first.code


def begins(verb: Verb, left: tuple[int, list[Any]], whole: tuple[int, list[Any]]) -> bool:
    """Whether an output that grows by lines holds the first ones, each of them whole."""
    return verb.grows and left == (whole[0], whole[1][: len(left[1])])


def refute_leftovers(folder: Path, verb: Verb) -> None:
    """Nothing hidden is left but, where nothing was to be done again, an output's last hidden place."""
    hidden = [path.name for path in folder.rglob(".*")]
    assert set(hidden) <= {f".{name}.crossgraph-old" for name in verb.outputs}
    assert {path.name for path in folder.iterdir()} - set(hidden) == places(verb)


@pytest.mark.parametrize("name", SHORT)
def test_a_verb_that_is_killed_at_a_change_of_its_folder_finishes_the_next_time(ground, name):
    moments = ground.whole(VERBS[name])[1]
    at = random.Random(name).randrange(moments)
    assert survives(ground, VERBS[name], at=at) == KILLED


def test_an_alignment_that_is_killed_goes_on_behind_its_last_finished_stage(ground):
    verb = VERBS["align"]
    whole, moments = ground.whole(verb)
    folder = ground.fresh(verb)
    killed = ground.nursery.run(verb.line(ground.world), folder, at=moments * 2 // 3)
    assert killed.code == KILLED
    again = ground.nursery.run([*verb.line(ground.world), "--resume"], folder)
    assert again.code == 0, again.told
    assert found(verb, folder) == whole
    stages = json.loads((folder / "RESULT" / "report.json").read_text())["stages"]
    assert "block" in [row["stage"] for row in stages if row.get("reused")]
    refute_leftovers(folder, verb)


@pytest.mark.parametrize("name", ["learn", "update"])
def test_a_result_that_is_made_anew_and_killed_is_as_it_was_or_new(ground, name):
    moments = ground.whole(VERBS[name])[1]
    # One of the last changes, by which the new RESULT takes the place of the old one.
    at = moments - 1 - random.Random(0).randrange(6)
    assert survives(ground, VERBS[name], at=at) == KILLED


def test_an_update_that_is_killed_in_its_midst_leaves_the_old_result_whole(ground):
    verb = VERBS["update"]
    folder = ground.fresh(verb)
    killed = ground.nursery.run(verb.line(ground.world), folder, at=ground.whole(verb)[1] // 2)
    assert killed.code == KILLED
    assert found(verb, folder) == ground.before(verb)


def test_a_verb_that_is_killed_by_the_clock_finishes_the_next_time(ground):
    survives(ground, VERBS["merge over another"], after=random.Random(1).uniform(0.0, 0.3))


@pytest.mark.parametrize("name", ["align over another", "merge over another", "unmerge"])
def test_a_file_that_can_grow_no_more_is_told_and_leaves_what_was_there(ground, name):
    verb = VERBS[name]
    folder = ground.fresh(verb)
    ended = ground.nursery.run(verb.line(ground.world), folder, limit=100)
    assert ended.code == 1
    assert "too large" in ended.told.lower()
    assert "Traceback" not in ended.told
    assert "bug" not in ended.told
    assert found(verb, folder) == ground.before(verb)
    assert {path.name for path in folder.iterdir()} <= set(verb.outputs)


def test_a_full_disk_is_told_and_nothing_is_left_on_it(ground, mounted):
    ended = ground.nursery.run(VERBS["align"].line(ground.world), mounted)
    assert ended.code == 1
    assert "No space left on device" in ended.told
    assert "bug" not in ended.told
    assert list(mounted.iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize("name", VERBS)
def test_a_verb_survives_being_killed_at_changes_of_its_folder(ground, name):
    verb = VERBS[name]
    moments = range(ground.whole(verb)[1])
    for at in random.Random(name).sample(moments, min(kills(verb), len(moments))):
        assert survives(ground, verb, at=at) == KILLED


@pytest.mark.long
@pytest.mark.parametrize("name", VERBS)
def test_a_verb_survives_being_killed_by_the_clock(ground, name):
    verb, drawn = VERBS[name], random.Random(name)
    for _ in range(kills(verb)):
        survives(ground, verb, after=drawn.uniform(0.0, 5.0 if verb.slow else 1.0))
