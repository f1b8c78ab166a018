from __future__ import annotations

import math
import re
from io import BufferedWriter
from pathlib import Path

import numpy as np
import pytest

from crossgraph import _space
from crossgraph._space import IN_MEMORY, PassingFile, Space, size_of
from crossgraph.caching import StageCache, evidence_form
from crossgraph.comparing import gather_evidence
from crossgraph.config import RunOptions
from crossgraph.errors import ConfigError
from crossgraph.evidence import table as table_module
from crossgraph.evidence.table import EvidenceTable


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GB", 8 * 10**9),
        ("512MiB", 512 * 2**20),
        (" 1.5 gb ", 15 * 10**8),
        ("4096", 4096),
        ("2KB", 2000),
        ("", None),
        ("8 G", None),
        ("much", None),
        ("-8GB", None),
        ("8GB9", None),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert size_of(text) == size


def test_a_memory_that_is_no_size_is_refused():
    assert RunOptions(memory="8GB").budget == 8 * 10**9
    assert RunOptions().budget is None
    for text in ("0", "0GB", "lots"):
        with pytest.raises(ConfigError, match="memory"):
            RunOptions(memory=text)


def test_a_table_lies_in_a_file_where_the_budget_has_no_room(tmp_path):
    room = Space(tmp_path, budget=math.ceil(400 / _space.LARGE))
    assert not isinstance(room.table(10, 10), np.memmap)
    large = room.table(10, 11)
    assert isinstance(large, np.memmap)
    assert large.shape == (10, 11)
    assert not list(tmp_path.iterdir())
    large[:] = np.arange(110).reshape(10, 11)
    _space.let_go(large)
    np.testing.assert_array_equal(large, np.arange(110).reshape(10, 11))
    kept = np.ones((20, 20), dtype=np.float32)
    assert IN_MEMORY.held(kept) is kept
    np.testing.assert_array_equal(room.held(kept), kept)


def test_evidence_is_the_same_in_files_and_in_parts(mid_world, tmp_path, monkeypatch):
    expected = gather_evidence(mid_world.preparation)
    monkeypatch.setattr(table_module, "AT_ONCE", 97)
    found = gather_evidence(mid_world.preparation, space=Space(tmp_path, budget=1))
    assert any(isinstance(block, np.memmap) for block in found.blocks)
    assert found.names == expected.names
    np.testing.assert_array_equal(found.values, expected.values)
    assert found.fingerprint() == EvidenceTable(expected.names, (expected.values,)).fingerprint()
    cache, form = StageCache(tmp_path), evidence_form(len(found), Space(tmp_path, budget=1))
    cache.recall("compare", lambda: found, form, row={})
    again = cache.recall("compare", EvidenceTable.none, form, row={})
    assert all(isinstance(block, np.memmap) for block in again.blocks)
    np.testing.assert_array_equal(again.values, expected.values)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells of Linux")
def test_a_table_in_a_file_that_was_stored_takes_no_memory(tmp_path):
    space = Space(tmp_path, 1000)
    table = space.table(10_000, 1000)
    table[:] = 1.0
    before = in_files()
    columns = tuple(str(number) for number in range(1000))
    StageCache(tmp_path).recall(
        "compare", lambda: EvidenceTable(columns, (table,)), evidence_form(10_000, space), row={}
    )
    assert before - in_files() > table.nbytes / 2
    assert (table == 1.0).all()


def in_files() -> int:
    """Bytes of files that this process has in memory."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"RssFile:\s+(\d+)", status)[1])


def test_a_passing_file_is_whole_and_has_the_system_let_go_of_its_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(_space, "PIECE", 4096)
    brought, released = [], []
    monkeypatch.setattr(_space.os, "fdatasync", brought.append, raising=False)
    monkeypatch.setattr(_space.os, "posix_fadvise", lambda *of: released.append(of[3]), raising=False)
    monkeypatch.setattr(_space.os, "POSIX_FADV_DONTNEED", "let go", raising=False)
    arrays = {"large": np.arange(5000.0), "small": np.arange(3)}
    with BufferedWriter(PassingFile(tmp_path / "some.npz", "wb")) as out:
        np.savez(out, allow_pickle=False, **arrays)
    with np.load(tmp_path / "some.npz", allow_pickle=False) as found:
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
    # The large one passes alone; what is small waits for more.
    assert len(brought) == len(released) >= 1
    assert set(released) == {"let go"}
