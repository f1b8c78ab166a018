"""What can go wrong with an output beside it: a folder that may not be written or vanishes, another run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ground import QUICK
from typer.testing import CliRunner

from crossgraph import _claims
from crossgraph.cli import app
from crossgraph.errors import ResultError
from crossgraph.results import staging, write_whole


def run(*args: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(arg) for arg in args])
    return done.exit_code, done.stderr


def refuse_before_the_work(world: Path, out: Path) -> None:
    """Verbs that write tell that the place of their output may not be written, before they read anything."""
    earlier = world / "graphs"
    for args in (
        ("align", world / "graphs", "--out", out),
        ("merge", earlier, "--out", out.with_suffix(".nq")),
        ("unmerge", earlier, "--out", out),
        ("score", earlier, "--pairs", world / "pairs.tsv", "--out", out),
    ):
        code, told = run(*args)
        assert code == 1
        assert f"{out.parent / out.stem}" in told
        assert "cannot be written" in told
        assert "read: " not in told


def test_a_disk_that_may_not_be_written_is_told_before_the_work(world, mounted):
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    refuse_before_the_work(world, mounted / "out")


def test_a_folder_that_may_not_be_written_is_told_before_the_work(world, tmp_path, monkeypatch):
    # Nothing is forbidden to root, so the answer of the system is put in its mouth.
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    refuse_before_the_work(world, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_behind_standard_output_is_told(world):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "crossgraph", "check", str(world / "graphs"), "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_run_into_the_same_output_is_refused_with_the_way_out(world, tmp_path):
    out = tmp_path / "RESULT"
    with staging(out) as stage:
        code, told = run("align", world / "graphs", "--out", out)
        assert list(stage.path.iterdir()) == []
        stage.report_file.write_text("{}")
    assert code == 1
    assert f"{out} is being written by another run" in told
    assert "another --out" in told
    assert [path.name for path in tmp_path.iterdir()] == ["RESULT"]


def test_of_two_writers_of_one_file_the_second_is_refused(tmp_path):
    def other(part: Path) -> None:
        part.write_text("first")
        with pytest.raises(ResultError, match="another run"):
            write_whole(tmp_path / "file", lambda second: second.write_text("second"))

    write_whole(tmp_path / "file", other)
    assert (tmp_path / "file").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_many_writers_of_one_file_leave_it_whole(tmp_path):
    texts = [str(number) * 5000 for number in range(8)]
    written: list[str] = []

    def write(text: str) -> None:
        for _ in range(20):
            try:
                write_whole(tmp_path / "file", lambda part: part.write_text(text))
            except ResultError:
                continue
            written.append(text)
            assert (tmp_path / "file").read_text() in texts

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert written
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("folder", [False, True])
def test_a_place_that_another_run_takes_away_is_claimed_anew(tmp_path, monkeypatch, folder):
    target = tmp_path / "far" / "RESULT" if folder else tmp_path / "file"
    lock, locked = _claims._lock, []

    def lock_what_is_gone(number: int, of: Path) -> None:
        lock(number, of)
        if not locked:
            (_claims.hidden(of).rmdir if folder else _claims.hidden(of).unlink)()
            if folder:
                of.parent.rmdir()
        locked.append(number)

    monkeypatch.setattr(_claims, "_lock", lock_what_is_gone)
    with (_claims.claimed_folder if folder else _claims.claimed_file)(target) as place:
        assert place.exists()
    assert len(locked) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_takes_the_folders_away_that_it_made(tmp_path):
    with pytest.raises(ValueError, match="mine"), staging(tmp_path / "far" / "away"):
        raise ValueError("mine")
    assert list(tmp_path.iterdir()) == []


def test_inputs_may_vanish_once_they_are_read(world, tmp_path, monkeypatch):
    from crossgraph import pipeline

    shutil.copytree(world / "graphs", tmp_path / "graphs")
    inputs = pipeline.Inputs(left=tmp_path / "graphs", links=(world / "links.tsv",))
    card = pipeline.inputs_card(inputs)
    prepare = pipeline.Session.prepare

    def vanish(*given: object, **named: object) -> object:
        shutil.rmtree(tmp_path / "graphs")
        return prepare(*given, **named)

    monkeypatch.setattr(pipeline.Session, "prepare", vanish)
    config = pipeline.load_config(None, [one.removeprefix("--set=") for one in QUICK])
    outcome = pipeline.align(inputs, tmp_path / "RESULT", config=config)
    assert outcome.report["inputs"] == card


def test_an_output_folder_that_vanishes_is_told(world, tmp_path, monkeypatch):
    from crossgraph import pipeline

    prepare = pipeline.Session.prepare

    def vanish(*given: object, **named: object) -> object:
        shutil.rmtree(tmp_path / "place")
        return prepare(*given, **named)

    monkeypatch.setattr(pipeline.Session, "prepare", vanish)
    (tmp_path / "place").mkdir()
    code, told = run("align", world / "graphs", *QUICK, "--out", tmp_path / "place" / "R")
    assert code == 1
    assert "No such file or directory" in told
    assert "bug" not in told
    assert not (tmp_path / "place").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
def test_what_is_not_whole_yet_is_for_its_owner_alone(tmp_path):
    def rights(path: Path) -> int:
        return path.stat().st_mode & 0o777

    seen: list[int] = []

    def write(part: Path) -> None:
        seen.append(rights(part))
        part.write_text("x")

    # What a run that was killed has left, of an older version.
    (tmp_path / ".file.crossgraph").touch(0o666)
    (tmp_path / ".RESULT.crossgraph").mkdir(0o777)
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", write)
        with staging(tmp_path / "RESULT") as stage:
            seen.append(rights(stage.path))
            stage.report_file.write_text("{}")
    finally:
        os.umask(before)
    assert seen == [0o600, 0o700]
    assert (rights(tmp_path / "file"), rights(tmp_path / "RESULT")) == (0o640, 0o750)


def test_nothing_is_ever_written_to_the_shared_folder_of_temporary_files():
    source = Path(__file__).parents[2] / "src"
    texts = {path.name: path.read_text(encoding="utf8") for path in source.rglob("*.py")}
    made = [(name, call) for name in texts for call in re.findall(r"tempfile\.\w+\([^)]*\)", texts[name])]
    assert all("dir=" in call for _, call in made), made
    assert [name for name in texts if "gettempdir" in texts[name] or "from tempfile" in texts[name]] == []
