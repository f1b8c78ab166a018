"""What mkdocstrings needs to know of our docstrings: ``name   meaning`` is an item of a list.

Where a meaning needs a second line, that begins below the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import griffe

ITEM = re.compile(r"(?! )(?P<name>\S.*?) {2,}(?P<meaning>\S.*)")


class Fields(griffe.Extension):
    """Turns the columns of docstrings into lists."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = "\n".join(_lines(obj.docstring.value))


def _lines(text: str) -> Iterator[str]:
    column = 0
    for line in text.splitlines():
        item = ITEM.fullmatch(line)
        if item:
            yield from ([""] if not column else [])
            column = item.start("meaning")
            yield f"- `{item['name']}`: {item['meaning']}"
        elif column and line.startswith(" " * column):
            yield f"    {line.strip()}"
        else:
            yield from ([""] if column and line else [])
            column = 0
            yield line
