"""How stages tell their progress: a small base class, so that library code never prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int], None]


def unwatched(_steps: int) -> None:
    """Progress that nobody watches."""


class Progress:
    """Where stages report. This base is silent; ``crossgraph.cli`` draws bars with a subclass."""

    @contextmanager
    def stage(self, title: str, total: int | None = None, unit: str = "") -> Iterator[Advance]:
        """Run a stage; yields a function that advances it by so many units."""
        yield lambda _count: None

    def note(self, message: str) -> None:
        """Tell one line that stays."""


SILENT = Progress()
