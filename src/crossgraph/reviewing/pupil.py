"""A model that learns from the answers in a process of its own, while the review goes on."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal, TypeAlias

State: TypeAlias = Literal["idle", "running", "done", "failed"]

_TOLD = 8192  # bytes of what it told last
_PATIENCE = 5.0  # seconds to end by itself when it is stopped


class Pupil:
    """Runs one command, one at a time; what it tells on stderr is its progress. Not for several threads.

    folder   where what it tells is kept, in a file without a name
    """

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.command = tuple(command)
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._told: IO[bytes] | None = None
        self._began = 0.0

    @property
    def state(self) -> State:
        """What it does now; done and failed are of the last time."""
        if self._process is None:
            return "idle"
        code = self._process.poll()
        if code is None:
            return "running"
        return "failed" if code else "done"

    @property
    def seconds(self) -> int:
        """How long ago it began."""
        return int(time.monotonic() - self._began)

    def start(self) -> bool:
        """Begin, unless it is at it already; whether it began."""
        if self.state == "running":
            return False
        if self._told:
            self._told.close()
        self._told = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115 - it is open as long as the process writes
        self._process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._told
        )
        self._began = time.monotonic()
        # Pages come first. Not every system has priorities, or lets us set them.
        with suppress(AttributeError, OSError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, 10)
        return True

    def lines(self) -> list[str]:
        """What it told last, line by line."""
        if self._told is None:
            return []
        # Not by seeking: the process writes at the place that it shares with this file.
        size = os.fstat(self._told.fileno()).st_size
        start = max(0, size - _TOLD)
        text = os.pread(self._told.fileno(), size - start, start).decode(errors="replace")
        lines = text.splitlines()
        return lines[1:] if start else lines

    def stop(self) -> None:
        """End it, if it is at it, and forget what it told; what it writes is whole or not there."""
        if self._process is not None and self.state == "running":
            self._process.terminate()
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._told:
            self._told.close()
            self._told = None
