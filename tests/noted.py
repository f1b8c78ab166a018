"""What a run tells people, kept for a test to read."""

from __future__ import annotations

from crossgraph.progress import Progress


class Notes(Progress):
    """Keeps notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)
