"""A program that forks a child for each command line it reads, so that none waits for its libraries to load.

It answers each line of JSON on stdin with one on stdout. Threads do not outlive a fork, so this process only
loads modules and never computes.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sqlite3
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

# What changes a folder, as Python's audit events call it; of what is opened, only hidden places count.
CHANGES = {
    *("open", "os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"),
    "shutil.rmtree",
}


def main() -> None:
    from crossgraph.cli import app

    for line in sys.stdin:
        asked = json.loads(line)
        # Through a pipe, since a limit on files would hold for a file of what is told, too.
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writing, 1)
            os.dup2(writing, 2)
            _work(app, asked)
        os.close(writing)
        code = _watched(child, asked["after"])
        with os.fdopen(reading, errors="replace") as told:
            print(json.dumps({"code": code, "told": told.read()}), flush=True)
        _load(Path(asked["notes"]).with_suffix(".modules"))


def _watched(child: int, after: float | None) -> int:
    """The exit code of a child, which is killed some seconds after its start if it still runs."""
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _load(modules: Path) -> None:
    """What one child had to load, the next ones find loaded."""
    if modules.exists():
        for name in modules.read_text().split():
            with suppress(Exception):
                importlib.import_module(name)


def _work(app: Any, asked: dict[str, Any]) -> None:
    notes = Path(asked["notes"])
    os.chdir(asked["folder"])
    before = set(sys.modules)
    moments = _count(asked["folder"], asked["at"])
    if asked["bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["bytes"], asked["bytes"]))
    code: Any = 70
    try:
        app(asked["args"])
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.stdout.flush()
        if asked["bytes"] is None:
            notes.with_suffix(".moments").write_text(str(moments[0]))
            notes.with_suffix(".modules").write_text(" ".join(set(sys.modules) - before - {"__main__"}))
        os._exit(code)


def _count(folder: str, at: int | None) -> list[int]:
    """How often something has changed under a folder, or SQLite was told something.

    Just before the given one of these moments the process dies.
    """
    moments = [0]

    def count() -> None:
        if moments[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)
        moments[0] += 1

    def connect(*given: Any, **named: Any) -> sqlite3.Connection:
        database = opened(*given, **named)
        database.set_trace_callback(lambda _statement: count())
        return database

    opened, sqlite3.connect = sqlite3.connect, connect

    def watch(event: str, given: tuple[Any, ...]) -> None:
        if event not in CHANGES or not isinstance(given[0], str | os.PathLike):
            return
        path = str(Path(given[0]).absolute())
        if path.startswith(f"{folder}/") and (event != "open" or ".crossgraph" in path):
            count()

    sys.addaudithook(watch)
    return moments


if __name__ == "__main__":
    main()
