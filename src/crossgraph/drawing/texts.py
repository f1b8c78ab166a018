"""Texts of graphs as they are shown: on one line, harmless, and no longer than there is room."""

from __future__ import annotations

import unicodedata
from html import escape

LONGEST = 60


def plain(text: str, most: int = LONGEST) -> str:
    """A text of a graph on one line: without what would steer a terminal or turn the direction of writing."""
    safe = "".join(" " if char.isspace() else "�" if _steers(char) else char for char in text)
    return safe if len(safe) <= most else safe[: most - 1] + "…"


def safe(text: str, most: int = 80) -> str:
    """A text that cannot leave its place in a page."""
    return escape(plain(text, most), quote=True)


def short_name(name: str) -> str:
    """The last part of an IRI, or the name as it is."""
    if "://" not in name:
        return name
    return name.rstrip("/#").replace("#", "/").rsplit("/", 1)[-1] or name


def cut(text: str, most: int) -> str:
    """A text that fits into a box; letters of East Asian scripts are twice as wide as others."""
    room = most
    for place, letter in enumerate(text):
        room -= 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if room < 0:
            return text[:place].rstrip() + "…"
    return text


def _steers(char: str) -> bool:
    # Joiners shape real words of Persian, Hindi and emoji; other format characters can deceive.
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co") and char not in "\u200c\u200d"
